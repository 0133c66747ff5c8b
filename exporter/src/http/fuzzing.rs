//! What a fuzzer calls with what a request carries.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Uri, header};

use super::access::carries;
use super::events::{Cursor, LONGEST_WAIT, MAX_LIMIT};
use crate::fuzzing::halves;

const TOKEN: &str = "hunter2";

/// The target of a request, and behind the line its `Authorization`.
///
/// # Panics
/// When a reader gets more than it may, or somebody in who has not got the token.
pub fn request(bytes: &[u8]) {
    let (target, authorization) = halves(bytes);
    if let Ok(uri) = Uri::try_from(target)
        && let Ok(cursor) = Cursor::parse(uri.query().unwrap_or_default())
    {
        assert!((1..=MAX_LIMIT).contains(&cursor.limit), "{cursor:?}");
        assert!((Duration::ZERO..=LONGEST_WAIT).contains(&cursor.wait), "{cursor:?}");
        assert!(cursor.stream.as_deref() != Some(""), "{cursor:?}");
        assert_eq!(Cursor::parse(&query(&cursor)), Ok(cursor));
    }
    if let Ok(value) = HeaderValue::from_bytes(authorization) {
        let has_token = |token: &[u8]| authorization.windows(token.len()).any(|part| part == token);
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value);
        // As a password it is in base64, of which there are three kinds, by the place.
        let coded = ["aHVudGVyM", "h1bnRlcj", "odW50ZXIy"];
        let may_enter =
            has_token(TOKEN.as_bytes()) || coded.iter().any(|c| has_token(c.as_bytes()));
        assert!(may_enter || !carries(&headers, TOKEN), "{authorization:?}");
    }
}

/// Asks for the same.
fn query(cursor: &Cursor) -> String {
    let Cursor { stream, after, revision, limit, wait } = cursor;
    let stream = stream.as_deref().unwrap_or_default();
    let revision = revision.map(|number| format!("&revision={number}")).unwrap_or_default();
    let wait = wait.as_secs_f64();
    format!("stream={stream}&after={after}{revision}&limit={limit}&wait={wait}")
}
