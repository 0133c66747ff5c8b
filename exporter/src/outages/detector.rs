//! When the internet is gone, and when it is back. Pure: looks and signs come in, outages
//! go out; the clock is that of the looks.
//!
//! An outage begins at the first lost request of the run that convinces, and ends at the
//! first answer of a run that lasts. What nobody saw is a gap, never an outage.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::case::Case;
use super::judge::Verdict;
use super::look::Look;
use super::memory::Memory;
use super::outage::{Began, Ended, LastDrop, News, Open};
use super::report;
use super::sign::Sign;
use super::vocabulary::{Cause, Degradation, Side};
use super::witnesses::{Found, Witnesses};
use crate::collectors::wan::State;
use crate::events::event::{Moment, Told};

/// On a router looks are a second apart; a longer pause is a gap in what was seen.
const GAP: Duration = Duration::from_secs(5);
/// Drops this close to each other are told as one.
const JOINED: Duration = Duration::from_secs(180);
/// Without an answer since the start, and so soon after it, the start is the reason.
const BOOT: Duration = Duration::from_secs(300);

/// Watches for outages.
#[derive(Debug)]
pub(crate) struct Detector {
    /// Looks this far apart have seen everything between them.
    gap: Duration,
    /// Until when the start of the router may be the reason.
    boot: Option<Duration>,
    witnesses: Witnesses,
    degradations: Vec<Degradation>,
    totals: Totals,
    memory: Memory,
}

/// Sums since the program started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    pub(crate) outage: Duration,
    pub(crate) observed: Duration,
    ended: BTreeMap<(Cause, Side), u64>,
}

/// Begun and ended outages.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// The one that goes on, and when it began.
    pub(crate) open: Option<(String, Moment)>,
    /// The last ones that are over, oldest first.
    pub(crate) past: VecDeque<Ended>,
    /// How many are over, since the program started.
    pub(crate) ended: BTreeMap<(Cause, Side), u64>,
}

impl Default for Detector {
    fn default() -> Self {
        Self {
            gap: GAP,
            boot: Some(BOOT),
            witnesses: Witnesses::default(),
            degradations: Vec::new(),
            totals: Totals::default(),
            memory: Memory::default(),
        }
    }
}

impl Detector {
    /// For a log, which tells all that happens, however seldom; of a router that starts
    /// with it, or was running.
    pub(super) fn of_saved_log(state: State) -> Self {
        let boot = (state == State::Down).then_some(BOOT);
        Self { gap: Duration::MAX, boot, ..Self::default() }
    }

    /// Goes on where [`Self::save`] was called in this start of the router; without what
    /// cannot be read.
    pub(crate) fn restore(saved: &serde_json::Value) -> Self {
        Self::remembering(Memory::read(saved))
    }

    /// The same after the router has started anew; `then`: what the clock showed when it was
    /// saved.
    pub(crate) fn restore_after_boot(saved: &serde_json::Value, then: Option<Moment>) -> Self {
        Self::remembering(Memory::read(saved).after_boot(then))
    }

    fn remembering(memory: Memory) -> Self {
        let mut detector = Self { memory, ..Self::default() };
        let signs = detector.memory.open.iter().flat_map(|open| &open.case.signs);
        detector.witnesses.order = signs.map(|noted| noted.order).max().unwrap_or(0);
        detector
    }

    pub(crate) fn save(&self) -> serde_json::Value {
        serde_json::to_value(&self.memory).expect("keys are strings, and nothing in it can fail")
    }

    /// Takes in a sign. They come in the order of the log, which also orders signs of the
    /// same second.
    pub(crate) fn note(&mut self, sign: Sign, at: Duration) {
        let noted = self.witnesses.note(sign, at);
        self.memory.has_answered |= matches!(sign, Sign::SessionUp | Sign::WanUp);
        if let Some(open) = &mut self.memory.open {
            open.case.note(noted);
        }
    }

    /// Takes in a look; `clock`: its moment on both clocks, `id`: of an outage that would
    /// begin now.
    pub(crate) fn look(
        &mut self,
        look: Look,
        clock: Moment,
        id: impl FnOnce() -> String,
    ) -> Option<(Told, Moment)> {
        let news = self.take_look(look, clock, id);
        news.as_ref().map(report::told)
    }

    fn take_look(
        &mut self,
        mut look: Look,
        clock: Moment,
        id: impl FnOnce() -> String,
    ) -> Option<News> {
        // The clock of looks does not go back; if it seems to, nothing has passed.
        look.at = self.memory.seen.map_or(look.at, |seen| look.at.max(seen));
        let since = self.memory.seen.map_or(Duration::ZERO, |seen| look.at.saturating_sub(seen));
        self.memory.seen = Some(look.at);
        let is_gap = since > self.gap;
        if is_gap {
            self.witnesses.forget();
            // Requests of before, whose fates say nothing about now.
            look.forget_probes(look.at.saturating_sub(since).saturating_add(self.gap));
        }
        self.witnesses.take(&look);
        self.memory.has_answered |= self.witnesses.has_answer();
        let is_seen = !is_gap && self.is_observed(&look);
        if is_seen {
            self.totals.observed += since;
        }
        let news = match self.memory.open.take() {
            Some(open) => {
                let unseen = if is_seen { Duration::ZERO } else { since };
                self.go_on(open, &look, clock, unseen)
            }
            None => {
                let last_end = self.memory.last.as_ref().map_or(Duration::ZERO, |last| last.ended);
                let found = self.witnesses.convinced(&look, last_end);
                found.map(|found| self.begin(found, &look, clock, id()))
            }
        };
        self.degradations = match self.memory.open {
            Some(_) => Vec::new(),
            None => self.witnesses.degradations(&look),
        };
        self.witnesses.keep(look);
        news
    }

