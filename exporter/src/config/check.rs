//! The check of each value: from text to the type the program works with.
//!
//! Pure but for `TOKEN_FILE`, which is read here so that a missing one is reported
//! together with everything else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

use super::load::read_settings_file;
use super::settings::{self, OLD_PING_TARGETS, Setting};
use super::{Config, Given, LogLevel, LogSource, OpticalSource, Scope, Target, TempSource, Token};

/// Each target costs a socket and, at the shortest interval, 48 kB of history.
const MAX_TARGETS: usize = 32;

/// A probe every ten minutes is not a watch any more.
const MAX_INTERVAL_SECONDS: f64 = 600.0;

/// Below this, a router with many targets spends its time pinging.
const MIN_INTERVAL_SECONDS: f64 = 0.2;

/// An answer that takes longer helps nobody, and the figures of the last minute need to
/// know the fate of its requests. At the shortest interval 50 requests are open.
const MAX_TIMEOUT_SECONDS: f64 = 10.0;

/// Addresses we can listen on at once; each is a socket.
const MAX_LISTENERS: usize = 16;

/// Collects what is wrong while the values are read.
pub(super) struct Checker<'g> {
    given: &'g BTreeMap<&'static str, Given>,
    problems: Vec<String>,
    warnings: Vec<String>,
}

impl<'g> Checker<'g> {
    pub(super) fn new(
        given: &'g BTreeMap<&'static str, Given>,
        problems: Vec<String>,
        warnings: Vec<String>,
    ) -> Self {
        Self { given, problems, warnings }
    }

    /// Problems and warnings.
    pub(super) fn finish(self) -> (Vec<String>, Vec<String>) {
        (self.problems, self.warnings)
    }

    /// A configuration in which every bad value has been replaced by its default; to be
    /// used only when there are no problems.
    pub(super) fn config(&mut self) -> Config {
        let interval = |text: &str| seconds(text, MIN_INTERVAL_SECONDS, MAX_INTERVAL_SECONDS);
        Config {
            enabled: self.value("ENABLED", switch),
            wan_names: self.value("WAN_IFACE", interfaces),
            wan_chosen: self.is_chosen("WAN_IFACE"),
            // "-" as well: what people write for "none" in lists.
            pppoe_device: self.value("PPPOE_IFACE", |text| {
                optional(if text == "-" { "" } else { text }, interface)
            }),
            port: self.value("API_PORT", port),
            listen: self.value("LISTEN", addresses),
            allowed: self.value("ALLOWED_IPS", networks),
            token: self.token(),
            targets: self.targets(),
            ping_interval: self.value("PING_INTERVAL", interval),
            ping_timeout: self
                .value("PING_TIMEOUT", |text| seconds(text, 0.1, MAX_TIMEOUT_SECONDS)),
            ping_gateway: self.value("PING_GATEWAY", switch),
            dns_name: self.value("DNS_NAME", |text| optional(text, host_name)),
            max_events: self.value("MAX_EVENTS", |text| {
                let range = 1..=10_000;
                text.parse().ok().filter(|n| range.contains(n)).ok_or("expected 1 to 10000".into())
            }),
            queue_file: self.value("QUEUE_FILE", path),
            log_sources: self.value("LOG_SOURCE", log_sources),
            log_level: self.value("LOG_LEVEL", log_level),
            wan_poll_interval: self.value("WAN_POLL_INTERVAL", poll_interval),
            optical_source: self.value("OPTICAL_SOURCE", optical_source),
            temp_source: self.value("TEMP_SOURCE", temp_source),
            lcp_rtt_file: self.value("LCP_RTT_FILE", |text| optional(text, path)),
            disabled: self.value("DISABLE", disabled),
        }
    }

    fn given(&self, key: &str) -> (&'static Setting, &'g Given) {
        let setting = settings::setting(key).expect("a key of the list of settings");
        (setting, &self.given[setting.key])
    }

    /// The default that stands in a file, as the one of the package does, is no choice.
    fn is_chosen(&self, key: &str) -> bool {
        let (setting, given) = self.given(key);
        given.value.trim() != setting.default
    }

    /// Reads one value; a bad one is noted and replaced by the default.
    fn value<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> T {
        let (setting, given) = self.given(key);
        parse(given.value.trim()).unwrap_or_else(|reason| {
            let place = given.describe(setting);
            self.problems
                .push(format!("{place}: {reason}; the default is \"{}\"", setting.default));
            parse(setting.default).expect("defaults are good: a test reads them all")
        })
    }

