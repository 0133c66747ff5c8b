//! `/api/v1/report`: a month of a router for whoever provides its line, as a page for print,
//! as CSV or as JSON.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Views;
use super::error::{ApiError, failure};
use super::parameters::{Parameters, text};
use crate::clock;
use crate::history::words::Language;
use crate::report::{Asked, Month, Report, Shape, csv, html};
use crate::store::RouterId;

/// What a fuzzer calls with what a report may be asked.
#[cfg(feature = "fuzzing")]
pub(super) fn fuzzing(
    parameters: &Parameters,
    headers: &HeaderMap,
    now: crate::record::Millis,
    zone: &jiff::tz::TimeZone,
) {
    if let Ok(month) = month(parameters, now, zone) {
        let time = month.time(zone);
        assert!(time.start <= now && time.start < time.end, "{month}");
        assert_eq!(month.to_string().parse(), Ok(month));
        assert_eq!(month.next().previous(), month);
    }
    format(parameters).ok();
    language(parameters, headers).ok();
}

/// How it is answered.
#[derive(Debug, Clone, Copy)]
enum Format {
    Html,
    Csv,
    Json,
}

pub(super) async fn show(
    State(views): State<Arc<Views>>,
    headers: HeaderMap,
    parameters: Result<Parameters, ApiError>,
) -> Result<Response, ApiError> {
    let parameters = parameters?;
    let format = format(&parameters)?;
    let language = language(&parameters, &headers)?;
    let report = report(&views, &parameters).await?;
    Ok(shown(&report, format, language))
}

async fn report(views: &Views, parameters: &Parameters) -> Result<Report, ApiError> {
    let (zone, now) = (views.zone.clone(), clock::now());
    let month = month(parameters, now, &zone)?;
    let (router, id) = router(views, parameters).await?;
    let (version, revision) = (env!("CARGO_PKG_VERSION"), crate::REVISION);
    let asked = Asked { router, month, zone, now, version, revision };
    let rows = views.store.month(id, asked.time(), now).await?;
    let report = Report::of(asked, rows);
    let readings = views.store.readings(id, report.beside()).await?;
    Ok(report.with_readings(&readings))
}

/// The one asked for, or the current one.
fn month(
    parameters: &Parameters,
    now: crate::record::Millis,
    zone: &jiff::tz::TimeZone,
) -> Result<Month, ApiError> {
    let Some(text) = text(parameters, "month")? else { return Ok(Month::of(now, zone)) };
    let month: Month =
        text.parse().map_err(|error| ApiError::BadRequest(format!("month: {error}")))?;
    if month.time(zone).start > now {
        return Err(ApiError::BadRequest(format!("month: {month} has not begun yet")));
    }
    Ok(month)
}

/// The one that is named, or the only one; without a number, nothing of it was ever stored.
/// One that is polled no more still has its history.
async fn router(views: &Views, parameters: &Parameters) -> Result<(String, RouterId), ApiError> {
    let polled = views.routers.list();
    let name = match text(parameters, "router")? {
        Some(name) => name.to_owned(),
        None => {
            let mut names: Vec<String> =
                polled.all().iter().map(|watched| watched.router.name.clone()).collect();
            if names.is_empty() {
                names = views.store.routers().await?.into_iter().map(|one| one.name).collect();
            }
            match names.as_slice() {
                [] => return Err(ApiError::NotFound("there is no router".to_owned())),
                [name] => name.clone(),
                _ => {
                    let reason = "router: there are several; name one, see /api/v1/sd";
                    return Err(ApiError::BadRequest(reason.to_owned()));
                }
            }
        }
    };
    match views.store.known_router(&name) {
        Some(id) if id != RouterId::BRIDGE => Ok((name, id)),
        // Nothing was stored yet, or the database is away: then this says so.
        _ if polled.named(&name).is_some() => {
            let id = views.store.router(&name).await?;
            Ok((name, id))
        }
        _ => {
            let shown: String = name.chars().take(60).collect();
            Err(ApiError::NotFound(format!("there is no router \"{shown}\"")))
        }
    }
}

fn format(parameters: &Parameters) -> Result<Format, ApiError> {
    match text(parameters, "format")? {
        None | Some("html") => Ok(Format::Html),
        Some("csv") => Ok(Format::Csv),
        Some("json") => Ok(Format::Json),
        Some(_) => Err(ApiError::BadRequest("format: expected html, csv or json".to_owned())),
    }
}

/// The one asked for, else the one that the browser likes better.
fn language(parameters: &Parameters, headers: &HeaderMap) -> Result<Language, ApiError> {
    match text(parameters, "lang")? {
        Some("en") => Ok(Language::English),
        Some("zh") => Ok(Language::Chinese),
        Some(_) => Err(ApiError::BadRequest("lang: expected en or zh".to_owned())),
        None => {
            let accepted = headers.get(header::ACCEPT_LANGUAGE);
            Ok(liked(accepted.and_then(|value| value.to_str().ok()).unwrap_or_default()))
        }
    }
}

/// Of a header such as `de,zh-CN;q=0.8,en;q=0.7`; of equals the first.
fn liked(accepted: &str) -> Language {
    let one = |part: &str| {
        let mut words = part.split(';').map(str::trim);
        let tag = words.next()?.split('-').next()?.to_ascii_lowercase();
        let language = match tag.as_str() {
            "en" => Language::English,
            "zh" => Language::Chinese,
            _ => return None,
        };
        let weight =
            words.find_map(|word| word.strip_prefix("q=")).map_or(Some(1.0), |weight| {
                weight.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight))
            })?;
        Some((language, weight))
    };
    let mut best = (Language::English, 0.0);
    for (language, weight) in accepted.split(',').filter_map(one) {
        if weight > best.1 {
            best = (language, weight);
        }
    }
    best.0
}

fn shown(report: &Report, format: Format, language: Language) -> Response {
    match format {
        Format::Html => match html(report, language) {
            Ok(page) => {
                let headers = [
                    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                    (
                        header::CONTENT_SECURITY_POLICY,
                        "default-src 'none'; style-src 'unsafe-inline'",
                    ),
                ];
                (headers, page).into_response()
            }
            Err(error) => failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                &format!("the page could not be made: {error}"),
            ),
        },
        Format::Csv => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
                (header::CONTENT_DISPOSITION, attachment(report)),
            ];
            (headers, csv(report, language)).into_response()
        }
        Format::Json => Json(Shape::of(report, language)).into_response(),
    }
}

/// Under a name that every system takes.
fn attachment(report: &Report) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let router: String = report.asked.router.chars().filter(is_plain).collect();
    format!("attachment; filename=\"outages-{router}-{}.csv\"", report.asked.month)
}
