//! `/api/v1/samples`: one row for each poll of a router.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::Ask;
use super::list::{self, Item, Placed};
use super::sheet::Sheet;
use super::time::Utc;
use crate::api::Views;
use crate::api::error::ApiError;
use crate::record;
use crate::store::{Key, SampleRecord};

/// Is the WAN up, as the router says?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum WanState {
    /// It is.
    Up,
    /// It is not.
    Down,
    /// The router does not say.
    Unknown,
}

impl WanState {
    fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

impl From<record::WanState> for WanState {
    fn from(state: record::WanState) -> Self {
        match state {
            record::WanState::Up => Self::Up,
            record::WanState::Down => Self::Down,
            record::WanState::Unknown => Self::Unknown,
        }
    }
}

impl From<WanState> for super::sheet::Cell<'_> {
    fn from(state: WanState) -> Self {
        Self::Text(state.word())
    }
}

/// A poll. Source: the router's `/net/status`. What the router has not got is null.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Sample {
    /// Never changes, below 2^53.
    id: i64,
    /// Its name.
    router: String,
    /// When the bridge had the answer.
    time: Utc,
    wan_state: WanState,
    /// Packets, of the lower WAN device since it is there; a counter, which may begin anew.
    rx_errors: Option<u64>,
    /// Packets, as above.
    tx_errors: Option<u64>,
    /// Packets, as above.
    rx_dropped: Option<u64>,
    /// Packets, as above.
    tx_dropped: Option<u64>,
    /// Received light, dBm (usually -40 to 0), to 1/100.
    optical_rx_dbm: Option<f64>,
    /// Sent light, dBm (usually -10 to 10), to 1/100.
    optical_tx_dbm: Option<f64>,
    /// Degrees Celsius, to 1/10.
    cpu_celsius: Option<f64>,
    /// Reconnects of the session in the 24 h before.
    pppoe_reconnects_24h: Option<u64>,
    /// Times the WAN went down in the 24 h before.
    wan_downs_24h: Option<u64>,
}

impl From<SampleRecord> for Sample {
    fn from(record: SampleRecord) -> Self {
        Self {
            id: record.id,
            router: record.router,
            time: Utc(record.at),
            wan_state: record.wan_state.into(),
            rx_errors: record.rx_errors,
            tx_errors: record.tx_errors,
            rx_dropped: record.rx_dropped,
            tx_dropped: record.tx_dropped,
            optical_rx_dbm: record.optical_rx_dbm,
            optical_tx_dbm: record.optical_tx_dbm,
            cpu_celsius: record.cpu_celsius,
            pppoe_reconnects_24h: record.pppoe_reconnects_24h,
            wan_downs_24h: record.wan_downs_24h,
        }
    }
}

impl Sample {
    pub(super) fn at(&self) -> Utc {
        self.time
    }
}

impl Item for Sample {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "router",
        "time",
        "wan_state",
        "rx_errors",
        "tx_errors",
        "rx_dropped",
        "tx_dropped",
        "optical_rx_dbm",
        "optical_tx_dbm",
        "cpu_celsius",
        "pppoe_reconnects_24h",
        "wan_downs_24h",
    ];

    fn write(&self, sheet: &mut Sheet) {
        sheet.line([
            self.id.into(),
            (&self.router).into(),
            self.time.into(),
            self.wan_state.into(),
            self.rx_errors.into(),
            self.tx_errors.into(),
            self.rx_dropped.into(),
            self.tx_dropped.into(),
            self.optical_rx_dbm.into(),
            self.optical_tx_dbm.into(),
            self.cpu_celsius.into(),
            self.pppoe_reconnects_24h.into(),
            self.wan_downs_24h.into(),
        ]);
    }
}

impl Placed for Sample {
    const LIST: &'static str = "samples";

    fn key(&self) -> Key {
        Key { at: self.time.0, id: self.id }
    }
}

pub(super) async fn list(State(views): State<Arc<Views>>, ask: Ask) -> Result<Response, ApiError> {
    let query = ask.rows_of(&views, Sample::LIST).await?;
    list::answer(&ask, query, |rows| views.store.samples(rows), Sample::from).await
}
