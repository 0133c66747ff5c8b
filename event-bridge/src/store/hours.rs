//! SQL of hours: which of them are due, adding them up, and reading sums.
//!
//! An hour is due from the first change of its rows until it is added up, in the transaction
//! of either; so a crash leaves no hour that is not what its rows say.

use std::collections::BTreeSet;
use std::ops::Range;

use super::records::{Query, RouterId, Summary};
use super::samples::{signed, unsigned, wan_state};
use super::sql::{Connection, Result, Row, params};
use super::{facts, outages, past};
use crate::history::hour::{HOUR, Hour, HourPings, Poll, PollPing, Rows, Sum, VOUCHED};
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

/// What a summary is made of.
#[derive(Debug, Default)]
struct Sums {
    samples: i64,
    samples_up: i64,
    loss: Sum,
    cpu: Sum,
    pppoe_events: i64,
    wan_events: i64,
}

impl Sums {
    fn add(&mut self, row: &Row<'_>) -> Result<()> {
        self.samples += row.get::<i64>(0)?;
        self.samples_up += row.get::<i64>(1)?;
        self.loss.sum += row.get::<i64>(2)?;
        self.loss.count += row.get::<i64>(3)?;
        self.cpu.sum += row.get::<i64>(4)?;
        self.cpu.count += row.get::<i64>(5)?;
        self.pppoe_events += row.get::<i64>(6)?;
        self.wan_events += row.get::<i64>(7)?;
        Ok(())
    }
}

/// How many samples there are in all, whatever limit and offset say.
pub(super) fn count_samples(connection: &Connection, query: &Query) -> Result<u64> {
    // Those that are gone can be asked for no more.
    let from = query.from.max(rows_since(connection)?);
    let query = &Query { from, until: query.until.max(from), ..query.clone() };
    let hours = whole_hours(query);
    let mut sums = Sums::default();
    for routers in askings(connection, query)? {
        routers.add_hours(connection, hours.clone(), &mut sums)?;
        for rows in routers.times_of_rows(connection, query, hours.clone())? {
            sums.samples += routers.count(connection, &rows)?;
        }
        routers.add_due(connection, hours.clone(), &mut sums)?;
    }
    Ok(unsigned(sums.samples))
}

/// Totals and means of a time: whole hours as they were added up, and the rest from rows.
pub(super) fn summarise(connection: &Connection, query: &Query) -> Result<Summary> {
    let hours = whole_hours(query);
    let mut sums = Sums::default();
    for routers in askings(connection, query)? {
        routers.add_hours(connection, hours.clone(), &mut sums)?;
        for rows in routers.times_of_rows(connection, query, hours.clone())? {
            routers.add_samples(connection, &rows, &mut sums)?;
            routers.add_others(connection, &rows, &mut sums)?;
        }
        routers.add_due(connection, hours.clone(), &mut sums)?;
    }
    let mean = |sum: Sum| (sum.count > 0).then(|| sum.sum as f64 / sum.count as f64 / 10.0);
    Ok(Summary {
        samples: unsigned(sums.samples),
        samples_up: unsigned(sums.samples_up),
        mean_loss_percent: mean(sums.loss),
        mean_cpu_celsius: mean(sums.cpu),
        pppoe_events: unsigned(sums.pppoe_events),
        wan_events: unsigned(sums.wan_events),
    })
}

fn whole_hours(query: &Query) -> Range<i64> {
    let first = query.from.div_euclid(HOUR).saturating_add(i64::from(query.from % HOUR != 0));
    first..query.until.div_euclid(HOUR).max(first)
}

/// Whose rows are added up by one statement.
#[derive(Debug, Clone, Copy)]
enum Routers {
    One(RouterId),
    /// Of a server, which has indexes by time.
    All,
}

/// All of them: servers are asked once, of a file each router by its own index.
fn askings(connection: &Connection, query: &Query) -> Result<Vec<Routers>> {
    if query.router.is_none() && connection.is_of_server() {
        return Ok(vec![Routers::All]);
    }
    connection.query(
        "SELECT id FROM routers WHERE ?1 IS NULL OR id = ?1",
        params![query.router.map(|router| router.0)],
        |row| row.get(0).map(|id| Routers::One(RouterId(id))),
    )
}

impl Routers {
    fn id(self) -> Option<i64> {
        match self {
            Self::One(router) => Some(router.0),
            Self::All => None,
        }
    }

    /// A condition, or one that always holds.
    fn only(self, one: &str) -> &str {
        match self {
            Self::One(_) => one,
            Self::All => "?1 IS NULL",
        }
    }

    /// Hours of which no rows are read.
    fn add_hours(self, connection: &Connection, hours: Range<i64>, sums: &mut Sums) -> Result<()> {
        let of_hours = self.only("h.router = ?1");
        let sql = format!(
            "SELECT CAST(coalesce(sum(samples), 0) AS BIGINT),
                    CAST(coalesce(sum(samples_up), 0) AS BIGINT),
                    CAST(coalesce(sum(loss_sum), 0) AS BIGINT),
                    CAST(coalesce(sum(loss_count), 0) AS BIGINT),
                    CAST(coalesce(sum(cpu_sum), 0) AS BIGINT),
                    CAST(coalesce(sum(cpu_count), 0) AS BIGINT),
                    CAST(coalesce(sum(pppoe_events), 0) AS BIGINT),
                    CAST(coalesce(sum(wan_events), 0) AS BIGINT)
             FROM hours AS h WHERE {of_hours} AND hour >= ?2 AND hour < ?3 AND NOT EXISTS
             (SELECT 1 FROM hours_due AS d WHERE d.router = h.router AND d.hour = h.hour)"
        );
        connection.query_one(&sql, params![self.id(), hours.start, hours.end], |row| sums.add(row))
    }

