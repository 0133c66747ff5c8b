//! The event queue: numbers events, keeps the newest ones, and survives being killed.
//!
//! The listener pushes what happened and commits; everybody else sees [`Snapshot`]s. An
//! event is in one only after the rename of the file that holds it, so what a reader has
//! seen is there after `kill -9` too, under the same number. There is no fsync (`file.rs`
//! says why) and no clock: times come in with the events.
//!
//! Two files, each replaced as a whole by renaming a new one over it:
//!
//! * `QUEUE_FILE`: the events, oldest first, a JSON array that clients of the old agent
//!   read, one event a line;
//! * `QUEUE_FILE.state`: stream, numbers, drops, the caller's memo (such as positions in
//!   the logs), and as a write-ahead the events of this very write with `before`, the last
//!   event of the queue file until then.
//!
//! The state is renamed first. What a start finds (`recovery.rs`), depending on where the
//! program was killed and whether somebody emptied or removed the queue file after that:
//!
//! | killed | state file | queue file | and it was emptied |
//! |---|---|---|---|
//! | before the state is renamed | old, settled | old: as it was; the memo is old too, so the logs tell the events again, under the same numbers | empty, same stream |
//! | the same | old, write-ahead | last event is in the write-ahead: as it was | empty: `before` names an event |
//! | between the renames | new, write-ahead | last event is `before`: write-ahead appended | empty; if `before` was none (first write, or emptied earlier): write-ahead appended |
//! | queue renamed, not settled | new, write-ahead | last event is in the write-ahead: as it is | as above |
//! | while settling | new, with or without write-ahead | as it is | empty, or as above |
//! | settled | new, no write-ahead | as it is | empty, same stream |
//!
//! When the state cannot be written, what is pushed is shown from memory under another
//! stream: a restart would use its numbers again. Who reads with a cursor gets each event
//! once ([`Snapshot::first_readable`]). When only the queue file cannot be written, the
//! write-ahead holds the events, and nothing changes but [`Outcome`].

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::sync::watch;

use self::drops::Drops;
use self::file::Files;
use self::line::Text;
use self::recovery::Recovered;
use self::snapshot::ByKind;
pub(crate) use self::snapshot::Snapshot;
use self::state::Head;
pub(crate) use self::write::Outcome;
use super::event::{Event, LATEST, Moment, Told};
use super::kind::Kind;

mod drops;
mod file;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod line;
mod recovery;
mod snapshot;
mod state;
mod write;

/// 10,000 events take 2.5 MB; this is reached only if all of them had the longest texts.
/// Half of what we read, since the state file may hold all of it and more.
const MAX_TEXT_BYTES: usize = 8 << 20;

/// Where the queue is kept, and how long it is.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) file: PathBuf,
    /// Events kept, at least one.
    pub(crate) capacity: usize,
}

/// What was found at the start.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What could not be used, to be logged.
    pub(crate) notices: Vec<String>,
    /// What the last write before was given.
    pub(crate) memo: Option<Value>,
    /// The files are from this start of the router; `false` when that is not known.
    pub(crate) same_boot: bool,
}

/// The queue; the one who holds it is the only one that writes its files.
pub(crate) struct Queue {
    files: Files,
    capacity: usize,
    zone: TimeZone,
    fresh_stream: Box<dyn FnMut() -> String + Send>,
    head: Head,
    drops: Arc<Drops>,
    events: VecDeque<Arc<Event>>,
    last_by_kind: ByKind<Option<Moment>>,
    /// Lines of the queue file, of the oldest events on; the newest may lack theirs.
    text: Text,
    /// The state file as text; kept for its room.
    state_text: Vec<u8>,
    /// The last event that the queue file holds.
    in_file: Option<u64>,
    /// The queue file has times from before the clock was set by this.
    offset: Option<SignedDuration>,
    /// Something here is not in the files, and was not tried to be written.
    is_dirty: bool,
    /// Something here has not been shown.
    has_news: bool,
    /// No state file names the stream, so no restart can use its numbers again.
    is_memory_only: bool,
    /// The last write failed.
    is_failing: bool,
    /// The state file on disk needs no write-ahead, and its memo.
    settled: Option<Value>,
    write_errors: u64,
    unpublished_by_kind: ByKind<u64>,
    published_by_kind: ByKind<u64>,
    published: watch::Sender<Arc<Snapshot>>,
}

impl Queue {
    /// Goes on where the files of an earlier run end. Never fails: what cannot be used is
    /// set aside and told. Writes nothing; [`Queue::is_dirty`] tells whether a commit is
    /// due.
    pub(crate) fn open(
        settings: Settings,
        boot_id: Option<&str>,
        zone: TimeZone,
        mut fresh_stream: impl FnMut() -> String + Send + 'static,
    ) -> (Self, Opened) {
        let files = Files::new(settings.file);
        files.remove_leftovers();
        let (recovered, notices) = recovery::read(&files, boot_id, &mut fresh_stream);
        let opened =
            Opened { notices, memo: recovered.memo.clone(), same_boot: recovered.same_boot };
        (Self::go_on(files, settings.capacity, zone, Box::new(fresh_stream), recovered), opened)
    }

