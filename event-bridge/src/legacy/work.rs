//! An import under way: reads the next rows, makes records of them and hands them over.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use jiff::tz::TimeZone;

use super::Import;
use super::error::LegacyError;
use super::polls::{Next, Polls};
use super::rows::{Reason, Rules, TimedPing};
use super::source::{CHUNK, EVENTS, HOURS, PINGS, Row, STATUS, Source, Table};
use super::tally::Tally;
use super::time::LocalClock;
use crate::history::hour::HOUR;
use crate::record::{Millis, Past, PastEvent, Sample};
use crate::store::{self, Database, RouterId, Store, StoreError};

/// Samples in a transaction, with their pings: some 30 ms, so that a bridge that runs gets its
/// turn. More only to the end of the hour.
const SAMPLES_AT_ONCE: usize = 256;

/// Where an hour has no end, as under a clock that stood still.
const MOST_SAMPLES: usize = 8192;

/// Events in a transaction.
const EVENTS_AT_ONCE: usize = 512;

/// Hours added up in a transaction: some 30 ms.
const HOURS_AT_ONCE: u64 = 16;

/// Events remembered, 8 bytes each; of more the database is asked again.
const MOST_REMEMBERED: usize = 1 << 20;

/// How far a table was read.
struct Place {
    after: i64,
    is_done: bool,
    clock: LocalClock,
}

impl Place {
    fn new(zone: &TimeZone) -> Self {
        Self { after: i64::MIN, is_done: false, clock: LocalClock::new(zone.clone()) }
    }

    /// `None`: there are no more.
    fn take<const N: usize>(
        &mut self,
        source: &Source,
        table: &Table<N>,
    ) -> Result<Option<Vec<Row<N>>>, LegacyError> {
        if self.is_done {
            return Ok(None);
        }
        let rows = source.rows_after(table, self.after)?;
        self.is_done = rows.len() < CHUNK;
        self.after = rows.last().map_or(self.after, |row| row.id);
        Ok(Some(rows))
    }
}

/// See the module.
pub(super) struct Work {
    source: Source,
    store: Store,
    router: RouterId,
    rules: Rules,
    kept_since: Millis,
    samples: Place,
    pings: Place,
    events: Place,
    hours: Place,
    polls: Polls,
    /// The first sample of the next batch.
    next: Option<Sample>,
    /// Events that were read ahead.
    told: VecDeque<PastEvent>,
    seen: HashSet<u64>,
    tally: Tally,
}

