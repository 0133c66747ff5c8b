//! What is answered on port 5000: the history, the paths of the old client and of Prometheus,
//! a page.

mod access;
mod body;
mod discovery;
mod error;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod legacy;
pub(crate) mod openapi;
mod page;
mod parameters;
mod problem;
mod records;
mod report;
mod state;
mod text_format;
mod uploads;
mod v1;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{any, get};
use jiff::tz::TimeZone;

use crate::config::Config;
use crate::metrics::Metrics;
use crate::routers::client::Client;
use crate::routers::watched::Routers;
use crate::store::Store;

/// What the handlers read.
pub(crate) struct Views {
    pub(crate) config: Config,
    pub(crate) routers: Routers,
    pub(crate) store: Store,
    pub(crate) client: Client,
    pub(crate) metrics: Metrics,
    /// Of the times in answers: this host's, or `TZ`.
    pub(crate) zone: TimeZone,
}

/// All paths. Binds nothing, so tests call it directly.
pub(crate) fn router(views: Arc<Views>) -> Router {
    Router::new()
        .route("/", get(page::show))
        .route("/health", get(legacy::health))
        .route("/api/status", get(legacy::status))
        .route("/api/history", get(legacy::history))
        .route("/api/ping_history", get(legacy::ping_history))
        .route("/api/events", get(legacy::events))
        .route("/api/stats/summary", get(legacy::summary))
        .route("/api/fetch_now", get(legacy::fetch_now).post(legacy::fetch_now))
        .merge(v1::router())
        .route("/api/v1/sd", get(discovery::targets))
        .route("/api/v1/routers/{name}/metrics", get(discovery::scrape))
        .route("/api/v1/report", get(report::show))
        .route("/healthz", get(state::alive))
        .route("/readyz", get(state::ready))
        .route("/metrics", get(state::metrics))
        .route("/openapi.json", get(openapi::show))
        .fallback(any(|| async { error::failure(StatusCode::NOT_FOUND, "there is no such path") }))
        .method_not_allowed_fallback(|| async {
            error::failure(StatusCode::METHOD_NOT_ALLOWED, "this path does not take that method")
        })
        .layer(middleware::from_fn(uploads::refuse))
        .layer(middleware::from_fn_with_state(Arc::clone(&views), access::check))
        .layer(middleware::from_fn(problem::shape))
        .with_state(views)
}

#[cfg(test)]
mod tests;
