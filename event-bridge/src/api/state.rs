//! How this program is doing: for containers and for Prometheus.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

use super::Views;
use super::error::failure;
use super::text_format::from_open_metrics;
use crate::own_process;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The process answers; nothing else is asked.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Can samples and events be stored? Routers that do not answer are no reason to restart.
pub(super) async fn ready(State(views): State<Arc<Views>>) -> Response {
    match views.store.health().writable {
        Ok(()) => "ok\n".into_response(),
        Err(reason) => {
            failure(StatusCode::SERVICE_UNAVAILABLE, &format!("nothing can be stored: {reason}"))
        }
    }
}

/// In the text format that every tool reads, Prometheus among them.
pub(super) async fn metrics(State(views): State<Arc<Views>>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &registry(&views)) {
        Ok(()) => ([(header::CONTENT_TYPE, TEXT)], from_open_metrics(&text)).into_response(),
        Err(error) => failure(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!("the metrics could not be written: {error}"),
        ),
    }
}

/// What is counted as it happens, and what is read now.
fn registry(views: &Views) -> Registry {
    let mut registry = Registry::default();
    views.metrics.register(&mut registry);
    own_process::register(&mut registry);
    let own = registry.sub_registry_with_prefix("netmonitor_bridge");
    let build = Family::<_, Gauge>::default();
    build
        .get_or_create(&[("version", env!("CARGO_PKG_VERSION")), ("revision", crate::REVISION)])
        .set(1);
    own.register("build_info", "Version of the bridge; always 1", build);
    let health = views.store.health();
    own.register(
        "database_set_aside",
        "Damaged database files that were set aside since the program started",
        ConstCounter::new(health.set_aside.len() as u64),
    );
    let seconds = |at: crate::record::Millis| at as f64 / 1000.0;
    let truth = |is_true: bool| Some(f64::from(u8::from(is_true)));
    let has_file = views.config.routers_file.is_some();
    let bytes = |bytes: u64| bytes as f64;
    let gauges = [
        ("database_bytes", "Size of the database", health.database_bytes.map(bytes)),
        (
            "database_used_bytes",
            "What of it is in use: the rest is room for what comes",
            health.used_bytes.map(bytes),
        ),
        (
            "database_limit_bytes",
            "MAX_DB_SIZE: when more is in use, the oldest samples go",
            views.config.retention.max_bytes.map(bytes),
        ),
        (
            "disk_free_bytes",
            "What the disk of the database has room for, for programs that are not root",
            health.disk_free_bytes.map(bytes),
        ),
        ("wal_bytes", "Size of its write-ahead log", health.wal_bytes.map(bytes)),
        ("write_queue_length", "Writes that wait", Some(health.queue_length as f64)),
        ("database_writable", "1 if the last write succeeded", truth(health.writable.is_ok())),
        (
            "routers_file_last_reload_successful",
            "1 if the list of routers is as its file has it",
            truth(views.routers.problem().is_none()).filter(|_| has_file),
        ),
        (
            "oldest_row_timestamp_seconds",
            "Time of the oldest sample or event",
            health.oldest_row.map(seconds),
        ),
        (
            "last_backup_timestamp_seconds",
            "When the last backup was made",
            health.last_backup.map(seconds),
        ),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            own.register(name, help, ConstGauge::new(value));
        }
    }
    registry
}
