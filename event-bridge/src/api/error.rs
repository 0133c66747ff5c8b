//! What is wrong with a request, or with us, in the shape that old clients know; `problem`
//! gives it another one under `/api/v1`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tracing::warn;

use super::problem::Reason;
use crate::store::StoreError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The request makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// What came with it makes none.
    #[error("{0}")]
    BadBody(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The request did not arrive in time.
    #[error("{0}")]
    TooSlow(String),
    /// There is too much of it.
    #[error("{0}")]
    TooLarge(String),
    /// Asked too often.
    #[error("{0}")]
    TooMany(String),
    /// A router does not answer.
    #[error("{0}")]
    RouterFailed(String),
    /// It takes too long to.
    #[error("{0}")]
    RouterSlow(String),
    /// The database fails; the cause is in our log.
    #[error("the database cannot be used at the moment")]
    Store(#[from] StoreError),
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) | Self::BadBody(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::RouterFailed(_) | Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::RouterSlow(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadBody(_) => "bad_body",
            Self::RouterFailed(_) => "router_failed",
            _ => code(self.status()),
        }
    }
}

/// What programs may rely on; `docs/api.md` lists them.
fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "bad_parameter",
        StatusCode::UNAUTHORIZED => "token_needed",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::REQUEST_TIMEOUT => "body_too_slow",
        StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        StatusCode::TOO_MANY_REQUESTS => "too_many_requests",
        StatusCode::BAD_GATEWAY => "router_failed",
        StatusCode::SERVICE_UNAVAILABLE => "store_unavailable",
        StatusCode::GATEWAY_TIMEOUT => "router_slow",
        _ => "internal",
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Store(error) = &self {
            warn!(%error, "a request could not be answered");
        }
        refusal(self.status(), self.code(), &self.to_string())
    }
}

/// `{"error": …}`
pub(crate) fn failure(status: StatusCode, reason: &str) -> Response {
    refusal(status, code(status), reason)
}

fn refusal(status: StatusCode, code: &'static str, text: &str) -> Response {
    let mut answer = (status, Json(serde_json::json!({ "error": text }))).into_response();
    answer.extensions_mut().insert(Reason { code, text: text.to_owned() });
    answer
}