    fn go_on(
        files: Files,
        capacity: usize,
        zone: TimeZone,
        fresh_stream: Box<dyn FnMut() -> String + Send>,
        recovered: Recovered,
    ) -> Self {
        let Recovered { head, drops, events, memo, in_file, offset, unseen, .. } = recovered;
        let mut last_by_kind = [None; Kind::ALL.len()];
        for event in &events {
            last_by_kind[event.kind as usize] = Some(event.at);
        }
        let mut unpublished_by_kind = [0; Kind::ALL.len()];
        for event in events.iter().rev().take(unseen) {
            unpublished_by_kind[event.kind as usize] += 1;
        }
        let mut queue = Self {
            files,
            capacity: capacity.max(1),
            zone,
            fresh_stream,
            is_memory_only: !recovered.has_state,
            head,
            drops: Arc::new(drops),
            events,
            last_by_kind,
            text: Text::default(),
            state_text: Vec::new(),
            in_file,
            offset,
            is_dirty: !recovered.is_on_disk,
            has_news: false,
            is_failing: false,
            settled: recovered.is_on_disk.then(|| memo.unwrap_or_default()),
            write_errors: 0,
            unpublished_by_kind,
            published_by_kind: [0; Kind::ALL.len()],
            published: watch::Sender::new(Arc::new(Snapshot::nothing())),
        };
        queue.evict();
        // All of it is in the files already: a kill takes none of it away.
        queue.publish();
        queue
    }

    /// A short name for the next event, unique among all streams of a router.
    pub(crate) fn next_name(&self) -> String {
        let stream = self.head.stream.get(..8).unwrap_or(&self.head.stream);
        format!("{stream}-{}", self.head.next_seq)
    }

    /// Adds an event and gives it its number. It is seen after the next commit.
    pub(crate) fn push(&mut self, told: Told, at: Moment) {
        let at = Moment { unix: whole_millis(at.unix), boot: at.boot.map(whole_millis) };
        let event = Event::new(self.head.next_seq, at, told);
        self.head.next_seq += 1;
        if Drops::concerns(event.kind) {
            Arc::make_mut(&mut self.drops).note(event.kind, at);
        }
        self.last_by_kind[event.kind as usize] = Some(at);
        self.unpublished_by_kind[event.kind as usize] += 1;
        self.events.push_back(Arc::new(event));
        self.is_dirty = true;
        self.has_news = true;
        self.evict();
    }

    /// Events kept from now on, at least one.
    pub(crate) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity.max(1);
        self.evict();
    }

    /// The zone of the times for people.
    pub(crate) fn set_zone(&mut self, zone: TimeZone) {
        if self.zone != zone {
            self.zone = zone;
            self.text.clear();
            self.is_dirty = true;
        }
    }

    /// The wall clock was set and is now `offset` ahead of the time since the router
    /// started: corrects what happened since then. Tells whether a time changed.
    pub(crate) fn correct(&mut self, offset: SignedDuration) -> bool {
        let offset = whole_signed_millis(offset);
        let moves = |at: &Moment| {
            let unix = moved(at.boot?, offset);
            (unix != at.unix).then_some(unix)
        };
        let mut changed = false;
        for event in &mut self.events {
            if let Some(unix) = moves(&event.at) {
                Arc::make_mut(event).at.unix = unix;
                changed = true;
            }
        }
        if changed {
            self.head.revision += 1;
            self.offset = Some(offset);
            self.text.clear();
        }
        for last in self.last_by_kind.iter_mut().flatten() {
            if let Some(unix) = moves(last) {
                last.unix = unix;
                changed = true;
            }
        }
        changed |= Arc::make_mut(&mut self.drops).correct(offset);
        self.is_dirty |= changed;
        self.has_news |= changed;
        changed
    }

    /// Is there anything that a commit has not tried to write yet?
    pub(crate) fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    /// Do the files say all there is, without a write-ahead? If not, [`Queue::settle`].
    pub(crate) fn is_settled(&self) -> bool {
        !self.is_failing && self.settled.is_some()
    }

    /// What may be seen.
    pub(crate) fn published(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.published.subscribe()
    }

    fn evict(&mut self) {
        while self.events.len() > self.capacity {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.events.pop_front() {
            self.head.kept_from = oldest.seq + 1;
            self.text.pop_front();
            self.head.evicted += 1;
            self.is_dirty = true;
        }
    }

    /// Shows all there is.
    fn publish(&mut self) {
        for (total, new) in self.published_by_kind.iter_mut().zip(&mut self.unpublished_by_kind) {
            *total += std::mem::take(new);
        }
        self.has_news = false;
        let head = &self.head;
        let oldest_seq = self.events.front().map_or(head.next_seq, |event| event.seq);
        self.published.send_replace(Arc::new(Snapshot {
            stream: head.stream.clone(),
            revision: head.revision,
            events: self.events.clone(),
            first_readable: oldest_seq.max(head.first_readable),
            next_seq: head.next_seq,
            evicted: head.evicted,
            write_errors: self.write_errors,
            published_by_kind: self.published_by_kind,
            last_by_kind: self.last_by_kind.map(|last| last.map(|at| at.unix)),
            drops: Arc::clone(&self.drops),
        }));
    }
}

/// `boot` after the clock was set `offset` ahead of it.
fn moved(boot: Duration, offset: SignedDuration) -> Duration {
    let boot = SignedDuration::try_from(boot).unwrap_or(SignedDuration::MAX);
    // Before 1970 only if the clock is badly wrong.
    whole_millis(Duration::try_from(boot.saturating_add(offset)).unwrap_or_default())
}

/// As exact as the files, so that an event is the same before and after a restart.
fn whole_millis(time: Duration) -> Duration {
    let time = time.min(LATEST);
    Duration::new(time.as_secs(), time.subsec_millis() * 1_000_000)
}

fn whole_signed_millis(offset: SignedDuration) -> SignedDuration {
    SignedDuration::new(offset.as_secs(), offset.subsec_millis() * 1_000_000)
}

#[cfg(test)]
mod tests;
