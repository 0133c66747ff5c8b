//! How this program is doing: for containers and for Prometheus.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

use super::Views;
use super::error::failure;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

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

pub(super) async fn metrics(State(views): State<Arc<Views>>) -> Response {
    let mut registry = Registry::default();
    views.metrics.register(&mut registry);
    let health = views.store.health();
    let own = registry.sub_registry_with_prefix("netmonitor_bridge");
    let build = Family::<_, Gauge>::default();
    build
        .get_or_create(&[("version", env!("CARGO_PKG_VERSION")), ("revision", crate::REVISION)])
        .set(1);
    own.register("build_info", "Version of the bridge; always 1", build);
    let mut gauge = |name: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            own.register(name, help, ConstGauge::new(value));
        }
    };
    gauge("database_bytes", "Size of the database", Some(health.database_bytes as f64));
    gauge("wal_bytes", "Size of its write-ahead log", Some(health.wal_bytes as f64));
    gauge("write_queue_length", "Writes that wait", Some(health.queue_length as f64));
    gauge("database_writable", "1 if the last write succeeded", {
        Some(f64::from(u8::from(health.writable.is_ok())))
    });
    let seconds = |at: crate::record::Millis| at as f64 / 1000.0;
    gauge(
        "oldest_row_timestamp_seconds",
        "When the oldest sample was taken",
        health.oldest_row.map(seconds),
    );
    gauge(
        "last_backup_timestamp_seconds",
        "When the last backup was made",
        health.last_backup.map(seconds),
    );
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            let mut reason = String::new();
            // Writing to a String cannot fail.
            write!(reason, "the metrics could not be written: {error}").ok();
            failure(StatusCode::INTERNAL_SERVER_ERROR, &reason)
        }
    }
}
