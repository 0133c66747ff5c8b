//! A damaged database: is it one, where does it go, what takes its place.
//! Only CORRUPT and NOTADB come here; a full or locked disk never moves a file.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;

use super::Opened;
use super::error::StoreError;
use super::health::beside;
use super::records::RouterId;
use super::schema::{self, Kind};
use crate::record::Millis;

/// Larger files are not read as a whole before the start: on an SD card it would take more
/// than ten seconds. Damage in them is met later, by the reader or the writer.
const MAX_CHECKED_BYTES: u64 = 256 * 1024 * 1024;

/// What SQLite keeps beside a database.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Opens the database for writing. A damaged one is set aside.
pub(super) fn open(path: &Path, now: Millis) -> Result<(Connection, Opened), StoreError> {
    let mut notices = Vec::new();
    let folder = schema::folder_of(path);
    // The last folder only: a path that is not there at all is a volume that is not mounted.
    if !folder.is_dir() && fs::create_dir(folder).is_ok() {
        notices.push(format!("folder {}: made", folder.display()));
    }
    match open_sound(path) {
        Ok((connection, kind)) => {
            match kind {
                Kind::Empty => notices.push(format!("database {}: made", path.display())),
                Kind::Ours(schema::VERSION) => {}
                Kind::Ours(old) => notices.push(format!(
                    "database {}: brought from schema {old} to {}",
                    path.display(),
                    schema::VERSION
                )),
            }
            Ok((connection, Opened { notices, set_aside: None }))
        }
        Err(StoreError::Corrupt { reason, .. }) => {
            let (connection, place) = begin_anew(path, now, &reason)?;
            notices.push(message(path, &place, &reason));
            Ok((connection, Opened { notices, set_aside: Some(place) }))
        }
        Err(error) => Err(error),
    }
}

fn open_sound(path: &Path) -> Result<(Connection, Kind), StoreError> {
    let kind = schema::look(path)?;
    let connection = schema::open_to_write(path)?;
    if fs::metadata(path).is_ok_and(|file| file.len() <= MAX_CHECKED_BYTES) {
        schema::quick_check(path, &connection)?;
    }
    Ok((connection, kind))
}

/// A file that is there and not empty.
pub(super) fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0)
}

/// Sets the file aside and makes a new one, which tells of it.
pub(super) fn begin_anew(
    path: &Path,
    now: Millis,
    reason: &str,
) -> Result<(Connection, PathBuf), StoreError> {
    let place = move_aside(path, "corrupt", now)?;
    let connection = schema::open_to_write(path)?;
    connection
        .execute(
            "INSERT INTO events (router, revision, at, received, kind, message, detail)
             VALUES (?1, 0, ?2, ?2, 'database_set_aside', ?3, json_object('reason', ?4))",
            (RouterId::BRIDGE.0, now, message(path, &place, reason), reason),
        )
        .map_err(StoreError::at(path))?;
    Ok((connection, place))
}

fn message(path: &Path, place: &Path, reason: &str) -> String {
    let reason = reason.lines().last().unwrap_or_default();
    format!(
        "database {} was damaged ({reason}): set aside as {}, and a new one begun; a backup can \
         be put back with `netmonitor-bridge restore FILE`",
        path.display(),
        place.file_name().unwrap_or_default().display()
    )
}

/// Renames the database and what belongs to it to `<name>.<why>-<time>`, and gives that path.
/// Nothing that is there is overwritten.
pub(super) fn move_aside(path: &Path, why: &str, at: Millis) -> Result<PathBuf, StoreError> {
    let time = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    let stem = format!(".{why}-{}", time.strftime("%Y%m%dT%H%M%SZ"));
    let mut place = beside(path, &stem);
    let mut number = 1;
    while place.exists() {
        number += 1;
        place = beside(path, &format!("{stem}-{number}"));
    }
    fs::rename(path, &place).map_err(StoreError::file("setting aside", path))?;
    for suffix in COMPANIONS {
        let from = beside(path, suffix);
        if from.exists() {
            fs::rename(&from, beside(&place, suffix))
                .map_err(StoreError::file("setting aside", &from))?;
        }
    }
    Ok(place)
}

/// Which file it is that has the name now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity(Option<(u64, u64)>);

impl Identity {
    pub(super) fn of(path: impl AsRef<OsStr>) -> Self {
        use std::os::unix::fs::MetadataExt;
        let file = fs::metadata(Path::new(&path)).ok();
        Self(file.map(|file| (file.dev(), file.ino())))
    }

    pub(super) fn is_there(&self) -> bool {
        self.0.is_some()
    }
}
