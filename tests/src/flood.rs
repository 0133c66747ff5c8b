//! Lines that matter to nobody, many of them, and among them a few that do.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::cores::Cores;
use crate::event_reader::{EventReader, Sighting};
use crate::http_client::Client;
use crate::load::Load;
use crate::meter::{Meter, Shares};
use crate::random::Random;
use crate::router::{Log, LogKind, Router};
use crate::router_log::{Events, Noise, Subject};
use crate::running::Running;
use crate::visibility::{latencies, wait_for_boot};
use crate::{clock, samples};

/// Lines a second: what the goal of the CPU is set for.
pub const PER_SECOND: u32 = 20_000;
/// Of the flood.
pub const LENGTH: Duration = Duration::from_secs(10);
/// So that all code has been run once before memory is compared.
const WARM_UP: Duration = Duration::from_secs(1);
/// Of the same measurements without a flood.
const REST: Duration = Duration::from_secs(3);
/// Lines come in batches of this length.
const BATCH: std::ops::Range<Duration> = Duration::from_millis(5)..Duration::from_millis(10);
/// Events among the lines.
pub const EVENTS: usize = 50;
/// Requests for `/healthz` a second.
pub const HEALTH_CHECKS: u32 = 100;
const SEED: u64 = 2;
/// For the lines that are still in the pipe when the flood ends.
const CATCH_UP: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What it took, and what became of it.
pub struct Flood {
    /// Of `/healthz`.
    pub health: Vec<Duration>,
    /// The same before the flood.
    pub health_at_rest: Vec<Duration>,
    /// What the exporter did during the flood.
    pub shares: Shares,
    /// Before the flood.
    pub shares_at_rest: Shares,
    /// Resident memory before, afterwards, and at most.
    pub rss_kb: [u64; 3],
    /// Lines written, and lines that the exporter says it has read.
    pub lines: [u64; 2],
    /// How long writing them took.
    pub took: Duration,
    /// Events that are missing, or that nobody has written.
    pub wrong_events: usize,
    /// From line to answer, of the events.
    pub latencies: Vec<Duration>,
}

impl Flood {
    /// Floods an exporter.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn measure(binary: &Path, cores: Option<&Cores>, kind: LogKind) -> Result<Self> {
        let router = Router::new(kind)?;
        let exporter = router.start(binary, cores, None)?;
        let program = &exporter.running;
        let mut log = router.log()?;
        let mut reader = EventReader::connect(program.address, 0)?;
        wait_for_boot(&mut reader)?;
        let mut source = Source::default();
        source.pour(&mut log, WARM_UP, 0)?;
        let read = LinesRead::of(program, kind)?;
        read.wait_for(source.lines)?;

        let meter = Meter::start(program, cores)?;
        let health_at_rest = check_health(program, REST)?;
        let shares_at_rest = meter.shares()?;
        let rss_before = program.usage.memory()?.rss_kb;

        let (lines_before, meter) = (source.lines, Meter::start(program, cores)?);
        let (poured, health, seen) = std::thread::scope(|scope| {
            let health = scope.spawn(|| check_health(program, LENGTH));
            let seen = scope.spawn(|| reader.sightings(EVENTS));
            (source.pour(&mut log, LENGTH, EVENTS), health.join(), seen.join())
        });
        let poured = poured?;
        let shares = meter.shares()?;
        let health = health.ok().context("a health check failed")??;
        let seen = seen.ok().context("the reader failed")??;
        let read_lines = read.wait_for(source.lines)?;
        let rss_kb = [rss_before, program.usage.memory()?.rss_kb, program.usage.peak_rss_kb()?];
        Ok(Self {
            health,
            health_at_rest,
            shares,
            shares_at_rest,
            rss_kb,
            lines: [source.lines - lines_before, read_lines.saturating_sub(lines_before)],
            took: poured.took,
            wrong_events: wrong_events(&seen, program)?,
            latencies: latencies(&poured.events, &seen),
        })
    }
}

/// Events missing among those seen, in the wrong place, or too many.
fn wrong_events(seen: &[Sighting], program: &Running) -> Result<usize> {
    let expected = Subject::Wan.kinds().into_iter().cycle().take(EVENTS);
    let right = seen.iter().zip(expected).filter(|(seen, kind)| seen.event.kind == *kind).count();
    let page = EventReader::connect(program.address, 0)?.page()?;
    // The first one tells the start of the router.
    let more = page.next_seq.saturating_sub(2 + EVENTS as u64);
    Ok(EVENTS - right + more as usize)
}

fn check_health(program: &Running, length: Duration) -> Result<Vec<Duration>> {
    let load = Load {
        address: program.address,
        path: "/healthz",
        per_second: HEALTH_CHECKS,
        requests: HEALTH_CHECKS * length.as_secs() as u32,
        connections: 1,
    };
    Ok(load.run()?.latencies)
}

/// The exporter's own count.
struct LinesRead<'a> {
    program: &'a Running,
    series: String,
}

impl<'a> LinesRead<'a> {
    fn of(program: &'a Running, kind: LogKind) -> Result<Self> {
        let series = format!("netmonitor_log_lines_total{{source=\"{}\"}}", kind.name());
        Ok(Self { program, series })
    }

    /// The count once it has come this far, or after a while.
    fn wait_for(&self, lines: u64) -> Result<u64> {
        let mut client = Client::connect(self.program.address)?;
        let start = clock::now();
        loop {
            let count = samples::sum(client.get("/metrics")?, &self.series).unwrap_or(0.0) as u64;
            if count >= lines || start.elapsed() > CATCH_UP {
                return Ok(count);
            }
            clock::wait_until(clock::now() + LOOK_AGAIN);
        }
    }
}

/// Writes the lines of a router.
struct Source {
    noise: Noise,
    events: Events,
    random: Random,
    lines: u64,
}

impl Default for Source {
    fn default() -> Self {
        let (events, random) = (Events::of(Subject::Wan), Random::new(SEED));
        Self { noise: Noise::default(), events, random, lines: 0 }
    }
}

/// What was written.
struct Poured {
    events: Vec<Instant>,
    took: Duration,
}

impl Source {
    /// Writes at [`PER_SECOND`] for that long, with so many events among the lines.
    fn pour(&mut self, log: &mut Log, length: Duration, events: usize) -> Result<Poured> {
        let start = clock::now();
        let (mut planned, mut noise) = (Duration::ZERO, 0);
        let mut written = Vec::with_capacity(events);
        let mut batch = String::new();
        while planned < length {
            clock::wait_until(start + planned);
            planned = (planned + self.random.duration(BATCH)).min(length);
            let due = (planned.as_secs_f64() * f64::from(PER_SECOND)) as usize;
            let before = self.random.number(0..due - noise);
            batch.clear();
            self.noise.append(&mut batch, before);
            let events_due = planned.as_secs_f64() / length.as_secs_f64() * events as f64;
            if written.len() < events_due as usize {
                batch.push_str(&self.events.line(clock::unix_ms()).text);
                self.lines += 1;
                written.push(clock::now());
            }
            self.noise.append(&mut batch, due - noise - before);
            noise = due;
            log.write_all(batch.as_bytes()).context("cannot write the log")?;
        }
        self.lines += noise as u64;
        Ok(Poured { events: written, took: start.elapsed() })
    }
}
