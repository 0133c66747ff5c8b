//! Single facts out of an answer: numbers, texts and events, each within its bounds. Pure.

use serde_json::{Map, Value};

use super::zone::{Shift, Written, parse_seconds, parse_time};
use crate::record::{Event, Millis};

/// Of a message: ours have at most 200.
pub(crate) const MAX_MESSAGE_CHARS: usize = 500;
/// Of a type: ours have at most 26.
pub(crate) const MAX_KIND_CHARS: usize = 64;
/// Of a stream or boot id: ours have 16 and 36.
const MAX_ID_CHARS: usize = 128;
/// Of an event: ours have at most a dozen.
const MAX_DETAILS: usize = 32;
const MAX_DETAIL_NAME_CHARS: usize = 64;
/// Readers of JSON round greater ones, and the next number must fit as well.
const MAX_COUNT: u64 = (1 << 53) - 2;

/// The time of an event that came without a zone, as the router wrote it: by this, type
/// and message such an event is known again, whatever zone a later answer suggests.
pub const ROUTER_TIME: &str = "router_time";
/// In the details of an event whose time was shifted by a guess.
pub const APPROXIMATE: &str = "approximate";

/// A member of an object; `null` for everything else.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

/// A number, also in quotes. `None`: `N/A`, nothing, infinite.
pub(crate) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

/// A whole number from 0 on that store and clients can hold, also in quotes, also as `3.0`.
pub(crate) fn count(value: &Value) -> Option<u64> {
    let exact = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let is_exact =
        |number: &f64| (0.0..=MAX_COUNT as f64).contains(number) && number.fract() == 0.0;
    exact
        .or_else(|| number(value).filter(is_exact).map(|number| number as u64))
        .filter(|count| *count <= MAX_COUNT)
}

/// One line of at most `max_chars` characters. `None`: no text.
pub(crate) fn line(value: &Value, max_chars: usize) -> Option<String> {
    let text = value.as_str()?;
    let clean = |char: char| if char.is_control() { ' ' } else { char };
    let line: String = text.trim().chars().take(max_chars).map(clean).collect();
    Some(line)
}

/// A name that is compared, hence whole or not at all.
pub(super) fn id(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let is_fit = !text.is_empty()
        && text.chars().count() <= MAX_ID_CHARS
        && !text.chars().any(char::is_control);
    is_fit.then(|| text.to_owned())
}

/// An event as agents write it. `None`: neither a number nor a time to know it by, or no
/// type; nothing that could be told apart from the next one.
pub(super) fn event(value: &Value, shift: Shift, now: Millis) -> Option<Event> {
    let fields = value.as_object()?;
    let seq = count(member(value, "seq"));
    let text = line(member(value, "time"), MAX_ID_CHARS).unwrap_or_default();
    let exact = number(member(value, "ts")).and_then(parse_seconds).map(Written::Utc);
    let written = exact.or_else(|| parse_time(&text));
    let kind = line(member(value, "type"), MAX_KIND_CHARS).filter(|kind| !kind.is_empty());
    if seq.is_none() && (written.is_none() || kind.is_none()) {
        return None;
    }
    let mut detail = details(fields.get("detail"));
    if seq.is_none() && exact.is_none() {
        detail.insert(ROUTER_TIME.to_owned(), text.into());
    }
    if written.is_none_or(|written| shift.is_approximate(written)) {
        detail.insert(APPROXIMATE.to_owned(), "true".into());
    }
    Some(Event {
        seq,
        // A number without a time happened before we heard of it, and not long ago.
        at: written.map_or(now, |written| shift.apply(written)),
        kind: kind.unwrap_or_else(|| "unknown".to_owned()),
        message: line(member(value, "message"), MAX_MESSAGE_CHARS).unwrap_or_default(),
        detail: Some(detail).filter(|detail| !detail.is_empty()).map(Value::Object),
    })
}

