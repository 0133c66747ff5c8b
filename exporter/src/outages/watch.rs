//! The second hand of the outage detector: looks at every witness once a second.
//!
//! Reads nothing that can hang: the last readings of sensors, the fates of probes, and
//! three small files of `/sys/class/net` that the kernel answers without a lock.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use super::look::{Dns, Lcp, Light, Look, Pinged, Port, Probe, Wan};
use super::sign::Sign;
use crate::clock;
use crate::collectors::conntrack::parse_number;
use crate::collectors::sensor::Latest;
use crate::collectors::wan::{self, PPPOE, State, route};
use crate::collectors::{lcp_echo, optical};
use crate::config::{Live, Scope};
use crate::events::intake::Intake;
use crate::probes::dns;
use crate::probes::history::Fate;
use crate::probes::ping::{Targets, Watched};
use crate::roots::Roots;

const PERIOD: Duration = Duration::from_secs(1);

/// What a receiver of class B+ needs, where the module does not say: ITU-T G.984.2.
const NEEDED_DBM: f64 = -28.0;

/// `IFF_UP` in a device's flags (Linux, include/uapi/linux/if.h).
const IFF_UP: u32 = 1;

/// Where the kernel keeps what it said when it crashed, over the next start.
const PSTORE: &str = "/sys/fs/pstore";

/// All witnesses.
pub(crate) struct Watch {
    pub(crate) roots: Roots,
    pub(crate) config: Live,
    pub(crate) wan: Arc<Latest<wan::Sample>>,
    pub(crate) optical: Arc<Latest<optical::Sample>>,
    pub(crate) lcp_echo: Arc<Latest<lcp_echo::Sample>>,
    pub(crate) targets: Targets,
    pub(crate) dns: dns::Dns,
    pub(crate) intake: Arc<Intake>,
    /// The light of the moment is wanted.
    pub(crate) light_wanted: Arc<Notify>,
}

impl Watch {
    /// Looks for ever.
    pub(crate) async fn run(self) {
        let has_crash_record = !self.roots.list(PSTORE).is_empty();
        // Before that nobody knows whether the WAN is up.
        self.wan.begun().await;
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.intake.look(self.look(has_crash_record)) {
                self.light_wanted.notify_one();
            }
        }
    }

    fn look(&self, has_crash_record: bool) -> Look {
        let now = Now { monotonic: clock::monotonic(), since_boot: clock::since_boot() };
        let all = self.targets.all();
        let is_gateway = |watched: &Watched| watched.target.scope == Scope::Gateway;
        let known = self.wan.last_known();
        // Those that may not be pinged are there without fates: nobody sees them.
        let targets = all.iter().filter(|watched| !is_gateway(watched));
        let targets: Vec<Pinged> = targets.map(|watched| pinged(watched, now)).collect();
        let config = self.config.now();
        Look {
            at: now.since_boot,
            interval: config.ping_interval,
            timeout: config.ping_timeout,
            is_by_wan: known.as_deref().and_then(|wan| is_by_wan(&targets, wan)),
            targets,
            gateway: all
                .iter()
                .find(|watched| is_gateway(watched) && !watched.is_forbidden())
                .map(|watched| pinged(watched, now)),
            dns: self.dns.last_round().map(|round| Dns {
                at: now.since_boot_of(round.over),
                is_answered: round.is_answered,
            }),
            lcp: self.lcp_echo.sample().filter(|lcp| lcp.is_open).map(|lcp| Lcp {
                replied: lcp.replied.map(|at| now.since_boot_of(at)),
                interval: lcp.interval,
            }),
            wan: self.wan(known.as_deref()),
            port: known.as_deref().map(|wan| self.port(wan)).unwrap_or_default(),
            light: self
                .optical
                .last_read()
                .and_then(|(light, read)| light_of(&light, now.since_boot_of(read))),
            has_crash_record,
        }
    }

    fn wan(&self, known: Option<&wan::Sample>) -> Wan {
        let sample = self.wan.sample();
        let state = sample.as_ref().map_or(State::Unknown, |wan| wan.state);
        let down = sample.iter().filter(|wan| wan.state == State::Down);
        let codes = down.flat_map(|wan| &wan.errors);
        Wan {
            state,
            // netifd gives up after errors as well, such as a refused password.
            is_switched_off: sample
                .as_ref()
                .is_some_and(|wan| wan.is_switched_off && wan.errors.is_empty()),
            faults: codes.filter_map(|code| fault(code)).collect(),
            is_gateway_in_house: known.and_then(is_gateway_in_house),
        }
    }

    fn port(&self, wan: &wan::Sample) -> Port {
        let Some(device) = &wan.device else { return Port::default() };
        let read = |file| self.roots.read(&format!("/sys/class/net/{device}/{file}")).ok();
        let operstate = read("operstate");
        let flags = read("flags")
            .and_then(|text| u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok());
        let is_on = flags.map(|flags| flags & IFF_UP != 0);
        let carrier = match operstate.as_deref().map(str::trim) {
            Some("up") => Some(true),
            // A device that is off has no carrier to lose.
            Some("down" | "lowerlayerdown") if is_on != Some(false) => Some(false),
            _ => None,
        };
        Port {
            carrier,
            losses: read("carrier_down_count").and_then(|text| parse_number(&text).ok()),
            // netifd itself switches devices off and on between two dials.
            is_on: is_on.filter(|_| wan.source == wan::Source::Kernel),
        }
    }
}

