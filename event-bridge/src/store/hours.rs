//! SQL of hours: which of them are due, and adding them up. They are read in `hourly` and `sums`.
//!
//! An hour is due from the first change of its rows until it is added up, in the transaction
//! of either; so a crash leaves no hour that is not what its rows say.

use std::collections::BTreeSet;
use std::ops::Range;

use super::records::RouterId;
use super::samples::{signed, wan_state};
use super::sql::{Connection, Result, params};
use super::{facts, outages, past};
use crate::history::hour::{HOUR, Hour, HourPings, Poll, PollPing, Rows, VOUCHED};
use crate::record::Millis;

/// Hours that one outage may touch: older ones have no rows to be added up from.
const MOST: i64 = 24 * 32;

/// Hours of a router that a transaction changes; noted once, however often they are changed.
#[derive(Debug, Default)]
pub(super) struct Due(BTreeSet<i64>);

impl Due {
    /// What is stored of this time has changed.
    pub(super) fn mark(&mut self, at: Millis) {
        self.0.insert(at.div_euclid(HOUR));
    }

    /// What is stored of all the time from one to the other has changed.
    pub(super) fn mark_all(&mut self, from: Millis, until: Millis) {
        let last = until.div_euclid(HOUR);
        let first = from.div_euclid(HOUR).max(last.saturating_sub(MOST));
        self.0.extend(first..=last);
    }

    /// A sample is told apart from the one before, and the one after it from this one.
    pub(super) fn mark_sample(
        &mut self,
        connection: &Connection,
        router: RouterId,
        at: Millis,
        near: Neighbours,
    ) -> Result<()> {
        self.mark(at);
        let is_open = connection
            .exists("SELECT 1 FROM drops WHERE router = ?1 AND until IS NULL", params![router.0])?;
        if is_open {
            // How long the drop lasts so far depends on when the router was heard.
            self.mark_all(near.before.unwrap_or(at), at);
        }
        let is_near = |other: &Millis| at.abs_diff(*other) <= VOUCHED.unsigned_abs();
        let neighbours = [near.before, near.next].into_iter().flatten();
        neighbours.filter(is_near).for_each(|at| self.mark(at));
        Ok(())
    }

    /// Notes them.
    pub(super) fn insert(self, connection: &Connection, router: RouterId) -> Result<()> {
        let sql = "INSERT INTO hours_due (router, hour) VALUES (?1, ?2)
                   ON CONFLICT (hour, router) DO NOTHING";
        let note = |hour| connection.execute(sql, params![router.0, hour]).map(|_| ());
        self.0.into_iter().try_for_each(note)
    }
}

/// Samples beside a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbours {
    /// The last one before it.
    pub(super) before: Option<Millis>,
    /// The first one after it, or of this very moment.
    pub(super) next: Option<Millis>,
}

impl Neighbours {
    pub(super) fn select(connection: &Connection, router: RouterId, at: Millis) -> Result<Self> {
        connection.query_one(
            "SELECT (SELECT max(at) FROM samples WHERE router = ?1 AND at < ?2),
             (SELECT min(at) FROM samples WHERE router = ?1 AND at >= ?2)",
            params![router.0, at],
            |row| Ok(Self { before: row.get(0)?, next: row.get(1)? }),
        )
    }
}

/// Adds up at most `limit` hours that are complete `now`, oldest first, and gives how many
/// there were. An hour of which rows have been deleted stays as it is.
pub(super) fn roll_up(connection: &Connection, now: Millis, limit: u64) -> Result<u64> {
    let complete = now.div_euclid(HOUR);
    let due: Vec<(RouterId, i64)> = connection.query(
        "SELECT router, hour FROM hours_due WHERE hour < ?1 ORDER BY hour, router LIMIT ?2",
        params![complete, signed(limit)],
        |row| Ok((RouterId(row.get(0)?), row.get(1)?)),
    )?;
    let kept = rows_since(connection)?;
    for (router, hour) in &due {
        // What comes for a time long past is all that there is of it.
        if hour.saturating_mul(HOUR) >= kept || !past::has_hour(connection, *router, *hour)? {
            add_up(connection, *router, *hour, now)?;
        }
        connection.execute(
            "DELETE FROM hours_due WHERE router = ?1 AND hour = ?2",
            params![router.0, *hour],
        )?;
    }
    Ok(due.len() as u64)
}

/// From here on no row has been deleted.
pub(super) fn rows_since(connection: &Connection) -> Result<Millis> {
    Ok(facts::select(connection, facts::ROWS_SINCE)?.unwrap_or(Millis::MIN))
}

fn add_up(connection: &Connection, router: RouterId, hour: i64, now: Millis) -> Result<()> {
    let start = hour.saturating_mul(HOUR);
    let time = start..start.saturating_add(HOUR);
    let (polls, events) =
        (select_polls(connection, router, &time)?, select_kinds(connection, router, &time)?);
    if !past::gives_way(connection, router, hour, polls.iter().any(|poll| time.contains(&poll.at)))?
    {
        return Ok(());
    }
    let gaps = select_gaps(connection, router, &time)?;
    let touching = (time.start.saturating_sub(VOUCHED), time.end.saturating_add(VOUCHED));
    let mut outages = outages::select_touching(connection, router, touching, now)?;
    outages.reverse();
    let rows = Rows { polls: &polls, events: &events, gaps: &gaps, outages: &outages };
    let sums = Hour::of(start, rows);
    connection
        .execute("DELETE FROM hours WHERE router = ?1 AND hour = ?2", params![router.0, hour])?;
    // Of hours in which nothing was there is no row; targets are never taken away.
    if sums == Hour::default() { Ok(()) } else { insert_hour(connection, router, hour, &sums) }
}

