//! The pings as a collector.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{NAME, Targets};
use crate::clock;
use crate::collectors::{CollectError, Collector};
use crate::config::{Config, Live, Scope, Target};
use crate::exposition::{Encode, Exposition};
use crate::probes::history::History;
use crate::probes::latency::Latencies;
use crate::roots::Roots;

/// Shows the targets of the moment.
pub(crate) struct Pings {
    config: Live,
    targets: Targets,
}

impl Pings {
    pub(crate) fn new(config: Live, targets: Targets) -> Self {
        Self { config, targets }
    }
}

impl Collector for Pings {
    fn name(&self) -> &'static str {
        NAME
    }

    fn collect(&self, _: &Roots) -> Result<Box<dyn Encode>, CollectError> {
        let config = self.config.now();
        let now = clock::monotonic();
        let internet_up = self.targets.internet_is_up(&config, now);
        let rows = self
            .targets
            .all()
            .into_iter()
            // A gateway that was never found is not on this device.
            .filter(|watched| {
                watched.target.scope != Scope::Gateway || watched.with(|h| h.requests > 0)
            })
            .map(|watched| watched.with(|history| Row::of(&watched.target, history, &config, now)))
            .collect();
        Ok(Box::new(Sample { internet_up, rows }))
    }

    fn is_healthy(&self) -> bool {
        !self.targets.all().iter().any(|watched| watched.forbidden.load(Ordering::Relaxed))
    }
}

struct Sample {
    internet_up: Option<bool>,
    rows: Vec<Row>,
}

/// The counters of one target, as they were when the scrape came.
struct Row {
    host: String,
    scope: &'static str,
    totals: [u64; 5],
    last_rtt: Option<f64>,
    longest_loss: f64,
    latencies: Latencies,
}

impl Row {
    fn of(target: &Target, history: &History, config: &Config, now: Instant) -> Self {
        Self {
            host: target.host.clone(),
            scope: target.scope.label(),
            totals: [
                history.requests,
                history.lost,
                history.send_errors,
                history.late,
                history.duplicates,
            ],
            last_rtt: history.last_rtt().map(|rtt| rtt.as_secs_f64()),
            longest_loss: history.longest_loss(now, config.ping_interval).as_secs_f64(),
            latencies: history.latencies.clone(),
        }
    }

    fn labels(&self) -> [(&str, &str); 2] {
        [("target", &self.host), ("scope", self.scope)]
    }
}

/// In the order of `Row::totals`.
const TOTALS: [(&str, &str); 5] = [
    ("ping_requests_total", "Echo requests whose fate is known: answered or lost"),
    ("ping_lost_total", "Echo requests without an answer in time, or that could not leave"),
    ("ping_send_errors_total", "Echo requests that could not leave: no network, route or device"),
    ("ping_late_replies_total", "Answers that came after PING_TIMEOUT; their requests are lost"),
    ("ping_duplicate_replies_total", "Further answers to a request that had one"),
];

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        out.gauge("internet_up", "1 if any target but the gateway answered lately")
            .sample(&[], self.internet_up)?;
        let mut rtt = out.histogram("ping_rtt_seconds", "Round-trip time of the answers");
        for row in &self.rows {
            row.latencies.encode(&mut rtt, &row.labels())?;
        }
        for (index, (name, help)) in TOTALS.into_iter().enumerate() {
            let mut family = out.counter(name, help);
            for row in &self.rows {
                family.sample(&row.labels(), Some(row.totals[index]))?;
            }
        }
        let mut last = out.gauge(
            "ping_last_rtt_seconds",
            "Round-trip time of the newest request; absent when it was lost",
        );
        for row in &self.rows {
            last.sample(&row.labels(), row.last_rtt)?;
        }
        let mut longest = out.gauge(
            "ping_longest_loss_seconds",
            "Longest run of lost requests within the last 5 minutes",
        );
        for row in &self.rows {
            longest.sample(&row.labels(), Some(row.longest_loss))?;
        }
        Ok(())
    }
}
