//! Requests with a body: only the webhook takes one.

use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::error::failure;
use super::v1;

/// Old clients send `{}` or nothing with their POST, which nobody reads.
const MAX_BYTES: u64 = 1024;

/// Answers before anything is received. A body that does not say how long it is is not read
/// either: the connection ends with the answer.
pub(super) async fn refuse(request: Request, next: Next) -> Response {
    let is_alert = request.method() == Method::POST && request.uri().path() == v1::ALERTS;
    let size = request.body().size_hint().lower();
    if is_alert && size > v1::MAX_BODY_BYTES as u64 {
        let reason = format!("the body is at most {} bytes", v1::MAX_BODY_BYTES);
        return failure(StatusCode::PAYLOAD_TOO_LARGE, &reason);
    }
    if !is_alert && size > MAX_BYTES {
        return failure(StatusCode::PAYLOAD_TOO_LARGE, "nothing is taken here: send no body");
    }
    next.run(request).await
}
