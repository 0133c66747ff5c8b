//! All that is known of the last seconds, and whether it proves an outage. Pure; used by
//! the detector.

use std::collections::VecDeque;
use std::time::Duration;

use super::case::{Case, Noted};
use super::look::{Dns, Look, Probe};
use super::outage::{Proof, Recovery, last_up};
use super::reach::{Hole, Reach, Silence, Track, losses_that_count, losses_within};
use super::sign::Sign;
use super::vocabulary::Degradation;
use crate::collectors::wan::State;

/// Silence of targets that are all in one network, with a second sign.
const ONE_NETWORK: Duration = Duration::from_secs(5);
/// Signs that may be about an outage: said so long before its first lost request.
const PRELUDE: Duration = Duration::from_secs(10);
/// A second sign comes with the silence, or while LCP waits for five echoes.
const SECOND_SIGN: Duration = Duration::from_secs(30);
/// Next hop and resolvers that have been silent for longer prove nothing by it.
const MEMORY: Duration = Duration::from_secs(60);
/// What a log says about a short drop stands at most so long before its first lost request.
const TOLD_BEFORE: Duration = Duration::from_secs(2);
/// Stamps of logs are whole seconds.
const STAMP: Duration = Duration::from_secs(1);
/// Answers so long after the WAN went down came by another way.
const BACKUP: Duration = Duration::from_secs(2);

/// Enough for what was before, at one look a second.
const LOOKS_KEPT: usize = 16;
const SIGNS_KEPT: usize = 64;

/// What has been seen and said lately.
#[derive(Debug, Default)]
pub(super) struct Witnesses {
    reach: Reach,
    gateway: Option<Track>,
    looks: VecDeque<Look>,
    /// An older one, from before the targets fell silent.
    well: Option<Look>,
    signs: VecDeque<Noted>,
    pub(super) order: u32,
    /// Since when the WAN is down.
    wan_down: Option<Duration>,
    /// When a resolver answered last, and since when none does.
    dns_answered: Option<Duration>,
    dns_failing: Option<Duration>,
}

/// An outage that convinces.
pub(super) struct Found {
    pub(super) began: Duration,
    pub(super) proof: Proof,
    /// It may be over already.
    pub(super) recovery: Option<Recovery>,
}

impl Witnesses {
    pub(super) fn note(&mut self, sign: Sign, at: Duration) -> Noted {
        self.order = self.order.saturating_add(1);
        let noted = Noted { sign, at, order: self.order };
        self.signs.push_back(noted);
        if self.signs.len() > SIGNS_KEPT {
            self.signs.pop_front();
        }
        noted
    }

    pub(super) fn take(&mut self, look: &Look) {
        self.reach.take(look);
        match &look.gateway {
            Some(gateway) => self
                .gateway
                .get_or_insert_with(|| Track::new(gateway.host.clone()))
                .take(gateway, look.at),
            None => self.gateway = None,
        }
        match look.dns {
            Some(Dns { at, is_answered: true }) => {
                (self.dns_answered, self.dns_failing) = (Some(at), None);
            }
            Some(Dns { at, is_answered: false }) => {
                self.dns_failing.get_or_insert(at);
            }
            None => (self.dns_answered, self.dns_failing) = (None, None),
        }
        self.watch_wan(look);
    }

    /// Keeps a look for the next ones.
    pub(super) fn keep(&mut self, look: Look) {
        self.looks.push_back(look);
        if self.looks.len() > LOOKS_KEPT
            && let Some(oldest) = self.looks.pop_front()
            && self.reach.silence().is_none_or(|silence| silence.began > oldest.at)
        {
            self.well = Some(oldest);
        }
    }

    /// Nobody looked for a while: runs do not span what nobody saw.
    pub(super) fn forget(&mut self) {
        self.reach.forget_runs();
        self.looks.clear();
        self.well = None;
        if let Some(gateway) = &mut self.gateway {
            gateway.lost = None;
        }
    }

    pub(super) fn has_answer(&self) -> bool {
        self.reach.last_answer().is_some()
    }

    pub(super) fn is_watching(&self, look: &Look) -> bool {
        self.reach.is_watching(look)
    }

    /// When netifd said last that the WAN is up.
    pub(super) fn up_told(&self) -> Option<Duration> {
        last_up(self.signs.iter())
    }

    /// Since the sign that says so, if there is one.
    fn watch_wan(&mut self, look: &Look) {
        match look.wan.state {
            State::Down if self.wan_down.is_none() => {
                let signs = self.signs.iter().rev();
                let fresh = signs
                    .take_while(|noted| noted.sign != Sign::WanUp && noted.at + PRELUDE >= look.at)
                    .filter(|noted| noted.sign.ends_the_way());
                self.wan_down = fresh.map(|noted| noted.at).min().or(Some(look.at));
            }
            State::Down | State::Unknown => {}
            State::Up => self.wan_down = None,
        }
    }

    pub(super) fn degradations(&self, look: &Look) -> Vec<Degradation> {
        let mut found = self.reach.degradations(look);
        let silence = self.reach.silence();
        if look.dns.is_some_and(|dns| !dns.is_answered) && silence.is_none() {
            found.push(Degradation::Dns);
        }
        let needed = losses_that_count(look.interval);
        if silence.is_some_and(|silence| silence.run >= needed) {
            found.push(Degradation::Unproven);
        }
        found
    }

