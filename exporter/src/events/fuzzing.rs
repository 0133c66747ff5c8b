//! What a fuzzer calls with lines of a log.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::event::Moment;
use super::interpreter::{Findings, Interpreter};
use super::lines::{MAX_LINE_BYTES, Splitter};
use super::names::Names;
use super::parse::envelope;
use super::replay::{self, Options};
use super::suppression::Initial;
use super::timeline::{Span, Timeline};

/// What the clock shows while the lines are read: 2025-02-12, after a day.
const NOW: Moment =
    Moment { unix: Duration::from_secs(1_739_327_400), boot: Some(Duration::from_secs(86_400)) };

/// Is told of an earlier line, once none has contradicted it.
const RECOVERY: &str = "the device under it has its link again";

/// A log is replayed, in both ways, and read as it comes in.
///
/// # Panics
/// When lines depend on the pieces in which they come, when an event is told of another type
/// than its line has by itself, or when a restart between two lines would change anything.
pub fn log_lines(bytes: &[u8]) {
    let lines = lines(bytes);
    let kinds = replayed(bytes, true, false);
    assert_eq!(kinds.len(), lines.len());
    for event in replayed(bytes, false, false) {
        let event: serde_json::Value = serde_json::from_str(&event).expect("an event is JSON");
        let at = event["line"].as_u64().expect("it has a line") as usize - 1;
        let is_recovery = event["message"].to_string().contains(RECOVERY);
        assert!(is_recovery || event["type"] == *kinds[at], "{event}, not {}", kinds[at]);
    }
    for event in replayed(bytes, false, true) {
        assert!(event.starts_with('{') && event.ends_with('}'), "{event}");
    }
    follow(&lines, Span::ThisBoot);
    follow(&lines, Span::AnyBoot);
}

fn names() -> Names {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    Names::new(owned(&["wan", "eth1"]), owned(&["pppoe-wan"]))
}

/// The lines of the output.
fn replayed(bytes: &[u8], per_line: bool, derived: bool) -> Vec<String> {
    let mut output = Vec::new();
    let options = Options { names: names(), initial: Initial::Boot, per_line, derived, json: true };
    replay::replay(bytes, &mut output, &options).expect("memory can be read and written");
    let output = String::from_utf8(output).expect("text is written");
    output.lines().map(str::to_owned).collect()
}

/// As they are in one piece, and in two.
fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let split = |pieces: [&[u8]; 2]| {
        let (mut splitter, mut lines) = (Splitter::default(), Vec::new());
        for piece in pieces {
            splitter.feed(piece, |line| lines.push(line.to_vec()));
        }
        splitter.finish(|line| lines.push(line.to_vec()));
        lines
    };
    let lines = split([bytes, b""]);
    let at = bytes.first().map_or(0, |byte| usize::from(*byte) * 7 % bytes.len());
    assert_eq!(lines, split([&bytes[..at], &bytes[at..]]));
    assert!(lines.iter().all(|line| line.len() <= MAX_LINE_BYTES));
    lines
}

/// The way of a line on a router: what was said, and when.
fn follow(lines: &[Vec<u8>], span: Span) {
    let (names, zone) = (names(), TimeZone::UTC);
    let mut timeline = Timeline::new(span);
    let mut interpreter = Interpreter::new(Initial::Up);
    for bytes in lines {
        let text = envelope::clean(bytes);
        let line = envelope::read(&text);
        timeline.note(&line.stamp, line.uptime);
        let at = timeline.place(&line.stamp, line.uptime, NOW, &zone);
        // The other clocks may be off by a thousandth and some.
        assert!(at.boot.is_none_or(|boot| boot < Duration::from_secs(86_500)), "{at:?}: {text}");
        interpreter.recovered_before(&line);
        let mut found = Findings::default();
        if interpreter.interpret(&line, &names, &mut found) {
            let restored = Interpreter::restore(&interpreter.save());
            assert_eq!(restored.as_ref(), Some(&interpreter), "{text}");
        }
        for told in found.news {
            for (name, value) in &told.detail {
                assert!(value.chars().count() <= 120 && !value.contains('\n'), "{name}: {value}");
            }
        }
    }
}
