//! Which database it is: a file, or one of a server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;

/// See the module. Printed without its password.
#[derive(Clone)]
pub enum Database {
    /// SQLite.
    File(PathBuf),
    /// Another program keeps it.
    Server(Address),
}

/// How to reach a database of a server.
#[derive(Clone)]
pub struct Address(pub(super) Arc<Options>);

pub(super) enum Options {
    Postgres(PgConnectOptions),
    MySql(MySqlConnectOptions),
}

/// What an address may begin with.
const FORMS: &str = "postgres://user:password@host/database, mysql://user:password@host/database \
                     or sqlite:///path";

/// What may be behind the question mark.
const PARAMETERS: [&str; 12] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "options",
    "ssl-mode",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "socket",
];

impl Database {
    /// What `DATABASE_URL` says.
    ///
    /// # Errors
    /// What is expected, without what was given: there may be a password in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| FORMS.to_owned())?;
        known_parameters(rest)?;
        let options = match scheme {
            "sqlite" => {
                return match rest.strip_prefix('/').unwrap_or(rest) {
                    "" => Err("sqlite:///path of a file".to_owned()),
                    path => Ok(Self::File(path.into())),
                };
            }
            "postgres" | "postgresql" => {
                let options: PgConnectOptions = text.parse().map_err(|error| wrong(&error))?;
                named(options.get_database())?;
                Options::Postgres(options)
            }
            "mysql" | "mariadb" => {
                let options: MySqlConnectOptions = text.parse().map_err(|error| wrong(&error))?;
                named(options.get_database())?;
                Options::MySql(options)
            }
            _ => return Err(FORMS.to_owned()),
        };
        Ok(Self::Server(Address(options.into())))
    }

    /// Its path, if it is a file.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) => None,
        }
    }
}

fn wrong(error: &sqlx::Error) -> String {
    format!("{FORMS} ({error})")
}

/// One that is misspelt would leave the connection without what it asks for, and its value, which
/// may be a secret, in the log.
fn known_parameters(rest: &str) -> Result<(), String> {
    let (_, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let mut names = parameters.split('&').filter(|parameter| !parameter.is_empty());
    let is_known = |parameter: &str| {
        PARAMETERS.contains(&parameter.split_once('=').map_or(parameter, |(name, _)| name))
    };
    if names.all(is_known) {
        Ok(())
    } else {
        Err(format!("behind the ? only {}", PARAMETERS.join(", ")))
    }
}

/// A user's own database is rarely what was meant, and part of a password never.
fn named(database: Option<&str>) -> Result<(), String> {
    match database {
        Some(name) if name.contains(['@', ':', '/']) => {
            Err(format!("{FORMS}; in a password write / as %2F, @ as %40, : as %3A"))
        }
        Some(name) if !name.is_empty() => Ok(()),
        _ => Err(format!("the name of a database at the end, as in {FORMS}")),
    }
}

impl From<&Path> for Database {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<&PathBuf> for Database {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<&Self> for Database {
    fn from(database: &Self) -> Self {
        database.clone()
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = match self {
            Self::File(path) => return write!(f, "{}", path.display()),
            Self::Server(Address(options)) => &**options,
        };
        let (scheme, user, host, port, socket, name) = match options {
            Options::Postgres(o) => (
                "postgres",
                o.get_username(),
                o.get_host(),
                o.get_port(),
                o.get_socket(),
                o.get_database(),
            ),
            Options::MySql(o) => (
                "mysql",
                o.get_username(),
                o.get_host(),
                o.get_port(),
                o.get_socket(),
                o.get_database(),
            ),
        };
        let name = name.unwrap_or_default();
        match socket {
            Some(socket) => write!(f, "{scheme}://{user}@[{}]/{name}", socket.display()),
            None => write!(f, "{scheme}://{user}@{host}:{port}/{name}"),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (given, shown) in [
            ("postgres://nm:s3cret@db.lan/home", "postgres://nm@db.lan:5432/home"),
            ("postgresql://nm:s3cret@[fd00::1]:6000/home", "postgres://nm@[fd00::1]:6000/home"),
            ("postgres://nm:s3cret@x/home?host=/run/pg", "postgres://nm@[/run/pg]/home"),
            ("mysql://nm:s3cret@db.lan/home", "mysql://nm@db.lan:3306/home"),
            ("mariadb://nm:s3cret@db.lan:3307/home", "mysql://nm@db.lan:3307/home"),
            ("mysql://nm:s3cret@x/home?socket=/run/m.sock", "mysql://nm@[/run/m.sock]/home"),
            ("sqlite:///data/nm.db", "data/nm.db"),
            ("sqlite:////data/nm.db", "/data/nm.db"),
        ] {
            let database = Database::parse(given).unwrap();
            assert_eq!(format!("{database}"), shown);
            assert_eq!(format!("{database:?}"), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_said_without_it() {
        for (given, expected) in [
            ("db.lan/home", "expected forms"),
            ("oracle://nm:s3cret@db/home", "expected forms"),
            ("postgres://nm:s3cret@db.lan", "the name of a database"),
            ("mysql://nm:s3cret@db.lan/", "the name of a database"),
            ("postgres://nm:s3cret@db.lan:port/home", "invalid port number"),
            ("postgres://nm:s3cret@db.lan/home?sslmode=perhaps", "perhaps"),
            ("sqlite:///", "path of a file"),
            ("postgres://nm:/s3cret@db.lan/home", "as %2F"),
            ("mysql://nm:5/s3cret@db.lan/home", "as %2F"),
            ("postgres://nm:x@db.lan/home?pass=s3cret", "behind the ? only sslmode"),
            ("mysql://nm:x@db.lan/home?s3cret", "behind the ? only sslmode"),
            ("postgres://nm:s3cret@db.lan/home?sslmod=verify-full", "behind the ? only sslmode"),
        ] {
            let problem = Database::parse(given).unwrap_err();
            let is_form = expected == "expected forms" && problem == FORMS;
            assert!(is_form || problem.contains(expected), "{given}: {problem}");
            assert!(!problem.contains("s3cret"), "{problem}");
        }
    }
}