/// The polls of a time, the last one before and the first one after it.
fn select_polls(
    connection: &Connection,
    router: RouterId,
    time: &Range<Millis>,
) -> Result<Vec<Poll>> {
    let mut polls: Vec<Poll> = connection.query(
        "SELECT at, wan_state, rx_errors, tx_errors, rx_dropped, tx_dropped, optical_rx,
         optical_tx, cpu_temp FROM samples WHERE router = ?1
         AND at >= coalesce((SELECT max(at) FROM samples WHERE router = ?1 AND at < ?2), ?2)
         AND at <= coalesce((SELECT min(at) FROM samples WHERE router = ?1 AND at >= ?3), ?3)
         ORDER BY at",
        params![router.0, time.start, time.end],
        |row| {
            Ok(Poll {
                at: row.get(0)?,
                wan_state: wan_state(row.get(1)?),
                errors: [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?],
                optical_rx: row.get(6)?,
                optical_tx: row.get(7)?,
                cpu: row.get(8)?,
                pings: Vec::new(),
            })
        },
    )?;
    let (Some(first), Some(last)) = (polls.first(), polls.last()) else { return Ok(polls) };
    let pings = connection.query(
        "SELECT s.at, p.target, p.rtt, p.loss, p.sent, p.lost
         FROM samples AS s CROSS JOIN pings AS p ON p.sample = s.id
         WHERE s.router = ?1 AND s.at >= ?2 AND s.at <= ?3 ORDER BY s.at, p.target",
        params![router.0, first.at, last.at],
        |row| {
            let (rtt, loss, sent, lost) = (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
            Ok((row.get::<Millis>(0)?, row.get(1)?, PollPing { rtt, loss, sent, lost }))
        },
    )?;
    let mut pings = pings.into_iter().peekable();
    for poll in &mut polls {
        while let Some((_, target, ping)) = pings.next_if(|(at, ..)| *at == poll.at) {
            poll.pings.push((target, ping));
        }
    }
    Ok(polls)
}

fn select_kinds(
    connection: &Connection,
    router: RouterId,
    time: &Range<Millis>,
) -> Result<Vec<String>> {
    connection.query(
        "SELECT kind FROM events WHERE router = ?1 AND at >= ?2 AND at < ?3",
        params![router.0, time.start, time.end],
        |row| row.get(0),
    )
}

fn select_gaps(
    connection: &Connection,
    router: RouterId,
    time: &Range<Millis>,
) -> Result<Vec<Range<Millis>>> {
    connection.query(
        "SELECT start, until FROM gaps WHERE router = ?1 AND until > ?2 AND start < ?3
         ORDER BY start",
        params![router.0, time.start, time.end],
        |row| Ok(row.get(0)?..row.get(1)?),
    )
}

pub(super) fn insert_hour(
    connection: &Connection,
    router: RouterId,
    number: i64,
    hour: &Hour,
) -> Result<()> {
    connection.execute(
        "INSERT INTO hours (router, hour, samples, samples_up, observed, outage,
         loss_sum, loss_count, cpu_sum, cpu_count, cpu_max, optical_rx_sum, optical_rx_count,
         optical_rx_min, optical_tx_sum, optical_tx_count, rx_errors, tx_errors, rx_dropped,
         tx_dropped, pppoe_events, wan_events, pppoe_ups, wan_downs)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
         ?18, ?19, ?20, ?21, ?22, ?23, ?24)",
        params![
            router.0,
            number,
            hour.samples,
            hour.samples_up,
            hour.observed,
            hour.outage,
            hour.loss.sum,
            hour.loss.count,
            hour.cpu.sum,
            hour.cpu.count,
            hour.cpu.max,
            hour.optical_rx.sum,
            hour.optical_rx.count,
            hour.optical_rx.min,
            hour.optical_tx.sum,
            hour.optical_tx.count,
            hour.errors[0],
            hour.errors[1],
            hour.errors[2],
            hour.errors[3],
            hour.pppoe_events,
            hour.wan_events,
            hour.pppoe_ups,
            hour.wan_downs,
        ],
    )?;
    for (target, pings) in &hour.targets {
        insert_pings(connection, *target, number, pings)?;
    }
    Ok(())
}

fn insert_pings(
    connection: &Connection,
    target: i64,
    number: i64,
    pings: &HourPings,
) -> Result<()> {
    connection.execute(
        "DELETE FROM hour_pings WHERE target = ?1 AND hour = ?2",
        params![target, number],
    )?;
    connection.execute(
        "INSERT INTO hour_pings (target, hour, rtt_sum, rtt_count, rtt_min, rtt_max,
         rtt_p95, loss_sum, loss_count, sent, lost)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            target,
            number,
            pings.rtt.sum,
            pings.rtt.count,
            pings.rtt.min,
            pings.rtt.max,
            pings.rtt_p95,
            pings.loss.sum,
            pings.loss.count,
            pings.sent,
            pings.lost,
        ],
    )?;
    Ok(())
}
