//! Who may ask and who may write: the tokens; and the page that a browser may read answers
//! for.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use subtle::ConstantTimeEq;

use super::Views;
use super::error::failure;
use super::v1;
use crate::config::Config;

/// Asked by whoever watches over containers, without a token.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

pub(super) async fn check(
    State(views): State<Arc<Views>>,
    request: Request,
    next: Next,
) -> Response {
    let origin = views.config.cors_origin.as_deref();
    if request.method() == Method::OPTIONS && origin.is_some() {
        return with_origin(StatusCode::NO_CONTENT.into_response(), origin);
    }
    let answer = match wanted(&views.config, &request) {
        Some(token) if !has_token(request.headers(), token) => refused(),
        _ => next.run(request).await,
    };
    with_origin(answer, origin)
}

/// The token that a request needs. What writes needs its own, and where there is none the one
/// for reading: a bridge that not everyone may read is not for everyone to write to. To poll
/// a router now is no writing; it has a limit of its own.
fn wanted<'a>(config: &'a Config, request: &Request) -> Option<&'a str> {
    let path = request.uri().path();
    let is_write = request.method() == Method::POST && path == v1::ALERTS;
    let api_token = config.api_token.as_deref().filter(|_| is_write);
    api_token.or(config.read_token.as_deref()).filter(|_| !OPEN.contains(&path))
}

/// `Authorization: Bearer`, or Basic with the token as password.
pub(super) fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, rest)) = given.and_then(|given| given.split_once(' ')) else {
        return false;
    };
    let password = if scheme.eq_ignore_ascii_case("bearer") {
        rest.trim().to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = BASE64_STANDARD.decode(rest.trim()).ok();
        let pair = pair.and_then(|pair| String::from_utf8(pair).ok()).unwrap_or_default();
        pair.split_once(':').map_or(String::new(), |(_, password)| password.to_owned())
    } else {
        return false;
    };
    password.as_bytes().ct_eq(token.as_bytes()).into()
}

fn refused() -> Response {
    let mut answer = failure(StatusCode::UNAUTHORIZED, "a token is needed");
    for offer in ["Bearer", "Basic realm=\"netmonitor\""] {
        answer.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(offer));
    }
    answer
}

fn with_origin(mut answer: Response, origin: Option<&str>) -> Response {
    let value = origin.and_then(|origin| HeaderValue::from_str(origin).ok());
    if let Some(value) = value {
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
        // Of the second, libraries say `application/json` with their POST.
        let allowed = HeaderValue::from_static("Authorization, Content-Type");
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    answer
}
