//! A connection to a server: asks, and waits for the answer.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{
    Arguments, AssertSqlSafe, ConnectOptions, Database, Encode, Executor, IntoArguments, MySql,
    Postgres, Type,
};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::dialect::{self, Statement};
use super::{Error, Result, Row, STATEMENTS, Value};

/// For a statement, also one that waits for another bridge's transaction: the server ends it, so
/// that no lock is held for an answer that nobody takes.
const SECONDS: u64 = if cfg!(test) { 2 } else { 15 };

/// For a server that does not even end it.
const PATIENCE: Duration = Duration::from_secs(SECONDS + 5);

/// For whoever reads all of a large table.
const UNLIMITED: Duration = Duration::from_secs(24 * 3600);

/// For a connection with its TLS. A server that is there answers in milliseconds.
const CONNECTING: Duration = Duration::from_secs(5);

/// See the module.
pub(in crate::store) struct Server<DB: Database> {
    /// Of this connection alone: it works while its thread waits. `None` while it is dropped.
    runtime: Option<Runtime>,
    link: RefCell<DB::Connection>,
    /// An answer was not waited for to its end, so the next one would be taken for it.
    is_broken: Cell<bool>,
    patience: Cell<Duration>,
    translate: fn(&str) -> Statement,
    statements: RefCell<HashMap<String, Arc<Statement>>>,
}

impl Server<Postgres> {
    pub(in crate::store) fn connect(options: &PgConnectOptions) -> Result<Self> {
        let options = options
            .clone()
            .application_name("netmonitor-bridge")
            .statement_cache_capacity(STATEMENTS)
            .disable_statement_logging();
        let server = Self::open(&options, dialect::postgres)?;
        server.batch(&format!(
            "SET statement_timeout = '{SECONDS}s'; SET lock_timeout = '{SECONDS}s';
             SET idle_in_transaction_session_timeout = '60s';
             SET default_transaction_isolation = 'read committed'",
        ))?;
        Ok(server)
    }

    /// See `Connection::insert`.
    pub(super) fn insert(&self, sql: &str, values: &[Value<'_>]) -> Result<Option<i64>> {
        let statement = self.statement(sql, |statement| {
            let text = format!("{} RETURNING id", statement.text).into();
            Statement { text, ..statement }
        });
        let mut id = None;
        self.look(&statement, values, |row| {
            id = Some(Row::Postgres(row).get(0)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(id)
    }
}

impl Server<MySql> {
    pub(in crate::store) fn connect(options: &MySqlConnectOptions) -> Result<Self> {
        let options =
            options.clone().statement_cache_capacity(STATEMENTS).disable_statement_logging();
        let server = Self::open(&options, dialect::mysql)?;
        // The bridge itself is router 0.
        server.batch(&format!(
            "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ANSI_QUOTES,\
             NO_ENGINE_SUBSTITUTION,PIPES_AS_CONCAT';
             SET SESSION innodb_lock_wait_timeout = {SECONDS}; SET SESSION wait_timeout = 28800;
             SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        ))?;
        server.batch(&if server.is_mariadb()? {
            format!("SET SESSION max_statement_time = {SECONDS}")
        } else {
            format!("SET SESSION max_execution_time = {}", SECONDS * 1000)
        })?;
        Ok(server)
    }

    pub(in crate::store) fn is_mariadb(&self) -> Result<bool> {
        let mut is_mariadb = false;
        self.scan("SELECT version()", &[], |row| {
            is_mariadb = Row::MySql(row).get::<String>(0)?.contains("MariaDB");
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(is_mariadb)
    }
}

impl<DB: Database> Server<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'t> Option<i64>: Encode<'t, DB> + Type<DB>,
    for<'t> Option<String>: Encode<'t, DB> + Type<DB>,
    DB::Arguments: IntoArguments<DB>,
{
    fn open(
        options: &impl ConnectOptions<Connection = DB::Connection>,
        translate: fn(&str) -> Statement,
    ) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Waiting)?;
        let connected = runtime.block_on(async { timeout(CONNECTING, options.connect()).await });
        let connected = match connected {
            Ok(connected) => connected.map_err(Error::from),
            Err(_) => Err(Error::Late(CONNECTING)),
        };
        let link = match connected {
            Ok(link) => RefCell::new(link),
            Err(error) => {
                // It may still be looking up the name, which nobody waits for.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        Ok(Self {
            runtime: Some(runtime),
            link,
            is_broken: Cell::new(false),
            patience: Cell::new(PATIENCE),
            translate,
            statements: RefCell::default(),
        })
    }

    pub(super) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<DB::QueryResult> {
        let statement = self.statement(sql, |statement| statement);
        let query = self.filled(&statement, values)?;
        self.wait(async |link| query.execute(link).await)
    }

    /// See `Connection::scan`. What is not looked at is read and dropped before the next answer.
    pub(super) fn scan(
        &self,
        sql: &str,
        values: &[Value<'_>],
        row: impl FnMut(&DB::Row) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let statement = self.statement(sql, |statement| statement);
        self.look(&statement, values, row)
    }

    /// Statements may take as long as they want; `unlimited` tells the server.
    pub(super) fn take_time(&self, unlimited: &str) -> Result<()> {
        self.patience.set(UNLIMITED);
        self.batch(unlimited)
    }

    /// Statements without parameters, told as they are.
    pub(in crate::store) fn batch(&self, sql: &str) -> Result<()> {
        let batch = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        self.wait(async |link| batch.execute(link).await.map(|_| ()))
    }

    fn look(
        &self,
        statement: &Statement,
        values: &[Value<'_>],
        mut row: impl FnMut(&DB::Row) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let query = self.filled(statement, values)?;
        self.wait(async |link| {
            let mut rows = query.fetch(link);
            while let Some(next) = rows.try_next().await? {
                match row(&next) {
                    Ok(ControlFlow::Continue(())) => {}
                    done => return Ok(done.map(|_| ())),
                }
            }
            Ok(Ok(()))
        })?
    }

    fn filled(
        &self,
        statement: &Statement,
        values: &[Value<'_>],
    ) -> Result<sqlx::query::Query<'static, DB, DB::Arguments>> {
        let mut arguments = DB::Arguments::default();
        for place in &statement.order {
            match values[*place] {
                Value::Int(number) => arguments.add(number),
                Value::Text(text) => arguments.add(text.map(|text| without_nul(text).into_owned())),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(sqlx::query_with(AssertSqlSafe(statement.text.clone()), arguments))
    }

    fn wait<T>(&self, work: impl AsyncFnOnce(&mut DB::Connection) -> sqlx::Result<T>) -> Result<T> {
        let patience = self.patience.get();
        let late = || Error::Late(patience);
        let runtime = self.runtime.as_ref().filter(|_| !self.is_broken.get()).ok_or_else(late)?;
        let link = &mut *self.link.borrow_mut();
        let done = runtime.block_on(async { timeout(patience, work(link)).await });
        self.is_broken.set(done.is_err());
        Ok(done.map_err(|_| late())??)
    }

    fn statement(&self, sql: &str, finish: impl FnOnce(Statement) -> Statement) -> Arc<Statement> {
        let mut statements = self.statements.borrow_mut();
        if let Some(known) = statements.get(sql) {
            return known.clone();
        }
        let statement = Arc::new(finish((self.translate)(sql)));
        statements.insert(sql.to_owned(), statement.clone());
        statement
    }
}

impl<DB: Database> Drop for Server<DB> {
    /// A runtime that is only dropped waits for its tasks, which no other one allows.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// PostgreSQL has no place for it in a text.
fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}
