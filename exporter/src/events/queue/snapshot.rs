//! What everybody may see of the queue: only what survives a kill.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::drops::Drops;
use crate::events::event::Event;
use crate::events::kind::Kind;

/// A number for each type of event, in the order of [`Kind::ALL`].
pub(crate) type ByKind<T> = [T; Kind::ALL.len()];

/// The queue as it was when it was last written. A new one is published after each write,
/// failed ones included: who waits for news compares `stream`, `next_seq` and `revision`.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) stream: String,
    /// Grows when times of events already shown have been corrected.
    pub(crate) revision: u64,
    /// Oldest first, all that are kept.
    pub(crate) events: VecDeque<Arc<Event>>,
    /// Where those start who read with a cursor: at the oldest event kept, but for events
    /// that they have had under another stream; `next_seq` when there is none.
    pub(crate) first_readable: u64,
    pub(crate) next_seq: u64,
    /// Forgotten because the queue was full, in this stream and those before it.
    pub(crate) evicted: u64,
    /// Attempts to write that failed since this program started.
    pub(crate) write_errors: u64,
    /// Shown since this program started, those evicted at once included.
    pub(crate) published_by_kind: ByKind<u64>,
    /// Since 1970, of the newest one.
    pub(crate) last_by_kind: ByKind<Option<Duration>>,
    pub(super) drops: Arc<Drops>,
}

impl Snapshot {
    /// Before anything has been read.
    pub(super) fn nothing() -> Self {
        Self {
            stream: String::new(),
            revision: 0,
            events: VecDeque::new(),
            first_readable: 1,
            next_seq: 1,
            evicted: 0,
            write_errors: 0,
            published_by_kind: [0; Kind::ALL.len()],
            last_by_kind: [None; Kind::ALL.len()],
            drops: Arc::default(),
        }
    }

    /// The events after the cursor `seq`, oldest first.
    pub(crate) fn after(&self, seq: u64, limit: usize) -> impl Iterator<Item = &Event> {
        let first = seq.saturating_add(1).max(self.first_readable);
        let from = self.events.partition_point(|event| event.seq < first);
        self.events.range(from..).take(limit).map(AsRef::as_ref)
    }

    /// How many events after the cursor `seq` of this stream can no longer be read.
    pub(crate) fn missed_after(&self, seq: u64) -> u64 {
        self.first_readable.saturating_sub(seq.saturating_add(1))
    }

    /// How often the PPPoE session dropped and returned in the 24 hours before `now_unix`.
    pub(crate) fn reconnects_within_day(&self, now_unix: Duration) -> u64 {
        self.drops.reconnects_within_day(now_unix)
    }

    /// How often the WAN went down in the 24 hours before `now_unix`.
    pub(crate) fn wan_downs_within_day(&self, now_unix: Duration) -> u64 {
        self.drops.wan_downs_within_day(now_unix)
    }
}
