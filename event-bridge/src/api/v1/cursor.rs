//! Where a page ended, for the next one to go on. Opaque to clients: what is in it may change
//! from one version to the next. Pure.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::store::Key;

/// Of a list, so that one list's cursor is not taken for another's.
pub(super) fn write(list: &str, key: Key) -> String {
    let place = [key.at.to_be_bytes(), key.id.to_be_bytes()].concat();
    encode(list, &place)
}

/// `None`: it is no cursor of this list.
pub(super) fn read(list: &str, text: &str) -> Option<Key> {
    let bytes = decode(list, text)?;
    let (at, id) = bytes.split_first_chunk()?;
    Some(Key { at: i64::from_be_bytes(*at), id: i64::from_be_bytes(id.try_into().ok()?) })
}

/// The same for lists that are in the order of names.
pub(super) fn write_name(list: &str, name: &str) -> String {
    encode(list, name.as_bytes())
}

/// `None`: it is no cursor of this list.
pub(super) fn read_name(list: &str, text: &str) -> Option<String> {
    String::from_utf8(decode(list, text)?).ok()
}

fn encode(list: &str, place: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode([list.as_bytes(), b":", place].concat())
}

fn decode(list: &str, text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let place = bytes.strip_prefix(list.as_bytes())?.strip_prefix(b":")?;
    Some(place.to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(at in any::<i64>(), id in any::<i64>()) {
            let key = Key { at, id };
            let text = write("events", key);
            prop_assert_eq!(read("events", &text), Some(key));
            prop_assert_eq!(read("pings", &text), None);
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            read("events", &text);
            read_name("routers", &text);
        }

        #[test]
        fn names_come_back(name in ".{0,64}") {
            prop_assert_eq!(read_name("routers", &write_name("routers", &name)), Some(name));
        }
    }
}
