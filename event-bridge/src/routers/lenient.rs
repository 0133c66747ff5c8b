//! Reads JSON, and what agents made of shell commands write in its place. Pure.
//!
//! The old shell agent prints its event queue while another process writes it, and values
//! that commands gave or did not give: `[{…},,{…},]`, `{…}\n{…}` without a comma, a list
//! that is never closed before `"summary":`, `"rx":,`, `"cpu_temp":N/A`, raw control
//! characters, half an answer. What is whole is saved, the rest is counted. Valid JSON is
//! read as `serde_json` reads it, which a property test holds; hence no strict reader
//! before this one, whose tree of a hostile answer would be 20 times its size.
//!
//! One pass from left to right; only the name after a list that is not closed is read twice,
//! so the time is linear in the length. Of two equal names the last counts.

use serde_json::{Map, Number, Value};

/// The deepest answer that we know has five levels.
const MAX_DEPTH: usize = 32;
/// Of one list, first come first kept: an exporter sends at most 1000 events at a time.
pub(super) const MAX_ITEMS: usize = 10_000;
/// Values in one answer: so many events with nine values and `detail` each, some 20 MB.
const MAX_VALUES: usize = 150_000;
/// More of them outside of lists: what comes after too many events is kept as well.
const RESERVED_VALUES: usize = 5000;
/// Of one text: nothing that is kept is longer than 500 characters.
const MAX_TEXT_BYTES: usize = 4096;
/// Digits beyond are no measurement.
const MAX_NUMBER_BYTES: usize = 64;

/// What an answer says.
#[derive(Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) members: Map<String, Value>,
    /// Values that could not be read or were too many.
    pub(super) skipped: u32,
    /// The end is missing.
    pub(super) is_cut: bool,
}

/// Why there is nothing to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotJson {
    /// No bytes, or blanks only.
    #[error("an empty body")]
    Empty,
    /// A web page, of a login or an error.
    #[error("a web page")]
    Html,
    /// Compressed, though it was not asked for.
    #[error("compressed data")]
    Compressed,
    /// Some other text.
    #[error("something that is not a JSON object")]
    Other,
}

