//! What every list may be asked: time, router, page, and in which form.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::{cursor, time};
use crate::api::Views;
use crate::api::error::ApiError;
use crate::api::legacy;
use crate::api::parameters::{self, Parameters};
use crate::clock;
use crate::record::Millis;
use crate::store::Query;

/// Rows of a page unless it is said how many.
const USUAL: u64 = 100;
/// Rows of a page at most: what is built in memory.
const MOST: u64 = 1000;

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    /// For spreadsheets; with a byte order mark or without.
    Csv {
        has_mark: bool,
    },
}

/// A request of a list.
#[derive(Debug)]
pub(super) struct Ask {
    parameters: Parameters,
    pub(super) format: Format,
    pub(super) now: Millis,
}

impl FromRequestParts<Arc<Views>> for Ask {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, views: &Arc<Views>) -> Result<Self, ApiError> {
        let parameters = Parameters::from_request_parts(parts, views).await?;
        Self::of(parameters, &parts.headers, clock::now())
    }
}

fn format(parameters: &Parameters, headers: &HeaderMap) -> Result<Format, ApiError> {
    let has_mark = match parameters::text(parameters, "bom")? {
        None | Some("0") => false,
        Some("1") => true,
        Some(_) => return Err(ApiError::BadRequest("bom: expected 0 or 1".to_owned())),
    };
    let is_csv = match parameters::text(parameters, "format")? {
        Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(ApiError::BadRequest("format: expected json or csv".to_owned())),
        None => prefers_csv(headers),
    };
    Ok(if is_csv { Format::Csv { has_mark } } else { Format::Json })
}

/// It is the first of the known forms that is named.
fn prefers_csv(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let forms = accept.unwrap_or_default().split(',');
    let mut names = forms.map(|form| form.split(';').next().unwrap_or_default().trim());
    let first = names.find(|name| matches!(*name, "application/json" | "text/csv" | "*/*"));
    first == Some("text/csv")
}

impl Ask {
    /// What was asked at `now`.
    pub(super) fn of(
        parameters: Parameters,
        headers: &HeaderMap,
        now: Millis,
    ) -> Result<Self, ApiError> {
        let format = format(&parameters, headers)?;
        Ok(Self { parameters, format, now })
    }

    /// A word, or nothing where it is empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        parameters::text(&self.parameters, name)
    }

    /// How many rows at most; nothing is said: `None`.
    pub(super) fn limit(&self) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.text("limit")? else { return Ok(None) };
        let limit = text.trim().parse().ok().filter(|limit| (1..=MOST).contains(limit));
        limit.map(Some).ok_or_else(|| {
            ApiError::BadRequest(format!("limit: expected a whole number from 1 to {MOST}"))
        })
    }

    /// Rows of this page; `None`: all of them, which only a sheet may have.
    pub(super) fn page(&self) -> Result<Option<u64>, ApiError> {
        let limit = self.limit()?;
        Ok(if self.format == Format::Json { limit.or(Some(USUAL)) } else { limit })
    }

    fn time(&self, name: &str) -> Result<Option<Millis>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        time::parse(text, self.now).map(Some).ok_or_else(|| {
            ApiError::BadRequest(format!(
                "{name}: expected a time such as 2025-02-12T02:34:00Z, 1739327640 or 24h"
            ))
        })
    }

    /// The rows that are asked for, of all routers.
    pub(super) fn rows(&self, list: &str) -> Result<Query, ApiError> {
        let (from, until) = (self.time("from")?, self.time("to")?);
        let (from, until) = (from.unwrap_or(Millis::MIN), until.unwrap_or(Millis::MAX));
        if from > until {
            return Err(ApiError::BadRequest("from: is after to".to_owned()));
        }
        let before = match self.text("cursor")? {
            None => None,
            Some(text) => Some(cursor::read(list, text).ok_or_else(|| bad_cursor(list))?),
        };
        Ok(Query { before, ..Query::of(None, from, until) })
    }

    /// As above, of the router that is named, if one is.
    pub(super) async fn rows_of(&self, views: &Views, list: &str) -> Result<Query, ApiError> {
        let query = self.rows(list)?;
        Ok(Query { router: legacy::filter(views, &self.parameters).await?, ..query })
    }
}

pub(super) fn bad_cursor(list: &str) -> ApiError {
    ApiError::BadRequest(format!("cursor: is none that a page of {list} gave"))
}
