//! `check`: is the database whole, and what is in it. Changes nothing.

use std::fmt;
use std::path::Path;

use rusqlite::Connection;

use super::database::Database;
use super::error::StoreError;
use super::health::{Shared, beside};
use super::samples::unsigned;
use super::sql::Result as SqlResult;
use super::tables::{self, TABLES};
use super::{copy, open, schema};

/// Problems that are listed; the first few tell what is wrong.
const MAX_PROBLEMS: usize = 20;

/// What was found in a database.
#[derive(Debug, Clone)]
pub struct Report {
    /// As given.
    pub database: Database,
    /// Of the tables.
    pub schema: i64,
    /// Of all of it.
    pub bytes: u64,
    /// What only a file has.
    pub file: Option<FileBytes>,
    /// By name.
    pub tables: Vec<Table>,
    /// In SQLite's words; none: it is whole. A server looks after that itself.
    pub problems: Vec<String>,
}

/// What a file has beside its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileBytes {
    /// Of those of the file: what deleted rows have left and new ones will take.
    pub free: u64,
    /// Of the write-ahead log beside it.
    pub wal: u64,
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
pub fn check(database: impl Into<Database>) -> Result<Report, StoreError> {
    match database.into() {
        Database::File(path) => check_file(&path),
        // Connections to servers wait in a runtime of their own, which no other one allows.
        database @ Database::Server(_) => std::thread::scope(|scope| {
            let checked = scope.spawn(|| check_server(&Shared::new(database.clone(), 0))).join();
            checked.unwrap_or_else(|_| Err(StoreError::Closed { database: database.clone() }))
        }),
    }
}

/// Asks for each row once; the pages are the server's.
fn check_server(shared: &Shared) -> Result<Report, StoreError> {
    let connection = open::to_read(shared)?;
    let Some(schema) = open::known(shared, &connection)? else {
        return Err(StoreError::Nothing { database: shared.database.clone() });
    };
    let failed = StoreError::by(&shared.database);
    connection.take_time().map_err(&failed)?;
    let table = |table: &tables::Table| {
        let (name, rows) = (table.name.to_owned(), copy::count(&connection, table)?);
        Ok(Table { rows, bytes: connection.table_bytes(&name)?, name })
    };
    let mut tables: Vec<Table> =
        TABLES.iter().map(table).collect::<SqlResult<_>>().map_err(&failed)?;
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Report {
        database: shared.database.clone(),
        schema,
        bytes: connection.used_bytes().map_err(&failed)?,
        file: None,
        tables,
        problems: Vec::new(),
    })
}

fn check_file(database: &Path) -> Result<Report, StoreError> {
    if !database.exists() {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(StoreError::file("reading the database", database)(missing));
    }
    let schema = match schema::look(database)? {
        schema::Kind::Ours(version) => version,
        schema::Kind::Empty => return Err(StoreError::Foreign { path: database.to_owned() }),
    };
    let connection = schema::open_to_read(database)?;
    let read = StoreError::at(database);
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let mut report = Report {
        database: database.into(),
        schema,
        bytes: bytes(database),
        file: Some(FileBytes {
            free: select_free_bytes(&connection).map_err(&read)?,
            wal: bytes(&beside(database, "-wal")),
        }),
        tables: Vec::new(),
        problems: select_problems(&connection).map_err(&read)?,
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
        let Self { database, schema, bytes, .. } = self;
        let verdict = match self.file {
            Some(_) if self.is_good() => "whole, ",
            Some(_) => "DAMAGED, ",
            None => "",
        };
        writeln!(f, "database {database}: {verdict}schema {schema}")?;
        match self.file {
            Some(FileBytes { free, wal }) => {
                writeln!(f, "{bytes} bytes, {free} of them free; write-ahead log {wal} bytes")?;
            }
            None => writeln!(f, "{bytes} bytes, as the server counts them")?,
        }
        writeln!(f, "{:12} {:>12} {:>14} {:>10}", "table", "rows", "bytes", "bytes/row")?;
        for Table { name, rows, bytes } in &self.tables {
            let each = bytes.checked_div(*rows).map_or("-".to_owned(), |each| each.to_string());
            writeln!(f, "{name:12} {rows:>12} {bytes:>14} {each:>10}")?;
        }
        self.problems.iter().try_for_each(|problem| writeln!(f, "problem: {problem}"))
    }
}
