//! Errors of `/api/v1` as `application/problem+json` (RFC 9457), whoever refused: a handler,
//! the token, a limit, or the lack of such a path.

use axum::Json;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong, put beside an answer for [`shape`] to find.
#[derive(Debug, Clone)]
pub(super) struct Reason {
    pub(super) code: &'static str,
    pub(super) text: String,
}

/// Why there is no answer (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Always `about:blank`: `code` says more.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Of the status.
    title: &'static str,
    /// Of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// For people; may change.
    detail: String,
    /// The path that was asked for.
    instance: String,
    /// For programs; never changes: `bad_parameter`, `bad_body`, `token_needed`, `not_found`,
    /// `method_not_allowed`, `body_too_slow`, `body_too_large`, `too_many_requests`,
    /// `internal`, `router_failed`, `store_unavailable`, `router_slow`.
    code: &'static str,
}

/// Gives errors of `/api/v1` their shape; those of other paths keep the one that old clients
/// know.
pub(super) async fn shape(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_ours = path.strip_prefix("/api/v1");
    let is_ours = is_ours.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let instance = path.to_owned();
    let mut answer = next.run(request).await;
    let Some(reason) = answer.extensions_mut().remove::<Reason>().filter(|_| is_ours) else {
        return answer;
    };
    let (mut parts, _) = answer.into_parts();
    let problem = Problem {
        kind: "about:blank",
        title: parts.status.canonical_reason().unwrap_or("Error"),
        status: parts.status.as_u16(),
        detail: reason.text,
        instance,
        code: reason.code,
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    let mut body = Json(problem).into_response();
    *body.status_mut() = parts.status;
    body.headers_mut().extend(parts.headers);
    body.headers_mut().insert(header::CONTENT_TYPE, MEDIA_TYPE.parse().expect("a media type"));
    body
}
