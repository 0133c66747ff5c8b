//! The WAN as the kernel shows it, where there is no netifd (or it leaves gaps).

use std::net::IpAddr;

use super::route;
use super::{CollectError, Config, PPPOE, Sample, Source, State};
use crate::collectors::pppoe;
use crate::roots::Roots;

/// Where the provider's resolvers are kept: OpenWrt's own list first, since
/// `/etc/resolv.conf` there names the router itself.
const RESOLVER_FILES: [&str; 3] =
    ["/tmp/resolv.conf.d/resolv.conf.auto", "/tmp/resolv.conf.auto", "/etc/resolv.conf"];

/// The kernel's word for a device's state; `None` when there is no such device.
pub(super) fn operstate(roots: &Roots, device: &str) -> Option<String> {
    let text = roots.read(&format!("/sys/class/net/{device}/operstate")).ok()?;
    Some(text.trim().to_owned())
}

/// Can packets pass? `unknown` is what a ppp device says all its life, and it means
/// usable (kernel, Documentation/networking/operstates.rst).
pub(in crate::collectors) fn is_usable(operstate: &str) -> bool {
    matches!(operstate, "up" | "unknown")
}

/// Fills what netifd leaves out.
pub(super) fn completed(roots: &Roots, mut sample: Sample) -> Sample {
    // Older releases do not list the device of a dial-up; the session's own row does.
    if sample.device.is_none() {
        sample.device = pppoe::sessions(roots).into_iter().next().map(|session| session.device);
    }
    if let (None, Some(device)) = (&sample.gateway, &sample.l3_device) {
        sample.gateway = route::next_hop(roots, device);
    }
    if sample.dns_servers.is_empty() {
        sample.dns_servers = resolvers(roots);
    }
    sample
}

/// Judges the WAN without netifd. What has been found before is remembered: a route, a
/// session and a device are gone in an outage, and the names must stay.
pub(super) fn sample(
    roots: &Roots,
    config: &Config,
    before: Option<&Sample>,
) -> Result<Sample, CollectError> {
    let exists = |device: &&String| operstate(roots, device).is_some();
    let named = config.wan_names.iter().find(exists).cloned();
    let routed: Vec<String> =
        route::read(roots).into_iter().map(|route| route.device).filter(|d| d != "lo").collect();
    let dialled = config
        .pppoe_device
        .as_ref()
        .and_then(|configured| dialled(roots, configured, named.as_deref(), &routed, before));
    let device = named
        .clone()
        .or_else(|| dialled.as_ref()?.lower.clone())
        // A dial-up that is down keeps its device; the route may be that of a backup.
        .or_else(|| dialled.as_ref().and(before)?.device.clone())
        .or_else(|| {
            // Where nobody has named the WAN, the default route does.
            let chosen = config.wan_chosen;
            routed.iter().find(|device| !chosen && !is_ppp(roots, device)).cloned()
        })
        .or_else(|| before?.device.clone());

    let l3_device = match &dialled {
        Some(dialled) => dialled.device.clone(),
        None => device.clone(),
    };
    let seen = before.is_some_and(|before| before.state != State::Unknown);
    let state = match l3_device.as_ref().and_then(|device| operstate(roots, device)) {
        Some(operstate) => State::of(is_usable(&operstate)),
        None if dialled.is_some() || seen => State::Down,
        None => State::Unknown,
    };
    let first = || config.wan_names.first().cloned();
    let interface = named.or_else(|| device.clone()).or_else(first);
    Ok(Sample {
        interface: interface
            .ok_or_else(|| CollectError::NotAvailable("no WAN interface is configured".into()))?,
        proto: dialled.map(|_| PPPOE.to_owned()),
        gateway: l3_device.as_ref().and_then(|device| route::next_hop(roots, device)),
        l3_device,
        device,
        state,
        up_since: None,
        dns_servers: resolvers(roots),
        source: Source::Kernel,
        is_switched_off: false,
        errors: Vec::new(),
    })
}

/// A PPPoE dial-up of this WAN.
struct Dialled {
    /// The device with the addresses, where it is known.
    device: Option<String>,
    /// The device with the cable.
    lower: Option<String>,
}

/// `None`: this WAN does not dial.
fn dialled(
    roots: &Roots,
    configured: &str,
    named: Option<&str>,
    routed: &[String],
    before: Option<&Sample>,
) -> Option<Dialled> {
    let of_wan = |device: &str| {
        // A VLAN of the named device is the same cable.
        let vlan = |named: &str| device.strip_prefix(named).is_some_and(|r| r.starts_with('.'));
        named.is_none_or(|named| device == named || vlan(named))
    };
    let session = pppoe::sessions(roots).into_iter().find(|session| of_wan(&session.device));
    // A default route through the lower device itself: this WAN does not dial any more.
    let is_bare = |before: &&Sample| {
        session.is_none() && before.device.as_ref().is_some_and(|device| routed.contains(device))
    };
    let before = before
        .filter(|before| before.proto.as_deref() == Some(PPPOE))
        .filter(|before| !is_bare(before));
    let device = if operstate(roots, configured).is_some() {
        Some(configured.to_owned())
    } else {
        // pppd names its devices itself where nobody tells it to.
        let other = routed.iter().find(|device| session.is_some() && is_ppp(roots, device));
        other.cloned().or_else(|| before?.l3_device.clone())
    };
    let dials = device.is_some() || session.is_some() || before.is_some();
    dials.then(|| Dialled { device, lower: session.map(|session| session.device) })
}

/// `ARPHRD_PPP` of `linux/if_arp.h`.
fn is_ppp(roots: &Roots, device: &str) -> bool {
    roots.read(&format!("/sys/class/net/{device}/type")).is_ok_and(|kind| kind.trim() == "512")
}

/// The provider's resolvers; a router's own forwarder is not one of them.
fn resolvers(roots: &Roots) -> Vec<IpAddr> {
    RESOLVER_FILES
        .iter()
        .filter_map(|path| roots.read(path).ok())
        .map(|text| parse_resolvers(&text))
        .find(|servers| !servers.is_empty())
        .unwrap_or_default()
}

pub(super) fn parse_resolvers(text: &str) -> Vec<IpAddr> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"))
        .filter_map(|address| address.trim().parse::<IpAddr>().ok())
        .filter(|address| !address.is_loopback())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_ppp_device_of_unknown_state_is_usable() {
        assert!(is_usable("unknown") && is_usable("up"));
        for state in ["down", "lowerlayerdown", "dormant", "notpresent", ""] {
            assert!(!is_usable(state), "{state}");
        }
    }

    #[test]
    fn the_routers_own_forwarder_is_no_resolver_of_the_provider() {
        let text = "# Interface wan\nnameserver 192.0.2.53\nnameserver 127.0.0.1\nsearch lan\n";
        assert_eq!(parse_resolvers(text), [IpAddr::from([192, 0, 2, 53])]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_skipped(text in "(nameserver|[0-9.:a-f \n#]){0,40}") {
            prop_assert!(parse_resolvers(&text).iter().all(|server| !server.is_loopback()));
        }
    }
}
