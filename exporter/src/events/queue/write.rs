//! Writing the queue to its files, and what happens when that fails.

use serde_json::Value;

use super::file::{self, WriteError};
use super::state::{self, Ahead};
use super::{MAX_TEXT_BYTES, Queue};

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) enum Outcome {
    /// A kill takes nothing away.
    Durable,
    /// As before, after at least one write that failed.
    DurableAgain,
    /// It failed; all is shown from memory.
    MemoryOnly {
        /// Why: only for the first failure of a row, to be logged.
        reason: Option<String>,
    },
}

impl Queue {
    /// Writes everything and then shows it. `memo` is the caller's own, kept in the state
    /// file in one piece with the events: what was read from the logs up to here.
    pub(crate) fn commit(&mut self, memo: &Value) -> Outcome {
        self.write_lines();
        self.is_dirty = false;
        let written = self.write(memo);
        if let Err(Failure { wrote_state: false, .. }) = written {
            self.leave_stream();
        }
        self.conclude(written.map_err(|failure| failure.error))
    }

    /// Writes the state alone, without the write-ahead that the last commit needed: when
    /// there is time, at the end, or when only the memo has changed. Commits if there is
    /// something to commit, or the last write failed; does nothing if nothing has changed.
    pub(crate) fn settle(&mut self, memo: &Value) -> Outcome {
        if self.is_dirty || self.is_failing {
            return self.commit(memo);
        }
        if self.settled.as_ref() == Some(memo) {
            return Outcome::Durable;
        }
        let written = self.files.check().and_then(|()| self.write_state(memo, self.in_file));
        // The old state serves as well, but for its memo.
        match written {
            Ok(()) => Outcome::Durable,
            Err(error) => self.conclude(Err(error)),
        }
    }

    fn conclude(&mut self, written: Result<(), WriteError>) -> Outcome {
        let was_failing = std::mem::replace(&mut self.is_failing, written.is_err());
        self.write_errors += u64::from(written.is_err());
        self.publish();
        match written {
            Ok(()) if was_failing => Outcome::DurableAgain,
            Ok(()) => Outcome::Durable,
            Err(error) => Outcome::MemoryOnly { reason: (!was_failing).then(|| error.to_string()) },
        }
    }

    fn write(&mut self, memo: &Value) -> Result<(), Failure> {
        let before_state = |error| Failure { error, wrote_state: false };
        self.files.check().map_err(before_state)?;
        // What somebody has removed, this write puts back: the write-ahead must hold it.
        let before = if self.files.is_emptied() { None } else { self.in_file };
        self.write_state(memo, before).map_err(before_state)?;
        self.is_memory_only = false;
        file::replace(&self.files.queue, &self.text.file())
            .map_err(|error| Failure { error, wrote_state: true })?;
        self.in_file = self.events.back().map(|event| event.seq);
        self.offset = None;
        Ok(())
    }

    /// `before`: the last event that the queue file holds.
    fn write_state(&mut self, memo: &Value, before: Option<u64>) -> Result<(), WriteError> {
        let lacks = self.is_missing_after(before);
        let from = self.events.partition_point(|event| Some(event.seq) <= before);
        let ahead = lacks.then(|| Ahead {
            before,
            offset: self.offset,
            pending: self.events.range(from..).map(AsRef::as_ref),
        });
        state::to_bytes(&mut self.state_text, &self.head, &self.drops, memo, ahead);
        self.settled = None;
        file::replace(&self.files.state, &[&self.state_text])?;
        self.settled = (!lacks).then(|| memo.clone());
        Ok(())
    }

    /// Does a queue file that ends with the event `last` lack another event, or a time?
    fn is_missing_after(&self, last: Option<u64>) -> bool {
        self.offset.is_some() || self.events.back().map(|event| event.seq) > last
    }

    /// What is to be shown now is on no disk: a restart would give its numbers to other
    /// events, so they must be numbers of another stream.
    fn leave_stream(&mut self) {
        if self.has_news && !self.is_memory_only {
            self.head.stream = (self.fresh_stream)();
            self.head.first_readable = self.published.borrow().next_seq;
            self.is_memory_only = true;
        }
    }

    /// Makes the lines that events still lack.
    fn write_lines(&mut self) {
        for event in self.events.range(self.text.lines()..) {
            self.text.push(event, &self.zone);
        }
        while self.text.len() > MAX_TEXT_BYTES {
            self.forget_oldest();
        }
        self.text.compact();
    }
}

struct Failure {
    error: WriteError,
    /// The write-ahead holds everything.
    wrote_state: bool,
}