    fn targets(&mut self) -> Vec<Target> {
        let (setting, given) = self.given("PING_TARGETS");
        if given.value.trim() == OLD_PING_TARGETS {
            self.warnings.push(format!(
                "{}: the old default is read as \"{}\"",
                given.describe(setting),
                setting.default
            ));
            return ping_targets(setting.default).expect("defaults are good");
        }
        self.value("PING_TARGETS", ping_targets)
    }

    fn token(&mut self) -> Option<Token> {
        let (setting, plain) = self.given("TOKEN");
        let (file_setting, file) = self.given("TOKEN_FILE");
        if file.value.is_empty() {
            return self.value("TOKEN", |text| optional(text, token));
        }
        let place = file.describe(file_setting);
        if !plain.value.is_empty() {
            let plain = plain.describe(setting);
            self.problems.push(format!("{place}: {plain} is given too; keep one of them"));
            return None;
        }
        let path = Path::new(&file.value);
        match read_settings_file(path) {
            Err(reason) => {
                self.problems.push(format!("{place}: the file {reason}"));
                None
            }
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                let mode = std::fs::metadata(path).map_or(0, |data| data.permissions().mode());
                if mode & 0o004 != 0 {
                    self.warnings.push(format!("{place}: everyone can read it; chmod 600 helps"));
                }
                token(text.trim())
                    .map_err(|reason| self.problems.push(format!("{place}: the file: {reason}")))
                    .ok()
            }
        }
    }
}

fn optional<T>(text: &str, parse: fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => Err("expected 0 or 1".to_owned()),
    }
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "expected a port number, 0 to 65535".to_owned())
}

fn seconds(text: &str, least: f64, most: f64) -> Result<Duration, String> {
    text.parse()
        .ok()
        .filter(|seconds| (least..=most).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("expected seconds, {least} to {most}"))
}

fn poll_interval(text: &str) -> Result<Option<Duration>, String> {
    if text == "0" { Ok(None) } else { seconds(text, 1.0, 86_400.0).map(Some) }
}

/// Also keeps a name from leaving `/sys/class/net`.
fn interface(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-:@".contains(c);
    let dots = text.chars().all(|c| c == '.');
    if text.is_empty() || text.len() > 32 || dots || !text.chars().all(allowed) {
        return Err(format!("\"{}\" is not an interface name", shortened(text)));
    }
    Ok(text.to_owned())
}

fn interfaces(text: &str) -> Result<Vec<String>, String> {
    text.split([',', ' '])
        .filter(|name| !name.is_empty())
        .map(interface)
        .collect::<Result<_, _>>()
        .and_then(|names: Vec<String>| match names.len() {
            0 => Err("expected an interface name".to_owned()),
            1..=4 => Ok(names),
            _ => Err("at most 4 names, all of one WAN".to_owned()),
        })
}

fn addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    let all: Vec<IpAddr> = text
        .split_whitespace()
        .map(|word| {
            let bare = word.strip_prefix('[').and_then(|w| w.strip_suffix(']')).unwrap_or(word);
            bare.parse().map_err(|_| {
                format!("\"{}\" is not an IP address (the port is API_PORT)", shortened(word))
            })
        })
        .collect::<Result<_, String>>()?;
    match all.len() {
        0 => Err("expected at least one address".to_owned()),
        1..=MAX_LISTENERS => Ok(all),
        _ => Err(format!("at most {MAX_LISTENERS} addresses")),
    }
}

fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    text.split_whitespace()
        .map(|word| {
            word.parse::<IpNet>()
                .or_else(|_| word.parse::<IpAddr>().map(IpNet::from))
                .map(as_ipv4)
                .map_err(|_| format!("\"{}\" is not an address or network", shortened(word)))
        })
        .collect()
}

/// A mapped address (`::ffff:192.0.2.1`) is the IPv4 one; clients are compared as such.
fn as_ipv4(net: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    let v4 = || {
        let address = net.addr().to_canonical();
        let prefix = net.prefix_len().checked_sub(MAPPED_BITS)?;
        if net.addr().is_ipv6() && address.is_ipv4() {
            IpNet::new(address, prefix).ok()
        } else {
            None
        }
    };
    v4().unwrap_or(net)
}

fn token(text: &str) -> Result<Token, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.len() > 256 || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err("expected up to 256 printable ASCII characters without spaces".to_owned());
    }
    Ok(Token(text.to_owned()))
}

