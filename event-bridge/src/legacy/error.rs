//! Why a file of the old client cannot be imported, and what to do then.

use std::path::PathBuf;

/// What is wrong; the old file has not been touched in any case.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
    /// Nothing is there.
    #[error("{path}: there is no such file; name the old client's database (its SQLITE_DB)")]
    Missing {
        /// As given.
        path: PathBuf,
    },
    /// The path names a folder, a pipe or the like.
    #[error("{path}: is no file; name the old client's database in it")]
    NoFile {
        /// As given.
        path: PathBuf,
    },
    /// The system does not let us read it.
    #[error("{path}: cannot be read; look at its permissions")]
    Unreadable {
        /// As given.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A file without anything in it.
    #[error("{path}: is empty, so there is nothing to import; is it the right file?")]
    Empty {
        /// As given.
        path: PathBuf,
    },
    /// Something else altogether.
    #[error("{path}: is no SQLite database; name the old client's database (its SQLITE_DB)")]
    NotSqlite {
        /// As given.
        path: PathBuf,
    },
    /// It is the file that would be written to.
    #[error(
        "{path}: is SQLITE_DB itself; name another file in SQLITE_DB, which will be made, and \
         run this again"
    )]
    Target {
        /// As given.
        path: PathBuf,
    },
    /// Made by this program.
    #[error(
        "{path}: is a database of netmonitor-bridge, not of the old client; a backup is put back \
         with `netmonitor-bridge restore`"
    )]
    Ours {
        /// As given.
        path: PathBuf,
    },
    /// A database of another program, or of an unknown version of the old client.
    #[error("{path}: is no database of the old client: there is no {missing}")]
    Foreign {
        /// As given.
        path: PathBuf,
        /// Tables and columns that should be there.
        missing: String,
    },
    /// The old client holds the lock.
    #[error("{path}: is locked by another program; stop the old client and run this again")]
    Locked {
        /// As given.
        path: PathBuf,
    },
    /// What was written last is still in a file beside it, and reading would have to change it.
    #[error(
        "{path}: was not closed, and its end is in {beside}; start and stop the old client once, \
         or copy both files elsewhere and open the copy with sqlite3, then run this again"
    )]
    Unfinished {
        /// As given.
        path: PathBuf,
        /// The file with the rest.
        beside: PathBuf,
    },
    /// Not all of it can be read.
    #[error(
        "{path}: is damaged or cut off ({reason}); what could be read is stored, so put a good \
         copy there and run this again"
    )]
    Damaged {
        /// As given.
        path: PathBuf,
        /// In SQLite's words.
        reason: String,
    },
    /// Anything else that SQLite says.
    #[error("{path}: unexpected answer of SQLite; please report this")]
    Sql {
        /// As given.
        path: PathBuf,
        /// What it said.
        #[source]
        source: rusqlite::Error,
    },
    /// It cannot be stored. A run after this one goes on.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}
