//! Turns a right body into one that JSON allows, or nearly, and no agent writes. Pure.
//! What was true in it is still there, but for the numbers of [`Strange::Numbers`].

use serde_json::Value;

/// What is strange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strange {
    /// Lists within lists.
    Deep,
    /// A text of megabytes.
    Long,
    /// Measurements that no number can hold.
    Numbers,
    /// Names that are there twice; the first time with something false.
    Twice,
}

const DEPTH: usize = 500_000;
const LONG_BYTES: usize = 2 << 20;
/// Larger than any floating-point number.
const NUMBER: &str = "1e400";
/// In the place of [`NUMBER`], which cannot be told to a serializer.
const MARK: &str = "@number@";

const FALSE: &str = r#""timestamp":"1970-01-01 00:00:00","realtime":5,"stream":"false","next_seq":1,"events":[{"time":"1970-01-01 00:00:00","type":"false","message":"false","seq":1,"ts":1}],"#;

/// The strange twin of a body, which is a JSON object.
pub(super) fn body(right: &[u8], kind: Strange) -> Vec<u8> {
    let before = match kind {
        Strange::Deep => format!("\"deep\":{}{},", "[".repeat(DEPTH), "]".repeat(DEPTH)),
        Strange::Long => format!("\"long\":\"{}\",", "x".repeat(LONG_BYTES)),
        Strange::Numbers => return without_numbers(right),
        Strange::Twice => FALSE.to_owned(),
    };
    let rest = right.strip_prefix(b"{").unwrap_or(right);
    [b"{", before.as_bytes(), rest].concat()
}

fn without_numbers(right: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(right) else { return right.to_vec() };
    for part in ["realtime", "summary"] {
        if let Some(part) = value.get_mut(part) {
            mark(part);
        }
    }
    value.to_string().replace(&format!("\"{MARK}\""), NUMBER).into_bytes()
}

fn mark(value: &mut Value) {
    match value {
        Value::Number(_) => *value = MARK.into(),
        Value::Array(items) => items.iter_mut().for_each(mark),
        Value::Object(members) => members.values_mut().for_each(mark),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_true_is_still_there() {
        let right = br#"{"realtime":{"cpu_temp":52.8,"wan_state":"up"},"next_seq":7}"#;
        let text = |kind| String::from_utf8(body(right, kind)).unwrap();
        for kind in [Strange::Deep, Strange::Long, Strange::Twice] {
            assert!(text(kind).ends_with(&String::from_utf8_lossy(&right[1..])[..]), "{kind:?}");
        }
        assert!(
            text(Strange::Deep).starts_with("{\"deep\":[[[") && text(Strange::Deep).len() > DEPTH
        );
        assert!(text(Strange::Long).len() > LONG_BYTES);
        let numbers = r#"{"next_seq":7,"realtime":{"cpu_temp":1e400,"wan_state":"up"}}"#;
        assert_eq!(text(Strange::Numbers), numbers);
        assert_eq!(text(Strange::Twice).matches("\"realtime\":").count(), 2);
    }
}
