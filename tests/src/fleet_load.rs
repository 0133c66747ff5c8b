//! A bridge that watches a fleet: what that costs, how late polls are, and whether all that
//! the routers told is stored.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::bridge::{Counted, Database, Place};
use crate::cores::Cores;
use crate::database_server::DatabaseServer;
use crate::fake_router::arrivals;
use crate::fake_routers_apart::FakeRouters;
use crate::meter::{Meter, Shares};
use crate::running::Running;
use crate::stored_events::{self, Differences};
use crate::{clock, machine};

/// Polls are under way, and what waited is stored.
const WARM_UP: Duration = Duration::from_secs(25);
/// The scenario goes on for so long after what is measured: programs need time to start.
const LONGER: Duration = Duration::from_secs(35);
/// Somewhat more, for events that are on their way.
const MORE: Duration = Duration::from_secs(5);
/// For what the bridge does in its own time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A fleet, and what it tells.
#[derive(Debug, Clone, Copy)]
pub struct Fleet {
    /// How many.
    pub routers: usize,
    /// `POLL_INTERVAL`, in whole seconds; as often each router tells what it has to tell.
    pub period: Duration,
    /// Each has so many events when the bridge starts for the first time.
    pub waiting: usize,
    /// Each tells so many at once, each period.
    pub told: usize,
    /// What is measured; a number of periods.
    pub length: Duration,
}

impl Fleet {
    /// How long the routers tell events.
    fn plays(self) -> Duration {
        WARM_UP + self.length + LONGER
    }

    fn scenario(self) -> String {
        let Self { waiting, told, .. } = self;
        let (period, until) = (self.period.as_secs(), self.plays().as_secs());
        format!(
            "0s event kernel_link_up x{waiting}\nevery {period}s until {until}s event pppoe_down \
             x{told}\n"
        )
    }
}

/// What was found.
pub struct FleetLoad {
    /// From the start of the bridge until all waiting events were stored.
    pub caught_up_in: Duration,
    /// How the bridge spent the time; of waiting also what its threads wait for each other.
    pub shares: Shares,
    /// Of the core, with threads that have ended.
    pub cpu: f64,
    /// The same of each poll.
    pub cpu_each: Duration,
    /// Of the core, what others used of it.
    pub others: f64,
    /// At the end.
    pub rss_kb: u64,
    /// From the start on.
    pub peak_rss_kb: u64,
    /// Threads at the end.
    pub threads: usize,
    /// Files that it holds open at the end.
    pub open_files: usize,
    /// Made in the time that counts.
    pub polls: f64,
    /// Of each poll, those that are missing too.
    pub lateness: Vec<Duration>,
    /// Mean from asking to storing.
    pub poll: Duration,
    /// Of the fleet's own program: a core that is full answers late.
    pub fleet_cpu: f64,
    /// Of the database's server, if there is one.
    pub server_cpu: Option<f64>,
    /// In all.
    pub told: usize,
    /// Between told and stored.
    pub differences: Differences,
}

impl FleetLoad {
    /// Takes a minute and more besides what is measured.
    ///
    /// # Errors
    /// When a program fails.
    pub fn measure(fleet: Fleet, binary: &Path, cores: Option<&Cores>) -> Result<Self> {
        Self::measure_on(None, fleet, binary, cores, |_| Ok(()))
    }

