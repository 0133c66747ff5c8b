//! Requests with a body: nothing here takes one.

use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;

use super::error::failure;

/// Old clients send `{}` or nothing with their POST, which nobody reads.
const MAX_BYTES: u64 = 1024;

/// Answers before anything is received. A body that does not say how long it is is not read
/// either: the connection ends with the answer.
pub(super) async fn refuse(request: Request, next: Next) -> Response {
    if request.body().size_hint().lower() > MAX_BYTES {
        return failure(StatusCode::PAYLOAD_TOO_LARGE, "nothing is taken here: send no body");
    }
    next.run(request).await
}
