//! A file that a syslog daemon writes, followed through renaming and truncation.
//!
//! linemux says when to look; what is there is read and split here. Since nothing says
//! when a file was replaced between two looks, both names are compared each time: another
//! inode is a new file, fewer bytes than read is one that was emptied.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use linemux::MuxedEvents;
use tokio::task::unconstrained;
use tokio::time::timeout;
use tracing::debug;

use super::{CHUNK_BYTES, Feed, Follow, Place};
use crate::clock;
use crate::events::lines::Splitter;
use crate::events::positions::{FilePosition, Head};
use crate::events::timeline::Span;

/// Looked at this often even if nothing was announced: a rename can slip through, and
/// network file systems announce nothing.
const GLANCE: Duration = Duration::from_secs(1);
/// Read of a file that was never read before: some days of a router's log.
const BACKLOG_BYTES: u64 = 256 * 1024;
/// A renamed file is still written to until its daemon hears of it; a name that is free for
/// longer is gone.
const RETIREMENT: Duration = Duration::from_secs(5);
/// Files that are open at a time, when one is renamed after the other.
const MAX_TAILS: usize = 8;
/// How syslogd, logrotate and logread name the files before this one, newest first.
const ROTATED: [&str; 5] = ["old", "0", "1", "2", "3"];
/// A file is recognised by so much of its beginning.
const HEAD_BYTES: u64 = 256;
/// Chunks read in a row, before what was announced meanwhile is thrown away.
const BURST: usize = 16;

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
        if current.continues(known)? {
            current.go_to(known.offset)?;
            return Ok(vec![current]);
        }
        let mut tails = self.rotated(known);
        tails.push(current);
        Ok(tails)
    }

    /// The file where reading stopped, under the name that it has now, and those that came
    /// after it, oldest first. What cannot be opened is passed over.
    fn rotated(&self, known: FilePosition) -> Vec<Tail> {
        let mut tails: Vec<Tail> = Vec::new();
        for suffix in ROTATED {
            let mut name = self.path.clone().into_os_string();
            name.push(".");
            name.push(suffix);
            let Ok(mut tail) = Tail::open(Path::new(&name)) else { continue };
            tail.retires = Some(clock::monotonic() + RETIREMENT);
            let is_known = tail.continues(known).unwrap_or(false);
            if is_known && tail.go_to(known.offset).is_err() {
                break;
            }
            tails.insert(0, tail);
            if is_known {
                return tails;
            }
        }
        Vec::new()
    }

    /// Reads every tail to its end, the oldest first.
    async fn read_all(
        &mut self,
        tails: &mut Vec<Tail>,
        changes: &mut Changes,
        feed: &mut Feed<'_>,
    ) -> io::Result<()> {
        for at in 0..tails.len() {
            // What comes late in a renamed file is not worth reading its successor twice.
            let is_front = tails[at + 1..].iter().all(|later| later.read == 0);
            let mut chunks = 0;
            while tails[at].read_some(&mut self.buffer, feed)? {
                chunks += 1;
                if chunks % BURST == 0 {
                    changes.forget().await;
                }
                if is_front {
                    feed.intake.passed(Place::File(&self.path, tails[at].position));
                }
                // A flood must not keep the answers waiting.
                tokio::task::yield_now().await;
            }
        }
        let newest = tails.len().saturating_sub(1);
        let mut at = 0;
        tails.retain(|tail| {
            at += 1;
            // The newest stays, also under no name at all, until its successor is there.
            at > newest || !(tail.has_retired() || at + MAX_TAILS <= newest)
        });
        Ok(())
    }
}

/// What has become of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    /// There is something else to read under it.
    Replaced,
    Missing,
}

impl Follow for LogFile {
    const SPAN: Span = Span::AnyBoot;

    fn what(&self) -> String {
        self.path.display().to_string()
    }

    async fn follow(&mut self, feed: &mut Feed<'_>) -> String {
        let mut changes = Changes::of(&self.path).await;
        let mut tails = loop {
            match self.resume(feed) {
                Ok(tails) => break tails,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    feed.closed("is not there", clock::monotonic());
                    changes.wait().await;
                }
                Err(error) => return format!("cannot be opened: {error}"),
            }
        };
        feed.opened();
        loop {
            if let Err(error) = self.read_all(&mut tails, &mut changes, feed).await {
                return format!("cannot be read: {error}");
            }
            match replaced(&self.path, &mut tails) {
                Ok(Change::None) => changes.wait().await,
                Ok(Change::Replaced) => {}
                Ok(Change::Missing) if tails.iter().all(Tail::has_retired) => {
                    return "is gone".to_owned();
                }
                Ok(Change::Missing) => changes.wait().await,
                Err(error) => return format!("cannot be opened: {error}"),
            }
        }
    }
}

