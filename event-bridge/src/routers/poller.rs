//! One router's two loops: a sample each POLL_INTERVAL, and its events as they come.
//!
//! Neither waits for another router, nor one loop for the other. Events of agents without
//! `/net/events` come with the samples.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tracing::{debug, info, warn};

use super::backoff::{Backoff, chance};
use super::client::{Client, EventsFetch, FetchError};
use super::status_answer::StatusAnswer;
use super::watched::{Asked, Watched};
use crate::clock;
use crate::history::trust::STEP;
use crate::keeper::ClockWitness;
use crate::metrics::Metrics;
use crate::record::{Cursor, Event, EventBatch, Millis};
use crate::store::{RouterId, Store, StoreError};

/// A long poll lasts less than routers and proxies allow.
const EVENTS_WAIT: Duration = Duration::from_secs(50);
/// The first samples of all routers are spread over so long.
const FIRST_WITHIN: Duration = Duration::from_secs(5);
/// An answer this much before the end of the wait came at the end.
const SLACK: Duration = Duration::from_secs(2);
/// Between two questions for events: who always has new ones is not read without a pause.
const AT_LEAST: Duration = Duration::from_millis(50);
/// Until an agent without `/net/events` is asked for it again: it may have been upgraded.
const ASK_AGAIN: Duration = Duration::from_secs(600);
/// The largest `MAX_EVENTS` of an exporter; who has more of them corrected is making them up.
const MOST_CORRECTED: usize = 10_000;
/// Between two lines in the log about a failure that goes on.
const REPEAT: Duration = Duration::from_secs(600);

/// What every poller uses.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) client: Client,
    pub(crate) store: Store,
    pub(crate) metrics: Metrics,
    pub(crate) witness: ClockWitness,
}

/// Polls one router.
pub(crate) struct Poller {
    pub(crate) watched: Arc<Watched>,
    pub(crate) asked: mpsc::Receiver<Asked>,
    pub(crate) services: Services,
}

/// What came of asking for events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fetched {
    /// Some, or none after the whole wait.
    Events,
    /// None at once, or half an answer.
    Nothing,
    /// The agent does not know the question.
    NotThere,
}

/// Why a poll led to nothing.
#[derive(Debug, thiserror::Error)]
enum PollError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Poller {
    /// Polls for ever.
    pub(crate) async fn run(self) {
        let Self { watched, asked, services } = self;
        let Services { client, store, metrics, witness } = services;
        let has_events = AtomicBool::new(true);
        let has_events = &has_events;
        let one = One { watched: &watched, client, store, metrics, witness, has_events };
        tokio::join!(one.sample(asked), one.follow_events());
    }
}

struct One<'a> {
    watched: &'a Watched,
    client: Client,
    store: Store,
    metrics: Metrics,
    witness: ClockWitness,
    /// The agent knows `/net/events`.
    has_events: &'a AtomicBool,
}

