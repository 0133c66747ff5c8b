//! `/api/v1/hourly`: what hours add up to; they outlive the samples they are made of.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::Ask;
use super::list::{self, Item, Placed};
use super::sheet::{Cell, Sheet};
use super::time::{Utc, seconds};
use crate::api::Views;
use crate::api::error::ApiError;
use crate::store::{HourPingRecord, HourQuery, HourRecord, Key};

/// An hour of a router, once it is over. What nothing was told of is null.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Hour {
    /// As in the view `hourly_stats`; never changes, below 2^53.
    id: i64,
    /// Its name.
    router: String,
    /// When it began, a whole hour of UTC.
    hour: Utc,
    /// Polls.
    samples: u64,
    /// Polls that said the WAN was up.
    samples_up: u64,
    /// Time that anybody watched: the bridge polled, or the router told an outage. 0 to 3600.
    #[schema(minimum = 0, maximum = 3600)]
    observed_seconds: f64,
    /// Time of that without the internet.
    #[schema(minimum = 0, maximum = 3600)]
    outage_seconds: f64,
    /// 1 − outage / observed, 0 to 1; null: nobody watched.
    #[schema(minimum = 0, maximum = 1)]
    availability: Option<f64>,
    /// Packets in this hour, of the lower WAN device; null: no two polls say.
    rx_errors: Option<u64>,
    /// Packets in this hour, as above.
    tx_errors: Option<u64>,
    /// Packets in this hour, as above.
    rx_dropped: Option<u64>,
    /// Packets in this hour, as above.
    tx_dropped: Option<u64>,
    /// Received light, dBm: mean of the polls' readings.
    avg_optical_rx_dbm: Option<f64>,
    /// Received light, dBm: the least.
    min_optical_rx_dbm: Option<f64>,
    /// Sent light, dBm: mean of the polls' readings.
    avg_optical_tx_dbm: Option<f64>,
    /// Degrees Celsius, mean of the polls' readings.
    avg_cpu_celsius: Option<f64>,
    /// Degrees Celsius, the greatest.
    max_cpu_celsius: Option<f64>,
    /// Events `pppoe_up`.
    pppoe_reconnects: u64,
    /// Events `wan_down`.
    wan_downs: u64,
    /// One for each target that was pinged, by name.
    targets: Vec<Target>,
}

/// An hour of a target. Round-trip times are of the means of single minutes, in milliseconds;
/// null: no minute had an answer.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Target {
    /// As the router's settings name it.
    target: String,
    /// The mean of the minutes' means.
    avg_rtt_ms: Option<f64>,
    /// The least of them.
    min_rtt_ms: Option<f64>,
    /// The greatest of them.
    max_rtt_ms: Option<f64>,
    /// Their 95th percentile; not that of single pings.
    p95_of_minutes_ms: Option<f64>,
    /// Mean of what the polls said, 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    loss_percent: Option<f64>,
    /// Requests in this hour; null: the router does not count them.
    sent: Option<u64>,
    /// Of them, those without an answer.
    lost: Option<u64>,
}

impl From<HourPingRecord> for Target {
    fn from(record: HourPingRecord) -> Self {
        Self {
            target: record.target,
            avg_rtt_ms: record.rtt_mean_ms.map(rounded),
            min_rtt_ms: record.rtt_min_ms,
            max_rtt_ms: record.rtt_max_ms,
            p95_of_minutes_ms: record.rtt_p95_ms,
            loss_percent: record.loss_percent.map(rounded),
            sent: record.sent,
            lost: record.lost,
        }
    }
}

/// Means have more digits than what they were made of.
fn rounded(mean: f64) -> f64 {
    (mean * 1000.0).round() / 1000.0
}