/// Has the file been emptied, or has another taken its name? The latter joins the tails.
fn replaced(path: &Path, tails: &mut Vec<Tail>) -> io::Result<Change> {
    let Some(current) = tails.last_mut() else {
        return Ok(Change::None);
    };
    let retirement = clock::monotonic() + RETIREMENT;
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        // Renamed, and the next one is not there yet, or will never be.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            current.retires.get_or_insert(retirement);
            return Ok(Change::Missing);
        }
        Err(error) => return Err(error),
    };
    if !current.is(FilePosition::at(&metadata)) {
        let next = Tail::open(path)?;
        current.retires.get_or_insert(retirement);
        tails.push(next);
        return Ok(Change::Replaced);
    }
    current.retires = None;
    // Emptied, and perhaps written to again since.
    if metadata.len() < current.read || !current.has_its_head()? {
        current.go_to(0)?;
        return Ok(Change::Replaced);
    }
    Ok(Change::None)
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
    fn at(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), offset: 0, head: None }
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
        let position = FilePosition::at(&metadata);
        let splitter = Splitter::default();
        Ok(Self { file, position, read: 0, splitter, skipping: false, retires: None })
    }

    fn is(&self, other: FilePosition) -> bool {
        (self.position.device, self.position.inode) == (other.device, other.inode)
    }

    fn has_retired(&self) -> bool {
        self.retires.is_some_and(|when| when <= clock::monotonic())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Is it the file that was read up to there, and not emptied since?
    fn continues(&self, known: FilePosition) -> io::Result<bool> {
        let is_long = self.is(known) && self.length()? >= known.offset;
        Ok(is_long && known.head.is_none_or(|head| self.head(head.length).ok() == Some(head)))
    }

    /// Does it still begin as it did?
    fn has_its_head(&self) -> io::Result<bool> {
        match self.position.head {
            Some(head) => Ok(self.head(head.length)? == head),
            None => Ok(true),
        }
    }

    fn head(&self, length: u64) -> io::Result<Head> {
        let mut bytes = vec![0; usize::try_from(length.min(HEAD_BYTES)).unwrap_or_default()];
        let read = self.file.read_at(&mut bytes, 0)?;
        Ok(Head::of(&bytes[..read]))
    }

    /// The beginning grows with the file, until it is long enough to be told apart.
    fn note_head(&mut self) -> io::Result<()> {
        let length = self.read.min(HEAD_BYTES);
        if self.position.head.is_none_or(|head| head.length < length) {
            self.position.head = Some(self.head(length)?);
        }
        Ok(())
    }

    fn go_to(&mut self, offset: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.read = offset;
        self.position.offset = offset;
        self.position.head = None;
        self.splitter = Splitter::default();
        self.skipping = false;
        self.note_head()
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
        self.note_head()?;
        Ok(true)
    }
}

/// Says when a file has changed; without a watcher (they are few) only the glances are left.
struct Changes(Option<MuxedEvents>);

impl Changes {
    async fn of(path: &Path) -> Self {
        let watch = async {
            let mut events = MuxedEvents::new()?;
            events.add_file(path).await?;
            io::Result::Ok(events)
        };
        match watch.await {
            Ok(events) => Self(Some(events)),
            Err(error) => {
                debug!("{}: looked at every second: {error}", path.display());
                Self(None)
            }
        }
    }

    /// Returns when something has changed, and at every [`GLANCE`].
    async fn wait(&mut self) {
        let changed = async {
            // An error, or nothing to watch any more: the glances go on.
            if !is_announced(&mut self.0).await {
                std::future::pending::<()>().await;
            }
        };
        timeout(GLANCE, changed).await.ok();
        self.forget().await;
    }

    /// One look serves for everything that was announced until now.
    async fn forget(&mut self) {
        // All of it, however much there is.
        unconstrained(async {
            loop {
                tokio::select! {
                    biased;
                    true = is_announced(&mut self.0) => {}
                    () = std::future::ready(()) => break,
                }
            }
        })
        .await;
    }
}

/// Returns at the next change; `false`: nothing is watched any more.
async fn is_announced(events: &mut Option<MuxedEvents>) -> bool {
    match events {
        Some(events) => matches!(events.next_event().await, Ok(Some(_))),
        None => false,
    }
}
