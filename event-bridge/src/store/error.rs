//! What can go wrong with the database, and what an operator does then.

use std::path::{Path, PathBuf};

use rusqlite::ffi::SQLITE_IOERR_GETTEMPPATH;
use rusqlite::{Error as SqlError, ErrorCode};

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
    /// Written by a later version of this program.
    #[error(
        "database {path} has schema {found}, this program knows {known}; upgrade \
             netmonitor-bridge or restore the backup taken before the upgrade"
    )]
    TooNew {
        /// Of the database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest that this program can read.
        known: i64,
    },
    /// The disk is full, read-only or failing. Nothing of the command is stored; the next one
    /// tries again.
    #[error(
        "database {path} cannot be written: {reason}; free or repair the disk, storing \
             resumes by itself"
    )]
    NotWritable {
        /// Of the database.
        path: PathBuf,
        /// In SQLite's words.
        reason: String,
    },
    /// Another program holds the lock for longer than we wait.
    #[error("database {path} is locked by another program; end it (is a second bridge running?)")]
    Busy {
        /// Of the database.
        path: PathBuf,
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
    #[error("database {path}: is closed because the program is stopping")]
    Closed {
        /// Of the database.
        path: PathBuf,
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
    /// Anything else that SQLite says; a fault of this program.
    #[error("database {path}: unexpected answer of SQLite; please report this")]
    Sql {
        /// Of the database.
        path: PathBuf,
        /// What it said.
        #[source]
        source: SqlError,
    },
}

/// What to do about an error of SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Set the file aside. Only CORRUPT and NOTADB say so.
    Corrupt,
    /// Try again.
    Busy,
    /// Wait for the disk.
    Disk,
    /// A fault of one command or of this program.
    Other,
}

impl Trouble {
    pub(super) fn of(error: &SqlError) -> Self {
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
}

impl StoreError {
    pub(super) fn of(path: &Path, error: SqlError) -> Self {
        let path = path.to_owned();
        match Trouble::of(&error) {
            Trouble::Corrupt => Self::Corrupt { path, reason: error.to_string() },
            Trouble::Busy => Self::Busy { path },
            Trouble::Disk => Self::NotWritable { path, reason: reason_of_disk(&error) },
            Trouble::Other => Self::Sql { path, source: error },
        }
    }

    /// For `map_err` after calls of SQLite.
    pub(super) fn at(path: &Path) -> impl Fn(SqlError) -> Self + '_ {
        move |error| Self::of(path, error)
    }

    /// For `map_err` after calls of the file system.
    pub(super) fn file(doing: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::File { doing, path: path.to_owned(), source }
    }
}

/// In SQLite's words, unless those tell of the wrong disk.
fn reason_of_disk(error: &SqlError) -> String {
    match error.sqlite_error() {
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
        let error = StoreError::of(Path::new("/d"), SqlError::SqliteFailure(failed, None));
        assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
        assert!(error.to_string().contains("no folder for temporary files"), "{error}");
    }
}
