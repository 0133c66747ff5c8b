//! SQL of deleting: in batches, so that no poll waits, and only what was added up.

use super::facts::{self, CLEANED, ROWS_SINCE};
use super::records::Extent;
use super::samples::signed;
use super::slices;
use super::sql::{Connection, Result, Value, params};
use crate::history::hour::HOUR;
use crate::record::Millis;

/// Deletes at most `limit` samples with their pings, and as many events and gaps, from before
/// `before`; gives how many rows those were. Zero: there are no more, or an hour among them
/// has first to be added up.
pub(super) fn delete_rows(connection: &Connection, before: Millis, limit: u64) -> Result<u64> {
    let is_due = connection
        .exists("SELECT 1 FROM hours_due WHERE hour < ?1", params![before.div_euclid(HOUR)])?;
    if is_due {
        return Ok(0);
    }
    let kept = facts::select(connection, ROWS_SINCE)?.map_or(before, |kept| kept.max(before));
    facts::put(connection, ROWS_SINCE, kept)?;
    // By the index of each router. Events of a clock that is not right yet have another day.
    const OLD: [Old; 3] = [
        Old {
            keys: "SELECT s.id FROM routers AS r CROSS JOIN samples AS s
                   ON s.router = r.id AND s.at < ?1 LIMIT ?2",
            columns: 1,
            delete: "DELETE FROM samples WHERE id",
        },
        Old {
            keys: "SELECT e.id FROM routers AS r CROSS JOIN events AS e
                   ON e.router = r.id AND e.at < ?1 AND e.received < ?1 LIMIT ?2",
            columns: 1,
            delete: "DELETE FROM events WHERE id",
        },
        Old {
            keys: "SELECT router, start FROM gaps WHERE until < ?1 LIMIT ?2",
            columns: 2,
            delete: "DELETE FROM gaps WHERE router = ?1 AND start = ?2",
        },
    ];
    slices::delete(connection, before)?;
    delete(connection, &OLD, before, limit)
}

/// The same for hours, drops, starts of routers and alerts.
pub(super) fn delete_hours(connection: &Connection, before: Millis, limit: u64) -> Result<u64> {
    const HOURS: [Old; 2] = [
        Old {
            keys: "SELECT router, hour FROM hours WHERE hour < ?1 LIMIT ?2",
            columns: 2,
            delete: "DELETE FROM hours WHERE router = ?1 AND hour = ?2",
        },
        Old {
            keys: "SELECT target, hour FROM hour_pings WHERE hour < ?1 LIMIT ?2",
            columns: 2,
            delete: "DELETE FROM hour_pings WHERE target = ?1 AND hour = ?2",
        },
    ];
    const OTHERS: [Old; 3] = [
        Old {
            keys: "SELECT id FROM drops WHERE coalesce(until, start) < ?1 LIMIT ?2",
            columns: 1,
            delete: "DELETE FROM drops WHERE id",
        },
        Old {
            keys: "SELECT router, stream, seq FROM boots WHERE at < ?1 LIMIT ?2",
            columns: 3,
            delete: "DELETE FROM boots WHERE router = ?1 AND stream = ?2 AND seq = ?3",
        },
        Old {
            keys: "SELECT id FROM alerts WHERE received < ?1 LIMIT ?2",
            columns: 1,
            delete: "DELETE FROM alerts WHERE id",
        },
    ];
    Ok(delete(connection, &HOURS, before.div_euclid(HOUR), limit)?
        + delete(connection, &OTHERS, before, limit)?)
}

/// Rows of a table that can go: found first, for not every engine deletes as many as it is
/// told of what it has found itself.
struct Old {
    /// Their keys, of those before `?1` at most `?2`.
    keys: &'static str,
    columns: usize,
    /// Of one column without its condition: many go at once.
    delete: &'static str,
}

/// Keys in one statement.
const ROWS_AT_ONCE: usize = 100;

fn delete(connection: &Connection, tables: &[Old], before: i64, limit: u64) -> Result<u64> {
    let mut deleted = 0;
    for Old { keys, columns, delete } in tables {
        let keys: Vec<Vec<Value<'_>>> =
            connection.query(keys, params![before, signed(limit)], |row| {
                (0..*columns).map(|column| row.get::<i64>(column).map(Value::from)).collect()
            })?;
        if *columns == 1 {
            // A server is far away for one row at a time.
            for keys in keys.concat().chunks(ROWS_AT_ONCE) {
                let places: Vec<String> = (1..=keys.len()).map(|at| format!("?{at}")).collect();
                let sql = format!("{delete} IN ({})", places.join(", "));
                deleted += connection.execute(&sql, keys)?;
            }
        } else {
            for key in keys {
                deleted += connection.execute(delete, &key)?;
            }
        }
    }
    Ok(deleted)
}

/// How far the rows reach, and how much room they take.
pub(super) fn select_extent(connection: &Connection) -> Result<Extent> {
    let (oldest, newest) = connection.query_one(
        "SELECT min((SELECT at FROM samples WHERE router = r.id ORDER BY at LIMIT 1)),
         max((SELECT at FROM samples WHERE router = r.id ORDER BY at DESC LIMIT 1))
         FROM routers AS r",
        params![],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let cleaned = facts::select(connection, CLEANED)?;
    Ok(Extent { oldest, newest, used_bytes: connection.used_bytes()?, cleaned })
}
