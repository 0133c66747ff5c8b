//! Opens connections, to a file or a server; tables of a server are made here, those of a file
//! in `schema`.

use std::time::Duration;

use super::database::{Address, Database, Options};
use super::error::StoreError;
use super::health::Shared;
use super::schema;
use super::slices;
use super::sql::{Connection, Error, Result as SqlResult, Server, params};
use crate::clock;

/// Only appended to: a released migration is never changed. Each engine has the same ones.
const POSTGRES: [&str; 2] = [
    include_str!("migrations/postgres/0001_history.sql"),
    include_str!("migrations/postgres/0002_slices.sql"),
];
const MYSQL: [&str; 2] = [
    include_str!("migrations/mysql/0001_history.sql"),
    include_str!("migrations/mysql/0002_slices.sql"),
];

/// The step after which slices are made of the rows that are there.
const SLICES: i64 = 2;

/// For another bridge that makes the tables just now.
const MIGRATION: Duration = Duration::from_secs(10);

/// The newest schema of servers that this program knows.
const VERSION: i64 = POSTGRES.len() as i64;

/// The connection of the writer; with its tables.
pub(super) fn to_write(shared: &Shared) -> Result<Connection, StoreError> {
    let connection = match &shared.database {
        Database::File(path) => {
            schema::look(path)?;
            return schema::open_to_write(path).map(Connection::Sqlite);
        }
        Database::Server(address) => connect(shared, address)?,
    };
    if known(shared, &connection)? != Some(VERSION) {
        migrate(shared, &connection)?;
    }
    Ok(connection)
}

/// As [`to_write`], but of nothing no database is made.
pub(super) fn existing(shared: &Shared) -> Result<Connection, StoreError> {
    let database = &shared.database;
    let is_there = match database {
        Database::File(path) => schema::look(path)? != schema::Kind::Empty,
        Database::Server(address) => known(shared, &connect(shared, address)?)?.is_some(),
    };
    if is_there {
        to_write(shared)
    } else {
        Err(StoreError::Nothing { database: database.clone() })
    }
}

/// A connection to read with.
pub(super) fn to_read(shared: &Shared) -> Result<Connection, StoreError> {
    match &shared.database {
        Database::File(path) => schema::open_to_read(path).map(Connection::Sqlite),
        Database::Server(address) => connect(shared, address),
    }
}

/// Not before the pause is over after one that failed.
fn connect(shared: &Shared, address: &Address) -> Result<Connection, StoreError> {
    let database = &shared.database;
    if let Err(reason) = shared.reach.may_try(clock::monotonic()) {
        return Err(StoreError::Unreachable { database: database.clone(), reason });
    }
    match to_server(address) {
        Ok(connection) => {
            shared.reach.reached();
            Ok(connection)
        }
        Err(error) => {
            shared.reach.failed(clock::monotonic(), &error.to_string());
            Err(StoreError::of(database, error))
        }
    }
}

fn to_server(Address(options): &Address) -> SqlResult<Connection> {
    Ok(match &**options {
        Options::Postgres(options) => {
            Connection::Postgres(Server::<sqlx::Postgres>::connect(options)?)
        }
        Options::MySql(options) => Connection::MySql(Server::<sqlx::MySql>::connect(options)?),
    })
}

/// The schema of a server's database, if it is one that this program can use.
pub(super) fn known(shared: &Shared, connection: &Connection) -> Result<Option<i64>, StoreError> {
    match version(connection).map_err(StoreError::by(&shared.database))? {
        Some(found) if found > VERSION => {
            let database = shared.database.clone();
            Err(StoreError::TooNew { database, found, known: VERSION })
        }
        found => Ok(found),
    }
}

/// `None`: nothing of ours is there.
fn version(connection: &Connection) -> SqlResult<Option<i64>> {
    if !has_table(connection, "netmonitor_schema")? {
        return Ok(None);
    }
    let sql = "SELECT version FROM netmonitor_schema";
    let version = connection.query_optional(sql, &[], |row| row.get(0))?;
    // Without a row it was begun and not finished.
    Ok(Some(version.unwrap_or(0)))
}

fn is_taken(connection: &Connection) -> SqlResult<bool> {
    Ok(has_table(connection, "routers")? || has_table(connection, "events")?)
}

