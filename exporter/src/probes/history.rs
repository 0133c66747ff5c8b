//! What became of the requests to one target: totals since the start, and each request
//! of the last five minutes.
//!
//! Pure: `now` comes in. A request counts once its fate is known, so that lost ones and
//! all grow together while the line is down.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::latency::Latencies;

/// How far back single requests are kept: 1,500 of them at the shortest interval,
/// 48 kB, and 300 at the default.
const KEPT: Duration = Duration::from_secs(300);

/// What old clients are told about.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

/// Fates that somebody has still to fetch: the outage detector looks every second, and 12
/// seconds of them at the shortest interval are more than a look may be late.
const MAX_FRESH: usize = 64;

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered(Duration),
    /// No answer in time.
    Lost,
    /// It could not leave: the network, route or device is gone.
    NotSent,
}

/// Everything counted for one target.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    pub(crate) requests: u64,
    pub(crate) lost: u64,
    pub(crate) send_errors: u64,
    /// Answers that came after their request had been given up.
    pub(crate) late: u64,
    /// Further answers to a request that had one.
    pub(crate) duplicates: u64,
    pub(crate) latencies: Latencies,
    /// Where the last request went.
    pub(crate) address: Option<IpAddr>,
    last_answer: Option<Instant>,
    recent: VecDeque<Request>,
    fresh: VecDeque<(Instant, Fate)>,
}

#[derive(Debug, Clone, Copy)]
struct Request {
    sent: Instant,
    rtt: Option<Duration>,
}

/// The requests of the last minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Minute {
    /// Share of requests without an answer, 0 to 100.
    pub(crate) loss_percent: f64,
    /// Of the answers; `None` when there was none.
    pub(crate) rtt: Option<Spread>,
}

/// Mean and extremes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spread {
    pub(crate) mean: Duration,
    pub(crate) min: Duration,
    pub(crate) max: Duration,
}

impl History {
    /// Notes what became of the request of `sent`.
    pub(crate) fn record(&mut self, sent: Instant, fate: Fate) {
        self.requests += 1;
        let rtt = match fate {
            Fate::Answered(rtt) => {
                self.latencies.observe(rtt);
                self.last_answer = self.last_answer.max(Some(sent + rtt));
                Some(rtt)
            }
            Fate::Lost => None,
            Fate::NotSent => {
                self.send_errors += 1;
                None
            }
        };
        self.lost += u64::from(rtt.is_none());
        if self.fresh.len() == MAX_FRESH {
            self.fresh.pop_front();
        }
        self.fresh.push_back((sent, fate));
        // An answer may overtake the end of an earlier request's time.
        let later = self.recent.iter().rev().take_while(|request| request.sent > sent).count();
        self.recent.insert(self.recent.len() - later, Request { sent, rtt });
        let newest = self.recent.back().map_or(sent, |request| request.sent);
        while self.recent.front().is_some_and(|oldest| newest - oldest.sent > KEPT) {
            self.recent.pop_front();
        }
    }

    /// The fates that became known since this was asked last, and when the requests were sent.
    pub(crate) fn take_fresh(&mut self) -> impl Iterator<Item = (Instant, Fate)> {
        self.fresh.drain(..)
    }

    /// Round-trip time of the newest request, unless it was lost.
    pub(crate) fn last_rtt(&self) -> Option<Duration> {
        self.recent.back()?.rtt
    }

    /// Did an answer arrive within `span`? `None` before there was time for one.
    pub(crate) fn answered_within(&self, span: Duration, now: Instant) -> Option<bool> {
        if self.requests == 0 {
            return None;
        }
        Some(self.last_answer.is_some_and(|at| now.saturating_duration_since(at) <= span))
    }

    /// The last minute; `None` while nothing is known about it.
    pub(crate) fn minute(&self, now: Instant) -> Option<Minute> {
        let (mut sent, mut answered) = (0_u32, 0_u32);
        let (mut sum, mut min, mut max) = (Duration::ZERO, Duration::MAX, Duration::ZERO);
        for request in self.since(now, WINDOW) {
            sent += 1;
            if let Some(rtt) = request.rtt {
                answered += 1;
                sum += rtt;
                min = min.min(rtt);
                max = max.max(rtt);
            }
        }
        (sent > 0).then(|| Minute {
            loss_percent: f64::from(sent - answered) * 100.0 / f64::from(sent),
            rtt: (answered > 0).then(|| Spread { mean: sum / answered, min, max }),
        })
    }

