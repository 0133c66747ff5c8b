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

use super::failure;
use crate::clock;
use crate::collectors::netdev::Counters;
use crate::config::Scope;
use crate::exporter::Views;
use crate::probes::ping::Watched;

#[derive(Debug, Serialize)]
pub(crate) struct Status {
    /// Local time of the router.
    timestamp: String,
    realtime: Realtime,
    /// Newest first. The event listener does not exist yet.
    events: [(); 0],
    summary: Summary,
    queue: Queue,
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

/// Not known before there is an event listener.
#[derive(Debug, Default, Serialize)]
struct Summary {
    pppoe_reconnect_count_24h: Option<u64>,
    wan_down_count_24h: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Queue {
    /// Names this run's sequence of events.
    stream: String,
    oldest_seq: u64,
    next_seq: u64,
    revision: u64,
    boot_id: Option<String>,
    /// Seconds since 1970.
    started_at: f64,
}

pub(super) async fn show(State(views): State<Arc<Views>>) -> Response {
    match serde_json::to_string(&Status::of(&views)) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => failure(StatusCode::INTERNAL_SERVER_ERROR, "the status could not be written"),
    }
}

impl Status {
    /// The status of this moment.
    pub(crate) fn of(views: &Views) -> Self {
        let zone = clock::local_zone(&views.roots);
        Self {
            timestamp: clock::local_text(clock::unix_time(), &zone),
            realtime: Realtime::of(views),
            events: [],
            summary: Summary::default(),
            queue: Queue {
                stream: views.identity.stream.clone(),
                oldest_seq: 1,
                next_seq: 1,
                revision: 0,
                boot_id: views.identity.boot_id.clone(),
                started_at: rounded(views.identity.started_at.as_secs_f64(), 1000.0),
            },
        }
    }
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

fn milliseconds(time: Duration) -> f64 {
    one_decimal(time.as_secs_f64() * 1000.0)
}

fn one_decimal(value: f64) -> f64 {
    rounded(value, 10.0)
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
