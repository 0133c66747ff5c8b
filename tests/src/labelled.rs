//! Routers with labels, and the real bridge, Prometheus and Alertmanager that watch them: what
//! `ROUTERS_FILE` says of a router, on its way to rules, messages and dashboards.

use std::path::PathBuf;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::alerting::{Alerting, Derived, Programs};
use crate::bridge::{Bridge, Place};
use crate::built;
use crate::fake_router::fleet::{Fleet, Settings};
use crate::receiver::Receiver;

/// A scrape each 500 ms.
const FACTOR: u64 = 30;
/// Bridge, Alertmanager, Prometheus itself.
const OTHER_TARGETS: usize = 3;

/// All of them, running; gone when dropped.
pub struct Labelled {
    /// `router-0001` and so on.
    pub fleet: Fleet,
    /// Polls them.
    pub bridge: Bridge,
    /// Scrapes them as the bridge says, with the shipped rules.
    pub alerting: Alerting,
    /// Is told of alerts.
    pub phone: Receiver,
    routers: PathBuf,
    _folder: TempDir,
}

impl Labelled {
    /// A router for each text of `labels`, which is that of a TOML table: `site = "berlin"`.
    /// Returns when all have been scraped. With a token they are scraped through the bridge.
    ///
    /// # Errors
    /// When a program does not start, or a router is not scraped.
    pub fn start(labels: &[&str], token: Option<&str>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let settings = Settings::quiet(labels.len());
        let fleet = Fleet::start(Settings { token: token.map(str::to_owned), ..settings })?;
        let (routers, database) = (folder.path().join("routers.toml"), folder.path().join("db"));
        std::fs::write(&routers, list(&fleet.routers_toml(), |index| labels[index].to_owned()))?;
        let program = built::program("netmonitor-bridge")?;
        let bridge = Place::of(&program, &routers, &database).start()?;
        let phone = Receiver::start(|_| true)?;
        let person = format!(
            "  - name: person\n    webhook_configs:\n      - {{url: 'http://{}/', \
             send_resolved: false}}\n",
            phone.address
        );
        let of = Derived {
            bridge: bridge.running.address,
            person: &person,
            factor: FACTOR,
            store: None,
        };
        let mut alerting = of.start(&Programs::installed()?, folder.path())?;
        alerting.wait_for_targets(labels.len() + OTHER_TARGETS)?;
        Ok(Self { fleet, bridge, alerting, phone, routers, _folder: folder })
    }

    /// Writes the list anew, and has the bridge read it.
    ///
    /// # Errors
    /// When it cannot be written, or the bridge is gone.
    pub fn relabel(&self, labels: &[&str]) -> Result<()> {
        let list = list(&self.fleet.routers_toml(), |index| labels[index].to_owned());
        std::fs::write(&self.routers, list)?;
        let id = i32::try_from(self.bridge.running.id()).ok().and_then(Pid::from_raw);
        Ok(kill_process(id.context("no process")?, Signal::HUP)?)
    }
}

/// `ROUTERS_FILE` with labels: those of the router of an index are the text of a TOML table.
#[must_use]
pub fn list(routers_toml: &str, labels: impl Fn(usize) -> String) -> String {
    let entries = routers_toml.split("[[router]]").skip(1).enumerate();
    let entry = |(index, entry): (usize, &str)| {
        format!("[[router]]{}\n[router.labels]\n{}\n\n", entry.trim_end(), labels(index))
    };
    entries.map(entry).collect()
}