    /// The outage of which this look convinces; what was until `last_end` has been told.
    pub(super) fn convinced(&self, look: &Look, last_end: Duration) -> Option<Found> {
        let went_down = self.wan_down.filter(|_| look.wan.state == State::Down);
        let by_silence = |began| Proof::Silence(self.reach.witnesses(began));
        let silence = self.reach.silence();
        if let Some(silence) = silence.filter(|silence| silence.run > 0) {
            // Of what has been silent for long, only the interface says anything new.
            let (began, proof) = match went_down {
                Some(down) if down > silence.began + SECOND_SIGN => (down, Proof::Interface),
                _ => (silence.began, by_silence(silence.began)),
            };
            let is_proven = self.is_proven(look, silence, went_down);
            return is_proven.then_some(Found { began, proof, recovery: None });
        }
        if let Some(hole) = self.proven_hole(look, last_end) {
            let recovery = Some(Recovery { first: hole.first, last: hole.last });
            let began = hole.silence.began;
            return Some(Found { began, proof: by_silence(began), recovery });
        }
        // Nobody whose silence would say anything: never heard, or not for long.
        let is_deaf = look.targets.is_empty() || silence.is_some() || !self.reach.has_fates();
        let began = went_down.filter(|_| is_deaf && !self.is_backed_up())?;
        Some(Found { began, proof: Proof::Interface, recovery: None })
    }

    /// What is answered while the WAN is down goes another way.
    fn is_backed_up(&self) -> bool {
        self.wan_down
            .zip(self.reach.last_answer())
            .is_some_and(|(down, answer)| answer.sent > down + BACKUP)
    }

    fn is_proven(&self, look: &Look, silence: Silence, went_down: Option<Duration>) -> bool {
        let is_down = went_down.is_some() && !self.is_backed_up();
        let is_long = silence.run >= losses_that_count(look.interval);
        let is_longer = silence.run >= losses_within(ONE_NETWORK, look.interval);
        is_down
            || (silence.networks >= 2 && is_long)
            || (silence.networks == 1 && is_longer && self.has_second_sign(look, silence.began))
    }

    /// A silence that was over before all of its losses were known.
    fn proven_hole(&self, look: &Look, from: Duration) -> Option<Hole> {
        // Only a loss or a sign can make one that was not there a second ago.
        let mut probes = look.targets.iter().flat_map(|pinged| &pinged.probes);
        let is_lost = probes.any(|probe| probe.answered.is_none());
        let is_told = self.signs.back().is_some_and(|noted| noted.at + PRELUDE >= look.at);
        if !is_lost && !is_told {
            return None;
        }
        let needed = losses_that_count(look.interval);
        self.reach.holes(from, look.interval).into_iter().find(|hole| {
            let silence = hole.silence;
            let is_told = self.signs.iter().any(|noted| {
                noted.sign.ends_the_way()
                    && noted.at + TOLD_BEFORE >= silence.began
                    && noted.at <= hole.first.sent
            });
            is_told || (silence.networks >= 2 && silence.run >= needed)
        })
    }

    /// Somebody else than the targets is gone as well, since then.
    fn has_second_sign(&self, look: &Look, began: Duration) -> bool {
        let is_gateway_dead = self.gateway.as_ref().is_some_and(|gateway| {
            gateway.lost.is_some_and(|lost| lost.count >= 2 && lost.since <= began + SECOND_SIGN)
                && gateway.answered.is_some_and(|answer| answer.at + MEMORY >= began)
        });
        let is_with_it = |at: Duration| at + TOLD_BEFORE >= began && at <= began + SECOND_SIGN;
        let is_dns_dead = self.dns_failing.is_some_and(is_with_it)
            && self.dns_answered.is_some_and(|at| at + MEMORY >= began);
        let is_lcp_dead = look.lcp.is_some_and(|lcp| lcp.is_silent_since(began, look.at));
        let is_session_over = self.signs.iter().any(|noted| {
            noted.sign.ends_the_way()
                && noted.at + PRELUDE >= began
                && noted.at <= began + SECOND_SIGN
        });
        is_gateway_dead
            || is_dns_dead
            || is_lcp_dead
            || is_session_over
            || (look.port.carrier == Some(false) && look.at <= began + SECOND_SIGN)
    }

    /// What is known of an outage when it is found.
    pub(super) fn evidence(&mut self, found: &Found, look: &Look, mut case: Case) -> Case {
        let began = found.began;
        // What was said before a request that was answered was over by then, or harmless;
        // what is seen after it may be the fault, before the first request that it costs.
        let answered = self.reach.answered_before(began);
        let well_until = answered.unwrap_or(began);
        case.hear_from(
            began.saturating_sub(PRELUDE).max(answered.unwrap_or_default().saturating_sub(STAMP)),
            began.saturating_sub(TOLD_BEFORE),
        );
        self.signs.iter().for_each(|noted| case.note(*noted));
        if let Some(gateway) = &self.gateway {
            case.gateway.is_sparing = self.reach.is_sparing(gateway, began, look.interval);
            let answered = gateway.answered.map(|answer| answer.at);
            case.gateway.before = answered.filter(|at| *at + MEMORY >= began);
        }
        case.is_backed_up = self.is_backed_up();
        let earlier = self.well.iter().chain(&self.looks);
        earlier.filter(|look| look.at <= well_until).for_each(|look| case.look_before(look));
        let until = found.recovery.map(|recovery| recovery.first.sent);
        for look in self.looks.iter().filter(|look| look.at > well_until).chain([look]) {
            case.look(look, &mut self.order, until.filter(|until| look.at >= *until));
        }
        // What became of the first requests may be known before or after the first look.
        for look in self.looks.iter().chain([look]) {
            case.take_pings(look, until);
        }
        case
    }
}

/// Requests that the next hop was sent.
pub(super) fn pings_of_gateway(look: &Look) -> impl Iterator<Item = &Probe> {
    look.gateway.iter().flat_map(|gateway| &gateway.probes)
}
