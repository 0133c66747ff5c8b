//! What is answered, and to whom.
//!
//! [`router`] binds nothing; `connections.rs` owns the sockets. A handler reads state
//! and converts it: no answer waits for the network or a sensor.

pub(crate) mod access;
pub(crate) mod connections;
pub(crate) mod events;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
pub(crate) mod legacy_status;
mod line;
mod metrics;
mod page;
pub(crate) mod request_counts;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::config::Live;
use crate::exporter::Views;
use request_counts::{Path, RequestCounts};

/// All that `/healthz` says.
pub(crate) const HEALTHY: &str = "ok\n";

/// All answers of the exporter.
pub(crate) fn router(views: Arc<Views>, config: Live, counts: RequestCounts) -> Router {
    Router::new()
        .route(Path::Metrics.text(), get(metrics::show))
        .route(Path::Status.text(), get(legacy_status::show))
        .route(Path::Line.text(), get(line::show))
        .route(Path::Events.text(), get(events::show))
        .route(Path::Root.text(), get(page::show))
        .route(Path::Health.text(), get(|| async { HEALTHY }))
        .fallback(|| async { failure(StatusCode::NOT_FOUND, "there is no such path") })
        .method_not_allowed_fallback(wrong_method)
        .with_state(views)
        .layer(middleware::from_fn(refuse_bodies))
        .layer(middleware::from_fn_with_state(config, access::check))
        .layer(middleware::from_fn_with_state(counts, count))
}

/// An answer that is a reason, in the shape that programs written for the old agent know.
pub(crate) fn failure(status: StatusCode, reason: &str) -> Response {
    let body = serde_json::json!({ "error": reason }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn wrong_method() -> Response {
    let reason = "only GET and HEAD are answered here";
    let mut response = failure(StatusCode::METHOD_NOT_ALLOWED, reason);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
    response
}

/// Nothing here takes a body; one that comes along is not read.
async fn refuse_bodies(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let length = headers.get(header::CONTENT_LENGTH);
    let has_body = length.is_some_and(|length| length != "0")
        || headers.contains_key(header::TRANSFER_ENCODING);
    if has_body && (request.method() == Method::GET || request.method() == Method::HEAD) {
        return failure(StatusCode::PAYLOAD_TOO_LARGE, "a request has no body here");
    }
    next.run(request).await
}

async fn count(State(counts): State<RequestCounts>, request: Request, next: Next) -> Response {
    let path = Path::of(request.uri().path());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    counts.add(path, response.status());
    response
}
