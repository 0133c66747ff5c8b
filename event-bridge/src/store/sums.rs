//! SQL of totals: whole hours as they were added up, and the rest from rows; of all routers of a
//! server the rest from slices, as far as they are whole.

use std::ops::Range;

use super::hours::rows_since;
use super::records::{Query, RouterId, Summary};
use super::samples::unsigned;
use super::slices::{self, OF_EVENTS, OF_PINGS, OF_SAMPLES, OF_TOTALS, SLICE, Totals};
use super::sql::{Connection, Result, params};
use crate::history::hour::{HOUR, Sum};
use crate::record::Millis;

/// How many samples there are in all, whatever limit and offset say.
pub(super) fn count_samples(connection: &Connection, query: &Query) -> Result<u64> {
    // Those that are gone can be asked for no more.
    let from = query.from.max(rows_since(connection)?);
    let query = &Query { from, until: query.until.max(from), ..query.clone() };
    let hours = whole_hours(query);
    let mut sums = Totals::default();
    for routers in askings(connection, query)? {
        routers.add_hours(connection, hours.clone(), &mut sums)?;
        for time in routers.times_of_rows(connection, query, hours.clone())? {
            for rows in routers.add_slices(connection, time, from, &mut sums)? {
                sums.samples += routers.count(connection, &rows)?;
            }
        }
        routers.add_due(connection, hours.clone(), &mut sums)?;
    }
    Ok(unsigned(sums.samples))
}

/// Totals and means of a time: whole hours as they were added up, and the rest from rows.
pub(super) fn summarise(connection: &Connection, query: &Query) -> Result<Summary> {
    let (hours, kept) = (whole_hours(query), rows_since(connection)?);
    let mut sums = Totals::default();
    for routers in askings(connection, query)? {
        routers.add_hours(connection, hours.clone(), &mut sums)?;
        for time in routers.times_of_rows(connection, query, hours.clone())? {
            for rows in routers.add_slices(connection, time, kept, &mut sums)? {
                routers.add_samples(connection, &rows, &mut sums)?;
                routers.add_others(connection, &rows, &mut sums)?;
            }
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
    fn add_hours(
        self,
        connection: &Connection,
        hours: Range<i64>,
        sums: &mut Totals,
    ) -> Result<()> {
        let of_hours = self.only("h.router = ?1");
        let sql = format!(
            "SELECT {OF_TOTALS}
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

    /// Of all routers slices; gives the times that are in none of those that can be used. Rows from
    /// before `kept` may be gone, and those that are left are in no slice.
    fn add_slices(
        self,
        connection: &Connection,
        time: Range<Millis>,
        kept: Millis,
        sums: &mut Totals,
    ) -> Result<Vec<Range<Millis>>> {
        let slices = slices::whole(&(time.start.max(kept)..time.end));
        if matches!(self, Self::One(_)) || slices.is_empty() {
            return Ok(vec![time]);
        }
        slices::select(connection, slices.clone(), sums)?;
        let beside = [time.start..slices.start * SLICE, slices.end * SLICE..time.end];
        Ok(beside.into_iter().filter(|time| !time.is_empty()).collect())
    }

    /// The rows of hours that are due, each of the routers for which it is: of one router these
    /// times are among those of `times_of_rows`.
    fn add_due(self, connection: &Connection, hours: Range<i64>, sums: &mut Totals) -> Result<()> {
        let Self::All = self else { return Ok(()) };
        let of_hour = |rows: &str, table: &str| {
            format!(
                "FROM hours_due AS d CROSS JOIN {rows} AS {table} ON {table}.router = d.router
                 AND {table}.at >= d.hour * ?3 AND {table}.at < (d.hour + 1) * ?3"
            )
        };
        let within = "WHERE d.hour >= ?1 AND d.hour < ?2";
        let (samples, events) = (of_hour("samples", "s"), of_hour("events", "e"));
        let pings = format!("{samples} CROSS JOIN pings AS p ON p.sample = s.id");
        for (sums_of, rows) in [(OF_SAMPLES, samples), (OF_PINGS, pings), (OF_EVENTS, events)] {
            let sql = format!("SELECT {sums_of} {rows} {within}");
            let values = params![hours.start, hours.end, HOUR];
            connection.query_one(&sql, values, |row| sums.add(row))?;
        }
        Ok(())
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
        sums: &mut Totals,
    ) -> Result<()> {
        let of_samples = self.only("s.router = ?1");
        let rows = format!("samples AS s WHERE {of_samples} AND s.at >= ?2 AND s.at < ?3");
        self.add_rows(connection, OF_SAMPLES, &rows, time, sums)
    }

    /// What there is beside samples.
    fn add_others(
        self,
        connection: &Connection,
        time: &Range<Millis>,
        sums: &mut Totals,
    ) -> Result<()> {
        let (of_samples, of_events) = (self.only("s.router = ?1"), self.only("e.router = ?1"));
        let pings = format!(
            "samples AS s CROSS JOIN pings AS p ON p.sample = s.id
             WHERE {of_samples} AND s.at >= ?2 AND s.at < ?3"
        );
        let events = format!("events AS e WHERE {of_events} AND e.at >= ?2 AND e.at < ?3");
        self.add_rows(connection, OF_PINGS, &pings, time, sums)?;
        self.add_rows(connection, OF_EVENTS, &events, time, sums)
    }

    fn add_rows(
        self,
        connection: &Connection,
        sums_of: &str,
        rows: &str,
        time: &Range<Millis>,
        sums: &mut Totals,
    ) -> Result<()> {
        let sql = format!("SELECT {sums_of} FROM {rows}");
        connection.query_one(&sql, params![self.id(), time.start, time.end], |row| sums.add(row))
    }
}
