//! What an engine says when it does not do what it was told, and what to do about it.

use std::time::Duration;

use rusqlite::ErrorCode;
use sqlx::mysql::MySqlDatabaseError;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// In SQLite's words.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// In those of a server, or of the way to it.
    #[error("{}", words(.0))]
    Server(#[from] sqlx::Error),
    /// The server has not answered.
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
    /// The thread that waits for the server could not be set up.
    #[error("cannot wait for an answer: {0}")]
    Waiting(std::io::Error),
    /// A question that has one answer had none.
    #[error("there is no such row")]
    NoRow,
    /// A column that always has a value had none.
    #[error("column {column} is empty")]
    Null {
        /// From 0.
        column: usize,
    },
}

/// Of the statements of the store.
pub(in crate::store) type Result<T> = std::result::Result<T, Error>;

/// Without the library's introduction.
fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(said) => said.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Tls(error) => format!("TLS: {error}"),
        sqlx::Error::Configuration(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Trouble {
    /// Set the file aside. Only CORRUPT and NOTADB of SQLite say so.
    Corrupt,
    /// Try again.
    Busy,
    /// Wait for the disk, or for whoever keeps the server.
    Disk,
    /// Connect again, after a pause.
    Gone,
    /// The user or the database of the address is wrong.
    Refused,
    /// A fault of one command or of this program.
    Other,
}

impl Trouble {
    pub(in crate::store) fn of(error: &Error) -> Self {
        match error {
            Error::Sqlite(error) => Self::of_sqlite(error),
            Error::Late(_) => Self::Gone,
            Error::Server(sqlx::Error::Database(said)) => {
                match said.try_downcast_ref::<MySqlDatabaseError>() {
                    Some(said) => Self::of_mysql(said.number()),
                    None => Self::of_postgres(&said.code().unwrap_or_default()),
                }
            }
            Error::Server(sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_)) => {
                Self::Gone
            }
            Error::Server(_) | Error::Waiting(_) | Error::NoRow | Error::Null { .. } => Self::Other,
        }
    }

    fn of_sqlite(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(
                ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::NoLargeFileSupport
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Disk,
            _ => Self::Other,
        }
    }

    /// By SQLSTATE.
    fn of_postgres(code: &str) -> Self {
        match code {
            // Serialisation and deadlock; a lock or a statement that took too long.
            "40001" | "40P01" | "55P03" | "57014" => Self::Busy,
            // Shutting down, crashed, starting; too many connections.
            "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "53300" => Self::Gone,
            "3D000" | "57P04" => Self::Refused,
            // Read-only, no right to write, the server's own disk.
            "25006" | "42501" | "58030" => Self::Disk,
            code if code.starts_with("08") => Self::Gone,
            code if code.starts_with("28") => Self::Refused,
            code if code.starts_with("53") => Self::Disk,
            _ => Self::Other,
        }
    }

    fn of_mysql(number: u16) -> Self {
        match number {
            // Waited too long for a lock, too many locks, deadlock, ran too long (MySQL, MariaDB).
            1205 | 1206 | 1213 | 3024 | 1969 => Self::Busy,
            // Too many connections, not ready (Galera), shutting down, killed, lost, idle for too long.
            1040 | 1047 | 1053 | 1077 | 1079 | 1080 | 1158..=1161 | 1203 | 1317 | 1927 | 4031 => {
                Self::Gone
            }
            1044 | 1045 | 1049 | 1130 | 1698 | 3118 => Self::Refused,
            // Disk full, table full, read-only in four ways, no right to write.
            1021 | 1030 | 1041 | 1114 | 1142 | 1143 | 1227 | 1290 | 1792 | 1836 | 3100 => {
                Self::Disk
            }
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_somebody_must_mend() {
        let postgres = [
            ("40001", Trouble::Busy),
            ("57P03", Trouble::Gone),
            ("08006", Trouble::Gone),
            ("28P01", Trouble::Refused),
            ("3D000", Trouble::Refused),
            ("53100", Trouble::Disk),
            ("25006", Trouble::Disk),
            ("23505", Trouble::Other),
            ("", Trouble::Other),
        ];
        for (code, trouble) in postgres {
            assert_eq!(Trouble::of_postgres(code), trouble, "{code}");
        }
        let mysql = [
            (1205, Trouble::Busy),
            (1053, Trouble::Gone),
            (1045, Trouble::Refused),
            (1021, Trouble::Disk),
            (1290, Trouble::Disk),
            (1064, Trouble::Other),
        ];
        for (number, trouble) in mysql {
            assert_eq!(Trouble::of_mysql(number), trouble, "{number}");
        }
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert_eq!(Trouble::of(&Error::Server(sqlx::Error::Io(reset))), Trouble::Gone);
    }
}
