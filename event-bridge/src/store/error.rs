//! What can go wrong with the database, and what an operator does then.

use std::path::{Path, PathBuf};

use rusqlite::ffi::SQLITE_IOERR_GETTEMPPATH;

use super::database::Database;
use super::sql::{self, Trouble};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The path names a folder.
    #[error("database {path}: is a folder; name a file in it, for example {path}/netmonitor.db")]
    IsFolder {
        /// As given.
        path: PathBuf,
    },
    /// The folder of the file is not there.
    #[error("database {path}: there is no folder {parent}; make it, or mount the volume there")]
    NoFolder {
        /// As given.
        path: PathBuf,
        /// Where it would be.
        parent: PathBuf,
    },
    /// A file of the old Flask client. It has not been touched.
    #[error(
        "database {path}: is a file of the old Flask client, which is left as it is; name \
             another file in SQLITE_DB and run `netmonitor-bridge import-legacy {path}`"
    )]
    Legacy {
        /// Of the old file.
        path: PathBuf,
    },
    /// A SQLite file of another program. It has not been touched.
    #[error(
        "database {path}: is a SQLite file of another program, which is left as it is; name \
             another file in SQLITE_DB"
    )]
    Foreign {
        /// Of that file.
        path: PathBuf,
    },
    /// A database of a server in which another program has tables of our names. They have not
    /// been touched.
    #[error(
        "database {database}: has tables of another program, which are left as they are; make a \
             database of its own for netmonitor-bridge, and name it in DATABASE_URL"
    )]
    Taken {
        /// As given.
        database: Database,
    },
    /// Since it was last reached the database was replaced by another.
    #[error(
        "database {database} is not the one that it was: router {router} is not in its place; \
             restart netmonitor-bridge"
    )]
    Exchanged {
        /// As given.
        database: Database,
        /// One that is not there, or under another number.
        router: String,
    },
    /// Nobody answers there.
    #[error(
        "database {database} cannot be reached: {reason}; start its server or correct the \
             address, storing begins by itself"
    )]
    Unreachable {
        /// As given.
        database: Database,
        /// In the words of who tried.
        reason: String,
    },
    /// There is a server, but it does not let us in.
    #[error(
        "database {database}: the server says: {reason}; correct user, password or database in \
             DATABASE_URL, or make them on the server"
    )]
    Refused {
        /// As given.
        database: Database,
        /// In the server's words.
        reason: String,
    },
    /// Written by a later version of this program.
    #[error(
        "database {database} has schema {found}, this program knows {known}; upgrade \
             netmonitor-bridge or restore the backup taken before the upgrade"
    )]
    TooNew {
        /// As given.
        database: Database,
        /// Its version.
        found: i64,
        /// The newest that this program can read.
        known: i64,
    },
    /// The disk is full, read-only or failing. Nothing of the command is stored; the next one
    /// tries again.
    #[error(
        "database {database} cannot be written: {reason}; {}, storing resumes by itself",
        remedy(.database)
    )]
    NotWritable {
        /// As given.
        database: Database,
        /// In the engine's words.
        reason: String,
    },
    /// Another program holds the lock for longer than we wait, or the server is too slow.
    #[error("database {database} is locked by another program; {}", unlock(.database))]
    Busy {
        /// As given.
        database: Database,
    },
    /// The file is damaged.
    #[error(
        "database {path} is damaged: {reason}; restore a backup with \
             `netmonitor-bridge restore FILE`"
    )]
    Corrupt {
        /// Of the database.
        path: PathBuf,
        /// What SQLite found.
        reason: String,
    },
    /// A value that cannot be stored; the router is at fault.
    #[error(
        "{what}: {value} is out of range, at most {max} can be stored; nothing of this \
             answer was stored"
    )]
    OutOfRange {
        /// Of what.
        what: &'static str,
        /// As told.
        value: u64,
        /// The greatest that is possible.
        max: u64,
    },
    /// The writer has ended.
    #[error("database {database}: is closed because the program is stopping")]
    Closed {
        /// As given.
        database: Database,
    },
    /// A copy into it was begun and not finished.
    #[error(
        "database {database}: a copy into it is not finished; run the same \
             `netmonitor-bridge copy` again, it goes on where it was"
    )]
    Unfinished {
        /// As given.
        database: Database,
    },
    /// What was copied before is of another state.
    #[error(
        "database {database} was written since the copy was begun; empty the target, stop the \
             bridge and copy again"
    )]
    Changed {
        /// The source.
        database: Database,
    },
    /// A copy would be mixed with it.
    #[error("database {database} has rows already; copy into an empty one")]
    NotEmpty {
        /// The target.
        database: Database,
    },
    /// Nothing of ours is there.
    #[error("database {database} has no tables of netmonitor-bridge; name the one that it writes")]
    Nothing {
        /// As given.
        database: Database,
    },
    /// Only files can be copied, put back and looked at by ourselves.
    #[error(
        "{doing}: database {database} is kept by a server; use the server's own tools, or copy it \
             into a file with `netmonitor-bridge copy`"
    )]
    OnlyFiles {
        /// The subcommand.
        doing: &'static str,
        /// As given.
        database: Database,
    },
    /// The computer has no room for one more thread.
    #[error("the writer of the database cannot be started")]
    Thread {
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file beside the database could not be made, moved or read.
    #[error("{doing} {path} failed; look at the folder's permissions and free space")]
    File {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Anything else that the engine says; a fault of this program.
    #[error("database {database}: unexpected answer; please report this")]
    Sql {
        /// As given.
        database: Database,
        /// What it said.
        #[source]
        source: sql::Error,
    },
}

impl StoreError {
    pub(super) fn of(database: &Database, error: sql::Error) -> Self {
        let (database, reason) = (database.clone(), || error.to_string());
        match (Trouble::of(&error), &database) {
            (Trouble::Corrupt, Database::File(path)) => {
                Self::Corrupt { path: path.clone(), reason: reason() }
            }
            (Trouble::Busy, _) => Self::Busy { database },
            (Trouble::Disk, _) => Self::NotWritable { database, reason: reason_of_disk(&error) },
            (Trouble::Gone, _) => Self::Unreachable { database, reason: reason() },
            (Trouble::Refused, _) => Self::Refused { database, reason: reason() },
            (Trouble::Other | Trouble::Corrupt, _) => Self::Sql { database, source: error },
        }
    }

    /// For `map_err` after statements.
    pub(super) fn by(database: &Database) -> impl Fn(sql::Error) -> Self + '_ {
        move |error| Self::of(database, error)
    }

    /// For `map_err` after calls of SQLite.
    pub(super) fn at(path: &Path) -> impl Fn(rusqlite::Error) -> Self + '_ {
        move |error| Self::of(&path.into(), error.into())
    }

    /// The same once more, for everybody who waited for it.
    pub(super) fn again(&self, database: &Database) -> Self {
        let database = database.clone();
        match self {
            Self::Busy { .. } => Self::Busy { database },
            Self::Corrupt { path, reason } => {
                Self::Corrupt { path: path.clone(), reason: reason.clone() }
            }
            Self::NotWritable { reason, .. } => {
                Self::NotWritable { database, reason: reason.clone() }
            }
            Self::Unreachable { reason, .. } => {
                Self::Unreachable { database, reason: reason.clone() }
            }
            other => Self::NotWritable { database, reason: other.to_string() },
        }
    }

    /// For `map_err` after calls of the file system.
    pub(super) fn file(doing: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::File { doing, path: path.to_owned(), source }
    }
}

fn remedy(database: &Database) -> &'static str {
    match database {
        Database::File(_) => "free or repair the disk",
        Database::Server(_) => "look at the server and its disk",
    }
}

fn unlock(database: &Database) -> &'static str {
    match database {
        Database::File(_) => "end it (is a second bridge running?)",
        Database::Server(_) => "it is tried again; look what the server is busy with",
    }
}

/// In the engine's words, unless those tell of the wrong disk.
fn reason_of_disk(error: &sql::Error) -> String {
    let code = match error {
        sql::Error::Sqlite(error) => error.sqlite_error(),
        _ => None,
    };
    match code {
        Some(code) if code.extended_code == SQLITE_IOERR_GETTEMPPATH => {
            "SQLite finds no folder for temporary files (SQLITE_TMPDIR, TMPDIR, /var/tmp, /tmp)"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_for_temporary_files_that_is_missing_is_no_broken_disk() {
        let failed = rusqlite::ffi::Error::new(SQLITE_IOERR_GETTEMPPATH);
        let error = rusqlite::Error::SqliteFailure(failed, None);
        let error = StoreError::at(Path::new("/d"))(error);
        assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
        assert!(error.to_string().contains("no folder for temporary files"), "{error}");
    }
}
