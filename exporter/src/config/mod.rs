//! From settings as typed to a checked [`Config`].
//!
//! Flag before environment before files before default. Everything is checked before a
//! port is opened, and all problems are reported at once. Called by `cli.rs` at the
//! start and again on `SIGHUP`; nobody else reads settings.

mod check;
mod file;
pub mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::watch;

use crate::roots::Roots;
use check::Checker;
use settings::{SETTINGS, Setting};

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

/// Where settings come from, before anything is read.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// Named files, the later ones win; empty: [`DEFAULT_FILE`].
    pub files: Vec<PathBuf>,
    /// `NETMONITOR_…` variables.
    pub environment: BTreeMap<String, String>,
    /// Flags, by key.
    pub flags: BTreeMap<&'static str, String>,
}

/// A value and where it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// As typed, without quotes.
    pub value: String,
    /// By whom.
    pub origin: Origin,
}

/// Where a value was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere.
    Default,
    /// In a file.
    File(PathBuf, usize),
    /// In the environment.
    Environment,
    /// On the command line.
    Flag,
}

/// A configuration that may be used, and what the user should know about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The same as typed, for `check-config` and `doctor`.
    pub given: BTreeMap<&'static str, Given>,
    /// Not wrong, but worth a word.
    pub warnings: Vec<String>,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Problems {}

impl Given {
    /// The value and its place, as the beginning of a message.
    #[must_use]
    pub fn describe(&self, setting: &Setting) -> String {
        let value = setting.display(&self.value);
        match &self.origin {
            Origin::Default => format!("{} \"{value}\"", setting.key),
            Origin::File(path, line) => {
                format!(
                    "{} line {line}: {}=\"{value}\"",
                    path.display(),
                    setting.key
                )
            }
            Origin::Environment => format!("{}=\"{value}\"", setting.variable()),
            Origin::Flag => format!("--{} \"{value}\"", setting.flag()),
        }
    }
}

/// Reads all layers and checks the result.
///
/// # Errors
/// All problems at once, each with its place and a remedy.
pub fn load(layers: &Layers, roots: &Roots) -> Result<Loaded, Problems> {
    let mut given: BTreeMap<&'static str, Given> = SETTINGS
        .iter()
        .map(|setting| {
            let value = setting.default.to_owned();
            (
                setting.key,
                Given {
                    value,
                    origin: Origin::Default,
                },
            )
        })
        .collect();
    let mut warnings = Vec::new();
    let mut problems = Vec::new();

    if layers.files.is_empty() {
        let path = Path::new(DEFAULT_FILE);
        if roots.has(DEFAULT_FILE) {
            take_file(
                path,
                &roots.resolve(DEFAULT_FILE),
                &mut given,
                &mut warnings,
                &mut problems,
            );
        }
    }
    for path in &layers.files {
        take_file(path, path, &mut given, &mut warnings, &mut problems);
    }
    for (name, value) in &layers.environment {
        let Some(key) = name.strip_prefix(settings::ENVIRONMENT_PREFIX) else {
            continue;
        };
        match settings::setting(key) {
            Some(setting) => {
                let value = value.clone();
                given.insert(
                    setting.key,
                    Given {
                        value,
                        origin: Origin::Environment,
                    },
                );
            }
            None => warnings.extend(settings::nearest_key(key).map(|nearest| {
                format!("environment: {name} is not a setting; NETMONITOR_{nearest} is")
            })),
        }
    }
    for (key, value) in &layers.flags {
        given.insert(
            key,
            Given {
                value: value.clone(),
                origin: Origin::Flag,
            },
        );
    }

    let mut checker = Checker::new(&given, problems, warnings);
    let config = checker.config();
    let (problems, warnings) = checker.finish();
    if problems.is_empty() {
        Ok(Loaded {
            config,
            given,
            warnings,
        })
    } else {
        Err(Problems(problems))
    }
}

/// Reads one file; `named` is how the user knows it, `path` where it is.
fn take_file(
    named: &Path,
    path: &Path,
    given: &mut BTreeMap<&'static str, Given>,
    warnings: &mut Vec<String>,
    problems: &mut Vec<String>,
) {
    let place = named.display();
    let bytes = match read_config_file(path) {
        Ok(bytes) => bytes,
        Err(reason) => return problems.push(format!("{place}: {reason}")),
    };
    match file::parse(&bytes) {
        Err(lines) => problems.extend(lines.iter().map(|error| format!("{place} {error}"))),
        Ok(assignments) => {
            for file::Assignment { line, key, value } in assignments {
                if let Some(setting) = settings::setting(&key) {
                    let origin = Origin::File(named.to_owned(), line);
                    given.insert(setting.key, Given { value, origin });
                } else {
                    let hint = settings::nearest_key(&key).map_or(String::new(), |nearest| {
                        format!("; did you mean {nearest}?")
                    });
                    warnings.push(format!("{place} line {line}: unknown key {key}{hint}"));
                }
            }
        }
    }
}

/// A pipe or a device would hold the start up, or never end.
fn read_config_file(path: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let describe = |error: std::io::Error| format!("cannot be read: {error}");
    let kind = std::fs::metadata(path).map_err(describe)?.file_type();
    if !kind.is_file() {
        return Err("is not an ordinary file".to_owned());
    }
    let limit = file::MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(describe)?;
    file.take(limit).read_to_end(&mut bytes).map_err(describe)?;
    Ok(bytes)
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
