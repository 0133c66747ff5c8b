//! What is wrong with a request, or with us, in the shape that old clients know.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tracing::warn;

use crate::store::StoreError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The request makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
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
    #[error("the database cannot be read at the moment")]
    Store(#[from] StoreError),
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::RouterFailed(_) | Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::RouterSlow(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Store(error) = &self {
            warn!(%error, "a request could not be answered");
        }
        failure(self.status(), &self.to_string())
    }
}

/// `{"error": …}`
pub(crate) fn failure(status: StatusCode, reason: &str) -> Response {
    (status, Json(serde_json::json!({ "error": reason }))).into_response()
}
