//! `/api/v1/routers`: those that are polled, and those that only the database still knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::Ask;
use super::list::{self, Item};
use super::sheet::Sheet;
use super::time::Utc;
use crate::api::Views;
use crate::api::error::ApiError;
use crate::routers::watched::Watched;
use crate::store::RouterRecord;

pub(super) const LIST: &str = "routers";

/// A router. Source: the settings, and what is stored of it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Router {
    /// As in the settings; in the order of names.
    name: String,
    /// False: it is in the settings no more, and its history is kept.
    polled: bool,
    /// Where its agent listens; null: not polled.
    url: Option<String>,
    /// Seconds between two samples; null: not polled.
    #[schema(minimum = 1)]
    poll_interval_seconds: Option<f64>,
    /// As in the settings, for Prometheus.
    labels: BTreeMap<String, String>,
    /// Its newest sample; null: there is none.
    last_sample: Option<Utc>,
    /// Its newest event, by the time it happened; null: there is none.
    last_event: Option<Utc>,
}

impl Router {
    fn polled(watched: &Watched) -> Self {
        let router = &watched.router;
        Self {
            name: router.name.clone(),
            polled: true,
            url: Some(router.url.clone()),
            poll_interval_seconds: Some(router.poll_interval.as_secs_f64()),
            labels: router.labels.clone(),
            last_sample: None,
            last_event: None,
        }
    }

    fn known(name: String) -> Self {
        Self {
            name,
            polled: false,
            url: None,
            poll_interval_seconds: None,
            labels: BTreeMap::new(),
            last_sample: None,
            last_event: None,
        }
    }
}

impl Item for Router {
    const COLUMNS: &'static [&'static str] =
        &["name", "polled", "url", "poll_interval_seconds", "labels", "last_sample", "last_event"];

    fn write(&self, sheet: &mut Sheet) {
        let labels = serde_json::to_string(&self.labels).unwrap_or_default();
        sheet.line([
            (&self.name).into(),
            self.polled.into(),
            self.url.as_deref().into(),
            self.poll_interval_seconds.into(),
            (&labels).into(),
            self.last_sample.into(),
            self.last_event.into(),
        ]);
    }
}

/// By name.
fn all(views: &Views, stored: Vec<RouterRecord>) -> BTreeMap<String, Router> {
    let list = views.routers.list();
    let polled = list.all().iter().map(|watched| Router::polled(watched));
    let mut routers: BTreeMap<String, Router> =
        polled.map(|router| (router.name.clone(), router)).collect();
    for record in stored {
        let router = routers.entry(record.name.clone());
        let router = router.or_insert_with(|| Router::known(record.name));
        router.last_sample = record.last_sample.map(Utc);
        router.last_event = record.last_event.map(Utc);
    }
    routers
}

pub(super) async fn list(State(views): State<Arc<Views>>, ask: Ask) -> Result<Response, ApiError> {
    let routers = all(&views, views.store.routers().await?);
    let page = list::by_name(&ask, LIST, routers.into_values(), |router| &router.name)?;
    Ok(list::page(ask.format, LIST, page, |page| Json(page).into_response()))
}
