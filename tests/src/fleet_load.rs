//! A bridge that watches a fleet: what that costs, how late polls are, and whether all that
//! the routers told is stored.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::bridge::{Counted, Place};
use crate::cores::Cores;
use crate::fake_router::arrivals;
use crate::fake_routers_apart::FakeRouters;
use crate::meter::{Meter, Shares};
use crate::running::Running;
use crate::stored_events::{self, Differences};
use crate::{clock, machine};

/// In the fleet.
pub const ROUTERS: usize = 1000;
/// `POLL_INTERVAL`.
pub const PERIOD: Duration = Duration::from_secs(10);
/// Each router has so many events when the bridge starts for the first time.
pub const WAITING: usize = 50;
/// Told by all of them together, a second.
pub const EVENTS_PER_SECOND: usize = 200;
/// What is measured: six polls of each.
pub const LENGTH: Duration = Duration::from_secs(60);

/// Two events at once of each router every 10 s; longer than we measure.
const SCENARIO: &str = "0s event kernel_link_up x50\nevery 10s until 2:00 event pppoe_down x2\n";
/// Of the scenario, and somewhat more.
const TOLD_AFTER: Duration = Duration::from_secs(125);
/// Polls are under way, and what waited is stored.
const WARM_UP: Duration = Duration::from_secs(25);
/// For what the bridge does in its own time.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was found.
pub struct FleetLoad {
    /// From the start of the bridge until all waiting events were stored.
    pub caught_up_in: Duration,
    /// How the bridge spent the time; of waiting also what its threads wait for each other.
    pub shares: Shares,
    /// Of the core, with threads that have ended.
    pub cpu: f64,
    /// Of the core, what others used of it.
    pub others: f64,
    /// At the end.
    pub rss_kb: u64,
    /// From the start on.
    pub peak_rss_kb: u64,
    /// Threads at the end.
    pub threads: usize,
    /// Of each poll.
    pub lateness: Vec<Duration>,
    /// Mean from asking to storing.
    pub poll: Duration,
    /// Of the fleet's own program: a core that is full answers late.
    pub fleet_cpu: f64,
    /// In all.
    pub told: usize,
    /// Between told and stored.
    pub differences: Differences,
}

impl FleetLoad {
    /// Takes three minutes.
    ///
    /// # Errors
    /// When a program fails.
    pub fn measure(binary: &Path, cores: Option<&Cores>) -> Result<Self> {
        let folder =
            TempDir::with_prefix("netmonitor-fleet-").context("cannot make a folder for files")?;
        let began = clock::now();
        let fleet = FakeRouters::start(ROUTERS, SCENARIO, folder.path())?;
        let database = folder.path().join("netmonitor.db");
        let place = Place {
            cores,
            poll_interval: PERIOD,
            ..Place::of(binary, &fleet.routers_file, &database)
        };
        let started = clock::now();
        let mut bridge = place.start()?.running;
        let caught_up_in = wait_for_events(&bridge, ROUTERS * WAITING, started)?;
        clock::wait_until(started + WARM_UP);

        let window = Window::measure(&bridge, &fleet, cores)?;
        let (rss_kb, threads) = (bridge.usage.memory()?.rss_kb, bridge.usage.threads()?);
        let peak_rss_kb = bridge.usage.peak_rss_kb()?;

        clock::wait_until(began + TOLD_AFTER);
        let told = fleet.ledger()?;
        wait_for_events(&bridge, told.len(), clock::now()).ok(); // what is missing is counted
        let differences = Differences::between(&told, &stored_events::read(&bridge)?);
        bridge.check_alive()?;
        Ok(Self {
            caught_up_in,
            shares: window.shares,
            cpu: window.cpu,
            others: window.others,
            rss_kb,
            peak_rss_kb,
            threads,
            lateness: window.lateness,
            poll: window.poll,
            fleet_cpu: window.fleet_cpu,
            told: told.len(),
            differences,
        })
    }
}

/// The time that counts.
struct Window {
    shares: Shares,
    cpu: f64,
    others: f64,
    fleet_cpu: f64,
    lateness: Vec<Duration>,
    poll: Duration,
}

impl Window {
    fn measure(bridge: &Running, fleet: &FakeRouters, cores: Option<&Cores>) -> Result<Self> {
        let core = cores.map(|cores| cores.server);
        let before = Counted::of(bridge)?;
        let fleet_before = fleet.running.usage.cpu_time()?;
        let (from, worked) = (clock::since_boot(), machine::worked(core)?);
        let cpu_before = bridge.usage.cpu_time()?;
        let meter = Meter::start(bridge, cores)?;
        let began = clock::now();

        clock::wait_until(began + LENGTH);

        let took = clock::now().saturating_duration_since(began).as_secs_f64();
        let share =
            |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() / took;
        let shares = meter.shares()?;
        let cpu = share(cpu_before, bridge.usage.cpu_time()?);
        let others = (share(worked, machine::worked(core)?) - cpu).max(0.0);
        let until = clock::since_boot();
        let fleet_cpu = share(fleet_before, fleet.running.usage.cpu_time()?);
        let after = Counted::of(bridge)?;
        let polls = after.polls - before.polls;
        let poll = Duration::try_from_secs_f64((after.poll_seconds - before.poll_seconds) / polls);
        let poll = poll.context("there were no polls")?;
        let lateness = lateness(fleet, from, until)?;
        Ok(Self { shares, cpu, others, fleet_cpu, lateness, poll })
    }
}

/// Of all polls between the two moments.
fn lateness(fleet: &FakeRouters, from: Duration, until: Duration) -> Result<Vec<Duration>> {
    let arrivals = arrivals::read(&fleet.arrivals)?;
    ensure!(arrivals.len() == ROUTERS, "only {} routers were polled", arrivals.len());
    let mut all = Vec::new();
    for (router, mut times) in arrivals {
        times.retain(|at| (from..until).contains(at));
        ensure!(!times.is_empty(), "{router} was not polled for {} s", LENGTH.as_secs());
        all.extend(arrivals::lateness(&times, PERIOD, until));
    }
    Ok(all)
}

/// Until so many are stored; how long after `since` that was.
fn wait_for_events(bridge: &Running, events: usize, since: Instant) -> Result<Duration> {
    let deadline = clock::now() + PATIENCE;
    loop {
        let stored = Counted::of(bridge)?.events_stored;
        let now = clock::now();
        if stored >= events as f64 {
            return Ok(now.saturating_duration_since(since));
        }
        ensure!(now < deadline, "only {stored} of {events} events are stored");
        clock::wait_until(now + Duration::from_millis(200));
    }
}
