//! A file that a syslog daemon writes, followed through renaming and truncation.
//!
//! linemux says when to look; what is there is read and split here. Since nothing says
//! when a file was replaced between two looks, both names are compared each time: another
//! inode is a new file, fewer bytes than read is one that was emptied.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use linemux::MuxedEvents;
use tokio::time::timeout;

use super::{CHUNK_BYTES, Feed, Follow, Place};
use crate::clock;
use crate::events::lines::Splitter;
use crate::events::positions::FilePosition;
use crate::events::timeline::Span;

/// Looked at this often even if nothing was announced: a rename can slip through, and
/// network file systems announce nothing.
const GLANCE: Duration = Duration::from_secs(1);
/// Read of a file that was never read before: some days of a router's log.
const BACKLOG_BYTES: u64 = 256 * 1024;
/// A renamed file is still written to until its daemon hears of it.
const RETIREMENT: Duration = Duration::from_secs(5);
/// How syslogd and logrotate name the file before this one.
const ROTATED: [&str; 2] = ["0", "1"];

/// Follows a log file.
pub(crate) struct LogFile {
    path: PathBuf,
    buffer: Vec<u8>,
}

impl LogFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, buffer: vec![0; CHUNK_BYTES] }
    }

    /// The file from where reading stopped, after what was left of the one before it.
    fn resume(&self, feed: &Feed<'_>) -> io::Result<Vec<Tail>> {
        let mut current = Tail::open(&self.path)?;
        let Some(known) = feed.intake.file_position(&self.path) else {
            current.skip_to_backlog()?;
            return Ok(vec![current]);
        };
        if current.is(known) && current.length()? >= known.offset {
            current.go_to(known.offset)?;
            return Ok(vec![current]);
        }
        let before = ROTATED.iter().find_map(|suffix| {
            let mut name = self.path.clone().into_os_string();
            name.push(".");
            name.push(suffix);
            let mut rotated = Tail::open(Path::new(&name)).ok().filter(|file| file.is(known))?;
            rotated.go_to(known.offset).ok()?;
            Some(rotated)
        });
        Ok(before.into_iter().chain([current]).collect())
    }

    /// Reads every tail to its end, the oldest first.
    async fn read_all(&mut self, tails: &mut Vec<Tail>, feed: &mut Feed<'_>) -> io::Result<()> {
        for at in 0..tails.len() {
            // What comes late in a renamed file is not worth reading its successor twice.
            let is_front = tails[at + 1..].iter().all(|later| later.read == 0);
            while tails[at].read_some(&mut self.buffer, feed)? {
                if is_front {
                    feed.intake.passed(Place::File(&self.path, tails[at].position));
                }
                // A flood must not keep the answers waiting.
                tokio::task::yield_now().await;
            }
        }
        let now = clock::monotonic();
        tails.retain(|tail| tail.retires.is_none_or(|when| now < when));
        Ok(())
    }
}

impl Follow for LogFile {
    const SPAN: Span = Span::AnyBoot;

    fn what(&self) -> String {
        self.path.display().to_string()
    }

    async fn follow(&mut self, feed: &mut Feed<'_>) -> String {
        let mut changes = match Changes::of(&self.path).await {
            Ok(changes) => changes,
            Err(error) => return format!("cannot be watched: {error}"),
        };
        let mut tails = loop {
            match self.resume(feed) {
                Ok(tails) => break tails,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    feed.closed(&self.what(), "is not there", clock::monotonic());
                    changes.wait().await;
                }
                Err(error) => return format!("cannot be opened: {error}"),
            }
        };
        feed.opened();
        loop {
            if let Err(error) = self.read_all(&mut tails, feed).await {
                return format!("cannot be read: {error}");
            }
            match replaced(&self.path, &mut tails) {
                Ok(true) => continue,
                Ok(false) => changes.wait().await,
                Err(error) => return format!("cannot be opened: {error}"),
            }
        }
    }
}

/// Has the file been emptied, or has another taken its name? The latter joins the tails.
fn replaced(path: &Path, tails: &mut Vec<Tail>) -> io::Result<bool> {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        // Renamed, and the next one is not there yet.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let Some(current) = tails.last_mut() else {
        return Ok(false);
    };
    if !current.is(FilePosition::at(&metadata, 0)) {
        let next = Tail::open(path)?;
        current.retires = Some(clock::monotonic() + RETIREMENT);
        tails.push(next);
        return Ok(true);
    }
    if metadata.len() < current.read {
        current.go_to(0)?;
        return Ok(true);
    }
    Ok(false)
}

/// An open file, and how far it has been read.
#[derive(Debug)]
struct Tail {
    file: File,
    /// The end of the last whole line.
    position: FilePosition,
    /// Bytes read, those of a line that is not complete included.
    read: u64,
    splitter: Splitter,
    /// The rest of a line whose beginning was never read.
    skipping: bool,
    retires: Option<Instant>,
}

impl FilePosition {
    fn at(metadata: &Metadata, offset: u64) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), offset }
    }
}

impl Tail {
    fn open(path: &Path) -> io::Result<Self> {
        // Opening a pipe must not wait for its writer.
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a plain file; name the syslog daemon's file"));
        }
        let position = FilePosition::at(&metadata, 0);
        let splitter = Splitter::default();
        Ok(Self { file, position, read: 0, splitter, skipping: false, retires: None })
    }

    fn is(&self, other: FilePosition) -> bool {
        (self.position.device, self.position.inode) == (other.device, other.inode)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn go_to(&mut self, offset: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.read = offset;
        self.position.offset = offset;
        self.splitter = Splitter::default();
        self.skipping = false;
        Ok(())
    }

    fn skip_to_backlog(&mut self) -> io::Result<()> {
        let start = self.length()?.saturating_sub(BACKLOG_BYTES);
        self.go_to(start)?;
        self.skipping = start > 0;
        Ok(())
    }

    /// Takes the next bytes; `false`: there are none now.
    fn read_some(&mut self, buffer: &mut [u8], feed: &mut Feed<'_>) -> io::Result<bool> {
        let length = match self.file.read(buffer) {
            Ok(0) => return Ok(false),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(error),
        };
        let chunk = &buffer[..length];
        let last_end = chunk.iter().rposition(|byte| *byte == b'\n').map(|at| at as u64 + 1);
        let begin = if self.skipping {
            match chunk.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    self.skipping = false;
                    end + 1
                }
                None => length,
            }
        } else {
            0
        };
        feed.file_lines(&mut self.splitter, &chunk[begin..]);
        if let Some(end) = last_end {
            self.position.offset = self.read + end;
        }
        self.read += length as u64;
        Ok(true)
    }
}

/// Says when a file has changed.
struct Changes(MuxedEvents);

impl Changes {
    async fn of(path: &Path) -> io::Result<Self> {
        let mut events = MuxedEvents::new()?;
        events.add_file(path).await?;
        Ok(Self(events))
    }

    /// Returns when something has changed, and at every [`GLANCE`].
    async fn wait(&mut self) {
        let changed = async {
            while let Ok(None) | Err(_) = self.0.next_event().await {
                // Nothing is watched any more: the glances go on.
                tokio::time::sleep(GLANCE).await;
            }
        };
        timeout(GLANCE, changed).await.ok();
        // One look serves for everything that was announced until now.
        while timeout(Duration::ZERO, self.0.next_event())
            .await
            .is_ok_and(|event| matches!(event, Ok(Some(_))))
        {}
    }
}
