//! SQL of drops of agents without a detector: concluded from samples and events whenever
//! these change, also for times long past.

use std::ops::Range;

use super::events::select_cursor;
use super::hours::{Due, rows_since};
use super::outages::drop_record;
use super::records::RouterId;
use super::samples::wan_state;
use super::sql::{Connection, Result, params};
use crate::history::derive::{self, Found, Word};
use crate::history::outage::Drop;
use crate::record::{Millis, WanState};

/// What was said so long before may belong to what is said now.
const LOOK_BACK: Millis = 600_000;

/// Is a drop that was concluded here still going on?
pub(super) fn has_open(connection: &Connection, router: RouterId) -> Result<bool> {
    connection.exists(
        "SELECT 1 FROM drops WHERE router = ?1 AND stream IS NULL AND until IS NULL",
        params![router.0],
    )
}

/// Concludes drops anew from what an agent without a detector has told since `since`.
pub(super) fn conclude(
    connection: &Connection,
    router: RouterId,
    since: Millis,
    due: &mut Due,
) -> Result<()> {
    if select_cursor(connection, router)?.is_some() {
        return Ok(()); // it tells its outages itself
    }
    Window { time: since..Millis::MAX, last: LastWord::MayGoOn }.conclude(connection, router, due)
}

/// Concludes drops anew from what was told in `told` and came late: up to the next
/// word that the WAN is up, behind which nothing changes. Of a router that has a detector by
/// now only up to its first word.
pub(super) fn conclude_past(
    connection: &Connection,
    router: RouterId,
    told: Range<Millis>,
    due: &mut Due,
) -> Result<()> {
    let next_up: Option<Millis> = connection.query_optional(
        "SELECT at FROM samples WHERE router = ?1 AND at > ?2 AND wan_state = 1
         ORDER BY at LIMIT 1",
        params![router.0, told.end.saturating_add(LOOK_BACK)],
        |row| row.get(0),
    )?;
    let until = next_up.map_or(Millis::MAX, |at| at.saturating_add(1));
    if select_cursor(connection, router)?.is_none() {
        let window = Window { time: told.start..until, last: LastWord::MayGoOn };
        return window.conclude(connection, router, due);
    }
    let numbered: Option<Millis> = connection.query_one(
        "SELECT min((SELECT at FROM events WHERE stream = s.id ORDER BY seq LIMIT 1))
         FROM streams AS s WHERE s.router = ?1",
        params![router.0],
        |row| row.get(0),
    )?;
    let until = until.min(numbered.unwrap_or(Millis::MAX));
    if told.start >= until {
        return Ok(());
    }
    Window { time: told.start..until, last: LastWord::Ends }.conclude(connection, router, due)
}

/// What a drop without an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastWord {
    /// Still going on.
    MayGoOn,
    /// Over at the last word of it, for nobody will tell its end.
    Ends,
}

/// A time whose words have changed.
struct Window {
    time: Range<Millis>,
    last: LastWord,
}

impl Window {
    fn conclude(self, connection: &Connection, router: RouterId, due: &mut Due) -> Result<()> {
        let Self { time, last } = self;
        let since = time.start;
        // Where the rows are gone nothing can be concluded anew.
        let from = since.saturating_sub(LOOK_BACK).max(rows_since(connection)?);
        let time = from..time.end.max(from);
        let mut known = select_concluded(connection, router, &time)?;
        let mut words = select_words(connection, router, &time)?;
        // One that began before goes on; why it did is not looked for again.
        let early = known.first().filter(|drop| drop.start < time.start).cloned();
        let early = match early {
            Some(drop) => {
                let last = select_last_word(connection, router, time.start)?.max(Some(drop.start));
                last.map(|last| (last, drop))
            }
            None => None,
        };
        if let Some((last, _)) = &early {
            words.insert(0, (*last, Word::Sample(WanState::Down)));
        }
        let end = words.last().map(|(at, _)| *at).filter(|_| last == LastWord::Ends);
        for mut found in derive::drops(&words) {
            found.until = found.until.or(end);
            if let Some((_, early)) = early.as_ref().filter(|(last, _)| *last == found.start) {
                found.start = early.start;
                (found.cause, found.side) = (early.cause.clone(), early.side.clone());
            }
            let overlaps = |drop: &Drop| {
                drop.start <= found.until.unwrap_or(Millis::MAX)
                    && found.start <= drop.until.unwrap_or(Millis::MAX)
            };
            let place = known.iter().position(overlaps);
            let known = place.map(|at| known.remove(at));
            if !known.as_ref().is_some_and(|drop| is_same(drop, &found)) {
                mark_concluded(known.as_ref(), &found, due);
                put_concluded(connection, router, known, &found)?;
            }
        }
        for gone in known {
            due.mark_all(gone.start, gone.until.unwrap_or(since));
            connection.execute("DELETE FROM drops WHERE id = ?1", params![gone.id])?;
        }
        Ok(())
    }
}

