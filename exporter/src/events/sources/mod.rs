//! Where lines come from: each source is followed until it ends, and opened again.
//!
//! A source knows how to follow; [`keep_open`] opens it again with growing pauses, keeps
//! its [`Health`] for the metrics, and tells when it stays away. A [`Feed`] splits what it
//! reads into lines and hands them to the intake.

pub(crate) mod child;
mod kernel_log;
mod log_file;
mod logread;
mod ubus;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tracing::{debug, info, warn};

use super::event::Told;
use super::intake::Intake;
use super::kind::Kind;
use super::lines::Splitter;
use super::positions::Place;
use super::timeline::{Span, Timeline};
use crate::clock;
use crate::tally::Tally;

pub(crate) use kernel_log::KernelLog;
pub(crate) use log_file::LogFile;
pub(crate) use logread::Logread;
pub(crate) use ubus::Ubus;

/// Some hundred lines at a time: a flood costs no more with less room, and each source
/// keeps it for good.
const CHUNK_BYTES: usize = 16 * 1024;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// What has run this long did not fail at the start: the pauses begin anew.
const PROVEN: Duration = Duration::from_secs(10);
/// The log daemon restarts within a second or two; what stays away longer is told.
const LOST_AFTER: Duration = Duration::from_secs(10);
/// Between two lines in our log about a source that stays away.
const REPEAT: Duration = Duration::from_secs(600);

/// The kinds of sources: the label `source`, and the words for `DISABLE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Logread,
    File,
    Kmsg,
    Ubus,
}

impl Source {
    pub(crate) const ALL: [Self; 4] = [Self::Logread, Self::File, Self::Kmsg, Self::Ubus];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Logread => "logread",
            Self::File => "file",
            Self::Kmsg => "kmsg",
            Self::Ubus => "ubus",
        }
    }
}

/// How a source is doing. Several log files share one.
#[derive(Debug, Default)]
pub(crate) struct Health {
    wanted: AtomicUsize,
    open: AtomicUsize,
    lines: Tally,
    cut: Tally,
    missed: Tally,
    restarts: Tally,
}

impl Health {
    /// Is it followed at all, or waiting to be?
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn is_up(&self) -> bool {
        self.open.load(Ordering::Relaxed) >= self.wanted.load(Ordering::Relaxed)
    }

    pub(crate) fn lines(&self) -> u64 {
        self.lines.get()
    }

    /// Lines that were longer than anybody writes, and lost their end.
    pub(crate) fn cut(&self) -> u64 {
        self.cut.get()
    }

    /// Times that the source had dropped lines before we could read them.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.get()
    }

    pub(crate) fn restarts(&self) -> u64 {
        self.restarts.get()
    }
}

impl Health {
    /// Splits a chunk, and counts its lines.
    fn count(&self, splitter: &mut Splitter, chunk: &[u8], mut each: impl FnMut(&[u8])) {
        let (mut lines, cut) = (0, splitter.cut_lines());
        splitter.feed(chunk, |line| {
            lines += 1;
            each(line);
        });
        self.lines.add(lines);
        self.cut.add(splitter.cut_lines() - cut);
    }
}

/// Something that can be followed.
pub(crate) trait Follow {
    const SPAN: Span;

    /// For messages: `logread -f`, a path.
    fn what(&self) -> String;

    /// Follows until it ends, and says why it did.
    async fn follow(&mut self, feed: &mut Feed<'_>) -> String;
}

/// From bytes to the intake.
pub(crate) struct Feed<'a> {
    /// For messages.
    what: String,
    pub(super) intake: &'a Intake,
    health: &'a Health,
    timeline: Timeline,
    splitter: Splitter,
    is_open: bool,
    absence: Absence,
}

/// Since when a source is away, and who has been told.
#[derive(Debug, Default)]
struct Absence {
    since: Option<Instant>,
    /// It has worked before: only then is it lost.
    was_there: bool,
    is_recorded: bool,
    /// The log speaks of this absence.
    is_told: bool,
    /// When the log last spoke of it.
    complained: Option<Instant>,
}

impl<'a> Feed<'a> {
    fn new<F: Follow>(source: &F, intake: &'a Intake, health: &'a Health) -> Self {
        health.wanted.fetch_add(1, Ordering::Relaxed);
        let (timeline, splitter) = (Timeline::new(F::SPAN), Splitter::default());
        let (what, absence) = (source.what(), Absence::default());
        Self { what, intake, health, timeline, splitter, is_open: false, absence }
    }

    /// The source works. Until then it is said to be down.
    fn opened(&mut self) {
        if !std::mem::replace(&mut self.is_open, true) {
            self.health.open.fetch_add(1, Ordering::Relaxed);
            let Absence { complained, is_told, .. } = self.absence;
            if is_told {
                info!("{}: is read again", self.what);
            }
            self.absence = Absence { was_there: true, complained, ..Absence::default() };
        }
    }

    /// It has ended, or could not be opened.
    fn closed(&mut self, reason: &str, now: Instant) {
        if std::mem::take(&mut self.is_open) {
            self.health.open.fetch_sub(1, Ordering::Relaxed);
        }
        self.splitter = Splitter::default();
        let Self { what, absence, .. } = self;
        let since = *absence.since.get_or_insert(now);
        let passed = |since: Instant| now.saturating_duration_since(since);
        if absence.complained.is_none_or(|last| passed(last) >= REPEAT) {
            warn!("{what}: {reason}; it is tried again and again");
            absence.complained = Some(now);
            absence.is_told = true;
        } else {
            debug!("{what}: {reason}");
        }
        if absence.was_there && !absence.is_recorded && passed(since) >= LOST_AFTER {
            absence.is_recorded = true;
            let told =
                Told::new(Kind::LogSourceLost, "A log cannot be read: events may be missing");
            self.intake.tell(told.with("source", &*what).with("reason", reason));
        }
    }

    /// Hands each line of a chunk to `each`.
    fn lines(&mut self, chunk: &[u8], mut each: impl FnMut(&Intake, &mut Timeline, &[u8])) {
        let Self { intake, health, timeline, splitter, .. } = self;
        health.count(splitter, chunk, |line| each(intake, timeline, line));
    }

    /// Hands the lines of a file to the intake; each file has a splitter of its own.
    fn file_lines(&mut self, splitter: &mut Splitter, chunk: &[u8]) {
        let Self { intake, health, timeline, .. } = self;
        health.count(splitter, chunk, |line| intake.line(timeline, line, |_| Place::Nowhere));
    }

    /// A line that stands in no stream of bytes.
    fn record(&mut self, line: &[u8], place: Place<'_>) {
        self.health.lines.add(1);
        self.intake.line(&mut self.timeline, line, |_| place);
    }

    fn missed_some(&self) {
        self.health.missed.add(1);
    }
}

/// Other settings, other sources.
impl Drop for Feed<'_> {
    fn drop(&mut self) {
        self.health.wanted.fetch_sub(1, Ordering::Relaxed);
        if self.is_open {
            self.health.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Follows a source for ever.
pub(crate) async fn keep_open<F: Follow>(mut source: F, intake: Arc<Intake>, health: Arc<Health>) {
    let mut feed = Feed::new(&source, &intake, &health);
    let mut pause = FIRST_PAUSE;
    loop {
        let began = clock::monotonic();
        let reason = source.follow(&mut feed).await;
        let ended = clock::monotonic();
        if feed.is_open && ended.saturating_duration_since(began) >= PROVEN {
            pause = FIRST_PAUSE;
        }
        feed.closed(&reason, ended);
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        health.restarts.add(1);
    }
}
