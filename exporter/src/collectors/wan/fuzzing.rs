//! What a fuzzer calls with netifd's answers, and with the kernel's tables of routes.

use std::time::Duration;

use super::{candidate, kernel, netifd, route};
use crate::clock;
use crate::fuzzing::shown;

/// What `ubus call` prints about an interface, a device, or all interfaces.
///
/// # Panics
/// When something is made of it that cannot be.
pub fn netifd_answer(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    netifd::parse_carrier(&text);
    for carrier in [None, Some(true), Some(false)] {
        let Ok(status) = netifd::parse_interface(&text) else { break };
        let now = clock::monotonic() + Duration::from_secs(1_000_000);
        let sample = status.into_sample("wan", carrier, now);
        let gateway = sample.gateway.as_ref().map(|hop| hop.address);
        let is_somebody = |address: std::net::IpAddr| {
            !address.is_unspecified() && address != std::net::IpAddr::from(netifd::NO_PEER)
        };
        assert!(gateway.is_none_or(is_somebody), "{gateway:?}");
        assert!(carrier != Some(false) || sample.state != super::State::Up);
        assert!(sample.up_since.is_none_or(|since| since <= now));
        let servers = sample.dns_servers.len();
        let sample = sample.clone().remembering(Some(&sample));
        assert!(sample.dns_servers.len() <= servers);
        assert!(shown(sample).contains("wan_up{interface=\"wan\"} "));
    }
    for candidate in candidate::parse(&text).unwrap_or_default() {
        let line = candidate.to_string();
        // For people, and for `read` in a shell.
        assert!(line.split_whitespace().count() == 4 && line.lines().count() == 1, "{line}");
    }
}

/// `/proc/net/route`, `/proc/net/ipv6_route`, `resolv.conf`.
pub(in crate::collectors) fn kernel_text(text: &str) {
    for (v4, v6) in [(text, ""), ("", text), (text, text)] {
        let hop = route::next_hop_in(v4, v6, "eth1");
        assert!(hop.is_none_or(|hop| !hop.address.is_unspecified()), "{text}");
    }
    assert!(kernel::parse_resolvers(text).iter().all(|server| !server.is_loopback()));
}