impl From<HourRecord> for Hour {
    fn from(record: HourRecord) -> Self {
        let is_observed = record.observed > 0;
        let share = || 1.0 - record.outage as f64 / record.observed as f64;
        let [rx_errors, tx_errors, rx_dropped, tx_dropped] = record.errors;
        Self {
            id: record.id,
            router: record.router,
            hour: Utc(record.at),
            samples: record.samples,
            samples_up: record.samples_up,
            observed_seconds: seconds(record.observed),
            outage_seconds: seconds(record.outage),
            availability: is_observed.then(share),
            rx_errors,
            tx_errors,
            rx_dropped,
            tx_dropped,
            avg_optical_rx_dbm: record.optical_rx_mean_dbm.map(rounded),
            min_optical_rx_dbm: record.optical_rx_min_dbm,
            avg_optical_tx_dbm: record.optical_tx_mean_dbm.map(rounded),
            avg_cpu_celsius: record.cpu_mean_celsius.map(rounded),
            max_cpu_celsius: record.cpu_max_celsius,
            pppoe_reconnects: record.pppoe_ups,
            wan_downs: record.wan_downs,
            targets: record.targets.into_iter().map(Target::from).collect(),
        }
    }
}

impl Hour {
    /// With one of its targets, or none.
    fn line(&self, target: Option<&Target>, sheet: &mut Sheet) {
        let of = |value: fn(&Target) -> Cell<'_>| target.map_or(Cell::Empty, value);
        sheet.line([
            self.id.into(),
            (&self.router).into(),
            self.hour.into(),
            self.samples.into(),
            self.samples_up.into(),
            self.observed_seconds.into(),
            self.outage_seconds.into(),
            self.availability.into(),
            self.rx_errors.into(),
            self.tx_errors.into(),
            self.rx_dropped.into(),
            self.tx_dropped.into(),
            self.avg_optical_rx_dbm.into(),
            self.min_optical_rx_dbm.into(),
            self.avg_optical_tx_dbm.into(),
            self.avg_cpu_celsius.into(),
            self.max_cpu_celsius.into(),
            self.pppoe_reconnects.into(),
            self.wan_downs.into(),
            of(|target| (&target.target).into()),
            of(|target| target.avg_rtt_ms.into()),
            of(|target| target.min_rtt_ms.into()),
            of(|target| target.max_rtt_ms.into()),
            of(|target| target.p95_of_minutes_ms.into()),
            of(|target| target.loss_percent.into()),
            of(|target| target.sent.into()),
            of(|target| target.lost.into()),
        ]);
    }
}

impl Item for Hour {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "router",
        "hour",
        "samples",
        "samples_up",
        "observed_seconds",
        "outage_seconds",
        "availability",
        "rx_errors",
        "tx_errors",
        "rx_dropped",
        "tx_dropped",
        "avg_optical_rx_dbm",
        "min_optical_rx_dbm",
        "avg_optical_tx_dbm",
        "avg_cpu_celsius",
        "max_cpu_celsius",
        "pppoe_reconnects",
        "wan_downs",
        "target",
        "avg_rtt_ms",
        "min_rtt_ms",
        "max_rtt_ms",
        "p95_of_minutes_ms",
        "loss_percent",
        "sent",
        "lost",
    ];

    /// A line for each target: sheets have no lists in their cells.
    fn write(&self, sheet: &mut Sheet) {
        if self.targets.is_empty() {
            self.line(None, sheet);
        }
        self.targets.iter().for_each(|target| self.line(Some(target), sheet));
    }
}

impl Placed for Hour {
    const LIST: &'static str = "hourly";

    fn key(&self) -> Key {
        Key { at: self.hour.0, id: self.id }
    }
}

pub(super) async fn list(State(views): State<Arc<Views>>, ask: Ask) -> Result<Response, ApiError> {
    let query = ask.rows_of(&views, Hour::LIST).await?;
    let target = ask.text("target")?.map(str::to_owned);
    list::answer(&ask, query, |rows| views.store.hours(HourQuery { rows, target }), Hour::from)
        .await
}
