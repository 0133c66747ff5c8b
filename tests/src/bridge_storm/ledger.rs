//! What routers have told against what the bridge has stored. Pure.

use std::collections::HashMap;
use std::fmt;

use crate::bridge::Stored;

/// In error messages.
const SHOWN: usize = 10;

/// An event of a router.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) router: String,
    pub(super) kind: String,
    /// No other event of the router has it.
    pub(super) mark: String,
    /// Each of these is right, to the second; empty: not known.
    pub(super) times: Vec<f64>,
    /// Otherwise it may be missing: it was gone before anybody could read it.
    pub(super) must_be_stored: bool,
}

/// What is wrong, worst first. Time may heal it: an event may not be stored yet, or be
/// corrected while the bridge reads chunk by chunk, and then be shown twice.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<String>);

/// Looks at each event. What is stored must have been fetched before what is told.
pub(super) fn compare(told: &[Told], stored: &[Stored]) -> Faults {
    let mut by_mark: HashMap<(&str, &str), Vec<&Stored>> = HashMap::new();
    for event in stored {
        by_mark.entry((&event.router, mark(event))).or_default().push(event);
    }
    let (mut wrong, mut open) = (Vec::new(), Vec::new());
    for event in told {
        let found = by_mark.remove(&(&*event.router, &*event.mark)).unwrap_or_default();
        match &found[..] {
            [] if event.must_be_stored => open.push(format!("lost: {event:?}")),
            [] => {}
            [one] if one.kind != event.kind => {
                wrong.push(format!("{event:?} became {one:?}"));
            }
            [one] if !is_right(event, one) => {
                open.push(format!("{event:?} at another time: {one:?}"));
            }
            [_] => {}
            several => wrong.push(format!("stored {} times: {event:?}", several.len())),
        }
    }
    let unknown = by_mark.into_values().flatten();
    wrong.extend(unknown.map(|event| format!("told by nobody: {event:?}")));
    wrong.append(&mut open);
    Faults(wrong)
}

/// What tells a stored event from others.
fn mark(event: &Stored) -> &str {
    event.detail.reason.as_ref().unwrap_or(&event.message)
}

fn is_right(event: &Told, stored: &Stored) -> bool {
    let at = stored.event_time.as_second() as f64;
    event.times.is_empty() || event.times.iter().any(|time| time.floor() == at)
}

impl Faults {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0[..self.0.len().min(SHOWN)].join("\n  ");
        write!(f, "{} events are not right, the first:\n  {shown}", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::Detail;

    fn told(mark: &str) -> Told {
        let text = str::to_owned;
        Told {
            router: text("r"),
            kind: text("k"),
            mark: text(mark),
            times: vec![7.9, 99.0],
            must_be_stored: true,
        }
    }

    fn stored(message: &str, second: i64) -> Stored {
        Stored {
            router: "r".to_owned(),
            kind: "k".to_owned(),
            message: message.to_owned(),
            event_time: jiff::Timestamp::from_second(second).unwrap(),
            detail: Detail::default(),
        }
    }

    #[track_caller]
    fn check(stored: &[Stored], expected: &str) {
        let maybe = Told { must_be_stored: false, times: Vec::new(), ..told("b") };
        let faults = compare(&[told("a"), maybe], stored);
        let found = if faults.is_empty() { String::new() } else { faults.to_string() };
        let is_as_expected =
            if expected.is_empty() { found.is_empty() } else { found.contains(expected) };
        assert!(is_as_expected, "{found}");
    }

    #[test]
    fn each_event_is_stored_once_as_it_was_told() {
        check(&[stored("a", 7)], "");
        check(&[stored("a", 99), stored("b", 1)], "");
        check(&[], "1 events are not right, the first:\n  lost: ");
        check(&[stored("a", 8)], "at another time");
        check(&[stored("a", 7), stored("a", 7)], "the first:\n  stored 2 times");
        check(&[stored("a", 7), stored("c", 7)], "told by nobody");
        check(&[Stored { kind: "l".to_owned(), ..stored("a", 7) }], "became");
        check(&[Stored { router: "s".to_owned(), ..stored("a", 7) }], "told by nobody");
        let detail = Detail { reason: Some("a".to_owned()) };
        check(&[Stored { detail, ..stored("x", 7) }], "");
    }
}
