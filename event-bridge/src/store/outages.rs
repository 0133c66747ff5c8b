//! SQL of drops: written in the transaction of the events and samples that tell them, and
//! read as outages. Nothing is put together in the tables, so nothing there has to be undone
//! when later evidence comes.

use serde_json::Value;

use super::events::Place;
use super::hours::Due;
use super::reader::{Names, Select, Span};
use super::records::{Key, OutageRecord, RouterId};
use super::sql::{Connection, Result, Row, params};
use crate::history::ledger::{self, Known, TOGETHER};
use crate::history::outage::{Boot, Drop, Outage};
use crate::record::{Event, Millis};

/// The end of the year 9999.
const LAST_SECOND: f64 = 253_402_300_800.0;

/// Takes in what an event tells of outages. Again with the same: nothing changes.
pub(super) fn note(
    connection: &Connection,
    place: &Place,
    event: &Event,
    due: &mut Due,
) -> Result<()> {
    match event.kind.as_str() {
        "outage_start" => note_start(connection, place, event, due),
        "outage_end" => note_end(connection, place, event, due),
        "router_boot" => note_boot(connection, place, event.at, due),
        _ => Ok(()),
    }
}

fn word<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    event.detail.as_ref()?.get(name)?.as_str()
}

fn note_start(connection: &Connection, place: &Place, event: &Event, due: &mut Due) -> Result<()> {
    let Some(name) = word(event, "outage") else { return Ok(()) };
    mark_drop(connection, place, (name, event.at), due)?;
    // One without an end has one now.
    mark_open(connection, place.router, event.at, due)?;
    connection.execute(
        "INSERT INTO drops (router, name, stream, start, is_told, cause, side)
         VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6)
         ON CONFLICT (router, name) DO UPDATE SET start = excluded.start, is_told = 1,
         cause = CASE WHEN drops.until IS NULL THEN excluded.cause ELSE drops.cause END,
         side = CASE WHEN drops.until IS NULL THEN excluded.side ELSE drops.side END",
        params![
            place.router.0,
            name,
            place.stream,
            event.at,
            word(event, "cause").unwrap_or("unknown"),
            word(event, "side").unwrap_or("unknown"),
        ],
    )?;
    mark_drop(connection, place, (name, event.at), due)
}

fn note_end(connection: &Connection, place: &Place, event: &Event, due: &mut Due) -> Result<()> {
    let Some(name) = word(event, "outage") else { return Ok(()) };
    let millis = |name: &str| {
        let seconds: f64 = word(event, name)?.parse().ok()?;
        (0.0..LAST_SECOND).contains(&seconds).then(|| (seconds * 1000.0).round() as Millis)
    };
    // The duration is right on every clock; the time of the start is as it was told.
    let evidence = event.detail.as_ref().map(Value::to_string);
    let lasted = millis("duration_seconds").map(|lasted| event.at.saturating_sub(lasted));
    let start = lasted.or_else(|| millis("start_timestamp_seconds")).unwrap_or(event.at);
    mark_drop(connection, place, (name, start.min(event.at)), due)?;
    connection.execute(
        "INSERT INTO drops (router, name, stream, start, is_told, until, cause, side,
         evidence) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8)
         ON CONFLICT (router, name) DO UPDATE SET until = excluded.until,
         cause = excluded.cause, side = excluded.side, evidence = excluded.evidence,
         start = CASE WHEN drops.is_told = 1 THEN drops.start ELSE excluded.start END",
        params![
            place.router.0,
            name,
            place.stream,
            start.min(event.at),
            event.at,
            word(event, "cause").unwrap_or("unknown"),
            word(event, "side").unwrap_or("unknown"),
            evidence.as_deref(),
        ],
    )?;
    mark_drop(connection, place, (name, event.at), due)
}

