//! `/net/status`: the JSON that programs written for the old agent read.
//!
//! Keys and types are fixed for good; what this device has not got is `null`. Further
//! keys may be added, none taken away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::events::Shown;
use super::failure;
use crate::clock;
use crate::collectors::netdev::Counters;
use crate::config::Scope;
use crate::events::queue::Snapshot;
use crate::exporter::Views;
use crate::probes::ping::Watched;

#[derive(Debug, Serialize)]
struct Status<'a> {
    /// Local time of the router.
    timestamp: String,
    realtime: Realtime,
    /// Newest first.
    events: Vec<Shown<'a>>,
    summary: Summary,
    queue: Queue<'a>,
}

#[derive(Debug, Serialize)]
struct Realtime {
    /// By address or name as configured; the gateway is not among them, since old
    /// clients take the mean of all.
    ping: BTreeMap<String, Ping>,
    wan_errors: WanErrors,
    optical_power: OpticalPower,
    /// Degrees Celsius.
    cpu_temp: Option<f64>,
    /// `up`, `down` or `unknown`.
    wan_state: &'static str,
}

/// Times in milliseconds, of the answers of the last 60 s; loss in percent of them.
#[derive(Debug, Serialize)]
struct Ping {
    rtt: Option<f64>,
    loss: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    sent_total: u64,
    lost_total: u64,
}

/// Of the lower WAN device, since it was created.
#[derive(Debug, Default, Serialize)]
struct WanErrors {
    rx_errors: Option<u64>,
    tx_errors: Option<u64>,
    rx_dropped: Option<u64>,
    tx_dropped: Option<u64>,
}

/// dBm.
#[derive(Debug, Default, Serialize)]
struct OpticalPower {
    rx: Option<f64>,
    tx: Option<f64>,
}

/// Windowed by time, whatever has been evicted from the queue.
#[derive(Debug, Serialize)]
struct Summary {
    pppoe_reconnect_count_24h: u64,
    wan_down_count_24h: u64,
}

#[derive(Debug, Serialize)]
struct Queue<'a> {
    /// Names the sequence of events.
    stream: &'a str,
    oldest_seq: u64,
    next_seq: u64,
    revision: u64,
    boot_id: Option<&'a str>,
    /// Seconds since 1970.
    started_at: f64,
}

pub(super) async fn show(State(views): State<Arc<Views>>) -> Response {
    match body(&views, |status| serde_json::to_string(status)) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => failure(StatusCode::INTERNAL_SERVER_ERROR, "the status could not be written"),
    }
}

/// The status of this moment, for a terminal.
///
/// # Errors
/// Never, as far as anybody knows.
pub(crate) fn pretty(views: &Views) -> serde_json::Result<String> {
    body(views, |status| serde_json::to_string_pretty(status))
}

fn body(
    views: &Views,
    write: impl FnOnce(&Status<'_>) -> serde_json::Result<String>,
) -> serde_json::Result<String> {
    let zone = clock::local_zone(&views.roots);
    let now = clock::unix_time();
    let events: &Snapshot = &views.events.snapshot();
    write(&Status {
        timestamp: clock::local_text(now, &zone),
        realtime: Realtime::of(views),
        events: events.events.iter().rev().map(|event| Shown::of(event, &zone)).collect(),
        summary: Summary {
            pppoe_reconnect_count_24h: events.reconnects_within_day(now),
            wan_down_count_24h: events.wan_downs_within_day(now),
        },
        queue: Queue {
            stream: &events.stream,
            oldest_seq: events.first_readable,
            next_seq: events.next_seq,
            revision: events.revision,
            boot_id: views.identity.boot_id.as_deref(),
            started_at: seconds(views.identity.started_at),
        },
    })
}

impl Realtime {
    fn of(views: &Views) -> Self {
        let targets = views.targets.all();
        let shown = targets.iter().filter(|watched| watched.target.scope != Scope::Gateway);
        let optical = views.optical.sample().map(|optical| OpticalPower {
            rx: optical.receive_dbm.map(one_decimal),
            tx: optical.transmit_dbm.map(one_decimal),
        });
        Self {
            ping: shown.map(|watched| (watched.target.host.clone(), Ping::of(watched))).collect(),
            wan_errors: views.wan_counters().map(WanErrors::of).unwrap_or_default(),
            optical_power: optical.unwrap_or_default(),
            cpu_temp: views.thermal.sample().map(|thermal| one_decimal(thermal.celsius)),
            wan_state: views.wan_state().name(),
        }
    }
}

impl Ping {
    fn of(watched: &Watched) -> Self {
        watched.with(|history| {
            let minute = history.minute(clock::monotonic());
            let spread = minute.and_then(|minute| minute.rtt);
            Self {
                rtt: spread.map(|spread| milliseconds(spread.mean)),
                loss: minute.map(|minute| one_decimal(minute.loss_percent)),
                min: spread.map(|spread| milliseconds(spread.min)),
                max: spread.map(|spread| milliseconds(spread.max)),
                sent_total: history.requests,
                lost_total: history.lost,
            }
        })
    }
}

impl WanErrors {
    fn of(counters: Counters) -> Self {
        Self {
            rx_errors: Some(counters.receive.errors),
            tx_errors: Some(counters.transmit.errors),
            rx_dropped: Some(counters.receive.dropped),
            tx_dropped: Some(counters.transmit.dropped),
        }
    }
}

/// Seconds with thousandths.
pub(super) fn seconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64(), 1000.0)
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    one_decimal(time.as_secs_f64() * 1000.0)
}

pub(super) fn one_decimal(value: f64) -> f64 {
    rounded(value, 10.0)
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
