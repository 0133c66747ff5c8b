//! The bridge while it polls: each second, so that an hour has as many polls as two days and a half.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use netmonitor_tests::bridge::{Bridge, Counted, Place};
use netmonitor_tests::clock;
use netmonitor_tests::fake_routers_apart::FakeRouters;
use netmonitor_tests::figures::short;
use netmonitor_tests::goals::Goal;
use netmonitor_tests::stored_events::{self, Differences};
use netmonitor_tests::table::Table;
use tempfile::TempDir;

use crate::sample::{Sample, growth_goal, windows};

/// So many that the writer's page cache (2 MiB) is full within the five minutes that are not
/// judged: until then memory grows with the database.
const ROUTERS: usize = 100;
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// `POLL_INTERVAL` as it is by default.
const ORDINARY_INTERVAL: Duration = Duration::from_secs(60);
/// A busy machine may be late with some.
const MIN_POLLS: f64 = 0.9;
/// Caches of the readers; a leak of 4 bytes a poll is more.
const MAX_GROWTH_KB: f64 = 1024.0;
/// Readers of the database come and go.
const MAX_MORE_FILES: f64 = 12.0;

pub(super) struct Polling {
    bridge: Bridge,
    routers: FakeRouters,
    _folder: TempDir,
    samples: Vec<Sample>,
    cpu: Duration,
    polls: f64,
}

impl Polling {
    /// Routers that tell two events a minute, and a bridge that asks them.
    pub(super) fn start(binary: &Path, minutes: u32) -> Result<Self> {
        let folder = TempDir::with_prefix("netmonitor-soak-")?;
        let scenario = format!("every 60s until {}s event pppoe_down x2\n", minutes * 60);
        let routers = FakeRouters::start(ROUTERS, &scenario, folder.path())?;
        let database = folder.path().join("netmonitor.db");
        let place = Place {
            poll_interval: POLL_INTERVAL,
            ..Place::of(binary, &routers.routers_file, &database)
        };
        let bridge = place.start()?;
        let (samples, cpu) = (Vec::new(), Duration::ZERO);
        Ok(Self { bridge, routers, _folder: folder, samples, cpu, polls: 0.0 })
    }

    /// What was so far counts as its start.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.cpu = self.bridge.running.usage.cpu_time()?;
        self.polls = Counted::of(&self.bridge.running)?.polls;
        Ok(())
    }

    /// What it uses now.
    pub(super) fn take_sample(&mut self) -> Result<()> {
        self.samples.push(Sample::of(&mut self.bridge.running)?);
        Ok(())
    }

    /// Whether it meets its goals.
    pub(super) fn judge(&self, table: &mut Table<5>, took: Duration) -> Result<bool> {
        let bridge = &self.bridge.running;
        let cpu = bridge.usage.cpu_time()?.saturating_sub(self.cpu);
        let polls = Counted::of(bridge)?.polls - self.polls;
        let told = self.routers.ledger()?;
        // What is missing then is lost.
        clock::until("all is stored", || Ok(stored_events::read(bridge)?.len() >= told.len())).ok();
        let differences = Differences::between(&told, &stored_events::read(bridge)?);
        let mut all_met = true;
        let mut row = |figure: &str, found: f64, goal: Goal| {
            all_met &= goal.is_met(found);
            let [goal, verdict] = goal.cells(found);
            table.push([figure.into(), "bridge".into(), short(found), goal, verdict]);
        };
        let (early, late) = windows(&self.samples, |sample| sample.memory.rss_kb as f64)?;
        row("resident memory, kB", late, Goal::None);
        row("its growth, kB", late - early, growth_goal(took, MAX_GROWTH_KB));
        let (early, late) = windows(&self.samples, |sample| sample.open_files as f64)?;
        row("open files, late", late, Goal::None);
        row("their growth", late - early, Goal::AtMost(MAX_MORE_FILES));
        let threads = self.samples.iter().map(|sample| sample.threads).max().unwrap_or(0);
        row("threads, at most", threads as f64, Goal::None);
        row("CPU, % of one core", cpu.as_secs_f64() / took.as_secs_f64() * 100.0, Goal::None);
        let due = ROUTERS as f64 * took.as_secs_f64() / POLL_INTERVAL.as_secs_f64();
        row("polls, of all due", polls / due, Goal::AtLeast(MIN_POLLS));
        let days = polls / ROUTERS as f64 * ORDINARY_INTERVAL.as_secs_f64() / 86_400.0;
        row("as many as in days of one a minute", days, Goal::None);
        row("events told", told.len() as f64, Goal::AtLeast(1.0));
        row("events lost", differences.lost as f64, Goal::Exactly(0.0));
        row("events stored twice", differences.doubled as f64, Goal::Exactly(0.0));
        row("events that nobody told", differences.invented as f64, Goal::Exactly(0.0));
        Ok(all_met)
    }
}