    /// Longest run of losses in the last five minutes: a run of n requests lasts n
    /// intervals.
    pub(crate) fn longest_loss(&self, now: Instant, interval: Duration) -> Duration {
        let mut longest = Duration::ZERO;
        let mut first_lost: Option<Instant> = None;
        for request in self.since(now, KEPT) {
            if request.rtt.is_some() {
                first_lost = None;
            } else {
                let first = *first_lost.get_or_insert(request.sent);
                longest = longest.max(request.sent - first + interval);
            }
        }
        longest
    }

    fn since(&self, now: Instant, span: Duration) -> impl Iterator<Item = &Request> {
        self.recent.iter().filter(move |r| now.saturating_duration_since(r.sent) < span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// One request a second: `.` answered in 10 ms, `x` lost, `!` not sent.
    fn played(script: &str) -> (History, Instant) {
        let start = crate::clock::monotonic();
        let mut history = History::default();
        let mut sent = start;
        for fate in script.chars() {
            let fate = match fate {
                '.' => Fate::Answered(Duration::from_millis(10)),
                'x' => Fate::Lost,
                _ => Fate::NotSent,
            };
            history.record(sent, fate);
            sent += SECOND;
        }
        (history, sent)
    }

    #[test]
    fn a_lost_request_and_one_that_could_not_leave_both_count_as_lost() {
        let (history, now) = played("..x!");
        assert_eq!((history.requests, history.lost, history.send_errors), (4, 2, 1));
        let minute = history.minute(now).unwrap();
        assert!((minute.loss_percent - 50.0).abs() < 1e-9);
        assert_eq!(minute.rtt.unwrap().mean, Duration::from_millis(10));
        assert_eq!(history.last_rtt(), None, "the newest was lost");
    }

    #[test]
    fn a_fate_is_fresh_once_and_not_for_ever() {
        let (mut history, now) = played(".x.");
        let fresh: Vec<bool> = history.take_fresh().map(|(_, fate)| fate != Fate::Lost).collect();
        assert_eq!(fresh, [true, false, true]);
        assert_eq!(history.take_fresh().count(), 0);
        for _ in 0..2 * MAX_FRESH {
            history.record(now, Fate::Lost);
        }
        assert_eq!(history.take_fresh().count(), MAX_FRESH);
    }

    #[test]
    fn before_the_first_fate_nothing_is_known() {
        let now = crate::clock::monotonic();
        let history = History::default();
        assert_eq!(history.minute(now), None);
        assert_eq!(history.answered_within(3 * SECOND, now), None);
    }

    #[test]
    fn the_longest_run_of_losses_is_found() {
        let (history, now) = played("xx..xxxx.x");
        assert_eq!(history.longest_loss(now, SECOND), 4 * SECOND);
        assert_eq!(history.longest_loss(now + KEPT, SECOND), Duration::ZERO);
    }

    #[test]
    fn a_minute_without_answers_has_no_times() {
        let (history, now) = played("xxx");
        let expected = Minute { loss_percent: 100.0, rtt: None };
        assert_eq!(history.minute(now), Some(expected));
        assert_eq!(history.answered_within(3 * SECOND, now), Some(false));
    }

    #[test]
    fn an_answer_that_overtakes_does_not_break_a_run() {
        let start = crate::clock::monotonic();
        let mut history = History::default();
        history.record(start, Fate::Lost);
        history.record(start + 2 * SECOND, Fate::Answered(SECOND));
        history.record(start + SECOND, Fate::Lost);
        assert_eq!(history.longest_loss(start + 3 * SECOND, SECOND), 2 * SECOND);
        assert_eq!(history.last_rtt(), Some(SECOND));
    }

    proptest! {
        #[test]
        fn memory_is_bounded_and_totals_agree(script in "[.x!]{0,700}") {
            let (history, now) = played(&script);
            prop_assert!(history.recent.len() <= 301);
            prop_assert_eq!(history.requests, script.len() as u64);
            prop_assert!(history.lost >= history.send_errors);
            prop_assert!(history.longest_loss(now, SECOND) <= KEPT + SECOND);
        }
    }
}
