//! The state file: which stream this is and how far it has come, and the write-ahead of
//! the queue file.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::drops::Drops;
use super::line::{self, Line};
use crate::events::event::Event;

/// Of the layout of the file.
const VERSION: u32 = 1;

/// JSON readers that count in floating point are exact up to twice as far: what is counted
/// until the next start fits as well.
const MAX_SEQ: u64 = 1 << 52;

/// The stream, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) stream: String,
    pub(super) next_seq: u64,
    /// The first event shown under this stream; those before it were under another.
    pub(super) first_readable: u64,
    pub(super) revision: u64,
    pub(super) evicted: u64,
    /// Which start of the router this is.
    pub(super) boot_id: Option<String>,
    /// The first event of that start: boot times of earlier ones mean nothing any more.
    pub(super) boot_from: u64,
    /// The first event that has not been evicted.
    pub(super) kept_from: u64,
}

/// What the queue file lacks when the state file is renamed: a kill between the two
/// renames must not lose events that the state, and the positions in the logs, count.
#[derive(Debug)]
pub(super) struct Ahead<E> {
    /// The last event in the queue file before this write; `None`: it holds none.
    pub(super) before: Option<u64>,
    /// The clock was set, and the queue file has the old times.
    pub(super) offset: Option<SignedDuration>,
    pub(super) pending: E,
}

/// What is read from the file.
#[derive(Debug)]
pub(super) struct State {
    pub(super) head: Head,
    pub(super) drops: Drops,
    pub(super) memo: Value,
    pub(super) ahead: Option<Ahead<Vec<Event>>>,
}

/// The layout.
#[derive(Debug, Serialize, Deserialize)]
struct Layout<H, D, M, E> {
    version: u32,
    head: H,
    drops: D,
    memo: M,
    before: Option<u64>,
    offset_ms: Option<i64>,
    pending: Option<E>,
}

/// Events that are only borrowed.
struct Borrowed<I>(I);

impl<'a, I: Iterator<Item = &'a Event> + Clone> Serialize for Borrowed<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        line::write_all(self.0.clone(), serializer)
    }
}

/// The file as it is written.
pub(super) fn to_bytes<'a>(
    out: &mut Vec<u8>,
    head: &Head,
    drops: &Drops,
    memo: &Value,
    ahead: Option<Ahead<impl Iterator<Item = &'a Event> + Clone>>,
) {
    let layout = Layout {
        version: VERSION,
        head,
        drops,
        memo,
        before: ahead.as_ref().and_then(|ahead| ahead.before),
        offset_ms: ahead.as_ref().and_then(|ahead| ahead.offset).map(to_millis),
        pending: ahead.map(|ahead| Borrowed(ahead.pending)),
    };
    out.clear();
    serde_json::to_writer(&mut *out, &layout)
        .expect("writing to memory does not fail, and every key is text");
    out.push(b'\n');
}

/// # Errors
/// What is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<State, String> {
    let layout: Layout<Head, Drops, Value, Vec<Line>> = serde_json::from_slice(bytes)
        .map_err(|error| format!("is not the state of a queue: {error}"))?;
    if layout.version != VERSION {
        return Err(format!("has version {}, this program knows {VERSION}", layout.version));
    }
    let Layout { head, drops, memo, before, offset_ms, pending, .. } = layout;
    let pending: Option<Vec<Event>> =
        pending.map(|lines| lines.into_iter().map(|line| line.0).collect());
    check(&head, before, pending.as_deref().unwrap_or_default())?;
    let ahead = pending.map(|pending| Ahead {
        before,
        offset: offset_ms.map(SignedDuration::from_millis),
        pending,
    });
    Ok(State { head, drops, memo, ahead })
}

/// Numbers that contradict each other would have events numbered twice.
fn check(head: &Head, before: Option<u64>, pending: &[Event]) -> Result<(), String> {
    let mut seqs = before.into_iter().chain(pending.iter().map(|event| event.seq));
    let in_order = seqs.clone().is_sorted_by(|a, b| a < b) && seqs.all(|seq| seq < head.next_seq);
    let in_range = (1..=MAX_SEQ).contains(&head.next_seq)
        && head.first_readable <= head.next_seq
        && head.boot_from <= head.next_seq
        && head.kept_from <= head.next_seq
        && head.revision.max(head.evicted) <= MAX_SEQ;
    if head.stream.is_empty() || !in_order || !in_range {
        return Err("its numbers contradict each other".to_owned());
    }
    Ok(())
}

fn to_millis(offset: SignedDuration) -> i64 {
    i64::try_from(offset.as_millis()).unwrap_or(i64::MAX)
}