    /// Does somebody watch who would notice? Targets that have never answered would not; an
    /// interface that is down is noticed by everybody.
    fn is_observed(&self, look: &Look) -> bool {
        if look.targets.is_empty() {
            return look.wan.state != State::Unknown;
        }
        let is_watching = self.witnesses.is_watching(look);
        (is_watching && (self.memory.has_answered || self.is_open()))
            || look.wan.state == State::Down
    }

    fn begin(&mut self, found: Found, look: &Look, clock: Moment, id: String) -> News {
        let began = found.began;
        let is_boot = !self.memory.has_answered && self.boot.is_some_and(|boot| began <= boot);
        let mut case = Case::new(began, look.interval, is_boot);
        case.has_worked = self.memory.has_answered;
        let case = self.witnesses.evidence(&found, look, case);
        let last = self.memory.last.as_ref();
        let joined = last.filter(|last| began.saturating_sub(last.ended) <= JOINED);
        let counted = found.recovery.map_or(look.at, |recovery| recovery.first.at);
        self.totals.outage += counted.saturating_sub(began);
        let open = Open {
            id,
            continues: joined.map(|last| last.id.clone()),
            began: clock.back_to(Moment { unix: clock.unix, boot: Some(began) }),
            case,
            proof: found.proof,
            recovery: found.recovery,
            counted,
            ..Open::default()
        };
        let news = Began {
            id: open.id.clone(),
            at: open.began,
            continues: open.continues.clone(),
            verdict: open.verdict(look.at),
        };
        self.memory.open = Some(open);
        News::Began(news)
    }

    /// What a look says about an outage that was there.
    fn go_on(
        &mut self,
        mut open: Open,
        look: &Look,
        clock: Moment,
        unseen: Duration,
    ) -> Option<News> {
        open.unseen += unseen;
        if !unseen.is_zero() {
            (open.recovery, open.counted) = (None, look.at);
        }
        open.recover(look, self.witnesses.up_told());
        let until = open.recovery.map(|recovery| recovery.first.sent);
        open.case.look(look, &mut self.witnesses.order, until);
        open.case.take_pings(look, until);
        let end = open.recovery.map_or(look.at, |run| run.first.at.max(open.case.began));
        self.totals.outage += end.saturating_sub(open.counted);
        open.counted = open.counted.max(end);
        if open.is_over() {
            Some(self.end(open, end, clock))
        } else {
            self.memory.open = Some(open);
            None
        }
    }

    fn end(&mut self, open: Open, end: Duration, clock: Moment) -> News {
        let verdict = open.verdict(end);
        let ended = Ended {
            // The clock may have been set meanwhile.
            began: clock.back_to(open.began),
            ended: clock.back_to(Moment { unix: clock.unix, boot: Some(end) }),
            verdict,
            unseen: open.unseen,
            has_restarted: open.before_boot.is_some(),
            id: open.id,
            continues: open.continues,
        };
        let id = ended.continues.clone().unwrap_or_else(|| ended.id.clone());
        self.memory.last = Some(LastDrop { id, ended: end });
        *self.totals.ended.entry((verdict.cause, verdict.side)).or_default() += 1;
        self.memory.remember(ended.clone());
        News::Ended(ended, Box::new(open.case))
    }

    /// What may be shown once the events of it are in their file.
    pub(crate) fn standing(&self) -> Standing {
        let Memory { open, past, .. } = &self.memory;
        let open = open.as_ref().map(|open| (open.id.clone(), open.began));
        Standing { open, past: past.clone(), ended: self.totals.ended.clone() }
    }

    pub(crate) fn is_as_shown(&self, standing: &Standing) -> bool {
        let Memory { open, past, .. } = &self.memory;
        let shown = standing.open.as_ref().map(|(id, _)| id);
        let last_shown = standing.past.back().map(|ended| &ended.id);
        open.as_ref().map(|open| &open.id) == shown
            && past.back().map(|ended| &ended.id) == last_shown
    }

    pub(crate) fn is_open(&self) -> bool {
        self.memory.open.is_some()
    }

    /// Of the outage that goes on: what it looks like so far.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let now = self.memory.seen.unwrap_or_default();
        self.memory.open.as_ref().map(|open| open.verdict(now))
    }

    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    pub(crate) fn degradations(&self) -> &[Degradation] {
        &self.degradations
    }
}
