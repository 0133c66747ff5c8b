//! What routers tell, as the bridge knows it: between the readers of answers, the store and
//! the API. Times are UTC; a router's own clock is corrected where it can be.

use std::ops::RangeInclusive;

use serde_json::Value;

/// Milliseconds since 1970.
pub type Millis = i64;

/// Is the WAN up, as the router says?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WanState {
    /// It is.
    Up,
    /// It is not.
    Down,
    /// The router does not say, or says something else.
    Unknown,
}

/// One answer of `/net/status`; what the router has not got is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When the bridge had the answer, by the bridge's clock.
    pub at: Millis,
    /// The WAN.
    pub wan_state: WanState,
    /// Of the lower WAN device, since it is there.
    pub rx_errors: Option<u64>,
    /// As above.
    pub tx_errors: Option<u64>,
    /// As above.
    pub rx_dropped: Option<u64>,
    /// As above.
    pub tx_dropped: Option<u64>,
    /// Received light, dBm.
    pub optical_rx_dbm: Option<f64>,
    /// Sent light, dBm.
    pub optical_tx_dbm: Option<f64>,
    /// Degrees Celsius.
    pub cpu_celsius: Option<f64>,
    /// In the 24 h before.
    pub pppoe_reconnects_24h: Option<u64>,
    /// In the 24 h before.
    pub wan_downs_24h: Option<u64>,
    /// One of each target.
    pub pings: Vec<Ping>,
}

/// Pings of one target over the minute before.
#[derive(Debug, Clone, PartialEq)]
pub struct Ping {
    /// As the router's settings name it.
    pub target: String,
    /// Mean of the answers, milliseconds.
    pub rtt_ms: Option<f64>,
    /// 0 to 100.
    pub loss_percent: Option<f64>,
    /// Requests since the router's program started.
    pub sent_total: Option<u64>,
    /// Of them, those without an answer.
    pub lost_total: Option<u64>,
}

/// An event of a router.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number in its stream; `None`: an agent that does not number.
    pub seq: Option<u64>,
    /// When it happened.
    pub at: Millis,
    /// `pppoe_up` and the like; also words that this program does not know.
    pub kind: String,
    /// One line.
    pub message: String,
    /// Further facts, an object of strings.
    pub detail: Option<Value>,
}

/// Events of one stream, oldest first, from one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct EventBatch {
    /// Which sequence of numbers.
    pub stream: String,
    /// Grows when times of earlier events have been corrected.
    pub revision: u64,
    /// In the order of their numbers.
    pub events: Vec<Event>,
    /// The number that the next event will have.
    pub next_seq: u64,
    /// Events after the cursor that were gone before they could be read; `None`: the cursor
    /// was of another stream.
    pub missed: Option<u64>,
    /// Numbers between the events whose events could not be read, and never will be.
    pub unreadable: Vec<RangeInclusive<u64>>,
}

/// How far a router's events have been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Of this stream.
    pub stream: String,
    /// The number of the last event that is stored.
    pub after: u64,
    /// As of the last answer.
    pub revision: u64,
}

/// An event from another program's records.
#[derive(Debug, Clone, PartialEq)]
pub struct PastEvent {
    /// Without a number.
    pub event: Event,
    /// When that program heard of it first.
    pub received: Millis,
}

/// What another program recorded, in about the order in which it did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Past {
    /// Polls.
    pub samples: Vec<Sample>,
    /// Each once.
    pub events: Vec<PastEvent>,
}

/// An hour as another program added it up, its polls being gone.
#[derive(Debug, Clone, PartialEq)]
pub struct PastHour {
    /// A whole hour of UTC.
    pub start: Millis,
    /// Of all targets together, milliseconds.
    pub rtt_mean_ms: Option<f64>,
    /// As above.
    pub rtt_max_ms: Option<f64>,
    /// As above.
    pub rtt_min_ms: Option<f64>,
    /// Requests without an answer.
    pub lost: Option<u64>,
    /// In this hour.
    pub pppoe_reconnects: Option<u64>,
    /// In this hour.
    pub wan_downs: Option<u64>,
    /// Degrees Celsius.
    pub cpu_mean_celsius: Option<f64>,
    /// As above.
    pub cpu_max_celsius: Option<f64>,
}
