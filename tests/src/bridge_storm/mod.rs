//! Kills the bridge, its routers, or both, again and again while events come in, and
//! checks what is promised: in the end each event that a router has told is stored once,
//! at its right time.
//!
//! A round starts what is not running, lets all routers tell events in bursts, and kills at
//! a moment by chance; every other time while the bridge writes, which takes so little of
//! its time that few kills would meet it. Some kills of the bridge are power cuts: commits
//! that SQLite has not synced are gone then. One router is our exporter, the others are
//! played: they fail in other ways too, or lose all that they had to tell.

mod deck;
mod ledger;
mod routers;
mod wal;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::bridge::{Bridge, Database, Place};
use crate::clock;
use crate::database_server::{DatabaseServer, Engine};
use crate::exporter::in_memory;
use crate::random::Random;
use deck::{Deck, Moment, Victims};
use routers::{Mortal, Routers};
use wal::Wal;

/// Longer than a slow machine needs for a few events, and than a bridge's pauses after
/// failures.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at something that is being waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// The same where a look costs the bridge all of its events.
const LOOK_AT_ALL_AGAIN: Duration = Duration::from_millis(50);
/// How long an aimed kill waits for a write.
const AIM: Duration = Duration::from_millis(100);
/// A server's transaction takes so many times as long as a write of the file.
const UNSEEN: u32 = 200;
/// Between the deaths of a bridge and of its routers.
const BETWEEN: std::ops::Range<Duration> = Duration::ZERO..Duration::from_millis(5);
/// One kill of the bridge in so many is a power cut.
const POWER_CUT: usize = 2;

/// What a storm did. That it is there means that nothing was lost or doubled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Rounds, as many as were asked for.
    pub kills: u32,
    /// Kills of the bridge.
    pub of_bridge: u32,
    /// Kills of the exporter.
    pub of_exporter: u32,
    /// Times that a played router lost what it had to tell.
    pub streams_lost: u32,
    /// Kills of the bridge within a commit.
    pub while_writing: u32,
    /// Power cuts that cost commits.
    pub power_cuts: u32,
    /// What they cost.
    pub commits_lost: usize,
    /// Events told by all routers.
    pub told: usize,
    /// Events stored in the end. Those that were gone before they could be read are missing.
    pub stored: usize,
    /// Kills of the database server, which is started again.
    pub of_server: u32,
    /// Of the whole storm.
    pub took: Duration,
}

/// The programs to be killed.
#[derive(Debug, Clone, Copy)]
pub struct Programs<'a> {
    /// `netmonitor-bridge`.
    pub bridge: &'a Path,
    /// `netmonitor-exporter`.
    pub exporter: &'a Path,
}

/// Kills so often, with a bridge that stores into a file. The seed is printed; it repeats the choice of victims and moments, not
/// what the machine does in them.
///
/// # Errors
/// With the events that are lost, doubled or wrong, or when something could not be done.
pub fn run(programs: Programs<'_>, kills: u32, seed: u64) -> Result<Report> {
    println!("bridge storm: {kills} kills, seed {seed}");
    storm(programs, None, kills, seed)
}

/// The same with one that stores into a server's database. Where a file would lose its power, the
/// server is killed, too.
///
/// # Errors
/// As above.
pub fn run_on(engine: Engine, programs: Programs<'_>, kills: u32, seed: u64) -> Result<Report> {
    println!("bridge storm on {}: {kills} kills, seed {seed}", engine.name());
    storm(programs, Some(DatabaseServer::start(engine)?), kills, seed)
}

fn storm(
    programs: Programs<'_>,
    server: Option<DatabaseServer>,
    kills: u32,
    seed: u64,
) -> Result<Report> {
    let start = clock::now();
    let mut storm = Storm::new(programs, server, seed)?;
    for kill in 1..=kills {
        storm.round().with_context(|| format!("seed {seed}, kill {kill}"))?;
    }
    storm.finish().with_context(|| format!("seed {seed}, after all kills"))?;
    Ok(Report { took: start.elapsed(), ..storm.report })
}

struct Storm<'a> {
    program: &'a Path,
    folder: TempDir,
    /// `None`: a file in the folder.
    server: Option<DatabaseServer>,
    bridge: Option<Bridge>,
    routers: Routers,
    random: Random,
    deck: Deck,
    /// A power cut has cost commits that were not polled again yet.
    owes: bool,
    report: Report,
}

impl<'a> Storm<'a> {
    fn new(programs: Programs<'a>, server: Option<DatabaseServer>, seed: u64) -> Result<Self> {
        let folder = in_memory("netmonitor-bridge-")?;
        let routers = Routers::new(programs.exporter)?;
        std::fs::write(folder.path().join("routers.toml"), routers.toml())?;
        Ok(Self {
            program: programs.bridge,
            folder,
            server,
            bridge: None,
            routers,
            random: Random::new(seed),
            deck: Deck::default(),
            owes: false,
            report: Report::default(),
        })
    }

