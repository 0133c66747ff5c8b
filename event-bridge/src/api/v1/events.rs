//! `/api/v1/events`: what routers told, and what the bridge has to tell of itself.

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
use crate::store::{EventQuery, EventRecord, Key};

/// An event. Source: the router's `/net/events`, or its `/net/status` where it has none.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Event {
    /// Never changes, below 2^53.
    id: i64,
    /// Its name.
    router: String,
    /// When it happened, corrected where the router's clock was wrong.
    time: Utc,
    /// When the bridge first had it.
    received: Utc,
    /// `pppoe_up` and the like (docs/events.md); also words that this version does not know.
    #[serde(rename = "type")]
    kind: String,
    /// One line.
    message: String,
    /// Further facts, an object of strings; null: there are none.
    #[schema(value_type = Option<Object>)]
    detail: Option<serde_json::Value>,
    /// Which sequence of numbers of the router; null: an agent that does not number.
    stream: Option<String>,
    /// Its number in the stream; null: as above.
    seq: Option<u64>,
}

impl From<EventRecord> for Event {
    fn from(record: EventRecord) -> Self {
        Self {
            id: record.id,
            router: record.router,
            time: Utc(record.at),
            received: Utc(record.received),
            kind: record.kind,
            message: record.message,
            detail: record.detail,
            stream: record.stream,
            seq: record.seq,
        }
    }
}

impl Event {
    pub(super) fn at(&self) -> Utc {
        self.time
    }
}

impl Item for Event {
    const COLUMNS: &'static [&'static str] =
        &["id", "router", "time", "received", "type", "message", "detail", "stream", "seq"];

    fn write(&self, sheet: &mut Sheet) {
        let detail = self.detail.as_ref().map(ToString::to_string);
        sheet.line([
            self.id.into(),
            (&self.router).into(),
            self.time.into(),
            self.received.into(),
            (&self.kind).into(),
            (&self.message).into(),
            detail.as_deref().into(),
            self.stream.as_deref().into(),
            self.seq.into(),
        ]);
    }
}

impl Placed for Event {
    const LIST: &'static str = "events";

    fn key(&self) -> Key {
        Key { at: self.time.0, id: self.id }
    }
}

pub(super) async fn list(State(views): State<Arc<Views>>, ask: Ask) -> Result<Response, ApiError> {
    let query = ask.rows_of(&views, Event::LIST).await?;
    let kind = ask.text("type")?.map(str::to_owned);
    list::answer(&ask, query, |rows| views.store.events(EventQuery { rows, kind }), Event::from)
        .await
}
