//! Events as JSON: one line of the queue file, and back.
//!
//! `time`, `type` and `message` are what clients of the old agent read; the rest is ours.
//! `time` is for people and never read back. Times have milliseconds.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock;
use crate::events::event::{Detail, Event, LATEST, Moment, Told};
use crate::events::kind::Kind;

/// How an event is written.
#[derive(Debug, Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    r#type: &'static str,
    message: &'a str,
    seq: u64,
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot: Option<f64>,
    #[serde(serialize_with = "write_detail", skip_serializing_if = "<[_]>::is_empty")]
    detail: &'a Detail,
}

impl<'a> Written<'a> {
    fn new(event: &'a Event, time: Option<&'a str>) -> Self {
        Self {
            time,
            r#type: event.kind.name(),
            message: &event.message,
            seq: event.seq,
            ts: seconds(event.at.unix),
            boot: event.at.boot.map(seconds),
            detail: &event.detail,
        }
    }
}

/// How an event is read.
#[derive(Debug, Deserialize)]
struct Read {
    r#type: String,
    message: String,
    seq: u64,
    ts: f64,
    boot: Option<f64>,
    #[serde(default, deserialize_with = "read_detail")]
    detail: Detail,
}

/// An event in the state file, where no time for people is needed.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Read")]
pub(super) struct Line(pub(super) Event);

impl TryFrom<Read> for Line {
    type Error = String;

    fn try_from(read: Read) -> Result<Self, String> {
        let Read { r#type, message, seq, ts, boot, detail } = read;
        let kind = Kind::of(&r#type)
            .ok_or_else(|| format!("event {seq}: type \"{type}\" is not known to this version"))?;
        let at = duration(ts).zip(boot.map_or(Some(None), |boot| duration(boot).map(Some)));
        let (unix, boot) = at.ok_or_else(|| format!("event {seq}: its time is out of range"))?;
        let told = Told { kind, message: message.into(), detail };
        Ok(Self(Event::new(seq, Moment { unix, boot }, told)))
    }
}

/// For the state file.
pub(super) fn write_all<'a, S: Serializer>(
    events: impl IntoIterator<Item = &'a Event>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(events.into_iter().map(|event| Written::new(event, None)))
}

/// The events of a queue file; a file of blanks holds none.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Event>, String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    let lines: Vec<Line> = serde_json::from_slice(bytes)
        .map_err(|error| format!("is not a list of events: {error}"))?;
    let events: Vec<Event> = lines.into_iter().map(|line| line.0).collect();
    match events.windows(2).find(|pair| pair[0].seq >= pair[1].seq) {
        Some(pair) => Err(format!("event {} comes after event {}", pair[1].seq, pair[0].seq)),
        None => Ok(events),
    }
}

/// The text of the queue file, kept from one write to the next: a line is made once, and
/// most of a write is copying.
#[derive(Debug, Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    /// Where the first line starts; what is before it has been forgotten.
    start: usize,
    lines: usize,
}

const END_OF_LINE: &[u8] = b",\n";

impl Text {
    /// How many events, from the oldest on, have their line.
    pub(super) fn lines(&self) -> usize {
        self.lines
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(super) fn push(&mut self, event: &Event, zone: &TimeZone) {
        let time = clock::local_text(event.at.unix, zone);
        serde_json::to_writer(&mut self.bytes, &Written::new(event, Some(&time)))
            .expect("writing to memory does not fail, and an event has no keys but text");
        self.bytes.extend_from_slice(END_OF_LINE);
        self.lines += 1;
    }

    /// Forgets the oldest line, if there is one.
    pub(super) fn pop_front(&mut self) {
        // JSON has no line ends within strings, so the first one ends the line.
        if let Some(end) = self.bytes[self.start..].iter().position(|&byte| byte == b'\n') {
            self.start += end + 1;
            self.lines -= 1;
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
        self.lines = 0;
    }

    /// Gives back what forgotten lines took; once per write, since it copies.
    pub(super) fn compact(&mut self) {
        self.bytes.drain(..self.start);
        self.start = 0;
    }

    /// The whole file.
    pub(super) fn file(&self) -> [&[u8]; 3] {
        let lines = &self.bytes[self.start..];
        match lines.strip_suffix(END_OF_LINE) {
            Some(lines) => [b"[\n", lines, b"\n]\n"],
            None => [b"[\n", b"", b"]\n"],
        }
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

fn duration(seconds: f64) -> Option<Duration> {
    let known = (0.0..=LATEST.as_secs_f64()).contains(&seconds);
    known.then(|| Duration::from_millis((seconds * 1000.0).round() as u64))
}

fn write_detail<S: Serializer>(detail: &Detail, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(detail.iter().map(|(name, value)| (name, value)))
}

/// In the order of the file.
fn read_detail<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Detail, D::Error> {
    struct Facts;
    impl<'de> Visitor<'de> for Facts {
        type Value = Detail;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object of texts")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Detail, A::Error> {
            let mut detail = Detail::new();
            while let Some((name, value)) = map.next_entry::<String, String>()? {
                detail.push((name.into(), value));
            }
            Ok(detail)
        }
    }
    deserializer.deserialize_map(Facts)
}
