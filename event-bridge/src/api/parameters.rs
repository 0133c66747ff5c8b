//! Parameters of requests: checked, with a reason when they make no sense.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::record::Millis;

use super::error::ApiError;

/// As they came; the last one of a name counts.
pub(crate) type Parameters = BTreeMap<String, String>;

/// Ten years: longer than anything is kept.
const MAX_HOURS: f64 = 24.0 * 3660.0;
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
    match parameters.get(name).map(String::as_str) {
        Some(text) if text.len() > LONGEST => {
            Err(ApiError::BadRequest(format!("{name}: at most {LONGEST} characters")))
        }
        text => Ok(text.filter(|text| !text.is_empty())),
    }
}

fn number<T: FromStr>(parameters: &Parameters, name: &str, default: T) -> Result<T, ApiError> {
    match parameters.get(name).map(|text| text.trim()) {
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
        values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
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
}
