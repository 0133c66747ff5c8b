//! Counters about ourselves, for Prometheus.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::record::Millis;
use crate::store::{OutageRecord, Stored};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRouter {
    router: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPoll {
    router: String,
    result: &'static str,
}

/// Labels that never change once an outage has ended, unless later evidence corrects them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutage {
    router: String,
    outage: i64,
    cause: String,
    side: String,
}

/// Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    polls: Family<OfPoll, Counter>,
    last_success: Family<OfRouter, Gauge<f64, AtomicU64>>,
    duration: Histogram,
    stored: Counter,
    missed: Family<OfRouter, Counter>,
    skipped: Family<OfRouter, Counter>,
    deleted: Counter,
    clock_trusted: Gauge,
    /// The last ones of each router that have ended.
    outages: Arc<Mutex<Vec<OutageRecord>>>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            polls: Family::default(),
            last_success: Family::default(),
            // From a router next door to the limit of a poll.
            duration: Histogram::new([
                0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
            ]),
            stored: Counter::default(),
            missed: Family::default(),
            skipped: Family::default(),
            deleted: Counter::default(),
            clock_trusted: Gauge::default(),
            outages: Arc::default(),
        }
    }

    /// Registers everything under `netmonitor_bridge_`.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("netmonitor_bridge");
        registry.register("polls", "Polls of a router's state", self.polls.clone());
        registry.register(
            "poll_last_success_timestamp_seconds",
            "When a sample of the router was stored last",
            self.last_success.clone(),
        );
        registry.register(
            "poll_duration_seconds",
            "Time of a poll, from asking to storing",
            self.duration.clone(),
        );
        registry.register("events_stored", "Events stored", self.stored.clone());
        registry.register(
            "events_missed",
            "Events that a router had forgotten before they could be read",
            self.missed.clone(),
        );
        registry.register(
            "values_skipped",
            "Parts of answers that could not be read",
            self.skipped.clone(),
        );
        registry.register(
            "rows_deleted",
            "Samples, events and gaps deleted because of their age or the size of the database",
            self.deleted.clone(),
        );
        registry.register(
            "clock_trusted",
            "1 if this host's clock is believed, and hours are added up and cleaned up by it",
            self.clock_trusted.clone(),
        );
        self.register_outages(registry);
    }

    /// For tables and annotations: as many as the keeper hands over.
    fn register_outages(&self, registry: &mut Registry) {
        type Seconds = Family<OfOutage, Gauge<f64, AtomicU64>>;
        let (start, end, duration) = (Seconds::default(), Seconds::default(), Seconds::default());
        let seconds = |millis: Millis| millis as f64 / 1000.0;
        for record in self.outages.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let (outage, why) = (&record.outage, &record.outage.main().drop);
            let of = OfOutage {
                router: record.router.clone(),
                outage: outage.id(),
                cause: why.cause.to_string(),
                side: why.side.to_string(),
            };
            start.get_or_create(&of).set(seconds(outage.start()));
            end.get_or_create(&of).set(seconds(outage.until()));
            duration.get_or_create(&of).set(seconds(outage.until() - outage.start()));
        }
        let mut register = |name: &str, help: &str, family| registry.register(name, help, family);
        register(
            "outage_start_timestamp_seconds",
            "Begin of the last outages, of each router up to 50",
            start,
        );
        register("outage_end_timestamp_seconds", "End of the same outages", end);
        register("outage_duration_seconds", "From its begin to its end", duration);
    }

    /// The last outages of each router.
    pub(crate) fn show_outages(&self, outages: Vec<OutageRecord>) {
        *self.outages.lock().unwrap_or_else(PoisonError::into_inner) = outages;
    }

    /// Every router is there from the start, at 0.
    pub(crate) fn begin(&self, router: &str) {
        for result in ["success", "failure"] {
            self.polls.get_or_create(&OfPoll { router: router.to_owned(), result }).inc_by(0);
        }
        let of = OfRouter { router: router.to_owned() };
        self.missed.get_or_create(&of).inc_by(0);
        self.skipped.get_or_create(&of).inc_by(0);
    }

    /// A router that is polled no more.
    pub(crate) fn end(&self, router: &str) {
        for result in ["success", "failure"] {
            self.polls.remove(&OfPoll { router: router.to_owned(), result });
        }
        let of = OfRouter { router: router.to_owned() };
        self.last_success.remove(&of);
        self.missed.remove(&of);
        self.skipped.remove(&of);
    }

    pub(crate) fn polled(&self, router: &str, is_success: bool, took: Duration) {
        let result = if is_success { "success" } else { "failure" };
        self.polls.get_or_create(&OfPoll { router: router.to_owned(), result }).inc();
        self.duration.observe(took.as_secs_f64());
    }

    pub(crate) fn succeeded(&self, router: &str, at: Millis) {
        let of = OfRouter { router: router.to_owned() };
        self.last_success.get_or_create(&of).set(at as f64 / 1000.0);
    }

    pub(crate) fn stored(&self, router: &str, events: Stored) {
        self.stored.inc_by(events.new);
        let of = OfRouter { router: router.to_owned() };
        self.missed.get_or_create(&of).inc_by(events.missed);
    }

    pub(crate) fn skipped(&self, router: &str, parts: u32) {
        let of = OfRouter { router: router.to_owned() };
        self.skipped.get_or_create(&of).inc_by(parts.into());
    }

    pub(crate) fn deleted(&self, rows: u64) {
        self.deleted.inc_by(rows);
    }

    pub(crate) fn clock_is_trusted(&self, is_trusted: bool) {
        self.clock_trusted.set(is_trusted.into());
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;
    use crate::history::ledger::{self, Known};
    use crate::history::outage::{Cause, Drop, Side};

    #[test]
    fn each_of_the_last_outages_has_its_times() {
        let drop = Drop {
            id: 7,
            name: "s-1".to_owned(),
            stream: Some(1),
            start: 1_739_327_640_500,
            until: Some(1_739_327_700_000),
            cause: Cause::Dhcp,
            side: Side::Unknown,
            evidence: None,
        };
        let known = Known { boots: Vec::new(), heard: None, now: 0 };
        let outage = ledger::outages(vec![drop], &known).remove(0);
        let metrics = Metrics::new();
        metrics.show_outages(vec![OutageRecord { router: "home".to_owned(), outage }]);
        let (mut registry, mut text) = (Registry::default(), String::new());
        metrics.register(&mut registry);
        encode(&mut text, &registry).unwrap();
        let labels = "{router=\"home\",outage=\"7\",cause=\"dhcp\",side=\"unknown\"}";
        for (name, value) in [
            ("start_timestamp_seconds", "1739327640.5"),
            ("end_timestamp_seconds", "1739327700.0"),
            ("duration_seconds", "59.5"),
        ] {
            let line = format!("netmonitor_bridge_outage_{name}{labels} {value}\n");
            assert!(text.contains(&line), "{line}: {text}");
        }
    }
}
