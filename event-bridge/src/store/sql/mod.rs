//! One way to put statements to the engines. A statement is written once, in what they have
//! in common, with the parameters `?1`, `?2` …; `dialect` has the few words that differ.
//!
//! Everything blocks: the store has threads for that.

mod dialect;
mod error;
mod server;
mod value;

use std::ops::ControlFlow;

use sqlx::{MySql, Postgres};

use super::samples::unsigned;
use super::tables::Table;

pub(super) use self::error::Trouble;
pub(super) use self::error::{Error, Result};
pub(super) use self::server::Server;
pub(super) use self::value::{Row, Value, params};

/// Different statements in the store, and more.
pub(super) const STATEMENTS: usize = 128;

/// A connection to a database of ours.
pub(super) enum Connection {
    /// A file.
    Sqlite(rusqlite::Connection),
    /// And what speaks its protocol.
    Postgres(Server<Postgres>),
    /// And MariaDB.
    MySql(Server<MySql>),
}

impl Connection {
    pub(super) fn is_of_server(&self) -> bool {
        !matches!(self, Self::Sqlite(_))
    }

    /// Is the other side still there? A file always is.
    pub(super) fn answers(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(_) | Self::MySql(_) => self.command("SELECT 1").is_ok(),
        }
    }

    /// Gives how many rows were inserted, changed or deleted.
    pub(super) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        match self {
            Self::Sqlite(file) => {
                let mut statement = file.prepare_cached(sql)?;
                Ok(statement.execute(rusqlite::params_from_iter(values))? as u64)
            }
            Self::Postgres(server) => Ok(server.execute(sql, values)?.rows_affected()),
            Self::MySql(server) => Ok(server.execute(sql, values)?.rows_affected()),
        }
    }

    /// Inserts a row of a table whose `id` the engine gives; `None`: it was there already.
    pub(super) fn insert(&self, sql: &str, values: &[Value<'_>]) -> Result<Option<i64>> {
        match self {
            Self::Sqlite(file) => {
                let inserted = self.execute(sql, values)?;
                Ok((inserted > 0).then(|| file.last_insert_rowid()))
            }
            Self::Postgres(server) => server.insert(sql, values),
            Self::MySql(server) => {
                let done = server.execute(sql, values)?;
                let id = i64::try_from(done.last_insert_id()).unwrap_or(i64::MAX);
                Ok((done.rows_affected() > 0).then_some(id))
            }
        }
    }

    /// Shows one row after the other, as long as `row` wants to see more.
    fn scan(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut row: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        match self {
            Self::Sqlite(file) => {
                let mut statement = file.prepare_cached(sql)?;
                let mut rows = statement.query(rusqlite::params_from_iter(values))?;
                while let Some(next) = rows.next()? {
                    if row(&Row::Sqlite(next))?.is_break() {
                        break;
                    }
                }
                Ok(())
            }
            Self::Postgres(server) => server.scan(sql, values, |next| row(&Row::Postgres(next))),
            Self::MySql(server) => server.scan(sql, values, |next| row(&Row::MySql(next))),
        }
    }

    /// Shows all rows, one after the other.
    pub(super) fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut row: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        self.scan(sql, values, |next| row(next).map(ControlFlow::Continue))
    }

    /// All rows.
    pub(super) fn query<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.each(sql, values, |next| row(next).map(|value| found.push(value)))?;
        Ok(found)
    }

    /// The first row, if there is one.
    pub(super) fn query_optional<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut found = None;
        self.scan(sql, values, |next| {
            found = Some(row(next)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Of a question that always has one answer.
    pub(super) fn query_one<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.query_optional(sql, values, row)?.ok_or(Error::NoRow)
    }

    /// Is there any row?
    pub(super) fn exists(&self, sql: &str, values: &[Value<'_>]) -> Result<bool> {
        Ok(self.query_optional(sql, values, |_| Ok(()))?.is_some())
    }

    /// For work that no poll waits for: a question about all rows takes as long as it takes.
    pub(super) fn take_time(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(server) => server.take_time(
                "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0",
            ),
            Self::MySql(server) => server.take_time(if server.is_mariadb()? {
                "SET SESSION max_statement_time = 0"
            } else {
                "SET SESSION max_execution_time = 0"
            }),
        }
    }

    /// Begins a transaction, as the only one that writes: two bridges take turns.
    pub(super) fn begin(&self) -> Result<()> {
        const TURN: &str = "SELECT value FROM facts WHERE name = 'writer' FOR UPDATE";
        match self {
            Self::Sqlite(_) => self.command("BEGIN IMMEDIATE"),
            Self::Postgres(_) | Self::MySql(_) => {
                self.command("BEGIN")?;
                self.query_one(TURN, &[], |_| Ok(()))
            }
        }
    }

    pub(super) fn commit(&self) -> Result<()> {
        self.command("COMMIT")
    }

    pub(super) fn roll_back(&self) -> Result<()> {
        self.command("ROLLBACK")
    }

    /// What has neither parameters nor an answer.
    pub(super) fn command(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(file) => file.prepare_cached(sql)?.execute([]).map(|_| ())?,
            Self::Postgres(server) => server.batch(sql)?,
            Self::MySql(server) => server.batch(sql)?,
        }
        Ok(())
    }

    /// Several questions about one moment, whatever is stored in between.
    pub(super) fn at_one_moment<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.command(match self {
            Self::Sqlite(_) => "BEGIN",
            Self::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Self::MySql(_) => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        })?;
        let found = work();
        // Nothing was written; a connection that cannot even do this is used no more.
        let ended = self.roll_back();
        found.and_then(|found| ended.map(|()| found))
    }

    /// After rows were inserted with numbers of their own: the engine goes on behind the last.
    pub(super) fn number_on(&self, tables: &[Table]) -> Result<()> {
        let Self::Postgres(server) = self else { return Ok(()) };
        tables.iter().filter(|table| table.is_numbered()).try_for_each(|Table { name, .. }| {
            server.batch(&format!(
                "SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}
                 HAVING max(id) > 0"
            ))
        })
    }

    /// Of a table and its indexes, as its server counts them.
    pub(super) fn table_bytes(&self, name: &str) -> Result<u64> {
        let sql = match self {
            Self::Sqlite(_) => "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name = ?1",
            Self::Postgres(_) => "SELECT pg_total_relation_size(to_regclass(?1))",
            Self::MySql(_) => {
                "SELECT CAST(coalesce(sum(data_length + index_length), 0) AS BIGINT)
                 FROM information_schema.tables
                 WHERE table_schema = database() AND table_name = ?1"
            }
        };
        self.query_one(sql, params![name], |row| row.get(0)).map(unsigned)
    }

    /// Of a file without what deleted rows have left free; of a server's database, all of it.
    /// No table is read.
    pub(super) fn used_bytes(&self) -> Result<u64> {
        let sql = match self {
            Self::Sqlite(_) => {
                "SELECT (page_count - freelist_count) * page_size
                 FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
            }
            Self::Postgres(_) => "SELECT pg_database_size(current_database())",
            Self::MySql(_) => {
                "SELECT CAST(coalesce(sum(data_length + index_length), 0) AS BIGINT)
                 FROM information_schema.tables WHERE table_schema = database()"
            }
        };
        self.query_one(sql, &[], |row| row.get(0)).map(unsigned)
    }
}
