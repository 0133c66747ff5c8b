//! Metrics of the outages: how long, how many and why, and the last ones by name.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::outage::Ended;
use super::vocabulary::{Cause, Degradation};
use crate::clock;
use crate::events::event::Moment;
use crate::events::intake::Intake;
use crate::exposition::{Encode, Exposition};

/// What the detector has found.
#[derive(Clone)]
pub(crate) struct OutageMetrics {
    intake: Arc<Intake>,
}

impl OutageMetrics {
    pub(crate) fn new(intake: Arc<Intake>) -> Self {
        Self { intake }
    }
}

impl Encode for OutageMetrics {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        let (standing, totals, degradations) = self.intake.with_outages(|detector, standing| {
            let totals = detector.totals();
            let sums = (totals.outage.as_secs_f64(), totals.observed.as_secs_f64());
            (Arc::clone(standing), sums, detector.degradations().to_vec())
        });
        out.gauge("outage_active", "1 while the internet is gone")
            .sample(&[], Some(standing.open.is_some()))?;
        out.counter("outage_seconds_total", "Time without the internet since the program started")
            .sample(&[], Some(totals.0))?;
        out.counter(
            "observed_seconds_total",
            "Time that somebody watched whether the internet is there",
        )
        .sample(&[], Some(totals.1))?;
        let mut ended = out.counter(
            "outages_total",
            "Outages that are over, by the first layer that failed and whose it is",
        );
        for cause in Cause::ALL {
            for side in cause.sides() {
                let count = standing.ended.get(&(*cause, *side)).copied().unwrap_or(0);
                ended.sample(&[("cause", cause.name()), ("side", side.name())], Some(count))?;
            }
        }
        let mut active =
            out.gauge("degradation_active", "1 while a part of the internet is gone, but not all");
        for kind in Degradation::ALL {
            active.sample(&[("kind", kind.name())], Some(degradations.contains(kind)))?;
        }
        encode_past(out, standing.past.iter())
    }
}

/// The last ones; their labels never change, their times may be corrected.
fn encode_past<'a>(
    out: &mut Exposition<'_>,
    past: impl Iterator<Item = &'a Ended> + Clone,
) -> fmt::Result {
    let now = Moment { unix: clock::unix_time(), boot: Some(clock::since_boot()) };
    let mut encode = |name, help, value: fn(&Ended, Moment) -> Duration| {
        let mut gauge = out.gauge(name, help);
        past.clone().try_for_each(|ended| {
            let labels = [
                ("outage", ended.id.as_str()),
                ("cause", ended.verdict.cause.name()),
                ("side", ended.verdict.side.name()),
            ];
            gauge.sample(&labels, Some(value(ended, now).as_secs_f64()))
        })
    };
    encode(
        "outage_start_timestamp_seconds",
        "When the internet went, of each of the last ten outages that are over",
        |ended, now| now.back_to(ended.began).unix,
    )?;
    encode(
        "outage_end_timestamp_seconds",
        "When the internet came back, of the same outages",
        |ended, now| now.back_to(ended.ended).unix,
    )?;
    encode("outage_duration_seconds", "How long the same outages lasted", Ended::duration)
}