/// The hours of a drop, as far as it is known, and up to `at` are to be added up again; also
/// those after its end, which may have been taken for a part of it.
fn mark_drop(
    connection: &Connection,
    place: &Place,
    (name, at): (&str, Millis),
    due: &mut Due,
) -> Result<()> {
    let known: Option<Millis> = connection.query_optional(
        "SELECT start FROM drops WHERE router = ?1 AND name = ?2",
        params![place.router.0, name],
        |row| row.get(0),
    )?;
    let start = known.map_or(at, |start| start.min(at));
    due.mark_all(start, at.max(place.received));
    Ok(())
}

fn note_boot(connection: &Connection, place: &Place, at: Millis, due: &mut Due) -> Result<()> {
    connection.execute(
        "INSERT INTO boots (router, stream, seq, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (router, stream, seq) DO UPDATE SET at = excluded.at",
        params![place.router.0, place.stream, place.seq, at],
    )?;
    mark_open(connection, place.router, place.received, due)
}

/// How long a drop without an end lasts depends on what is heard of the router.
pub(super) fn mark_open(
    connection: &Connection,
    router: RouterId,
    heard: Millis,
    due: &mut Due,
) -> Result<()> {
    let open: Option<Millis> = connection.query_one(
        "SELECT min(start) FROM drops WHERE router = ?1 AND until IS NULL",
        params![router.0],
        |row| row.get(0),
    )?;
    if let Some(start) = open {
        due.mark_all(start, heard);
    }
    Ok(())
}

pub(super) fn drop_record(row: &Row<'_>) -> Result<Drop> {
    let word = |column| row.get::<String>(column);
    // Words always parse.
    let Ok(cause) = word(5)?.parse();
    let Ok(side) = word(6)?.parse();
    let evidence: Option<String> = row.get(7)?;
    Ok(Drop {
        id: row.get(0)?,
        name: row.get(1)?,
        stream: row.get(2)?,
        start: row.get(3)?,
        until: row.get(4)?,
        cause,
        side,
        evidence: evidence.and_then(|text| serde_json::from_str(&text).ok()),
    })
}

/// The newest `limit` drops that began before `before` (by time and id), newest first.
fn select_before(
    connection: &Connection,
    router: RouterId,
    before: Key,
    limit: i64,
) -> Result<Vec<Drop>> {
    connection.query(
        "SELECT id, name, stream, start, until, cause, side, evidence FROM drops
         WHERE router = ?1 AND start <= ?2 AND (start < ?2 OR id < ?3)
         ORDER BY start DESC, id DESC LIMIT ?4",
        params![router.0, before.at, before.id, limit],
        drop_record,
    )
}

/// The drops from `from` on that may belong to one before them, and one more.
fn select_following(connection: &Connection, router: RouterId, from: Key) -> Result<Vec<Drop>> {
    let before = select_before(connection, router, from, 1)?.pop();
    let mut reach = before.map_or(from.at, |drop| drop.until.unwrap_or(Millis::MAX).max(from.at));
    let mut following: Vec<Drop> = Vec::new();
    let mut next = from;
    loop {
        let drops = select_from(connection, router, next)?;
        let is_last = (drops.len() as i64) < FOLLOWING;
        for drop in drops {
            next = Key { at: drop.start, id: drop.id + 1 };
            let is_apart = drop.start.saturating_sub(reach) > TOGETHER;
            reach = reach.max(drop.until.unwrap_or(Millis::MAX));
            following.push(drop);
            if is_apart {
                return Ok(following);
            }
        }
        if is_last {
            return Ok(following);
        }
    }
}

/// Drops read at once to find the first that is apart: mostly it is the first of all.
const FOLLOWING: i64 = 8;

fn select_from(connection: &Connection, router: RouterId, from: Key) -> Result<Vec<Drop>> {
    connection.query(
        "SELECT id, name, stream, start, until, cause, side, evidence FROM drops
         WHERE router = ?1 AND start >= ?2 AND (start > ?2 OR id >= ?3)
         ORDER BY start, id LIMIT ?4",
        params![router.0, from.at, from.id, FOLLOWING],
        drop_record,
    )
}

