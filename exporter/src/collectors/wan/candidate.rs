//! Which interfaces may be the WAN: `ubus call network.interface dump`. Pure.
//!
//! For `interfaces`, which the installer asks before it writes the first settings. Fields as
//! in `netifd.rs`; the dump is a list of the same objects, each with its name.

use std::fmt;

use serde_json::Value;

use super::PPPOE;

/// Protocols that a line to the internet may have. A tunnel such as `wireguard` is none: it runs
/// over the line.
const UPLINKS: [&str; 11] =
    [PPPOE, "dhcp", "pppoa", "qmi", "mbim", "ncm", "3g", "modemmanager", "static", "l2tp", "pptp"];

/// Also spoken within the house, or over another line.
const ONLY_WITH_ROUTE: [&str; 3] = ["static", "l2tp", "pptp"];

/// An interface of netifd that may be the WAN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// What `WAN_IFACE` wants.
    pub(crate) interface: String,
    /// `pppoe`, `dhcp`, …
    pub(crate) proto: String,
    /// The device with the addresses; `-` where a line that is down has none.
    pub(crate) device: String,
    pub(crate) up: bool,
    /// Metric of its default route.
    route: Option<u64>,
}

/// The interfaces that may be the WAN, the likeliest first; `None` for what is no dump.
pub(crate) fn parse(dump: &str) -> Option<Vec<Candidate>> {
    let dump: Value = serde_json::from_slice(dump.as_bytes()).ok()?;
    let interfaces = dump["interface"].as_array()?;
    let mut candidates: Vec<Candidate> =
        interfaces.iter().filter_map(|status| candidate(status, interfaces)).collect();
    // Stable: what netifd lists first stays first among equals.
    candidates.sort_by_key(|one| (one.route.is_none(), one.route, one.proto != PPPOE));
    Some(candidates)
}

fn candidate(status: &Value, all: &[Value]) -> Option<Candidate> {
    let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
    let (interface, proto) = (text("interface"), text("proto"));
    let up = status["up"] == true;
    // A modem's addresses and routes are told of an interface that netifd makes beside it.
    let beside = |other: &&Value| other["dynamic"] == true && has_device_of(other, status);
    let route =
        default_route(status).or_else(|| all.iter().filter(beside).filter_map(default_route).min());
    // The IPv6 half of a WAN appears as an interface of its own, made by netifd.
    let is_uplink = UPLINKS.contains(&proto.as_str()) && status["dynamic"] != true;
    let is_wan = route.is_some() || !ONLY_WITH_ROUTE.contains(&proto.as_str());
    if !is_uplink || !is_wan {
        return None;
    }
    let device = match status["l3_device"].as_str().or(status["device"].as_str()) {
        // A session that is down has no device; ppp.sh will call it so.
        _ if proto == PPPOE && !up => format!("pppoe-{interface}"),
        Some(device) => device.to_owned(),
        None => "-".to_owned(),
    };
    // A line is four words: one with blanks in a name would be read as others.
    (is_word(&interface) && is_word(&device)).then_some(Candidate {
        interface,
        proto,
        device,
        up,
        route,
    })
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn has_device_of(one: &Value, other: &Value) -> bool {
    let device = &one["l3_device"];
    device.is_string() && *device == other["l3_device"]
}

fn default_route(status: &Value) -> Option<u64> {
    let is_default = |route: &&Value| route["target"] == "0.0.0.0" && route["mask"] == 0;
    let route = status["route"].as_array()?.iter().find(is_default)?;
    Some(route["metric"].as_u64().unwrap_or_default())
}

/// A line of four words: for people, and for `read` in a shell.
impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.up { "up" } else { "down" };
        write!(f, "{:<12} {:<8} {:<14} {state}", self.interface, self.proto, self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(interfaces: &str, expected: &[&str]) {
        let found = parse(&format!("{{\"interface\": [{interfaces}]}}")).unwrap();
        let lines: Vec<String> = found
            .iter()
            .map(|one| one.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(lines, expected);
    }

    const LOOPBACK: &str = r#"{"interface": "loopback", "up": true, "l3_device": "lo", "proto": "static",
        "route": []}"#;
    const LAN: &str =
        r#"{"interface": "lan", "up": true, "l3_device": "br-lan", "proto": "static"}"#;
    const WAN: &str = r#"{"interface": "wan", "up": true, "l3_device": "pppoe-wan", "proto": "pppoe",
        "device": "eth1", "route": [{"target": "0.0.0.0", "mask": 0, "nexthop": "198.51.100.1"}]}"#;
    const WAN_6: &str = r#"{"interface": "wan_6", "up": true, "l3_device": "pppoe-wan", "dynamic": true,
        "proto": "dhcpv6", "route": [{"target": "::", "mask": 0}]}"#;

    #[test]
    fn the_line_with_the_default_route_is_the_wan() {
        check(&[LOOPBACK, LAN, WAN, WAN_6].join(","), &["wan pppoe pppoe-wan up"]);
    }

    #[test]
    fn a_session_that_is_down_is_found_with_the_device_it_will_have() {
        let down = r#"{"interface": "fibre", "up": false, "proto": "pppoe", "device": "eth1"}"#;
        let dhcp = r#"{"interface": "wan", "up": false, "proto": "dhcp", "device": "eth1"}"#;
        check(
            &[LAN, dhcp, down].join(","),
            &["fibre pppoe pppoe-fibre down", "wan dhcp eth1 down"],
        );
        check(r#"{"interface": "wwan", "proto": "dhcp"}"#, &["wwan dhcp - down"]);
    }

    #[test]
    fn the_lower_metric_comes_first_and_a_tunnel_is_none() {
        let route = |name: &str, proto: &str, metric: u32| {
            format!(
                r#"{{"interface": "{name}", "up": true, "proto": "{proto}", "l3_device": "x",
                "route": [{{"target": "0.0.0.0", "mask": 0, "metric": {metric}}}]}}"#
            )
        };
        let all = [
            route("wwan", "dhcp", 20),
            route("vpn", "wireguard", 0),
            route("uplink", "static", 10),
        ];
        check(&all.join(","), &["uplink static x up", "wwan dhcp x up"]);
    }

    #[test]
    fn a_modem_has_the_route_of_the_interface_beside_it() {
        let modem = r#"{"interface": "wwan", "up": true, "proto": "qmi", "l3_device": "wwan0"}"#;
        let beside = r#"{"interface": "wwan_4", "up": true, "proto": "dhcp", "dynamic": true,
            "l3_device": "wwan0", "route": [{"target": "0.0.0.0", "mask": 0}]}"#;
        let idle = r#"{"interface": "wan", "up": false, "proto": "dhcp", "device": "eth1"}"#;
        check(&[idle, modem, beside].join(","), &["wwan qmi wwan0 up", "wan dhcp eth1 down"]);
    }

    #[test]
    fn what_is_no_dump_is_refused() {
        for text in ["", "{}", "[]", "{\"interface\": 1}", "Command failed: Not found"] {
            assert_eq!(parse(text), None, "{text}");
        }
        check("1, {}, null, {\"interface\": 7}", &[]);
        check(r#"{"interface": "wan -\nx", "proto": "dhcp"}"#, &[]);
        check(r#"{"interface": "wan", "proto": "dhcp", "device": " "}"#, &[]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            let _ = parse(&text);
        }
    }
}