    /// With a server's database instead of a file, and questions that are put while all goes on.
    ///
    /// # Errors
    /// When a program fails.
    pub fn measure_on(
        server: Option<&DatabaseServer>,
        fleet: Fleet,
        binary: &Path,
        cores: Option<&Cores>,
        mut ask: impl FnMut(&Running) -> Result<()>,
    ) -> Result<Self> {
        let folder =
            TempDir::with_prefix("netmonitor-fleet-").context("cannot make a folder for files")?;
        let began = clock::now();
        let routers = FakeRouters::start(fleet.routers, &fleet.scenario(), folder.path())?;
        let path = folder.path().join("netmonitor.db");
        let database = server.map_or(Database::File(&path), Database::Server);
        let place = Place {
            cores,
            poll_interval: fleet.period,
            ..Place::of(binary, &routers.routers_file, database)
        };
        let started = clock::now();
        let mut bridge = place.start()?.running;
        let caught_up_in = wait_for_events(&bridge, fleet.routers * fleet.waiting, started)?;
        clock::wait_until(started + WARM_UP);

        let server_before = server.map(DatabaseServer::cpu_time).transpose()?;
        let window = Window::measure(fleet, &bridge, &routers, cores)?;
        let server_after = server.map(DatabaseServer::cpu_time).transpose()?;
        let server_cpu = server_before.zip(server_after).map(|(before, after)| {
            after.saturating_sub(before).as_secs_f64() / fleet.length.as_secs_f64()
        });
        ask(&bridge)?;
        let (rss_kb, threads) = (bridge.usage.memory()?.rss_kb, bridge.usage.threads()?);
        let open_files = bridge.usage.open_files()?;
        let peak_rss_kb = bridge.usage.peak_rss_kb()?;

        clock::wait_until(began + fleet.plays() + MORE);
        let told = routers.ledger()?;
        wait_for_events(&bridge, told.len(), clock::now()).ok(); // what is missing is counted
        let differences = Differences::between(&told, &stored_events::read(&bridge)?);
        bridge.check_alive()?;
        Ok(Self {
            caught_up_in,
            shares: window.shares,
            cpu: window.cpu,
            cpu_each: window.cpu_each,
            others: window.others,
            rss_kb,
            peak_rss_kb,
            threads,
            open_files,
            polls: window.polls,
            lateness: window.lateness,
            poll: window.poll,
            fleet_cpu: window.fleet_cpu,
            server_cpu,
            told: told.len(),
            differences,
        })
    }
}

/// The time that counts.
struct Window {
    shares: Shares,
    cpu: f64,
    cpu_each: Duration,
    others: f64,
    fleet_cpu: f64,
    polls: f64,
    lateness: Vec<Duration>,
    poll: Duration,
}

impl Window {
    fn measure(
        fleet: Fleet,
        bridge: &Running,
        routers: &FakeRouters,
        cores: Option<&Cores>,
    ) -> Result<Self> {
        let core = cores.map(|cores| cores.server);
        let before = Counted::of(bridge)?;
        let fleet_before = routers.running.usage.cpu_time()?;
        let (from, worked) = (clock::since_boot(), machine::worked(core)?);
        let cpu_before = bridge.usage.cpu_time()?;
        let meter = Meter::start(bridge, cores)?;
        let began = clock::now();

        clock::wait_until(began + fleet.length);

        let took = clock::now().saturating_duration_since(began).as_secs_f64();
        let share =
            |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() / took;
        let shares = meter.shares()?;
        let cpu_time = bridge.usage.cpu_time()?.saturating_sub(cpu_before);
        let cpu = cpu_time.as_secs_f64() / took;
        let others = (share(worked, machine::worked(core)?) - cpu).max(0.0);
        let until = clock::since_boot();
        let fleet_cpu = share(fleet_before, routers.running.usage.cpu_time()?);
        let after = Counted::of(bridge)?;
        let polls = after.polls - before.polls;
        let poll = Duration::try_from_secs_f64((after.poll_seconds - before.poll_seconds) / polls);
        let poll = poll.context("there were no polls")?;
        let lateness = lateness(fleet, routers, from, until)?;
        let cpu_each = cpu_time.div_f64(polls);
        Ok(Self { shares, cpu, cpu_each, others, fleet_cpu, polls, lateness, poll })
    }
}

/// Of all polls between the two moments.
fn lateness(
    fleet: Fleet,
    routers: &FakeRouters,
    from: Duration,
    until: Duration,
) -> Result<Vec<Duration>> {
    let arrivals = arrivals::read(&routers.arrivals)?;
    ensure!(arrivals.len() == fleet.routers, "only {} routers were polled", arrivals.len());
    let mut all = Vec::new();
    for (router, mut times) in arrivals {
        times.retain(|at| (from..until).contains(at));
        ensure!(!times.is_empty(), "{router} was not polled for {} s", fleet.length.as_secs());
        all.extend(arrivals::lateness(&times, fleet.period, until));
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
