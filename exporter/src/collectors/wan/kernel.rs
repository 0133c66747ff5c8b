//! The WAN as the kernel shows it, where there is no netifd (or it leaves gaps).

use std::net::IpAddr;

use super::route;
use super::{CollectError, Config, Sample, Source, State};
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

/// Judges the WAN without netifd; `seen` says whether it has ever been found.
pub(super) fn sample(roots: &Roots, config: &Config, seen: bool) -> Result<Sample, CollectError> {
    let exists = |device: &&String| operstate(roots, device).is_some();
    let session = pppoe::sessions(roots).into_iter().next();
    let pppoe = config.pppoe_device.as_ref().filter(exists).cloned();
    let named = config.wan_names.iter().find(exists).cloned();
    let lower = named.or_else(|| session.as_ref().map(|session| session.device.clone()));
    let device = lower.or_else(|| {
        let routes = if config.wan_chosen { Vec::new() } else { route::read(roots) };
        routes.into_iter().map(|route| route.device).find(|device| Some(device) != pppoe.as_ref())
    });

    let dials = pppoe.is_some() || session.is_some();
    let l3_device = if dials { pppoe } else { device.clone() };
    let state = match l3_device.as_ref().and_then(|device| operstate(roots, device)) {
        Some(operstate) => State::of(is_usable(&operstate)),
        None if dials || seen => State::Down,
        None => State::Unknown,
    };
    Ok(Sample {
        interface: config
            .wan_names
            .iter()
            .find(exists)
            .or(device.as_ref())
            .or(config.wan_names.first())
            .cloned()
            .ok_or_else(|| CollectError::NotAvailable("no WAN interface is configured".into()))?,
        proto: dials.then(|| "pppoe".to_owned()),
        gateway: l3_device.as_ref().and_then(|device| route::next_hop(roots, device)),
        l3_device,
        device,
        state,
        up_since: None,
        dns_servers: resolvers(roots),
        source: Source::Kernel,
        errors: Vec::new(),
    })
}

/// The provider's resolvers; a router's own forwarder is not one of them.
fn resolvers(roots: &Roots) -> Vec<IpAddr> {
    let mut servers: Vec<IpAddr> = RESOLVER_FILES
        .iter()
        .filter_map(|path| roots.read(path).ok())
        .map(|text| parse_resolvers(&text))
        .find(|servers| !servers.is_empty())
        .unwrap_or_default();
    servers.dedup();
    servers
}

fn parse_resolvers(text: &str) -> Vec<IpAddr> {
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
