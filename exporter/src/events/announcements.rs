//! netifd's announcements, held back until it is clear that no log tells the same. Pure.
//!
//! Announcement and log line of one change come by two ways, some milliseconds or, where
//! the log is read now and then, a second apart, in either order. The log is the better
//! witness: it has the time and the reason. So an announcement waits, and goes when the
//! log has told of the same change meanwhile.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::event::{Moment, Told};
use super::kind::Kind;

/// BusyBox's logread looks for lines every half second.
const HOLD: Duration = Duration::from_secs(2);
/// The log may tell of a connection that is lost, netifd announce it when it has cleaned
/// up behind it.
const BEFORE: Duration = Duration::from_secs(5);
/// Enough for a minute of flapping; the oldest go.
const MAX_HELD: usize = 64;

/// What has been announced and not told yet.
#[derive(Debug, Default)]
pub(crate) struct Announcements {
    held: VecDeque<Announcement>,
    /// What the log has told lately.
    told: VecDeque<(Kind, Instant)>,
}

#[derive(Debug)]
struct Announcement {
    told: Told,
    heard: Instant,
    at: Moment,
}

impl Announcements {
    pub(crate) fn heard(&mut self, told: Told, heard: Instant, at: Moment) {
        if self.held.len() == MAX_HELD {
            self.held.pop_front();
        }
        self.held.push_back(Announcement { told, heard, at });
    }

    /// The log tells; of interest is only what netifd announces as well.
    pub(crate) fn told(&mut self, kind: Kind, now: Instant) {
        if !matches!(kind, Kind::WanUp | Kind::WanDown) && !is_of_wan6(kind) {
            return;
        }
        if self.told.len() == MAX_HELD {
            self.told.pop_front();
        }
        self.told.push_back((kind, now));
    }

    /// Announcements whose time has come and that the log has not told. Without a log
    /// there is nothing to wait for.
    pub(crate) fn due(&mut self, now: Instant, is_logged: bool) -> Vec<(Told, Moment)> {
        let mut due = Vec::new();
        while let Some(first) = self.held.front() {
            if is_logged && now.saturating_duration_since(first.heard) < HOLD {
                break;
            }
            let Some(Announcement { told, heard, at }) = self.held.pop_front() else { break };
            let by_log = self.is_told(told.kind, heard);
            if !by_log {
                due.push((told, at));
            }
        }
        self.told.retain(|(_, when)| *when + HOLD + BEFORE >= now);
        due
    }

    /// Has the log told it: later, or as the last thing about this interface before?
    fn is_told(&self, kind: Kind, heard: Instant) -> bool {
        let same = |(told, _): &&(Kind, Instant)| is_of_wan6(*told) == is_of_wan6(kind);
        let after = self.told.iter().any(|(told, when)| *told == kind && *when >= heard);
        let last = self.told.iter().filter(same).rfind(|(_, when)| *when <= heard);
        after || last.is_some_and(|(told, when)| *told == kind && *when + BEFORE >= heard)
    }
}

fn is_of_wan6(kind: Kind) -> bool {
    matches!(kind, Kind::Wan6Up | Kind::Wan6Down)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test's own time")]
mod tests {
    use super::*;

    const AT: Moment = Moment { unix: Duration::from_secs(1_700_000_000), boot: None };

    fn down() -> Told {
        Told::new(Kind::WanDown, "down")
    }

    fn kinds(due: Vec<(Told, Moment)>) -> Vec<Kind> {
        due.into_iter().map(|(told, _)| told.kind).collect()
    }

    #[test]
    fn without_a_log_it_counts_at_once() {
        let (mut held, now) = (Announcements::default(), Instant::now());
        held.heard(down(), now, AT);
        assert_eq!(kinds(held.due(now, false)), [Kind::WanDown]);
    }

    #[test]
    fn what_the_log_tells_before_or_after_is_not_told_twice() {
        for log_first in [true, false] {
            let (mut held, now) = (Announcements::default(), Instant::now());
            if log_first {
                held.told(Kind::WanDown, now);
            }
            held.heard(down(), now, AT);
            if !log_first {
                held.told(Kind::WanDown, now + HOLD / 2);
            }
            assert_eq!(kinds(held.due(now + HOLD / 2, true)), []);
            assert_eq!(kinds(held.due(now + HOLD, true)), []);
        }
    }

    #[test]
    fn what_the_log_misses_is_told_after_a_while() {
        let (mut held, now) = (Announcements::default(), Instant::now());
        held.told(Kind::WanUp, now);
        held.heard(down(), now, AT);
        assert_eq!(kinds(held.due(now + HOLD / 2, true)), []);
        assert_eq!(kinds(held.due(now + HOLD, true)), [Kind::WanDown]);
        assert_eq!(kinds(held.due(now + HOLD * 2, true)), [], "once");
    }

    #[test]
    fn a_second_fall_is_another_one() {
        let (mut held, now) = (Announcements::default(), Instant::now());
        held.told(Kind::WanDown, now);
        held.told(Kind::WanUp, now);
        held.heard(down(), now + BEFORE / 2, AT);
        assert_eq!(kinds(held.due(now + BEFORE / 2 + HOLD, true)), [Kind::WanDown]);
    }

    #[test]
    fn memory_is_bounded() {
        let (mut held, now) = (Announcements::default(), Instant::now());
        for _ in 0..1000 {
            held.heard(down(), now, AT);
            held.told(Kind::WanUp, now);
        }
        assert!(held.held.len() <= MAX_HELD && held.told.len() <= MAX_HELD);
    }
}
