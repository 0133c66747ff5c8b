//! SQL of events and cursors: what makes an event be stored once, whatever is told again.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::hours::Due;
use super::reader::{Select, Span};
use super::records::{EventRecord, Key, RouterId, Stored};
use super::samples::{signed, unsigned, whose};
use super::slices::Added;
use super::sql::{Connection, Error, Result, params};
use super::{concluded, outages};
use crate::record::{Cursor, Event, EventBatch, Millis};
use crate::routers::ROUTER_TIME;

/// Numbers and revisions above are refused: readers of JSON would round them.
pub(super) const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Of the row that stands for lost events: any answer knows better.
const LOST_REVISION: i64 = -1;

/// Stores a batch and moves the cursor.
///
/// An event is one row of (stream, seq). It is written again only by a greater revision than
/// the one that wrote it, so the order in which batches come makes no difference.
/// Numbers must be within [`MAX_NUMBER`].
pub(super) fn insert_batch(
    connection: &Connection,
    router: RouterId,
    batch: &EventBatch,
    received: Millis,
) -> Result<Stored> {
    let stream = stream_id(connection, router, &batch.stream)?;
    let (mut due, mut added) = (Due::default(), Added::default());
    let cursor = select_cursor(connection, router)?;
    if cursor.is_none() {
        concluded::end_concluded(connection, router, received, &mut due)?;
    }
    let cursor = cursor.filter(|cursor| cursor.stream == batch.stream);
    let mut stored = Stored::default();
    let mut unnumbered = Vec::new();
    for event in &batch.events {
        match event.seq {
            Some(seq) => {
                let place = Place { router, stream, seq: signed(seq), received };
                match insert_numbered(connection, &place, signed(batch.revision), event)? {
                    Change::New => stored.new += 1,
                    Change::Corrected { before: (at, kind) } => {
                        stored.corrected += 1;
                        due.mark(at);
                        added.events(at, &kind, -1);
                    }
                    Change::Nothing => continue,
                }
                due.mark(event.at);
                added.events(event.at, &event.kind, 1);
                outages::note(connection, &place, event, &mut due)?;
            }
            None => unnumbered.push(event),
        }
    }
    stored.new += insert_unnumbered(connection, router, &unnumbered, received)?;
    let first = batch.events.iter().filter_map(|event| event.seq).min().unwrap_or(batch.next_seq);
    let gone = Lost { last: first.saturating_sub(1), missed: batch.missed.unwrap_or(0) };
    let between = batch.unreadable.iter().map(|hole| Lost {
        last: *hole.end(),
        missed: (hole.end() - hole.start()).saturating_add(1),
    });
    for lost in std::iter::once(gone).chain(between) {
        let place = Place { router, stream, seq: signed(lost.last), received };
        stored.missed += insert_lost(connection, &place, &lost, cursor.as_ref())?;
    }

    added.insert(connection)?;
    due.insert(connection, router)?;

    let last = batch.events.iter().filter_map(|event| event.seq).max();
    let after = last.unwrap_or_else(|| batch.next_seq.saturating_sub(1));
    // A batch that was overtaken does not turn the cursor back.
    let (after, revision) = match &cursor {
        Some(cursor) => (after.max(cursor.after), batch.revision.max(cursor.revision)),
        None => (after, batch.revision),
    };
    if cursor.is_none_or(|cursor| (cursor.after, cursor.revision) != (after, revision)) {
        connection.execute(
            "INSERT INTO cursors (router, stream, after, revision) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (router) DO UPDATE SET stream = excluded.stream,
             after = excluded.after, revision = excluded.revision",
            params![router.0, stream, signed(after), signed(revision)],
        )?;
    }
    Ok(stored)
}

/// Where an event belongs.
pub(super) struct Place {
    pub(super) router: RouterId,
    pub(super) stream: i64,
    pub(super) seq: i64,
    pub(super) received: Millis,
}

enum Change {
    New,
    /// With the time and the kind that it had before.
    Corrected {
        before: (Millis, String),
    },
    Nothing,
}

