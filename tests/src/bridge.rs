//! The bridge, started for a measurement: on loopback, with nothing of the machine's own
//! settings.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::cores::Cores;
use crate::http_client::Client;
use crate::running::{Launch, Running};
use crate::samples;

/// What differs from one measurement to the other.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// Where to run; `None`: anywhere.
    pub cores: Option<&'a Cores>,
    /// `ROUTERS_FILE`.
    pub routers: &'a Path,
    /// `SQLITE_DB`.
    pub database: &'a Path,
    /// `POLL_INTERVAL`.
    pub poll_interval: Duration,
}

/// Starts `binary`.
///
/// # Errors
/// When it does not start to answer.
pub fn start(binary: &Path, setup: &Setup<'_>) -> Result<Running> {
    let mut arguments: Vec<OsString> = vec!["--routers-file".into(), setup.routers.into()];
    arguments.extend(["--sqlite-db".into(), setup.database.into()]);
    arguments.extend(["--bridge-host", "127.0.0.1", "--bridge-port", "0"].map(Into::into));
    let seconds = setup.poll_interval.as_secs_f64().to_string();
    arguments.extend(["--poll-interval".into(), seconds.into()]);
    // A file name without folder would be looked up on PATH.
    let program = binary.canonicalize()?;
    Launch {
        program: program.as_os_str(),
        arguments,
        address_after: "listening on http://",
        cores: setup.cores,
    }
    .start()
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
