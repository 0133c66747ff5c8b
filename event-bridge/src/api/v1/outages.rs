//! `/api/v1/outages`: times without the internet, why, and on whose side.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::Ask;
use super::list::{self, Item, Placed};
use super::sheet::Sheet;
use super::time::{Utc, seconds};
use crate::api::Views;
use crate::api::error::ApiError;
use crate::history::outage::End;
use crate::history::words::{self, Language};
use crate::record::Millis;
use crate::store::{Key, OutageRecord};

/// An outage: one drop of the internet, or several at most three minutes apart. Source: the
/// router's events `outage_start` and `outage_end`; of agents that have none, concluded from
/// samples and events.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Outage {
    /// Below 2^53; that of its first drop. Each drop's number leads to the outage.
    id: i64,
    /// Its name.
    router: String,
    /// When the first drop began.
    start: Utc,
    /// When the last drop ended; now while it goes on.
    end: Utc,
    ongoing: bool,
    /// From start to end.
    #[schema(minimum = 0)]
    duration_seconds: f64,
    /// The first layer that failed, one word (docs/outages.md).
    #[schema(examples("provider_terminated"))]
    cause: String,
    /// `house`, `line`, `provider` or `unknown`; words of later versions as they come.
    #[schema(examples("provider"))]
    side: String,
    /// Cause and side as a sentence in English.
    summary: String,
    /// How many there are.
    #[schema(minimum = 1)]
    drops: usize,
    /// Time without the internet: the pauses between drops are none.
    #[schema(minimum = 0)]
    outage_seconds: f64,
    /// False: it goes on, or nobody told the end and it is taken from what followed.
    end_known: bool,
    /// Concluded from an agent without a detector: exact to a poll only.
    coarse: bool,
}

impl From<&OutageRecord> for Outage {
    fn from(record: &OutageRecord) -> Self {
        let outage = &record.outage;
        let main = &outage.main().drop;
        let ends: Vec<End> = outage.drops.iter().map(|drop| drop.end).collect();
        Self {
            id: outage.id(),
            router: record.router.clone(),
            start: Utc(outage.start()),
            end: Utc(outage.until()),
            ongoing: outage.end() == End::Ongoing,
            duration_seconds: span(outage.start(), outage.until()),
            cause: main.cause.to_string(),
            side: main.side.to_string(),
            summary: words::why(&main.cause, &main.side, Language::English).to_owned(),
            drops: ends.len(),
            outage_seconds: seconds(outage.down()),
            end_known: outage.end() == End::Told,
            coarse: outage.is_coarse(),
        }
    }
}

/// A clock that was set back makes no time negative.
pub(super) fn span(from: Millis, until: Millis) -> f64 {
    seconds(until.saturating_sub(from).max(0))
}

impl Item for Outage {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "router",
        "start",
        "end",
        "ongoing",
        "duration_seconds",
        "cause",
        "side",
        "summary",
        "drops",
        "outage_seconds",
        "end_known",
        "coarse",
    ];

    fn write(&self, sheet: &mut Sheet) {
        sheet.line([
            self.id.into(),
            (&self.router).into(),
            self.start.into(),
            self.end.into(),
            self.ongoing.into(),
            self.duration_seconds.into(),
            (&self.cause).into(),
            (&self.side).into(),
            (&self.summary).into(),
            self.drops.into(),
            self.outage_seconds.into(),
            self.end_known.into(),
            self.coarse.into(),
        ]);
    }
}

impl Placed for Outage {
    const LIST: &'static str = "outages";

    fn key(&self) -> Key {
        Key { at: self.start.0, id: self.id }
    }
}

pub(super) async fn list(State(views): State<Arc<Views>>, ask: Ask) -> Result<Response, ApiError> {
    let query = ask.rows_of(&views, Outage::LIST).await?;
    let now = ask.now;
    let shape = |record| Outage::from(&record);
    list::answer(&ask, query, |rows| views.store.outages(rows, now), shape).await
}
