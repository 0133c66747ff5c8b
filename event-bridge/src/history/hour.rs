//! What an hour adds up to: sums and counts, so that hours added together are exactly what
//! their rows would give.

use std::collections::BTreeMap;
use std::ops::Range;

use super::outage::Outage;
use crate::record::{Millis, WanState};

/// One hour. Hours begin at whole hours of UTC, so a change of the local clock moves none.
pub const HOUR: Millis = 3_600_000;

/// A sample vouches for the time since the one before it, if that is not longer ago: a
/// restart of the bridge is no hole. Whoever polls less often observes nothing in between.
pub const VOUCHED: Millis = 600_000;

const MINUTE: Millis = 60_000;

/// A poll, in the parts that the database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// When.
    pub at: Millis,
    /// The WAN.
    pub wan_state: WanState,
    /// rx and tx errors, rx and tx dropped: since the device was made.
    pub errors: [Option<i64>; 4],
    /// 1/100 dBm.
    pub optical_rx: Option<i64>,
    /// 1/100 dBm.
    pub optical_tx: Option<i64>,
    /// 1/10 °C.
    pub cpu: Option<i64>,
    /// By the number of the target.
    pub pings: Vec<(i64, PollPing)>,
}

/// Pings of one target, as one poll told them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PollPing {
    /// Mean of the minute before, microseconds.
    pub rtt: Option<i64>,
    /// 1/10 percent.
    pub loss: Option<i64>,
    /// Requests since the agent started.
    pub sent: Option<i64>,
    /// Of them, those without an answer.
    pub lost: Option<i64>,
}

/// What an hour is made of.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// By time; with the last one before the hour and the first one after it.
    pub polls: &'a [Poll],
    /// Kinds of the events of the hour.
    pub events: &'a [String],
    /// Times in which the router could not be reached, by time, apart.
    pub gaps: &'a [Range<Millis>],
    /// By time; those that touch the hour.
    pub outages: &'a [Outage],
}

/// A sum of values, and how many there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// The sum.
    pub sum: i64,
    /// Of so many.
    pub count: i64,
    /// The least.
    pub min: Option<i64>,
    /// The greatest.
    pub max: Option<i64>,
}

impl Sum {
    fn of(values: impl Iterator<Item = i64>) -> Self {
        values.fold(Self::default(), |sum, value| Self {
            sum: sum.sum.saturating_add(value),
            count: sum.count + 1,
            min: Some(sum.min.map_or(value, |min| min.min(value))),
            max: Some(sum.max.map_or(value, |max| max.max(value))),
        })
    }
}

/// An hour of a router.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hour {
    /// Polls.
    pub samples: i64,
    /// Those with the WAN up.
    pub samples_up: i64,
    /// Milliseconds in which the bridge watched, or the router told an outage.
    pub observed: Millis,
    /// Milliseconds of them without the internet.
    pub outage: Millis,
    /// 1/10 percent, of all pings.
    pub loss: Sum,
    /// 1/10 °C.
    pub cpu: Sum,
    /// 1/100 dBm.
    pub optical_rx: Sum,
    /// 1/100 dBm.
    pub optical_tx: Sum,
    /// rx and tx errors, rx and tx dropped, in this hour; `None`: no two polls say.
    pub errors: [Option<i64>; 4],
    /// Events of the kinds `pppoe_*`.
    pub pppoe_events: i64,
    /// Events of the kinds `wan_*`.
    pub wan_events: i64,
    /// Events `pppoe_up`.
    pub pppoe_ups: i64,
    /// Events `wan_down`.
    pub wan_downs: i64,
    /// By the number of the target.
    pub targets: BTreeMap<i64, HourPings>,
}

/// An hour of a target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HourPings {
    /// Microseconds; of each minute its last mean.
    pub rtt: Sum,
    /// The 95th percentile of those means.
    pub rtt_p95: Option<i64>,
    /// 1/10 percent, of all pings.
    pub loss: Sum,
    /// Requests in this hour; `None`: no two polls say.
    pub sent: Option<i64>,
    /// Of them, those without an answer.
    pub lost: Option<i64>,
}

impl Hour {
    /// Adds up the hour that begins at `start`.
    #[must_use]
    pub fn of(start: Millis, rows: Rows<'_>) -> Self {
        let hour = start..start + HOUR;
        let (observed, outage) = watched(&hour, rows);
        let from = rows.polls.partition_point(|poll| poll.at < hour.start);
        let until = rows.polls.partition_point(|poll| poll.at < hour.end);
        let polls = &rows.polls[from..until];
        // Each with the one before it, if that is near enough to tell the difference.
        let pairs = rows.polls[..until].windows(2).map(|pair| (&pair[0], &pair[1]));
        let pairs: Vec<(&Poll, &Poll)> = pairs
            .filter(|(before, poll)| poll.at >= hour.start && poll.at - before.at <= VOUCHED)
            .collect();
        let kinds = |is_it: &dyn Fn(&str) -> bool| {
            rows.events.iter().filter(|kind| is_it(kind)).count() as i64
        };
        let pings = || polls.iter().flat_map(|poll| &poll.pings);
        Self {
            samples: polls.len() as i64,
            samples_up: polls.iter().filter(|poll| poll.wan_state == WanState::Up).count() as i64,
            observed,
            outage,
            loss: Sum::of(pings().filter_map(|(_, ping)| ping.loss)),
            cpu: Sum::of(polls.iter().filter_map(|poll| poll.cpu)),
            optical_rx: Sum::of(polls.iter().filter_map(|poll| poll.optical_rx)),
            optical_tx: Sum::of(polls.iter().filter_map(|poll| poll.optical_tx)),
            errors: std::array::from_fn(|which| {
                let values = pairs.iter().map(|(a, b)| (a.errors[which], b.errors[which]));
                values.filter_map(|(a, b)| grown(a?, b?)).reduce(i64::saturating_add)
            }),
            pppoe_events: kinds(&|kind| kind.starts_with("pppoe_")),
            wan_events: kinds(&|kind| kind.starts_with("wan_")),
            pppoe_ups: kinds(&|kind| kind == "pppoe_up"),
            wan_downs: kinds(&|kind| kind == "wan_down"),
            targets: targets(polls, &pairs),
        }
    }
}

