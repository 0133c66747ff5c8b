//! Lists as CSV: RFC 4180 with a header, for spreadsheets. Text that a spreadsheet would take
//! for a formula gets an apostrophe in front, which shows it as text. Pure.

use std::borrow::Cow;

use csv::{Terminator, Writer, WriterBuilder};

use super::time::Utc;

/// What Excel needs to take a file for UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Lines in memory.
pub(super) struct Sheet {
    lines: Writer<Vec<u8>>,
}

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    /// There is none.
    Empty,
    /// Words, of whoever wrote them.
    Text(&'a str),
    /// Made here: a number, a time, a truth.
    Plain(String),
}

impl Sheet {
    pub(super) fn new() -> Self {
        let lines = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
        Self { lines }
    }

    pub(super) fn line<const CELLS: usize>(&mut self, cells: [Cell<'_>; CELLS]) {
        let cells = cells.iter().map(|cell| match cell {
            Cell::Empty => Cow::Borrowed(""),
            Cell::Text(text) => defused(text),
            Cell::Plain(text) => Cow::Borrowed(text.as_str()),
        });
        let cells: Vec<Cow<'_, str>> = cells.collect();
        self.lines
            .write_record(cells.iter().map(|cell| cell.as_bytes()))
            .expect("memory can be written, and every line of a list has as many cells");
    }

    pub(super) fn header(&mut self, columns: &[&str]) {
        self.lines.write_record(columns).expect("memory can be written");
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.lines.into_inner().unwrap_or_default()
    }
}

/// With an apostrophe if a spreadsheet might compute it; numbers are what they are.
fn defused(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula && !is_number(text) { format!("'{text}").into() } else { text.into() }
}

fn is_number(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.bytes().all(is_plain) && text.parse::<f64>().is_ok()
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

macro_rules! plain {
    ($($kind:ty),+) => {$(
        impl From<$kind> for Cell<'_> {
            fn from(value: $kind) -> Self {
                Self::Plain(value.to_string())
            }
        }
    )+};
}

plain!(i64, u64, usize, f64, bool, Utc);

impl<'a, T: Into<Self>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Empty, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut sheet = Sheet::new();
        sheet.line([text.into(), Cell::Empty, (-1.5).into()]);
        String::from_utf8(sheet.into_bytes()).unwrap()
    }

    #[test]
    fn formulas_are_text_and_numbers_are_numbers() {
        for (text, expected) in [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("+49 30 1", "'+49 30 1"),
            ("-cmd", "'-cmd"),
            ("@sum(a1)", "'@sum(a1)"),
            ("\tx", "'\tx"),
            ("-18.5", "-18.5"),
            ("+3", "+3"),
            ("-1e5", "-1e5"),
            ("-inf", "'-inf"),
            ("+nan", "'+nan"),
            ("-1+1", "'-1+1"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("a\nb", "\"a\nb\""),
            ("\rx", "\"'\rx\""),
            ("会话", "会话"),
        ] {
            assert_eq!(written(text), format!("{expected},,-1.5\r\n"), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_none_begins_a_formula(text in "[-=+@\t\r\n\",'a0é]{0,8}") {
            let line = written(&text);
            prop_assert!(line.ends_with("\r\n"));
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let cell = reader.records().next().unwrap().unwrap()[0].to_owned();
            let is_number = cell.parse::<f64>().is_ok();
            prop_assert!(is_number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
            let quoted = format!("'{text}");
            prop_assert!(cell == text || cell == quoted);
        }
    }
}