fn insert_numbered(
    connection: &Connection,
    place: &Place,
    revision: i64,
    event: &Event,
) -> Result<Change> {
    let detail = event.detail.as_ref().map(Value::to_string);
    let known: Option<i64> = connection.query_optional(
        "SELECT revision FROM events WHERE stream = ?1 AND seq = ?2",
        params![place.stream, place.seq],
        |row| row.get(0),
    )?;
    let Some(known) = known else {
        insert_row(connection, place, revision, event, detail.as_deref())?;
        return Ok(Change::New);
    };
    if revision <= known {
        return Ok(Change::Nothing);
    }
    let (before, is_same) = connection.query_one(
        "SELECT at, kind, message, detail FROM events WHERE stream = ?1 AND seq = ?2",
        params![place.stream, place.seq],
        |row| {
            let at: Millis = row.get(0)?;
            let words: (String, String, Option<String>) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let (kind, message) = (event.kind.clone(), event.message.clone());
            let is_same = at == event.at && words == (kind, message, detail.clone());
            Ok(((at, words.0), is_same))
        },
    )?;
    connection.execute(
        "UPDATE events SET revision = ?3, at = ?4, kind = ?5, message = ?6, detail = ?7
         WHERE stream = ?1 AND seq = ?2",
        params![
            place.stream,
            place.seq,
            revision,
            event.at,
            &event.kind,
            &event.message,
            detail.as_deref(),
        ],
    )?;
    Ok(if is_same { Change::Nothing } else { Change::Corrected { before } })
}

fn insert_row(
    connection: &Connection,
    place: &Place,
    revision: i64,
    event: &Event,
    detail: Option<&str>,
) -> Result<()> {
    connection.execute(
        "INSERT INTO events (router, stream, seq, revision, at, received, kind, message,
         detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            place.router.0,
            place.stream,
            place.seq,
            revision,
            event.at,
            place.received,
            &event.kind,
            &event.message,
            detail,
        ],
    )?;
    Ok(())
}

/// Events up to number `last` are gone.
struct Lost {
    last: u64,
    missed: u64,
}

/// Stores that events were lost, and gives how many. The row has the number of the last of
/// them: told again it meets itself, or the event, which was read after all.
fn insert_lost(
    connection: &Connection,
    place: &Place,
    lost: &Lost,
    cursor: Option<&Cursor>,
) -> Result<u64> {
    // The answer may be to a question from before the last commit.
    let count = cursor
        .map_or(lost.missed, |cursor| lost.missed.min(lost.last.saturating_sub(cursor.after)));
    let is_known = connection.exists(
        "SELECT 1 FROM events WHERE stream = ?1 AND seq = ?2",
        params![place.stream, place.seq],
    )?;
    if count == 0 || is_known {
        return Ok(0);
    }
    let first = lost.last.saturating_sub(count - 1);
    let event = Event {
        seq: None,
        at: place.received,
        kind: "events_lost".to_owned(),
        message: format!("{count} events were gone before they could be read"),
        detail: None,
    };
    let detail = json!({
        "count": count.to_string(),
        "first_seq": first.to_string(),
        "last_seq": lost.last.to_string(),
    });
    insert_row(connection, place, LOST_REVISION, &event, Some(&detail.to_string()))?;
    Ok(count)
}

/// What the router itself calls the time: where that is a guess (no zone, a wrong clock),
/// `at` differs from answer to answer, and these words do not.
pub(super) fn words_for_time(event: &Event) -> String {
    let words = event.detail.as_ref().and_then(|detail| detail.get(ROUTER_TIME)?.as_str());
    words.map_or_else(|| event.at.to_string(), str::to_owned)
}

