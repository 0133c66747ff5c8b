//! What a start makes of the two files that an earlier run has left; the table is in
//! `mod.rs`.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;

use super::drops::Drops;
use super::file::{self, Files};
use super::state::{self, Ahead, Head, State};
use super::{line, moved};
use crate::events::event::Event;

/// Where the queue goes on.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) head: Head,
    pub(super) drops: Drops,
    pub(super) events: VecDeque<Arc<Event>>,
    pub(super) memo: Option<Value>,
    pub(super) same_boot: bool,
    /// The last event that the queue file holds.
    pub(super) in_file: Option<u64>,
    /// The queue file has times from before the clock was set by this.
    pub(super) offset: Option<SignedDuration>,
    /// Events from the write-ahead, which nobody has seen yet.
    pub(super) unseen: usize,
    /// The stream is that of a state file.
    pub(super) has_state: bool,
    /// The files say all this already: nothing needs to be written.
    pub(super) is_on_disk: bool,
}

/// Reads the files, sets aside what is of no use, and tells what that was.
pub(super) fn read(
    files: &Files,
    boot_id: Option<&str>,
    fresh_stream: &mut impl FnMut() -> String,
) -> (Recovered, Vec<String>) {
    let mut notices = Vec::new();
    let mut set_aside = |path: &Path, reason: &str| notices.push(file::set_aside(path, reason));
    let state =
        file::read(&files.state).and_then(|bytes| bytes.as_deref().map(state::parse).transpose());
    let state = state.unwrap_or_else(|reason| {
        set_aside(&files.state, &reason);
        None
    });
    let next_seq = state.as_ref().map(|state| state.head.next_seq);
    let events = file::read(&files.queue)
        .and_then(|bytes| bytes.as_deref().map_or(Ok(Vec::new()), line::parse))
        .and_then(|events| check(events, next_seq));
    let events = events.unwrap_or_else(|reason| {
        set_aside(&files.queue, &reason);
        Vec::new()
    });
    let recovered = match state {
        Some(state) => Recovered::of(state, events, boot_id),
        None => Recovered::fresh(fresh_stream(), boot_id),
    };
    (recovered, notices)
}

/// Events that the state does not know of would have numbers that are used again.
fn check(events: Vec<Event>, next_seq: Option<u64>) -> Result<Vec<Event>, String> {
    match (events.last(), next_seq) {
        (Some(_), None) => Err("has events of a stream whose state file is gone".to_owned()),
        (Some(last), Some(next)) if last.seq >= next => {
            Err(format!("has event {}, the state file ends before {next}", last.seq))
        }
        _ => Ok(events),
    }
}

impl Recovered {
    /// A stream that nobody has heard of.
    pub(super) fn fresh(stream: String, boot_id: Option<&str>) -> Self {
        Self {
            head: Head {
                stream,
                next_seq: 1,
                first_readable: 1,
                revision: 0,
                evicted: 0,
                boot_id: boot_id.map(str::to_owned),
                boot_from: 1,
                kept_from: 1,
            },
            drops: Drops::default(),
            events: VecDeque::new(),
            memo: None,
            same_boot: false,
            in_file: None,
            offset: None,
            unseen: 0,
            has_state: false,
            is_on_disk: false,
        }
    }

    /// The stream of the state file, with what the queue file holds.
    pub(super) fn of(state: State, mut events: Vec<Event>, boot_id: Option<&str>) -> Self {
        let State { mut head, mut drops, memo, ahead } = state;
        let in_file = events.last().map(|event| event.seq);
        let (mut unseen, mut offset) = (0, None);
        let mut is_on_disk = ahead.is_none();
        // The queue file may be older than the state, and so may hold what the state has
        // counted as evicted.
        events.retain(|event| event.seq >= head.kept_from);
        // The queue file may have been written before the router started.
        forget_boot(&mut events, head.boot_from);
        if let Some(Ahead { before, offset: stepped, pending }) = ahead {
            correct_until(&mut events, before, stepped);
            // Else the queue file has them already, or somebody has emptied it since.
            if in_file == before {
                offset = stepped;
                unseen = pending.len();
                events.extend(pending);
            }
        }
        let same_boot = boot_id.is_some() && head.boot_id.as_deref() == boot_id;
        if !same_boot {
            head.boot_id = boot_id.map(str::to_owned);
            head.boot_from = head.next_seq;
            forget_boot(&mut events, head.boot_from);
            drops.forget_boot();
            is_on_disk = false;
        }
        Self {
            events: events.into_iter().map(Arc::new).collect(),
            memo: (!memo.is_null()).then_some(memo),
            head,
            drops,
            same_boot,
            in_file,
            offset,
            unseen,
            has_state: true,
            is_on_disk,
        }
    }
}

/// Events up to `before` were in the queue file when the clock was set; later ones have
/// the right time. Doing it twice changes nothing.
fn correct_until(events: &mut [Event], before: Option<u64>, offset: Option<SignedDuration>) {
    let Some((before, offset)) = before.zip(offset) else { return };
    for event in events.iter_mut().filter(|event| event.seq <= before) {
        if let Some(boot) = event.at.boot {
            event.at.unix = moved(boot, offset);
        }
    }
}

/// Boot times of an earlier start of the router mean nothing in this one.
fn forget_boot(events: &mut [Event], boot_from: u64) {
    for event in events.iter_mut().filter(|event| event.seq < boot_from) {
        event.at.boot = None;
    }
}
