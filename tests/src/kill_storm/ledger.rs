//! Every event that any reader was ever shown. Pure.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use crate::event_reader::{Event, Page};

/// What was shown must not change any more.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    stream: Option<String>,
    by_seq: BTreeMap<u64, Event>,
}

impl Ledger {
    /// Takes an answer in.
    ///
    /// # Errors
    /// When it contradicts an earlier one.
    pub(super) fn note(&mut self, page: Page) -> Result<()> {
        ensure!(page.revision == 0, "the clock of this machine was set: try again");
        if page.next_seq == 1 {
            // A stream without events is nobody's promise yet.
            ensure!(self.by_seq.is_empty(), "all events are gone");
            return Ok(());
        }
        let stream = self.stream.get_or_insert_with(|| page.stream.clone());
        ensure!(*stream == page.stream, "the stream {stream} has become {}", page.stream);
        ensure!(page.oldest_seq == 1, "events before {} were evicted", page.oldest_seq);
        ensure!(page.missed == Some(0), "{:?} events missed", page.missed);
        let last = self.last();
        ensure!(page.next_seq > last, "event {} would be numbered anew", page.next_seq);
        for event in page.events {
            ensure!(event.seq < page.next_seq, "{event:?} is ahead of {}", page.next_seq);
            let known = self.by_seq.entry(event.seq).or_insert_with(|| event.clone());
            ensure!(*known == event, "{known:?} has become {event:?}");
        }
        Ok(())
    }

    pub(super) fn stream(&self) -> Option<&str> {
        self.stream.as_deref()
    }

    /// In the order of their numbers.
    pub(super) fn events(&self) -> impl ExactSizeIterator<Item = &Event> {
        self.by_seq.values()
    }

    /// The number of the newest one, 0 without any.
    pub(super) fn last(&self) -> u64 {
        self.by_seq.last_key_value().map_or(0, |(seq, _)| *seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, kind: &str) -> Event {
        Event { seq, ts: seq as f64, kind: kind.to_owned(), message: "m".to_owned() }
    }

    fn page(events: &[Event], next_seq: u64) -> Page {
        let (stream, events) = ("s".to_owned(), events.to_vec());
        Page { stream, revision: 0, events, next_seq, oldest_seq: 1, missed: Some(0) }
    }

    #[track_caller]
    fn check(second: Page, expected: &str) {
        let mut ledger = Ledger::default();
        ledger.note(page(&[], 1)).unwrap();
        ledger.note(page(&[event(1, "a"), event(2, "b")], 3)).unwrap();
        let found = ledger.note(second).map_or_else(|error| error.to_string(), |()| "good".into());
        assert!(found.contains(expected), "{found}");
    }

    #[test]
    fn what_was_shown_stays() {
        check(page(&[event(2, "b"), event(3, "c")], 4), "good");
        check(page(&[event(2, "c")], 3), "has become");
        check(page(&[], 2), "would be numbered anew");
        check(page(&[], 1), "all events are gone");
        check(page(&[event(9, "c")], 4), "is ahead of 4");
        check(Page { stream: "t".to_owned(), ..page(&[], 3) }, "the stream s has become t");
        check(Page { oldest_seq: 2, ..page(&[], 3) }, "were evicted");
        check(Page { missed: None, ..page(&[], 3) }, "None events missed");
        check(Page { revision: 1, ..page(&[], 3) }, "the clock");
    }
}
