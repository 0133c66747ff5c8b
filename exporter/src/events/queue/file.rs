//! The two files of the queue on disk: read with a bound, replaced as a whole, set aside
//! when they are of no use.
//!
//! Other programs own the folder as much as we do (`/tmp`), so nothing here waits for a
//! pipe, follows a link while writing, opens a device or replaces what is not a file.
//! Without fsync: a rename survives the end of this program, which is what matters in
//! `/tmp` (it is RAM); a power cut takes the whole folder there, and may cost the last
//! seconds where the folder is on a disk.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Twice the most that the events take: see `MAX_TEXT_BYTES`.
pub(super) const MAX_FILE_BYTES: u64 = 16 << 20;

/// What is surely an empty list: `[\n]\n` and a few blanks.
const EMPTY_BYTES: u64 = 16;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error("{path}: cannot be written: {error}; make room for it or choose another QUEUE_FILE")]
    Failed { path: PathBuf, error: io::Error },
    #[error("{path}: is {what}, not a file, and is left alone; choose another QUEUE_FILE")]
    NotAFile { path: PathBuf, what: &'static str },
}

/// Where the files are.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) queue: PathBuf,
    pub(super) state: PathBuf,
}

impl Files {
    pub(super) fn new(queue: PathBuf) -> Self {
        Self { state: beside(&queue, ".state"), queue }
    }

    /// What a write that was cut off has left behind.
    pub(super) fn remove_leftovers(&self) {
        for path in [&self.queue, &self.state] {
            // Usually not there; if it cannot be removed, the next write will say so.
            fs::remove_file(beside(path, ".new")).ok();
        }
    }

    /// # Errors
    /// When something that is not a file stands where we would write.
    pub(super) fn check(&self) -> Result<(), WriteError> {
        [&self.queue, &self.state].into_iter().try_for_each(|path| match irreplaceable(path) {
            Some(what) => Err(WriteError::NotAFile { path: path.clone(), what }),
            None => Ok(()),
        })
    }

    /// Has somebody emptied or removed the queue file since it was written?
    pub(super) fn is_emptied(&self) -> bool {
        fs::metadata(&self.queue).map_or(true, |found| found.len() <= EMPTY_BYTES)
    }
}

/// The bytes of a file, or `None` where there is none.
///
/// # Errors
/// Why it cannot be read, without its path.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let bytes = || -> io::Result<Result<Vec<u8>, String>> {
        // Asked before it is opened: opening a watchdog device would start it.
        let found = fs::metadata(path)?;
        if let Some(what) = not_a_file(found.file_type()) {
            return Ok(Err(format!("is {what}, not a file")));
        }
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Ok(Err(format!("is larger than {MAX_FILE_BYTES} bytes")));
        }
        Ok(Ok(bytes))
    };
    match bytes() {
        Ok(Ok(bytes)) => Ok(Some(bytes)),
        Ok(Err(reason)) => Err(reason),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
            _ => Err(format!("cannot be read: {error}")),
        },
    }
}

/// Puts a new file in the place of the old one, at once or not at all.
///
/// # Errors
/// The old file is still there then.
pub(super) fn replace(path: &Path, parts: &[&[u8]]) -> Result<(), WriteError> {
    let new = beside(path, ".new");
    let write = || -> io::Result<()> {
        // A link or a left-over in its place must not be written through.
        fs::remove_file(&new).ok();
        let mut file: File =
            OpenOptions::new().write(true).create_new(true).mode(0o644).open(&new)?;
        parts.iter().try_for_each(|part| file.write_all(part))
    };
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| WriteError::Failed { path, error }
    };
    let written =
        write().map_err(failed(&new)).and_then(|()| fs::rename(&new, path).map_err(failed(path)));
    if written.is_err() {
        // It takes room that may be just what is missing.
        fs::remove_file(&new).ok();
    }
    written
}

/// Moves a file of no use out of the way, over an earlier one, for people to look at;
/// returns what to tell them.
pub(super) fn set_aside(path: &Path, reason: &str) -> String {
    let bad = beside(path, ".bad");
    let bad_name = bad.display();
    let outcome = match irreplaceable(path) {
        Some(_) => "it is left alone".to_owned(),
        None => match fs::rename(path, &bad) {
            Ok(()) => format!("not used, and set aside as {bad_name}"),
            Err(error) => format!("not used, and cannot be set aside as {bad_name}: {error}"),
        },
    };
    format!("{}: {reason}; {outcome}", path.display())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// What stands there that must not be replaced: anything but a file or a link.
fn irreplaceable(path: &Path) -> Option<&'static str> {
    let found = fs::symlink_metadata(path).ok()?.file_type();
    if found.is_symlink() { None } else { not_a_file(found) }
}

fn not_a_file(found: FileType) -> Option<&'static str> {
    if found.is_file() {
        None
    } else if found.is_dir() {
        Some("a folder")
    } else if found.is_fifo() {
        Some("a pipe")
    } else if found.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}
