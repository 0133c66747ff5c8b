//! The default route: `/proc/net/route` and `/proc/net/ipv6_route`. Pure but for [`read`] and
//! [`source_address`].
//!
//! Formats: Linux `net/ipv4/fib_trie.c` (`fib_route_seq_show`: addresses as they lie in
//! memory, so the word order of this machine) and `net/ipv6/route.c` (`rt6_info_route`:
//! plain hexadecimal).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use super::netifd::NO_PEER;
use crate::roots::Roots;

/// `RTF_UP` and `RTF_REJECT` of `linux/route.h`.
const UP: u32 = 0x0001;
const REJECT: u32 = 0x0200;

/// Where packets for the internet go first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NextHop {
    pub(crate) address: IpAddr,
    /// The device that leads there: a link-local address needs it.
    pub(crate) device: Option<String>,
}

/// One line of a routing table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) device: String,
    destination: IpAddr,
    prefix: u32,
    gateway: Option<IpAddr>,
    metric: u32,
}

/// The default routes of the device, the preferred one first: IPv4 before IPv6, lower
/// metric before higher.
pub(crate) fn read(roots: &Roots) -> Vec<Route> {
    let v4 = roots.read("/proc/net/route").unwrap_or_default();
    let v6 = roots.read("/proc/net/ipv6_route").unwrap_or_default();
    default_routes(&v4, &v6)
}

/// The address at the other end: the gateway, or the peer of a point-to-point device.
pub(crate) fn next_hop(roots: &Roots, device: &str) -> Option<NextHop> {
    let v4 = roots.read("/proc/net/route").unwrap_or_default();
    let v6 = roots.read("/proc/net/ipv6_route").unwrap_or_default();
    next_hop_in(&v4, &v6, device)
}

/// The address that packets to `to` leave with; `None` without a route. Nothing is sent.
pub(crate) fn source_address(to: IpAddr) -> Option<IpAddr> {
    let any = match to {
        IpAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    // Connecting looks the route up; the port is never used.
    socket.connect((to, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn default_routes(v4: &str, v6: &str) -> Vec<Route> {
    let mut routes: Vec<Route> = parse_v4(v4).filter(|route| route.prefix == 0).collect();
    let mut later: Vec<Route> = parse_v6(v6).filter(|route| route.prefix == 0).collect();
    routes.sort_by_key(|route| route.metric);
    later.sort_by_key(|route| route.metric);
    routes.extend(later);
    routes
}

pub(super) fn next_hop_in(v4: &str, v6: &str, device: &str) -> Option<NextHop> {
    let through = |route: &Route| route.device == device;
    let gateway =
        default_routes(v4, v6).into_iter().filter(through).find_map(|route| route.gateway);
    // A point-to-point link has no gateway; its peer has a host route.
    let peer = || {
        let host = |route: &Route| route.prefix == 32 && route.gateway.is_none();
        parse_v4(v4).filter(through).find(host).map(|route| route.destination)
    };
    let is_somebody = |address: &IpAddr| !address.is_unspecified() && *address != NO_PEER;
    let address = gateway.or_else(peer).filter(is_somebody)?;
    Some(NextHop { address, device: Some(device.to_owned()) })
}

fn parse_v4(text: &str) -> impl Iterator<Item = Route> {
    text.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace();
        let device = fields.next()?.to_owned();
        let mut word = || u32::from_str_radix(fields.next()?, 16).ok();
        let (destination, gateway, flags) = (word()?, word()?, word()?);
        let mut fields = fields.skip(2);
        let metric = fields.next()?.parse().ok()?;
        let mask = u32::from_str_radix(fields.next()?, 16).ok()?;
        let address = |word: u32| IpAddr::V4(Ipv4Addr::from(word.to_ne_bytes()));
        usable(flags).then(|| Route {
            device,
            destination: address(destination),
            prefix: mask.count_ones(),
            gateway: (gateway != 0).then(|| address(gateway)),
            metric,
        })
    })
}

fn parse_v6(text: &str) -> impl Iterator<Item = Route> {
    text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [destination, prefix, _, _, gateway, metric, _, _, flags, device] = fields[..] else {
            return None;
        };
        let address = |word| u128::from_str_radix(word, 16).ok().map(Ipv6Addr::from);
        let number = |word| u32::from_str_radix(word, 16).ok();
        let gateway = address(gateway)?;
        usable(number(flags)?).then_some(Route {
            device: device.to_owned(),
            destination: IpAddr::V6(address(destination)?),
            prefix: number(prefix)?,
            gateway: (!gateway.is_unspecified()).then_some(IpAddr::V6(gateway)),
            metric: number(metric)?,
        })
    })
}

