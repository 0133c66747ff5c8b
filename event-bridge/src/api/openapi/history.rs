//! The document's part about `/api/v1`.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, HttpMethod, PathItem, Required, ResponseBuilder};

use super::{
    Document, add, add_page, add_whole, json, list_of, operation, page_of, parameter, problem, word,
};
use crate::api::discovery::Group;
use crate::api::problem::Problem;
use crate::api::v1::shapes::{
    Alert, Event, Hour, Outage, OutageDetail, Ping, Router, RouterState, Sample, StatusPage, Taken,
    Webhook,
};
use crate::report::Shape;

pub(super) fn describe(document: &mut Document) {
    add_whole::<Problem>(document, "Problem");
    routers(document);
    lists(document);
    outage(document);
    report(document);
    alerts(document);
    discovery(document);
}

fn get(
    document: &mut Document,
    path: &'static str,
    operation: impl Into<utoipa::openapi::path::Operation>,
) {
    document.paths.push((path, PathItem::new(HttpMethod::Get, operation)));
}

fn routers(document: &mut Document) {
    let page = add_page::<Router>(document);
    let about = "Routers by name: those of the settings, and those only the database knows";
    get(document, "/api/v1/routers", page_of("routers", about, page, []));
    add_whole::<RouterState>(document, "RouterState");
    let page = add_whole::<StatusPage>(document, "StatusPage");
    let about = "The bridge, and the routers that are polled, at this moment";
    get(document, "/api/v1/status", page_of("status", about, page, []));
}

fn lists(document: &mut Document) {
    let target = || parameter("target", "only of this target, as the settings name it", word());
    let kind = parameter("type", "only of this type", word());
    let page = add_page::<Event>(document);
    let about = "Events, newest first";
    get(document, "/api/v1/events", list_of("events", about, page, [kind]));
    let page = add_page::<Ping>(document);
    let about = "Pings by target and poll, newest first";
    get(document, "/api/v1/pings", list_of("pings", about, page, [target()]));
    let page = add_page::<Sample>(document);
    let about = "Polls, newest first";
    get(document, "/api/v1/samples", list_of("samples", about, page, []));
    let page = add_page::<Hour>(document);
    let about = "Hours that begin in the time, newest first; as CSV a line for each target";
    get(document, "/api/v1/hourly", list_of("hourly", about, page, [target()]));
    let page = add_page::<Outage>(document);
    let about = "Outages that touch the time, newest first";
    get(document, "/api/v1/outages", list_of("outages", about, page, []));
}

fn in_path(name: &str, about: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}

fn outage(document: &mut Document) {
    let shape = add_whole::<OutageDetail>(document, "OutageDetail");
    let id = ObjectBuilder::new().schema_type(Type::Integer);
    let id = in_path("id", "of the outage, or of one of its drops", id);
    let about = "An outage with its drops, its evidence, and what happened around it";
    let operation = operation("outage", about)
        .parameter(id)
        .response("200", json("the outage", shape))
        .response("404", problem("there is no such outage"));
    get(document, "/api/v1/outages/{id}", operation);
}

fn report(document: &mut Document) {
    let shape = add_whole::<Shape>(document, "Report");
    let words = |words: &[&'static str]| {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.to_vec()))
    };
    let month = ObjectBuilder::new().schema_type(Type::String);
    let month = month.pattern(Some("^[0-9]{4}-(0[1-9]|1[0-2])$"));
    let mut answer = json("the month", shape);
    for media_type in ["text/html", "text/csv"] {
        let text = ObjectBuilder::new().schema_type(Type::String);
        answer.content.insert(media_type.to_owned(), Content::new(Some(text)).into());
    }
    let about = "A month of a router, for whoever provides its line: outages, availability, gaps";
    let operation = operation("report", about)
        .parameter(parameter("month", "of the local calendar; 400 if it is to come", month))
        .parameter(parameter("router", "needed where there are several", word()))
        .parameter(parameter("format", "`html` without it", words(&["html", "csv", "json"])))
        .parameter(parameter("lang", "else by Accept-Language", words(&["en", "zh"])))
        .response("200", answer)
        .response("404", problem("there is no such router"));
    get(document, "/api/v1/report", operation);
}

fn alerts(document: &mut Document) {
    let page = add_page::<Alert>(document);
    let status = ObjectBuilder::new().schema_type(Type::String);
    let status = status.enum_values(Some(["firing", "resolved"]));
    let own = [
        parameter("name", "only of this name", word()),
        parameter("status", "only of this state", status),
    ];
    let about = "States of alerts by their arrival, newest first; `router` is their label";
    let list = list_of("alerts", about, page, own);
    let body = add::<Webhook>(document, "Webhook");
    let body = RequestBodyBuilder::new()
        .description(Some("Alertmanager's webhook, version 4; at most 1 MiB"))
        .required(Some(Required::True))
        .content("application/json", Content::new(Some(body)))
        .build();
    let taken = add_whole::<Taken>(document, "Taken");
    let take = operation("take_alerts", "Takes the webhook of Alertmanager")
        .request_body(Some(body))
        .response("200", json("all of it is stored; the same again changes nothing", taken))
        .response("400", problem("the body is no such webhook: `bad_body`"))
        .response("401", problem("API_TOKEN, or without it READ_TOKEN, is set and was not sent"))
        .response("408", problem("the body did not arrive in 10 s"))
        .response("413", problem("the body is too long"))
        .response("503", problem("nothing is stored: send it again"));
    let mut item = PathItem::new(HttpMethod::Get, list);
    item.merge_operations(PathItem::new(HttpMethod::Post, take));
    document.paths.push((crate::api::v1::ALERTS, item));
}

fn discovery(document: &mut Document) {
    let groups = add::<Vec<Group>>(document, "Groups");
    let about = "The routers for Prometheus' http_sd_configs";
    let sd = operation("sd", about).response("200", json("one group for each router", groups));
    get(document, "/api/v1/sd", sd);
    let name = in_path("name", "of a router of the settings", word());
    let text = || Content::new(Some(ObjectBuilder::new().schema_type(Type::String)));
    let metrics = ResponseBuilder::new()
        .description("as the router answers it")
        .content("text/plain", text())
        .content("application/openmetrics-text", text());
    let about = "The /metrics of a router, asked with its token";
    let scrape = operation("scrape", about)
        .parameter(name)
        .response("200", metrics)
        .response("404", problem("there is no such router"))
        .response("502", problem("the router fails"))
        .response("504", problem("the router does not answer in time"));
    get(document, "/api/v1/routers/{name}/metrics", scrape);
}
