//! What is asked of the store and what it gives back. Times are UTC milliseconds.

use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::error::StoreError;
use crate::history::outage::Outage;
use crate::record::{Cursor, Millis, WanState};

/// A router's number in the database; stays the same for the life of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouterId(pub(super) i64);

impl RouterId {
    /// The bridge itself, under which it stores what it has to tell (`database_set_aside`).
    pub const BRIDGE: Self = Self(0);
}

/// The place of a row among all of its kind, newest first: `id` tells those of one moment
/// apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Its time.
    pub at: Millis,
    /// Its number.
    pub id: i64,
}

/// Which rows: `from` ≤ time < `until`, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// `None`: all of them, merged by time.
    pub router: Option<RouterId>,
    /// The first millisecond.
    pub from: Millis,
    /// The first millisecond no more.
    pub until: Millis,
    /// At most so many rows; `None`: all.
    pub limit: Option<u64>,
    /// So many of the newest are left out.
    pub offset: u64,
    /// Only those older than the row at this place.
    pub before: Option<Key>,
}

impl Query {
    /// All rows of a time.
    #[must_use]
    pub fn of(router: Option<RouterId>, from: Millis, until: Millis) -> Self {
        Self { router, from, until, limit: None, offset: 0, before: None }
    }
}

/// Which pings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingQuery {
    /// Of which routers and times.
    pub rows: Query,
    /// Of this target only.
    pub target: Option<String>,
}

/// Which events. Times are those of the events (`at`), not of their arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// Of which routers and times.
    pub rows: Query,
    /// Of this kind only.
    pub kind: Option<String>,
}

/// Which hours: those that begin in the time of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourQuery {
    /// Of which routers and times.
    pub rows: Query,
    /// Of the targets only this one; the hours are the same.
    pub target: Option<String>,
}

/// Which alerts. Times are those of their arrival; they belong to no router of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertQuery {
    /// Of which times.
    pub rows: Query,
    /// Whose label `router` is this.
    pub router: Option<String>,
    /// Of this name only.
    pub name: Option<String>,
    /// Of this state only.
    pub status: Option<AlertStatus>,
}

/// Rows in chunks of at most 512, in order; ends after the last row or the first error.
/// Dropping it ends the reading.
pub type Rows<T> = mpsc::Receiver<Result<Vec<T>, StoreError>>;

/// One poll.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRecord {
    /// Never changes, below 2^53.
    pub id: i64,
    /// Its name.
    pub router: String,
    /// When the bridge had the answer.
    pub at: Millis,
    /// The WAN.
    pub wan_state: WanState,
    /// Counter of the lower WAN device.
    pub rx_errors: Option<u64>,
    /// As above.
    pub tx_errors: Option<u64>,
    /// As above.
    pub rx_dropped: Option<u64>,
    /// As above.
    pub tx_dropped: Option<u64>,
    /// dBm, to 1/100.
    pub optical_rx_dbm: Option<f64>,
    /// dBm, to 1/100.
    pub optical_tx_dbm: Option<f64>,
    /// Degrees, to 1/10.
    pub cpu_celsius: Option<f64>,
    /// In the 24 h before.
    pub pppoe_reconnects_24h: Option<u64>,
    /// In the 24 h before.
    pub wan_downs_24h: Option<u64>,
}

/// Pings of one target, as one poll told them.
#[derive(Debug, Clone, PartialEq)]
pub struct PingRecord {
    /// Never changes, below 2^53.
    pub id: i64,
    /// Its name.
    pub router: String,
    /// That of the poll.
    pub at: Millis,
    /// As the router's settings name it.
    pub target: String,
    /// Milliseconds, to 1/1000.
    pub rtt_ms: Option<f64>,
    /// 0 to 100, to 1/10.
    pub loss_percent: Option<f64>,
}

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRecord {
    /// Never changes, below 2^53.
    pub id: i64,
    /// Its name.
    pub router: String,
    /// When the bridge first had it.
    pub received: Millis,
    /// When it happened.
    pub at: Millis,
    /// `pppoe_up` and the like.
    pub kind: String,
    /// One line.
    pub message: String,
    /// Further facts.
    pub detail: Option<Value>,
    /// Its number in the stream; `None`: not numbered.
    pub seq: Option<u64>,
    /// Which sequence of numbers.
    pub stream: Option<String>,
}

/// A time in which a router could not be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapRecord {
    /// Its name.
    pub router: String,
    /// Since the last answer.
    pub from: Millis,
    /// Until the next, or so far.
    pub until: Millis,
}

