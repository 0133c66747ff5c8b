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
use crate::collectors::wan::{self, PPPOE, State};
use crate::collectors::{lcp_echo, optical};
use crate::config::{Live, Scope};
use crate::events::intake::Intake;
use crate::probes::dns;
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
        let allowed = || all.iter().filter(|watched| !watched.is_forbidden());
        let known = self.wan.last_known();
        let gateway = allowed().find(|watched| is_gateway(watched));
        Look {
            at: now.since_boot,
            interval: self.config.now().ping_interval,
            targets: allowed()
                .filter(|watched| !is_gateway(watched))
                .map(|watched| pinged(watched, now))
                .collect(),
            gateway: gateway.map(|watched| pinged(watched, now)),
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
            is_switched_off: sample.as_ref().is_some_and(|wan| wan.is_switched_off),
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
            .map(|request| Probe {
                sent: now.since_boot_of(request.sent),
                answered: request.rtt.map(|rtt| now.since_boot_of(request.sent + rtt)),
            })
            .collect(),
    })
}

/// Who dials talks to the provider, whatever address it has; a private address behind
/// DHCP may be a box in this house, or a provider that is short of addresses.
fn is_gateway_in_house(wan: &wan::Sample) -> Option<bool> {
    let is_dialled = wan.proto.as_deref() == Some(PPPOE)
        || wan.l3_device.as_deref().is_some_and(|device| device.starts_with("ppp"));
    let address = wan.gateway.as_ref()?.address;
    let is_private = matches!(address, IpAddr::V4(v4) if v4.is_private());
    Some(is_private && !is_dialled)
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
    Some(Light { read, received_dbm: sample.receive_dbm, is_there, needed_dbm })
}
