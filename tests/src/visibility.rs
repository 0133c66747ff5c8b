//! How long a line takes until a reader who waits for it has its event.
//!
//! From just before the line is written until the answer of a long poll has arrived.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::clock;
use crate::cores::Cores;
use crate::event_reader::{EventReader, Sighting};
use crate::meter::{Meter, Shares};
use crate::random::Random;
use crate::router::{Log, LogKind, Router};
use crate::router_log::{Events, Subject};

/// Lines measured.
pub const LINES: usize = 250;
/// Between two lines: longer than the exporter gathers lines before it writes.
pub const SPACING: std::ops::Range<Duration> = Duration::from_millis(30)..Duration::from_millis(50);
/// Moments that meet the exporter's own rhythm at any phase, the same in each run.
const SEED: u64 = 1;

/// Of one way to get at lines.
pub struct Visibility {
    /// Of each line.
    pub latencies: Vec<Duration>,
    /// What the exporter did meanwhile.
    pub shares: Shares,
}

impl Visibility {
    /// Measures with an exporter that does nothing else.
    ///
    /// # Errors
    /// When an event does not come.
    pub fn measure(binary: &Path, cores: Option<&Cores>, log: LogKind) -> Result<Self> {
        let router = Router::new(log)?;
        let exporter = router.start(binary, cores, None)?;
        let mut log = router.log()?;
        let mut reader = EventReader::connect(exporter.running.address, 0)?;
        wait_for_boot(&mut reader)?;
        let meter = Meter::start(&exporter.running, cores)?;
        let (written, seen) = std::thread::scope(|scope| {
            let seen = scope.spawn(|| reader.sightings(LINES));
            let written = write_lines(&mut log);
            (written, seen.join())
        });
        let shares = meter.shares()?;
        let seen = seen.ok().context("the reader failed")??;
        let latencies = latencies(&written?, &seen);
        ensure!(latencies.len() == LINES, "{} of {LINES} events came", latencies.len());
        Ok(Self { latencies, shares })
    }
}

/// The exporter tells first that the router was started.
///
/// # Errors
/// When it does not.
pub fn wait_for_boot(reader: &mut EventReader) -> Result<()> {
    ensure!(reader.read_to(1)?, "the exporter does not tell its first event");
    ensure!(reader.after() == 1, "there are events that nobody has written");
    Ok(())
}

/// From the moment of each line to that of its event, which has the same place in order.
#[must_use]
pub fn latencies(written: &[Instant], seen: &[Sighting]) -> Vec<Duration> {
    let pairs = written.iter().zip(seen);
    pairs.map(|(written, seen)| seen.at.saturating_duration_since(*written)).collect()
}

fn write_lines(log: &mut Log) -> Result<Vec<Instant>> {
    let (mut events, mut random) = (Events::of(Subject::Wan), Random::new(SEED));
    let mut moment = clock::now();
    let mut written = Vec::with_capacity(LINES);
    for _ in 0..LINES {
        moment += random.duration(SPACING);
        clock::wait_until(moment);
        let line = events.line(clock::unix_ms());
        written.push(clock::now());
        log.write_all(line.text.as_bytes()).context("cannot write the log")?;
    }
    Ok(written)
}