fn ping_targets(text: &str) -> Result<Vec<Target>, String> {
    let mut targets: Vec<Target> = Vec::new();
    for word in text.split_whitespace() {
        let (host, scope) = match word.rsplit_once('@') {
            None | Some((_, "domestic")) => (word.trim_end_matches("@domestic"), Scope::Domestic),
            Some((host, "international")) => (host, Scope::International),
            Some((_, suffix)) => {
                let suffix = shortened(suffix);
                return Err(format!("\"@{suffix}\": expected @domestic or @international"));
            }
        };
        let host = host_name(host)?;
        if host == "gateway" {
            return Err("\"gateway\" is pinged by PING_GATEWAY=1".to_owned());
        }
        if targets.iter().any(|known| known.host == host) {
            return Err(format!("\"{host}\" is named twice"));
        }
        targets.push(Target { host, scope });
    }
    if targets.len() > MAX_TARGETS {
        return Err(format!("at most {MAX_TARGETS} targets"));
    }
    Ok(targets)
}

/// An address, or a name that a resolver would take.
fn host_name(text: &str) -> Result<String, String> {
    let refused = || format!("\"{}\" is not an address or a host name", shortened(text));
    if text.parse::<IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    // A last label of digits is a mistyped address: no such name exists.
    let numeric = name.rsplit('.').next().is_some_and(|l| l.chars().all(|c| c.is_ascii_digit()));
    if name.len() > 253 || numeric || !name.split('.').all(label) {
        return Err(refused());
    }
    Ok(text.to_owned())
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.starts_with('/') {
        Ok(PathBuf::from(text))
    } else {
        Err("expected a path that begins with \"/\"".to_owned())
    }
}

/// Each log file costs a thread.
const MAX_LOG_SOURCES: usize = 4;

fn log_sources(text: &str) -> Result<Vec<LogSource>, String> {
    let sources: Vec<LogSource> = text
        .split(',')
        .map(|word| match word.trim() {
            "auto" => Ok(LogSource::Auto),
            "logread" => Ok(LogSource::Logread),
            "kmsg" => Ok(LogSource::Kmsg),
            "none" => Ok(LogSource::None),
            word => match word.strip_prefix("file:") {
                Some(file) => path(file).map(LogSource::File),
                None => Err(format!(
                    "\"{}\": expected auto, logread, file:/path, kmsg or none",
                    shortened(word)
                )),
            },
        })
        .collect::<Result<_, String>>()?;
    if sources.len() > 1 && sources.contains(&LogSource::None) {
        return Err("none stands alone".to_owned());
    }
    if sources.len() > MAX_LOG_SOURCES {
        return Err(format!("expected at most {MAX_LOG_SOURCES} sources"));
    }
    Ok(sources)
}

fn log_level(text: &str) -> Result<LogLevel, String> {
    match text {
        "0" => Ok(LogLevel::Off),
        "1" => Ok(LogLevel::Error),
        "2" => Ok(LogLevel::Warn),
        "3" => Ok(LogLevel::Info),
        "4" => Ok(LogLevel::Debug),
        _ => Err("expected 0 (off), 1 (error), 2 (warn), 3 (info) or 4 (debug)".to_owned()),
    }
}

fn optical_source(text: &str) -> Result<OpticalSource, String> {
    match text {
        "auto" => Ok(OpticalSource::Auto),
        "eeprom" => Ok(OpticalSource::Eeprom),
        "hwmon" => Ok(OpticalSource::Hwmon),
        "gpon" => Ok(OpticalSource::Gpon),
        "ubus" => Ok(OpticalSource::Ubus),
        "none" => Ok(OpticalSource::None),
        _ => {
            let words: Vec<String> = text
                .strip_prefix("command:")
                .map(|line| line.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default();
            match words.first() {
                Some(program) if program.starts_with('/') => Ok(OpticalSource::Command(words)),
                Some(_) => Err("the program of command: needs its whole path".to_owned()),
                None => {
                    Err("expected auto, eeprom, hwmon, gpon, ubus, command:/path or none"
                        .to_owned())
                }
            }
        }
    }
}

fn temp_source(text: &str) -> Result<TempSource, String> {
    match text {
        "auto" => Ok(TempSource::Auto),
        "none" => Ok(TempSource::None),
        "" => Err("expected auto, a sensor's name, a path or none".to_owned()),
        path if path.starts_with('/') => Ok(TempSource::Path(path.to_owned())),
        name => Ok(TempSource::Named(name.to_owned())),
    }
}

fn disabled(text: &str) -> Result<BTreeSet<String>, String> {
    let sources = crate::events::sources::Source::ALL.map(|source| source.name());
    let known: Vec<&str> = crate::collectors::NAMES.into_iter().chain(sources).collect();
    text.split([' ', ','])
        .filter(|word| !word.is_empty())
        .map(|word| {
            if known.contains(&word) {
                Ok(word.to_owned())
            } else {
                Err(format!("\"{}\": expected some of {}", shortened(word), known.join(" ")))
            }
        })
        .collect()
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