fn targets(polls: &[Poll], pairs: &[(&Poll, &Poll)]) -> BTreeMap<i64, HourPings> {
    let mut minutes: BTreeMap<i64, BTreeMap<Millis, Option<i64>>> = BTreeMap::new();
    let mut losses: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for poll in polls {
        for (target, ping) in &poll.pings {
            let of_target = minutes.entry(*target).or_default();
            of_target.insert(poll.at.div_euclid(MINUTE), ping.rtt);
            losses.entry(*target).or_default().extend(ping.loss);
        }
    }
    let mut hours: BTreeMap<i64, HourPings> = minutes
        .into_iter()
        .map(|(target, minutes)| {
            let mut means: Vec<i64> = minutes.into_values().flatten().collect();
            means.sort_unstable();
            let rtt_p95 = means.get((means.len() * 95).div_ceil(100).saturating_sub(1)).copied();
            let loss = Sum::of(losses.remove(&target).unwrap_or_default().into_iter());
            let rtt = Sum::of(means.into_iter());
            (target, HourPings { rtt, rtt_p95, loss, sent: None, lost: None })
        })
        .collect();
    for (before, poll) in pairs {
        for (target, ping) in &poll.pings {
            let before = before.pings.iter().find(|(other, _)| other == target);
            let counted = before.and_then(|(_, before)| requests(before, ping));
            if let (Some((sent, lost)), Some(hour)) = (counted, hours.get_mut(target)) {
                hour.sent = Some(hour.sent.unwrap_or(0).saturating_add(sent));
                hour.lost = Some(hour.lost.unwrap_or(0).saturating_add(lost));
            }
        }
    }
    hours
}

/// How much a counter has grown; of one that began anew, what it has counted since.
fn grown(before: i64, now: i64) -> Option<i64> {
    if now >= before { now.checked_sub(before) } else { Some(now) }
}

/// Requests sent and lost between two polls; both counters begin anew together.
fn requests(before: &PollPing, now: &PollPing) -> Option<(i64, i64)> {
    let (sent, lost) = (now.sent?, now.lost?);
    let (sent_before, lost_before) = (before.sent?, before.lost?);
    if sent >= sent_before && lost >= lost_before {
        Some((sent - sent_before, lost - lost_before))
    } else {
        Some((sent, lost))
    }
}

/// Milliseconds watched and, of them, without the internet. What the router itself tells of
/// an outage counts as watched, whether the bridge could reach it or not.
fn watched(hour: &Range<Millis>, rows: Rows<'_>) -> (Millis, Millis) {
    let vouched = rows.polls.windows(2).map(|pair| pair[0].at..pair[1].at);
    let vouched = vouched.filter(|time| time.end - time.start <= VOUCHED);
    let seen = without(vouched, rows.gaps);
    let drops = rows.outages.iter().flat_map(|outage| &outage.drops);
    let down: Vec<Range<Millis>> = drops.map(|drop| drop.drop.start..drop.until).collect();
    let outage = length(hour, down.clone());
    (length(hour, seen.into_iter().chain(down)), outage)
}

/// The times that are in no gap.
fn without(
    times: impl Iterator<Item = Range<Millis>>,
    gaps: &[Range<Millis>],
) -> Vec<Range<Millis>> {
    let mut left = Vec::new();
    for mut time in times {
        for gap in gaps.iter().filter(|gap| gap.start < time.end) {
            if gap.start > time.start {
                left.push(time.start..gap.start);
            }
            time.start = time.start.max(gap.end);
        }
        left.push(time);
    }
    left
}

/// How much of a time these cover together.
fn length(within: &Range<Millis>, times: impl IntoIterator<Item = Range<Millis>>) -> Millis {
    let mut times: Vec<Range<Millis>> = times.into_iter().collect();
    times.sort_by_key(|time| time.start);
    let mut seen = within.start;
    let mut total = 0;
    for time in times {
        let (start, end) = (time.start.max(seen), time.end.min(within.end));
        if end > start {
            total += end - start;
            seen = end;
        }
    }
    total
}

#[cfg(test)]
#[path = "hour_tests.rs"]
mod tests;
