//! SQL of samples, pings and gaps.

use std::collections::BTreeSet;

use super::concluded;
use super::hours::{Due, Neighbours};
use super::reader::{Select, Span};
use super::records::{GapRecord, Key, PingRecord, Query, RouterId, SampleRecord};
use super::slices::Added;
use super::sql::{Connection, Error, Result, Row, params};
use crate::record::{Millis, Ping, Sample, WanState};

/// The id of a ping is its sample's id times this, plus its target's id; so is the view.
const TARGETS: i64 = 1 << 18;

/// Targets of one router over the years; settings have a handful. A router that invents more
/// has them left out, so that it cannot use up the ids of the others.
const MAX_TARGETS_PER_ROUTER: i64 = 256;

/// For a query without a limit; servers add the offset to it.
pub(super) const EVERY: i64 = i64::MAX / 8;

/// A sample of the same router and millisecond is there already, or another bridge has stored
/// one since ours was `polled` before: nothing is stored.
pub(super) fn insert_sample(
    connection: &Connection,
    router: RouterId,
    sample: &Sample,
    polled: Option<Millis>,
) -> Result<()> {
    let (mut due, mut added) = (Due::default(), Added::default());
    let stored = insert_poll(connection, router, sample, polled, (&mut due, &mut added))?;
    let is_new = stored.is_some();
    if is_new && (sample.wan_state == WanState::Down || concluded::has_open(connection, router)?) {
        concluded::conclude(connection, router, sample.at, &mut due)?;
    }
    added.insert(connection)?;
    due.insert(connection, router)
}

/// The row of a sample and those of its pings; gives how many pings were stored. `None`: it is
/// not needed, as above.
pub(super) fn insert_poll(
    connection: &Connection,
    router: RouterId,
    sample: &Sample,
    polled: Option<Millis>,
    (due, added): (&mut Due, &mut Added),
) -> Result<Option<u64>> {
    let near = Neighbours::select(connection, router, sample.at)?;
    let is_of_another = polled.is_some_and(|polled| near.before > Some(polled));
    if near.next == Some(sample.at) || is_of_another {
        return Ok(None);
    }
    let cpu = scaled(sample.cpu_celsius, 10.0);
    let id = connection.insert(
        "INSERT INTO samples (router, at, wan_state, rx_errors, tx_errors, rx_dropped,
         tx_dropped, optical_rx, optical_tx, cpu_temp, pppoe_reconnects_24h, wan_downs_24h)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            router.0,
            sample.at,
            wan_number(sample.wan_state),
            whole(sample.rx_errors),
            whole(sample.tx_errors),
            whole(sample.rx_dropped),
            whole(sample.tx_dropped),
            scaled(sample.optical_rx_dbm, 100.0),
            scaled(sample.optical_tx_dbm, 100.0),
            cpu,
            whole(sample.pppoe_reconnects_24h),
            whole(sample.wan_downs_24h),
        ],
    )?;
    let id = id.ok_or(Error::NoRow)?;
    let (mut pings, mut losses, mut told) = (0, Vec::new(), BTreeSet::new());
    // Of one target the first counts.
    for ping in sample.pings.iter().filter(|ping| told.insert(ping.target.as_str())) {
        let loss = scaled(ping.loss_percent, 10.0);
        if insert_ping(connection, router, id, ping, loss)? {
            pings += 1;
            losses.extend(loss);
        }
    }
    added.sample(sample.at, sample.wan_state == WanState::Up, cpu, &losses);
    due.mark_sample(connection, router, sample.at, near)?;
    Ok(Some(pings))
}

/// Not of a target too many.
fn insert_ping(
    connection: &Connection,
    router: RouterId,
    sample: i64,
    ping: &Ping,
    loss: Option<i64>,
) -> Result<bool> {
    let Some(target) = target_id(connection, router, &ping.target)? else {
        return Ok(false);
    };
    connection.execute(
        "INSERT INTO pings (sample, target, rtt, loss, sent, lost)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            sample,
            target,
            scaled(ping.rtt_ms, 1000.0),
            loss,
            whole(ping.sent_total),
            whole(ping.lost_total),
        ],
    )?;
    Ok(true)
}