fn known(connection: &Connection, router: RouterId, now: Millis) -> Result<Known> {
    let heard = connection.query_one(
        "SELECT max(at) FROM samples WHERE router = ?1",
        params![router.0],
        |row| row.get(0),
    )?;
    let boots = connection.query(
        "SELECT stream, at FROM boots WHERE router = ?1",
        params![router.0],
        |row| Ok(Boot { stream: row.get(0)?, at: row.get(1)? }),
    )?;
    Ok(Known { boots, heard, now })
}

/// Drops looked at for each outage that is asked for: most outages are one drop.
const DROPS_PER_OUTAGE: i64 = 2;

/// Outages looked for at first, however many are asked for: whoever wants all that touch an
/// hour finds few, and must not read the drops of years.
const FIRST_LOOK: i64 = 32;

impl Select for OutageRecord {
    /// Now.
    type Filter = Millis;

    /// Those that touch the time of the span.
    fn select(connection: &Connection, span: &Span<'_>, now: &Millis) -> Result<Vec<Self>> {
        let known = known(connection, span.one(), *now)?;
        let wanted = span.limit.saturating_add(span.offset);
        let last = span.before.unwrap_or(Key { at: span.until, id: 0 });
        let following = select_following(connection, span.one(), last)?;
        let mut look = wanted.min(FIRST_LOOK).saturating_mul(DROPS_PER_OUTAGE).saturating_add(1);
        loop {
            let mut drops = select_before(connection, span.one(), last, look)?;
            let is_all = (drops.len() as i64) < look;
            drops.reverse();
            drops.extend(following.iter().cloned());
            let mut outages = ledger::outages(drops, &known);
            let reaches_beyond = outages.first().is_some_and(|first| first.until() <= span.from);
            if !is_all && !outages.is_empty() {
                outages.remove(0); // its begin may lie before what was looked at
            }
            outages.retain(|outage| {
                let is_before = span.before.is_none_or(|key| key_of(outage) < key);
                is_before && outage.start() < span.until && outage.until() > span.from
            });
            if is_all || reaches_beyond || outages.len() as i64 >= wanted {
                let (skip, take) = (span.offset.max(0) as usize, span.limit.max(0) as usize);
                let records = outages.into_iter().rev().skip(skip).take(take);
                let router = span.name(span.one());
                let record = |outage| OutageRecord { router: router.clone(), outage };
                return Ok(records.map(record).collect());
            }
            look = look.saturating_mul(4);
        }
    }

    fn key(&self) -> Key {
        key_of(&self.outage)
    }
}

fn key_of(outage: &Outage) -> Key {
    Key { at: outage.start(), id: outage.id() }
}

/// The outage that has this drop.
pub(super) fn select_with(
    connection: &Connection,
    id: i64,
    now: Millis,
) -> Result<Option<OutageRecord>> {
    let found: Option<(i64, String, Millis)> = connection.query_optional(
        "SELECT d.router, r.name, d.start FROM drops AS d
         JOIN routers AS r ON r.id = d.router WHERE d.id = ?1",
        params![id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let Some((router, name, start)) = found else { return Ok(None) };
    // Drops without a length touch the moment before, too.
    let touching = (start.saturating_sub(1), start.saturating_add(1));
    let outages = select_touching(connection, RouterId(router), touching, now)?;
    let mut having = outages.into_iter();
    let outage = having.find(|outage| outage.drops.iter().any(|drop| drop.drop.id == id));
    Ok(outage.map(|outage| OutageRecord { router: name, outage }))
}

/// One router's outages that touch a time, newest first.
pub(super) fn select_touching(
    connection: &Connection,
    router: RouterId,
    (from, until): (Millis, Millis),
    now: Millis,
) -> Result<Vec<Outage>> {
    let (router, names) = (Some(router), &Names::new());
    let span = Span { router, names, from, until, before: None, limit: i64::MAX / 8, offset: 0 };
    let records = OutageRecord::select(connection, &span, &now)?;
    Ok(records.into_iter().map(|record| record.outage).collect())
}
