//! Settings: as typed, in the environment, or the default; checked before anything starts.
//!
//! Order: flag, then environment, then default. All problems are reported at once.

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod labels;
mod routers;
pub(crate) mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::history::retention::Retention;
use crate::routers::Router;
use crate::store::Database;
pub(crate) use routers::{RoutersFile, name as router_name};
use settings::SETTINGS;
use tracing::level_filters::LevelFilter;

/// Everything that the program needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) routers: Vec<Router>,
    /// Where they are listed, if it may change.
    pub(crate) routers_file: Option<RoutersFile>,
    pub(crate) database: Database,
    pub(crate) retention: Retention,
    pub(crate) listen: SocketAddr,
    /// How this program is reached from outside, for links.
    pub(crate) public_url: Option<String>,
    /// Asked for on every read.
    pub(crate) read_token: Option<String>,
    /// Asked for by what writes.
    pub(crate) api_token: Option<String>,
    pub(crate) cors_origin: Option<String>,
    pub(crate) grafana_url: Option<String>,
}

/// Values by the name of their setting, as flags and as environment have them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layers {
    pub(crate) flags: BTreeMap<&'static str, String>,
    pub(crate) environment: BTreeMap<String, String>,
}

/// Good settings, and what the user should know about them.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) notices: Vec<String>,
}

/// All that is wrong with the settings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems(Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings are not good:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

/// Checks the settings.
///
/// # Errors
/// All problems at once.
pub(crate) fn load(layers: &Layers) -> Result<Loaded, Problems> {
    let mut check = Check::new(layers);
    check.value(&["LOG_LEVEL"], level);
    let (routers, routers_file) = routers::read(&mut check);
    let config = Config {
        routers,
        routers_file,
        database: database(&mut check),
        retention: retention(&mut check),
        listen: SocketAddr::new(
            check.value(&["BRIDGE_HOST", "FLASK_HOST"], host),
            check.value(&["BRIDGE_PORT", "FLASK_PORT"], port),
        ),
        public_url: check.value(&["PUBLIC_URL"], |text| optional(text, web_address)),
        read_token: check.secret("READ_TOKEN"),
        api_token: check.secret("API_TOKEN"),
        cors_origin: check.value(&["CORS_ORIGIN"], |text| optional(text, web_address)),
        grafana_url: check.value(&["GRAFANA_URL"], |text| optional(text, web_address)),
    };
    if check.text("FLASK_DEBUG").is_some_and(|(text, _)| !text.is_empty()) {
        check.notices.push("FLASK_DEBUG is ignored; LOG_LEVEL=debug says more".to_owned());
    }
    if check.problems.0.is_empty() {
        Ok(Loaded { config, notices: check.notices })
    } else {
        Err(check.problems)
    }
}

/// The level of our own log: needed before anything else. A wrong one is the default here,
/// and reported by [`load`] with the rest.
pub(crate) fn log_level(layers: &Layers) -> LevelFilter {
    let mut check = Check::new(layers);
    check.value(&["LOG_LEVEL"], level)
}

fn level(text: &str) -> Result<LevelFilter, String> {
    let is_word = text.chars().all(|c| c.is_ascii_alphabetic());
    let parsed = text.parse().ok().filter(|_| is_word && !text.is_empty());
    parsed.ok_or_else(|| "off, error, warn, info, debug or trace".to_owned())
}

/// A server's, or a file.
fn database(check: &mut Check<'_>) -> Database {
    // A file path; old installations write it as a URL.
    let file = check.value(&["SQLITE_DB"], |text| {
        let path = text.strip_prefix("sqlite:///").unwrap_or(text);
        match path {
            "" => Err("a path of a file".to_owned()),
            path if path.contains("://") => {
                Err("a path, or sqlite:///path; a server is named in DATABASE_URL".to_owned())
            }
            path => Ok(Database::File(path.into())),
        }
    });
    let Some(url) = check.secret("DATABASE_URL") else { return file };
    match Database::parse(&url) {
        Ok(database) => {
            if database.file().is_none() && check.text("MAX_DB_SIZE").is_some() {
                check.problem(
                    "MAX_DB_SIZE: a server does not give room back when rows are deleted; set \
                     RETENTION_DAYS instead"
                        .to_owned(),
                );
            }
            database
        }
        // Without what was given: there may be a password in it.
        Err(expected) => {
            check.problem(format!("DATABASE_URL: expected {expected}"));
            file
        }
    }
}

