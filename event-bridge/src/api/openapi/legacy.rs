//! The document's part about the paths of the old client, and those for containers.

use serde_json::json;
use utoipa::openapi::path::{OperationBuilder, Parameter};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{
    ArrayBuilder, Content, Deprecated, HttpMethod, PathItem, Ref, RefOr, Response, ResponseBuilder,
    Schema,
};

use super::{Document, add, json as as_json, parameter, word};
use crate::api::parameters::{MAX_HOURS, MAX_LIMIT};
use crate::api::records::{Event, Ping, Status};

pub(super) fn describe(document: &mut Document) {
    let error = object([("error", text())]);
    document.schemas.push(("Error".to_owned(), error.into()));
    let status = add::<Status>(document, "LegacyStatus");
    let ping = add::<Ping>(document, "LegacyPing");
    let event = add::<Event>(document, "LegacyEvent");
    let router = || parameter("router", "only of this router", word());
    let target = parameter("target", "only of this target", word());
    let kind = parameter("type", "only of this type", word());
    let history = object([
        ("status", success()),
        ("total", integer()),
        ("records", array(&status)),
        ("ping", array(&ping)),
        ("events", array(&event)),
        ("router", ObjectBuilder::new().schema_type(Type::Object).into()),
    ]);
    let records = |of: &Ref| object([("status", success()), ("records", array(of))]);
    let message = object([("status", success()), ("message", text())]);
    let free = || object([]);
    let summary = object([("status", success()), ("summary", free().into())]);
    old(document, "/api/status", "The router's own `/net/status` of now", free(), vec![router()]);
    let page = || vec![hours(), limit(), offset(), router()];
    old(document, "/api/history", "Samples, pings and events", history, page());
    let own = [page(), vec![target]].concat();
    old(document, "/api/ping_history", "Pings", records(&ping), own);
    let own = vec![limit(), offset(), kind, router()];
    old(document, "/api/events", "Events", records(&event), own);
    let own = vec![hours(), router()];
    old(document, "/api/stats/summary", "Counts and means", summary, own);
    old(document, "/api/fetch_now", "Polls the router now", message, vec![router()]);
    old(document, "/health", "Is all well?", free(), Vec::new());
    plain(document);
}

type Property = (&'static str, RefOr<Schema>);

fn object<const COUNT: usize>(properties: [Property; COUNT]) -> Object {
    let object = ObjectBuilder::new().schema_type(Type::Object);
    let with = |object: ObjectBuilder, (name, schema): Property| {
        object.property(name, schema).required(name)
    };
    properties.into_iter().fold(object, with).build()
}

fn array(of: &Ref) -> RefOr<Schema> {
    ArrayBuilder::new().items(of.clone()).into()
}

fn text() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).into()
}

fn success() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["success"])).into()
}

fn integer() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).into()
}

fn hours() -> Parameter {
    let number = ObjectBuilder::new().schema_type(Type::Number);
    let number = number.exclusive_minimum(Some(0)).maximum(Some(MAX_HOURS));
    parameter("hours", "so far back from now", number.default(Some(json!(24))))
}

fn limit() -> Parameter {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    parameter("limit", "rows at most", number.maximum(Some(MAX_LIMIT as f64)))
}

fn offset() -> Parameter {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    parameter("offset", "rows left out, below 2^63", number)
}

/// A path of the old client; `/api/v1` has a better one.
fn old(
    document: &mut Document,
    path: &'static str,
    about: &str,
    shape: Object,
    parameters: Vec<Parameter>,
) {
    let refused = |about| as_json(about, Ref::from_schema_name("Error"));
    let operation = |id: &str| {
        OperationBuilder::new()
            .operation_id(Some(id))
            .summary(Some(about))
            .tag("old client")
            .deprecated(Some(Deprecated::True))
            .parameters(Some(parameters.clone()))
            .response("200", as_json("as the old client answered", shape.clone()))
            .response("400", refused("a parameter makes no sense"))
            .response("401", refused("READ_TOKEN is set, and was not sent"))
            .response("404", refused("there is no such router"))
            .response("413", refused("nothing is taken here"))
            .response("429", refused("polled less than 5 s ago"))
            .response("503", refused("the router or the database does not answer"))
    };
    let name = path.trim_start_matches('/').replace('/', "_");
    let mut item = PathItem::new(HttpMethod::Get, operation(&name));
    if path == "/api/fetch_now" {
        let post = PathItem::new(HttpMethod::Post, operation("post_api_fetch_now"));
        item.merge_operations(post);
    }
    document.paths.push((path, item));
}

/// For containers, Prometheus and people.
fn plain(document: &mut Document) {
    for (path, about, kind, failure) in [
        ("/healthz", "The process answers", "text/plain", None),
        ("/readyz", "Everything can be stored", "text/plain", Some("nothing can be stored")),
        ("/metrics", "About the bridge itself, format 0.0.4", "text/plain", None),
        ("/openapi.json", "This document", "application/json", None),
        ("/", "A page with the state of every router", "text/html", None),
    ] {
        let schema = ObjectBuilder::new();
        let schema = if kind == "application/json" {
            schema.schema_type(Type::Object)
        } else {
            schema.schema_type(Type::String)
        };
        let answer = ResponseBuilder::new().description(about);
        let answer: Response = answer.content(kind, Content::new(Some(schema))).build();
        let operation = OperationBuilder::new()
            .operation_id(Some(if path == "/" { "page" } else { &path[1..] }))
            .summary(Some(about))
            .tag("bridge")
            .response("200", answer);
        let refused = |about| as_json(about, Ref::from_schema_name("Error"));
        let operation = match failure {
            Some(failure) => operation.response("503", refused(failure)),
            None => operation,
        };
        let is_open = path.ends_with('z');
        let operation = if is_open {
            operation
        } else {
            operation.response("401", refused("READ_TOKEN is set, and was not sent"))
        };
        let operation = operation.response("413", refused("nothing is taken here"));
        document.paths.push((path, PathItem::new(HttpMethod::Get, operation)));
    }
}
