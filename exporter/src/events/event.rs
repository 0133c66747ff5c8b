//! An event, before and after it has its number.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// Messages are read on a phone, in one line.
const MAX_MESSAGE_CHARS: usize = 200;
/// Other people's words, such as a provider's reason for refusing a password.
const MAX_DETAIL_CHARS: usize = 120;

/// The last second of the year 9999: later times do not fit into dates.
pub(crate) const LATEST: Duration = Duration::from_secs(253_402_300_799);

/// What a source tells: an event without a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) kind: Kind,
    /// One line in our own words.
    pub(crate) message: Cow<'static, str>,
    pub(crate) detail: Detail,
}

/// Further facts by name, such as `reason` or `address`.
pub(crate) type Detail = Vec<(Cow<'static, str>, String)>;

impl Told {
    pub(crate) fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), detail: Detail::new() }
    }

    /// Adds a fact in somebody else's words: cut, and on one line.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = one_line(value, MAX_DETAIL_CHARS);
        if !value.is_empty() {
            self.detail.push((name.into(), value));
        }
        self
    }
}

/// A moment on both clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// Since 1970 by the wall clock.
    pub(crate) unix: Duration,
    /// Since the router started; `None`: not known, or of an earlier start.
    pub(crate) boot: Option<Duration>,
}

impl Moment {
    /// An earlier moment by the clock as it goes at this one.
    pub(crate) fn back_to(self, earlier: Self) -> Self {
        let age = self.boot.zip(earlier.boot).and_then(|(now, then)| now.checked_sub(then));
        let unix = age.and_then(|age| self.unix.checked_sub(age)).unwrap_or(earlier.unix);
        Self { unix, ..earlier }
    }
}

/// An event with its place in the stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// Never used twice within a stream.
    pub(crate) seq: u64,
    pub(crate) at: Moment,
    pub(crate) kind: Kind,
    pub(crate) message: Cow<'static, str>,
    pub(crate) detail: Detail,
}

impl Event {
    pub(crate) fn new(seq: u64, at: Moment, told: Told) -> Self {
        let Told { kind, message, detail } = told;
        let fits = message.chars().count() <= MAX_MESSAGE_CHARS && !message.contains(is_control);
        let message = if fits { message } else { one_line(&message, MAX_MESSAGE_CHARS).into() };
        Self { seq, at, kind, message, detail }
    }
}

fn is_control(c: char) -> bool {
    c.is_control()
}

/// Without control characters, blanks collapsed, at most so many characters.
fn one_line(text: &str, max_chars: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max_chars * 2));
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty());
    for (at, word) in words.enumerate() {
        if at > 0 {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > max_chars * 4 {
            break;
        }
    }
    match line.char_indices().nth(max_chars) {
        Some((end, _)) => line[..end].trim_end().to_owned(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_peoples_words_become_one_short_line() {
        let told =
            Told::new(Kind::Test, "x").with("reason", " a\nb\u{7}\t\"c\" ").with("no", " \n");
        assert_eq!(told.detail, [("reason".into(), "a b \"c\"".to_owned())]);
        let long = Told::new(Kind::Test, "x").with("reason", &"é".repeat(5000));
        assert_eq!(long.detail[0].1.chars().count(), MAX_DETAIL_CHARS);
    }

    #[test]
    fn a_message_is_one_line_of_200_characters() {
        let at = Moment { unix: Duration::ZERO, boot: None };
        let event = Event::new(1, at, Told::new(Kind::Test, "ab\n".repeat(300)));
        assert_eq!(event.message, "ab ".repeat(300)[..200].trim_end());
        assert_eq!(Event::new(1, at, Told::new(Kind::Test, "as it is")).message, "as it is");
    }
}
