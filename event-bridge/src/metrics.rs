//! Counters about ourselves, for Prometheus.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::record::Millis;
use crate::store::Stored;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRouter {
    router: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPoll {
    router: String,
    result: &'static str,
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
