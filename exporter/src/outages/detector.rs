//! When the internet is gone, and when it is back. Pure: looks and signs come in, outages
//! go out; the clock is that of the looks.
//!
//! An outage begins at the first lost request of the run that convinces, and ends at the
//! first answer of a run that lasts. What nobody saw is a gap, never an outage.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::case::{Case, Noted};
use super::judge::{Verdict, judge};
use super::look::{Look, Probe};
use super::reach::{Answer, Reach, Track, losses_that_count, losses_within};
use super::report;
use super::sign::Sign;
use super::vocabulary::{Cause, Degradation, Side};
use crate::collectors::wan::State;
use crate::events::event::{Moment, Told};

/// On a router looks are a second apart; a longer pause is a gap in what was seen.
const GAP: Duration = Duration::from_secs(5);
/// A run of answers that lasts so long is the end.
const RECOVERED: Duration = Duration::from_secs(5);
/// Silence of targets that are all in one network, with a second sign.
const ONE_NETWORK: Duration = Duration::from_secs(5);
/// Signs that may be about an outage: said so long before its first lost request.
const PRELUDE: Duration = Duration::from_secs(10);
/// Drops this close to each other are told as one.
const JOINED: Duration = Duration::from_secs(180);
/// Without an answer since the start, and so soon after it, the start is the reason.
const BOOT: Duration = Duration::from_secs(300);
/// A gateway that has been silent for longer proves nothing by its silence.
const GATEWAY_MEMORY: Duration = Duration::from_secs(60);

/// What a log says about a short drop stands at most so long before its first lost request.
const TOLD_BEFORE: Duration = Duration::from_secs(2);
/// Stamps of logs are whole seconds.
const STAMP: Duration = Duration::from_secs(1);
/// Answers so long after the WAN went down came by another way.
const BACKUP: Duration = Duration::from_secs(2);

/// Enough for what was before, at one look a second.
const LOOKS_KEPT: usize = 16;
const SIGNS_KEPT: usize = 64;
/// Outages that are shown after their end.
const PAST_KEPT: usize = 10;

/// Watches for outages.
#[derive(Debug)]
pub(crate) struct Detector {
    /// Looks this far apart have seen everything between them.
    gap: Duration,
    /// Until when the start of the router may be the reason.
    boot: Option<Duration>,
    reach: Reach,
    gateway: Option<Track>,
    looks: VecDeque<Look>,
    signs: VecDeque<Noted>,
    order: u32,
    wan_down: Option<Duration>,
    degradations: Vec<Degradation>,
    totals: Totals,
    memory: Memory,
}

/// What outlives a restart of the program.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Memory {
    /// The last look.
    seen: Option<Duration>,
    /// Something has answered since the router started.
    has_answered: bool,
    open: Option<Open>,
    last: Option<LastDrop>,
    past: VecDeque<Ended>,
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

/// Sums since the program started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    pub(crate) outage: Duration,
    pub(crate) observed: Duration,
    ended: BTreeMap<(Cause, Side), u64>,
}

/// An outage that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Open {
    id: String,
    continues: Option<String>,
    began: Moment,
    case: Case,
    /// The router started anew meanwhile: what was known until then.
    before_boot: Option<Verdict>,
    recovery: Option<Recovery>,
    /// Until when it is in the total.
    counted: Duration,
    /// Stretches that nobody saw.
    unseen: Duration,
}

/// An outage that convinces.
struct Found {
    began: Duration,
    /// It may be over already.
    recovery: Option<Recovery>,
}

/// A run of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Recovery {
    first_sent: Duration,
    first_at: Duration,
    last_sent: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LastDrop {
    /// The first of those that belong together.
    id: String,
    ended: Duration,
}

/// An outage that has just been found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Began {
    pub(crate) id: String,
    pub(crate) at: Moment,
    pub(crate) continues: Option<String>,
    pub(crate) verdict: Verdict,
}

/// An outage that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ended {
    /// As its begin was told.
    pub(crate) id: String,
    pub(crate) continues: Option<String>,
    pub(crate) began: Moment,
    pub(crate) ended: Moment,
    pub(crate) verdict: Verdict,
    pub(crate) unseen: Duration,
    /// The router started anew within.
    pub(crate) has_restarted: bool,
}