impl One<'_> {
    async fn sample(&self, mut asked: mpsc::Receiver<Asked>) {
        let name = &self.watched.router.name;
        let period = self.watched.router.poll_interval;
        // Routers are not polled in bursts.
        let first = clock::monotonic() + period.min(FIRST_WITHIN).mul_f64(chance());
        let mut ticks = interval_at(Instant::from_std(first), period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut silence, mut backoff) = (Silence::default(), Backoff::new(period));
        loop {
            let answer_to = tokio::select! {
                _ = ticks.tick() => None,
                Some(asked) = asked.recv() => Some(asked),
            };
            let began = clock::monotonic();
            let outcome = self.take_sample().await;
            let took = clock::monotonic().saturating_duration_since(began);
            self.metrics.polled(name, outcome.is_ok(), took);
            if let Some((from, until)) = silence.report(name, outcome.as_ref().copied()) {
                self.note_gap(from, until).await;
            }
            match &outcome {
                Ok(()) => backoff.reset(),
                Err(PollError::Fetch(error)) if error.problem.is_silence() => {
                    ticks.reset_after(backoff.next_pause().max(period));
                }
                Err(_) => {}
            }
            let failure = outcome.err().map(|error| error.to_string());
            self.watched.change(|state| state.failure.clone_from(&failure));
            if let Some(answer_to) = answer_to {
                // Whoever asked may have gone.
                answer_to.send(failure.map_or(Ok(()), Err)).ok();
            }
        }
    }

    async fn take_sample(&self) -> Result<(), PollError> {
        let mut answer = self.client.fetch_status(&self.watched.router).await?;
        let now = answer.sample.at;
        let router = self.router().await?;
        let wan_state = answer.sample.wan_state;
        if !self.has_events.load(Ordering::Relaxed) {
            self.put_listed(router, &mut answer, now).await?;
        }
        self.metrics.skipped(&self.watched.router.name, answer.skipped);
        self.store.put_sample(router, answer.sample).await?;
        self.metrics.succeeded(&self.watched.router.name, now);
        self.watched.change(|state| {
            (state.last_success, state.wan_state) = (Some(now), Some(wan_state));
        });
        Ok(())
    }

    /// Events that an agent lists with its state, for want of a better way.
    async fn put_listed(
        &self,
        router: RouterId,
        answer: &mut StatusAnswer,
        now: Millis,
    ) -> Result<(), StoreError> {
        let events = std::mem::take(&mut answer.events);
        let stored = match &answer.queue {
            Some(queue) if answer.has_numbers => {
                let mut events = events;
                events.sort_by_key(|event| event.seq);
                let cursor = self.store.cursor(router).await?;
                let after = cursor.filter(|cursor| cursor.stream == queue.stream);
                let missed = after.map(|after| queue.oldest_seq.saturating_sub(after.after + 1));
                let batch = EventBatch {
                    stream: queue.stream.clone(),
                    revision: queue.revision,
                    events,
                    next_seq: queue.next_seq,
                    missed,
                    unreadable: Vec::new(),
                };
                self.store.put_events(router, batch, now).await?
            }
            // The end of the answer is missing, and without the stream the numbers are of no
            // use: stored now, the events would be there twice once they are read again.
            _ if answer.is_cut && events.iter().any(|event| event.seq.is_some()) => return Ok(()),
            _ => self.store.put_unnumbered(router, events, now).await?,
        };
        self.metrics.stored(&self.watched.router.name, stored);
        Ok(())
    }

    async fn follow_events(&self) {
        let mut backoff = Backoff::new(self.watched.router.poll_interval);
        let mut silence = Silence::default();
        let name = &self.watched.router.name;
        loop {
            let outcome = self.fetch_events().await;
            let pause = match &outcome {
                Ok(Fetched::Events) => {
                    backoff.reset();
                    AT_LEAST
                }
                Ok(Fetched::NotThere) => ASK_AGAIN,
                // An agent that does not wait would be asked without an end.
                Ok(Fetched::Nothing) | Err(_) => backoff.next_pause(),
            };
            match &outcome {
                // An agent that fails here lists its events with its state as well.
                Err(PollError::Fetch(error)) if !error.problem.is_silence() => {
                    self.has_events.store(false, Ordering::Relaxed);
                    silence.report(name, outcome.as_ref().map(|_| ()));
                }
                // Its silence is told by the samples.
                Err(PollError::Fetch(_)) => {}
                Ok(_) | Err(PollError::Store(_)) => {
                    silence.report(name, outcome.as_ref().map(|_| ()));
                }
            }
            sleep(pause).await;
        }
    }

    /// One long poll.
    async fn fetch_events(&self) -> Result<Fetched, PollError> {
        let began = clock::monotonic();
        let router = self.router().await?;
        let cursor = self.store.cursor(router).await?;
        let fetched =
            self.client.fetch_events(&self.watched.router, cursor.as_ref(), EVENTS_WAIT).await?;
        let EventsFetch::Answer(answer) = fetched else {
            self.has_events.store(false, Ordering::Relaxed);
            return Ok(Fetched::NotThere);
        };
        self.has_events.store(true, Ordering::Relaxed);
        if let (Some(time), Some(true)) = (answer.time, answer.time_synced) {
            // Saturates: no time of day is that far away.
            self.witness.heard(clock::now(), (time * 1000.0) as Millis);
        }
        let name = &self.watched.router.name;
        self.metrics.skipped(name, answer.skipped);
        let waited = clock::monotonic().saturating_duration_since(began);
        let mut batch = answer.batch;
        if let Some(before) = cursor
            .filter(|before| before.stream == batch.stream && batch.revision > before.revision)
        {
            let oldest = answer.oldest_seq.unwrap_or(0);
            let Some(corrected) = self.read_again(&before, oldest).await? else {
                return Ok(Fetched::Nothing);
            };
            batch.events.splice(0..0, corrected);
        }
        let stored = self.store.put_events(router, batch, clock::now()).await?;
        self.metrics.stored(name, stored);
        let is_new = stored.new + stored.corrected + stored.missed > 0;
        let is_late = waited + SLACK >= EVENTS_WAIT;
        Ok(if (is_new || is_late) && !answer.is_cut { Fetched::Events } else { Fetched::Nothing })
    }

    /// The router's clock was set, and times of events that are stored have changed. They are
    /// stored together with what comes behind them, so that a kill in between has all of it
    /// read again; `None`: the router is another one meanwhile, and nothing may count as read.
    async fn read_again(
        &self,
        until: &Cursor,
        oldest: u64,
    ) -> Result<Option<Vec<Event>>, PollError> {
        let mut after = oldest.saturating_sub(1);
        let mut events = Vec::new();
        while after < until.after && events.len() < MOST_CORRECTED {
            let from = Cursor { after, ..until.clone() };
            let asked =
                self.client.fetch_events(&self.watched.router, Some(&from), Duration::ZERO).await?;
            let EventsFetch::Answer(answer) = asked else { return Ok(None) };
            if answer.batch.stream != until.stream {
                return Ok(None);
            }
            let last = answer.batch.events.iter().filter_map(|event| event.seq).max();
            // Nothing that can still be read.
            let Some(last) = last.filter(|last| *last > after) else { break };
            after = last;
            let known = |event: &Event| event.seq.is_some_and(|seq| seq <= until.after);
            events.extend(answer.batch.events.into_iter().filter(known));
        }
        Ok(Some(events))
    }

    async fn router(&self) -> Result<RouterId, StoreError> {
        self.store.router(&self.watched.router.name).await
    }

    /// The router could not be reached: nothing was seen, which is no outage.
    async fn note_gap(&self, from: Millis, until: Millis) {
        let noted = async { self.store.put_gap(self.router().await?, from, until).await };
        if let Err(error) = noted.await {
            debug!(router = %self.watched.router.name, %error, "a gap could not be noted");
        }
    }
}

