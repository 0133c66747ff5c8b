//! What a fuzzer calls with what requests carry.

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use jiff::tz::TimeZone;

use super::access::has_token;
use super::parameters::{self, MAX_HOURS, MAX_LIMIT, Parameters};
use super::{report, v1};
use crate::fuzzing::halves;
use crate::record::Millis;

pub use super::v1::fuzzing::webhook;

/// 2025-02-12 02:34 UTC.
const NOW: Millis = 1_739_327_640_000;
const TOKEN: &str = "hunter2";

/// The target of a request, and behind the line the value of its headers.
///
/// # Panics
/// When a parameter is out of bounds, a cursor is not what was given, or somebody gets in who
/// has not got the token.
pub fn asked(bytes: &[u8]) {
    let (target, value) = halves(bytes);
    let headers = headers(value);
    let may_enter = may_enter(value);
    assert!(may_enter || !has_token(&headers, TOKEN), "{value:?}");
    let Ok(uri) = Uri::try_from(target) else { return };
    let Ok(parameters) = Parameters::of_uri(&uri) else { return };
    if let Ok((hours, from)) = parameters::since(&parameters, NOW) {
        assert!(hours > 0.0 && hours <= MAX_HOURS && from <= NOW, "{hours} {from}");
    }
    if let Ok(limit) = parameters::limit(&parameters, 100) {
        assert!(limit <= MAX_LIMIT, "{limit}");
    }
    if let Ok(offset) = parameters::offset(&parameters) {
        assert!(i64::try_from(offset).is_ok(), "{offset}");
    }
    for name in ["router", "target", "type", "name"] {
        if let Ok(Some(text)) = parameters::text(&parameters, name) {
            assert!((1..=256).contains(&text.len()) && !text.contains(char::is_control));
        }
    }
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap_or(TimeZone::UTC);
    report::fuzzing(&parameters, &headers, NOW, &zone);
    v1::fuzzing::asked(parameters, &headers, NOW);
}

fn headers(value: &[u8]) -> HeaderMap {
    let names = [header::AUTHORIZATION, header::ACCEPT, header::ACCEPT_LANGUAGE];
    let value = HeaderValue::from_bytes(value);
    names.into_iter().filter_map(|name| Some((name, value.as_ref().ok()?.clone()))).collect()
}

/// As a password the token is in base64, of which there are three kinds, by the place.
fn may_enter(value: &[u8]) -> bool {
    let has = |token: &[u8]| value.windows(token.len()).any(|part| part == token);
    let coded = ["aHVudGVyM", "h1bnRlcj", "odW50ZXIy"];
    has(TOKEN.as_bytes()) || coded.iter().any(|coded| has(coded.as_bytes()))
}
