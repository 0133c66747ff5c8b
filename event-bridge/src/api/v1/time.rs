//! Times as the API has them: RFC 3339, UTC, to the millisecond; and as they may be asked
//! for. Pure.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::record::Millis;

/// Years that RFC 3339 can write begin here.
pub(super) const FIRST: Millis = -62_167_219_200_000;
/// Numbers from here on are milliseconds: as seconds they would be the year 5138, and as
/// milliseconds they are later than March 1973.
const MILLIS_FROM: f64 = 100_000_000_000.0;
/// No time back is longer; nothing is that old.
const MAX_BACK: Millis = 200 * 366 * 86_400_000;

/// A moment, for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Utc(pub(super) Millis);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Timestamp::from_millisecond(self.0.max(FIRST)).unwrap_or(Timestamp::MAX);
        write!(f, "{at:.3}")
    }
}

impl Serialize for Utc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl PartialSchema for Utc {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339, UTC, with milliseconds and `Z`"))
            .examples(["2025-02-12T02:34:00.000Z"])
            .into()
    }
}

impl ToSchema for Utc {}

/// Seconds of a time span, to the millisecond.
pub(super) fn seconds(span: Millis) -> f64 {
    span as f64 / 1000.0
}

/// RFC 3339, seconds or milliseconds since 1970, `now`, or so long before now: `24h`.
/// `None`: it is no such thing.
pub(super) fn parse(text: &str, now: Millis) -> Option<Millis> {
    let text = text.trim();
    if text == "now" {
        return Some(now);
    }
    back(text, now).or_else(|| since_1970(text)).or_else(|| rfc_3339(text))
}

fn back(text: &str, now: Millis) -> Option<Millis> {
    let unit = match text.chars().last()? {
        's' => 1000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        'w' => 7 * 86_400_000,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let count: Millis = digits.parse().ok().filter(|_| is_number(digits))?;
    count.checked_mul(unit).filter(|span| *span <= MAX_BACK).map(|span| now.saturating_sub(span))
}

/// Digits alone, with a point at most.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn since_1970(text: &str) -> Option<Millis> {
    let number: f64 = text.parse().ok().filter(|_| is_number(text))?;
    let millis = if number < MILLIS_FROM { number * 1000.0 } else { number };
    Timestamp::from_millisecond(millis.round() as Millis).ok().map(Timestamp::as_millisecond)
}

fn rfc_3339(text: &str) -> Option<Millis> {
    // A plus that is not encoded arrives as a space.
    let mut text = text.to_owned();
    if let Some(at) = text.rfind(' ').filter(|at| text.len() - at == "+08:00".len()) {
        text.replace_range(at..=at, "+");
    }
    Timestamp::from_str(&text).ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2025-02-12T02:34:00Z
    const NOW: Millis = 1_739_327_640_000;

    #[test]
    fn times_are_asked_for_in_many_ways() {
        for (text, expected) in [
            ("2025-02-12T02:34:00Z", NOW),
            ("2025-02-12T02:34:00.512Z", NOW + 512),
            ("2025-02-12T10:34:00+08:00", NOW),
            ("2025-02-12T10:34:00 08:00", NOW),
            ("2025-02-11T21:34:00-05:00", NOW),
            ("1739327640", NOW),
            ("1739327640.5", NOW + 500),
            ("1739327640000", NOW),
            ("0", 0),
            ("now", NOW),
            ("24h", NOW - 86_400_000),
            ("30m", NOW - 1_800_000),
            ("7d", NOW - 7 * 86_400_000),
            ("2w", NOW - 14 * 86_400_000),
            (" 0s ", NOW),
        ] {
            assert_eq!(parse(text, NOW), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "-1",
            "+1",
            "-24h",
            "24",
            "h",
            "1.5h",
            "1e9",
            "NaN",
            "inf",
            "1y",
            "99999999999w",
            "2025-02-12",
            "2025-02-12T02:34:00",
            "2025-13-01T00:00:00Z",
            "yesterday",
            "٣h",
            "é",
            "99999999999999999999",
            "1..5",
        ] {
            let expected = (text == "24").then_some(24_000);
            assert_eq!(parse(text, NOW), expected, "{text}");
        }
    }

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(Utc(NOW + 7).to_string(), "2025-02-12T02:34:00.007Z");
        assert_eq!(Utc(Millis::MIN).to_string(), "0000-01-01T00:00:00.000Z");
        assert!(Utc(Millis::MAX).to_string().starts_with("9999-12-3"));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(at in FIRST..253_402_207_200_000_i64) {
            prop_assert_eq!(parse(&Utc(at).to_string(), NOW), Some(at));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}", now in any::<Millis>()) {
            parse(&text, now);
        }

        #[test]
        fn anything_like_a_time_is_read_or_refused(text in "[-0-9T:Z.+ smhdw]{0,30}") {
            parse(&text, NOW);
        }
    }
}
