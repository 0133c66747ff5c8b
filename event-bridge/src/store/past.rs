//! SQL of what another program recorded before us: stored once, however often it is handed
//! over, and in batches that delay no poll of a bridge that runs meanwhile.

use super::error::StoreError;
use super::hours::Due;
use super::records::RouterId;
use super::samples::{scaled, target_id, whole};
use super::slices::Added;
use super::sql::{Connection, Result, params};
use super::{Store, concluded, events, samples};
use crate::history::hour::HOUR;
use crate::record::{Millis, Past, PastEvent, PastHour};

/// Under this name are the pings of hours that were not kept by target. No target has it.
pub const ALL_TARGETS: &str = "*";

/// An hour that was added up elsewhere weighs as much as one of one-minute polls.
const WEIGHT: i64 = 60;

/// Other programs keep times of events to the second.
const SECOND: Millis = 1000;

/// How much was not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NewRows {
    /// Polls.
    pub samples: u64,
    /// Of these polls.
    pub pings: u64,
    /// Of these polls, but of more targets than a router can have.
    pub pings_left_out: u64,
    /// Events.
    pub events: u64,
}

impl Store {
    /// Stores what is not there yet: a sample is known by its millisecond, an event by its
    /// kind, text and word for the time, also if the bridge has polled it with a number.
    ///
    /// # Errors
    /// Nothing is stored then.
    pub async fn put_past(
        &self,
        router: RouterId,
        past: Past,
    ) -> std::result::Result<NewRows, StoreError> {
        self.write(move |connection| insert(connection, router, &past), |_, _| {}).await
    }

    /// Stores hours of which no polls are there and none was stored before, and gives how many.
    /// The hours of all that is there must have been added up.
    ///
    /// # Errors
    /// Nothing is stored then.
    pub async fn put_past_hours(
        &self,
        router: RouterId,
        hours: Vec<PastHour>,
    ) -> std::result::Result<u64, StoreError> {
        let work = move |connection: &Connection| {
            let mut stored = 0;
            for hour in &hours {
                stored += insert_hour(connection, router, hour)?;
            }
            Ok(stored)
        };
        self.write(work, |_, _| {}).await
    }
}

fn insert(connection: &Connection, router: RouterId, past: &Past) -> Result<NewRows> {
    let mut new = NewRows::default();
    let (mut times, mut due, mut added) = (Vec::new(), Due::default(), Added::default());
    for sample in &past.samples {
        let notes = (&mut due, &mut added);
        if let Some(pings) = samples::insert_poll(connection, router, sample, None, notes)? {
            new.samples += 1;
            new.pings += pings;
            new.pings_left_out += (sample.pings.len() as u64).saturating_sub(pings);
            times.push(sample.at);
        }
    }
    for PastEvent { event, received } in &past.events {
        let words = events::words_for_time(event);
        let near = (event.at.saturating_sub(SECOND), event.at.saturating_add(2 * SECOND));
        // Both by the index of times and words, not by that of numbers.
        let is_known: bool = connection.query_one(
            "SELECT EXISTS (SELECT 1 FROM events WHERE router = ?1 AND told = ?2
              AND stream IS NULL AND kind = ?3 AND message = ?4)
             OR EXISTS (SELECT 1 FROM events WHERE router = ?1 AND at >= ?5 AND at < ?6
              AND +stream IS NOT NULL AND kind = ?3 AND message = ?4)",
            params![router.0, &words, &event.kind, &event.message, near.0, near.1],
            |row| row.get(0),
        )?;
        if !is_known {
            events::insert_told(connection, router, event, *received)?;
            added.events(event.at, &event.kind, 1);
            due.mark(event.at);
            new.events += 1;
            times.push(event.at);
        }
    }
    if let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) {
        concluded::conclude_past(connection, router, *first..*last, &mut due)?;
    }
    added.insert(connection)?;
    due.insert(connection, router)?;
    Ok(new)
}

