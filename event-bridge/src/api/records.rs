//! Records as old clients know them. Keys and types are fixed for good; further keys may be
//! added, none taken away.

use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock;
use crate::record::WanState;
use crate::store::{EventRecord, PingRecord, SampleRecord};

/// A sample.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LegacyStatus)]
pub(crate) struct Status {
    id: i64,
    timestamp: String,
    wan_state: &'static str,
    wan_errors: WanErrors,
    optical_power: OpticalPower,
    cpu_temp: Option<f64>,
    summary: Counts,
    router: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct WanErrors {
    rx_errors: Option<u64>,
    tx_errors: Option<u64>,
    rx_dropped: Option<u64>,
    tx_dropped: Option<u64>,
}

/// dBm.
#[derive(Debug, Serialize, ToSchema)]
struct OpticalPower {
    rx: Option<f64>,
    tx: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LegacyCounts)]
struct Counts {
    pppoe_reconnect_count_24h: Option<u64>,
    wan_down_count_24h: Option<u64>,
}

/// Pings of one target; milliseconds and percent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LegacyPing)]
pub(crate) struct Ping {
    id: i64,
    timestamp: String,
    target: String,
    rtt: Option<f64>,
    loss: Option<f64>,
    router: String,
}

/// An event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LegacyEvent)]
pub(crate) struct Event {
    id: i64,
    /// When the bridge had it.
    timestamp: String,
    event_time: String,
    #[serde(rename = "type")]
    kind: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    detail: Option<serde_json::Value>,
    router: String,
}

/// As old clients know it.
pub(crate) fn wan_state(state: WanState) -> &'static str {
    match state {
        WanState::Up => "up",
        WanState::Down => "down",
        WanState::Unknown => "unknown",
    }
}

impl Status {
    pub(crate) fn of(record: SampleRecord, zone: &TimeZone) -> Self {
        Self {
            id: record.id,
            timestamp: clock::iso(record.at, zone),
            wan_state: wan_state(record.wan_state),
            wan_errors: WanErrors {
                rx_errors: record.rx_errors,
                tx_errors: record.tx_errors,
                rx_dropped: record.rx_dropped,
                tx_dropped: record.tx_dropped,
            },
            optical_power: OpticalPower { rx: record.optical_rx_dbm, tx: record.optical_tx_dbm },
            cpu_temp: record.cpu_celsius,
            summary: Counts {
                pppoe_reconnect_count_24h: record.pppoe_reconnects_24h,
                wan_down_count_24h: record.wan_downs_24h,
            },
            router: record.router,
        }
    }
}

impl Ping {
    pub(crate) fn of(record: PingRecord, zone: &TimeZone) -> Self {
        Self {
            id: record.id,
            timestamp: clock::iso(record.at, zone),
            target: record.target,
            rtt: record.rtt_ms,
            loss: record.loss_percent,
            router: record.router,
        }
    }
}

impl Event {
    pub(crate) fn of(record: EventRecord, zone: &TimeZone) -> Self {
        Self {
            id: record.id,
            timestamp: clock::iso(record.received, zone),
            event_time: clock::iso(record.at, zone),
            kind: record.kind,
            message: record.message,
            detail: record.detail,
            router: record.router,
        }
    }
}
