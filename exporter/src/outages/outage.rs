//! An outage from its begin to its end, and what is kept of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::judge::{Verdict, judge};
use super::look::Look;
use super::reach::Answer;
use super::sign::Sign;
use crate::collectors::wan::State;
use crate::events::event::Moment;

/// A run of answers that lasts so long is the end.
const RECOVERED: Duration = Duration::from_secs(5);

/// An outage that goes on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Open {
    pub(super) id: String,
    pub(super) continues: Option<String>,
    pub(super) began: Moment,
    pub(super) case: Case,
    pub(super) proof: Proof,
    /// The router started anew meanwhile: what was known until then.
    pub(super) before_boot: Option<Verdict>,
    pub(super) recovery: Option<Recovery>,
    /// Until when it is in the total.
    pub(super) counted: Duration,
    /// Stretches that nobody saw.
    pub(super) unseen: Duration,
}

/// What it was proven by, and so what ends it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Proof {
    /// Nobody was there whose silence proves anything.
    #[default]
    Interface,
    /// These targets fell silent.
    Silence(Vec<String>),
}

/// A run of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recovery {
    pub(super) first: Answer,
    pub(super) last: Answer,
}

/// The last outage that is over, for the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastDrop {
    /// The first of those that belong together.
    pub(super) id: String,
    pub(super) ended: Duration,
}

/// An outage that has just been found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Began {
    pub(super) id: String,
    pub(super) at: Moment,
    pub(super) continues: Option<String>,
    pub(super) verdict: Verdict,
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
pub(super) enum News {
    Began(Began),
    /// With the evidence.
    Ended(Ended, Box<Case>),
}

impl Recovery {
    /// Takes in a later answer, if it belongs to the same run; `longest`: pause within one.
    fn extended(self, answer: Answer, longest: Duration) -> Option<Self> {
        let belongs = answer.sent <= self.last.sent + longest;
        let last = if answer.sent > self.last.sent { answer } else { self.last };
        belongs.then_some(Self { last, ..self })
    }
}

impl Open {
    pub(super) fn verdict(&self, now: Duration) -> Verdict {
        self.before_boot.unwrap_or_else(|| judge(&self.case, now))
    }

    /// Is the run of answers long enough to be the end?
    pub(super) fn is_over(&self) -> bool {
        self.recovery.is_some_and(|run| run.last.sent >= run.first.sent + RECOVERED)
    }

    /// Follows the run of answers that may be the end; `up_told`: when netifd said last that
    /// the WAN is up.
    pub(super) fn recover(&mut self, look: &Look, up_told: Option<Duration>) {
        // One lost request does not break a run.
        let longest = (look.interval * 5 / 2).max(Duration::from_millis(2500));
        let began = self.case.began;
        let probes = look.targets.iter().flat_map(|pinged| &pinged.probes);
        let mut answers: Vec<Answer> = probes
            .filter_map(|probe| Some(Answer { sent: probe.sent, at: probe.answered? }))
            .filter(|answer| answer.sent >= began)
            .collect();
        answers.sort_by_key(|answer| answer.sent);
        for answer in answers {
            let extended = self.recovery.and_then(|run| run.extended(answer, longest));
            self.recovery = extended.or(Some(Recovery { first: answer, last: answer }));
        }
        if look.wan.state == State::Up && self.is_ended_by_interface(look) {
            let since = up_told.filter(|at| *at >= began).unwrap_or(look.at);
            let up = |at| Answer { sent: at, at };
            let first = self.recovery.map_or(up(since), |run| run.first);
            self.recovery = Some(Recovery { first, last: up(look.at) });
        }
        // Answers may take long, and are counted from when they came.
        let patience = longest + Duration::from_secs(1);
        if self.recovery.is_some_and(|run| look.at > run.last.at + patience) {
            self.recovery = None;
        }
    }

    /// Is nobody left among the targets whose answer would be the end?
    fn is_ended_by_interface(&self, look: &Look) -> bool {
        match &self.proof {
            // After a start targets have not had a chance to answer yet.
            Proof::Interface if self.case.is_boot => look.targets.is_empty(),
            Proof::Interface => true,
            Proof::Silence(hosts) => !look.targets.iter().any(|known| hosts.contains(&known.host)),
        }
    }
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

/// When the WAN came up last, as far as the log says.
pub(super) fn last_up<'a>(
    signs: impl DoubleEndedIterator<Item = &'a super::case::Noted>,
) -> Option<Duration> {
    signs.rev().find(|noted| noted.sign == Sign::WanUp).map(|noted| noted.at)
}