fn has_table(connection: &Connection, name: &str) -> SqlResult<bool> {
    let sql = match connection {
        // In whichever schema the connection looks first.
        Connection::Postgres(_) => "SELECT 1 WHERE to_regclass(?1) IS NOT NULL",
        Connection::Sqlite(_) | Connection::MySql(_) => {
            "SELECT 1 FROM information_schema.tables
             WHERE table_schema = database() AND table_name = ?1"
        }
    };
    connection.exists(sql, params![name])
}

/// Two bridges may be the first at the same time: all is looked at and made under a lock.
fn migrate(shared: &Shared, connection: &Connection) -> Result<(), StoreError> {
    let failed = StoreError::by(&shared.database);
    lock(connection).map_err(&failed)?;
    let done = known(shared, connection).and_then(|found| match found {
        None if is_taken(connection).map_err(&failed)? => {
            Err(StoreError::Taken { database: shared.database.clone() })
        }
        found => steps(connection, found.unwrap_or(0)).map_err(&failed),
    });
    let unlocked = unlock(connection, done.is_ok()).map_err(&failed);
    done.and(unlocked)
}

fn lock(connection: &Connection) -> SqlResult<()> {
    match connection {
        Connection::Sqlite(_) => Ok(()),
        Connection::Postgres(_) => {
            // Before the transaction: within one it would go on not seeing what it has not seen.
            connection.command("SELECT pg_advisory_lock(1313686130)")?;
            connection.command("BEGIN")
        }
        Connection::MySql(_) => {
            let sql = "SELECT get_lock(concat('netmonitor-bridge ', database()), ?1)";
            let wait = params![MIGRATION.as_secs().cast_signed()];
            let locked: Option<i64> = connection.query_one(sql, wait, |row| row.get(0))?;
            if locked == Some(1) { Ok(()) } else { Err(Error::Late(MIGRATION)) }
        }
    }
}

fn unlock(connection: &Connection, is_done: bool) -> SqlResult<()> {
    match connection {
        Connection::Sqlite(_) => Ok(()),
        Connection::Postgres(_) => {
            connection.command(if is_done { "COMMIT" } else { "ROLLBACK" })?;
            connection.command("SELECT pg_advisory_unlock(1313686130)")
        }
        Connection::MySql(_) => {
            connection.command("SELECT release_lock(concat('netmonitor-bridge ', database()))")
        }
    }
}

/// MySQL keeps what a step has done so far whatever comes of it: each can be told again.
fn steps(connection: &Connection, found: i64) -> SqlResult<()> {
    let later = |all: &[&'static str]| {
        let numbered = all.iter().copied().zip(1..);
        numbered.filter(|(_, number)| *number > found).collect::<Vec<(&str, i64)>>()
    };
    let end = |number: i64| {
        if number == SLICES {
            slices::rebuild(connection)?;
        }
        connection.command(&format!("UPDATE netmonitor_schema SET version = {number}"))
    };
    match connection {
        Connection::Sqlite(_) => Ok(()),
        Connection::Postgres(server) => {
            later(&POSTGRES).into_iter().try_for_each(|(step, number)| {
                server.batch(step)?;
                end(number)
            })
        }
        Connection::MySql(server) => {
            let collation = if server.is_mariadb()? {
                "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
            } else {
                "CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin"
            };
            server.batch(
                "CREATE TABLE IF NOT EXISTS netmonitor_schema (version BIGINT NOT NULL);
                 INSERT INTO netmonitor_schema SELECT 0 FROM DUAL
                 WHERE NOT EXISTS (SELECT 1 FROM netmonitor_schema)",
            )?;
            later(&MYSQL).into_iter().try_for_each(|(step, number)| {
                server.batch(&step.replace("{collation}", collation))?;
                end(number)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_have_the_same_steps() {
        assert_eq!(POSTGRES.len(), MYSQL.len());
        // A table or view of one is one of the other.
        let named = |sql: &str| {
            let sql = sql.replace(" IF NOT EXISTS", "");
            let words: Vec<&str> = sql.split_whitespace().collect();
            let made = words.windows(2).filter(|pair| ["TABLE", "VIEW"].contains(&pair[0]));
            let names = made.map(|pair| pair[1].to_owned());
            names.filter(|name| name != "netmonitor_schema").collect::<Vec<String>>()
        };
        for (postgres, mysql) in POSTGRES.iter().zip(MYSQL) {
            assert_eq!(named(postgres), named(mysql));
        }
    }
}
