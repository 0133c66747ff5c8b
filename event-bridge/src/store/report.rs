//! `check`: is the database whole, and what is in it. Changes nothing.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::StoreError;
use super::health::beside;
use super::samples::unsigned;
use super::schema;

/// Problems that are listed; the first few tell what is wrong.
const MAX_PROBLEMS: usize = 20;

/// What was found in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// As given.
    pub path: PathBuf,
    /// Of the tables.
    pub schema: i64,
    /// Of the file.
    pub bytes: u64,
    /// Of the write-ahead log.
    pub wal_bytes: u64,
    /// Of them, those that deleted rows have left and new ones will take.
    pub free_bytes: u64,
    /// By name.
    pub tables: Vec<Table>,
    /// In SQLite's words; none: it is whole.
    pub problems: Vec<String>,
}

/// A table and its indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// How many.
    pub rows: u64,
    /// Pages of the table and its indexes.
    pub bytes: u64,
}

impl Report {
    /// Nothing is damaged.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Reads the whole database.
///
/// # Errors
/// A file that is not there, not ours, newer, or so damaged that not even its tables can be
/// read; lesser damage is in [`Report::problems`].
pub fn check(database: &Path) -> Result<Report, StoreError> {
    if !database.exists() {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(StoreError::file("reading the database", database)(missing));
    }
    let schema = match schema::look(database)? {
        schema::Kind::Ours(version) => version,
        schema::Kind::Empty => return Err(StoreError::Foreign { path: database.to_owned() }),
    };
    let connection = schema::open_to_read(database)?;
    let read = |error| StoreError::of(database, error);
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let mut report = Report {
        path: database.to_owned(),
        schema,
        bytes: bytes(database),
        wal_bytes: bytes(&beside(database, "-wal")),
        free_bytes: select_free_bytes(&connection).map_err(read)?,
        tables: Vec::new(),
        problems: select_problems(&connection).map_err(read)?,
    };
    match select_tables(&connection) {
        Ok(tables) => report.tables = tables,
        // Damage that the check has found is in the way of counting, too.
        Err(_) if !report.is_good() => {}
        Err(error) => return Err(read(error)),
    }
    Ok(report)
}

fn select_problems(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut problems: Vec<String> = connection
        .prepare(&format!("PRAGMA integrity_check({MAX_PROBLEMS})"))?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    problems.retain(|problem| problem != "ok");
    let orphans: i64 =
        connection
            .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
    if orphans > 0 {
        problems.push(format!("{orphans} rows refer to rows that are not there"));
    }
    Ok(problems)
}

fn select_free_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row(
        "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size",
        [],
        |row| row.get(0).map(unsigned),
    )
}

fn select_tables(connection: &Connection) -> rusqlite::Result<Vec<Table>> {
    let mut tables: Vec<Table> = connection
        .prepare(
            "SELECT s.tbl_name, sum(d.pgsize) FROM dbstat AS d
             JOIN sqlite_schema AS s ON s.name = d.name
             WHERE d.aggregate = 1 AND s.tbl_name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             GROUP BY 1 ORDER BY 1",
        )?
        .query_map([], |row| {
            Ok(Table { name: row.get(0)?, rows: 0, bytes: unsigned(row.get(1)?) })
        })?
        .collect::<rusqlite::Result<_>>()?;
    for table in &mut tables {
        let count = format!("SELECT count(*) FROM \"{}\"", table.name);
        table.rows = connection.query_row(&count, [], |row| row.get(0).map(unsigned))?;
    }
    Ok(tables)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_good() { "whole" } else { "DAMAGED" };
        writeln!(f, "database {}: {verdict}, schema {}", self.path.display(), self.schema)?;
        writeln!(
            f,
            "{} bytes, {} of them free; write-ahead log {} bytes",
            self.bytes, self.free_bytes, self.wal_bytes
        )?;
        writeln!(f, "{:12} {:>12} {:>14} {:>10}", "table", "rows", "bytes", "bytes/row")?;
        for Table { name, rows, bytes } in &self.tables {
            let each = bytes.checked_div(*rows).map_or("-".to_owned(), |each| each.to_string());
            writeln!(f, "{name:12} {rows:>12} {bytes:>14} {each:>10}")?;
        }
        self.problems.iter().try_for_each(|problem| writeln!(f, "problem: {problem}"))
    }
}
