//! From settings as typed to a checked [`Config`].
//!
//! `settings.rs` lists what there is, `file.rs` reads the file, `load.rs` puts the layers
//! together, `check.rs` checks every value: all before a port is opened, and all problems
//! are reported at once. Called by `cli.rs` at the start and again on `SIGHUP`; nobody
//! else reads settings.

mod check;
mod file;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod load;
pub mod settings;

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::watch;

pub use load::{Given, Layers, Loaded, Origin, Problems, load};

/// Read when no `--config` is given; it may be missing then.
pub const DEFAULT_FILE: &str = "/etc/netmonitor.conf";

/// Everything the program was told, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `false`: the program does not start.
    pub enabled: bool,
    /// Names of the one WAN: netifd interface, device.
    pub wan_names: Vec<String>,
    /// Did somebody choose `wan_names`? If not, the default route may.
    pub wan_chosen: bool,
    /// PPPoE device; `None`: no PPPoE.
    pub pppoe_device: Option<String>,
    /// Port to answer on; 0: any free one.
    pub port: u16,
    /// Addresses to answer on.
    pub listen: Vec<IpAddr>,
    /// Who may ask; empty: everyone.
    pub allowed: Vec<IpNet>,
    /// What a request has to carry.
    pub token: Option<Token>,
    /// What to ping, besides the gateway.
    pub targets: Vec<Target>,
    /// Time between two pings of one target.
    pub ping_interval: Duration,
    /// Time after which a ping is lost.
    pub ping_timeout: Duration,
    /// Also ping the default gateway or PPP peer.
    pub ping_gateway: bool,
    /// Name to look up through each upstream resolver.
    pub dns_name: Option<String>,
    /// Events kept for readers.
    pub max_events: usize,
    /// File that keeps the events.
    pub queue_file: PathBuf,
    /// Where log lines come from.
    pub log_sources: Vec<LogSource>,
    /// Our own log.
    pub log_level: LogLevel,
    /// Time between two checks of the WAN; `None`: on change only.
    pub wan_poll_interval: Option<Duration>,
    /// Where optical power is read.
    pub optical_source: OpticalSource,
    /// Where the CPU's temperature is read.
    pub temp_source: TempSource,
    /// pppd's ring of LCP echo times.
    pub lcp_rtt_file: Option<PathBuf>,
    /// Collectors and probes that are left out.
    pub disabled: BTreeSet<String>,
}

/// The token; it never shows in messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token itself, for comparing.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Something to ping.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Address or name, as the user wrote it.
    pub host: String,
    /// How far away it is.
    pub scope: Scope,
}

/// How far away a target is: far ones are allowed to be slower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// In the same country; the default.
    Domestic,
    /// Behind an international link.
    International,
    /// The next hop.
    Gateway,
}

impl Scope {
    /// The label `scope`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Domestic => "domestic",
            Self::International => "international",
            Self::Gateway => "gateway",
        }
    }
}

/// Where log lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogSource {
    /// Whatever this device has.
    Auto,
    /// OpenWrt's log daemon.
    Logread,
    /// A file that a syslog daemon writes.
    File(PathBuf),
    /// The kernel's log alone.
    Kmsg,
    /// No log.
    None,
}

/// How much we say in our own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// Someone must act.
    Error,
    /// Degraded, but going on.
    Warn,
    /// A handful of lines a day.
    Info,
    /// Everything.
    Debug,
}

/// Where optical power is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpticalSource {
    /// The first that answers, in the order of the variants.
    Auto,
    /// The module's EEPROM.
    Eeprom,
    /// The kernel's `sfp` sensor.
    Hwmon,
    /// `/proc/GPON`.
    Gpon,
    /// `ubus call gpon get_status`.
    Ubus,
    /// A program of the user's, with its arguments.
    Command(Vec<String>),
    /// Not at all.
    None,
}

/// Where the CPU's temperature is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TempSource {
    /// The best sensor of this device.
    Auto,
    /// A thermal zone's type or a hwmon name.
    Named(String),
    /// A file with thousandths of a degree.
    Path(String),
    /// Not at all.
    None,
}

impl Config {
    /// Was this collector or probe left out?
    #[must_use]
    pub fn is_disabled(&self, name: &str) -> bool {
        self.disabled.contains(name)
    }
}

/// The settings in force, which a reload may replace at any time.
#[derive(Debug, Clone)]
pub struct Live(watch::Receiver<Arc<Config>>);

impl Live {
    /// A configuration that lives as long as `sender` may replace it.
    #[must_use]
    pub fn new(config: Config) -> (watch::Sender<Arc<Config>>, Self) {
        let (sender, receiver) = watch::channel(Arc::new(config));
        (sender, Self(receiver))
    }

    /// The settings of this moment.
    #[must_use]
    pub fn now(&self) -> Arc<Config> {
        Arc::clone(&self.0.borrow())
    }

    /// Returns at the next reload; never, once reloads are over.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests;
