//! Kills the exporter again and again while events come in and a reader takes them, and
//! checks what is promised: an event that was seen once stays what it was, under its
//! number, and in the end each line of the log has led to exactly one event.
//!
//! A round writes lines in bursts cut at any byte, starts the exporter on the files that
//! the last round has left, follows it with a long poll, and kills it at a random moment;
//! every other time right after that moment when it writes, which takes so little of its
//! time that few kills would meet it.
//! Then it looks at the files, before the next start can repair anything. Every line has
//! a millisecond of its own, so that its event can be told from all others.

mod ledger;
mod on_disk;

use std::collections::BTreeSet;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::clock;
use crate::event_reader::{Event, EventReader};
use crate::random::Random;
use crate::router::{Log, LogKind, Router};
use crate::router_log::{EventLine, Events, Subject};
use ledger::Ledger;
use on_disk::OnDisk;

/// From the moment the exporter answers: some kills hit it while it still looks around,
/// most while it writes and is read.
const LIFETIME: std::ops::Range<Duration> = Duration::ZERO..Duration::from_millis(300);
/// Bursts begin within this time, those of a short life after its end.
const BURSTS_WITHIN: std::ops::Range<Duration> = Duration::ZERO..Duration::from_millis(350);
const BURSTS: usize = 12;
/// How long an aimed kill waits for a write: a few of the exporter's own pauses.
const AIM: Duration = Duration::from_millis(60);
/// From the beginning of a write, so that kills meet all of its steps: it takes 0.1 ms,
/// with thousands of events 1 ms.
const WRITE: std::ops::Range<Duration> = Duration::ZERO..Duration::from_micros(150);
/// The most that the exporter can keep: nothing may be evicted here.
const MAX_EVENTS: usize = 10_000;
/// More make a round longer and teach nothing.
const MAX_EVENTS_PER_ROUND: usize = 60;
/// The exporter tells first that the router was started.
const FIRST: (&str, usize) = ("router_boot", 1);

/// What a storm did. That it is there means that nothing was lost, doubled or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// As many as were asked for.
    pub kills: u32,
    /// Lines written, and so events told.
    pub events: usize,
    /// Events that a reader had when the exporter was killed, over all kills.
    pub seen: usize,
    /// Kills that left the beginning of a new file.
    pub while_writing: u32,
    /// Kills that left a new state beside an old queue.
    pub between_renames: u32,
}

/// Kills `binary` that often. The seed is printed; it repeats the choice of moments, not
/// what the machine does in them.
///
/// # Errors
/// With the first broken promise, or when something could not be done.
pub fn run(binary: &Path, rounds: u32, seed: u64) -> Result<Report> {
    println!("kill storm: {rounds} kills, seed {seed}");
    let mut storm = Storm::new(binary, rounds, seed)?;
    for round in 1..=rounds {
        storm.round(round).with_context(|| format!("seed {seed}, kill {round}"))?;
    }
    storm.finish().with_context(|| format!("seed {seed}, after all kills"))?;
    Ok(storm.report)
}

struct Storm {
    binary: PathBuf,
    router: Router,
    log: Log,
    random: Random,
    events: Events,
    events_per_round: usize,
    written: Vec<EventLine>,
    ledger: Ledger,
    report: Report,
}

/// Bytes to be written at a moment of the round.
type Burst = (Duration, Vec<u8>);

impl Storm {
    fn new(binary: &Path, rounds: u32, seed: u64) -> Result<Self> {
        let most = (MAX_EVENTS - FIRST.1) / rounds.max(1) as usize;
        ensure!(most > BURSTS, "{rounds} kills are too many for a queue of {MAX_EVENTS} events");
        let router = Router::new(LogKind::File)?;
        Ok(Self {
            binary: binary.to_owned(),
            log: router.log()?,
            router,
            random: Random::new(seed),
            events: Events::of(Subject::Wan),
            events_per_round: most.min(MAX_EVENTS_PER_ROUND),
            written: Vec::new(),
            ledger: Ledger::default(),
            report: Report { kills: 0, events: 0, seen: 0, while_writing: 0, between_renames: 0 },
        })
    }

