//! `/api/v1`: the history as lists with cursors, as JSON or CSV. One file for each resource.

mod alerts;
mod ask;
mod cursor;
mod events;
#[cfg(feature = "fuzzing")]
pub(in crate::api) mod fuzzing;
mod hourly;
mod list;
mod outage;
mod outages;
mod pings;
mod routers;
mod samples;
mod sheet;
mod status;
mod time;
mod webhook;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use super::Views;

pub(super) use alerts::MAX_BODY_BYTES;

/// What is answered and taken, for the document of all paths.
pub(super) mod shapes {
    pub(in crate::api) use super::alerts::{Alert, Taken};
    pub(in crate::api) use super::events::Event;
    pub(in crate::api) use super::hourly::Hour;
    pub(in crate::api) use super::list::Page;
    pub(in crate::api) use super::outage::OutageDetail;
    pub(in crate::api) use super::outages::Outage;
    pub(in crate::api) use super::pings::Ping;
    pub(in crate::api) use super::routers::Router;
    pub(in crate::api) use super::samples::Sample;
    pub(in crate::api) use super::status::{RouterState, StatusPage};
    pub(in crate::api) use super::webhook::Webhook;
}

/// Where Alertmanager writes to.
pub(super) const ALERTS: &str = "/api/v1/alerts";

/// The paths of the history; those of Prometheus are in `discovery`.
pub(super) fn router() -> Router<Arc<Views>> {
    Router::new()
        .route("/api/v1/routers", get(routers::list))
        .route("/api/v1/status", get(status::show))
        .route("/api/v1/events", get(events::list))
        .route("/api/v1/pings", get(pings::list))
        .route("/api/v1/samples", get(samples::list))
        .route("/api/v1/hourly", get(hourly::list))
        .route("/api/v1/outages", get(outages::list))
        .route("/api/v1/outages/{id}", get(outage::show))
        .route(ALERTS, get(alerts::list).post(alerts::take))
}

#[cfg(test)]
mod tests;