/// An outage.
#[derive(Debug, Clone, PartialEq)]
pub struct OutageRecord {
    /// Its name.
    pub router: String,
    /// As it is known now.
    pub outage: Outage,
}

/// An hour that is added up; of what no poll says there is nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HourRecord {
    /// As in the view `hourly_stats`; never changes, below 2^53.
    pub id: i64,
    /// Its name.
    pub router: String,
    /// When it began, a whole hour of UTC.
    pub at: Millis,
    /// Polls.
    pub samples: u64,
    /// Those with the WAN up.
    pub samples_up: u64,
    /// Milliseconds that anybody watched.
    pub observed: Millis,
    /// Milliseconds of them without the internet.
    pub outage: Millis,
    /// Degrees.
    pub cpu_mean_celsius: Option<f64>,
    /// Degrees, to 1/10.
    pub cpu_max_celsius: Option<f64>,
    /// Of the readings in dBm.
    pub optical_rx_mean_dbm: Option<f64>,
    /// dBm, to 1/100.
    pub optical_rx_min_dbm: Option<f64>,
    /// Of the readings in dBm.
    pub optical_tx_mean_dbm: Option<f64>,
    /// Packets in this hour: rx and tx errors, rx and tx dropped.
    pub errors: [Option<u64>; 4],
    /// Events `pppoe_up`.
    pub pppoe_ups: u64,
    /// Events `wan_down`.
    pub wan_downs: u64,
    /// By name.
    pub targets: Vec<HourPingRecord>,
}

/// An hour of one target. Times are of one mean of each minute, in milliseconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HourPingRecord {
    /// As the router's settings name it.
    pub target: String,
    /// `None`: no minute with an answer.
    pub rtt_mean_ms: Option<f64>,
    /// To 1/1000.
    pub rtt_min_ms: Option<f64>,
    /// To 1/1000.
    pub rtt_max_ms: Option<f64>,
    /// To 1/1000.
    pub rtt_p95_ms: Option<f64>,
    /// Mean of what the polls say, 0 to 100.
    pub loss_percent: Option<f64>,
    /// Requests; `None`: the agent does not count.
    pub sent: Option<u64>,
    /// Of them, those without an answer.
    pub lost: Option<u64>,
}

/// Of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertStatus {
    /// It fires.
    Firing,
    /// It does no more.
    Resolved,
}

/// A state of an alert, as Alertmanager tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Of its labels.
    pub fingerprint: String,
    /// Each is stored once.
    pub status: AlertStatus,
    /// When it began to fire.
    pub starts_at: Millis,
    /// When it ended, or will if nobody tells it again; `None`: not told.
    pub ends_at: Option<Millis>,
    /// Its label `alertname`.
    pub name: String,
    /// Strings.
    pub labels: Map<String, Value>,
    /// Strings.
    pub annotations: Map<String, Value>,
}

/// A state of an alert that is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRecord {
    /// Never changes, below 2^53.
    pub id: i64,
    /// When the bridge was told first.
    pub received: Millis,
    /// As it was told.
    pub alert: Alert,
}

/// A router that has been polled at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterRecord {
    /// For queries.
    pub id: RouterId,
    /// As in the settings.
    pub name: String,
    /// The newest sample.
    pub last_sample: Option<Millis>,
    /// The newest event, by the time it happened.
    pub last_event: Option<Millis>,
    /// The newest gap.
    pub last_gap: Option<(Millis, Millis)>,
    /// How far its events have been read.
    pub cursor: Option<Cursor>,
}

/// How far the database reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The oldest sample.
    pub oldest: Option<Millis>,
    /// The newest.
    pub newest: Option<Millis>,
    /// Without pages that are free.
    pub used_bytes: u64,
    /// When the last clean-up was.
    pub cleaned: Option<Millis>,
}

/// Over the samples, pings and events of a query; its limit and offset count for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Summary {
    /// Polls.
    pub samples: u64,
    /// Those with the WAN up.
    pub samples_up: u64,
    /// Mean of the loss percents of all pings; `None`: no ping says.
    pub mean_loss_percent: Option<f64>,
    /// `None`: no sample has it.
    pub mean_cpu_celsius: Option<f64>,
    /// Kinds that begin with `pppoe_`.
    pub pppoe_events: u64,
    /// Kinds that begin with `wan_`.
    pub wan_events: u64,
}

/// What came of storing events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    /// Not known before; the row of `events_lost` is not among them.
    pub new: u64,
    /// Known under another time or text.
    pub corrected: u64,
    /// Gone before they could be read, and not counted before.
    pub missed: u64,
}