    fn round(&mut self, round: u32) -> Result<()> {
        let bursts = self.plan();
        let lifetime = self.random.duration(LIFETIME);
        let aim = (round % 2 == 1).then(|| self.random.duration(WRITE));
        // Every other reader has forgotten everything and reads it all again.
        let after = if round % 4 < 2 { 0 } else { self.ledger.last() };
        let is_killed = AtomicBool::new(false);
        let Self { binary, router, log, ledger, .. } = self;
        std::thread::scope(|scope| {
            let is_killed = &is_killed;
            let writer = scope.spawn(|| write(log, &bursts, is_killed));
            let started = router.start(binary, None, Some(MAX_EVENTS));
            let exporter = started.inspect_err(|_| is_killed.store(true, Ordering::Relaxed))?;
            let address = exporter.running.address;
            let reader = scope.spawn(move || follow(address, after, ledger, is_killed));
            clock::wait_until(clock::now() + lifetime);
            if let Some(delay) = aim {
                wait_for_write(&router.queue_file(), delay);
            }
            is_killed.store(true, Ordering::Relaxed);
            // With SIGKILL.
            drop(exporter);
            writer.join().ok().context("the writer failed")??;
            reader.join().ok().context("the reader failed")?
        })?;
        self.report.kills += 1;
        self.report.seen += self.ledger.events().len();
        self.check_files()
    }

    /// The lines of a round in bursts of one to a few, some of them cut within a line.
    fn plan(&mut self) -> Vec<Burst> {
        let mut moments = [(); BURSTS].map(|()| self.random.duration(BURSTS_WITHIN));
        moments.sort_unstable();
        let most = 2 * self.events_per_round / BURSTS;
        let mut left = self.events_per_round;
        let mut bursts = Vec::new();
        for moment in moments {
            let lines = self.random.number(1..most).min(left);
            left -= lines;
            let text: String = (0..lines).map(|_| self.line()).collect();
            let (first, second) = text.as_bytes().split_at(self.random.number(0..text.len()));
            bursts.push((moment, first.to_vec()));
            bursts.push((moment + self.random.duration(LIFETIME) / 100, second.to_vec()));
        }
        bursts
    }

    /// The next line, in a millisecond of its own.
    fn line(&mut self) -> String {
        let next_free = self.written.last().map_or(0, |line| line.unix_ms + 1);
        let line = self.events.line(clock::unix_ms().max(next_free));
        let text = line.text.clone();
        self.written.push(line);
        text
    }

    /// What was seen must be in the files, whole.
    fn check_files(&mut self) -> Result<()> {
        let found = OnDisk::read(&self.router.queue_file())?;
        self.report.while_writing += u32::from(found.was_writing);
        self.report.between_renames += u32::from(found.is_between_renames);
        if let Some(stream) = self.ledger.stream() {
            ensure!(found.stream.as_deref() == Some(stream), "the stream {stream} is not on disk");
        }
        for event in self.ledger.events() {
            match found.events.get(&event.seq) {
                None => bail!("event {} was seen and is on no disk: {event:?}", event.seq),
                Some(kept) => ensure!(kept == event, "{event:?} was seen, {kept:?} is on disk"),
            }
        }
        Ok(())
    }

    /// Lets an exporter read the rest, and compares with the log.
    fn finish(&mut self) -> Result<()> {
        let exporter = self.router.start(&self.binary, None, Some(MAX_EVENTS))?;
        let mut reader = EventReader::connect(exporter.running.address, 0)?;
        let all = FIRST.1 + self.written.len();
        while self.ledger.events().len() < all {
            let page = reader.page()?;
            let is_last = page.events.is_empty();
            self.ledger.note(page)?;
            if is_last {
                break;
            }
        }
        // Once more from the beginning, to see that there is nothing else.
        let mut reader = EventReader::connect(exporter.running.address, 0)?;
        reader.read_to(all as u64)?;
        ensure!(reader.after() == all as u64, "{} events for {all}", reader.after());
        self.report.events = self.written.len();
        compare(&self.ledger.events().cloned().collect::<Vec<_>>(), &self.written)
    }
}

