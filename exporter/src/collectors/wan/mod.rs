//! The WAN: is it up, since when, over which devices, and who is the next hop.
//!
//! With netifd (OpenWrt) the answer is `ubus call network.interface.<wan> status` and
//! `network.device status`; without it, what the kernel shows in `/sys/class/net` and
//! `/proc/net`. Checked every `WAN_POLL_INTERVAL`, and at once when a device of the WAN
//! changes its state. The other collectors, the probes and the views ask here which
//! devices belong to the WAN.

mod candidate;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod kernel;
mod netifd;
pub(crate) mod route;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::sensor::Sensor;
use super::{CollectError, ParseError};
use crate::clock;
use crate::command::{self, CommandError};
use crate::config::{Config, Live};
use crate::exposition::{Encode, Exposition};
use crate::roots::Roots;
pub(crate) use candidate::Candidate;
pub(in crate::collectors) use kernel::is_usable;
pub(crate) use route::NextHop;

/// How often the devices' state is looked at between two checks: two small files.
const GLANCE: Duration = Duration::from_secs(1);

/// From hearing of a change to looking at it.
const NEWS_PAUSE: Duration = Duration::from_millis(500);

/// While the WAN is not up: netifd finishes a session some seconds after its device has
/// appeared, and nobody should wait half a minute to see it.
const DOWN_INTERVAL: Duration = Duration::from_secs(5);

/// How `ubus` says that there is no such object.
const UBUS_NOT_FOUND: i32 = 4;

/// How netifd calls a dial-up over Ethernet.
pub(crate) const PPPOE: &str = "pppoe";

/// What is known about the WAN. Names and addresses are the last known ones: they are
/// gone while the line is down, and those who ask for them then want the old ones.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// netifd's name, or the device where there is no netifd.
    pub(crate) interface: String,
    /// The lower device, which has the cable and the error counters.
    pub(crate) device: Option<String>,
    /// The device that has the addresses: `pppoe-wan`, or the lower one.
    pub(crate) l3_device: Option<String>,
    /// `pppoe`, `dhcp`, `static`, …, where known.
    pub(crate) proto: Option<String>,
    pub(crate) state: State,
    /// Somebody has taken the interface down on purpose (netifd).
    pub(crate) is_switched_off: bool,
    /// Since when it is up, where netifd knows.
    pub(crate) up_since: Option<Instant>,
    pub(crate) gateway: Option<NextHop>,
    /// The provider's resolvers.
    pub(crate) dns_servers: Vec<IpAddr>,
    pub(crate) source: Source,
    /// netifd's words for what went wrong, such as `AUTH_TOPEER_FAILED`.
    pub(crate) errors: Vec<String>,
}

/// Does the WAN work, as far as the router can tell?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Up,
    Down,
    Unknown,
}

impl State {
    /// As old clients know it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }

    fn of(up: bool) -> Self {
        if up { Self::Up } else { Self::Down }
    }
}

/// Who told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Netifd,
    Kernel,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Netifd => "netifd (ubus)",
            Self::Kernel => "the kernel (/sys/class/net)",
        })
    }
}

impl Sample {
    /// Fills what is not known at this moment from the reading before.
    fn remembering(mut self, before: Option<&Self>) -> Self {
        if let Some(before) = before.filter(|before| before.proto == self.proto) {
            self.device = self.device.or_else(|| before.device.clone());
            self.l3_device = self.l3_device.or_else(|| before.l3_device.clone());
            // What a WAN that is up does not tell, it has not got.
            if self.state != State::Up {
                self.gateway = self.gateway.or_else(|| before.gateway.clone());
                if self.dns_servers.is_empty() {
                    self.dns_servers.clone_from(&before.dns_servers);
                }
            }
        }
        // Some providers name one resolver twice.
        let mut seen = Vec::new();
        self.dns_servers.retain(|server| {
            let new = !seen.contains(server);
            seen.push(*server);
            new
        });
        self
    }
}

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        let up = match self.state {
            State::Up => Some(true),
            State::Down => Some(false),
            State::Unknown => None,
        };
        let labels = [("interface", self.interface.as_str())];
        out.gauge("wan_up", "1 if the WAN interface is up, by netifd or the kernel's operstate")
            .sample(&labels, up)?;
        let uptime = self.up_since.map(|since| clock::monotonic().saturating_duration_since(since));
        out.gauge("wan_uptime_seconds", "Time since the WAN interface came up, by netifd")
            .sample(&[], uptime.map(|uptime| uptime.as_secs_f64()))?;
        out.gauge("wan_info", "Interface, lower device and protocol of the WAN; always 1").sample(
            &[
                ("interface", &self.interface),
                ("device", self.device.as_deref().unwrap_or("unknown")),
                ("proto", self.proto.as_deref().unwrap_or("unknown")),
            ],
            Some(true),
        )
    }
}

/// Asks for the WAN's state.
pub(crate) struct Wan {
    roots: Roots,
    config: Live,
    /// Somebody has heard that something has changed.
    news: Arc<Notify>,
    memory: Mutex<Memory>,
}

