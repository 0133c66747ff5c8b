//! What routers are to do and when: the types. Pure.
//!
//! `parse.rs` reads them, `plan.rs` puts them in order, `state.rs` does them. The format:
#![doc = concat!("```text\n", include_str!("scenario.txt"), "```")]

use std::ops::RangeInclusive;
use std::time::Duration;

pub use super::equipment::Equipment;
use super::strange::Strange;

/// The format in words, for `--help`.
pub const FORMAT: &str = include_str!("scenario.txt");

/// Played when no other is given.
pub const DEFAULT: &str = include_str!("default.scenario");

/// What `make demo` shows.
pub const DEMO: &str = include_str!("demo.scenario");

/// What all routers are to do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scenario {
    pub(super) lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) who: Who,
    pub(super) when: When,
    /// All at that moment.
    pub(super) actions: Vec<Action>,
}

/// Routers by number, the first is 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Who {
    All,
    /// Those whose number can be divided by this.
    EveryNth(usize),
    Numbers(Vec<RangeInclusive<usize>>),
}

impl Who {
    pub(super) fn includes(&self, number: usize) -> bool {
        match self {
            Self::All => true,
            Self::EveryNth(n) => number.is_multiple_of(*n),
            Self::Numbers(ranges) => ranges.iter().any(|range| range.contains(&number)),
        }
    }
}

/// When something is done. `spread`: each router up to so much later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum When {
    /// Since the start.
    Once { at: Duration, spread: Duration },
    /// Before the present; only where there is a past.
    Before { ago: Duration, spread: Duration },
    /// Each day at this local time.
    Daily { at: Duration, spread: Duration },
    /// From a moment of chance on; `since`: so long before the present at the earliest.
    Every { period: Duration, spread: Duration, until: Option<Duration>, since: Option<Duration> },
}

/// One thing to do; [`str::parse`] reads it as in a scenario.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Events at once.
    Event {
        /// Their type.
        kind: String,
        /// How many.
        count: u32,
    },
    /// The detector tells an outage.
    Outage(Outage),
    /// The session is gone for so long.
    Drop(Duration),
    /// Lost pings.
    Loss {
        /// Of 100.
        percent: u8,
        /// How long.
        lasts: Duration,
    },
    /// The state of the WAN.
    Wan(WanState),
    /// Away for so long, then a new life.
    Reboot(Duration),
    /// Nobody reaches it for so long.
    Offline(Duration),
    /// A new stream, of that name if there is one.
    NewStream(Option<String>),
    /// So many numbers are used again.
    SeqBack(u64),
    /// The clock is set.
    Clock(ClockChange),
    /// Local time, in minutes before UTC.
    Zone(i32),
    /// So many events are kept.
    Evict(usize),
    /// Which program answers.
    Agent(Agent),
    /// What the router is made of.
    Has(Equipment),
    /// The light that arrives sinks or rises to a level.
    Light {
        /// The level.
        dbm: f64,
        /// In so long.
        within: Duration,
    },
    /// The processor is so warm, in degrees Celsius.
    Heat(f64),
    /// Answers are not what they should be.
    Fault(Fault),
    /// Answers are again.
    Healthy,
}

/// As the outage detector tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    pub(super) lasts: Duration,
    pub(super) cause: String,
    pub(super) side: String,
    /// It began so long ago; what was is told at once.
    pub(super) ago: Option<Duration>,
}

/// `realtime.wan_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WanState {
    /// Up.
    Up,
    /// Down.
    Down,
    /// Unknown.
    Unknown,
}

impl WanState {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

/// How a clock is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChange {
    /// By milliseconds.
    By(i64),
    /// To milliseconds since 1970.
    To(i64),
    /// To the time of this machine.
    Right,
}

/// A program on the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// The exporter.
    Exporter,
    /// The shell script before it.
    Shell(OtherPaths),
}

/// What the shell script answers where `/net/status` was not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherPaths {
    /// The same: it listens by itself, and does not look.
    Status,
    /// 404: it is behind a web server.
    NotFound,
}

/// Wrong answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub(super) kind: FaultKind,
    /// `None`: all.
    pub(super) endpoint: Option<Endpoint>,
    pub(super) lasts: Lasts,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    Slow(Duration),
    Half,
    Drip,
    Hang,
    Reset,
    Noise,
    Garbage,
    Html,
    Gzip,
    GzipBomb,
    Huge,
    Redirect,
    Unauthorized,
    Unavailable,
    Strange(Strange),
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Status,
    Events,
    Metrics,
}

/// How long answers are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasts {
    ForGood,
    For(Duration),
    Answers(u32),
}
