//! `/api/v1/status`: how the routers and the bridge are doing at this moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::Ask;
use super::list::{self, Item, Page};
use super::samples::WanState;
use super::sheet::Sheet;
use super::time::Utc;
use crate::api::Views;
use crate::api::error::ApiError;
use crate::record::Millis;
use crate::routers::watched::Watched;

const LIST: &str = "status";

/// A router that is polled, as its last polls said. Source: the polls since the start.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RouterState {
    /// Its name; in the order of names.
    router: String,
    /// Of the last sample since the program started; `unknown`: there is none.
    wan_state: WanState,
    /// When a sample was stored last; null: never.
    last_sample: Option<Utc>,
    /// Seconds since then; null: never.
    #[schema(minimum = 0)]
    last_sample_age_seconds: Option<f64>,
    /// Why the last poll failed; null: it did not.
    failure: Option<String>,
}

/// The bridge itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Bridge {
    /// Of this program.
    version: String,
    /// The commit that it was built from.
    revision: String,
    /// By the bridge's clock, now.
    time: Utc,
    /// The last write succeeded.
    writable: bool,
    /// Why not; null: it did.
    not_writable_reason: Option<String>,
    /// Why the list of routers is older than its file; null: it is not.
    routers_file_problem: Option<String>,
    /// Size of the database, bytes; null: its server has not told yet.
    database_bytes: Option<u64>,
    /// Size of its write-ahead log, bytes; null: a server keeps the database.
    wal_bytes: Option<u64>,
    /// Writes that wait.
    write_queue_length: usize,
    /// Events stored since the program started.
    events_stored: u64,
    /// The oldest sample or event; null: there is none.
    oldest_row: Option<Utc>,
    /// When the last backup was made; null: never.
    last_backup: Option<Utc>,
}

/// The bridge, and a page of the routers that are polled.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct StatusPage {
    bridge: Bridge,
    #[serde(flatten)]
    routers: Page<RouterState>,
}

impl Bridge {
    fn now(views: &Views, now: Millis) -> Self {
        let health = views.store.health();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: crate::REVISION.to_owned(),
            time: Utc(now),
            writable: health.writable.is_ok(),
            not_writable_reason: health.writable.err(),
            routers_file_problem: views.routers.problem(),
            database_bytes: health.database_bytes,
            wal_bytes: health.wal_bytes,
            write_queue_length: health.queue_length,
            events_stored: health.events_stored,
            oldest_row: health.oldest_row.map(Utc),
            last_backup: health.last_backup.map(Utc),
        }
    }
}

impl RouterState {
    fn now(watched: &Watched, stored: &BTreeMap<String, Millis>, now: Millis) -> Self {
        let state = watched.state();
        let name = &watched.router.name;
        let last = state.last_success.or_else(|| stored.get(name).copied());
        Self {
            router: name.clone(),
            wan_state: state.wan_state.map_or(WanState::Unknown, WanState::from),
            last_sample: last.map(Utc),
            last_sample_age_seconds: last.map(|last| super::outages::span(last, now)),
            failure: state.failure,
        }
    }
}

impl Item for RouterState {
    const COLUMNS: &'static [&'static str] =
        &["router", "wan_state", "last_sample", "last_sample_age_seconds", "failure"];

    fn write(&self, sheet: &mut Sheet) {
        sheet.line([
            (&self.router).into(),
            self.wan_state.into(),
            self.last_sample.into(),
            self.last_sample_age_seconds.into(),
            self.failure.as_deref().into(),
        ]);
    }
}

pub(super) async fn show(State(views): State<Arc<Views>>, ask: Ask) -> Result<Response, ApiError> {
    // What was polled before the program started; a database that fails is no reason to be
    // silent about the rest.
    let stored = views.store.routers().await.unwrap_or_default().into_iter();
    let stored: BTreeMap<String, Millis> =
        stored.filter_map(|record| Some((record.name, record.last_sample?))).collect();
    let watched = views.routers.list();
    let states = watched.all().iter().map(|one| RouterState::now(one, &stored, ask.now));
    let mut states: Vec<RouterState> = states.collect();
    states.sort_by(|one, other| one.router.cmp(&other.router));
    let routers = list::by_name(&ask, LIST, states, |state| &state.router)?;
    let bridge = Bridge::now(&views, ask.now);
    let as_json = |routers| Json(StatusPage { bridge, routers }).into_response();
    Ok(list::page(ask.format, LIST, routers, as_json))
}