/// Gives how many were stored.
fn insert_hour(connection: &Connection, router: RouterId, hour: &PastHour) -> Result<u64> {
    let number = hour.start.div_euclid(HOUR);
    let has_polls = connection.exists(
        "SELECT 1 FROM samples WHERE router = ?1 AND at >= ?2 AND at < ?3",
        params![router.0, hour.start, hour.start.saturating_add(HOUR)],
    )?;
    let had_polls = connection.exists(
        "SELECT 1 FROM hours WHERE router = ?1 AND hour = ?2 AND samples > 0",
        params![router.0, number],
    )?;
    if has_polls || had_polls || is_past(connection, router, number)? {
        return Ok(0);
    }
    let Some(target) = target_id(connection, router, ALL_TARGETS)? else { return Ok(0) };
    let weighted = |mean: Option<i64>| (mean.unwrap_or(0) * WEIGHT, mean.map_or(0, |_| WEIGHT));
    let (cpu_sum, cpu_count) = weighted(scaled(hour.cpu_mean_celsius, 10.0));
    let (rtt_sum, rtt_count) = weighted(scaled(hour.rtt_mean_ms, 1000.0));
    // Its events may be there and be counted; nobody knows how long it was watched.
    let counted = connection.query_optional(
        "SELECT pppoe_events, wan_events, pppoe_ups, wan_downs FROM hours
         WHERE router = ?1 AND hour = ?2",
        params![router.0, number],
        |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]),
    )?;
    let counted: [i64; 4] = counted.unwrap_or_default();
    let ups = whole(hour.pppoe_reconnects).unwrap_or(0);
    let downs = whole(hour.wan_downs).unwrap_or(0);
    connection.execute(
        "INSERT INTO hours (router, hour, samples, samples_up, observed, outage, loss_sum,
         loss_count, cpu_sum, cpu_count, cpu_max, optical_rx_sum, optical_rx_count,
         optical_tx_sum, optical_tx_count, pppoe_events, wan_events, pppoe_ups, wan_downs)
         VALUES (?1, ?2, 0, 0, 0, 0, 0, 0, ?3, ?4, ?5, 0, 0, 0, 0, ?6, ?7, ?8, ?9)
         ON CONFLICT (router, hour) DO UPDATE SET cpu_sum = excluded.cpu_sum,
         cpu_count = excluded.cpu_count, cpu_max = excluded.cpu_max,
         pppoe_events = excluded.pppoe_events, wan_events = excluded.wan_events,
         pppoe_ups = excluded.pppoe_ups, wan_downs = excluded.wan_downs",
        params![
            router.0,
            number,
            cpu_sum,
            cpu_count,
            scaled(hour.cpu_max_celsius, 10.0),
            ups.max(counted[0]),
            downs.max(counted[1]),
            ups.max(counted[2]),
            downs.max(counted[3]),
        ],
    )?;
    connection.execute(
        "INSERT INTO hour_pings (target, hour, rtt_sum, rtt_count, rtt_min, rtt_max,
         loss_sum, loss_count, lost) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, ?7)",
        params![
            target,
            number,
            rtt_sum,
            rtt_count,
            scaled(hour.rtt_min_ms, 1000.0),
            scaled(hour.rtt_max_ms, 1000.0),
            whole(hour.lost),
        ],
    )?;
    Ok(1)
}

/// Has it been added up, here or elsewhere?
pub(super) fn has_hour(connection: &Connection, router: RouterId, hour: i64) -> Result<bool> {
    connection
        .exists("SELECT 1 FROM hours WHERE router = ?1 AND hour = ?2", params![router.0, hour])
}

/// Was this hour added up elsewhere?
fn is_past(connection: &Connection, router: RouterId, hour: i64) -> Result<bool> {
    connection.exists(
        "SELECT 1 FROM hour_pings WHERE hour = ?3
         AND target = (SELECT id FROM targets WHERE router = ?1 AND name = ?2)",
        params![router.0, ALL_TARGETS, hour],
    )
}

/// An hour that was added up elsewhere gives way to its polls, if they come after all, and to
/// nothing else.
pub(super) fn gives_way(
    connection: &Connection,
    router: RouterId,
    hour: i64,
    has_polls: bool,
) -> Result<bool> {
    if has_polls && is_past(connection, router, hour)? {
        connection.execute(
            "DELETE FROM hour_pings WHERE hour = ?3
             AND target = (SELECT id FROM targets WHERE router = ?1 AND name = ?2)",
            params![router.0, ALL_TARGETS, hour],
        )?;
    }
    Ok(has_polls || !is_past(connection, router, hour)?)
}
