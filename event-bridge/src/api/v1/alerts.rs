//! `/api/v1/alerts`: Alertmanager tells them, and they are listed with the rest of the history.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::ask::Ask;
use super::list::{self, Item, Placed};
use super::sheet::{Cell, Sheet};
use super::time::Utc;
use super::webhook;
use crate::api::Views;
use crate::api::error::ApiError;
use crate::clock;
use crate::store::{AlertQuery, AlertRecord, AlertStatus, Key};

/// Some hundred alerts; Alertmanager's `max_alerts` keeps it below where there are more.
pub(in crate::api) const MAX_BODY_BYTES: usize = 1 << 20;
/// A sender in the same house needs a moment.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    Firing,
    Resolved,
}

impl From<Status> for Cell<'_> {
    fn from(status: Status) -> Self {
        Self::Text(match status {
            Status::Firing => "firing",
            Status::Resolved => "resolved",
        })
    }
}

/// A state of an alert. Source: Alertmanager's webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Alert {
    /// Never changes, below 2^53.
    id: i64,
    /// When the bridge was told first; the list is in this order.
    received: Utc,
    status: Status,
    /// Its label `alertname`; empty: it has none.
    name: String,
    /// Its label `router`; null: it has none.
    router: Option<String>,
    /// Its label `severity`; null: it has none.
    severity: Option<String>,
    /// When it began to fire.
    starts_at: Utc,
    /// When it ended; while it fires: when it will, if nobody tells it again. Null: not told.
    ends_at: Option<Utc>,
    /// Of its labels.
    fingerprint: String,
    /// All of them, strings.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    labels: Map<String, Value>,
    /// Strings.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    annotations: Map<String, Value>,
}

impl From<AlertRecord> for Alert {
    fn from(AlertRecord { id, received, alert }: AlertRecord) -> Self {
        let label = |name: &str| Some(alert.labels.get(name)?.as_str()?.to_owned());
        Self {
            id,
            received: Utc(received),
            status: match alert.status {
                AlertStatus::Firing => Status::Firing,
                AlertStatus::Resolved => Status::Resolved,
            },
            router: label("router"),
            severity: label("severity"),
            name: alert.name,
            starts_at: Utc(alert.starts_at),
            ends_at: alert.ends_at.map(Utc),
            fingerprint: alert.fingerprint,
            labels: alert.labels,
            annotations: alert.annotations,
        }
    }
}

impl Item for Alert {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "received",
        "status",
        "name",
        "router",
        "severity",
        "starts_at",
        "ends_at",
        "fingerprint",
        "labels",
        "annotations",
    ];

    fn write(&self, sheet: &mut Sheet) {
        let text = |words: &Map<String, Value>| serde_json::to_string(words).unwrap_or_default();
        let (labels, annotations) = (text(&self.labels), text(&self.annotations));
        sheet.line([
            self.id.into(),
            self.received.into(),
            self.status.into(),
            (&self.name).into(),
            self.router.as_deref().into(),
            self.severity.as_deref().into(),
            self.starts_at.into(),
            self.ends_at.into(),
            (&self.fingerprint).into(),
            (&labels).into(),
            (&annotations).into(),
        ]);
    }
}

impl Placed for Alert {
    const LIST: &'static str = "alerts";

    fn key(&self) -> Key {
        Key { at: self.received.0, id: self.id }
    }
}

pub(super) async fn list(State(views): State<Arc<Views>>, ask: Ask) -> Result<Response, ApiError> {
    let query = ask.rows(Alert::LIST)?;
    let text = |name| ask.text(name).map(|text| text.map(str::to_owned));
    let (router, name) = (text("router")?, text("name")?);
    let status = match ask.text("status")? {
        None => None,
        Some("firing") => Some(AlertStatus::Firing),
        Some("resolved") => Some(AlertStatus::Resolved),
        Some(_) => {
            let reason = "status: expected firing or resolved";
            return Err(ApiError::BadRequest(reason.to_owned()));
        }
    };
    let scan = |rows| views.store.alerts(AlertQuery { rows, router, name, status });
    list::answer(&ask, query, scan, Alert::from).await
}

/// What became of a webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Taken {
    /// Alerts of the request.
    received: u64,
    /// Of them, states that were not known before.
    stored: u64,
}

/// Takes what Alertmanager tells. It tells again after an answer of 5xx, never after 4xx.
pub(super) async fn take(
    State(views): State<Arc<Views>>,
    body: Body,
) -> Result<Json<Taken>, ApiError> {
    let body = tokio::time::timeout(BODY_TIME, to_bytes(body, MAX_BODY_BYTES))
        .await
        .map_err(|_| ApiError::TooSlow(format!("the body did not arrive in {BODY_TIME:?}")))?
        .map_err(|_| ApiError::TooLarge(format!("the body is at most {MAX_BODY_BYTES} bytes")))?;
    let alerts = webhook::parse(&body).map_err(ApiError::BadBody)?;
    let received = alerts.len() as u64;
    let stored = views.store.put_alerts(alerts, clock::now()).await?;
    Ok(Json(Taken { received, stored }))
}