/// What a look has led to.
#[derive(Debug, PartialEq)]
pub(crate) enum News {
    Began(Began),
    /// With the evidence.
    Ended(Ended, Box<Case>),
}

impl Ended {
    /// By the clock as it goes `now`, since the router may have started anew within, with a
    /// clock that is wrong at first.
    pub(crate) fn duration(&self, now: Moment) -> Duration {
        match (self.began.boot, self.ended.boot) {
            (Some(began), Some(ended)) => ended.saturating_sub(began),
            _ => now.back_to(self.ended).unix.saturating_sub(self.began.unix),
        }
    }
}

impl Open {
    fn verdict(&self, now: Duration) -> Verdict {
        self.before_boot.unwrap_or_else(|| judge(&self.case, now))
    }
}

impl Default for Detector {
    fn default() -> Self {
        Self {
            gap: GAP,
            boot: Some(BOOT),
            reach: Reach::default(),
            gateway: None,
            looks: VecDeque::new(),
            signs: VecDeque::new(),
            order: 0,
            wan_down: None,
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

    /// Takes in a sign. They come in the order of the log, which also orders signs of the
    /// same second.
    pub(crate) fn note(&mut self, sign: Sign, at: Duration) {
        self.order = self.order.saturating_add(1);
        let noted = Noted { sign, at, order: self.order };
        if let Some(open) = &mut self.memory.open {
            open.case.note(noted);
        }
        self.signs.push_back(noted);
        if self.signs.len() > SIGNS_KEPT {
            self.signs.pop_front();
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
        let now = look.at;
        let since = self.memory.seen.map_or(Duration::ZERO, |seen| now.saturating_sub(seen));
        self.memory.seen = Some(now);
        let is_gap = since > self.gap;
        if is_gap {
            self.forget_looks();
        }
        self.reach.take(&look);
        let is_told = |noted: &Noted| matches!(noted.sign, Sign::SessionUp | Sign::WanUp);
        self.memory.has_answered |=
            self.reach.last_answer().is_some() || self.signs.back().is_some_and(is_told);
        self.watch_gateway(&look);
        self.watch_wan(&look);
        let is_observed = if look.targets.is_empty() {
            look.wan.state != State::Unknown
        } else {
            self.reach.is_watching(&look)
        };
        if is_observed && !is_gap {
            self.totals.observed += since;
        }
        self.degradations =
            if self.memory.open.is_some() { Vec::new() } else { self.find_degradations(&look) };
        let news = match self.memory.open.take() {
            Some(open) => {
                let is_unseen = is_gap || !is_observed;
                self.go_on(open, &look, clock, if is_unseen { since } else { Duration::ZERO })
            }
            None => self.convinced(&look).map(|found| self.begin(found, &look, clock, id())),
        };
        self.looks.push_back(look);
        if self.looks.len() > LOOKS_KEPT {
            self.looks.pop_front();
        }
        news
    }

    /// What may be shown once the events of it are in their file.
    pub(crate) fn standing(&self) -> Standing {
        let Memory { open, past, .. } = &self.memory;
        let open = open.as_ref().map(|open| (open.id.clone(), open.began));
        Standing { open, past: past.clone(), ended: self.totals.ended.clone() }
    }

    pub(crate) fn is_as_shown(&self, standing: &Standing) -> bool {
        let id = |ended: &Ended| ended.id.clone();
        self.memory.open.as_ref().map(|open| &open.id) == standing.open.as_ref().map(|open| &open.0)
            && self.memory.past.back().map(id) == standing.past.back().map(id)
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

    pub(crate) fn save(&self) -> serde_json::Value {
        serde_json::to_value(&self.memory).expect("keys are strings, and nothing in it can fail")
    }

    /// Goes on where [`Self::save`] was called in this start of the router; without what
    /// cannot be read.
    pub(crate) fn restore(saved: &serde_json::Value) -> Self {
        let mut memory = Memory::deserialize(saved).unwrap_or_default();
        let too_many = memory.past.len().saturating_sub(PAST_KEPT);
        memory.past.drain(..too_many);
        let order = memory.open.iter().flat_map(|open| &open.case.signs).map(|noted| noted.order);
        let order = order.max().unwrap_or(0);
        Self { memory, order, ..Self::default() }
    }

    /// The same after the router has started anew: times since the last start mean nothing
    /// any more.
    pub(crate) fn restore_after_boot(saved: &serde_json::Value) -> Self {
        let mut detector = Self::restore(saved);
        let Memory { seen, has_answered, open, last, past } = &mut detector.memory;
        (*has_answered, *last) = (false, None);
        let seen = seen.take().unwrap_or_default();
        if let Some(open) = open {
            let verdict = open.verdict(seen);
            open.before_boot = Some(verdict);
            open.began.boot = None;
            open.case = Case::new(Duration::ZERO, open.case.interval, true);
            (open.recovery, open.counted) = (None, Duration::ZERO);
        }
        for ended in past {
            (ended.began.boot, ended.ended.boot) = (None, None);
        }
        detector
    }

    fn forget_looks(&mut self) {
        self.reach.forget_runs();
        self.looks.clear();
        if let Some(gateway) = &mut self.gateway {
            gateway.lost = None;
        }
    }

    fn watch_gateway(&mut self, look: &Look) {
        match &look.gateway {
            Some(gateway) => self
                .gateway
                .get_or_insert_with(|| Track::new(gateway.host.clone()))
                .take(gateway, look.at),
            None => self.gateway = None,
        }
    }

    /// Notes since when the WAN is down: since the sign that says so, if there is one.
    fn watch_wan(&mut self, look: &Look) {
        match look.wan.state {
            State::Down if self.wan_down.is_none() => {
                let signs = self.signs.iter().rev();
                let fresh = signs
                    .take_while(|noted| noted.sign != Sign::WanUp && noted.at + PRELUDE >= look.at)
                    .filter(|noted| noted.sign.is_end() || noted.sign == Sign::NoLink);
                self.wan_down = fresh.map(|noted| noted.at).min().or(Some(look.at));
            }
            State::Down | State::Unknown => {}
            State::Up => self.wan_down = None,
        }
    }

    fn find_degradations(&self, look: &Look) -> Vec<Degradation> {
        let mut found = self.reach.degradations(look);
        if look.dns.is_some_and(|dns| !dns.is_answered) && self.reach.silence().is_none() {
            found.push(Degradation::Dns);
        }
        let needed = losses_that_count(look.interval);
        if self.reach.silence().is_some_and(|silence| silence.run >= needed) {
            found.push(Degradation::Unproven);
        }
        found
    }

    /// The outage of which this look convinces.
    fn convinced(&self, look: &Look) -> Option<Found> {
        let is_down = look.wan.state == State::Down;
        if look.targets.is_empty() {
            let began = self.wan_down.filter(|_| is_down)?;
            return Some(Found { began, recovery: None });
        }
        self.convinced_by_silence(look)
            .map(|began| Found { began, recovery: None })
            .or_else(|| self.convinced_by_hole(look))
    }

    /// A silence that was over before all of its losses were known.
    fn convinced_by_hole(&self, look: &Look) -> Option<Found> {
        let from = self.memory.last.as_ref().map_or(Duration::ZERO, |last| last.ended);
        let needed = losses_that_count(look.interval);
        // Only a loss or a sign can make one that was not there a second ago.
        let probes = look.targets.iter().flat_map(|pinged| &pinged.probes);
        let is_lost = probes.into_iter().any(|probe| probe.answered.is_none());
        let is_told = self.signs.back().is_some_and(|noted| noted.at + PRELUDE >= look.at);
        if !is_lost && !is_told {
            return None;
        }
        let hole = self.reach.holes(from, look.interval).into_iter().find(|hole| {
            let silence = hole.silence;
            let is_told = self.signs.iter().any(|noted| {
                let is_end = noted.sign.is_end() || noted.sign == Sign::NoLink;
                let latest = hole.first.sent;
                is_end && noted.at + TOLD_BEFORE >= silence.began && noted.at <= latest
            });
            is_told || (silence.networks >= 2 && silence.run >= needed)
        })?;
        let recovery = Recovery {
            first_sent: hole.first.sent,
            first_at: hole.first.at,
            last_sent: hole.last.sent,
        };
        Some(Found { began: hole.silence.began, recovery: Some(recovery) })
    }

    /// When the outage began that goes on.
    fn convinced_by_silence(&self, look: &Look) -> Option<Duration> {
        // What is answered while the WAN is down goes another way.
        let is_backed_up = self
            .wan_down
            .zip(self.reach.last_answer())
            .is_some_and(|(down, answer)| answer.sent > down + BACKUP);
        let is_down = look.wan.state == State::Down && !is_backed_up;
        let silence = self.reach.silence()?;
        let is_long = silence.run >= losses_that_count(look.interval);
        let is_longer = silence.run >= losses_within(ONE_NETWORK, look.interval);
        let is_proven = is_down
            || (silence.networks >= 2 && is_long)
            || (silence.networks == 1 && is_longer && self.has_second_sign(look, silence.began));
        is_proven.then_some(silence.began)
    }

    /// Somebody else than the targets is gone as well.
    fn has_second_sign(&self, look: &Look, began: Duration) -> bool {
        let is_gateway_dead = self.gateway.as_ref().is_some_and(|gateway| {
            gateway.lost.is_some_and(|lost| lost.count >= 2)
                && gateway.answered.is_some_and(|answer| answer.at + GATEWAY_MEMORY >= began)
        });
        let is_dns_dead = look.dns.is_some_and(|dns| !dns.is_answered && dns.at >= began);
        let is_lcp_dead = look.lcp.is_some_and(|lcp| {
            // Where pppd asks only while the line is idle, replies may be hours old.
            let patience = lcp.interval.max(Duration::from_secs(1)) * 3;
            lcp.replied.is_some_and(|at| {
                at + patience >= began && at <= began + lcp.interval && at + patience < look.at
            })
        });
        let is_session_over = self.signs.iter().any(|noted| {
            noted.at + PRELUDE >= began && (noted.sign.is_end() || noted.sign == Sign::NoLink)
        });
        is_gateway_dead
            || is_dns_dead
            || is_lcp_dead
            || is_session_over
            || look.port.carrier == Some(false)
    }

    fn begin(&mut self, found: Found, look: &Look, clock: Moment, id: String) -> News {
        let Found { began, recovery } = found;
        let is_boot = !self.memory.has_answered && self.boot.is_some_and(|boot| began <= boot);
        let mut case = Case::new(began, look.interval, is_boot);
        case.has_worked = self.memory.has_answered;
        case.gateway.is_sparing = self.gateway.as_ref().is_some_and(Track::is_lossy);
        let last_end = self.memory.last.as_ref().map_or(Duration::ZERO, |last| last.ended);
        let first = began.saturating_sub(PRELUDE).max(last_end);
        // What was said before a request that was answered was over by then, or harmless.
        let answered = self.reach.answered_before(began).unwrap_or_default();
        let harmful = answered.saturating_sub(STAMP);
        let is_about = |noted: &&Noted| {
            noted.at >= first && (noted.at >= harmful || noted.sign.is_announcement())
        };
        for noted in self.signs.iter().filter(is_about) {
            case.note(*noted);
        }
        case.gateway.before = self
            .gateway
            .as_ref()
            .and_then(|gateway| gateway.answered)
            .map(|answer| answer.at)
            .filter(|at| *at + GATEWAY_MEMORY >= began);
        for earlier in self.looks.iter().filter(|earlier| earlier.at < began) {
            case.look_before(earlier);
        }
        let within = self.looks.iter().filter(|earlier| earlier.at >= began);
        let until = recovery.map(|recovery| recovery.first_sent);
        for earlier in within.chain([look]) {
            let is_over = until.filter(|until| earlier.at >= *until);
            case.look(earlier, &mut self.order, is_over);
        }
        // What became of the first requests may be known before or after the first look.
        for probe in self.looks.iter().chain([look]).flat_map(probes_of_gateway) {
            if until.is_none_or(|until| probe.sent + look.interval < until) {
                case.ping_of_gateway(*probe);
            }
        }
        let continues = self
            .memory
            .last
            .as_ref()
            .filter(|last| began.saturating_sub(last.ended) <= JOINED)
            .map(|last| last.id.clone());
        let at = clock.back_to(Moment { unix: clock.unix, boot: Some(began) });
        let counted = recovery.map_or(look.at, |recovery| recovery.first_at);
        self.totals.outage += counted.saturating_sub(began);
        let shown = id.clone();
        let open = Open {
            id,
            continues: continues.clone(),
            began: at,
            case,
            before_boot: None,
            recovery,
            counted,
            unseen: Duration::ZERO,
        };
        let verdict = open.verdict(look.at);
        self.memory.open = Some(open);
        News::Began(Began { id: shown, at, continues, verdict })
    }

    /// What a look says about an outage that was there.
    fn go_on(&mut self, mut open: Open, look: &Look, clock: Moment, gap: Duration) -> Option<News> {
        open.unseen += gap;
        if !gap.is_zero() {
            (open.recovery, open.counted) = (None, look.at);
        }
        self.recover(&mut open, look);
        let until = open.recovery.map(|recovery| recovery.first_sent);
        open.case.look(look, &mut self.order, until);
        for probe in probes_of_gateway(look) {
            // What answers when the line is back says nothing about why it was gone.
            if until.is_none_or(|until| probe.sent + look.interval < until) {
                open.case.ping_of_gateway(*probe);
            }
        }
        let end = open.recovery.map_or(look.at, |recovery| recovery.first_at.max(open.case.began));
        self.totals.outage += end.saturating_sub(open.counted);
        open.counted = open.counted.max(end);
        let is_over = open
            .recovery
            .is_some_and(|recovery| recovery.last_sent >= recovery.first_sent + RECOVERED);
        if !is_over {
            self.memory.open = Some(open);
            return None;
        }
        let verdict = open.verdict(end);
        let ended = Ended {
            began: open.began,
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
        self.memory.past.push_back(ended.clone());
        if self.memory.past.len() > PAST_KEPT {
            self.memory.past.pop_front();
        }
        Some(News::Ended(ended, Box::new(open.case)))
    }

    /// Follows the run of answers that may be the end.
    fn recover(&self, open: &mut Open, look: &Look) {
        if look.targets.is_empty() {
            open.recovery = (look.wan.state == State::Up).then(|| {
                let told = self.signs.iter().rev().find(|noted| noted.sign == Sign::WanUp);
                let told = told.map(|noted| noted.at).filter(|at| *at >= open.case.began);
                let since = told.unwrap_or(look.at);
                let first = open.recovery.map_or(since, |recovery| recovery.first_at);
                Recovery { first_sent: first, first_at: first, last_sent: look.at }
            });
            return;
        }
        // One lost request does not break a run.
        let longest = (look.interval * 5 / 2).max(Duration::from_millis(2500));
        let mut answers: Vec<Answer> = look
            .targets
            .iter()
            .flat_map(|pinged| &pinged.probes)
            .filter_map(|probe| Some(Answer { sent: probe.sent, at: probe.answered? }))
            .filter(|answer| answer.sent >= open.case.began)
            .collect();
        answers.sort_by_key(|answer| answer.sent);
        for Answer { sent, at } in answers {
            open.recovery = match open.recovery {
                Some(run) if sent <= run.last_sent + longest => {
                    Some(Recovery { last_sent: run.last_sent.max(sent), ..run })
                }
                _ => Some(Recovery { first_sent: sent, first_at: at, last_sent: sent }),
            };
        }
        let patience = longest + Duration::from_secs(1);
        if open.recovery.is_some_and(|run| look.at > run.last_sent + patience) {
            open.recovery = None;
        }
    }
}

fn probes_of_gateway(look: &Look) -> impl Iterator<Item = &Probe> {
    look.gateway.iter().flat_map(|gateway| &gateway.probes)
}
