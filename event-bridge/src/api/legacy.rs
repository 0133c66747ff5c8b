//! The paths of the old Flask client: shapes exactly as they were, `router=` wherever there
//! are several.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Views;
use super::body::JsonBody;
use super::error::ApiError;
use super::parameters::{Parameters, limit, offset, since, text};
use super::records::{Event, Ping, Status};
use crate::clock;
use crate::routers::watched::Watched;
use crate::store::{EventQuery, PingQuery, Query, RouterId};

/// As many as the old client gave with a history.
const HISTORY_PINGS: u64 = 500;
const HISTORY_EVENTS: u64 = 100;

type Answer<T> = Result<T, ApiError>;
type Asked = (State<Arc<Views>>, Parameters);

/// The router that is asked about: the one named, or the only one.
fn router_of(views: &Views, parameters: &Parameters) -> Answer<Arc<Watched>> {
    let list = views.routers.list();
    let router = match text(parameters, "router")? {
        Some(name) => list.named(name).ok_or_else(|| unknown(name))?,
        None => list.first().ok_or_else(|| ApiError::NotFound("there is no router".to_owned()))?,
    };
    Ok(Arc::clone(router))
}

/// The routers that rows are asked of: all, unless one is named. One that is polled no more
/// still has its history.
pub(super) async fn filter(views: &Views, parameters: &Parameters) -> Answer<Option<RouterId>> {
    let Some(name) = text(parameters, "router")? else { return Ok(None) };
    if let Some(known) = views.store.known_router(name) {
        return Ok(Some(known));
    }
    if views.routers.list().named(name).is_none() {
        return Err(unknown(name));
    }
    Ok(Some(views.store.router(name).await?))
}

fn unknown(name: &str) -> ApiError {
    let shown: String = name.chars().take(60).collect();
    ApiError::NotFound(format!("there is no router \"{shown}\""))
}

/// The router's own answer of this moment.
pub(super) async fn status((State(views), parameters): Asked) -> Answer<Response> {
    let watched = router_of(&views, &parameters)?;
    let body = views
        .client
        .fetch_status_body(&watched.router)
        .await
        .map_err(|error| ApiError::RouterFailed(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response())
}

pub(super) async fn history((State(views), parameters): Asked) -> Answer<JsonBody> {
    let now = clock::now();
    let (_, from) = since(&parameters, now)?;
    let (limit, offset) = (limit(&parameters, 100)?, offset(&parameters)?);
    let router = filter(&views, &parameters).await?;
    // One that is polled no more has no address.
    let address = router_of(&views, &parameters).ok().map(|watched| watched.address());
    let (host, port) = address.unzip();
    let all = Query::of(router, from, now + 1);
    let query = |limit, offset| Query { limit: Some(limit), offset, ..all.clone() };
    let samples = query(limit, offset);
    let zone = views.zone.clone();
    let (status, ping, event) = (zone.clone(), zone.clone(), zone);
    let pings = PingQuery { rows: query(HISTORY_PINGS, 0), target: None };
    let events = EventQuery { rows: query(HISTORY_EVENTS, 0), kind: None };
    let body = JsonBody::new()
        .text("{\"status\":\"success\",\"records\":".to_owned())
        .rows(views.store.samples(samples.clone()), move |row| Status::of(row, &status))
        .await?
        .text(",\"ping\":".to_owned())
        .rows(views.store.pings(pings), move |row| Ping::of(row, &ping))
        .await?
        .text(",\"events\":".to_owned())
        .rows(views.store.events(events), move |row| Event::of(row, &event))
        .await?;
    // Counting millions takes longer than finding the first of them.
    let total = async move {
        let total = views.store.count_samples(samples).await?;
        Ok(format!(",\"total\":{total},\"router\":{}}}", json!({ "ip": host, "port": port })))
    };
    Ok(body.later(total))
}

pub(super) async fn ping_history((State(views), parameters): Asked) -> Answer<JsonBody> {
    let now = clock::now();
    let (_, from) = since(&parameters, now)?;
    let query = PingQuery {
        rows: Query {
            limit: Some(limit(&parameters, 500)?),
            offset: offset(&parameters)?,
            ..Query::of(filter(&views, &parameters).await?, from, now + 1)
        },
        target: text(&parameters, "target")?.map(str::to_owned),
    };
    let zone = views.zone.clone();
    records(views.store.pings(query), move |row| Ping::of(row, &zone)).await
}

pub(super) async fn events((State(views), parameters): Asked) -> Answer<JsonBody> {
    let query = EventQuery {
        rows: Query {
            limit: Some(limit(&parameters, 50)?),
            offset: offset(&parameters)?,
            ..Query::of(filter(&views, &parameters).await?, i64::MIN, i64::MAX)
        },
        kind: text(&parameters, "type")?.map(str::to_owned),
    };
    let zone = views.zone.clone();
    records(views.store.events(query), move |row| Event::of(row, &zone)).await
}

async fn records<R: Send + 'static, S: serde::Serialize>(
    rows: crate::store::Rows<R>,
    shape: impl Fn(R) -> S + Send + Sync + Clone + 'static,
) -> Answer<JsonBody> {
    let body = JsonBody::new().text("{\"status\":\"success\",\"records\":".to_owned());
    Ok(body.rows(rows, shape).await?.text("}".to_owned()))
}

pub(super) async fn summary((State(views), parameters): Asked) -> Answer<Response> {
    let now = clock::now();
    let (hours, from) = since(&parameters, now)?;
    let router = filter(&views, &parameters).await?;
    let query = Query::of(router, from, now + 1);
    let summary = views.store.summary(query).await?;
    let share = |part: u64, all: u64| if all == 0 { 0.0 } else { part as f64 * 100.0 / all as f64 };
    let hours = if hours.fract() == 0.0 { json!(hours as u64) } else { json!(hours) };
    Ok(Json(json!({ "status": "success", "summary": {
        "total_records": summary.samples,
        "wan_availability": round(share(summary.samples_up, summary.samples)),
        "packet_loss_rate": round(summary.mean_loss_percent.unwrap_or(0.0)),
        "avg_cpu_temp": summary.mean_cpu_celsius.map(round),
        "pppoe_events": summary.pppoe_events,
        "wan_events": summary.wan_events,
        "monitoring_hours": hours,
    }}))
    .into_response())
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Polls the router now.
pub(super) async fn fetch_now((State(views), parameters): Asked) -> Answer<Response> {
    let watched = router_of(&views, &parameters)?;
    if !watched.may_poll_now(clock::monotonic()) {
        return Err(ApiError::TooMany("this router was polled less than 5 s ago".to_owned()));
    }
    watched.poll_now().await.map_err(ApiError::RouterFailed)?;
    let message = format!("{} was polled", watched.router.name);
    Ok(Json(json!({ "status": "success", "message": message })).into_response())
}

pub(super) async fn health(State(views): State<Arc<Views>>) -> Response {
    let timestamp = clock::iso(clock::now(), &views.zone);
    match views.store.health().writable {
        Ok(()) => Json(json!({ "status": "healthy", "timestamp": timestamp })).into_response(),
        Err(reason) => {
            let body = json!({ "status": "unhealthy", "timestamp": timestamp, "error": reason });
            (axum::http::StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}
