//! `/net/events` of our exporter (`docs/http.md`), read so that no event is lost. Pure.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::fields::{self, count, member, number};
use super::lenient;
use super::status_answer::{NotAnAnswer, is_status};
use super::zone::Shift;
use crate::record::{Cursor, Event, EventBatch, Millis};

/// The next part of a router's events.
#[derive(Debug, Clone, PartialEq)]
pub struct EventsAnswer {
    /// The events.
    pub batch: EventBatch,
    /// The oldest that can be read: from here on after a change of the revision.
    pub oldest_seq: Option<u64>,
    /// The router's clock, seconds since 1970.
    pub time: Option<f64>,
    /// Does a time service keep that clock?
    pub time_synced: Option<bool>,
    /// Values and events that could not be read.
    pub skipped: u32,
    /// The end of the answer is missing; the rest comes when asked for from the last event on.
    pub is_cut: bool,
}

/// Reads a body that arrived at `now` by the bridge's clock, asked for with `cursor`.
///
/// A half answer is saved as far as it goes: its `next_seq` is the one after its last
/// event, so that the next question begins there.
///
/// # Errors
/// When it is not such an answer, or nothing of it can be saved.
pub fn parse_events(
    body: &[u8],
    cursor: Option<&Cursor>,
    now: Millis,
) -> Result<EventsAnswer, NotAnAnswer> {
    let reading = lenient::read(body).map_err(NotAnAnswer::NotJson)?;
    let answer = Value::Object(reading.members);
    let Some(stream) = fields::id(member(&answer, "stream")) else {
        return Err(match reading.is_cut {
            _ if is_status(&answer) => NotAnAnswer::Status,
            true => NotAnAnswer::Cut,
            false => NotAnAnswer::OtherJson,
        });
    };
    let given = member(&answer, "events").as_array().map_or(&[][..], Vec::as_slice);
    let readable = given.iter().filter_map(|event| fields::event(event, Shift::Unknown, now));
    let mut events: Vec<Event> = readable.filter(|event| event.seq.is_some()).collect();
    let unreadable = u32::try_from(given.len() - events.len()).unwrap_or(u32::MAX);
    events.sort_by_key(|event| event.seq);
    let before = events.len();
    events.dedup_by_key(|event| event.seq);
    let repeated = u32::try_from(before - events.len()).unwrap_or(u32::MAX);

    let after_last = last_seq(&events).map(|seq| seq + 1);
    let said = count(member(&answer, "next_seq"));
    let Some(next_seq) = said.max(after_last) else {
        return Err(if reading.is_cut { NotAnAnswer::Cut } else { NotAnAnswer::OtherJson });
    };
    let unread = reading.skipped.saturating_add(unreadable);
    let batch = EventBatch {
        revision: count(member(&answer, "revision")).unwrap_or(0),
        missed: missed(
            said_missed(&answer),
            cursor.filter(|cursor| cursor.stream == stream),
            Found { events: &events, next_seq, unread },
        ),
        unreadable: holes(&events, unread.into()),
        stream,
        next_seq,
        events,
    };
    Ok(EventsAnswer {
        batch,
        oldest_seq: count(member(&answer, "oldest_seq")),
        time: number(member(&answer, "time")),
        time_synced: member(&answer, "time_synced").as_bool(),
        skipped: unread.saturating_add(repeated),
        is_cut: reading.is_cut,
    })
}

fn last_seq(events: &[Event]) -> Option<u64> {
    events.last().and_then(|event| event.seq)
}

/// What an answer holds.
struct Found<'a> {
    events: &'a [Event],
    next_seq: u64,
    unread: u32,
}

/// `None`: it does not say. `Some(None)`: it says that the cursor is not of its stream.
fn said_missed(answer: &Value) -> Option<Option<u64>> {
    answer.get("missed").map(count)
}

/// What the router says was gone; where the answer ends before that, what the numbers say.
fn missed(said: Option<Option<u64>>, cursor: Option<&Cursor>, found: Found<'_>) -> Option<u64> {
    let after = cursor.map(|cursor| cursor.after);
    let first = found.events.first().and_then(|event| event.seq);
    let Some(first) = first else {
        // All that was sent is unreadable, and will be the next time: the reader goes on.
        let gone = after.map_or(0, |after| found.next_seq.saturating_sub(1).saturating_sub(after));
        return match said {
            Some(said) if found.unread == 0 => said,
            Some(said) => said.map(|said| said.max(gone)),
            None => after.map(|_| gone),
        };
    };
    match said {
        Some(said) => said,
        None => Some(first.saturating_sub(after?).saturating_sub(1)),
    }
}

/// The numbers that are not there, of as many events as could not be read: an agent may
/// leave out numbers as it likes.
fn holes(events: &[Event], mut unread: u64) -> Vec<RangeInclusive<u64>> {
    let numbers: Vec<u64> = events.iter().filter_map(|event| event.seq).collect();
    let mut holes = Vec::new();
    for (before, after) in numbers.iter().zip(numbers.iter().skip(1)) {
        let count = (after - before - 1).min(unread);
        if count > 0 {
            holes.push(after - count..=after - 1);
            unread -= count;
        }
    }
    holes
}

#[cfg(test)]
#[path = "events_answer_tests.rs"]
mod tests;
