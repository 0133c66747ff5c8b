//! Adds up hours when they are over, and deletes what is old. Nothing of it is done while the
//! clock is in doubt, and all of it in batches between which polls are stored.

use std::collections::HashMap;
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
use crate::store::{OutageRecord, Query, Store, StoreError};

/// Hours are added up so soon after they are over.
const PERIOD: Duration = Duration::from_secs(60);
/// Hours in a transaction: some 30 ms.
const HOURS_AT_ONCE: u64 = 16;
/// Samples in a transaction, each with its pings: some 10 ms.
const ROWS_AT_ONCE: u64 = 500;

/// Of each router: those of a month of a bad line.
const SHOWN_OF_EACH: usize = 50;
/// Of all routers together. Three series each: 6,000 of the 30,000 that `prometheus.yml` takes of
/// the bridge, where 2,000 routers have 10,000 others. Measured in a build that is not optimised:
/// 0.1 s of one router, 3 s of 1,000 (50 of all of them were 1 s), beside all else on a reader.
const LOOKED_AT: u64 = 2000;

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
        match newest_outages(&self.store, now).await {
            Ok(outages) => self.metrics.show_outages(outages),
            // The last ones stay; a database that cannot be read is told by `/readyz`.
            Err(error) => debug!(%error, "the outages could not be read"),
        }
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

/// Of each router as many as it may have, so that one whose line flaps leaves room for others.
async fn newest_outages(store: &Store, now: Millis) -> Result<Vec<OutageRecord>, StoreError> {
    let query = Query { limit: Some(LOOKED_AT), ..Query::of(None, i64::MIN, now) };
    let mut rows = store.outages(query, now);
    let (mut newest, mut of_each) = (Vec::new(), HashMap::<String, usize>::new());
    while let Some(chunk) = rows.recv().await {
        for record in chunk?.into_iter().filter(|record| record.outage.end() != End::Ongoing) {
            let count = of_each.entry(record.router.clone()).or_default();
            *count += 1;
            if *count <= SHOWN_OF_EACH {
                newest.push(record);
            }
        }
    }
    Ok(newest)
}

fn since(began: Instant) -> Millis {
    let steady = clock::monotonic().saturating_duration_since(began);
    Millis::try_from(steady.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::{Event, EventBatch, Sample, WanState};

    const MINUTE: Millis = 60_000;

    enum Ending {
        AfterAMinute,
        None,
    }

    async fn put(store: &Store, router: &str, starts: &[Millis], ending: Ending) {
        let id = store.router(router).await.unwrap();
        let event = |seq, at, kind: &str, name: &str| Event {
            seq: Some(seq),
            at,
            kind: kind.to_owned(),
            message: String::new(),
            detail: Some(json!({ "outage": name, "cause": "dhcp", "side": "provider" })),
        };
        let mut events = Vec::new();
        for (seq, start) in (1..).step_by(2).zip(starts) {
            let name = format!("s-{seq}");
            events.push(event(seq, *start, "outage_start", &name));
            if let Ending::AfterAMinute = ending {
                events.push(event(seq + 1, start + MINUTE, "outage_end", &name));
            }
        }
        let batch = EventBatch {
            stream: "s".to_owned(),
            revision: 0,
            next_seq: 2 * starts.len() as u64 + 1,
            events,
            missed: Some(0),
            unreadable: Vec::new(),
        };
        store.put_events(id, batch, 1000 * HOUR).await.unwrap();
    }

    /// Of a router that is heard of an outage may go on.
    async fn hear(store: &Store, router: &str, at: Millis) {
        let id = store.router(router).await.unwrap();
        let sample = Sample {
            at,
            wan_state: WanState::Down,
            rx_errors: None,
            tx_errors: None,
            rx_dropped: None,
            tx_dropped: None,
            optical_rx_dbm: None,
            optical_tx_dbm: None,
            cpu_celsius: None,
            pppoe_reconnects_24h: None,
            wan_downs_24h: None,
            pings: Vec::new(),
        };
        store.put_sample(id, sample).await.unwrap();
    }

    #[tokio::test]
    async fn a_router_that_flaps_pushes_out_its_own_outages_only() {
        let folder = tempfile::tempdir().unwrap();
        let now = 1000 * HOUR;
        let (store, _) = Store::open(&folder.path().join("netmonitor.db"), now).unwrap();
        let flapping: Vec<Millis> = (800..900).map(|hour| hour * HOUR).collect();
        put(&store, "flapping", &flapping, Ending::AfterAMinute).await;
        put(&store, "steady", &[HOUR, 2 * HOUR], Ending::AfterAMinute).await;
        put(&store, "down", &[950 * HOUR], Ending::None).await;
        hear(&store, "down", now).await;
        let shown = newest_outages(&store, now).await.unwrap();
        let of = |router: &str| -> Vec<Millis> {
            let own = shown.iter().filter(|record| record.router == router);
            own.map(|record| record.outage.start() / HOUR).collect()
        };
        assert_eq!(of("flapping"), (850..900).rev().collect::<Vec<_>>());
        assert_eq!(of("steady"), [2, 1]);
        assert!(of("down").is_empty(), "it goes on");
    }
}
