//! How often the line has dropped within the last 24 hours.
//!
//! Pure. Apart from the events, so that a short queue that forgets them does not make the
//! counts shrink; kept in the state file, and corrected with the clock.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::moved;
use crate::events::event::Moment;
use crate::events::kind::Kind;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Twice a day, so that a clock that is hours wrong for a while takes nothing away.
const KEPT: Duration = Duration::from_secs(48 * 60 * 60);

/// One drop in each 40 s for a whole day; 50 kB in the state file.
const MAX_RUNS: usize = 2000;

/// After its start a router has a session within this time, if it ever has one.
const FIRST_SESSION: Duration = Duration::from_secs(15 * 60);

/// The drops of the last day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Drops {
    reconnects: Runs,
    wan_downs: Runs,
    session: Session,
}

/// Whether the next time that the session comes up is a return.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Session {
    /// Also when nothing is known yet.
    #[default]
    Up,
    /// It was up and has failed.
    Dropped,
    /// Since the router started it has not been up; dials that fail until then are no drops.
    NeverUp,
}

/// Drops by the second in which they happened, oldest first unless the clock stepped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Runs(VecDeque<Run>);

/// Drops within one second. In the file: `[unix, count, boot]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64, Option<u64>)", into = "(u64, u64, Option<u64>)")]
struct Run {
    unix_s: u64,
    count: u64,
    /// `None`: of an earlier start of the router, so its time stays as it is.
    boot_s: Option<u64>,
}

impl From<(u64, u64, Option<u64>)> for Run {
    fn from((unix_s, count, boot_s): (u64, u64, Option<u64>)) -> Self {
        Self { unix_s, count, boot_s }
    }
}

impl From<Run> for (u64, u64, Option<u64>) {
    fn from(run: Run) -> Self {
        (run.unix_s, run.count, run.boot_s)
    }
}

/// What an event says about drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    SessionFailed,
    SessionBack,
    WanDown,
    RouterStarted,
    Nothing,
}

fn meaning(kind: Kind) -> Meaning {
    match kind {
        Kind::PppoeUp => Meaning::SessionBack,
        Kind::WanDown => Meaning::WanDown,
        Kind::RouterBoot => Meaning::RouterStarted,
        Kind::PppoeDown
        | Kind::PppoeLcpTerm
        | Kind::PppoePadt
        | Kind::PppoeAuthFail
        | Kind::PppoePadiTimeout
        | Kind::PppoeDiscoveryTimeout
        | Kind::PppoeLcpEchoTimeout
        | Kind::PppoeNegotiationTimeout
        | Kind::PppoeLocalTerm
        | Kind::PppoeAcError => Meaning::SessionFailed,
        Kind::WanUp
        | Kind::KernelCarrierLost
        | Kind::KernelLinkUp
        | Kind::KernelLinkDown
        | Kind::DhcpLeaseObtained
        | Kind::DhcpLeaseLost
        | Kind::DhcpNak
        | Kind::DhcpNoLease
        | Kind::Wan6Up
        | Kind::Wan6Down
        | Kind::WanIpChanged
        | Kind::SfpRemoved
        | Kind::SfpInserted
        | Kind::DslDown
        | Kind::KernelTxTimeout
        | Kind::TimeStepped
        | Kind::LogSourceLost
        | Kind::OutageStart
        | Kind::OutageEnd
        | Kind::Test => Meaning::Nothing,
    }
}

impl Drops {
    /// Does an event of this kind change anything here?
    pub(super) fn concerns(kind: Kind) -> bool {
        meaning(kind) != Meaning::Nothing
    }

    pub(super) fn note(&mut self, kind: Kind, at: Moment) {
        match meaning(kind) {
            Meaning::SessionFailed => {
                // Installed long after the start: the log has forgotten the session's.
                let is_late = at.boot.is_some_and(|boot| boot > FIRST_SESSION);
                if self.session == Session::Up || (self.session == Session::NeverUp && is_late) {
                    self.session = Session::Dropped;
                }
            }
            // A session has one return, however many lines told its end.
            Meaning::SessionBack => {
                if std::mem::replace(&mut self.session, Session::Up) == Session::Dropped {
                    self.reconnects.add(at);
                }
            }
            Meaning::RouterStarted => self.session = Session::NeverUp,
            Meaning::WanDown => self.wan_downs.add(at),
            Meaning::Nothing => {}
        }
    }

