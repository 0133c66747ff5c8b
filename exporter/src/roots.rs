//! Where `/proc`, `/sys` and the rest of the device are: the only door to the file
//! system for everything that reads the device.
//!
//! Normally the door opens on `/`. Tests, and `--root`, move it to a folder that
//! imitates a router, so that one build can be tried on devices nobody here owns.
//! Every read is bounded, and none waits for data: files under `/proc` and `/sys`
//! are never pipes, and a pipe put there by mistake reads as empty instead of
//! holding the program up.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// No file we read is larger: the longest are `/proc/net/dev` with hundreds of
/// devices and a command's output, both far below.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Folders of programs, in the order in which OpenWrt's own `PATH` names them.
const PROGRAM_FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The device's file system, or a folder that stands in for it.
#[derive(Debug, Clone)]
pub struct Roots {
    base: PathBuf,
}

/// Why a file of the device could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file is not there: this device, or this moment, has not got it.
    #[error("{path}: not there")]
    Missing {
        /// Path as the device knows it, without the moved root.
        path: String,
    },
    /// The file is there and could not be read.
    #[error("{path}: cannot be read: {reason}")]
    Failed {
        /// Path as the device knows it.
        path: String,
        /// The system's words.
        reason: String,
    },
}

impl ReadError {
    fn new(path: &str, error: &io::Error) -> Self {
        // A device that goes away between listing and reading answers ENODEV or
        // ENXIO where a file that was never there answers ENOENT.
        let gone = matches!(error.raw_os_error(), Some(libc::ENODEV | libc::ENXIO));
        if gone || error.kind() == io::ErrorKind::NotFound {
            Self::Missing { path: path.to_owned() }
        } else {
            Self::Failed { path: path.to_owned(), reason: error.to_string() }
        }
    }
}

impl Roots {
    /// The device as it is below `base`; `/` for the device itself.
    #[must_use]
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into() }
    }

    /// Is this the real device? What cannot be moved (netlink, the kernel's clock) is
    /// asked only then.
    #[must_use]
    pub fn is_device(&self) -> bool {
        self.base == Path::new("/")
    }

    /// `path`, absolute as the device knows it, in the place where it really is.
    #[must_use]
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.base.join(path.trim_start_matches('/'))
    }

    /// The text of a file, bytes that are not UTF-8 replaced.
    ///
    /// # Errors
    /// [`ReadError::Missing`] when it is not there, [`ReadError::Failed`] otherwise.
    pub fn read(&self, path: &str) -> Result<String, ReadError> {
        self.read_bytes(path).map(|bytes| match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// The bytes of a file, at most 1 MiB of them.
    ///
    /// # Errors
    /// As [`Roots::read`].
    pub fn read_bytes(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let read = || -> io::Result<Vec<u8>> {
            let file = OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_NONBLOCK)
                .open(self.resolve(path))?;
            read_all(file)
        };
        read().map_err(|error| ReadError::new(path, &error))
    }

    /// As [`Roots::read`], but waits as long as the driver behind the file takes, for
    /// ever if it hangs: only for [`crate::slow_io::SlowIo`].
    pub(crate) fn read_patiently(&self, path: &str) -> Result<String, ReadError> {
        File::open(self.resolve(path))
            .and_then(read_all)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| ReadError::new(path, &error))
    }

    /// Names in a folder, in natural order (`zone2` before `zone10`); empty when the
    /// folder is not there.
    #[must_use]
    pub fn list(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.resolve(folder)) else {
            return Vec::new();
        };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_by(|a, b| natural_key(a).cmp(&natural_key(b)));
        names
    }

    /// Is there a file, folder or link of that name?
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.resolve(path).symlink_metadata().is_ok()
    }

    /// Where a program is installed on the device.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        PROGRAM_FOLDERS
            .iter()
            .map(|folder| self.resolve(folder).join(name))
            .find(|path| path.is_file())
    }
}

fn read_all(file: File) -> io::Result<Vec<u8>> {
    // 4 KiB takes what the kernel gives for most files in one call.
    let mut bytes = Vec::with_capacity(4096);
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Splits off a trailing number, so that numbered names sort as people count.
fn natural_key(name: &str) -> (&str, u64, &str) {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem, name[stem.len()..].parse().unwrap_or(0), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_root_holds_every_path() {
        let roots = Roots::new("/tmp/router");
        assert_eq!(roots.resolve("/proc/stat"), Path::new("/tmp/router/proc/stat"));
        assert!(!roots.is_device());
        assert!(Roots::new("/").is_device());
    }

    #[test]
    fn missing_is_told_apart_from_unreadable() {
        let dir = tempfile::tempdir().unwrap();
        let roots = Roots::new(dir.path());
        assert_eq!(
            roots.read("/sys/nothing"),
            Err(ReadError::Missing { path: "/sys/nothing".into() })
        );
        fs::create_dir(dir.path().join("sys")).unwrap();
        assert!(matches!(roots.read("/sys"), Err(ReadError::Failed { .. })));
    }

    #[test]
    fn numbered_names_are_listed_as_people_count() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["zone10", "zone2", "zone1", "cpu"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert_eq!(Roots::new(dir.path()).list("/"), ["cpu", "zone1", "zone2", "zone10"]);
    }

    #[test]
    fn a_file_without_end_is_cut() {
        let bytes = Roots::new("/").read_bytes("/dev/zero").unwrap();
        assert_eq!(bytes.len() as u64, MAX_FILE_BYTES);
    }
}
