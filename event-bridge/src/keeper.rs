//! Adds up hours when they are over, and deletes what is old. Nothing of it is done while the
//! clock is in doubt, and all of it in batches between which polls are stored.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, info, warn};

use crate::clock;
use crate::history::hour::HOUR;
use crate::history::outage::End;
use crate::history::retention::{MOST_AT_ONCE, Retention};
use crate::history::trust::Trust;
use crate::metrics::Metrics;
use crate::record::Millis;
use crate::store::{Query, Store, StoreError};

/// Hours are added up so soon after they are over.
const PERIOD: Duration = Duration::from_secs(60);
/// Hours in a transaction: some 30 ms.
const HOURS_AT_ONCE: u64 = 16;
/// Samples in a transaction, each with its pings: some 10 ms.
const ROWS_AT_ONCE: u64 = 500;

/// A series each: of a house with a bad line those of a month, of a fleet those of a day.
const SHOWN_OUTAGES: u64 = 50;

/// What speaks for the clock. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct ClockWitness(Arc<Mutex<Trust>>);

impl ClockWitness {
    pub(crate) fn new(newest: Option<Millis>) -> Self {
        Self(Arc::new(Mutex::new(Trust::new(newest))))
    }

    /// A router whose clock is kept has said its time.
    pub(crate) fn heard(&self, now: Millis, router: Millis) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).heard(now, router);
    }

    fn doubt(&self, now: Millis, steady: Millis) -> Option<&'static str> {
        let mut trust = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        trust.look(now, steady);
        trust.doubt(now, clock::is_synchronised())
    }
}

/// See the module.
pub(crate) struct Keeper {
    pub(crate) store: Store,
    pub(crate) metrics: Metrics,
    pub(crate) witness: ClockWitness,
    pub(crate) retention: Retention,
    pub(crate) zone: TimeZone,
}

impl Keeper {
    /// Works for ever.
    pub(crate) async fn run(self) -> std::convert::Infallible {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let began = clock::monotonic();
        let (mut doubted, mut hour) = (None, Millis::MIN);
        loop {
            ticks.tick().await;
            let now = clock::now();
            self.show_outages(now).await;
            let doubt = self.witness.doubt(now, since(began));
            if doubt != doubted {
                match doubt {
                    Some(doubt) => warn!("nothing is added up or deleted: {doubt}"),
                    None => info!("the clock is right again: hours are added up"),
                }
                doubted = doubt;
            }
            self.metrics.clock_is_trusted(doubt.is_none());
            if doubt.is_some() {
                continue;
            }
            let is_new_hour = now.div_euclid(HOUR) != hour;
            match self.keep(now, is_new_hour).await {
                Ok(()) => hour = now.div_euclid(HOUR),
                // A full disk is told by whoever stores; here it is tried again.
                Err(error) => debug!(%error, "the history could not be kept"),
            }
        }
    }

    /// Those that have ended, for tables and annotations.
    async fn show_outages(&self, now: Millis) {
        let query = Query { limit: Some(SHOWN_OUTAGES), ..Query::of(None, i64::MIN, now) };
        let mut outages = Vec::new();
        let mut rows = self.store.outages(query, now);
        while let Some(chunk) = rows.recv().await {
            match chunk {
                Ok(chunk) => outages.extend(chunk),
                // The last ones stay; a database that cannot be read is told by `/readyz`.
                Err(error) => return debug!(%error, "the outages could not be read"),
            }
        }
        outages.retain(|record| record.outage.end() != End::Ongoing);
        self.metrics.show_outages(outages);
    }

    async fn keep(&self, now: Millis, is_new_hour: bool) -> Result<(), StoreError> {
        while self.store.roll_up(now, HOURS_AT_ONCE).await? > 0 {}
        let extent = self.store.extent().await?;
        let first = extent.cleaned.or(extent.oldest).unwrap_or(now);
        if now >= self.retention.next(first, &self.zone) {
            let cut = self.retention.by_age(now, extent.oldest);
            let mut deleted = self.delete_rows(cut.rows).await?;
            loop {
                let more = self.store.delete_hours(cut.hours, ROWS_AT_ONCE).await?;
                deleted += more;
                if more == 0 {
                    break;
                }
            }
            self.store.put_cleaned(now).await?;
            info!("clean-up: {deleted} rows deleted");
        }
        if is_new_hour { self.bound_size(now).await } else { Ok(()) }
    }

    /// Deletes hour after hour until the database is small enough.
    async fn bound_size(&self, now: Millis) -> Result<(), StoreError> {
        for _ in 0..MOST_AT_ONCE / HOUR {
            let extent = self.store.extent().await?;
            let cut = self.retention.by_size(now, extent.oldest, extent.used_bytes);
            let Some(cut) = cut else { return Ok(()) };
            if self.delete_rows(cut).await? == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn delete_rows(&self, before: Millis) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let more = self.store.delete_rows(before, ROWS_AT_ONCE).await?;
            self.metrics.deleted(more);
            deleted += more;
            if more == 0 {
                return Ok(deleted);
            }
        }
    }
}

fn since(began: Instant) -> Millis {
    let steady = clock::monotonic().saturating_duration_since(began);
    Millis::try_from(steady.as_millis()).unwrap_or(Millis::MAX)
}