    /// The times of a query that are in no hour that can be used; neighbours are put together.
    fn times_of_rows(
        self,
        connection: &Connection,
        query: &Query,
        hours: Range<i64>,
    ) -> Result<Vec<Range<Millis>>> {
        // Of several routers others are due at each hour: `add_due`.
        let due: Vec<i64> = match self {
            Self::All => Vec::new(),
            Self::One(router) => connection.query(
                "SELECT hour FROM hours_due WHERE router = ?1 AND hour >= ?2 AND hour < ?3
                 ORDER BY hour",
                params![router.0, hours.start, hours.end],
                |row| row.get(0),
            )?,
        };
        let start = |hour: i64| hour.saturating_mul(HOUR);
        let due = due.into_iter().map(|hour| start(hour)..start(hour).saturating_add(HOUR));
        let before = query.from..start(hours.start).min(query.until);
        let after = start(hours.end).max(query.from)..query.until;
        let mut times: Vec<Range<Millis>> = Vec::new();
        let all = std::iter::once(before).chain(due).chain([after]);
        for time in all.filter(|time| !time.is_empty()) {
            match times.last_mut() {
                Some(last) if last.end >= time.start => last.end = last.end.max(time.end),
                _ => times.push(time),
            }
        }
        Ok(times)
    }

    /// The rows of hours that are due, each of the routers for which it is: of one router these
    /// times are among those of `times_of_rows`.
    fn add_due(self, connection: &Connection, hours: Range<i64>, sums: &mut Sums) -> Result<()> {
        const DUE: [&str; 3] = [
            "SELECT count(*), count(CASE WHEN s.wan_state = 1 THEN 1 END), 0, 0,
             CAST(coalesce(sum(s.cpu_temp), 0) AS BIGINT), count(s.cpu_temp), 0, 0
             FROM hours_due AS d CROSS JOIN samples AS s
             ON s.router = d.router AND s.at >= d.hour * ?3 AND s.at < (d.hour + 1) * ?3
             WHERE d.hour >= ?1 AND d.hour < ?2",
            "SELECT 0, 0, CAST(coalesce(sum(p.loss), 0) AS BIGINT), count(p.loss), 0, 0, 0, 0
             FROM hours_due AS d CROSS JOIN samples AS s
             ON s.router = d.router AND s.at >= d.hour * ?3 AND s.at < (d.hour + 1) * ?3
             CROSS JOIN pings AS p ON p.sample = s.id
             WHERE d.hour >= ?1 AND d.hour < ?2",
            "SELECT 0, 0, 0, 0, 0, 0, count(CASE WHEN substr(e.kind, 1, 6) = 'pppoe_' THEN 1 END),
             count(CASE WHEN substr(e.kind, 1, 4) = 'wan_' THEN 1 END)
             FROM hours_due AS d CROSS JOIN events AS e
             ON e.router = d.router AND e.at >= d.hour * ?3 AND e.at < (d.hour + 1) * ?3
             WHERE d.hour >= ?1 AND d.hour < ?2",
        ];
        let values = params![hours.start, hours.end, HOUR];
        match self {
            Self::One(_) => Ok(()),
            Self::All => DUE
                .iter()
                .try_for_each(|sql| connection.query_one(sql, values, |row| sums.add(row))),
        }
    }

    /// By an index alone.
    fn count(self, connection: &Connection, time: &Range<Millis>) -> Result<i64> {
        let of_samples = self.only("router = ?1");
        let sql =
            format!("SELECT count(*) FROM samples WHERE {of_samples} AND at >= ?2 AND at < ?3");
        connection.query_one(&sql, params![self.id(), time.start, time.end], |row| row.get(0))
    }

    fn add_samples(
        self,
        connection: &Connection,
        time: &Range<Millis>,
        sums: &mut Sums,
    ) -> Result<()> {
        let sql = format!(
            "SELECT count(*), count(CASE WHEN wan_state = 1 THEN 1 END), 0, 0,
             CAST(coalesce(sum(cpu_temp), 0) AS BIGINT), count(cpu_temp), 0, 0 FROM samples
             WHERE {} AND at >= ?2 AND at < ?3",
            self.only("router = ?1")
        );
        connection.query_one(&sql, params![self.id(), time.start, time.end], |row| sums.add(row))
    }

    /// What there is beside samples.
    fn add_others(
        self,
        connection: &Connection,
        time: &Range<Millis>,
        sums: &mut Sums,
    ) -> Result<()> {
        let pings = format!(
            "SELECT 0, 0, CAST(coalesce(sum(p.loss), 0) AS BIGINT), count(p.loss), 0, 0, 0, 0
             FROM samples AS s CROSS JOIN pings AS p ON p.sample = s.id
             WHERE {} AND s.at >= ?2 AND s.at < ?3",
            self.only("s.router = ?1")
        );
        let events = format!(
            "SELECT 0, 0, 0, 0, 0, 0, count(CASE WHEN substr(kind, 1, 6) = 'pppoe_' THEN 1 END),
             count(CASE WHEN substr(kind, 1, 4) = 'wan_' THEN 1 END)
             FROM events WHERE {} AND at >= ?2 AND at < ?3",
            self.only("router = ?1")
        );
        let values = params![self.id(), time.start, time.end];
        connection.query_one(&pings, values, |row| sums.add(row))?;
        connection.query_one(&events, values, |row| sums.add(row))
    }
}