/// `None`: the router has too many.
pub(super) fn target_id(
    connection: &Connection,
    router: RouterId,
    name: &str,
) -> Result<Option<i64>> {
    let known: Option<i64> = connection.query_optional(
        "SELECT id FROM targets WHERE router = ?1 AND name = ?2",
        params![router.0, name],
        |row| row.get(0),
    )?;
    if known.is_some() {
        return Ok(known);
    }
    let has_room: bool = connection.query_one(
        "SELECT (SELECT count(*) FROM targets WHERE router = ?1) < ?2
         AND (SELECT coalesce(max(id), 0) FROM targets) + 1 < ?3",
        params![router.0, MAX_TARGETS_PER_ROUTER, TARGETS],
        |row| row.get(0),
    )?;
    if !has_room {
        return Ok(None);
    }
    let sql = "INSERT INTO targets (router, name) VALUES (?1, ?2)";
    connection.insert(sql, params![router.0, name])
}

/// A gap that begins at the same time grows.
pub(super) fn insert_gap(
    connection: &Connection,
    router: RouterId,
    from: Millis,
    until: Millis,
) -> Result<()> {
    let known: Option<Millis> = connection.query_optional(
        "SELECT until FROM gaps WHERE router = ?1 AND start = ?2",
        params![router.0, from],
        |row| row.get(0),
    )?;
    let mut due = Due::default();
    due.mark_all(known.unwrap_or(from), until);
    due.insert(connection, router)?;
    let until = until.max(known.unwrap_or(from));
    connection.execute(
        "INSERT INTO gaps (router, start, until) VALUES (?1, ?2, ?3)
         ON CONFLICT (router, start) DO UPDATE SET until = excluded.until",
        params![router.0, from, until],
    )?;
    Ok(())
}

/// Newest first; gaps that touch the time, so also one that began before it.
pub(super) fn select_gaps(connection: &Connection, query: &Query) -> Result<Vec<GapRecord>> {
    connection.query(
        "SELECT r.name, g.start, g.until FROM gaps AS g JOIN routers AS r ON r.id = g.router
         WHERE (?1 IS NULL OR g.router = ?1) AND g.until > ?2 AND g.start < ?3
         ORDER BY g.start DESC LIMIT ?4 OFFSET ?5",
        params![
            query.router.map(|router| router.0),
            query.from,
            query.until,
            query.limit.map_or(EVERY, signed),
            signed(query.offset),
        ],
        |row| Ok(GapRecord { router: row.get(0)?, from: row.get(1)?, until: row.get(2)? }),
    )
}

impl Select for SampleRecord {
    type Filter = ();

    const BY_TIME: bool = true;

    fn select(connection: &Connection, span: &Span<'_>, (): &()) -> Result<Vec<Self>> {
        let key = span.before.unwrap_or(Key { at: span.until, id: 0 });
        let whose = whose(span, "router = ?1");
        let sql = format!(
            "SELECT id, at, wan_state, rx_errors, tx_errors, rx_dropped, tx_dropped, optical_rx,
             optical_tx, cpu_temp, pppoe_reconnects_24h, wan_downs_24h, router FROM samples
             WHERE {whose} AND at >= ?2 AND at <= ?3 AND (at < ?3 OR id < ?4)
             ORDER BY at DESC, id DESC LIMIT ?5 OFFSET ?6"
        );
        let router = span.router.map(|router| router.0);
        connection.query(
            &sql,
            params![router, span.from, key.at, key.id, span.limit, span.offset],
            |row| sample_record(span, row),
        )
    }

    fn key(&self) -> Key {
        Key { at: self.at, id: self.id }
    }
}

/// Of one router, or of all: then the parameter is empty.
pub(super) fn whose<'a>(span: &Span<'_>, one: &'a str) -> &'a str {
    if span.router.is_some() { one } else { "?1 IS NULL" }
}

