//! SQL of a month's report: one router's outages, what was watched of a time, and means of
//! short times beside outages. Only reads.

use std::ops::Range;

use super::hours;
use super::reader::{Names, Select, Span};
use super::records::{OutageRecord, RouterId};
use super::sql::{Connection, Result, params};
use crate::history::hour::{HOUR, VOUCHED};
use crate::history::outage::Outage;
use crate::record::Millis;

/// Outages read at once: a bad month has as many.
const PAGE: i64 = 256;

/// What is stored of one router and a time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MonthRows {
    /// Those that touch the time, oldest first.
    pub outages: Vec<Outage>,
    /// Of those of which only a sum is left, and of those watched all the time.
    pub hours: Vec<WatchedHour>,
    /// Times between two polls that are near each other, apart, by time; only outside of the
    /// hours above. Times in which the router could not be reached are not taken out yet.
    pub vouched: Vec<Range<Millis>>,
    /// Times in which the router could not be reached, by time.
    pub gaps: Vec<Range<Millis>>,
}

/// An hour as it was added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchedHour {
    /// A whole hour of UTC.
    pub start: Millis,
    /// Milliseconds that anybody watched.
    pub observed: Millis,
}

/// Means over a short time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reading {
    /// Received light.
    pub light_dbm: Option<f64>,
    /// Of the answered pings to all targets.
    pub rtt_ms: Option<f64>,
    /// Of all pings to all targets, 0 to 100.
    pub loss_percent: Option<f64>,
}

/// What is stored of a time.
pub(super) fn select_month(
    connection: &Connection,
    router: RouterId,
    time: &Range<Millis>,
    now: Millis,
) -> Result<MonthRows> {
    let mut outages = select_outages(connection, router, time, now)?;
    outages.reverse();
    let kept = hours::rows_since(connection)?;
    let hours = select_hours(connection, router, time, kept)?;
    let end = time.end.min(now);
    let mut vouched = Vec::new();
    // An hour of which there are neither rows nor a sum was not watched.
    for span in between(&hours, time.start.max(kept)..end) {
        select_vouched(connection, router, &span, now, &mut vouched)?;
    }
    let gaps = connection.query(
        "SELECT start, until FROM gaps WHERE router = ?1 AND until > ?2 AND start < ?3
         ORDER BY start",
        params![router.0, time.start, time.end],
        |row| Ok(row.get(0)?..row.get(1)?),
    )?;
    Ok(MonthRows { outages, hours, vouched, gaps })
}

/// Newest first. Page by page, so that of years only as much is read as touches the time.
fn select_outages(
    connection: &Connection,
    router: RouterId,
    time: &Range<Millis>,
    now: Millis,
) -> Result<Vec<Outage>> {
    let (from, until) = (time.start, time.end);
    let (router, names) = (Some(router), &Names::new());
    let mut span = Span { router, names, from, until, before: None, limit: PAGE, offset: 0 };
    let mut outages = Vec::new();
    loop {
        let page = OutageRecord::select(connection, &span, &now)?;
        let is_last = (page.len() as i64) < PAGE;
        span.before = page.last().map(Select::key);
        outages.extend(page.into_iter().map(|record| record.outage));
        if is_last {
            return Ok(outages);
        }
    }
}

/// Hours whose rows are gone, and complete ones: of the others the rows tell when.
fn select_hours(
    connection: &Connection,
    router: RouterId,
    time: &Range<Millis>,
    kept: Millis,
) -> Result<Vec<WatchedHour>> {
    connection.query(
        "SELECT hour * ?4, observed FROM hours AS h WHERE router = ?1
         AND hour >= ?2 AND hour <= ?3 AND (hour * ?4 < ?5 OR observed = ?4 AND NOT EXISTS
         (SELECT 1 FROM hours_due AS d WHERE d.router = h.router AND d.hour = h.hour))
         ORDER BY hour",
        params![
            router.0,
            time.start.div_euclid(HOUR),
            time.end.saturating_sub(1).div_euclid(HOUR),
            HOUR,
            kept,
        ],
        |row| Ok(WatchedHour { start: row.get(0)?, observed: row.get(1)? }),
    )
}

/// The times of `within` that are in none of the hours.
fn between(hours: &[WatchedHour], within: Range<Millis>) -> Vec<Range<Millis>> {
    let mut times = Vec::new();
    let mut from = within.start;
    for hour in hours {
        times.push(from..hour.start.min(within.end));
        from = from.max(hour.start.saturating_add(HOUR));
    }
    times.push(from..within.end);
    times.retain(|time| !time.is_empty());
    times
}

/// The parts of a time that polls vouch for. The newest one vouches until `now`, as the next
/// one is about to.
fn select_vouched(
    connection: &Connection,
    router: RouterId,
    time: &Range<Millis>,
    now: Millis,
    vouched: &mut Vec<Range<Millis>>,
) -> Result<()> {
    let (from, until) =
        (time.start.saturating_sub(VOUCHED), time.end.saturating_add(VOUCHED).min(now));
    let mut runs: Vec<Range<Millis>> = Vec::new();
    let mut see = |at: Millis| match runs.last_mut() {
        Some(run) if at - run.end <= VOUCHED => run.end = at,
        _ => runs.push(at..at),
    };
    connection.each(
        "SELECT at FROM samples WHERE router = ?1 AND at >= ?2 AND at <= ?3 ORDER BY at",
        params![router.0, from, until],
        |row| row.get(0).map(&mut see),
    )?;
    if until == now {
        see(now);
    }
    let cut = |run: Range<Millis>| run.start.max(time.start)..run.end.min(time.end);
    vouched.extend(runs.into_iter().map(cut).filter(|run| !run.is_empty()));
    Ok(())
}

/// The means of times; `None`: the rows of that time are gone.
pub(super) fn select_readings(
    connection: &Connection,
    router: RouterId,
    times: &[Range<Millis>],
) -> Result<Vec<Option<Reading>>> {
    let kept = hours::rows_since(connection)?;
    let reading = |time: &Range<Millis>| match time {
        time if time.is_empty() => Ok(Some(Reading::default())),
        time if time.start < kept => Ok(None),
        time => select_reading(connection, router, time).map(Some),
    };
    times.iter().map(reading).collect()
}

fn select_reading(
    connection: &Connection,
    router: RouterId,
    time: &Range<Millis>,
) -> Result<Reading> {
    let mean =
        |sum: i64, count: i64, parts: f64| (count > 0).then(|| sum as f64 / count as f64 / parts);
    let light_dbm = connection.query_one(
        "SELECT CAST(coalesce(sum(optical_rx), 0) AS BIGINT), count(optical_rx) FROM samples
         WHERE router = ?1 AND at >= ?2 AND at < ?3",
        params![router.0, time.start, time.end],
        |row| Ok(mean(row.get(0)?, row.get(1)?, 100.0)),
    )?;
    connection.query_one(
        "SELECT CAST(coalesce(sum(p.rtt), 0) AS BIGINT), count(p.rtt),
                CAST(coalesce(sum(p.loss), 0) AS BIGINT), count(p.loss)
         FROM samples AS s CROSS JOIN pings AS p ON p.sample = s.id
         WHERE s.router = ?1 AND s.at >= ?2 AND s.at < ?3",
        params![router.0, time.start, time.end],
        |row| {
            let rtt_ms = mean(row.get(0)?, row.get(1)?, 1000.0);
            let loss_percent = mean(row.get(2)?, row.get(3)?, 10.0);
            Ok(Reading { light_dbm, rtt_ms, loss_percent })
        },
    )
}
