//! Answers of netifd: `ubus call network.interface.<name> status` and
//! `ubus call network.device status`. Pure.
//!
//! Fields as of netifd's `ubus.c` (`netifd_dump_status`) and `device.c`
//! (`device_dump_status`): `uptime`, `l3_device`, addresses, routes and resolvers are
//! there only while `up` is true.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{NextHop, ParseError, Sample, Source, State};

/// OpenWrt routes through this address when the provider's access server does not tell
/// its own (ppp's `ipcp` without remote address): nobody is there to be pinged.
pub(super) const NO_PEER: Ipv4Addr = Ipv4Addr::new(2, 2, 2, 2);

/// What netifd says about an interface.
#[derive(Debug, Deserialize)]
pub(super) struct Interface {
    up: bool,
    /// `false` once somebody has taken the interface down on purpose.
    autostart: Option<bool>,
    uptime: Option<u64>,
    pub(super) device: Option<String>,
    pub(super) l3_device: Option<String>,
    proto: Option<String>,
    #[serde(default, rename = "ipv4-address")]
    ipv4_addresses: Vec<Address>,
    #[serde(default)]
    route: Vec<Route>,
    #[serde(default, rename = "dns-server")]
    dns_servers: Vec<String>,
    #[serde(default)]
    errors: Vec<Fault>,
}

#[derive(Debug, Deserialize)]
struct Address {
    /// The other end of a point-to-point link.
    ptpaddress: Option<IpAddr>,
}

#[derive(Debug, Deserialize)]
struct Route {
    target: IpAddr,
    mask: u8,
    nexthop: Option<IpAddr>,
}

#[derive(Debug, Deserialize)]
struct Fault {
    code: Option<String>,
}

/// Reads the status of an interface.
pub(super) fn parse_interface(text: &str) -> Result<Interface, ParseError> {
    serde_json::from_slice(text.as_bytes())
        .map_err(|_| ParseError::new("status", "netifd's interface status as JSON", text))
}

/// Does the device carry a signal? `None` where the answer does not say.
pub(super) fn parse_carrier(text: &str) -> Option<bool> {
    #[derive(Deserialize)]
    struct Device {
        carrier: Option<bool>,
    }
    serde_json::from_slice::<Device>(text.as_bytes()).ok()?.carrier
}

impl Interface {
    /// A static address stays up while the cable is out, so the carrier counts too.
    pub(super) fn into_sample(self, name: &str, carrier: Option<bool>, now: Instant) -> Sample {
        let up = self.up && carrier != Some(false);
        let gateway = self.gateway();
        Sample {
            interface: name.to_owned(),
            state: State::of(up),
            is_switched_off: !self.up && self.autostart == Some(false),
            up_since: self
                .uptime
                .filter(|_| up)
                .and_then(|uptime| now.checked_sub(Duration::from_secs(uptime))),
            gateway,
            dns_servers: self.dns_servers.iter().filter_map(|text| text.parse().ok()).collect(),
            device: self.device,
            l3_device: self.l3_device,
            proto: self.proto,
            source: Source::Netifd,
            errors: self.errors.into_iter().filter_map(|fault| fault.code).collect(),
        }
    }

    fn gateway(&self) -> Option<NextHop> {
        let routes =
            self.route.iter().filter(|route| route.mask == 0 && route.target.is_unspecified());
        let hops = routes.filter_map(|route| route.nexthop);
        let peers = self.ipv4_addresses.iter().filter_map(|address| address.ptpaddress);
        // A ping to no address would be answered by this router.
        let is_somebody = |hop: &IpAddr| !hop.is_unspecified() && *hop != NO_PEER;
        let mut candidates: Vec<IpAddr> = hops.chain(peers).filter(is_somebody).collect();
        candidates.sort_by_key(IpAddr::is_ipv6);
        candidates.first().map(|&address| NextHop { address, device: self.l3_device.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(text: &str, carrier: Option<bool>) -> Sample {
        let now = crate::clock::monotonic() + Duration::from_secs(1_000_000);
        parse_interface(text).unwrap().into_sample("wan", carrier, now)
    }

    const PPPOE_UP: &str = r#"{"up": true, "pending": false, "uptime": 77, "l3_device": "pppoe-wan",
        "proto": "pppoe", "device": "eth1",
        "ipv4-address": [{"address": "203.0.113.9", "mask": 32, "ptpaddress": "203.0.113.1"}],
        "route": [{"target": "0.0.0.0", "mask": 0, "nexthop": "203.0.113.1", "source": "203.0.113.9\/32"}],
        "dns-server": ["192.0.2.53", "nonsense"], "data": {}}"#;

    #[test]
    fn a_session_that_is_up() {
        let sample = sample(PPPOE_UP, Some(true));
        assert_eq!(sample.state, State::Up);
        assert_eq!(sample.device.as_deref(), Some("eth1"));
        let hop = sample.gateway.unwrap();
        assert_eq!(
            (hop.address.to_string(), hop.device.as_deref()),
            ("203.0.113.1".into(), Some("pppoe-wan"))
        );
        assert_eq!(sample.dns_servers.len(), 1);
        assert!(sample.up_since.is_some());
    }

    #[test]
    fn an_interface_without_carrier_is_down_whatever_its_address_says() {
        let sample = sample(PPPOE_UP, Some(false));
        assert_eq!((sample.state, sample.up_since), (State::Down, None));
    }

    #[test]
    fn a_dial_loop_is_down_and_says_why() {
        let sample = sample(
            r#"{"up": false, "pending": true, "proto": "pppoe", "device": "eth1", "data": {},
                "errors": [{"subsystem": "pppoe", "code": "AUTH_TOPEER_FAILED"}]}"#,
            Some(true),
        );
        assert_eq!((sample.state, sample.gateway), (State::Down, None));
        assert_eq!(sample.errors, ["AUTH_TOPEER_FAILED"]);
        assert!(!sample.is_switched_off);
    }

    #[test]
    fn an_interface_that_was_taken_down_is_switched_off() {
        let text = r#"{"up": false, "available": true, "autostart": false, "data": {}}"#;
        assert!(sample(text, Some(true)).is_switched_off);
        assert!(!sample(&text.replace("false, \"data", "true, \"data"), None).is_switched_off);
    }

    #[test]
    fn the_address_that_stands_for_no_peer_is_not_the_next_hop() {
        for nobody in ["2.2.2.2\"", "0.0.0.0\""] {
            assert_eq!(sample(&PPPOE_UP.replace("203.0.113.1\"", nobody), None).gateway, None);
        }
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for text in ["", "{}", "[]", "{\"up\": \"yes\"}", "Command failed: Not found"] {
            assert!(parse_interface(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_carrier_is_read_where_it_is_told() {
        assert_eq!(parse_carrier(r#"{"type": "Network device", "carrier": false}"#), Some(false));
        assert_eq!(parse_carrier(r#"{"type": "Network device"}"#), None);
        assert_eq!(parse_carrier("nonsense"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            let _ = parse_interface(&text).is_ok();
            let _ = parse_carrier(&text);
        }
    }
}
