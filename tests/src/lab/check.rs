//! Compares what the exporter said of a scenario with what is true. Pure.

use super::answers::{Event, Saved};
use super::expected::{Expected, INTERVAL, Metric, Outage, SLACK, Told, Window};
use super::finding::Finding;
use super::truth::{Scenario, Span, Truth};

/// Exact to a thousandth, as the facts of events are.
const SAME_FACT: f64 = 0.002;

/// The targets of the machine's pings, but for the next hop.
const TARGETS: [&str; 4] = ["192.0.2.1", "192.0.2.2", "203.0.113.1", "203.0.113.2"];

/// One scenario, with the answers before it and at its end.
pub struct Played<'a> {
    /// What was done.
    pub truth: &'a Truth,
    /// Which part of it.
    pub scenario: Scenario<'a>,
    /// As of the end of the scenario before; `None`: this one is the first.
    pub before: Option<&'a Saved>,
    /// While frames were lost; of a scenario in which they were.
    pub within: Option<&'a Saved>,
    /// As of its end.
    pub after: &'a Saved,
}

impl Played<'_> {
    /// All that is to be said of it.
    #[must_use]
    pub fn check(&self, expected: &Expected) -> Vec<Finding> {
        let mut findings = self.events(expected.events);
        findings.extend(self.outages(expected.outages));
        findings.extend(self.counters(expected));
        findings.extend(expected.metrics.iter().map(|metric| self.metric(metric)));
        match expected.loss {
            Some(share) => findings.extend(self.share_lost(share)),
            None => findings.extend(self.requests_lost(expected)),
        }
        findings.extend(self.state());
        findings
    }

    /// Numbered since the scenario before.
    fn news(&self) -> impl Iterator<Item = &Event> {
        let from = self.before.map_or(0, |before| before.events.next_seq);
        self.after.events.events.iter().filter(move |event| event.seq >= from)
    }

    fn is_of_outage(event: &Event) -> bool {
        event.kind.starts_with("outage_")
    }

    fn events(&self, expected: &[Told]) -> Vec<Finding> {
        let (news, addresses): (Vec<_>, Vec<_>) = self
            .news()
            .filter(|event| !Self::is_of_outage(event))
            .partition(|event| event.kind != "wan_ip_changed");
        let kinds = |kinds: Vec<&str>| {
            if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }
        };
        let found = kinds(news.iter().map(|event| event.kind.as_str()).collect());
        let wanted = kinds(expected.iter().map(|told| told.kind).collect());
        let new = self.scenario.new_addresses();
        let mut findings = vec![
            Finding::word("events", &wanted, Some(&found)),
            Finding::word(
                "events of another address",
                &new.to_string(),
                Some(&addresses.len().to_string()),
            ),
        ];
        for (at, told) in expected.iter().enumerate() {
            let event = news.get(at).filter(|event| event.kind == told.kind);
            let moment = event.map(|event| self.after.uptime_of(event.ts));
            findings.push(self.moment(told.kind, told.at, moment));
            for (name, value) in told.detail {
                let found = event.and_then(|event| event.detail.get(*name));
                let about = format!("{}: {name}", told.kind);
                findings.push(Finding::word(about, value, found.map(String::as_str)));
            }
        }
        findings
    }

    /// In seconds since the machine started.
    fn moment(&self, about: &str, window: Window, found: Option<f64>) -> Finding {
        match self.span(window) {
            Some(span) => Finding::number(about, span.from, span.to, found),
            None => Finding::word(about, "an act that the script did", None),
        }
    }

    fn span(&self, window: Window) -> Option<Span> {
        let from = self.scenario.when(window.from.0)?.from + window.from.1;
        let to = self.scenario.when(window.to.0)?.to + window.to.1;
        Some(Span { from, to })
    }

    fn outages(&self, expected: &[Outage]) -> Vec<Finding> {
        let of_kind = |kind: &'static str| self.news().filter(move |event| event.kind == kind);
        let count = |kind| Some(of_kind(kind).count() as f64);
        let wanted = expected.len() as f64;
        let mut findings = vec![
            Finding::number("outages begun", wanted, wanted, count("outage_start")),
            Finding::number("outages over", wanted, wanted, count("outage_end")),
        ];
        let mut pairs = of_kind("outage_start").zip(of_kind("outage_end"));
        for outage in expected {
            let Some((start, end)) = pairs.next() else { continue };
            findings.extend(self.outage(outage, start, end));
        }
        findings
    }

    fn outage(&self, expected: &Outage, start: &Event, end: &Event) -> Vec<Finding> {
        let fact = |name: &str| end.detail.get(name).map(String::as_str);
        let number = |name: &str| fact(name).and_then(|value| value.parse::<f64>().ok());
        let (began, ended) = (self.after.uptime_of(start.ts), self.after.uptime_of(end.ts));
        let lasted = ended - began;
        let mut findings = vec![
            Finding::word("outage: its name", text(start.detail.get("outage")), fact("outage")),
            Finding::word("outage: cause", expected.cause, fact("cause")),
            Finding::word("outage: side", expected.side, fact("side")),
            self.moment("outage: begin", expected.began, Some(began)),
            self.moment("outage: end", expected.ended, Some(ended)),
            Finding::number(
                "outage: duration_seconds",
                lasted - SAME_FACT,
                lasted + SAME_FACT,
                number("duration_seconds"),
            ),
            Finding::word(
                "outage: unseen_seconds",
                "nothing",
                Some(fact("unseen_seconds").unwrap_or("nothing")),
            ),
        ];
        let id = text(start.detail.get("outage"));
        let labels =
            format!("outage=\"{id}\",cause=\"{}\",side=\"{}\"", expected.cause, expected.side);
        for (metric, from, to) in [
            ("netmonitor_outage_start_timestamp_seconds", start.ts, start.ts),
            ("netmonitor_outage_end_timestamp_seconds", end.ts, end.ts),
            ("netmonitor_outage_duration_seconds", lasted, lasted),
        ] {
            let found = self.after.metric(metric, &labels);
            findings.push(Finding::number(metric, from - SAME_FACT, to + SAME_FACT, found));
        }
        findings
    }

    /// How much a counter grew.
    fn grown(&self, name: &str, labels: &str) -> Option<f64> {
        self.grown_until(self.after, name, labels)
    }

    fn grown_until(&self, until: &Saved, name: &str, labels: &str) -> Option<f64> {
        let before = self.before.and_then(|before| before.metric(name, labels));
        Some(until.metric(name, labels)? - before.unwrap_or_default())
    }

    /// Each target loses as many requests as the outages last, and no more.
    fn requests_lost(&self, expected: &Expected) -> Vec<Finding> {
        // Of the first scenario, nobody knows when the first request was sent.
        if self.before.is_none() {
            return Vec::new();
        }
        let requests = self.lasted() / INTERVAL;
        // One at each end of an outage is on this side of it or on that.
        let slack = expected.outages.len() as f64 * 1.5;
        let lost = TARGETS.iter().map(|target| {
            let labels = format!("target=\"{target}\"");
            let found = self.grown("netmonitor_ping_lost_total", &labels);
            Finding::number(
                format!("ping_lost_total of {target}"),
                requests - slack,
                requests + slack,
                found,
            )
        });
        lost.collect()
    }

    /// Chance decides on each request: the share of the lost ones lies within four deviations.
    fn share_lost(&self, share: f64) -> Vec<Finding> {
        let Some(within) = self.within else {
            return vec![Finding::word("answers while frames were lost", "some", None)];
        };
        let grown = |name| self.grown_until(within, name, "");
        let requests = grown("netmonitor_ping_requests_total").unwrap_or_default();
        let deviation = 4.0 * (share * (1.0 - share) / requests).sqrt();
        let found = grown("netmonitor_ping_lost_total").map(|lost| lost / requests);
        let degraded = within.metric("netmonitor_degradation_active", "kind=\"loss\"");
        vec![
            Finding::number("share of lost requests", share - deviation, share + deviation, found),
            Finding::number("degradation_active of loss", 1.0, 1.0, degraded),
        ]
    }

    /// Of all outages, as the exporter says.
    fn lasted(&self) -> f64 {
        let over = self.news().filter(|event| event.kind == "outage_end");
        over.filter_map(|event| event.detail.get("duration_seconds")?.parse::<f64>().ok()).sum()
    }

    fn metric(&self, metric: &Metric) -> Finding {
        let found = if metric.name.ends_with("_total") {
            self.grown(metric.name, metric.labels)
        } else {
            self.after.metric(metric.name, metric.labels)
        };
        Finding::number(metric.name, metric.range.0, metric.range.1, found)
    }

    /// What follows from events and outages.
    fn counters(&self, expected: &Expected) -> Vec<Finding> {
        let outages = expected.outages;
        let mut findings = Vec::new();
        let mut add = |about: String, from: f64, to: f64, found: Option<f64>| {
            findings.push(Finding::number(about, from, to, found));
        };
        let mut kinds: Vec<&str> = expected.events.iter().map(|told| told.kind).collect();
        kinds.sort_unstable();
        for same in kinds.chunk_by(|one, other| one == other) {
            let (kind, count) = (same[0], same.len() as f64);
            let found = self.grown("netmonitor_events_total", &format!("type=\"{kind}\""));
            add(format!("events_total of {kind}"), count, count, found);
        }
        let mut verdicts: Vec<_> =
            outages.iter().map(|outage| (outage.cause, outage.side)).collect();
        verdicts.sort_unstable();
        for same in verdicts.chunk_by(|one, other| one == other) {
            let ((cause, side), count) = (same[0], same.len() as f64);
            let labels = format!("cause=\"{cause}\",side=\"{side}\"");
            let found = self.grown("netmonitor_outages_total", &labels);
            add(format!("outages_total of {cause}"), count, count, found);
        }
        let count = outages.len() as f64;
        add("outages_total".to_owned(), count, count, self.grown("netmonitor_outages_total", ""));
        let lasted = self.lasted();
        let found = self.grown("netmonitor_outage_seconds_total", "");
        add("outage_seconds_total".to_owned(), lasted - SLACK, lasted + SLACK, found);
        let passed = self.scenario.span.to - self.scenario.span.from;
        if self.before.is_some() {
            // Setting the clock takes nothing from it, nor does an outage.
            let found = self.grown("netmonitor_observed_seconds_total", "");
            let slack = INTERVAL + SLACK;
            add("observed_seconds_total".to_owned(), passed - slack, passed + slack, found);
        }
        findings
    }

    /// All is well at the end, nothing was lost, and the clock is what it was set to.
    fn state(&self) -> Vec<Finding> {
        let after = self.after;
        let mut findings = vec![Finding::word(
            "wan_state of /net/status",
            "up",
            Some(&after.status.realtime.wan_state),
        )];
        for (name, value) in [
            ("netmonitor_internet_up", 1.0),
            ("netmonitor_outage_active", 0.0),
            ("netmonitor_pppoe_up", 1.0),
            ("netmonitor_wan_up", 1.0),
            ("netmonitor_log_source_up", 1.0),
            ("netmonitor_log_overruns_total", 0.0),
            ("netmonitor_event_queue_write_errors_total", 0.0),
            ("netmonitor_events_evicted_total", 0.0),
        ] {
            findings.push(Finding::number(name, value, value, after.metric(name, "")));
        }
        let numbers: Vec<u64> = after.events.events.iter().map(|event| event.seq).collect();
        let is_whole = numbers.iter().copied().eq(1..after.events.next_seq);
        findings.push(Finding::word(
            "numbers of events",
            "all, once",
            Some(if is_whole && after.events.missed == 0 { "all, once" } else { "others" }),
        ));
        let wall = self.truth.wall_of_start(after.events.uptime);
        let wall = wall.unwrap_or(Span { from: f64::NAN, to: f64::NAN });
        findings.push(Finding::number(
            "wall clock at the start",
            wall.from - SLACK,
            wall.to + SLACK,
            Some(after.wall_of_start()),
        ));
        findings
    }
}

fn text(fact: Option<&String>) -> &str {
    fact.map_or("nothing", String::as_str)
}

#[cfg(test)]
mod tests;