/// The router has an agent with a detector now; its own word begins here.
pub(super) fn end_concluded(
    connection: &Connection,
    router: RouterId,
    at: Millis,
    due: &mut Due,
) -> Result<()> {
    let open: Option<Millis> = connection.query_one(
        "SELECT min(start) FROM drops
         WHERE router = ?1 AND stream IS NULL AND until IS NULL",
        params![router.0],
        |row| row.get(0),
    )?;
    let Some(start) = open else { return Ok(()) };
    due.mark_all(start, at);
    // Nobody has seen its end: it is not longer than what was said of it.
    let heard: Option<Millis> = connection.query_one(
        "SELECT max(at) FROM samples WHERE router = ?1 AND at <= ?2",
        params![router.0, at],
        |row| row.get(0),
    )?;
    connection.execute(
        "UPDATE drops SET until = CASE WHEN start > ?2 THEN start ELSE ?2 END
         WHERE router = ?1 AND stream IS NULL AND until IS NULL",
        params![router.0, heard.unwrap_or(at)],
    )?;
    Ok(())
}

fn is_same(drop: &Drop, found: &Found) -> bool {
    let Found { start, until, cause, side } = found;
    (&drop.start, &drop.until, &drop.cause, &drop.side) == (start, until, cause, side)
}

/// An open end moves on with the samples, which are marked themselves.
fn mark_concluded(known: Option<&Drop>, found: &Found, due: &mut Due) {
    if let Some(drop) = known {
        due.mark_all(drop.start, drop.until.unwrap_or(drop.start));
    }
    due.mark_all(found.start, found.until.unwrap_or(found.start));
}

fn put_concluded(
    connection: &Connection,
    router: RouterId,
    known: Option<Drop>,
    found: &Found,
) -> Result<()> {
    let Found { start, until, cause, side } = found;
    let name = known.map_or_else(|| format!("bridge-{start}"), |drop| drop.name);
    connection.execute(
        "INSERT INTO drops (router, name, start, is_told, until, cause, side)
         VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6)
         ON CONFLICT (router, name) DO UPDATE SET start = excluded.start,
         until = excluded.until, cause = excluded.cause, side = excluded.side",
        params![router.0, &name, *start, *until, cause.word(), side.word()],
    )?;
    Ok(())
}

/// Those concluded here that touch a time, in the order of theirs.
fn select_concluded(
    connection: &Connection,
    router: RouterId,
    time: &Range<Millis>,
) -> Result<Vec<Drop>> {
    connection.query(
        "SELECT id, name, stream, start, until, cause, side, evidence FROM drops
         WHERE router = ?1 AND stream IS NULL AND (until IS NULL OR until >= ?2)
         AND start < ?3 ORDER BY start, id",
        params![router.0, time.start, time.end],
        drop_record,
    )
}

/// Samples and events without numbers, by time.
fn select_words(
    connection: &Connection,
    router: RouterId,
    time: &Range<Millis>,
) -> Result<Vec<(Millis, Word)>> {
    let mut words: Vec<(Millis, Word)> = connection.query(
        "SELECT at, wan_state FROM samples WHERE router = ?1 AND at >= ?2 AND at < ?3",
        params![router.0, time.start, time.end],
        |row| Ok((row.get(0)?, Word::Sample(wan_state(row.get(1)?)))),
    )?;
    words.extend(connection.query(
        "SELECT at, kind FROM events WHERE router = ?1 AND at >= ?2 AND at < ?3
         AND +stream IS NULL ORDER BY at, id",
        params![router.0, time.start, time.end],
        |row| Ok((row.get(0)?, Word::Event(row.get(1)?))),
    )?);
    // An event of the moment of a sample is the reason for it.
    words.sort_by_key(|(at, word)| (*at, matches!(word, Word::Sample(_))));
    Ok(words)
}

/// When something was said last before a time.
fn select_last_word(
    connection: &Connection,
    router: RouterId,
    before: Millis,
) -> Result<Option<Millis>> {
    connection.query_one(
        "SELECT max(at) FROM (SELECT max(at) AS at FROM samples WHERE router = ?1 AND at < ?2
         UNION ALL SELECT max(at) FROM events WHERE router = ?1 AND at < ?2) AS words",
        params![router.0, before],
        |row| row.get(0),
    )
}