fn retention(check: &mut Check<'_>) -> Retention {
    let days = |text: &str, least: u32| {
        let days = text.parse().ok().filter(|days| (least..=36_500).contains(days));
        days.ok_or_else(|| format!("{least} to 36500 days"))
    };
    let retention = Retention {
        rows_days: check.value(&["RETENTION_DAYS"], |text| days(text, 2)),
        hours_days: check.value(&["HOURLY_RETENTION_DAYS"], |text| days(text, 2)),
        max_bytes: check.value(&["MAX_DB_SIZE"], |text| optional(text, size)),
        at: check.value(&["CLEANUP_TIME"], |text| {
            let time = jiff::civil::Time::strptime("%H:%M", text);
            time.map_err(|_| "a time of the day, for example 03:00".to_owned())
        }),
    };
    if retention.hours_days < retention.rows_days {
        check.problem("HOURLY_RETENTION_DAYS: less than RETENTION_DAYS".to_owned());
    }
    retention
}

/// `500M`; a day of one router has some 300 kB.
fn size(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 1 << 20;
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor = match text[digits.len()..].trim().to_ascii_uppercase().trim_end_matches('B') {
        "" => Some(1),
        "K" => Some(1 << 10),
        "M" => Some(1 << 20),
        "G" => Some(1 << 30),
        _ => None,
    };
    let bytes = digits.parse().ok().zip(factor).and_then(|(n, f)| u64::checked_mul(n, f));
    let bytes = bytes.filter(|bytes| *bytes >= LEAST);
    bytes.ok_or_else(|| "a size of at least 1M, for example 500M or 2G".to_owned())
}

/// Takes values and collects what is wrong with them.
pub(super) struct Check<'a> {
    layers: &'a Layers,
    problems: Problems,
    notices: Vec<String>,
}

impl<'a> Check<'a> {
    fn new(layers: &'a Layers) -> Self {
        Self { layers, problems: Problems::default(), notices: Vec::new() }
    }

    fn problem(&mut self, text: String) {
        self.problems.0.push(text);
    }

    /// What is set for a name, and how it was set.
    fn text(&self, name: &'static str) -> Option<(&str, String)> {
        let flag = self.layers.flags.get(name);
        let flag = flag.map(|text| (text.as_str(), format!("--{}", settings::flag(name))));
        // Containers pass empty variables for those that are not set.
        let variable = || {
            let text = self.layers.environment.get(name).filter(|text| !text.is_empty())?;
            Some((text.as_str(), name.to_owned()))
        };
        flag.or_else(variable)
    }

    /// The value of the first of these names that is set, or the default of the first.
    fn value<T>(&mut self, names: &[&'static str], parse: impl Fn(&str) -> Result<T, String>) -> T {
        let default = settings::default(names[0]);
        let set = names.iter().find_map(|name| self.text(name));
        let (text, from) = set.unwrap_or((default, names[0].to_owned()));
        match parse(text.trim()) {
            Ok(value) => value,
            Err(expected) => {
                let problem = format!("{from} \"{text}\": expected {expected}");
                self.problem(problem);
                parse(default).unwrap_or_else(|expected| {
                    unreachable!("the default of {} is good: {expected}", names[0])
                })
            }
        }
    }

    /// A secret, given as such or in a file.
    fn secret(&mut self, name: &'static str) -> Option<String> {
        let file_name = SETTINGS.iter().find(|setting| setting.name == format!("{name}_FILE"));
        let value = self.text(name).map(|(text, _)| text.to_owned());
        let file = file_name.and_then(|setting| self.text(setting.name));
        let file = file.map(|(text, from)| (text.to_owned(), from));
        let secret = match (value, file) {
            (Some(value), None) => value,
            (Some(_), Some(_)) => {
                self.problem(format!("{name} and {name}_FILE are both set; keep one of them"));
                return None;
            }
            (None, Some((path, from))) => match read_secret(&path) {
                Ok(secret) if !secret.trim().is_empty() => secret,
                Ok(_) => {
                    self.problem(format!("{from} \"{path}\": there is nothing in it"));
                    return None;
                }
                Err(error) => {
                    self.problem(format!("{from} \"{path}\": {error}"));
                    return None;
                }
            },
            (None, None) => return None,
        };
        let secret = secret.trim().to_owned();
        if secret.contains(|c: char| c.is_whitespace() || c.is_control() || !c.is_ascii()) {
            self.problem(format!("{name}: expected one word of plain ASCII"));
            return None;
        }
        Some(secret).filter(|secret| !secret.is_empty())
    }
}

/// A token's file is short; whatever else was named is not read to its end.
fn read_secret(path: &str) -> std::io::Result<String> {
    use std::io::Read;
    const LONGEST: u64 = 4096;
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

fn optional<T>(text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

fn host(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "an address, for example 0.0.0.0 or 127.0.0.1".to_owned())
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "a number from 0 to 65535".to_owned())
}

fn web_address(text: &str) -> Result<String, String> {
    let is_address = ["http://", "https://"].iter().any(|scheme| {
        text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.contains(' '))
    });
    if is_address {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("an address that begins with http:// or https://".to_owned())
    }
}

/// Whole or broken seconds, at least one.
fn interval(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds".to_owned())?;
    if (1.0..=86_400.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("1 to 86400 seconds".to_owned())
    }
}

#[cfg(test)]
mod tests;