    /// Puts the drops of this start of the router where the clock now says they were;
    /// tells whether one of them moved.
    pub(super) fn correct(&mut self, offset: SignedDuration) -> bool {
        let mut changed = false;
        for run in self.reconnects.0.iter_mut().chain(&mut self.wan_downs.0) {
            let Some(boot_s) = run.boot_s else { continue };
            let unix_s = moved(Duration::from_secs(boot_s), offset).as_secs();
            changed |= std::mem::replace(&mut run.unix_s, unix_s) != unix_s;
        }
        changed
    }

    /// The router has started anew: the times so far can no longer be corrected.
    pub(super) fn forget_boot(&mut self) {
        for run in self.reconnects.0.iter_mut().chain(&mut self.wan_downs.0) {
            run.boot_s = None;
        }
    }

    /// Drops of the PPPoE session that it came back from.
    pub(super) fn reconnects_within_day(&self, now_unix: Duration) -> u64 {
        self.reconnects.within_day(now_unix)
    }

    pub(super) fn wan_downs_within_day(&self, now_unix: Duration) -> u64 {
        self.wan_downs.within_day(now_unix)
    }
}

impl Runs {
    fn add(&mut self, at: Moment) {
        let unix_s = at.unix.as_secs();
        let boot_s = at.boot.map(|boot| boot.as_secs());
        while self.0.front().is_some_and(|run| run.unix_s.saturating_add(KEPT.as_secs()) < unix_s) {
            self.0.pop_front();
        }
        match self.0.back_mut() {
            Some(run) if run.unix_s == unix_s && run.boot_s.is_some() == boot_s.is_some() => {
                run.count = run.count.saturating_add(1);
            }
            _ => self.0.push_back(Run { unix_s, count: 1, boot_s }),
        }
        while self.0.len() > MAX_RUNS
            && let Some(oldest) = self.0.pop_front()
            && let Some(next) = self.0.front_mut()
        {
            // The count stays whole; the oldest drops merely seem a little younger.
            next.count = next.count.saturating_add(oldest.count);
        }
    }

