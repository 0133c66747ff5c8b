//! The description of all paths as OpenAPI 3.1, made of the shapes that are answered. Served at
//! `/openapi.json`, printed by `openapi`, and kept in `docs/openapi.json`, which a test holds
//! against this.

mod history;
mod legacy;
mod parts;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Info, License, OpenApi, OpenApiBuilder, PathItem, PathsBuilder, RefOr, Schema,
};

use parts::{
    add, add_page, add_whole, json, list_of, operation, page_of, parameter, problem, word,
};

/// Paths and the shapes that they refer to, as they are collected.
#[derive(Default)]
pub(super) struct Document {
    pub(super) paths: Vec<(&'static str, PathItem)>,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

const ABOUT: &str = "The history of home routers: events, samples, pings, hours, outages and \
    alerts. Times in answers are UTC; percentages are 0 to 100. What a router has not got, or \
    did not tell, is null. Requests whose head is longer than 32 kB are refused without a \
    body (414, 431), and so are requests that are no HTTP (400).";

/// All paths.
pub(super) fn document() -> OpenApi {
    let mut document = Document::default();
    history::describe(&mut document);
    legacy::describe(&mut document);
    let mut info = Info::new("netmonitor bridge", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    info.license = Some(License::builder().name("MIT").identifier(Some("MIT")).build());
    let mut components = Components::new();
    components.schemas.extend(document.schemas);
    for (name, scheme) in [("bearer", HttpAuthScheme::Bearer), ("basic", HttpAuthScheme::Basic)] {
        components.add_security_scheme(name, SecurityScheme::Http(Http::new(scheme)));
    }
    let paths = document.paths.into_iter();
    let paths = paths.fold(PathsBuilder::new(), |paths, (path, item)| paths.path(path, item));
    // Without tokens in the settings none is asked for.
    let open = SecurityRequirement::default();
    let token = |name: &str| SecurityRequirement::new::<_, [&str; 0], &str>(name, []);
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .security(Some([open, token("bearer"), token("basic")]))
        .build()
}

/// As it is served and kept.
pub(crate) fn text() -> String {
    let mut text = document().to_pretty_json().expect("every key of it is text");
    text.push('\n');
    text
}

/// `/openapi.json`
pub(super) async fn show() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UPDATE_EXPECT=1` writes it anew.
    #[test]
    fn the_document_is_kept_as_it_is_served() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
        expect_test::expect_file![path].assert_eq(&text());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document: serde_json::Value = serde_json::from_str(&text()).unwrap();
        let text = text();
        for reference in text.split("\"$ref\": \"").skip(1) {
            let pointer = reference.split('"').next().unwrap().trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