/// Reads one object; what follows it is ignored.
pub(super) fn read(body: &[u8]) -> Result<Reading, NotJson> {
    let bytes = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut reader = Reader {
        bytes,
        at: 0,
        open_lists: 0,
        values: 0,
        skipped: 0,
        is_cut: false,
        is_at_name: false,
    };
    reader.skip_blanks();
    match reader.peek() {
        Some(b'{') => {}
        None => return Err(NotJson::Empty),
        Some(b'<') => return Err(NotJson::Html),
        // The first bytes of gzip and zstd.
        Some(_) if bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"\x28\xb5\x2f\xfd") => {
            return Err(NotJson::Compressed);
        }
        Some(_) => return Err(NotJson::Other),
    }
    reader.at += 1;
    let members = reader.object(1);
    Ok(Reading { members, skipped: reader.skipped, is_cut: reader.is_cut })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Around the place where we are.
    open_lists: usize,
    values: usize,
    skipped: u32,
    is_cut: bool,
    /// A name was found in a list: all lists end here, up to the next object around.
    is_at_name: bool,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_while(&mut self, unwanted: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&unwanted) {
            self.at += 1;
        }
    }

    /// Control characters are as good as blanks.
    fn skip_blanks(&mut self) {
        self.skip_while(|byte| byte <= b' ');
    }

    fn skip(&mut self) {
        self.skipped = self.skipped.saturating_add(1);
    }

    /// Is there room for one more value?
    fn has_room(&mut self) -> bool {
        let reserve = if self.open_lists == 0 { RESERVED_VALUES } else { 0 };
        let has_room = self.values < MAX_VALUES + reserve;
        self.values += usize::from(has_room);
        has_room
    }

    /// After the `{`, to after the `}`.
    fn object(&mut self, depth: usize) -> Map<String, Value> {
        let mut members = Map::new();
        loop {
            self.is_at_name = false;
            self.skip_while(|byte| byte <= b' ' || byte == b',');
            match self.peek() {
                None => {
                    self.is_cut = true;
                    return members;
                }
                Some(b'}') => {
                    self.at += 1;
                    return members;
                }
                // The list around it ends: this object was never closed.
                Some(b']') if self.open_lists > 0 => return members,
                Some(b'"') => self.member(&mut members, depth),
                // A value without a name.
                Some(b'{' | b'[') => {
                    self.value(depth);
                    self.skip();
                }
                Some(b']') => {
                    self.at += 1;
                    self.skip();
                }
                Some(_) => {
                    self.word();
                    self.skip();
                }
            }
        }
    }

    fn member(&mut self, members: &mut Map<String, Value>, depth: usize) {
        let name = self.text();
        self.skip_blanks();
        let (Some(name), Some(b':')) = (name, self.peek()) else {
            self.is_cut |= self.peek().is_none();
            return self.skip();
        };
        self.at += 1;
        let value = self.value(depth);
        // Of `5` at the end nobody knows whether it was `52.8`.
        let is_whole = !self.is_cut || value.is_object() || value.is_array();
        if is_whole && self.has_room() {
            members.insert(name, value);
        } else {
            self.skip();
        }
    }

    /// After the `[`, to after the `]`.
    fn list(&mut self, depth: usize) -> Vec<Value> {
        let mut items = Vec::new();
        loop {
            self.skip_while(|byte| byte <= b' ' || byte == b',');
            match self.peek() {
                None => {
                    self.is_cut = true;
                    return items;
                }
                Some(b']') => {
                    self.at += 1;
                    return items;
                }
                // The object around it ends: this list was never closed.
                Some(b'}') => return items,
                Some(_) => {}
            }
            let start = self.at;
            let value = self.value(depth);
            if value.is_string() {
                self.skip_blanks();
                if self.peek() == Some(b':') {
                    self.at = start;
                    self.is_at_name = true;
                    return items;
                }
            }
            if !self.is_cut && items.len() < MAX_ITEMS && self.has_room() {
                items.push(value);
            } else {
                self.skip();
            }
            if self.is_at_name {
                return items;
            }
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        self.skip_blanks();
        match self.peek() {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => {
                self.skip_nested();
                Value::Null
            }
            Some(b'{') => {
                self.at += 1;
                Value::Object(self.object(depth + 1))
            }
            Some(b'[') => {
                self.at += 1;
                self.open_lists += 1;
                let items = self.list(depth + 1);
                self.open_lists -= 1;
                Value::Array(items)
            }
            Some(b'"') => self.text().map_or(Value::Null, Value::String),
            Some(_) => self.scalar(),
            None => {
                self.is_cut = true;
                Value::Null
            }
        }
    }

    fn scalar(&mut self) -> Value {
        let word = self.word();
        match word {
            b"" | b"null" => Value::Null,
            b"true" => Value::Bool(true),
            b"false" => Value::Bool(false),
            _ => number(word).unwrap_or_else(|| {
                self.skip();
                Value::Null
            }),
        }
    }

    /// Up to what can follow a value; nothing where the value is missing.
    fn word(&mut self) -> &'a [u8] {
        let start = self.at;
        self.skip_while(|byte| !b",}]{[\"".contains(&byte));
        self.is_cut |= self.peek().is_none();
        let bytes: &'a [u8] = self.bytes;
        bytes[start..self.at].trim_ascii()
    }

    /// Over an object or list, however deep, without recursion.
    fn skip_nested(&mut self) {
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.text();
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return self.skip();
            }
        }
        self.is_cut = true;
    }

    /// From quote to quote; `None` where the second one is missing.
    fn text(&mut self) -> Option<String> {
        self.at += 1;
        let mut kept = Vec::new();
        loop {
            let byte = self.next()?;
            if byte == b'"' {
                return Some(String::from_utf8_lossy(&kept).into_owned());
            }
            let has_room = kept.len() < MAX_TEXT_BYTES;
            if byte == b'\\' {
                let character = self.escaped()?;
                if has_room {
                    kept.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
            } else if has_room {
                kept.push(byte);
            }
        }
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.is_cut |= byte.is_none();
        self.at += usize::from(byte.is_some());
        byte
    }

    /// After the backslash.
    fn escaped(&mut self) -> Option<char> {
        Some(match self.next()? {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.code_point(),
            byte if byte.is_ascii() => char::from(byte),
            // The first byte of a longer character: left to be read as such.
            _ => {
                self.at -= 1;
                '\\'
            }
        })
    }

    /// After `\u`: of one half or of both halves of a pair.
    fn code_point(&mut self) -> char {
        let Some(first) = self.hex() else { return char::REPLACEMENT_CHARACTER };
        let is_pair = (0xd800..0xdc00).contains(&first)
            && self.bytes.get(self.at..self.at + 2) == Some(b"\\u".as_slice());
        if !is_pair {
            return char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER);
        }
        let before = self.at;
        self.at += 2;
        match self.hex() {
            Some(second) if (0xdc00..0xe000).contains(&second) => {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => {
                self.at = before;
                char::REPLACEMENT_CHARACTER
            }
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + 4)?;
        let code = digits
            .iter()
            .try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))?;
        self.at += 4;
        Some(code)
    }
}

/// Also `+5`, `.5` and `007`, which shells write. `None`: not a number, or none at all (`NaN`).
fn number(word: &[u8]) -> Option<Value> {
    if word.len() > MAX_NUMBER_BYTES {
        return None;
    }
    let word = std::str::from_utf8(word).ok()?;
    if let Ok(number) = word.parse::<u64>() {
        return Some(number.into());
    }
    if let Ok(number) = word.parse::<i64>() {
        return Some(number.into());
    }
    word.parse().ok().and_then(Number::from_f64).map(Value::Number)
}

#[cfg(test)]
#[path = "lenient_tests.rs"]
mod tests;
