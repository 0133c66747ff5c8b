//! The files as a kill has left them, before anybody repairs them. Knows their layout
//! (exporter, `events/queue/`), because a lost write would not be seen otherwise: the
//! next start reads the line again and tells the same event under the same number.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::event_reader::Event;

/// What the two files hold together.
#[derive(Debug)]
pub(super) struct OnDisk {
    pub(super) stream: Option<String>,
    pub(super) events: BTreeMap<u64, Event>,
    /// A new file was begun.
    pub(super) was_writing: bool,
    /// The state is newer than the queue.
    pub(super) is_between_renames: bool,
}

#[derive(Debug, Deserialize)]
struct State {
    head: Head,
    /// Events of the last write.
    pending: Option<Vec<Event>>,
}

#[derive(Debug, Deserialize)]
struct Head {
    stream: String,
    next_seq: u64,
}

impl OnDisk {
    /// Reads the files beside `queue_file`.
    ///
    /// # Errors
    /// When one of them is not whole, or was set aside by an earlier start.
    pub(super) fn read(queue_file: &Path) -> Result<Self> {
        let beside = |suffix| beside(queue_file, suffix);
        for suffix in [".bad", ".state.bad"] {
            ensure!(!beside(suffix).exists(), "a file was set aside as {suffix}");
        }
        let was_writing = is_writing(queue_file);
        let state: Option<State> = parsed(&beside(".state"))?;
        let queue: Vec<Event> = parsed(queue_file)?.unwrap_or_default();
        let Some(State { head, pending }) = state else {
            ensure!(queue.is_empty(), "there are events and no state");
            return Ok(Self {
                stream: None,
                events: BTreeMap::new(),
                was_writing,
                is_between_renames: false,
            });
        };
        let last = queue.last().map(|event| event.seq);
        let pending = pending.unwrap_or_default();
        let is_between_renames = pending.last().is_some_and(|event| Some(event.seq) > last);
        let all = queue.into_iter().chain(pending);
        let events: BTreeMap<u64, Event> = all.map(|event| (event.seq, event)).collect();
        let end = events.last_key_value().map_or(1, |(seq, _)| seq + 1);
        ensure!(
            end == head.next_seq,
            "events end before {end}, the state before {}",
            head.next_seq
        );
        Ok(Self { stream: Some(head.stream), events, was_writing, is_between_renames })
    }
}

/// Is the beginning of a new file there?
pub(super) fn is_writing(queue_file: &Path) -> bool {
    [".new", ".state.new"].iter().any(|suffix| beside(queue_file, suffix).exists())
}

fn beside(queue_file: &Path, suffix: &str) -> PathBuf {
    let mut name = queue_file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn parsed<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => bail!("{}: {error}", path.display()),
    };
    let value = serde_json::from_slice(&bytes);
    value.map(Some).with_context(|| format!("{} is not whole", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = "{\"version\":1,\"head\":{\"stream\":\"s\",\"next_seq\":4},\"pending\":\
        [{\"type\":\"test\",\"message\":\"m\",\"seq\":3,\"ts\":3.5}]}";
    const QUEUE: &str = "[{\"time\":\"t\",\"type\":\"test\",\"message\":\"m\",\"seq\":2,\"ts\":2}]";

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let found = match OnDisk::read(&folder.path().join("q")) {
            Ok(found) => format!(
                "{:?} {:?} writing {} between {}",
                found.stream,
                found.events.keys().collect::<Vec<_>>(),
                found.was_writing,
                found.is_between_renames
            ),
            Err(error) => format!("{error:#}"),
        };
        assert!(found.contains(expected), "{found}");
    }

    #[test]
    fn both_files_together_hold_the_events() {
        check(&[], "None [] writing false between false");
        check(&[("q", QUEUE), ("q.state", STATE)], "Some(\"s\") [2, 3] writing false between true");
        check(&[("q", "[]"), ("q.state", STATE), ("q.new", "[")], "[3] writing true");
    }

    #[test]
    fn what_a_kill_must_not_leave_is_named() {
        check(&[("q", "[{"), ("q.state", STATE)], "q is not whole");
        check(&[("q", QUEUE), ("q.state", "")], "q.state is not whole");
        check(&[("q", QUEUE)], "there are events and no state");
        check(&[("q.state.bad", "")], "a file was set aside as .state.bad");
        let ahead = STATE.replace('4', "5");
        check(&[("q", QUEUE), ("q.state", &ahead)], "events end before 4, the state before 5");
    }
}
