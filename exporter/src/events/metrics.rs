//! The listener's metrics.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::kind::Kind;
use super::listener::Healths;
use super::queue::Snapshot;
use super::sources::Source;
use crate::exposition::{Encode, Exposition};

/// Counts of events and of lines read.
#[derive(Clone)]
pub(crate) struct EventMetrics {
    published: watch::Receiver<Arc<Snapshot>>,
    healths: Healths,
}

impl EventMetrics {
    pub(crate) fn new(published: watch::Receiver<Arc<Snapshot>>, healths: Healths) -> Self {
        Self { published, healths }
    }
}

impl Encode for EventMetrics {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        let snapshot = Arc::clone(&self.published.borrow());
        let mut total = out.counter("events_total", "Events recorded since the program started");
        for kind in Kind::ALL {
            total.sample(
                &[("type", kind.name())],
                Some(snapshot.published_by_kind[kind as usize]),
            )?;
        }
        let mut last = out.gauge(
            "event_last_timestamp_seconds",
            "When the last event of the type happened, by the router's clock",
        );
        for kind in Kind::ALL {
            let at = snapshot.last_by_kind[kind as usize].map(|at| at.as_secs_f64());
            last.sample(&[("type", kind.name())], at)?;
        }
        out.gauge("event_queue_length", "Events that readers can still fetch")
            .sample(&[], Some(snapshot.events.len() as u64))?;
        out.counter("events_evicted_total", "Events that went to make room for newer ones")
            .sample(&[], Some(snapshot.evicted))?;
        out.counter(
            "event_queue_write_errors_total",
            "Failed writes of the queue file; events are in memory only after the last one",
        )
        .sample(&[], Some(snapshot.write_errors))?;
        self.encode_sources(out)
    }
}

impl EventMetrics {
    fn encode_sources(&self, out: &mut Exposition<'_>) -> fmt::Result {
        let wanted: Vec<_> = Source::ALL
            .into_iter()
            .map(|source| (source.name(), self.healths.of(source)))
            .filter(|(_, health)| health.is_wanted())
            .collect();
        let mut up = out.gauge("log_source_up", "1 if the source of log lines is being followed");
        for (name, health) in &wanted {
            up.sample(&[("source", name)], Some(health.is_up()))?;
        }
        let mut lines = out.counter("log_lines_total", "Lines read from the source");
        for (name, health) in &wanted {
            lines.sample(&[("source", name)], Some(health.lines()))?;
        }
        let mut cut = out.counter("log_lines_cut_total", "Lines over 4096 bytes, cut there");
        for (name, health) in &wanted {
            cut.sample(&[("source", name)], Some(health.cut()))?;
        }
        let mut overruns = out.counter(
            "log_overruns_total",
            "Times that the source had dropped lines before they could be read",
        );
        for (name, health) in &wanted {
            overruns.sample(&[("source", name)], Some(health.missed()))?;
        }
        let mut restarts =
            out.counter("log_source_restarts_total", "Times that the source was opened again");
        for (name, health) in &wanted {
            restarts.sample(&[("source", name)], Some(health.restarts()))?;
        }
        Ok(())
    }
}
