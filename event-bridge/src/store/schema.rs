//! Opens files: is it ours, which settings and which tables has it.
//! Called by the writer, the readers, backup and check. Never moves or removes a file.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::database::Database;
use super::error::StoreError;
use super::sql::STATEMENTS;

/// Only appended to: a released migration is never changed.
const STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/sqlite/0001_history.sql")),
    M::up(include_str!("migrations/sqlite/0002_years.sql")),
    M::up(include_str!("migrations/sqlite/0003_alert_router.sql")),
];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// The newest schema that this program knows.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// `NMBr`; set by the first migration.
const APPLICATION_ID: i64 = 1_313_686_130;

/// Longer than any statement of ours or a checkpoint on a slow SD card; other programs (the
/// sqlite3 shell) may hold the lock for as long.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Of the writer: the pages at the ends of all tables and indexes for 1,000 routers do not
/// fit, those for 50 do. Resident memory with one router is to stay under 15 MB.
const WRITER_CACHE_KIB: i64 = 2048;

/// Of each reader: a day of one router's pages.
const READER_CACHE_KIB: i64 = 512;

/// A WAL that grew while a reader was slow is cut back to this.
const JOURNAL_SIZE_LIMIT: i64 = 8 * 1024 * 1024;

/// What a file is before it is opened for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, or an empty database.
    Empty,
    /// Ours, with this schema.
    Ours(i64),
}

/// Looks at the file without changing it.
pub(super) fn look(path: &Path) -> Result<Kind, StoreError> {
    if path.is_dir() {
        return Err(StoreError::IsFolder { path: path.to_owned() });
    }
    let parent = folder_of(path);
    if !parent.is_dir() {
        return Err(StoreError::NoFolder { path: path.to_owned(), parent: parent.to_owned() });
    }
    if std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        let connection = open_to_read(path)?;
        kind(path, &connection)
    } else {
        Ok(Kind::Empty)
    }
}

/// The folder that a file is in; of a bare name the current one.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// # Errors
/// A file that is not ours, or newer than this program.
pub(super) fn kind(path: &Path, connection: &Connection) -> Result<Kind, StoreError> {
    let number = |sql: &str| {
        connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(StoreError::at(path))
    };
    let owner = number("PRAGMA application_id")?;
    let found = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema WHERE type = 'table'")?;
    let known_names = number(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table'
         AND name IN ('network_status', 'ping_results', 'network_events')",
    )?;
    let path = path.to_owned();
    match (owner, found) {
        (APPLICATION_ID, found) if found > VERSION => {
            Err(StoreError::TooNew { database: Database::File(path), found, known: VERSION })
        }
        (APPLICATION_ID, found) => Ok(Kind::Ours(found)),
        (0, 0) if tables == 0 => Ok(Kind::Empty),
        (0, _) if known_names > 0 => Err(StoreError::Legacy { path }),
        (_, _) => Err(StoreError::Foreign { path }),
    }
}

/// The writer's connection, with all tables; the file is made if there is none.
/// A database named by a URI stays a file name.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, StoreError> {
    let failed = StoreError::at(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(&failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(&failed)?;
    kind(path, &connection)?;
    // Of no effect once there are tables, so it comes first.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(&failed)?;
    // After a power cut the last commits may be gone, never the file: they are polled again.
    connection.pragma_update(None, "journal_mode", "WAL").map_err(&failed)?;
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(&failed)?;
    connection.pragma_update(None, "journal_size_limit", JOURNAL_SIZE_LIMIT).map_err(&failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(&failed)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(&failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    MIGRATIONS.to_latest(&mut connection).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => failed(err),
        other => failed(rusqlite::Error::ToSqlConversionFailure(Box::new(other))),
    })?;
    Ok(connection)
}

/// A connection that cannot change anything.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let failed = StoreError::at(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(&failed)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB).map_err(&failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Is every page of the file what it should be?
pub(super) fn quick_check(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    verify(path, connection, "PRAGMA quick_check(1)")
}

/// As above, and do the indexes agree with their tables.
pub(super) fn integrity_check(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    verify(path, connection, "PRAGMA integrity_check(1)")
}

fn verify(path: &Path, connection: &Connection, sql: &str) -> Result<(), StoreError> {
    let found: String =
        connection.query_row(sql, [], |row| row.get(0)).map_err(StoreError::at(path))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(StoreError::Corrupt { path: path.to_owned(), reason: found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_valid() {
        MIGRATIONS.validate().unwrap();
    }

    #[test]
    fn settings_are_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("netmonitor.db");
        let connection = open_to_write(&path).unwrap();
        let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(number("PRAGMA auto_vacuum"), 2);
        assert_eq!(number("PRAGMA synchronous"), 1);
        assert_eq!(number("PRAGMA foreign_keys"), 1);
        assert_eq!(number("PRAGMA journal_size_limit"), JOURNAL_SIZE_LIMIT);
        assert_eq!(number("PRAGMA user_version"), VERSION);
        let mode: String =
            connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        assert_eq!(look(&path).unwrap(), Kind::Ours(VERSION));
    }

    #[test]
    fn alerts_of_an_older_file_know_their_router() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("netmonitor.db");
        let mut old = Connection::open(&path).unwrap();
        MIGRATIONS.to_version(&mut old, 2).unwrap();
        old.execute_batch(
            "INSERT INTO alerts (fingerprint, status, starts_at, received, name, labels, annotations)
             VALUES ('a', 'firing', 1, 1, 'WanDown', '{\"router\":\"gw\"}', '{}'),
                    ('b', 'firing', 1, 1, 'BridgeDown', '{}', '{}')",
        )
        .unwrap();
        drop(old);
        assert_eq!(look(&path).unwrap(), Kind::Ours(2));
        let new = open_to_write(&path).unwrap();
        let mut routers = new.prepare("SELECT router FROM alerts ORDER BY id").unwrap();
        let routers = routers.query_map([], |row| row.get(0)).unwrap();
        let routers: Vec<Option<String>> = routers.map(Result::unwrap).collect();
        assert_eq!(routers, [Some("gw".to_owned()), None]);
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("netmonitor.db");
        drop(open_to_write(&path).unwrap());
        let error = open_to_read(&path).unwrap().execute("DELETE FROM routers", []).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::ReadOnly));
    }
}
