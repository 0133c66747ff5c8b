//! netifd: states of interfaces and devices, and what its child processes print.
//!
//! Source: openwrt/netifd interface.c (`Interface '%s' is now up`), device.c (`%s '%s' link
//! is %s`), main.c (`%s (%d): %s` for children).

use super::{Family, Meaning, strip, udhcpc};
use crate::events::event::Told;
use crate::events::kind::Kind;
use crate::events::names::Names;

/// What a line of netifd means.
pub(super) fn parse<'a>(text: &'a str, names: &Names) -> Meaning<'a> {
    if let Some((name, state)) = quoted(text, "Interface '") {
        return family(name, names)
            .map_or(Meaning::Nothing, |family| interface(family, name, state));
    }
    if let Some((name, state)) = quoted(text, "Network device '") {
        return if names.is_ppp(name) { ppp_device(name, state) } else { Meaning::Nothing };
    }
    child(text, names).unwrap_or(Meaning::Nothing)
}

/// Which half of the WAN an interface is.
pub(super) fn family(interface: &str, names: &Names) -> Option<Family> {
    if names.is_interface(interface) {
        Some(Family::V4)
    } else {
        names.is_interface6(interface).then_some(Family::V6)
    }
}

pub(super) fn up(family: Family, interface: &str) -> Told {
    let told = match family {
        Family::V4 => Told::new(Kind::WanUp, "WAN is up"),
        Family::V6 => Told::new(Kind::Wan6Up, "IPv6 of the WAN is up"),
    };
    told.with("interface", interface)
}

pub(super) fn down(family: Family, interface: &str) -> Told {
    let told = match family {
        Family::V4 => Told::new(Kind::WanDown, "WAN is down"),
        Family::V6 => Told::new(Kind::Wan6Down, "IPv6 of the WAN is down"),
    };
    told.with("interface", interface)
}

/// `<beginning>name' state`
fn quoted<'a>(text: &'a str, beginning: &str) -> Option<(&'a str, &'a str)> {
    text.strip_prefix(beginning)?.split_once("' ")
}

fn interface<'a>(family: Family, name: &str, state: &str) -> Meaning<'a> {
    let because = |message: [&'static str; 2]| {
        let [v4, v6] = message;
        let mut told = down(family, name);
        told.message = if family == Family::V4 { v4 } else { v6 }.into();
        told
    };
    match state.trim_end() {
        "is now up" => Meaning::Fact(up(family, name)),
        "is now down" => Meaning::Fact(down(family, name)),
        "has lost the connection" => Meaning::ConnectionLost(
            family,
            because([
                "WAN is down: its session or lease ended",
                "IPv6 of the WAN is down: its session or lease ended",
            ]),
        ),
        "has link connectivity loss" => Meaning::LinkLost(
            family,
            because([
                "WAN is down: the device under it has no link",
                "IPv6 of the WAN is down: the device under it has no link",
            ]),
        ),
        "has link connectivity" => Meaning::LinkRegained(family),
        "is disabled" => Meaning::TornDown(family),
        "is setting up now" | "is enabled" => Meaning::SetUp(family),
        _ => Meaning::Nothing,
    }
}

/// The device of the session comes and goes with it.
fn ppp_device<'a>(name: &str, state: &str) -> Meaning<'a> {
    let told = match state.trim_end() {
        "link is up" => Told::new(Kind::PppoeUp, "PPPoE session is up"),
        "link is down" => Told::new(Kind::PppoeDown, "PPPoE session is down: its device is gone"),
        _ => return Meaning::Nothing,
    };
    Meaning::Fact(told.with("device", name))
}

/// `wan (1234): text`
fn child<'a>(text: &'a str, names: &Names) -> Option<Meaning<'a>> {
    let (interface, rest) = text.split_once(" (")?;
    let (pid, words) = rest.split_once("): ")?;
    let pid = pid.parse().ok()?;
    if interface.contains(' ') {
        return None;
    }
    let of_wan = names.is_interface(interface);
    if of_wan && let Some(meaning) = udhcpc::parse(strip(words, "udhcpc: ").unwrap_or(words)) {
        return Some(meaning);
    }
    // Only sessions are told apart by their process; a DHCP client is none.
    let is_session = names.has_ppp() && !words.starts_with("udhcpc: ");
    is_session.then_some(Meaning::Child { pid, of_wan })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_for;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let line = format!("Tue Mar  4 05:06:07 2031 daemon.notice netifd: {text}");
        check_for("wan,eth1", &line, expected);
    }

    #[test]
    fn an_interface_goes_up_and_down() {
        check("Interface 'wan' is now up", "wan_up interface=wan");
        check("Interface 'wan' is now down", "wan_down interface=wan");
        check(
            "Interface 'wan' has lost the connection",
            "connection lost V4 wan_down interface=wan",
        );
        check("Interface 'wan' has link connectivity loss", "link lost V4 wan_down interface=wan");
        check("Interface 'wan' has link connectivity ", "link regained V4");
        check("Interface 'wan' has link connectivity", "link regained V4");
        check("Interface 'wan6' is now up", "wan6_up interface=wan6");
        check(
            "Interface 'wan_6' has link connectivity loss",
            "link lost V6 wan6_down interface=wan_6",
        );
        check("Interface 'wan' is disabled", "torn down V4");
        check("Interface 'wan_6' is disabled", "torn down V6");
        for state in ["is enabled", "is setting up now"] {
            check(&format!("Interface 'wan' {state}"), "set up V4");
            check(&format!("Interface 'wan_6' {state}"), "set up V6");
        }
        for state in ["is now upside", "is setting up", ""] {
            check(&format!("Interface 'wan' {state}"), "-");
        }
        for other in ["lan", "wanb", "wwan", "wan1", "guest_wan", "wan_6_4", "", "eth1.wan"] {
            check(&format!("Interface '{other}' is now down"), "-");
        }
    }

    #[test]
    fn only_the_device_of_the_session_counts() {
        check("Network device 'pppoe-wan' link is up", "pppoe_up device=pppoe-wan");
        check("Network device 'pppoe-wan' link is down", "pppoe_down device=pppoe-wan");
        check("Network device 'pppoe-wanb' link is down", "-");
        check("Network device 'eth1' link is down", "-");
        check("Network alias 'pppoe-wan' link is down", "-");
        check("bridge 'br-lan' link is down", "-");
    }

    #[test]
    fn children_are_told_from_each_other() {
        check("wan (512): sh: something", "child 512 of the WAN");
        check("vpn (513): something", "child 513");
        check("lan (513): udhcpc: broadcasting discover", "-");
        check("wan (x): something", "-");
        check("no child (514): something", "-");
    }
}
