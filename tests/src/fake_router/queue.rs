//! A router's events, and what a reader gets from a cursor on (`docs/http.md`).
//!
//! Whatever changes here is in the ledger first: nobody can read an event that is not.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::cursor::Cursor;
use super::ledger::{Detail, Fate, Ledger, Row};

/// The exporter's `MAX_EVENTS`.
const USUAL_SIZE: usize = 200;

/// An event in the queue.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    id: u64,
    pub(super) seq: u64,
    /// Since 1970, by the router's clock.
    pub(super) at_ms: i64,
    pub(super) kind: String,
    pub(super) message: String,
    pub(super) detail: Detail,
}

#[derive(Debug)]
pub(super) struct Queue {
    router: String,
    ledger: Arc<Mutex<Ledger>>,
    pub(super) stream: String,
    pub(super) revision: u64,
    pub(super) next_seq: u64,
    pub(super) evicted: u64,
    size: usize,
    /// Oldest first, numbers grow.
    events: VecDeque<Kept>,
    /// A reader has those up to this number.
    read_to: u64,
    /// Times were corrected, and no reader is known to have them.
    correction_unread: bool,
}

impl Queue {
    pub(super) fn new(router: String, stream: String, ledger: Arc<Mutex<Ledger>>) -> Self {
        Self {
            router,
            ledger,
            stream,
            revision: 0,
            next_seq: 1,
            evicted: 0,
            size: USUAL_SIZE,
            events: VecDeque::new(),
            read_to: 0,
            correction_unread: false,
        }
    }

    pub(super) fn events(&self) -> &VecDeque<Kept> {
        &self.events
    }

    pub(super) fn oldest_seq(&self) -> u64 {
        self.events.front().map_or(self.next_seq, |oldest| oldest.seq)
    }

    pub(super) fn push(&mut self, at_ms: i64, kind: &str, message: String) {
        self.push_with(at_ms, kind, message, Detail::new());
    }

    pub(super) fn push_with(&mut self, at_ms: i64, kind: &str, message: String, detail: Detail) {
        let seq = self.next_seq;
        let row = Row {
            id: 0,
            router: self.router.clone(),
            stream: self.stream.clone(),
            seq,
            ts: seconds(at_ms),
            ts_before: Vec::new(),
            kind: kind.to_owned(),
            message: message.clone(),
            detail: detail.clone(),
            fate: Fate::Queued,
        };
        let id = self.in_ledger(|ledger| ledger.add(row));
        self.next_seq += 1;
        self.events.push_back(Kept { id, seq, at_ms, kind: kind.to_owned(), message, detail });
        self.evict();
    }

    pub(super) fn resize(&mut self, size: usize) {
        self.size = size;
        self.evict();
    }

    fn evict(&mut self) {
        while self.events.len() > self.size {
            if let Some(event) = self.events.pop_front() {
                self.evicted += 1;
                self.settle(&event, Fate::Evicted);
            }
        }
    }

    /// Nothing is left of the stream.
    pub(super) fn empty(&mut self) {
        for event in std::mem::take(&mut self.events) {
            self.settle(&event, Fate::Rebooted);
        }
    }

    /// Numbers begin anew.
    pub(super) fn begin_stream(&mut self, stream: String) {
        self.empty();
        (self.stream, self.revision, self.next_seq, self.read_to) = (stream, 0, 1, 0);
        self.correction_unread = false;
    }

    /// The last `count` events are gone, and their numbers come again.
    pub(super) fn go_back(&mut self, count: u64) {
        self.next_seq = self.next_seq.saturating_sub(count).max(1);
        while let Some(event) = self.events.pop_back_if(|event| event.seq >= self.next_seq) {
            self.settle(&event, Fate::Rebooted);
        }
        self.read_to = self.read_to.min(self.next_seq - 1);
    }

    /// The clock was wrong by so much. Only what is still in the queue is corrected.
    pub(super) fn correct(&mut self, by_ms: i64) {
        self.revision += 1;
        self.correction_unread = true;
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        for event in &mut self.events {
            event.at_ms = event.at_ms.saturating_add(by_ms).max(0);
            ledger.change(event.id, |row| {
                row.ts_before.push(row.ts);
                row.ts = seconds(event.at_ms);
            });
        }
    }

    fn settle(&self, event: &Kept, fate: Fate) {
        if event.seq > self.read_to {
            self.in_ledger(|ledger| ledger.change(event.id, |row| row.fate = fate));
        }
    }

    fn in_ledger<T>(&self, work: impl FnOnce(&mut Ledger) -> T) -> T {
        work(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn is_of(&self, cursor: &Cursor) -> bool {
        match &cursor.stream {
            Some(stream) => *stream == self.stream,
            // A number that this stream has not got yet is of another one.
            None => cursor.after < self.next_seq,
        }
    }

    pub(super) fn has_news(&self, cursor: &Cursor) -> bool {
        !self.is_of(cursor)
            || cursor.after.saturating_add(1) < self.next_seq
            || cursor.revision.is_some_and(|revision| revision != self.revision)
    }

    /// What the reader gets, oldest first, and how many it has missed.
    pub(super) fn page(&self, cursor: &Cursor) -> (impl Iterator<Item = &Kept>, Option<u64>) {
        let is_of = self.is_of(cursor);
        let after = if is_of { cursor.after } else { 0 };
        let first = after.saturating_add(1);
        let from = self.events.partition_point(|event| event.seq < first);
        let missed = is_of.then(|| self.oldest_seq().saturating_sub(first));
        (self.events.range(from..).take(cursor.limit), missed)
    }

    /// Who asks for what comes after an event has it; who has them all, and knows the
    /// revision, has the corrected times.
    pub(super) fn take_note(&mut self, cursor: &Cursor) {
        if !self.is_of(cursor) {
            return;
        }
        let has_all = cursor.after.saturating_add(1) >= self.next_seq;
        self.mark_read(cursor.after, has_all && cursor.revision == Some(self.revision));
    }

    /// An old agent's reader has all that was in a whole answer.
    pub(super) fn mark_shown(&mut self, stream: &str, up_to: u64) {
        if stream == self.stream {
            self.mark_read(up_to, true);
        }
    }

    fn mark_read(&mut self, up_to: u64, corrections_too: bool) {
        let corrected = corrections_too && self.correction_unread;
        if up_to <= self.read_to && !corrected {
            return;
        }
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        for event in self.events.iter().filter(|event| event.seq <= up_to) {
            ledger.change(event.id, |row| {
                row.fate = Fate::Read;
                if corrected {
                    row.ts_before.clear();
                }
            });
        }
        self.read_to = self.read_to.max(up_to.min(self.next_seq - 1));
        self.correction_unread &= !corrected;
    }
}

/// As it is shown.
pub(super) fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