fn sample_record(span: &Span<'_>, row: &Row<'_>) -> Result<SampleRecord> {
    Ok(SampleRecord {
        id: row.get(0)?,
        router: span.name(RouterId(row.get(12)?)),
        at: row.get(1)?,
        wan_state: wan_state(row.get(2)?),
        rx_errors: counter(row, 3)?,
        tx_errors: counter(row, 4)?,
        rx_dropped: counter(row, 5)?,
        tx_dropped: counter(row, 6)?,
        optical_rx_dbm: fraction(row, 7, 100.0)?,
        optical_tx_dbm: fraction(row, 8, 100.0)?,
        cpu_celsius: fraction(row, 9, 10.0)?,
        pppoe_reconnects_24h: counter(row, 10)?,
        wan_downs_24h: counter(row, 11)?,
    })
}

impl Select for PingRecord {
    /// The target.
    type Filter = Option<String>;

    const BY_TIME: bool = true;

    fn select(
        connection: &Connection,
        span: &Span<'_>,
        target: &Self::Filter,
    ) -> Result<Vec<Self>> {
        let key = span.before.unwrap_or(Key { at: span.until, id: 0 });
        // Of one router no two samples have the same time.
        let order = if span.router.is_some() { "s.at DESC" } else { "s.at DESC, s.id DESC" };
        let whose = whose(span, "s.router = ?1");
        // CROSS JOIN: samples by time first, then their pings; nothing is sorted.
        let sql = format!(
            "SELECT p.sample * 262144 + p.target, s.at, t.name, p.rtt, p.loss, s.router
             FROM samples AS s CROSS JOIN pings AS p ON p.sample = s.id
             CROSS JOIN targets AS t ON t.id = p.target
             WHERE {whose} AND s.at >= ?2 AND s.at <= ?3
             AND (s.at < ?3 OR p.sample * 262144 + p.target < ?4) AND (?5 IS NULL OR t.name = ?5)
             ORDER BY {order}, p.target DESC LIMIT ?6 OFFSET ?7"
        );
        let (router, target) = (span.router.map(|router| router.0), target.as_deref());
        connection.query(
            &sql,
            params![router, span.from, key.at, key.id, target, span.limit, span.offset],
            |row| {
                Ok(Self {
                    id: row.get(0)?,
                    router: span.name(RouterId(row.get(5)?)),
                    at: row.get(1)?,
                    target: row.get(2)?,
                    rtt_ms: fraction(row, 3, 1000.0)?,
                    loss_percent: fraction(row, 4, 10.0)?,
                })
            },
        )
    }

    fn key(&self) -> Key {
        Key { at: self.at, id: self.id }
    }
}

fn wan_number(state: WanState) -> i64 {
    match state {
        WanState::Down => 0,
        WanState::Up => 1,
        WanState::Unknown => 2,
    }
}

pub(super) fn wan_state(number: i64) -> WanState {
    match number {
        0 => WanState::Down,
        1 => WanState::Up,
        _ => WanState::Unknown,
    }
}

/// A number that no counter can have is no number.
pub(super) fn whole(value: Option<u64>) -> Option<i64> {
    const LARGEST: i64 = 1 << 53;
    value.and_then(|value| i64::try_from(value).ok()).filter(|value| *value < LARGEST)
}

/// To a whole number of parts; what is not finite or absurd is left out.
pub(super) fn scaled(value: Option<f64>, parts: f64) -> Option<i64> {
    // Of what is within, no sum of a lifetime overflows.
    const LARGEST: f64 = 1e9;
    let value = (value? * parts).round();
    (value.abs() < LARGEST).then_some(value as i64)
}

/// No query asks for more than SQLite can count.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Counts are never below zero.
pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn counter(row: &Row<'_>, column: usize) -> Result<Option<u64>> {
    Ok(row.get::<Option<i64>>(column)?.map(unsigned))
}

fn fraction(row: &Row<'_>, column: usize, parts: f64) -> Result<Option<f64>> {
    Ok(row.get::<Option<i64>>(column)?.map(|value| value as f64 / parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_to_their_parts_and_nonsense_is_left_out() {
        assert_eq!(scaled(Some(-12.345), 100.0), Some(-1235));
        assert_eq!(scaled(Some(33.3), 10.0), Some(333));
        assert_eq!(scaled(Some(0.0), 10.0), Some(0));
        for nonsense in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(scaled(Some(nonsense), 10.0), None, "{nonsense}");
        }
        assert_eq!(whole(Some(u64::MAX)), None);
        assert_eq!(whole(Some(1 << 40)), Some(1 << 40));
    }
}
