//! Parts that many paths of the document have in common.

use axum::http::StatusCode;
use utoipa::ToSchema;
use utoipa::openapi::path::{
    Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{
    Content, Ref, RefOr, Required, Response, ResponseBuilder, Schema, SchemaFormat,
};

use super::Document;
use crate::api::v1::shapes::Page;

/// Adds a shape and those that it refers to, under its own name; gives the reference.
pub(in crate::api) fn add<T: ToSchema>(document: &mut Document, name: &str) -> Ref {
    document.schemas.push((name.to_owned(), T::schema()));
    T::schemas(&mut document.schemas);
    Ref::from_schema_name(name)
}

/// The same of an answer whose keys are always there.
pub(in crate::api) fn add_whole<T: ToSchema>(document: &mut Document, name: &str) -> Ref {
    let mut whole = Document::default();
    let reference = add::<T>(&mut whole, name);
    whole.schemas.iter_mut().for_each(|(_, schema)| require_all(schema));
    document.schemas.extend(whole.schemas);
    reference
}

/// Of a page, which is generic, its items must be named, too.
pub(in crate::api) fn add_page<T: ToSchema>(document: &mut Document) -> Ref {
    add_whole::<T>(document, &T::name());
    add_whole::<Page<T>>(document, &format!("{}Page", T::name()))
}

/// Null is a value, too.
fn require_all(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            object.required = object.properties.keys().cloned().collect();
        }
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(require_all),
        RefOr::T(Schema::OneOf(one)) => one.items.iter_mut().for_each(require_all),
        _ => {}
    }
}

/// A parameter of the query.
pub(in crate::api) fn parameter(
    name: &str,
    about: &str,
    schema: impl Into<RefOr<Schema>>,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}

/// One line of text.
pub(in crate::api) fn word() -> ObjectBuilder {
    let word = ObjectBuilder::new().schema_type(Type::String);
    word.max_length(Some(256)).pattern(Some("^[^\\u0000-\\u001F\\u007F-\\u009F\\uFFFD]*$"))
}

fn one_of(words: &[&str]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.to_vec()))
}

fn time() -> AnyOfBuilder {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let format = SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime);
    AnyOfBuilder::new()
        .item(text().format(Some(format)))
        .item(text().pattern(Some("^(|now|[0-9]{1,4}[smhdw]|[0-9]{1,12}(\\.[0-9]{1,3})?)$")))
}

/// What every list takes.
fn common() -> Vec<Parameter> {
    let limit = ObjectBuilder::new().schema_type(Type::Integer);
    let limit = limit.minimum(Some(1)).maximum(Some(1000)).default(Some(100.into()));
    vec![
        parameter("router", "only of this router; 404 if there is none of that name", word()),
        parameter("limit", "rows of a page; as CSV without it: all that are asked for", limit),
        parameter("cursor", "`next_cursor` of the page before; 400 if it is of no page", word()),
        parameter(
            "format",
            "`json` or `csv`; without it the Accept header decides, and json otherwise",
            one_of(&["json", "csv"]),
        ),
        parameter(
            "bom",
            "1: CSV begins with a byte order mark, as Excel wants",
            one_of(&["0", "1"]),
        ),
    ]
}

fn span() -> Vec<Parameter> {
    let about = |what| {
        format!(
            "{what}: RFC 3339, seconds or milliseconds since 1970 (from 100000000000 on), `now`, \
             or so long ago: a whole number and s, m, h, d or w"
        )
    };
    vec![
        parameter("from", &about("the first moment; without it the first there is"), time()),
        parameter("to", &about("the first moment no more; not before `from`"), time()),
    ]
}

pub(in crate::api) fn json(about: &str, schema: impl Into<RefOr<Schema>>) -> Response {
    let content = Content::new(Some(schema));
    ResponseBuilder::new().description(about).content("application/json", content).build()
}

/// An error of `/api/v1`.
pub(in crate::api) fn problem(about: &str) -> Response {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new().description(about).content("application/problem+json", content).build()
}

/// An operation with the errors that every path has.
pub(in crate::api) fn operation(id: &str, about: &str) -> OperationBuilder {
    OperationBuilder::new()
        .operation_id(Some(id))
        .summary(Some(about))
        .tag("history")
        .response(code(StatusCode::BAD_REQUEST), problem("a parameter makes no sense"))
        .response(code(StatusCode::UNAUTHORIZED), problem("READ_TOKEN is set, and was not sent"))
        .response(code(StatusCode::PAYLOAD_TOO_LARGE), problem("nothing is taken here"))
        .response(code(StatusCode::SERVICE_UNAVAILABLE), problem("the database cannot be read"))
}

fn code(status: StatusCode) -> String {
    status.as_u16().to_string()
}

/// A list by time, with parameters of its own.
pub(in crate::api) fn list_of(
    id: &str,
    about: &str,
    page: Ref,
    own: impl IntoIterator<Item = Parameter>,
) -> Operation {
    let parameters = span().into_iter().chain(own);
    page_of(id, about, page, parameters)
}

/// A list by name.
pub(in crate::api) fn page_of(
    id: &str,
    about: &str,
    page: Ref,
    own: impl IntoIterator<Item = Parameter>,
) -> Operation {
    let mut answer = json("a page", page);
    let text = ObjectBuilder::new().schema_type(Type::String);
    answer.content.insert("text/csv".to_owned(), Content::new(Some(text)).into());
    operation(id, about)
        .parameters(Some(common().into_iter().chain(own)))
        .response("200", answer)
        .response("404", problem("there is no such router"))
        .build()
}
