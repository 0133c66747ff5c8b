//! Copies of the database: made while work goes on, checked, and put back.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::database::Database;
use super::error::StoreError;
use super::health::beside;
use super::recovery::move_aside;
use super::schema::{self, Kind, folder_of};
use crate::record::Millis;

/// All pages in one step: between steps a writer would make it begin again, and on a busy
/// bridge it would never end. The WAL grows for so long, some seconds for a gigabyte.
const ALL_PAGES: i32 = -1;

/// Tries to get past another program's lock, each as long as the busy timeout.
const TRIES: usize = 3;

/// For whoever else has the database open: a stop is asked for, not a wait.
const NO_PATIENCE: Duration = Duration::from_millis(100);

/// A finished copy.
#[derive(Clone, Copy)]
pub(super) struct Copy {
    pub(super) bytes: u64,
    /// When, as the file's own time says.
    pub(super) made: Millis,
}

/// Copies `database` to `to`, by way of a file beside it.
pub(super) fn copy(database: &Path, to: &Path) -> Result<Copy, StoreError> {
    if to.is_dir() {
        return Err(StoreError::IsFolder { path: to.to_owned() });
    }
    let parent = folder_of(to);
    if !parent.is_dir() {
        return Err(StoreError::NoFolder { path: to.to_owned(), parent: parent.to_owned() });
    }
    let same = fs::canonicalize(database).ok().zip(fs::canonicalize(to).ok());
    if same.is_some_and(|(database, to)| database == to) {
        let itself = std::io::Error::other("it is the database itself; name another file");
        return Err(StoreError::file("writing the backup", to)(itself));
    }
    let source = schema::open_to_read(database)?;
    let partial = beside(to, ".partial");
    let copied = copy_checked(&source, &partial)
        .and_then(|()| fs::rename(&partial, to).map_err(StoreError::file("naming", to)));
    if let Err(error) = copied {
        // It may not have been made at all.
        fs::remove_file(&partial).unwrap_or_default();
        return Err(error);
    }
    sync(parent)?;
    let file = fs::metadata(to).map_err(StoreError::file("reading", to))?;
    Ok(Copy { bytes: file.len(), made: file.modified().map_or(0, millis) })
}

/// Into a new file, complete and on the disk.
fn copy_checked(source: &Connection, to: &Path) -> Result<(), StoreError> {
    if to.exists() {
        fs::remove_file(to).map_err(StoreError::file("removing an unfinished copy", to))?;
    }
    let failed = StoreError::at(to);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut target = Connection::open_with_flags(to, flags).map_err(&failed)?;
    let backup = Backup::new(source, &mut target).map_err(&failed)?;
    let mut tries = 0;
    loop {
        tries += 1;
        match backup.step(ALL_PAGES).map_err(&failed)? {
            StepResult::Done => break,
            _ if tries < TRIES => {}
            _ => return Err(StoreError::Busy { database: to.into() }),
        }
    }
    drop(backup);
    // One file that can be copied away, without a WAL beside it.
    target.pragma_update(None, "journal_mode", "DELETE").map_err(&failed)?;
    schema::quick_check(to, &target)?;
    target.close().map_err(|(_, error)| failed(error))?;
    sync(to)
}

fn sync(path: &Path) -> Result<(), StoreError> {
    let failed = StoreError::file("writing to the disk", path);
    fs::File::open(path).and_then(|file| file.sync_all()).map_err(failed)
}

fn millis(time: SystemTime) -> Millis {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// Puts the backup `from` in the place of the database, after checking it. The file that is
/// there is set aside as `<name>.replaced-<its own time>`. The bridge must not be running.
///
/// # Errors
/// The database is as it was then: a backup that is damaged, not ours or newer than this
/// program, a database in use, a disk that cannot be written.
pub fn restore(database: impl Into<Database>, from: &Path) -> Result<(), StoreError> {
    let database = database.into();
    let Some(database) = database.file() else {
        return Err(StoreError::OnlyFiles { doing: "restore", database });
    };
    if !from.is_file() {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(StoreError::file("reading the backup", from)(missing));
    }
    let source = schema::open_to_read(from)?;
    if schema::kind(from, &source)? == Kind::Empty {
        return Err(StoreError::Foreign { path: from.to_owned() });
    }
    schema::integrity_check(from, &source)?;
    refuse_if_in_use(database)?;
    let partial: PathBuf = beside(database, ".restoring");
    copy_checked(&source, &partial)?;
    if let Ok(present) = fs::metadata(database) {
        move_aside(database, "replaced", present.modified().map_or(0, millis))?;
    }
    fs::rename(&partial, database).map_err(StoreError::file("naming", database))?;
    sync(folder_of(database))
}

/// A damaged file is what people restore for; a folder or a foreign file is a mistake.
fn refuse_if_in_use(database: &Path) -> Result<(), StoreError> {
    match schema::look(database) {
        Ok(Kind::Ours(_)) => {}
        Ok(Kind::Empty) | Err(StoreError::Corrupt { .. } | StoreError::TooNew { .. }) => {
            return Ok(());
        }
        Err(error) => return Err(error),
    }
    let failed = StoreError::at(database);
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(&failed)?;
    connection.busy_timeout(NO_PATIENCE).map_err(&failed)?;
    // Exclusive before the first access: with a WAL this fails while anyone has it open.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(&failed)?;
    match connection.execute_batch("BEGIN EXCLUSIVE; ROLLBACK").map_err(&failed) {
        Err(StoreError::Corrupt { .. }) => Ok(()),
        other => other,
    }
}
