//! SQL of deleting: in batches, so that no poll waits, and only what was added up.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::records::Extent;
use super::samples::{signed, unsigned};
use crate::history::hour::HOUR;
use crate::record::Millis;

/// Deletes at most `limit` samples with their pings, and as many events and gaps, from before
/// `before`; gives how many rows those were. Zero: there are no more, or an hour among them
/// has first to be added up.
pub(super) fn delete_rows(connection: &Connection, before: Millis, limit: u64) -> Result<u64> {
    let is_due = connection
        .prepare_cached("SELECT 1 FROM hours_due WHERE hour < ?1")?
        .exists([before.div_euclid(HOUR)])?;
    if is_due {
        return Ok(0);
    }
    connection
        .prepare_cached(
            "INSERT INTO facts (name, value) VALUES ('rows_since', ?1)
             ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
        )?
        .execute([before])?;
    // By the index of each router. Events of a clock that is not right yet have another day.
    let steps = [
        "DELETE FROM samples WHERE id IN (SELECT s.id FROM routers AS r CROSS JOIN samples AS s
         ON s.router = r.id AND s.at < ?1 LIMIT ?2)",
        "DELETE FROM events WHERE id IN (SELECT e.id FROM routers AS r CROSS JOIN events AS e
         ON e.router = r.id AND e.at < ?1 AND e.received < ?1 LIMIT ?2)",
        "DELETE FROM gaps WHERE (router, start) IN
         (SELECT router, start FROM gaps WHERE until < ?1 LIMIT ?2)",
    ];
    delete(connection, &steps, before, limit)
}

/// The same for hours, drops, starts of routers and alerts.
pub(super) fn delete_hours(connection: &Connection, before: Millis, limit: u64) -> Result<u64> {
    let hours = [
        "DELETE FROM hours WHERE (router, hour) IN
         (SELECT router, hour FROM hours WHERE hour < ?1 LIMIT ?2)",
        "DELETE FROM hour_pings WHERE (target, hour) IN
         (SELECT target, hour FROM hour_pings WHERE hour < ?1 LIMIT ?2)",
    ];
    let others = [
        "DELETE FROM drops WHERE id IN
         (SELECT id FROM drops WHERE coalesce(until, start) < ?1 LIMIT ?2)",
        "DELETE FROM boots WHERE (router, stream, seq) IN
         (SELECT router, stream, seq FROM boots WHERE at < ?1 LIMIT ?2)",
        "DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE received < ?1 LIMIT ?2)",
    ];
    Ok(delete(connection, &hours, before.div_euclid(HOUR), limit)?
        + delete(connection, &others, before, limit)?)
}

fn delete(connection: &Connection, steps: &[&str], before: i64, limit: u64) -> Result<u64> {
    let mut deleted = 0;
    for step in steps {
        deleted += connection.prepare_cached(step)?.execute(params![before, signed(limit)])?;
    }
    Ok(deleted as u64)
}

/// How far the rows reach, and how much of the file is used.
pub(super) fn select_extent(connection: &Connection) -> Result<Extent> {
    let (oldest, newest) = connection
        .prepare_cached(
            "SELECT min((SELECT min(at) FROM samples WHERE router = r.id)),
                    max((SELECT max(at) FROM samples WHERE router = r.id)) FROM routers AS r",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let used_bytes = select_used_bytes(connection)?;
    let cleaned = connection
        .prepare_cached("SELECT value FROM facts WHERE name = 'cleaned'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(Extent { oldest, newest, used_bytes, cleaned })
}

/// Of the file, without what deleted rows have left free. No table is read.
pub(super) fn select_used_bytes(connection: &Connection) -> Result<u64> {
    let pragma = |sql: &str| -> Result<u64> {
        connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).map(unsigned)
    };
    let pages = pragma("PRAGMA page_count")?.saturating_sub(pragma("PRAGMA freelist_count")?);
    Ok(pages * pragma("PRAGMA page_size")?)
}

/// The last clean-up.
pub(super) fn insert_cleaned(connection: &Connection, at: Millis) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO facts (name, value) VALUES ('cleaned', ?1)
             ON CONFLICT DO UPDATE SET value = excluded.value",
        )?
        .execute([at])?;
    Ok(())
}