    /// To both sides, since a clock that was just set back leaves drops a little in the
    /// future, and one that was years ahead must not be believed for years.
    fn within_day(&self, now_unix: Duration) -> u64 {
        let recent = |run: &&Run| Duration::from_secs(run.unix_s).abs_diff(now_unix) < DAY;
        self.0.iter().filter(recent).fold(0, |sum, run| sum.saturating_add(run.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_739_327_400;

    fn at(unix_s: u64) -> Moment {
        let boot = Some(Duration::from_secs(unix_s - NOON + 100));
        Moment { unix: Duration::from_secs(unix_s), boot }
    }

    fn now(unix_s: u64) -> Duration {
        Duration::from_secs(unix_s)
    }

    #[test]
    fn a_drop_and_its_return_count_once_however_many_lines_tell_the_drop() {
        let mut drops = Drops::default();
        drops.note(Kind::PppoeUp, at(NOON));
        assert_eq!(drops.reconnects_within_day(now(NOON)), 0, "nothing had failed");
        for kind in [Kind::PppoeLcpEchoTimeout, Kind::PppoeDown, Kind::PppoePadiTimeout] {
            drops.note(kind, at(NOON + 1));
        }
        drops.note(Kind::PppoeUp, at(NOON + 2));
        drops.note(Kind::PppoeUp, at(NOON + 3));
        assert_eq!(drops.reconnects_within_day(now(NOON + 3)), 1);
        assert_eq!(drops.wan_downs_within_day(now(NOON + 3)), 0);
    }

    #[test]
    fn dials_that_fail_before_the_first_session_of_a_boot_are_no_drops() {
        let mut drops = Drops::default();
        drops.note(Kind::RouterBoot, at(NOON));
        drops.note(Kind::PppoePadiTimeout, at(NOON + 30));
        drops.note(Kind::PppoeUp, at(NOON + 60));
        assert_eq!(drops.reconnects_within_day(now(NOON + 60)), 0);
        drops.note(Kind::RouterBoot, at(NOON + 61));
        drops.note(Kind::PppoeDown, at(NOON + 1000));
        drops.note(Kind::PppoeUp, at(NOON + 1001));
        assert_eq!(drops.reconnects_within_day(now(NOON + 1001)), 1, "it had been up unseen");
        drops.note(Kind::PppoeDown, at(NOON + 1070));
        drops.note(Kind::PppoeUp, at(NOON + 1080));
        assert_eq!(drops.reconnects_within_day(now(NOON + 1080)), 2);
    }

    #[test]
    fn the_window_is_24_hours() {
        let mut drops = Drops::default();
        drops.note(Kind::WanDown, at(NOON));
        assert_eq!(drops.wan_downs_within_day(now(NOON + 86_399)), 1);
        assert_eq!(drops.wan_downs_within_day(now(NOON + 86_400)), 0);
        assert_eq!(drops.wan_downs_within_day(now(NOON - 3600)), 1, "the clock was set back");
    }

    #[test]
    fn ten_thousand_drops_in_a_second_are_counted_and_take_one_entry() {
        let mut drops = Drops::default();
        for _ in 0..10_000 {
            drops.note(Kind::WanDown, at(NOON));
        }
        assert_eq!(drops.wan_downs_within_day(now(NOON)), 10_000);
        assert_eq!(drops.wan_downs.0.len(), 1);
    }

    #[test]
    fn a_day_of_drops_is_bounded_and_the_count_stays_whole() {
        let mut drops = Drops::default();
        for second in 0..20_000 {
            drops.note(Kind::WanDown, at(NOON + second));
        }
        assert_eq!(drops.wan_downs.0.len(), MAX_RUNS);
        assert_eq!(drops.wan_downs_within_day(now(NOON + 20_000)), 20_000);
        drops.note(Kind::WanDown, at(NOON + 10 * 86_400));
        assert_eq!(drops.wan_downs.0.len(), 1, "old ones are given up");
    }

    #[test]
    fn a_file_with_impossible_drops_is_counted_as_far_as_it_goes() {
        let runs: Vec<_> = (0..10_000).map(|_| (u64::MAX, u64::MAX, Some(u64::MAX))).collect();
        let json = serde_json::json!({ "reconnects": runs, "wan_downs": [], "session": "dropped" });
        let mut drops: Drops = serde_json::from_value(json).unwrap();
        drops.note(Kind::PppoeUp, at(NOON));
        assert_eq!(drops.reconnects.0.len(), MAX_RUNS);
        drops.correct(SignedDuration::from_secs(NOON as i64));
        assert_eq!(drops.reconnects_within_day(Duration::from_secs(u64::MAX)), 0);
    }

    #[test]
    fn drops_of_this_boot_move_with_the_clock_and_earlier_ones_stay() {
        let mut drops = Drops::default();
        drops.note(Kind::WanDown, at(NOON));
        drops.forget_boot();
        drops.note(Kind::WanDown, at(NOON));
        assert_eq!(drops.wan_downs.0.len(), 2, "kept apart");
        assert!(drops.correct(SignedDuration::from_secs((NOON + 200_000) as i64)));
        assert!(!drops.correct(SignedDuration::from_secs((NOON + 200_000) as i64)));
        assert_eq!(drops.wan_downs_within_day(now(NOON)), 1);
        assert_eq!(drops.wan_downs_within_day(now(NOON + 200_100)), 1);
        let json = serde_json::to_string(&drops).unwrap();
        assert_eq!(serde_json::from_str::<Drops>(&json).unwrap(), drops);
    }
}
