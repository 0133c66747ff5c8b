//! Prometheus finds the routers here, and scrapes those that ask for a token through here:
//! tokens stay with the bridge.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Views;
use super::error::{ApiError, failure};
use crate::routers::watched::Watched;

/// One group of Prometheus' `http_sd`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Group {
    targets: [String; 1],
    labels: BTreeMap<String, String>,
}

pub(super) async fn targets(
    State(views): State<Arc<Views>>,
    headers: HeaderMap,
) -> Json<Vec<Group>> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let own = match &views.config.public_url {
        Some(url) => url.clone(),
        None => format!("http://{}", host.unwrap_or("localhost")),
    };
    Json(views.routers.list().all().iter().map(|watched| group(watched, &own)).collect())
}

/// A router, or this program in its place where it needs a token.
fn group(watched: &Watched, own: &str) -> Group {
    let router = &watched.router;
    let (host, _) = watched.address();
    let mut labels = router.labels.clone();
    labels.insert("router".to_owned(), router.name.clone());
    labels.insert("instance".to_owned(), host);
    let (through, path) = match &router.token {
        Some(_) => (own, Some(format!("/api/v1/routers/{}/metrics", router.name))),
        None => (router.url.as_str(), None),
    };
    let (scheme, rest) = through.split_once("://").unwrap_or(("http", through));
    let (authority, base) = rest.split_once('/').unwrap_or((rest, ""));
    let base = if base.is_empty() { String::new() } else { format!("/{base}") };
    let path = path.unwrap_or_else(|| "/metrics".to_owned());
    labels.insert("__metrics_path__".to_owned(), format!("{base}{path}"));
    labels.insert("__scheme__".to_owned(), scheme.to_owned());
    Group { targets: [with_port(authority, scheme)], labels }
}

/// Prometheus wants a port.
fn with_port(authority: &str, scheme: &str) -> String {
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
    match (has_port, scheme) {
        (true, _) => authority.to_owned(),
        (false, "https") => format!("{authority}:443"),
        (false, _) => format!("{authority}:80"),
    }
}

/// The router's own metrics; when it fails, Prometheus must see that it does.
pub(super) async fn scrape(
    State(views): State<Arc<Views>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let list = views.routers.list();
    // A name that is no UTF-8 is nobody's.
    let watched = name
        .ok()
        .and_then(|Path(name)| list.named(&name))
        .ok_or_else(|| ApiError::NotFound("there is no such router".to_owned()))?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    match views.client.fetch_metrics(&watched.router, accept).await {
        Ok((content_type, body)) => {
            Ok(([(header::CONTENT_TYPE, content_type)], Body::from(body)).into_response())
        }
        Err(error) if error.is_timeout() => Err(ApiError::RouterSlow(error.to_string())),
        Err(error) => Ok(failure(StatusCode::BAD_GATEWAY, &error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_port() {
        assert_eq!(with_port("192.0.2.1:8321", "http"), "192.0.2.1:8321");
        assert_eq!(with_port("nas.lan", "http"), "nas.lan:80");
        assert_eq!(with_port("[fd00::1]", "https"), "[fd00::1]:443");
    }
}
