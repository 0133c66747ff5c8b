//! Parameters of requests: checked, with a reason when they make no sense.

use std::collections::BTreeMap;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;

use super::error::ApiError;
use crate::record::Millis;

/// As they came; the first one of a name counts, as it did with the old client.
#[derive(Debug)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    fn of(pairs: Vec<(String, String)>) -> Self {
        let mut first = BTreeMap::new();
        for (name, value) in pairs {
            first.entry(name).or_insert(value);
        }
        Self(first)
    }

    /// Of a request's target.
    ///
    /// # Errors
    /// When its query cannot be read.
    pub(super) fn of_uri(uri: &Uri) -> Result<Self, ApiError> {
        let pairs = Query::try_from_uri(uri)
            .map_err(|error| ApiError::BadRequest(format!("the query: {error}")))?;
        Ok(Self::of(pairs.0))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::of_uri(&parts.uri)
    }
}

/// Ten years: longer than anything is kept.
pub(crate) const MAX_HOURS: f64 = 24.0 * 3660.0;
/// Rows of one answer; they are streamed, so this bounds patience and not memory.
pub(crate) const MAX_LIMIT: u64 = 10_000_000;

/// The span of time that is asked about: `hours` back from now.
pub(crate) fn since(parameters: &Parameters, now: Millis) -> Result<(f64, Millis), ApiError> {
    let hours = number(parameters, "hours", 24.0)?;
    if !(hours > 0.0 && hours <= MAX_HOURS) {
        let reason = format!("hours: expected a number above 0, at most {MAX_HOURS}");
        return Err(ApiError::BadRequest(reason));
    }
    Ok((hours, now - (hours * 3_600_000.0) as Millis))
}

/// How many rows at most.
pub(crate) fn limit(parameters: &Parameters, default: u64) -> Result<u64, ApiError> {
    let limit = number(parameters, "limit", default)?;
    if limit > MAX_LIMIT {
        return Err(ApiError::BadRequest(format!("limit: at most {MAX_LIMIT}")));
    }
    Ok(limit)
}

/// How many rows are left out.
pub(crate) fn offset(parameters: &Parameters) -> Result<u64, ApiError> {
    let offset = number(parameters, "offset", 0)?;
    // SQLite counts in signed numbers.
    if offset > i64::MAX as u64 {
        return Err(ApiError::BadRequest("offset: far beyond the last row".to_owned()));
    }
    Ok(offset)
}

/// A text, or nothing where it is empty.
pub(crate) fn text<'a>(
    parameters: &'a Parameters,
    name: &str,
) -> Result<Option<&'a str>, ApiError> {
    /// No name of a router, target or type is longer.
    const LONGEST: usize = 256;
    // The second is what is left of bytes that are no UTF-8.
    let is_strange = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
    match parameters.get(name) {
        Some(text) if text.len() > LONGEST => {
            Err(ApiError::BadRequest(format!("{name}: at most {LONGEST} characters")))
        }
        Some(text) if text.contains(is_strange) => {
            Err(ApiError::BadRequest(format!("{name}: expected one line of text in UTF-8")))
        }
        text => Ok(text.filter(|text| !text.is_empty())),
    }
}

fn number<T: FromStr>(parameters: &Parameters, name: &str, default: T) -> Result<T, ApiError> {
    match parameters.get(name).map(str::trim) {
        None | Some("") => Ok(default),
        Some(text) => text.parse().map_err(|_| {
            let shown: String = text.chars().take(40).collect();
            ApiError::BadRequest(format!(
                "{name}: expected a number that is not negative, found \"{shown}\""
            ))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[(&str, &str)]) -> Parameters {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Parameters::of(values.iter().map(pair).collect())
    }

    #[test]
    fn numbers_have_defaults_and_bounds() {
        assert_eq!(limit(&of(&[]), 100).unwrap(), 100);
        assert_eq!(limit(&of(&[("limit", " 7 ")]), 100).unwrap(), 7);
        assert_eq!(since(&of(&[("hours", "0.5")]), 3_600_000).unwrap(), (0.5, 1_800_000));
        for bad in ["-1", "abc", "1e9", "99999999999999999999", "1;drop table x", "NaN"] {
            assert!(limit(&of(&[("limit", bad)]), 1).is_err(), "{bad}");
            assert!(offset(&of(&[("offset", bad)])).is_err(), "{bad}");
        }
        for bad in ["-1", "0", "abc", "NaN", "inf", "1e300"] {
            assert!(since(&of(&[("hours", bad)]), 0).is_err(), "{bad}");
        }
    }

    #[test]
    fn texts_are_short() {
        let long = "x".repeat(300);
        assert!(text(&of(&[("target", &long)]), "target").is_err());
        assert_eq!(text(&of(&[("target", "")]), "target").unwrap(), None);
    }

    #[test]
    fn texts_are_one_line_in_utf_8() {
        for bad in ["a\0", "a\nb", "\u{fffd}"] {
            assert!(text(&of(&[("type", bad)]), "type").is_err(), "{bad:?}");
        }
        assert_eq!(text(&of(&[("type", "会话")]), "type").unwrap(), Some("会话"));
    }

    #[test]
    fn of_a_name_that_comes_twice_the_first_counts() {
        assert_eq!(limit(&of(&[("limit", "7"), ("limit", "x")]), 100).unwrap(), 7);
    }
}
