//! What a report says of a month of rows, and how it is shown.

mod counting;
mod golden;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::*;
use crate::history::outage::{Cause, Closed, Drop, End, Outage, Side};
use crate::record::Millis;
use crate::store::{MonthRows, Reading, WatchedHour};

const SECOND: Millis = 1000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;

fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

/// `2026-11-03T02:14:07` by the clock of Berlin.
fn at(text: &str) -> Millis {
    let local: DateTime = text.parse().unwrap();
    local.to_zoned(berlin()).unwrap().timestamp().as_millisecond()
}

fn asked(month: &str, now: &str) -> Asked {
    Asked {
        router: "home".to_owned(),
        month: month.parse().unwrap(),
        zone: berlin(),
        now: at(now),
        version: "1.2.3",
        revision: "abcdef123456",
    }
}

fn closed(start: Millis, seconds: Millis, cause: Cause, side: Side) -> Closed {
    let until = start + seconds * SECOND;
    let drop = Drop {
        id: start / SECOND,
        name: format!("s-{start}"),
        stream: Some(1),
        start,
        until: Some(until),
        cause,
        side,
        evidence: None,
    };
    Closed { drop, until, end: End::Told }
}

/// Of one drop.
fn outage(start: &str, seconds: Millis, cause: Cause, side: Side) -> Outage {
    Outage { drops: vec![closed(at(start), seconds, cause, side)] }
}

fn gateway(start: &str, seconds: Millis) -> Outage {
    outage(start, seconds, Cause::Gateway, Side::Provider)
}

fn only(span: std::ops::Range<Millis>) -> Vec<std::ops::Range<Millis>> {
    vec![span]
}

/// All of the month was watched.
fn rows(outages: Vec<Outage>) -> MonthRows {
    let vouched = only(Millis::MIN / 2..Millis::MAX / 2);
    MonthRows { outages, vouched, ..MonthRows::default() }
}

fn november(outages: Vec<Outage>) -> Report {
    Report::of(asked("2026-11", "2026-12-05T12:00:00"), rows(outages))
}