/// One moment on both clocks that nobody sets.
#[derive(Debug, Clone, Copy)]
struct Now {
    monotonic: Instant,
    since_boot: Duration,
}

impl Now {
    fn since_boot_of(self, at: Instant) -> Duration {
        self.since_boot.saturating_sub(self.monotonic.saturating_duration_since(at))
    }
}

fn pinged(watched: &Watched, now: Now) -> Pinged {
    watched.with(|history| Pinged {
        host: watched.target.host.clone(),
        address: history.address,
        probes: history
            .take_fresh()
            .map(|(sent, fate)| Probe {
                sent: now.since_boot_of(sent),
                answered: match fate {
                    Fate::Answered(rtt) => Some(now.since_boot_of(sent + rtt)),
                    Fate::Lost | Fate::NotSent => None,
                },
                was_sent: fate != Fate::NotSent,
            })
            .collect(),
    })
}

/// Do targets that have just been silent lie behind the WAN's next hop? The kernel gives
/// both the same address to send from, unless a VPN or another WAN carries the one.
fn is_by_wan(targets: &[Pinged], wan: &wan::Sample) -> Option<bool> {
    let hop = wan.gateway.as_ref()?.address;
    let is_silent = |pinged: &&Pinged| pinged.probes.iter().any(|probe| probe.answered.is_none());
    let silent = targets.iter().filter(is_silent).filter_map(|pinged| pinged.address);
    let mut own = silent
        .filter(|address| address.is_ipv4() == hop.is_ipv4())
        .filter_map(route::source_address)
        .peekable();
    own.peek()?;
    let from = route::source_address(hop)?;
    Some(own.all(|address| address == from))
}

/// Who dials talks to the provider, whatever address it has. Behind DHCP a private address
/// may be a box in this house, or a provider that is short of addresses; so may be one that
/// was set by hand, and IPv6 shows its next hop by a local address only.
fn is_gateway_in_house(wan: &wan::Sample) -> Option<bool> {
    let is_dialled = wan.proto.as_deref() == Some(PPPOE)
        || wan.l3_device.as_deref().is_some_and(|device| device.starts_with("ppp"));
    if is_dialled {
        return Some(false);
    }
    match wan.gateway.as_ref()?.address {
        _ if wan.proto.as_deref() == Some("static") => None,
        IpAddr::V4(address) => Some(address.is_private()),
        IpAddr::V6(_) => None,
    }
}

/// How netifd calls the ends of pppd (OpenWrt, package/network/services/ppp).
fn fault(code: &str) -> Option<Sign> {
    Some(match code {
        "AUTH_TOPEER_FAILED" => Sign::PasswordRefused,
        "PEER_DEAD" => Sign::EchoTimeout,
        "CONNECT_FAILED" => Sign::NoSession,
        "NEGOTIATION_FAILED" => Sign::NoAgreement,
        "USER_REQUEST" => Sign::EndedHere,
        "HANGUP" => Sign::Hangup,
        _ => return None,
    })
}

/// `None` where nothing about the received light is measured.
fn light_of(sample: &optical::Sample, read: Duration) -> Option<Light> {
    let is_there = match (sample.signal_detected, sample.receive_dbm) {
        (Some(is_there), _) => is_there,
        (None, Some(_)) => true,
        (None, None) => return None,
    };
    let needed_dbm = sample.receive_thresholds.low_alarm.unwrap_or(NEEDED_DBM);
    let is_sending = match (sample.transmit_dbm, sample.bias_amperes) {
        (Some(_), _) => Some(true),
        (None, bias) => bias.map(|amperes| amperes > 0.0),
    };
    Some(Light { read, received_dbm: sample.receive_dbm, is_there, is_sending, needed_dbm })
}
