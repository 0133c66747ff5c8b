//! What a router writes into its log: lines that tell an event, and the many that do not.
//! As OpenWrt's `logread -t` prints them (ubox, log/logread.c).
//!
//! The noise is written after the format strings of the programs that are named in it;
//! its addresses are those for documentation (RFC 5737, RFC 3849, RFC 7042).

use std::fmt::Write;
use std::net::Ipv4Addr;

use jiff::Timestamp;

use crate::clock;

/// A line that tells an event, and what its event must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLine {
    /// With its end.
    pub text: String,
    /// Milliseconds since 1970.
    pub unix_ms: u64,
    /// Type of the event.
    pub kind: &'static str,
}

/// Whose line goes down and comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// netifd's interface.
    Wan,
    /// pppd's session.
    Pppoe,
}

impl Subject {
    /// Down, then up: type, and the line behind its time.
    fn words(self) -> [(&'static str, &'static str); 2] {
        match self {
            Self::Wan => [
                ("wan_down", "daemon.notice netifd: Interface 'wan' is now down"),
                ("wan_up", "daemon.notice netifd: Interface 'wan' is now up"),
            ],
            Self::Pppoe => [
                ("pppoe_down", "daemon.notice pppd[2411]: Connection terminated."),
                ("pppoe_up", "daemon.notice pppd[2411]: local  IP address 203.0.113.7"),
            ],
        }
    }

    fn line(self, number: usize, unix_ms: u64) -> EventLine {
        let (kind, words) = self.words()[number % 2];
        EventLine { text: format!("{}{words}\n", stamp(unix_ms)), unix_ms, kind }
    }

    /// The types that [`Events`] gives, down first.
    #[must_use]
    pub fn kinds(self) -> [&'static str; 2] {
        self.words().map(|(kind, _)| kind)
    }
}

/// Lines of which each tells exactly one event, because down and up take turns.
#[derive(Debug)]
pub struct Events {
    subject: Subject,
    given: usize,
}

impl Events {
    /// Begins with a failure.
    #[must_use]
    pub fn of(subject: Subject) -> Self {
        Self { subject, given: 0 }
    }

    /// That it is up for the first time. Before that, a failure is no drop: there was
    /// nothing to be dropped.
    #[must_use]
    pub fn first_up(&self, unix_ms: u64) -> EventLine {
        self.subject.line(1, unix_ms)
    }

    /// The next line, at that time.
    pub fn line(&mut self, unix_ms: u64) -> EventLine {
        let line = self.subject.line(self.given, unix_ms);
        self.given += 1;
        line
    }

    /// Lines given so far.
    #[must_use]
    pub fn given(&self) -> usize {
        self.given
    }
}

/// PPPoE sessions that the provider ends and that come back with another address. No two
/// events are alike, whoever stores them without their number.
#[derive(Debug, Default)]
pub struct Sessions {
    given: u32,
}

/// The lines of one session, and the events that they must lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Two lines, with their ends.
    pub text: String,
    /// All at this second: milliseconds since 1970.
    pub unix_ms: u64,
    /// Type, and what tells the event from others: its reason, or its message.
    pub events: Vec<(&'static str, String)>,
}

impl Sessions {
    /// The end of the last session, and the beginning of the next.
    pub fn next(&mut self, unix_ms: u64) -> Session {
        let (before, now) = (address(self.given), address(self.given + 1));
        let reason = format!("session {} is over", self.given);
        let words =
            [format!("LCP terminated by peer ({reason})"), format!("local  IP address {now}")];
        let stamp = stamp(unix_ms);
        let line = |words: String| format!("{stamp}daemon.notice pppd[2411]: {words}\n");
        let mut events = vec![
            ("pppoe_lcp_term", reason),
            ("pppoe_up", format!("PPPoE session is up with the address {now}")),
        ];
        // The first address is no change.
        if self.given > 0 {
            let change = format!("The WAN's address changed from {before} to {now}");
            events.push(("wan_ip_changed", change));
        }
        self.given += 1;
        Session { text: words.map(line).concat(), unix_ms, events }
    }
}

/// Of the network for benchmarks (RFC 2544): 131,072 of them.
fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 0).to_bits() + number % (1 << 17))
}

/// `Mon Mar  3 10:20:30 2025 [1740997230.123] `
fn stamp(unix_ms: u64) -> String {
    let at = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let local = at.unwrap_or_default().strftime("%a %b %e %H:%M:%S %Y");
    format!("{local} [{}.{:03}] ", unix_ms / 1000, unix_ms % 1000)
}

