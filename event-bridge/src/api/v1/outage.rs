//! `/api/v1/outages/{id}`: one outage with its evidence and what happened around it.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::events::Event;
use super::outages::{Outage, span};
use super::samples::Sample;
use super::time::Utc;
use crate::api::Views;
use crate::api::error::ApiError;
use crate::clock;
use crate::history::outage::{Closed, End};
use crate::record::Millis;
use crate::store::{EventQuery, OutageRecord, Query, RouterId, Rows, StoreError};

/// Shown before and after the outage.
const AROUND: Millis = 300_000;
/// Of a long outage the begin is looked at by itself, up to here.
const BEGIN: Millis = 600_000;
/// Events, and samples, of each of the two parts: 500 entries in all.
const EACH: u64 = 125;
/// Times in which the router could not be reached.
const MAX_GAPS: u64 = 100;

/// An outage with its evidence, and what happened from 5 minutes before to 5 minutes after.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct OutageDetail {
    #[serde(flatten)]
    outage: Outage,
    /// The drops, by time.
    parts: Vec<Part>,
    /// Events and samples by time, at most 500.
    timeline: Vec<Entry>,
    /// There were more entries than are shown.
    timeline_cut: bool,
    /// Times in which the bridge could not reach the router, newest first, at most 100.
    gaps: Vec<Gap>,
}

/// One drop of the internet.
#[derive(Debug, Serialize, ToSchema)]
struct Part {
    /// Its own; leads to this outage as well.
    id: i64,
    /// The router's name for it.
    name: String,
    start: Utc,
    /// Now while it goes on.
    end: Utc,
    ongoing: bool,
    /// False: it goes on, or nobody told the end.
    end_known: bool,
    #[schema(minimum = 0)]
    duration_seconds: f64,
    /// As of the outage.
    cause: String,
    /// As of the outage.
    side: String,
    /// What the router measured and read in its logs (docs/outages.md); null: nothing yet.
    #[schema(value_type = Option<Object>)]
    evidence: Option<serde_json::Value>,
}

/// What happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "what", rename_all = "lowercase")]
enum Entry {
    Event(Event),
    Sample(Sample),
}

/// The bridge could not reach the router: no sample is missing because of the outage alone.
#[derive(Debug, Serialize, ToSchema)]
struct Gap {
    start: Utc,
    end: Utc,
}

impl From<&Closed> for Part {
    fn from(closed: &Closed) -> Self {
        let drop = &closed.drop;
        Self {
            id: drop.id,
            name: drop.name.clone(),
            start: Utc(drop.start),
            end: Utc(closed.until),
            ongoing: closed.end == End::Ongoing,
            end_known: closed.end == End::Told,
            duration_seconds: span(drop.start, closed.until),
            cause: drop.cause.to_string(),
            side: drop.side.to_string(),
            evidence: drop.evidence.clone(),
        }
    }
}

impl Entry {
    fn at(&self) -> Utc {
        match self {
            Self::Event(event) => event.at(),
            Self::Sample(sample) => sample.at(),
        }
    }
}

pub(super) async fn show(
    State(views): State<Arc<Views>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<OutageDetail>, ApiError> {
    let nobody = || ApiError::NotFound("there is no such outage".to_owned());
    let id = id.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(nobody)?;
    let record = views.store.outage(id, clock::now()).await?.ok_or_else(nobody)?;
    let router = views.store.known_router(&record.router).ok_or_else(nobody)?;
    Ok(Json(detail(&views, router, &record).await?))
}

async fn detail(
    views: &Views,
    router: RouterId,
    record: &OutageRecord,
) -> Result<OutageDetail, ApiError> {
    let outage = &record.outage;
    let from = outage.start().saturating_sub(AROUND);
    let until = outage.until().saturating_add(AROUND);
    let begun = outage.start().saturating_add(BEGIN).min(until);
    let (mut timeline, early_cut) = entries(views, Query::of(Some(router), from, begun)).await?;
    let (late, late_cut) = entries(views, Query::of(Some(router), begun, until)).await?;
    timeline.extend(late);
    timeline.sort_by_key(Entry::at);
    let around = Query { limit: Some(MAX_GAPS), ..Query::of(Some(router), from, until) };
    let gaps = views.store.gaps(around).await?.into_iter();
    Ok(OutageDetail {
        outage: Outage::from(record),
        parts: outage.drops.iter().map(Part::from).collect(),
        timeline,
        timeline_cut: early_cut || late_cut,
        gaps: gaps.map(|gap| Gap { start: Utc(gap.from), end: Utc(gap.until) }).collect(),
    })
}

/// The newest of a time; were there more?
async fn entries(views: &Views, time: Query) -> Result<(Vec<Entry>, bool), StoreError> {
    let query = Query { limit: Some(EACH + 1), ..time };
    let rows = EventQuery { rows: query.clone(), kind: None };
    let mut events = all(views.store.events(rows), |row| Entry::Event(row.into())).await?;
    let mut samples = all(views.store.samples(query), |row| Entry::Sample(row.into())).await?;
    let most = EACH as usize;
    let has_more = events.len() > most || samples.len() > most;
    events.truncate(most);
    samples.truncate(most);
    events.reverse(); // of the same moment in their order, and before a sample
    events.extend(samples);
    Ok((events, has_more))
}

async fn all<R>(mut rows: Rows<R>, entry: impl Fn(R) -> Entry) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    while let Some(chunk) = rows.recv().await {
        entries.extend(chunk?.into_iter().map(&entry));
    }
    Ok(entries)
}
