//! Times as SQLAlchemy writes them (`2025-02-12 10:34:00.123456`), local and without a zone,
//! in UTC. Pure: the zone of the old host comes in.
//!
//! At the end of summer time an hour is there twice. Rows were written one after another, so
//! the first of the two that does not go back is the right one; an event happened shortly
//! before the poll that first told it. A time that the zone leaves out is taken as it would
//! have been without the change, and counted: many of them mean that the zone is wrong.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::record::Millis;

/// With a zone in words, and some.
const MAX_BYTES: usize = 80;

/// Rows of one moment may be written in another order than they were made.
const DISORDER: Millis = 10_000;

/// The router's clock may be so much ahead of the old host's.
const AHEAD: Millis = 60_000;

/// Polls are this far apart at most, for what is first told by one to have just happened.
const LATELY: Millis = 3_600_000;

/// A time as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// With a zone.
    Utc(Millis),
    /// Without.
    Local(DateTime),
}

/// `None`: no time.
pub(super) fn parse(text: &str) -> Option<Written> {
    let text = text.trim();
    // A date alone is no time.
    if text.len() > MAX_BYTES || !text.contains(':') {
        return None;
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(Written::Utc(time.as_millisecond()));
    }
    text.parse().ok().map(Written::Local)
}

/// As written, taken as UTC: so the old client wrote its hours. `None`: beyond all times.
pub(super) fn as_utc(written: Written) -> Option<Millis> {
    match written {
        Written::Utc(at) => Some(at),
        Written::Local(local) => {
            TimeZone::UTC.to_timestamp(local).ok().map(Timestamp::as_millisecond)
        }
    }
}

/// `2025-02-12 10:34:00`, with a fraction only where there is one: so the old agent wrote it.
pub(super) fn words(written: Written) -> String {
    match written {
        Written::Utc(at) => at.to_string(),
        Written::Local(local) if local.subsec_nanosecond() == 0 => {
            local.strftime("%Y-%m-%d %H:%M:%S").to_string()
        }
        Written::Local(local) => local.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string(),
    }
}

/// The old host's calendar over the rows of one table.
#[derive(Debug)]
pub(super) struct LocalClock {
    zone: TimeZone,
    last: Option<Millis>,
    left_out: u64,
}

impl LocalClock {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self { zone, last: None, left_out: 0 }
    }

    /// Times that the zone does not have.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The time of the next row. `None`: beyond all times.
    pub(super) fn row(&mut self, written: Written) -> Option<Millis> {
        let last = self.last;
        let at = self.find(written, |early, late| {
            let goes_back = last.is_some_and(|last| early < last.saturating_sub(DISORDER));
            if goes_back { late } else { early }
        })?;
        self.last = Some(at);
        Some(at)
    }

    /// The time of an event that was first told at `polled`. `None`: beyond all times.
    pub(super) fn event(&mut self, written: Written, polled: Millis) -> Option<Millis> {
        self.find(written, |early, late| {
            let age = polled.saturating_sub(late);
            if (-AHEAD..LATELY).contains(&age) { late } else { early }
        })
    }

    fn find(
        &mut self,
        written: Written,
        choose: impl FnOnce(Millis, Millis) -> Millis,
    ) -> Option<Millis> {
        let local = match written {
            Written::Utc(at) => return Some(at),
            Written::Local(local) => local,
        };
        let found = self.zone.to_ambiguous_timestamp(local);
        let millis =
            |time: Result<Timestamp, jiff::Error>| time.ok().map(Timestamp::as_millisecond);
        match found.offset() {
            AmbiguousOffset::Unambiguous { .. } => millis(found.unambiguous()),
            AmbiguousOffset::Gap { .. } => {
                self.left_out += 1;
                millis(found.compatible())
            }
            AmbiguousOffset::Fold { .. } => {
                Some(choose(millis(found.earlier())?, millis(found.later())?))
            }
        }
    }
}

#[cfg(test)]
#[path = "time_tests.rs"]
mod tests;