/// Lines that tell nothing of the WAN. `#` is a number that changes, `@` the time since
/// the start of the kernel.
const NOISE: [&str; 24] = [
    "daemon.info dnsmasq-dhcp[2101]: DHCPREQUEST(br-lan) 192.0.2.# 00:00:5e:00:53:#",
    "daemon.info dnsmasq-dhcp[2101]: DHCPACK(br-lan) 192.0.2.# 00:00:5e:00:53:# phone-#",
    "daemon.info dnsmasq-dhcp[2101]: DHCPDISCOVER(br-lan) 00:00:5e:00:53:#",
    "daemon.info dnsmasq-dhcp[2101]: DHCPOFFER(br-lan) 192.0.2.# 00:00:5e:00:53:#",
    "daemon.info dnsmasq[2101]: query[AAAA] host-#.example.net from 192.0.2.#",
    "daemon.info dnsmasq[2101]: forwarded host-#.example.net to 198.51.100.53",
    "daemon.info hostapd: phy1-ap0: STA 00:00:5e:00:53:# IEEE 802.11: authenticated",
    "daemon.info hostapd: phy1-ap0: STA 00:00:5e:00:53:# IEEE 802.11: associated (aid #)",
    "daemon.notice hostapd: phy1-ap0: AP-STA-CONNECTED 00:00:5e:00:53:# auth_alg=open",
    "daemon.notice hostapd: phy1-ap0: AP-STA-DISCONNECTED 00:00:5e:00:53:#",
    "daemon.info hostapd: phy0-ap0: STA 00:00:5e:00:53:# WPA: group key handshake completed (RSN)",
    "kern.warn kernel: [@] reject wan in: IN=wan OUT= MAC=00:00:5e:00:53:01 SRC=198.51.100.# \
     DST=203.0.113.7 LEN=40 TOS=0x00 PREC=0x00 TTL=242 ID=# PROTO=TCP SPT=# DPT=23 WINDOW=1024 \
     RES=0x00 SYN URGP=0",
    "kern.warn kernel: [@] drop guest forward: IN=br-guest OUT=br-lan SRC=192.0.2.# \
     DST=192.0.2.9 LEN=60 TTL=63 ID=# DF PROTO=TCP SPT=# DPT=445 SYN URGP=0",
    "kern.info kernel: [@] br-lan: port 3(lan3) entered forwarding state",
    "kern.info kernel: [@] br-lan: port 3(lan3) entered disabled state",
    "kern.info kernel: [@] mt7530-mdio mdio-bus:1f lan3: Link is Up - 1Gbps/Full - flow control rx/tx",
    "kern.info kernel: [@] mt7530-mdio mdio-bus:1f lan3: Link is Down",
    "daemon.notice netifd: Network device 'lan3' link is up",
    "daemon.notice netifd: bridge 'br-lan' link is up",
    "daemon.warn odhcpd[1623]: No default route present, overriding ra_lifetime to 0!",
    "daemon.info odhcpd[1623]: Got a DHCPv6 request for 2001:db8::#",
    "authpriv.info dropbear[#]: Child connection from 192.0.2.#:51234",
    "cron.info crond[1890]: USER root pid # cmd /usr/sbin/logrotate-check",
    "daemon.info uhttpd[1940]: [info] luci: accepted login on /admin for root from 192.0.2.#",
];

/// Lines that tell nothing, of all kinds in turn.
#[derive(Debug, Default)]
pub struct Noise {
    given: usize,
}

impl Noise {
    /// Appends that many lines of this moment.
    pub fn append(&mut self, out: &mut String, lines: usize) {
        let stamp = stamp(clock::unix_ms());
        // Real times: the exporter compares them with its own clock.
        let uptime = clock::since_boot();
        for _ in 0..lines {
            out.push_str(&stamp);
            for part in NOISE[self.given % NOISE.len()].split_inclusive(['#', '@']) {
                out.push_str(part.trim_end_matches(['#', '@']));
                // Writing to a string does not fail.
                if part.ends_with('#') {
                    write!(out, "{}", 10 + self.given % 90).ok();
                } else if part.ends_with('@') {
                    let (seconds, micros) = (uptime.as_secs(), uptime.subsec_micros());
                    write!(out, "{seconds:>5}.{micros:06}").ok();
                }
            }
            out.push('\n');
            self.given += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_take_turns_and_carry_their_time() {
        let mut events = Events::of(Subject::Wan);
        let first = events.line(1_740_997_230_007);
        assert_eq!(
            first.text,
            "Mon Mar  3 10:20:30 2025 [1740997230.007] daemon.notice netifd: \
             Interface 'wan' is now down\n"
        );
        assert_eq!((first.unix_ms, first.kind), (1_740_997_230_007, "wan_down"));
        assert_eq!([events.line(0).kind, events.line(0).kind], ["wan_up", "wan_down"]);
        assert_eq!(events.given(), 3);
        assert_eq!(events.first_up(0).kind, "wan_up");
        assert_eq!(Subject::Pppoe.kinds(), ["pppoe_down", "pppoe_up"]);
    }

    #[test]
    fn no_two_sessions_are_alike() {
        let mut sessions = Sessions::default();
        let (first, second) = (sessions.next(1_740_997_230_007), sessions.next(0));
        assert_eq!(first.events.len(), 2);
        assert!(first.text.ends_with("pppd[2411]: local  IP address 198.18.0.1\n"));
        let change = "The WAN's address changed from 198.18.0.1 to 198.18.0.2".to_owned();
        assert_eq!(second.events[2], ("wan_ip_changed", change));
        assert_eq!(second.events[0].1, "session 1 is over");
    }

    #[test]
    fn noise_is_whole_lines_without_placeholders() {
        let mut text = String::new();
        Noise::default().append(&mut text, 100);
        assert_eq!(text.lines().count(), 100);
        assert!(text.ends_with('\n'));
        assert!(!text.contains(['#', '@']), "{text}");
        let kernel = text.lines().find(|line| line.contains("kernel: [")).unwrap();
        assert!(kernel.contains('.') && kernel.contains("reject wan in"), "{kernel}");
    }
}
