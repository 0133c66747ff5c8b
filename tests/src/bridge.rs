//! Our bridge, started on loopback with nothing of the machine's own settings, and what it has
//! stored and counted.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::cores::Cores;
use crate::database_server::DatabaseServer;
use crate::http_client::Client;
use crate::running::{Launch, Running};
use crate::samples;
use crate::small_disk::SmallDisk;

/// More than any test stores.
const ALL_EVENTS: &str = "/api/events?limit=1000000";
/// The largest page.
const ALL_ALERTS: &str = "/api/v1/alerts?limit=1000";

/// Where a bridge lives. Each that is started goes on with what the last has left.
pub struct Place<'a> {
    /// The program.
    pub program: &'a Path,
    /// `ROUTERS_FILE`.
    pub routers: &'a Path,
    /// What is stored.
    pub database: Database<'a>,
    /// Only there is the disk of the database to be seen.
    pub disk: Option<&'a SmallDisk>,
    /// Where to run; `None`: anywhere.
    pub cores: Option<&'a Cores>,
    /// `POLL_INTERVAL`.
    pub poll_interval: Duration,
}

/// Where a bridge keeps what it stores.
#[derive(Clone, Copy)]
pub enum Database<'a> {
    /// `SQLITE_DB`.
    File(&'a Path),
    /// `DATABASE_URL` of a server of ours.
    Server(&'a DatabaseServer),
    /// The same in words.
    Url(&'a str),
}

impl<'a> From<&'a Path> for Database<'a> {
    fn from(path: &'a Path) -> Self {
        Self::File(path)
    }
}

impl<'a> From<&'a PathBuf> for Database<'a> {
    fn from(path: &'a PathBuf) -> Self {
        Self::File(path)
    }
}

impl<'a> From<&'a DatabaseServer> for Database<'a> {
    fn from(server: &'a DatabaseServer) -> Self {
        Self::Server(server)
    }
}

/// A running bridge; killed when dropped.
pub struct Bridge {
    /// The process.
    pub running: Running,
}

/// An event as the API shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Stored {
    /// Its name in the bridge's settings.
    pub router: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: String,
    /// For people.
    pub message: String,
    /// To the second.
    #[serde(deserialize_with = "time")]
    pub event_time: jiff::Timestamp,
    /// What the router adds.
    #[serde(default)]
    pub detail: Detail,
}

/// Of the details, the one that tells events apart.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Detail {
    /// In the words of the log.
    pub reason: Option<String>,
}

pub(crate) fn time<'de, D: serde::Deserializer<'de>>(from: D) -> Result<jiff::Timestamp, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

#[derive(Debug, Deserialize)]
struct Events {
    records: Vec<Stored>,
}

/// An alert as `/api/v1/alerts` shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct StoredAlert {
    /// Of its rule.
    pub name: String,
    /// Its label; some are of no router.
    pub router: Option<String>,
    /// `firing` or `resolved`.
    pub status: String,
    /// To the millisecond.
    #[serde(deserialize_with = "time")]
    pub starts_at: jiff::Timestamp,
    /// Alertmanager's name for it.
    pub fingerprint: String,
}

#[derive(Debug, Deserialize)]
struct Alerts {
    items: Vec<StoredAlert>,
    next_cursor: Option<String>,
}

impl<'a> Place<'a> {
    /// Any disk, any core, a sample each second.
    #[must_use]
    pub fn of(program: &'a Path, routers: &'a Path, database: impl Into<Database<'a>>) -> Self {
        let (database, poll_interval) = (database.into(), Duration::from_secs(1));
        Self { program, routers, database, disk: None, cores: None, poll_interval }
    }

    /// Starts the bridge.
    ///
    /// # Errors
    /// When it does not start to answer.
    pub fn start(&self) -> Result<Bridge> {
        let mut command: Vec<OsString> = self.disk.map(SmallDisk::entrance).unwrap_or_default();
        // A file name without folder would be looked up on PATH.
        command.push(self.program.canonicalize()?.into());
        command.extend(["--routers-file".into(), self.routers.into()]);
        command.extend(match self.database {
            Database::File(path) => ["--sqlite-db".into(), path.into()],
            Database::Server(server) => ["--database-url".into(), server.url().into()],
            Database::Url(url) => ["--database-url".into(), url.into()],
        });
        command.extend(["--bridge-host", "127.0.0.1", "--bridge-port", "0"].map(Into::into));
        let seconds = self.poll_interval.as_secs_f64().to_string();
        command.extend(["--poll-interval".into(), seconds.into()]);
        let program = command.remove(0);
        let address_after = "listening on http://";
        let launch =
            Launch { program: &program, arguments: command, address_after, cores: self.cores };
        Ok(Bridge { running: launch.start()? })
    }
}

impl Bridge {
    fn client(&self) -> Result<Client> {
        Client::connect(self.running.address)
    }

    /// All events, newest first.
    ///
    /// # Errors
    /// When it does not show them.
    pub fn events(&self) -> Result<Vec<Stored>> {
        let mut client = self.client()?;
        let events: Events = serde_json::from_str(client.get(ALL_EVENTS)?)?;
        Ok(events.records)
    }

    /// All that Alertmanager told it.
    ///
    /// # Errors
    /// When it does not show them, or not all at once.
    pub fn alerts(&self) -> Result<Vec<StoredAlert>> {
        let mut client = self.client()?;
        let page: Alerts = serde_json::from_str(client.get(ALL_ALERTS)?)?;
        ensure!(page.next_cursor.is_none(), "there are more alerts than one page has");
        Ok(page.items)
    }

    /// How many it has stored since it was started.
    ///
    /// # Errors
    /// When it does not say so.
    pub fn events_stored(&self) -> Result<u64> {
        let mut client = self.client()?;
        let stored = samples::sum(client.get("/metrics")?, "netmonitor_bridge_events_stored_total");
        Ok(stored.context("events are not counted")? as u64)
    }

    /// Can it store? `Err`: why not, as `/readyz` says.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn readiness(&self) -> Result<Result<(), String>> {
        let mut client = self.client()?;
        let (status, body) = client.ask("/readyz")?;
        Ok(if status == 200 { Ok(()) } else { Err(format!("{status} {body}")) })
    }
}

/// What it counts of itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted {
    /// Samples and what else a poll was, with those that failed.
    pub polls: f64,
    /// From asking to storing, of all of them.
    pub poll_seconds: f64,
    /// Without those that were known.
    pub events_stored: f64,
}

impl Counted {
    /// Now.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn of(bridge: &Running) -> Result<Self> {
        let mut client = Client::connect(bridge.address)?;
        let scrape = client.get("/metrics")?;
        let sum = |name: &str| {
            samples::sum(scrape, &format!("netmonitor_bridge_{name}")).unwrap_or(f64::NAN)
        };
        Ok(Self {
            polls: sum("poll_duration_seconds_count"),
            poll_seconds: sum("poll_duration_seconds_sum"),
            events_stored: sum("events_stored_total"),
        })
    }
}
