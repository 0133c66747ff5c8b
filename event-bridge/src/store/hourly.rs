//! SQL that reads hours, with the hours of their targets. They are added up in `hours`.

use std::collections::BTreeMap;

use super::reader::{Select, Span};
use super::records::{HourPingRecord, HourRecord, Key};
use super::samples::unsigned;
use super::sql::{Connection, Result, Row, params};
use crate::history::hour::HOUR;

/// The id of an hour is its router's id times this, plus its number; so is the view.
const HOURS: i64 = 1 << 24;

impl Select for HourRecord {
    /// The target.
    type Filter = Option<String>;

    fn select(
        connection: &Connection,
        span: &Span<'_>,
        target: &Self::Filter,
    ) -> Result<Vec<Self>> {
        let key = span.before.unwrap_or(Key { at: span.until, id: 0 });
        let mut hours: Vec<(i64, Self)> = connection.query(
            "SELECT hour, samples, samples_up, observed, outage, cpu_sum, cpu_count, cpu_max,
             optical_rx_sum, optical_rx_count, optical_rx_min, optical_tx_sum,
             optical_tx_count, rx_errors, tx_errors, rx_dropped, tx_dropped, pppoe_ups,
             wan_downs FROM hours
             WHERE router = ?1 AND hour >= ?2 AND hour <= ?3
             AND (hour * ?8 < ?4 OR (hour * ?8 = ?4 AND ?1 * ?9 + hour < ?5))
             ORDER BY hour DESC LIMIT ?6 OFFSET ?7",
            params![
                span.one().0,
                // The first that begins at `from` or later.
                span.from.saturating_add(HOUR - 1).div_euclid(HOUR),
                key.at.div_euclid(HOUR),
                key.at,
                key.id,
                span.limit,
                span.offset,
                HOUR,
                HOURS,
            ],
            |row| hour_record(span, row),
        )?;
        let ends = hours.last().zip(hours.first()).map(|(last, first)| (last.0, first.0));
        if let Some((first, last)) = ends {
            let mut targets = select_targets(connection, span, (first, last), target.as_deref())?;
            for (hour, record) in &mut hours {
                record.targets = targets.remove(hour).unwrap_or_default();
            }
        }
        Ok(hours.into_iter().map(|(_, record)| record).collect())
    }

    fn key(&self) -> Key {
        Key { at: self.at, id: self.id }
    }
}

fn hour_record(span: &Span<'_>, row: &Row<'_>) -> Result<(i64, HourRecord)> {
    let hour: i64 = row.get(0)?;
    let count = |column| -> Result<u64> { row.get(column).map(unsigned) };
    let counter =
        |column| -> Result<Option<u64>> { Ok(row.get::<Option<i64>>(column)?.map(unsigned)) };
    let record = HourRecord {
        id: span.one().0 * HOURS + hour,
        router: span.name(span.one()),
        at: hour.saturating_mul(HOUR),
        samples: count(1)?,
        samples_up: count(2)?,
        observed: row.get(3)?,
        outage: row.get(4)?,
        cpu_mean_celsius: mean(row, 5, 10.0)?,
        cpu_max_celsius: part(row, 7, 10.0)?,
        optical_rx_mean_dbm: mean(row, 8, 100.0)?,
        optical_rx_min_dbm: part(row, 10, 100.0)?,
        optical_tx_mean_dbm: mean(row, 11, 100.0)?,
        errors: [counter(13)?, counter(14)?, counter(15)?, counter(16)?],
        pppoe_ups: count(17)?,
        wan_downs: count(18)?,
        targets: Vec::new(),
    };
    Ok((hour, record))
}

/// By hour, those of each by name.
fn select_targets(
    connection: &Connection,
    span: &Span<'_>,
    (first, last): (i64, i64),
    target: Option<&str>,
) -> Result<BTreeMap<i64, Vec<HourPingRecord>>> {
    let targets = connection.query(
        "SELECT p.hour, t.name, p.rtt_sum, p.rtt_count, p.rtt_min, p.rtt_max, p.rtt_p95,
         p.loss_sum, p.loss_count, p.sent, p.lost
         FROM targets AS t CROSS JOIN hour_pings AS p ON p.target = t.id
         WHERE t.router = ?1 AND p.hour BETWEEN ?2 AND ?3 AND (?4 IS NULL OR t.name = ?4)
         ORDER BY t.name",
        params![span.one().0, first, last, target],
        |row| {
            let record = HourPingRecord {
                target: row.get(1)?,
                rtt_mean_ms: mean(row, 2, 1000.0)?,
                rtt_min_ms: part(row, 4, 1000.0)?,
                rtt_max_ms: part(row, 5, 1000.0)?,
                rtt_p95_ms: part(row, 6, 1000.0)?,
                loss_percent: mean(row, 7, 10.0)?,
                sent: row.get::<Option<i64>>(9)?.map(unsigned),
                lost: row.get::<Option<i64>>(10)?.map(unsigned),
            };
            Ok((row.get::<i64>(0)?, record))
        },
    )?;
    let mut hours: BTreeMap<i64, Vec<HourPingRecord>> = BTreeMap::new();
    for (hour, record) in targets {
        hours.entry(hour).or_default().push(record);
    }
    Ok(hours)
}

/// Of a sum of parts and, in the next column, how many there were.
fn mean(row: &Row<'_>, column: usize, parts: f64) -> Result<Option<f64>> {
    let (sum, count): (i64, i64) = (row.get(column)?, row.get(column + 1)?);
    Ok((count > 0).then(|| sum as f64 / parts / count as f64))
}

fn part(row: &Row<'_>, column: usize, parts: f64) -> Result<Option<f64>> {
    Ok(row.get::<Option<i64>>(column)?.map(|value| value as f64 / parts))
}