/// As an object of strings.
fn details(value: Option<&Value>) -> Map<String, Value> {
    let Some(Value::Object(given)) = value else { return Map::new() };
    let mut kept = Map::new();
    for (name, value) in given.iter().take(MAX_DETAILS) {
        let text = match value {
            Value::String(_) => line(value, MAX_MESSAGE_CHARS),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        if let (Some(text), true) = (text, name.chars().count() <= MAX_DETAIL_NAME_CHARS) {
            kept.insert(name.clone(), text.into());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Millis = 1_739_327_640_000;
    const SHANGHAI: Shift = Shift::Zone { east_minutes: 480 };

    #[test]
    fn numbers_may_come_in_quotes_or_not_at_all() {
        for (value, expected_number, expected_count) in [
            (json!(12), Some(12.0), Some(12)),
            (json!("12.3"), Some(12.3), None),
            (json!(" 12 "), Some(12.0), Some(12)),
            (json!(3.0), Some(3.0), Some(3)),
            (json!("3.0"), Some(3.0), Some(3)),
            (json!(-1), Some(-1.0), None),
            (json!("N/A"), None, None),
            (json!(""), None, None),
            (json!("NaN"), None, None),
            (json!("inf"), None, None),
            (json!(null), None, None),
            (json!([1]), None, None),
            (json!(true), None, None),
            (json!(u64::MAX), Some(u64::MAX as f64), None),
            (json!(MAX_COUNT), Some(MAX_COUNT as f64), Some(MAX_COUNT)),
            (json!(MAX_COUNT + 1), Some((MAX_COUNT + 1) as f64), None),
        ] {
            assert_eq!(number(&value), expected_number, "{value}");
            assert_eq!(count(&value), expected_count, "{value}");
        }
    }

    #[track_caller]
    fn check(value: Value, seq: Option<u64>, at: Millis, kind: &str, detail: Option<Value>) {
        let found = event(&value, SHANGHAI, NOW).unwrap();
        assert_eq!(
            (found.seq, found.at, found.kind.as_str(), found.detail),
            (seq, at, kind, detail),
            "{value}"
        );
    }

    #[test]
    fn an_event_with_a_number_is_always_kept() {
        let at = 1_739_327_400_512;
        let detail = json!({"address": "198.51.100.7"});
        let ours = json!({"time": "x", "type": "pppoe_up", "seq": 41, "ts": 1739327400.512, "detail": detail});
        check(ours, Some(41), at, "pppoe_up", Some(detail));
        check(
            json!({"seq": "41", "ts": "1739327400.512", "type": "new_word"}),
            Some(41),
            at,
            "new_word",
            None,
        );
        check(
            json!({"seq": 1, "time": "2025-02-12 10:30:00", "type": "a"}),
            Some(1),
            1_739_327_400_000,
            "a",
            None,
        );
        check(json!({"seq": 1, "ts": 30, "type": "a"}), Some(1), 30_000, "a", None);
        check(
            json!({"seq": 1, "ts": 1e300}),
            Some(1),
            NOW,
            "unknown",
            Some(json!({"approximate": "true"})),
        );
    }

    #[test]
    fn an_event_without_a_number_keeps_the_routers_own_time() {
        let value = json!({"time": "2025-02-12 10:30:00", "type": "wan_down", "message": "m"});
        let own = json!({"router_time": "2025-02-12 10:30:00"});
        check(value.clone(), None, 1_739_327_400_000, "wan_down", Some(own));
        let guessed = event(&value, Shift::WrongClock { ahead_ms: 1000 }, NOW).unwrap();
        let own = json!({"router_time": "2025-02-12 10:30:00", "approximate": "true"});
        assert_eq!(guessed.detail, Some(own));
        for bad in [
            json!({"time": "N/A", "type": "wan_down"}),
            json!({"time": "2025-02-12 10:30:00", "type": ""}),
            json!({"time": "2025-02-12 10:30:00"}),
            json!("wan_down"),
            json!(null),
        ] {
            assert_eq!(event(&bad, SHANGHAI, NOW), None, "{bad}");
        }
    }

    #[test]
    fn texts_are_one_line_and_bounded() {
        let message = format!(" a\nb\u{7}{}", "线".repeat(1000));
        let value = json!({"seq": 1, "ts": 1, "type": "x".repeat(99), "message": message,
            "detail": {"list": [1], "number": 5, "none": null, "long": "x".repeat(999)}});
        let event = event(&value, SHANGHAI, NOW).unwrap();
        assert_eq!(event.message.chars().count(), MAX_MESSAGE_CHARS);
        assert!(event.message.starts_with("a b 线"), "{}", event.message);
        assert_eq!(event.kind.len(), MAX_KIND_CHARS);
        assert_eq!(
            event.detail,
            Some(json!({"number": "5", "long": "x".repeat(MAX_MESSAGE_CHARS)}))
        );
    }

    #[test]
    fn ids_are_whole_or_none() {
        assert_eq!(id(&json!("b7c1")).as_deref(), Some("b7c1"));
        for bad in [json!(""), json!("a\nb"), json!("x".repeat(129)), json!(5), json!(null)] {
            assert_eq!(id(&bad), None, "{bad}");
        }
    }
}