impl Work {
    pub(super) async fn open(import: &Import) -> Result<Self, LegacyError> {
        let source = Source::open(&import.file)?;
        if import.database.file().is_some_and(|database| is_same(&import.file, database)) {
            return Err(LegacyError::Target { path: import.file.clone() });
        }
        let store = open_store(&import.database, import.now)?;
        let router = store.router(&import.router).await?;
        Ok(Self {
            source,
            store,
            router,
            rules: Rules { now: import.now, left_out: 0 },
            kept_since: import.kept_since,
            samples: Place::new(&import.zone),
            pings: Place::new(&import.zone),
            events: Place::new(&import.zone),
            hours: Place::new(&TimeZone::UTC),
            polls: Polls::default(),
            next: None,
            told: VecDeque::new(),
            seen: HashSet::new(),
            tally: Tally::default(),
        })
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Roughly how many rows there are.
    pub(super) fn about(&self) -> Result<u64, LegacyError> {
        let hours = if self.source.has_hours() { self.source.about(&HOURS)? } else { 0 };
        let source = &self.source;
        Ok(source.about(&STATUS)? + source.about(&PINGS)? + source.about(&EVENTS)? + hours)
    }

    /// Stores the next batch; false: there was none.
    pub(super) async fn step(&mut self) -> Result<bool, LegacyError> {
        let samples = self.read_polls()?;
        let until = samples.last().map_or(Millis::MAX, |sample| sample.at);
        let events = self.read_events(until)?;
        if samples.is_empty() && events.is_empty() {
            return Ok(false);
        }
        let times = samples.iter().map(|sample| sample.at);
        let mut times = times.chain(events.iter().map(|told| told.event.at));
        self.tally.has_rows_to_go |= times.any(|at| at < self.kept_since);
        let new = self.store.put_past(self.router, Past { samples, events }).await?;
        self.tally.samples.stored += new.samples;
        self.tally.pings.stored += new.pings;
        self.tally.events.stored += new.events;
        if new.pings_left_out > 0 {
            let reason = Reason::TooManyTargets;
            self.tally.pings.skipped += new.pings_left_out;
            self.tally.skip(PINGS.name, reason, None, new.pings_left_out);
        }
        Ok(true)
    }

    /// Adds up some hours; false: there were none.
    pub(super) async fn add_up(&mut self) -> Result<bool, LegacyError> {
        let hours = self.store.roll_up(self.rules.now, HOURS_AT_ONCE).await?;
        self.tally.added_up += hours;
        Ok(hours > 0)
    }

    /// Stores the hours whose polls are gone, once all others are added up.
    pub(super) async fn finish(mut self) -> Result<Tally, LegacyError> {
        while self.source.has_hours() {
            let Some(rows) = self.hours.take(&self.source, &HOURS)? else { break };
            let mut hours = Vec::with_capacity(rows.len());
            for row in rows {
                self.tally.hours.read += 1;
                match self.rules.hour(&row) {
                    Ok(hour) => hours.push(hour),
                    Err(reason) => {
                        self.tally.hours.skipped += 1;
                        self.tally.skip(HOURS.name, reason, Some(row.id), 1);
                    }
                }
            }
            self.tally.hours.stored += self.store.put_past_hours(self.router, hours).await?;
        }
        self.store.close().await;
        self.tally.pings.repeated = self.polls.repeated();
        self.tally.values_left_out = self.rules.left_out;
        let clocks = [&self.samples.clock, &self.pings.clock, &self.events.clock];
        self.tally.times_left_out = clocks.into_iter().map(LocalClock::left_out).sum();
        Ok(self.tally)
    }

    /// Of whole hours: an hour that was added up in between would lack the rest for good, if
    /// rows of its time have been deleted before.
    fn read_polls(&mut self) -> Result<Vec<Sample>, LegacyError> {
        let mut polls: Vec<Sample> = self.next.take().into_iter().collect();
        loop {
            let poll = match self.polls.next() {
                Next::Samples => {
                    let samples = self.read_samples()?;
                    self.polls.add_samples(samples);
                    continue;
                }
                Next::Pings => {
                    let pings = self.read_pings()?;
                    self.polls.add_pings(pings);
                    continue;
                }
                Next::Poll(poll) => poll,
                Next::Loose(poll) => {
                    self.tally.samples.made += 1;
                    poll
                }
                Next::End => return Ok(polls),
            };
            let hour = |sample: &Sample| sample.at.div_euclid(HOUR);
            let is_new_hour = polls.last().is_some_and(|last| hour(last) != hour(&poll));
            if polls.len() >= MOST_SAMPLES || polls.len() >= SAMPLES_AT_ONCE && is_new_hour {
                self.next = Some(poll);
                return Ok(polls);
            }
            polls.push(poll);
        }
    }

    fn read_samples(&mut self) -> Result<Option<Vec<Sample>>, LegacyError> {
        let Some(rows) = self.samples.take(&self.source, &STATUS)? else { return Ok(None) };
        let mut samples = Vec::with_capacity(rows.len());
        for row in rows {
            self.tally.samples.read += 1;
            match self.rules.sample(&row, &mut self.samples.clock) {
                Ok(sample) => samples.push(sample),
                Err(reason) => {
                    self.tally.samples.skipped += 1;
                    self.tally.skip(STATUS.name, reason, Some(row.id), 1);
                }
            }
        }
        Ok(Some(samples))
    }

    fn read_pings(&mut self) -> Result<Option<Vec<TimedPing>>, LegacyError> {
        let Some(rows) = self.pings.take(&self.source, &PINGS)? else { return Ok(None) };
        let mut pings = Vec::with_capacity(rows.len());
        for row in rows {
            self.tally.pings.read += 1;
            match self.rules.ping(&row, &mut self.pings.clock) {
                Ok(ping) => pings.push(ping),
                Err(reason) => {
                    self.tally.pings.skipped += 1;
                    self.tally.skip(PINGS.name, reason, Some(row.id), 1);
                }
            }
        }
        Ok(Some(pings))
    }

    /// Some of those that were told until then.
    fn read_events(&mut self, until: Millis) -> Result<Vec<PastEvent>, LegacyError> {
        let mut events = Vec::new();
        while events.len() < EVENTS_AT_ONCE {
            match self.told.front() {
                Some(told) if told.received <= until => events.extend(self.told.pop_front()),
                Some(_) => break,
                None => {
                    if !self.read_told()? {
                        break;
                    }
                }
            }
        }
        Ok(events)
    }

    /// False: there are no more.
    fn read_told(&mut self) -> Result<bool, LegacyError> {
        let Some(rows) = self.events.take(&self.source, &EVENTS)? else { return Ok(false) };
        for row in rows {
            self.tally.events.read += 1;
            let clock = &mut self.events.clock;
            // The clock follows every row, also those that tell nothing new.
            let received = self.rules.told_at(&row, clock);
            if !is_new(&mut self.seen, &row) {
                self.tally.events.repeated += 1;
                continue;
            }
            match received.and_then(|received| self.rules.event(&row, received, clock)) {
                Ok(event) => self.told.push_back(event),
                Err(reason) => {
                    self.tally.events.skipped += 1;
                    self.tally.skip(EVENTS.name, reason, Some(row.id), 1);
                }
            }
        }
        Ok(true)
    }
}

/// The old client stored all that a router told at each poll. What was forgotten here the
/// store still knows.
fn is_new(seen: &mut HashSet<u64>, row: &Row<4>) -> bool {
    let [_, event_time, kind, message] = &row.cells;
    let mut hasher = DefaultHasher::new();
    [event_time.as_str(), kind.as_str(), message.as_str()].hash(&mut hasher);
    if seen.len() >= MOST_REMEMBERED {
        seen.clear();
    }
    seen.insert(hasher.finish())
}

/// Is it the very file, under whatever name?
fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    identity(one).is_some_and(|one| Some(one) == identity(other))
}

/// One that is damaged is not set aside here, as a bridge would: one may be running.
fn open_store(database: &Database, now: Millis) -> Result<Store, StoreError> {
    if let Some(path) = database.file()
        && std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0)
    {
        let report = store::check(database)?;
        if let Some(problem) = report.problems.into_iter().next() {
            return Err(StoreError::Corrupt { path: path.to_owned(), reason: problem });
        }
    }
    Ok(Store::open(database, now)?.0)
}
