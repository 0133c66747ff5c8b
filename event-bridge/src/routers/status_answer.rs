//! `/net/status`, of our exporter and of the old shell agent (`docs/http.md`). Pure.

use serde_json::Value;

use super::fields::{self, count, line, member, number};
use super::lenient::{self, NotJson};
use super::zone::{Shift, parse_time};
use crate::record::{Event, Millis, Ping, Sample, WanState};

/// Targets of one router: somebody's list of servers, not a scan.
const MAX_TARGETS: usize = 256;
/// A host name has at most 253.
pub(crate) const MAX_TARGET_CHARS: usize = 255;

/// What a router says about now.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusAnswer {
    /// Its numbers.
    pub sample: Sample,
    /// Oldest first; of the exporter those it still has, of the shell agent all it has.
    pub events: Vec<Event>,
    /// Can the events be read exactly once from `/net/events`?
    pub has_numbers: bool,
    /// Of numbered events.
    pub queue: Option<Queue>,
    /// What the router's own calendar was taken for; of use for events without `ts`.
    pub clock: Shift,
    /// Values and events that could not be read.
    pub skipped: u32,
    /// The end of the answer is missing.
    pub is_cut: bool,
}

/// The numbers of a router's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Names the sequence.
    pub stream: String,
    /// The oldest that can be read; `next_seq` when there is none.
    pub oldest_seq: u64,
    /// The number that the next event gets.
    pub next_seq: u64,
    /// Grows when times were corrected.
    pub revision: u64,
}

/// Why bytes are not such an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAnswer {
    /// Not even nearly JSON.
    #[error("{0}")]
    NotJson(NotJson),
    /// JSON with other names.
    #[error("JSON of something else")]
    OtherJson,
    /// The beginning of some JSON, too little to be of use.
    #[error("the first bytes of an answer that ends too early")]
    Cut,
    /// `/net/events` only: an agent that answers each path with its status.
    #[error("the answer of /net/status")]
    Status,
}

/// Reads a body that arrived at `now` by the bridge's clock, which becomes the sample's time.
///
/// # Errors
/// When it is not the status of a router. A half one is saved as far as it goes.
pub fn parse_status(body: &[u8], now: Millis) -> Result<StatusAnswer, NotAnAnswer> {
    let reading = lenient::read(body).map_err(NotAnAnswer::NotJson)?;
    let answer = Value::Object(reading.members);
    if !is_status(&answer) {
        return Err(if reading.is_cut { NotAnAnswer::Cut } else { NotAnAnswer::OtherJson });
    }
    let clock = Shift::infer(member(&answer, "timestamp").as_str().and_then(parse_time), now);
    let given = member(&answer, "events").as_array().map_or(&[][..], Vec::as_slice);
    let mut events: Vec<Event> =
        given.iter().filter_map(|event| fields::event(event, clock, now)).collect();
    let unreadable = u32::try_from(given.len() - events.len()).unwrap_or(u32::MAX);
    let queue = queue(member(&answer, "queue"));
    let has_numbers = queue.is_some() && events.iter().all(|event| event.seq.is_some());
    sort(&mut events);
    Ok(StatusAnswer {
        sample: sample(&answer, now),
        events,
        has_numbers,
        queue,
        clock,
        skipped: reading.skipped.saturating_add(unreadable),
        is_cut: reading.is_cut,
    })
}

/// Has the names that every agent's status has?
pub(super) fn is_status(answer: &Value) -> bool {
    member(answer, "realtime").is_object()
}

/// Oldest first: ours come newest first; the shell agent's in the order of its file, which
/// tells more than local times that go back in autumn.
fn sort(events: &mut [Event]) {
    if events.iter().all(|event| event.seq.is_some()) {
        events.sort_by_key(|event| event.seq);
    } else if let [first, .., last] = &*events
        && first.at > last.at
    {
        events.reverse();
    }
}

fn queue(value: &Value) -> Option<Queue> {
    let next_seq = count(member(value, "next_seq"))?;
    Some(Queue {
        stream: fields::id(member(value, "stream"))?,
        oldest_seq: count(member(value, "oldest_seq")).unwrap_or(next_seq),
        next_seq,
        revision: count(member(value, "revision")).unwrap_or(0),
    })
}

fn sample(answer: &Value, now: Millis) -> Sample {
    let realtime = member(answer, "realtime");
    let errors = member(realtime, "wan_errors");
    let optical = member(realtime, "optical_power");
    let summary = member(answer, "summary");
    Sample {
        at: now,
        wan_state: wan_state(member(realtime, "wan_state")),
        rx_errors: count(member(errors, "rx_errors")),
        tx_errors: count(member(errors, "tx_errors")),
        rx_dropped: count(member(errors, "rx_dropped")),
        tx_dropped: count(member(errors, "tx_dropped")),
        optical_rx_dbm: number(member(optical, "rx")),
        optical_tx_dbm: number(member(optical, "tx")),
        cpu_celsius: number(member(realtime, "cpu_temp")),
        pppoe_reconnects_24h: count(member(summary, "pppoe_reconnect_count_24h")),
        wan_downs_24h: count(member(summary, "wan_down_count_24h")),
        pings: pings(member(realtime, "ping")),
    }
}

fn wan_state(value: &Value) -> WanState {
    let word = line(value, MAX_TARGET_CHARS).unwrap_or_default();
    if word.eq_ignore_ascii_case("up") {
        WanState::Up
    } else if word.eq_ignore_ascii_case("down") {
        WanState::Down
    } else {
        WanState::Unknown
    }
}

fn pings(value: &Value) -> Vec<Ping> {
    let targets = value.as_object().into_iter().flatten();
    let is_fit = |target: &str| {
        !target.is_empty()
            && target.chars().count() <= MAX_TARGET_CHARS
            && !target.chars().any(char::is_control)
    };
    targets
        .filter(|(target, ping)| is_fit(target) && ping.is_object())
        .take(MAX_TARGETS)
        .map(|(target, ping)| Ping {
            target: target.clone(),
            rtt_ms: number(member(ping, "rtt")).filter(|rtt| *rtt >= 0.0),
            loss_percent: number(member(ping, "loss")).filter(|loss| (0.0..=100.0).contains(loss)),
            sent_total: count(member(ping, "sent_total")),
            lost_total: count(member(ping, "lost_total")),
        })
        .collect()
}

#[cfg(test)]
#[path = "status_answer_tests.rs"]
mod tests;
