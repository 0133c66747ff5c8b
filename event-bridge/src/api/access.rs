//! Who may ask: the read token, and the page that a browser may read answers for.

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
    let is_open = OPEN.contains(&request.uri().path());
    let answer = match &views.config.read_token {
        Some(token) if !is_open && !has_token(request.headers(), token) => refused(),
        _ => next.run(request).await,
    };
    with_origin(answer, origin)
}

/// `Authorization: Bearer`, or Basic with the token as password.
fn has_token(headers: &HeaderMap, token: &str) -> bool {
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
