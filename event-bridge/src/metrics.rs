//! Counters about ourselves, for Prometheus.
//!
//! What is told of a router has the labels that `ROUTERS_FILE` gives it, as its own series have
//! by `http_sd`: whoever asks Prometheus for a customer finds all of it.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::record::Millis;
use crate::routers::Router;
use crate::store::{OutageRecord, Stored};

/// Of a router, by the user; shared by all series of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Given(Arc<[(String, String)]>);

impl EncodeLabelSet for Given {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> std::fmt::Result {
        (&*self.0).encode(encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRouter {
    router: String,
    #[prometheus(flatten)]
    given: Given,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPoll {
    #[prometheus(flatten)]
    of: OfRouter,
    result: &'static str,
}

/// Labels that never change once an outage has ended, unless later evidence corrects them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutage {
    #[prometheus(flatten)]
    of: OfRouter,
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
    /// Of each router that is polled.
    given: Arc<Mutex<HashMap<String, Given>>>,
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
            given: Arc::default(),
        }
    }

    /// The labels of a router's series.
    fn of(&self, router: &str) -> OfRouter {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let given = given.get(router).cloned().unwrap_or_default();
        OfRouter { router: router.to_owned(), given }
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
                of: self.of(&record.router),
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

    /// Every router is there from the start, at 0. With other labels it begins anew.
    pub(crate) fn begin(&self, router: &Router) {
        let before = self.of(&router.name);
        let given = Given(router.labels.clone().into_iter().collect());
        let of = OfRouter { router: router.name.clone(), given: given.clone() };
        // At first, so that a poll that ends now is counted here.
        let mut all = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(router.name.clone(), given);
        drop(all);
        if before != of {
            self.forget(&before);
        }
        for result in ["success", "failure"] {
            self.polls.get_or_create(&OfPoll { of: of.clone(), result }).inc_by(0);
        }
        self.missed.get_or_create(&of).inc_by(0);
        self.skipped.get_or_create(&of).inc_by(0);
    }

    /// A router that is polled no more.
    pub(crate) fn end(&self, router: &str) {
        let of = self.of(router);
        self.given.lock().unwrap_or_else(PoisonError::into_inner).remove(router);
        self.forget(&of);
    }

    fn forget(&self, of: &OfRouter) {
        for result in ["success", "failure"] {
            self.polls.remove(&OfPoll { of: of.clone(), result });
        }
        self.last_success.remove(of);
        self.missed.remove(of);
        self.skipped.remove(of);
    }

    pub(crate) fn polled(&self, router: &str, is_success: bool, took: Duration) {
        let result = if is_success { "success" } else { "failure" };
        self.polls.get_or_create(&OfPoll { of: self.of(router), result }).inc();
        self.duration.observe(took.as_secs_f64());
    }

    pub(crate) fn succeeded(&self, router: &str, at: Millis) {
        self.last_success.get_or_create(&self.of(router)).set(at as f64 / 1000.0);
    }

    pub(crate) fn stored(&self, router: &str, events: Stored) {
        self.stored.inc_by(events.new);
        self.missed.get_or_create(&self.of(router)).inc_by(events.missed);
    }

    pub(crate) fn skipped(&self, router: &str, parts: u32) {
        self.skipped.get_or_create(&self.of(router)).inc_by(parts.into());
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
        let text = told(&metrics);
        let labels = "{router=\"home\",outage=\"7\",cause=\"dhcp\",side=\"unknown\"}";
        for (name, value) in [
            ("start_timestamp_seconds", "1739327640.5"),
            ("end_timestamp_seconds", "1739327700.0"),
            ("duration_seconds", "59.5"),
        ] {
            let line = format!("netmonitor_bridge_outage_{name}{labels} {value}\n");
            assert!(text.contains(&line), "{line}: {text}");
        }
        // Also of those that it has told already.
        metrics.begin(&labelled("home", &[("site", "berlin")]));
        let labels = labels.replace("home\"", "home\",site=\"berlin\"");
        let line = format!("netmonitor_bridge_outage_duration_seconds{labels} 59.5\n");
        assert!(told(&metrics).contains(&line), "{line}");
    }

    fn told(metrics: &Metrics) -> String {
        let (mut registry, mut text) = (Registry::default(), String::new());
        metrics.register(&mut registry);
        encode(&mut text, &registry).unwrap();
        text
    }

    fn labelled(name: &str, labels: &[(&str, &str)]) -> Router {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Router {
            name: name.to_owned(),
            url: "http://x".to_owned(),
            token: None,
            labels: labels.iter().map(owned).collect(),
            poll_interval: Duration::from_secs(60),
        }
    }

    /// Labels of all series that are told of a router: none twice, none left over.
    fn of_router(metrics: &Metrics, name: &str) -> Vec<String> {
        let text = told(metrics);
        let router = format!("router=\"{name}\"");
        let mut all: Vec<_> = text
            .lines()
            .filter(|line| line.contains(&router))
            .map(|line| line.split('{').nth(1).unwrap().split('}').next().unwrap().to_owned())
            .collect();
        all.sort();
        all
    }

    #[test]
    fn every_series_of_a_router_has_the_labels_that_it_is_given() {
        let metrics = Metrics::new();
        metrics.begin(&labelled("plain", &[]));
        for labels in
            [[("customer", "a \"b\" \\"), ("site", "x")], [("customer", "c"), ("site", "y")]]
        {
            metrics.begin(&labelled("home", &labels));
            metrics.polled("home", true, Duration::from_secs(1));
            metrics.succeeded("home", 1000);
            metrics.stored("home", Stored::default());
            metrics.skipped("home", 1);
            let escaped = labels[0].1.replace('\\', "\\\\").replace('"', "\\\"");
            let of = format!("router=\"home\",customer=\"{escaped}\",site=\"{}\"", labels[1].1);
            let polls = ["failure", "success"].map(|result| format!("{of},result=\"{result}\""));
            let expected = [&[of.clone(), of.clone(), of][..], &polls].concat();
            assert_eq!(of_router(&metrics, "home"), expected);
        }
        assert_eq!(of_router(&metrics, "plain").len(), 4, "as it was");
        metrics.end("home");
        assert_eq!(of_router(&metrics, "home"), [""; 0]);
    }

    /// Counters begin anew with other labels alone.
    #[test]
    fn a_changed_address_keeps_what_was_counted() {
        let metrics = Metrics::new();
        let mut router = labelled("home", &[("site", "x")]);
        metrics.begin(&router);
        metrics.polled("home", true, Duration::from_secs(1));
        router.url = "http://y".to_owned();
        metrics.begin(&router);
        let line = "polls_total{router=\"home\",site=\"x\",result=\"success\"} 1\n";
        assert!(told(&metrics).contains(line), "{}", told(&metrics));
    }
}
