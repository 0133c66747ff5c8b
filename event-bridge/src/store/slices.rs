//! SQL of slices: totals of all routers in ten seconds each, kept up by what stores rows. Only
//! servers have them: there a question about all routers is one question, and what of its time
//! is no whole hour would be hundreds of thousands of rows. A file is asked router by router.

use std::collections::BTreeMap;
use std::ops::Range;

use super::sql::{Connection, Result, Row, params};
use crate::history::hour::Sum;
use crate::record::Millis;

/// Short: at both ends of a time the rows of a part of one are read.
pub(super) const SLICE: Millis = 10_000;

/// What a summary is made of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) samples: i64,
    pub(super) samples_up: i64,
    pub(super) loss: Sum,
    pub(super) cpu: Sum,
    pub(super) pppoe_events: i64,
    pub(super) wan_events: i64,
}

/// They in the order of [`Totals::add`]; so are those below.
const COLUMNS: &str = "samples, samples_up, loss_sum, loss_count, cpu_sum, cpu_count,
     pppoe_events, wan_events";

/// What is added up of rows.
pub(super) const OF_SAMPLES: &str = "count(*), count(CASE WHEN s.wan_state = 1 THEN 1 END), 0, 0,
     CAST(coalesce(sum(s.cpu_temp), 0) AS BIGINT), count(s.cpu_temp), 0, 0";
pub(super) const OF_PINGS: &str =
    "0, 0, CAST(coalesce(sum(p.loss), 0) AS BIGINT), count(p.loss), 0, 0, 0, 0";
pub(super) const OF_EVENTS: &str = "0, 0, 0, 0, 0, 0,
     count(CASE WHEN substr(e.kind, 1, 6) = 'pppoe_' THEN 1 END),
     count(CASE WHEN substr(e.kind, 1, 4) = 'wan_' THEN 1 END)";

/// What is added up of hours and slices.
pub(super) const OF_TOTALS: &str = "CAST(coalesce(sum(samples), 0) AS BIGINT),
     CAST(coalesce(sum(samples_up), 0) AS BIGINT),
     CAST(coalesce(sum(loss_sum), 0) AS BIGINT), CAST(coalesce(sum(loss_count), 0) AS BIGINT),
     CAST(coalesce(sum(cpu_sum), 0) AS BIGINT), CAST(coalesce(sum(cpu_count), 0) AS BIGINT),
     CAST(coalesce(sum(pppoe_events), 0) AS BIGINT), CAST(coalesce(sum(wan_events), 0) AS BIGINT)";

/// When a row is added to one that is there.
const TOGETHER: &str = "ON CONFLICT (slice) DO UPDATE SET
     samples = slices.samples + excluded.samples,
     samples_up = slices.samples_up + excluded.samples_up,
     loss_sum = slices.loss_sum + excluded.loss_sum,
     loss_count = slices.loss_count + excluded.loss_count,
     cpu_sum = slices.cpu_sum + excluded.cpu_sum,
     cpu_count = slices.cpu_count + excluded.cpu_count,
     pppoe_events = slices.pppoe_events + excluded.pppoe_events,
     wan_events = slices.wan_events + excluded.wan_events";

impl Totals {
    pub(super) fn add(&mut self, row: &Row<'_>) -> Result<()> {
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

/// What a transaction adds to them.
#[derive(Debug, Default)]
pub(super) struct Added(BTreeMap<i64, Totals>);

impl Added {
    /// A sample was stored, and of its pings those with these losses.
    pub(super) fn sample(&mut self, at: Millis, is_up: bool, cpu: Option<i64>, losses: &[i64]) {
        let totals = self.0.entry(at.div_euclid(SLICE)).or_default();
        totals.samples += 1;
        totals.samples_up += i64::from(is_up);
        totals.cpu.sum += cpu.unwrap_or(0);
        totals.cpu.count += i64::from(cpu.is_some());
        totals.loss.sum += losses.iter().sum::<i64>();
        totals.loss.count += losses.len() as i64;
    }

    /// So many events of a kind were stored, or taken from there.
    pub(super) fn events(&mut self, at: Millis, kind: &str, count: i64) {
        let (of_pppoe, of_wan) = (kind.starts_with("pppoe_"), kind.starts_with("wan_"));
        if of_pppoe || of_wan {
            let totals = self.0.entry(at.div_euclid(SLICE)).or_default();
            totals.pppoe_events += count * i64::from(of_pppoe);
            totals.wan_events += count * i64::from(of_wan);
        }
    }

    /// Notes them.
    pub(super) fn insert(self, connection: &Connection) -> Result<()> {
        if !connection.is_of_server() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO slices (slice, {COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) {TOGETHER}"
        );
        self.0.into_iter().try_for_each(|(slice, totals)| {
            let Totals { samples, samples_up, loss, cpu, pppoe_events, wan_events } = totals;
            let values = params![
                slice,
                samples,
                samples_up,
                loss.sum,
                loss.count,
                cpu.sum,
                cpu.count,
                pppoe_events,
                wan_events,
            ];
            connection.execute(&sql, values).map(|_| ())
        })
    }
}

/// The slices that are whole within a time.
pub(super) fn whole(time: &Range<Millis>) -> Range<i64> {
    let first = time.start.div_euclid(SLICE).saturating_add((time.start % SLICE != 0).into());
    first..time.end.div_euclid(SLICE).max(first)
}

/// Adds them up.
pub(super) fn select(
    connection: &Connection,
    slices: Range<i64>,
    totals: &mut Totals,
) -> Result<()> {
    let sql = format!("SELECT {OF_TOTALS} FROM slices WHERE slice >= ?1 AND slice < ?2");
    connection.query_one(&sql, params![slices.start, slices.end], |row| totals.add(row))
}

/// Of rows that are gone there are none.
pub(super) fn delete(connection: &Connection, before: Millis) -> Result<()> {
    if connection.is_of_server() {
        let sql = "DELETE FROM slices WHERE slice < ?1";
        connection.execute(sql, params![before.div_euclid(SLICE)])?;
    }
    Ok(())
}

/// Makes them of all rows that are there.
pub(super) fn rebuild(connection: &Connection) -> Result<()> {
    if !connection.is_of_server() {
        return Ok(());
    }
    connection.execute("DELETE FROM slices", &[])?;
    for (totals, at, rows) in [
        (OF_SAMPLES, "s.at", "samples AS s"),
        (OF_PINGS, "s.at", "samples AS s CROSS JOIN pings AS p ON p.sample = s.id"),
        (OF_EVENTS, "e.at", "events AS e"),
    ] {
        // Without a remainder: some engines round, others divide exactly. Before 1970 it is below
        // zero.
        let slice = format!("({at} - ({at} % {SLICE} + {SLICE}) % {SLICE}) / {SLICE}");
        let sql = format!(
            "INSERT INTO slices (slice, {COLUMNS})
             SELECT {slice}, {totals} FROM {rows} GROUP BY {slice} {TOGETHER}"
        );
        connection.execute(&sql, &[])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_that_are_whole() {
        assert_eq!(whole(&(0..20_000)), 0..2);
        assert_eq!(whole(&(1..20_001)), 1..2);
        assert_eq!(whole(&(1..19_999)), 1..1);
        assert_eq!(whole(&(1..5)), 1..1);
        assert_eq!(whole(&(-20_000..1)), -2..0);
        assert_eq!(whole(&(i64::MIN..i64::MAX)).end, i64::MAX / SLICE);
    }
}
