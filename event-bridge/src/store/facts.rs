//! SQL of single numbers that outlive a restart.

use super::sql::{Connection, Result, params};

/// From here on no row has been deleted.
pub(super) const ROWS_SINCE: &str = "rows_since";

/// When the last clean-up was.
pub(super) const CLEANED: &str = "cleaned";

/// When the last backup was made.
pub(super) const LAST_BACKUP: &str = "last_backup";

pub(super) fn select(connection: &Connection, name: &str) -> Result<Option<i64>> {
    connection
        .query_optional("SELECT value FROM facts WHERE name = ?1", params![name], |row| row.get(0))
}

pub(super) fn delete(connection: &Connection, name: &str) -> Result<()> {
    connection.execute("DELETE FROM facts WHERE name = ?1", params![name]).map(|_| ())
}

pub(super) fn put(connection: &Connection, name: &str, value: i64) -> Result<()> {
    connection.execute(
        "INSERT INTO facts (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![name, value],
    )?;
    Ok(())
}
