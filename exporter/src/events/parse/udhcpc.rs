//! BusyBox's DHCP client, as netifd passes its words on for the WAN.
//!
//! Source: busybox networking/udhcp/dhcpc.c; old releases begin with a capital letter.

use std::net::IpAddr;

use super::{Meaning, strip, strip_word};
use crate::events::event::Told;
use crate::events::kind::Kind;

/// What the WAN's client says; `None`: nothing of interest.
pub(super) fn parse(text: &str) -> Option<Meaning<'_>> {
    if let Some(rest) = strip(text, "lease of ") {
        return lease(rest);
    }
    let told = if strip(text, "lease lost").is_some() {
        Told::new(Kind::DhcpLeaseLost, "DHCP lease lost: the provider did not renew it")
    } else if strip_word(text, "received DHCP NAK").is_some() {
        Told::new(Kind::DhcpNak, "DHCP refused: the provider withdrew the address")
    } else if strip(text, "no lease, ").is_some() {
        Told::new(Kind::DhcpNoLease, "DHCP got no answer: the WAN has no address")
    } else if strip_word(text, "received SIGTERM").is_some() {
        return Some(Meaning::ClientStopped);
    } else {
        return None;
    };
    Some(Meaning::Fact(told))
}

/// `A obtained[ from S], lease time N`, also at each renewal
fn lease(rest: &str) -> Option<Meaning<'_>> {
    let (address, rest) = rest.split_once(' ')?;
    let rest = strip_word(rest, "obtained")?;
    let parsed: IpAddr = address.parse().ok()?;
    let told = Told::new(Kind::DhcpLeaseObtained, format!("DHCP gave the address {parsed}"));
    let told = told.with("address", address);
    let server = rest.strip_prefix(" from ").and_then(|rest| rest.split(',').next());
    Some(Meaning::Lease(parsed, told.with("server", server.unwrap_or_default())))
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
    fn leases_come_and_go() {
        check(
            "wan (512): udhcpc: lease of 192.0.2.7 obtained from 192.0.2.1, lease time 900",
            "lease dhcp_lease_obtained address=192.0.2.7 server=192.0.2.1",
        );
        check(
            "wan (512): Lease of 192.0.2.7 obtained, lease time 900",
            "lease dhcp_lease_obtained address=192.0.2.7",
        );
        check("wan (512): udhcpc: lease lost, entering init state", "dhcp_lease_lost");
        check("wan (512): udhcpc: received DHCP NAK", "dhcp_nak");
        check("wan (512): udhcpc: no lease, failing", "dhcp_no_lease");
        check("wan (512): udhcpc: no lease, forking to background", "dhcp_no_lease");
        check("wan (512): udhcpc: received SIGTERM", "client stopped");
    }

    #[test]
    fn the_way_to_a_lease_is_no_event() {
        for text in [
            "started, v1.37.0",
            "broadcasting discover",
            "sending select for 192.0.2.7",
            "sending renew to server 192.0.2.1",
            "unicasting a release of 192.0.2.7 to 192.0.2.1",
            "entering released state",
            "lease of something",
            "lease of 192.0.2.7 refused",
        ] {
            check(&format!("wan (512): udhcpc: {text}"), "-");
        }
    }

    #[test]
    fn other_clients_are_not_the_wans() {
        check("lan (512): udhcpc: lease lost, entering init state", "-");
        check("wan_6 (512): udhcpc: lease lost, entering init state", "-");
        check("udhcpc: lease lost, entering init state", "-");
        let own =
            "Tue Mar  4 05:06:07 2031 daemon.notice udhcpc[9]: lease lost, entering init state";
        check_for("wan,eth1", own, "-");
    }
}
