//! The log daemon's ring: `logread -f`, the backlog first.
//!
//! Every time the program is started it prints the whole ring again. What has been read
//! before is found by its last lines ([`Search`]) and passed over; lines that may matter
//! are held back until then.
//!
//! OpenWrt's own program (ubox, log/logread.c) prints only new lines with `-f`, unless it
//! is asked for a number of old ones, and with `-t` the time since 1970. BusyBox's prints
//! old ones with `-F`.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::child::{self, Child};
use super::{CHUNK_BYTES, Feed, Follow, Place};
use crate::events::positions::{LineHash, Run, Search};
use crate::events::timeline::Span;

/// More lines than any ring holds.
const ALL_LINES: &str = "1000000";
/// A pause this long ends a backlog: the ring comes in one burst. Only where the place is
/// gone from the ring does anybody wait for it.
const QUIET: Duration = Duration::from_secs(2);
/// A busy log never pauses; a whole ring is read in less.
const LONGEST_SEARCH: Duration = Duration::from_secs(5);
/// Lines held back at most: a ring of 1 MiB has fewer bytes that can matter.
const MAX_HELD_BYTES: usize = 256 * 1024;
/// A program that has run so long without a word has nothing to say yet. OpenWrt's looks
/// in silence for a log daemon that is gone, for 11 s.
const SILENT: Duration = Duration::from_secs(15);

/// Follows `logread`.
pub(crate) struct Logread {
    program: PathBuf,
}

impl Logread {
    pub(crate) fn new(program: PathBuf) -> Self {
        Self { program }
    }

    fn arguments(&self) -> &'static [&'static str] {
        if is_busybox(&self.program) { &["-F"] } else { &["-f", "-t", "-l", ALL_LINES] }
    }
}

/// BusyBox's programs are links to itself.
fn is_busybox(program: &Path) -> bool {
    let real = program.canonicalize().unwrap_or_default();
    real.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"busybox"))
}

impl Follow for Logread {
    const SPAN: Span = Span::ThisBoot;

    fn what(&self) -> String {
        format!("{} {}", self.program.display(), self.arguments().join(" "))
    }

    async fn follow(&mut self, feed: &mut Feed<'_>) -> String {
        let child = match child::start(&self.program, self.arguments()) {
            Ok(child) => child,
            Err(error) => return format!("cannot be started: {error}"),
        };
        let known = feed.intake.lines_read();
        let backlog = (!known.is_empty()).then(|| Backlog::new(known));
        follow(child, feed, backlog).await
    }
}

async fn follow(mut child: Child, feed: &mut Feed<'_>, mut backlog: Option<Backlog>) -> String {
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut alive_at = Some(Instant::from_std(crate::clock::monotonic()) + SILENT);
    loop {
        let over_at = backlog.as_ref().and_then(Backlog::over_at);
        let read = tokio::select! {
            // What is there to be read ends no pause.
            biased;
            read = child.read(&mut buffer) => read,
            () = at(over_at) => {
                release(&mut backlog, feed);
                continue;
            }
            () = at(alive_at) => {
                alive_at = None;
                feed.opened();
                continue;
            }
        };
        match read {
            Ok(0) => break,
            Ok(length) => {
                alive_at = None;
                feed.opened();
                take(&buffer[..length], feed, &mut backlog);
                if backlog.as_ref().is_some_and(Backlog::has_taken_too_long) {
                    release(&mut backlog, feed);
                }
            }
            Err(error) => return format!("cannot be read: {error}"),
        }
        // A flood must not keep the answers waiting.
        tokio::task::yield_now().await;
    }
    release(&mut backlog, feed);
    child.end().await
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn take(chunk: &[u8], feed: &mut Feed<'_>, backlog: &mut Option<Backlog>) {
    feed.lines(chunk, |intake, timeline, line| match backlog {
        Some(searching) => {
            let (hash, may_matter) = intake.glance(line);
            if searching.found_at(hash, may_matter.then_some(line))
                && let Some(found) = backlog.take()
            {
                intake.set_lines_read(found.search.into_seen());
            }
        }
        None => intake.line(timeline, line, |line| Place::Ring(LineHash::of(line))),
    });
    if let Some(searching) = backlog {
        let now = Instant::from_std(crate::clock::monotonic());
        searching.time.get_or_insert((now, now)).1 = now;
    }
}

/// Nothing of what was read before is left in the ring: all of it is new.
fn release(backlog: &mut Option<Backlog>, feed: &mut Feed<'_>) {
    let Some(backlog) = backlog.take() else { return };
    for line in &backlog.held {
        feed.intake.line(&mut feed.timeline, line, |_| Place::Nowhere);
    }
    if backlog.lost {
        feed.missed_some();
    }
    feed.intake.set_lines_read(backlog.search.into_seen());
}

/// A ring that is being searched for the place where reading stopped.
#[derive(Debug)]
struct Backlog {
    search: Search,
    /// Lines that are new if the place is not found.
    held: VecDeque<Vec<u8>>,
    held_bytes: usize,
    /// The oldest of them had to go.
    lost: bool,
    /// When the first and the last bytes came.
    time: Option<(Instant, Instant)>,
}

impl Backlog {
    fn new(known: Run) -> Self {
        Self {
            search: Search::new(known),
            held: VecDeque::new(),
            held_bytes: 0,
            lost: false,
            time: None,
        }
    }

    /// When the search is given up, if nothing comes.
    fn over_at(&self) -> Option<Instant> {
        self.time.map(|(first, last)| (last + QUIET).min(first + LONGEST_SEARCH))
    }

    fn has_taken_too_long(&self) -> bool {
        self.time.is_some_and(|(first, last)| last > first + LONGEST_SEARCH)
    }

    fn found_at(&mut self, hash: LineHash, line: Option<&[u8]>) -> bool {
        if self.search.found_at(hash) {
            return true;
        }
        if let Some(line) = line {
            self.held_bytes += line.len();
            self.held.push_back(line.to_vec());
            while self.held_bytes > MAX_HELD_BYTES {
                let Some(oldest) = self.held.pop_front() else { break };
                self.held_bytes -= oldest.len();
                self.lost = true;
            }
        }
        false
    }
}