/// What is remembered from one check to the next.
#[derive(Debug, Default)]
struct Memory {
    /// State of the WAN's devices at the last check.
    glance: Vec<Option<String>>,
    /// Devices to glance at.
    devices: Vec<String>,
    /// The last reading, and the settings it was made with. What was never there is
    /// unknown; what was there and is gone is down.
    before: Option<(Sample, Arc<Config>)>,
    /// Did the last check succeed, and was the WAN up, its device included?
    up: bool,
}

impl Wan {
    pub(crate) fn new(roots: Roots, config: Live, news: Arc<Notify>) -> Self {
        Self { roots, config, news, memory: Mutex::default() }
    }

    fn memory<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        work(&mut self.memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Asks netifd about each configured name, then about its devices.
    async fn ask_netifd(&self, config: &Config) -> Result<Option<Sample>, CollectError> {
        let Some(ubus) = self.roots.program("ubus") else {
            return Ok(None);
        };
        for name in &config.wan_names {
            let object = format!("network.interface.{name}");
            let text = match command::output(&ubus, &["call", &object, "status"]).await {
                Ok(text) => text,
                Err(CommandError::Failed { code: Some(UBUS_NOT_FOUND), .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let status = netifd::parse_interface(&text).map_err(|error| error.at(&object))?;
            let carrier = match status.l3_device.as_ref().or(status.device.as_ref()) {
                Some(device) => {
                    let question = serde_json::json!({ "name": device }).to_string();
                    let call = ["call", "network.device", "status", &question];
                    let answer = command::output(&ubus, &call).await;
                    // Older releases and foreign devices are not listed: no evidence.
                    answer.ok().and_then(|text| netifd::parse_carrier(&text))
                }
                None => None,
            };
            return Ok(Some(status.into_sample(name, carrier, clock::monotonic())));
        }
        Ok(None)
    }

    /// The state of every device that may belong to the WAN.
    fn glance(&self, devices: &[String]) -> Vec<Option<String>> {
        devices.iter().map(|device| kernel::operstate(&self.roots, device)).collect()
    }
}

/// The interfaces of netifd that may be the WAN, the likeliest first.
///
/// # Errors
/// `NotAvailable` where there is no netifd.
pub(crate) async fn candidates(roots: &Roots) -> Result<Vec<Candidate>, CollectError> {
    let Some(ubus) = roots.program("ubus") else {
        return Err(CollectError::NotAvailable("there is no ubus, so no netifd".to_owned()));
    };
    let object = "network.interface";
    let dump = match command::output(&ubus, &["call", object, "dump"]).await {
        Err(CommandError::Failed { code: Some(UBUS_NOT_FOUND), .. }) => {
            return Err(CollectError::NotAvailable("ubus knows no network.interface".to_owned()));
        }
        answer => answer?,
    };
    candidate::parse(&dump)
        .ok_or_else(|| ParseError::new("dump", "netifd's interfaces as JSON", &dump).at(object))
}

impl Sensor for Wan {
    const NAME: &'static str = "wan";
    /// Nothing is due for ever where checks are on change only.
    const MAX_AGE: Duration = Duration::MAX;
    type Sample = Sample;

    async fn read(&self) -> Result<Sample, CollectError> {
        let config = self.config.now();
        // Other settings, another WAN.
        let same = |old: &Config| {
            old.wan_names == config.wan_names && old.pppoe_device == config.pppoe_device
        };
        let before = self.memory(|memory| {
            memory.up = false;
            memory.before.clone().filter(|(_, old)| same(old)).map(|(sample, _)| sample)
        });
        let sample = match self.ask_netifd(&config).await? {
            Some(sample) => sample,
            None => kernel::sample(&self.roots, &config, before.as_ref())?,
        };
        let sample = kernel::completed(&self.roots, sample.remembering(before.as_ref()));
        let named = config.wan_names.iter().chain(&config.pppoe_device).cloned();
        let found = sample.device.iter().chain(&sample.l3_device).cloned();
        let devices: Vec<String> = named.chain(found).collect();
        let glance = self.glance(&devices);
        // netifd hears of a device that is gone a moment later than we see it.
        let has_device = sample.l3_device.as_ref().is_none_or(|device| {
            kernel::operstate(&self.roots, device).is_some_and(|state| is_usable(&state))
        });
        self.memory(|memory| {
            memory.up = sample.state == State::Up && has_device;
            memory.devices = devices;
            memory.glance = glance;
            memory.before = Some((sample.clone(), config));
        });
        Ok(sample)
    }

    /// The poll interval, cut short when a device of the WAN has changed.
    async fn due(&self) {
        let configured = self.config.now().wan_poll_interval;
        let interval = if self.memory(|memory| memory.up) {
            configured
        } else {
            Some(configured.unwrap_or(DOWN_INTERVAL).min(DOWN_INTERVAL))
        };
        let changed = async {
            loop {
                if timeout(GLANCE, self.news.notified()).await.is_ok() {
                    // A flood of news is one.
                    sleep(NEWS_PAUSE).await;
                    return;
                }
                let (devices, before) =
                    self.memory(|memory| (memory.devices.clone(), memory.glance.clone()));
                if self.glance(&devices) != before {
                    return;
                }
            }
        };
        match interval {
            Some(interval) => timeout(interval, changed).await.unwrap_or_default(),
            None => changed.await,
        }
    }
}

#[cfg(test)]
mod tests;