/// Line by line.
fn compare(told: &[Event], written: &[EventLine]) -> Result<()> {
    let numbers: BTreeSet<u64> = told.iter().map(|event| event.seq).collect();
    ensure!(numbers.into_iter().eq(1..=told.len() as u64), "numbers are missing");
    let (first, rest) = told.split_first().context("nothing was told")?;
    ensure!(first.kind == FIRST.0, "the first event is {first:?}");
    for (event, line) in rest.iter().zip(written) {
        ensure!(
            event.kind == line.kind && event.unix_ms() == line.unix_ms,
            "{event:?} is told where the log has {line:?}"
        );
    }
    ensure!(rest.len() == written.len(), "{} events of {} lines", rest.len(), written.len());
    Ok(())
}

/// Writes the bursts at their moments; all that are left when there is nobody to read them.
fn write(log: &mut Log, bursts: &[Burst], is_killed: &AtomicBool) -> Result<()> {
    let start = clock::now();
    for (moment, bytes) in bursts {
        while !is_killed.load(Ordering::Relaxed) && start.elapsed() < *moment {
            clock::wait_until((start + *moment).min(clock::now() + Duration::from_millis(1)));
        }
        log.write_all(bytes).context("cannot write the log")?;
    }
    Ok(())
}

/// Returns so long after a write has begun, or when there is none. Does not sleep: a
/// write is shorter than the shortest sleep.
fn wait_for_write(queue_file: &Path, delay: Duration) {
    let start = clock::now();
    while !on_disk::is_writing(queue_file) {
        if start.elapsed() > AIM {
            return;
        }
    }
    let begun = clock::now();
    while begun.elapsed() < delay {
        std::hint::spin_loop();
    }
}

/// Reads until the exporter is killed.
fn follow(
    address: SocketAddr,
    after: u64,
    ledger: &mut Ledger,
    is_killed: &AtomicBool,
) -> Result<()> {
    // With the exporter, its connection breaks.
    let broken = |error| if is_killed.load(Ordering::Relaxed) { Ok(()) } else { Err(error) };
    let mut reader = match EventReader::connect(address, after) {
        Ok(reader) => reader,
        Err(error) => return broken(error),
    };
    loop {
        match reader.page() {
            Ok(page) => ledger.note(page)?,
            Err(error) => return broken(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story() -> (Vec<Event>, Vec<EventLine>) {
        let mut events = Events::of(Subject::Wan);
        let written: Vec<_> = (1..4).map(|at| events.line(at * 1000 + 7)).collect();
        let event = |seq: u64, ts: f64, kind: &str| Event {
            seq,
            ts,
            kind: kind.to_owned(),
            message: String::new(),
        };
        let rest = written.iter().zip(2..);
        let rest = rest.map(|(line, seq)| event(seq, line.unix_ms as f64 / 1000.0, line.kind));
        (std::iter::once(event(1, 0.5, "router_boot")).chain(rest).collect(), written)
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Vec<Event>), expected: &str) {
        let (mut told, written) = story();
        change(&mut told);
        let found =
            compare(&told, &written).map_or_else(|error| error.to_string(), |()| "good".into());
        assert!(found.contains(expected), "{found}");
    }

    #[test]
    fn each_line_is_told_once_and_in_order() {
        check(|_| {}, "good");
        check(|told| drop(told.pop()), "2 events of 3 lines");
        check(|told| told[2].seq = 9, "numbers are missing");
        check(|told| told[2].ts += 0.001, "is told where the log has");
        check(|told| told[3] = Event { seq: 4, ..told[2].clone() }, "is told where the log has");
        check(|told| told[0].kind = "test".to_owned(), "the first event is");
        check(Vec::clear, "nothing was told");
    }
}