    fn round(&mut self) -> Result<()> {
        let victims = self.deck.deal(&mut self.random);
        let is_power_cut = victims.include_bridge() && self.random.number(0..POWER_CUT) == 0;
        // What a power cut has cost can be polled again only from routers that have it.
        let mut may_lose = !is_power_cut && self.random.number(0..2) == 0;
        let is_new = self.bridge.is_none();
        self.start()?;
        if self.owes && may_lose {
            // One that has met failures may pause for longer than a round lasts.
            may_lose = is_new;
            if is_new {
                self.routers.be_healthy()?;
                self.wait_until_all_is_stored()?;
            }
        }
        let file = self.file();
        let synced = file.as_deref().map(Wal::read).transpose()?;
        let moment = Moment::choose(&mut self.random);
        let load = self.routers.plan(&mut self.random)?;
        let is_over = AtomicBool::new(false);
        let (teller, mortal) = self.routers.halves();
        let bridge = &mut self.bridge;
        let (random, report) = (&mut self.random, &mut self.report);
        let start = clock::now();
        std::thread::scope(|scope| {
            let told = scope.spawn(|| teller.tell(&load, start, &is_over));
            let killed = wait_for(moment, bridge.as_ref(), start, file.as_deref())
                .and_then(|()| kill(victims, bridge, mortal, random, may_lose, report));
            is_over.store(true, Ordering::Relaxed);
            told.join().ok().context("the routers failed")??;
            killed
        })?;
        self.report.kills += 1;
        if let (Some(file), true) = (&file, victims.include_bridge()) {
            self.look_at_the_log(file, synced.as_ref().filter(|_| is_power_cut))?;
        }
        if let (Some(server), true) = (&mut self.server, is_power_cut) {
            server.cut_power()?;
            self.report.of_server += 1;
        }
        Ok(())
    }

    fn start(&mut self) -> Result<()> {
        self.routers.start()?;
        if self.bridge.is_none() {
            let file = |name: &str| self.folder.path().join(name);
            let (routers, path) = (file("routers.toml"), file("netmonitor.db"));
            let database = self.server.as_ref().map_or(Database::File(&path), Database::Server);
            self.bridge = Some(Place::of(self.program, &routers, database).start()?);
        }
        Ok(())
    }

    /// The database, if it is one.
    fn file(&self) -> Option<PathBuf> {
        self.server.is_none().then(|| self.folder.path().join("netmonitor.db"))
    }

    /// What the kill has left; after a power cut that is less.
    fn look_at_the_log(&mut self, database: &Path, power_cut: Option<&Wal>) -> Result<()> {
        let wal = Wal::read(database)?;
        self.report.while_writing += u32::from(wal.is_within_write);
        let Some(synced) = power_cut else { return Ok(()) };
        let lost = wal.cut(database, synced, &mut self.random)?;
        self.report.commits_lost += lost;
        self.report.power_cuts += u32::from(lost > 0);
        self.owes |= lost > 0;
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.start()?;
        self.routers.be_healthy()?;
        self.routers.tell_last()?;
        self.wait_until_all_is_stored()
    }

    fn wait_until_all_is_stored(&mut self) -> Result<()> {
        let bridge = self.bridge.as_mut().context("the bridge is not running")?;
        let deadline = clock::now() + PATIENCE;
        loop {
            bridge.running.check_alive()?;
            let stored = bridge.events()?;
            let told = self.routers.told();
            let faults = ledger::compare(&told, &stored);
            if faults.is_empty() {
                (self.report.told, self.report.stored) = (told.len(), stored.len());
                self.owes = false;
                return Ok(());
            }
            ensure!(clock::now() < deadline, "{faults}");
            clock::wait_until(clock::now() + LOOK_AT_ALL_AGAIN);
        }
    }
}

fn wait_for(
    moment: Moment,
    bridge: Option<&Bridge>,
    start: Instant,
    file: Option<&Path>,
) -> Result<()> {
    match (moment, bridge) {
        (Moment::Early(after), _) => clock::wait_until(start + after),
        (Moment::Stored(count), Some(bridge)) => {
            let enough = bridge.events_stored()? + count;
            let deadline = clock::now() + PATIENCE;
            while bridge.events_stored()? < enough {
                ensure!(clock::now() < deadline, "{count} more events are not stored in time");
                clock::wait_until(clock::now() + LOOK_AGAIN);
            }
        }
        (Moment::Writing(after), _) => match file {
            Some(file) => wait_for_write(file, after),
            // A server's writes are not to be seen from here; most of a round is such a moment.
            None => clock::wait_until(start + after * UNSEEN),
        },
        (Moment::Stored(_), None) => bail!("the bridge is not running"),
    }
    Ok(())
}

/// Returns so long after a write has begun, or when there is none. Does not sleep: a
/// write is shorter than the shortest sleep.
fn wait_for_write(database: &Path, after: Duration) {
    let path = wal::beside(database, "-wal");
    let length = || std::fs::metadata(&path).map_or(0, |file| file.len());
    let (start, before) = (clock::now(), length());
    while length() == before {
        if start.elapsed() > AIM {
            return;
        }
    }
    let begun = clock::now();
    while begun.elapsed() < after {
        std::hint::spin_loop();
    }
}

fn kill(
    victims: Victims,
    bridge: &mut Option<Bridge>,
    mut routers: Mortal<'_>,
    random: &mut Random,
    may_lose: bool,
    report: &mut Report,
) -> Result<()> {
    // With SIGKILL.
    let mut kill_bridge = || drop(bridge.take());
    let between = clock::now() + random.duration(BETWEEN);
    let mut kill_routers = || routers.die(random, may_lose);
    match victims {
        Victims::Bridge => kill_bridge(),
        Victims::Routers => report.streams_lost += kill_routers()?,
        Victims::BridgeThenRouters => {
            kill_bridge();
            clock::wait_until(between);
            report.streams_lost += kill_routers()?;
        }
        Victims::RoutersThenBridge => {
            report.streams_lost += kill_routers()?;
            clock::wait_until(between);
            kill_bridge();
        }
    }
    report.of_bridge += u32::from(victims != Victims::Routers);
    report.of_exporter += u32::from(victims != Victims::Bridge);
    Ok(())
}