/// `lo` carries the kernel's own "no route" entry, marked as rejecting.
fn usable(flags: u32) -> bool {
    flags & UP != 0 && flags & REJECT == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // Written as a little-endian machine prints them; the other kind is tried by the
    // word order of `hex`.
    fn hex(a: u8, b: u8, c: u8, d: u8) -> String {
        format!("{:08X}", u32::from_ne_bytes([a, b, c, d]))
    }

    /// Device, destination, gateway, metric, mask.
    type Row = (&'static str, [u8; 4], [u8; 4], u32, [u8; 4]);

    fn v4(rows: &[Row]) -> String {
        let header =
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
        rows.iter().fold(header.to_owned(), |text, (device, to, via, metric, mask)| {
            let [to, via, mask] = [to, via, mask].map(|&[a, b, c, d]| hex(a, b, c, d));
            text + &format!("{device}\t{to}\t{via}\t0003\t0\t0\t{metric}\t{mask}\t0\t0\t0\n")
        })
    }

    const ANY: [u8; 4] = [0; 4];
    const HOST: [u8; 4] = [255; 4];

    #[test]
    fn the_gateway_with_the_lowest_metric_comes_first() {
        let text = v4(&[
            ("wwan0", ANY, [198, 51, 100, 1], 20, ANY),
            ("eth1", ANY, [192, 0, 2, 1], 0, ANY),
            ("br-lan", [192, 168, 1, 0], ANY, 0, [255, 255, 255, 0]),
        ]);
        let devices: Vec<String> =
            default_routes(&text, "").into_iter().map(|r| r.device).collect();
        assert_eq!(devices, ["eth1", "wwan0"]);
        let hop = next_hop_in(&text, "", "eth1").unwrap();
        assert_eq!(hop.address, IpAddr::from([192, 0, 2, 1]));
    }

    #[test]
    fn a_ppp_peer_is_found_by_its_host_route() {
        let text = v4(&[("ppp0", ANY, ANY, 0, ANY), ("ppp0", [203, 0, 113, 1], ANY, 0, HOST)]);
        assert_eq!(next_hop_in(&text, "", "ppp0").unwrap().address, IpAddr::from([203, 0, 113, 1]));
        for nobody in [[2, 2, 2, 2], ANY] {
            let nobody = v4(&[("ppp0", ANY, ANY, 0, ANY), ("ppp0", nobody, ANY, 0, HOST)]);
            assert_eq!(next_hop_in(&nobody, "", "ppp0"), None);
        }
    }

    #[test]
    fn an_ipv6_gateway_serves_where_there_is_no_other() {
        let zeros = "0".repeat(32);
        let text = format!(
            "{zeros} 00 {zeros} 00 fe80000000000000020000fffe000001 00000400 1 0 00000003 eth1\n\
             {zeros} 00 {zeros} 00 {zeros} ffffffff 1 0 00200200 lo\n"
        );
        let hop = next_hop_in("", &text, "eth1").unwrap();
        assert_eq!(hop.address.to_string(), "fe80::200:ff:fe00:1");
        assert_eq!(default_routes("", &text).len(), 1, "the rejecting route does not count");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_skipped(v4 in ".{0,200}", v6 in "[0-9a-f \n]{0,300}") {
            let _ = next_hop_in(&v4, &v6, "eth0");
        }
    }
}