/// A failure that goes on: said when it begins, when it ends, and now and then; and the time
/// in which the router said nothing.
#[derive(Debug, Default)]
struct Silence {
    /// When it answered last, and since when it has not.
    answered: Option<std::time::Instant>,
    since: Option<Since>,
    said: Option<std::time::Instant>,
}

/// The begin of a silence, by the wall clock as it is now: where that clock is set, the gap
/// is not the step.
#[derive(Debug, Clone, Copy)]
struct Since {
    wall: Millis,
    steady: std::time::Instant,
}

impl Since {
    fn of(steady: std::time::Instant) -> Self {
        let passed = clock::monotonic().saturating_duration_since(steady);
        let passed = Millis::try_from(passed.as_millis()).unwrap_or(0);
        Self { wall: clock::now().saturating_sub(passed), steady }
    }

    /// The same, unless the clock was set meanwhile.
    fn by_now(self) -> Self {
        let now = Self::of(self.steady);
        if (now.wall - self.wall).abs() > STEP { now } else { self }
    }
}

impl Silence {
    /// Takes in an outcome; returns the gap so far, or as it ended.
    fn report(
        &mut self,
        router: &str,
        outcome: Result<(), &PollError>,
    ) -> Option<(Millis, Millis)> {
        let now = clock::now();
        // A full disk here, or a refusal there, is no silence.
        let is_silent =
            matches!(outcome, Err(PollError::Fetch(error)) if error.problem.is_silence());
        let steady = clock::monotonic();
        let gap = if is_silent {
            let since = self.since.unwrap_or_else(|| Since::of(self.answered.unwrap_or(steady)));
            Some(self.since.insert(since.by_now()).wall)
        } else {
            self.answered = Some(steady);
            self.since.take().map(|since| since.by_now().wall)
        };
        match outcome {
            Ok(()) => {
                if self.said.take().is_some() {
                    info!(router, "{router} is read again");
                }
            }
            Err(error) => {
                let at = clock::monotonic();
                if self.said.is_none_or(|said| at.saturating_duration_since(said) >= REPEAT) {
                    warn!(router, "{error}");
                    self.said = Some(at);
                }
            }
        }
        gap.map(|since| (since, now))
    }
}
