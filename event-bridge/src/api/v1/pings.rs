//! `/api/v1/pings`: one row for each target of each poll.

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
use crate::store::{Key, PingQuery, PingRecord};

/// Pings of one target over the minute before a poll. Source: the router's `/net/status`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Ping {
    /// Never changes, below 2^53.
    id: i64,
    /// Its name.
    router: String,
    /// That of the poll.
    time: Utc,
    /// As the router's settings name it.
    target: String,
    /// Mean of the answers, milliseconds, to 1/1000; null: there was none.
    rtt_ms: Option<f64>,
    /// Share of requests without an answer, 0 to 100, to 1/10.
    #[schema(minimum = 0, maximum = 100)]
    loss_percent: Option<f64>,
}

impl From<PingRecord> for Ping {
    fn from(record: PingRecord) -> Self {
        Self {
            id: record.id,
            router: record.router,
            time: Utc(record.at),
            target: record.target,
            rtt_ms: record.rtt_ms,
            loss_percent: record.loss_percent,
        }
    }
}

impl Item for Ping {
    const COLUMNS: &'static [&'static str] =
        &["id", "router", "time", "target", "rtt_ms", "loss_percent"];

    fn write(&self, sheet: &mut Sheet) {
        sheet.line([
            self.id.into(),
            (&self.router).into(),
            self.time.into(),
            (&self.target).into(),
            self.rtt_ms.into(),
            self.loss_percent.into(),
        ]);
    }
}

impl Placed for Ping {
    const LIST: &'static str = "pings";

    fn key(&self) -> Key {
        Key { at: self.time.0, id: self.id }
    }
}

pub(super) async fn list(State(views): State<Arc<Views>>, ask: Ask) -> Result<Response, ApiError> {
    let query = ask.rows_of(&views, Ping::LIST).await?;
    let target = ask.text("target")?.map(str::to_owned);
    list::answer(&ask, query, |rows| views.store.pings(PingQuery { rows, target }), Ping::from)
        .await
}