/// Stores the events of one answer of an agent that does not number them, and gives how many
/// were new: as many of the same kind, time and text as the answer has beyond those known.
pub(super) fn insert_unnumbered(
    connection: &Connection,
    router: RouterId,
    events: &[&Event],
    received: Millis,
) -> Result<u64> {
    let mut told: HashMap<(&str, String, &str), i64> = HashMap::new();
    let (mut new, mut since, mut due) = (0, None, Due::default());
    let mut added = Added::default();
    for event in events {
        let words = words_for_time(event);
        let count = told.entry((&event.kind, words.clone(), &event.message)).or_default();
        *count += 1;
        let known: i64 = connection.query_one(
            "SELECT count(*) FROM events WHERE router = ?1 AND told = ?2 AND stream IS NULL
             AND kind = ?3 AND message = ?4",
            params![router.0, &words, &event.kind, &event.message],
            |row| row.get(0),
        )?;
        if *count <= known {
            continue;
        }
        insert_told(connection, router, event, received)?;
        added.events(event.at, &event.kind, 1);
        due.mark(event.at);
        since = Some(since.map_or(event.at, |since: Millis| since.min(event.at)));
        new += 1;
    }
    if let Some(since) = since {
        concluded::conclude(connection, router, since, &mut due)?;
    }
    added.insert(connection)?;
    due.insert(connection, router)?;
    Ok(new)
}

/// The row of an event without a number.
pub(super) fn insert_told(
    connection: &Connection,
    router: RouterId,
    event: &Event,
    received: Millis,
) -> Result<()> {
    let detail = event.detail.as_ref().map(Value::to_string);
    connection.execute(
        "INSERT INTO events (router, revision, at, received, kind, message, detail, told)
         VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            router.0,
            event.at,
            received,
            &event.kind,
            &event.message,
            detail.as_deref(),
            &words_for_time(event),
        ],
    )?;
    Ok(())
}

fn stream_id(connection: &Connection, router: RouterId, name: &str) -> Result<i64> {
    let known = connection.query_optional(
        "SELECT id FROM streams WHERE router = ?1 AND name = ?2",
        params![router.0, name],
        |row| row.get(0),
    )?;
    if let Some(id) = known {
        return Ok(id);
    }
    let sql = "INSERT INTO streams (router, name) VALUES (?1, ?2)";
    connection.insert(sql, params![router.0, name])?.ok_or(Error::NoRow)
}

pub(super) fn select_cursor(connection: &Connection, router: RouterId) -> Result<Option<Cursor>> {
    connection.query_optional(
        "SELECT s.name, c.after, c.revision FROM cursors AS c
         JOIN streams AS s ON s.id = c.stream WHERE c.router = ?1",
        params![router.0],
        |row| {
            Ok(Cursor {
                stream: row.get(0)?,
                after: unsigned(row.get(1)?),
                revision: unsigned(row.get(2)?),
            })
        },
    )
}

impl Select for EventRecord {
    /// The kind.
    type Filter = Option<String>;

    const BY_TIME: bool = true;

    fn select(connection: &Connection, span: &Span<'_>, kind: &Self::Filter) -> Result<Vec<Self>> {
        let key = span.before.unwrap_or(Key { at: span.until, id: 0 });
        let whose = whose(span, "e.router = ?1");
        let sql = format!(
            "SELECT e.id, e.received, e.at, e.kind, e.message, e.detail, e.seq, s.name, e.router
             FROM events AS e LEFT JOIN streams AS s ON s.id = e.stream
             WHERE {whose} AND e.at >= ?2 AND e.at <= ?3 AND (e.at < ?3 OR e.id < ?4)
             AND (?5 IS NULL OR e.kind = ?5)
             ORDER BY e.at DESC, e.id DESC LIMIT ?6 OFFSET ?7"
        );
        let (router, kind) = (span.router.map(|router| router.0), kind.as_deref());
        connection.query(
            &sql,
            params![router, span.from, key.at, key.id, kind, span.limit, span.offset],
            |row| {
                let detail: Option<String> = row.get(5)?;
                Ok(Self {
                    id: row.get(0)?,
                    router: span.name(RouterId(row.get(8)?)),
                    received: row.get(1)?,
                    at: row.get(2)?,
                    kind: row.get(3)?,
                    message: row.get(4)?,
                    detail: detail.and_then(|text| serde_json::from_str(&text).ok()),
                    seq: row.get::<Option<i64>>(6)?.map(unsigned),
                    stream: row.get(7)?,
                })
            },
        )
    }

    fn key(&self) -> Key {
        Key { at: self.at, id: self.id }
    }
}
