//! The evidence of one outage: which witness failed when. Pure; bounded however long the
//! outage lasts; saved, so that a new start of the program goes on with it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::look::{Lcp, Light, Look, Port, Probe};
use super::sign::Sign;
use super::witnesses::pings_of_gateway;
use crate::collectors::wan::State;

/// Of one sign the first few are kept: later ones repeat them.
const PER_SIGN: usize = 4;

/// Witnesses that are asked all the time are heard on the first seconds: what fails later
/// follows from what failed first.
pub(super) const EARLY: Duration = Duration::from_secs(10);

/// A sign, when it was said, and its place among all signs: logs with whole seconds keep
/// their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noted {
    pub(crate) sign: Sign,
    pub(crate) at: Duration,
    pub(crate) order: u32,
}

/// Answers and losses of somebody who is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Witness {
    /// When it answered last before the outage.
    pub(crate) before: Option<Duration>,
    pub(crate) answers: u32,
    pub(crate) losses: u32,
    /// It left requests unanswered when all was well.
    pub(crate) is_sparing: bool,
    /// When the first request was sent that was lost.
    pub(crate) lost_since: Option<Duration>,
}

/// Everything known of one outage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Case {
    pub(crate) began: Duration,
    /// Signs of before are about something else: what happened, and what was announced.
    from: Duration,
    announced_from: Duration,
    /// Between two pings.
    pub(crate) interval: Duration,
    /// In the order they were said.
    pub(crate) signs: Vec<Noted>,
    pub(crate) gateway: Witness,
    pub(crate) is_gateway_in_house: Option<bool>,
    /// The access server, by LCP echoes.
    pub(crate) lcp: Witness,
    pub(crate) dns: Witness,
    /// The last reply and the last look-up that were counted.
    lcp_heard: Option<Duration>,
    dns_heard: Option<Duration>,
    /// As of the last look before.
    port_before: Option<Port>,
    was_switched_off: bool,
    /// The port was seen with its carrier, no loss counted, so late.
    pub(crate) carrier_kept: Option<Duration>,
    pub(crate) light_before: Option<Light>,
    /// The first reading within.
    pub(crate) light_first: Option<Light>,
    /// The first one without enough light.
    pub(crate) light_lost: Option<Light>,
    pub(crate) light_after: Option<Light>,
    /// When the WAN was first seen down.
    pub(crate) wan_down: Option<Duration>,
    /// Nothing has answered since the router started.
    pub(crate) is_boot: bool,
    /// Something has answered since the router started, before the outage.
    pub(crate) has_worked: bool,
    /// The WAN was down before, and something else carried the traffic.
    pub(crate) is_backed_up: bool,
    /// The targets are reached by another WAN or a VPN.
    pub(crate) goes_another_way: bool,
    /// Early requests to the targets that left this router, and that could not.
    pub(crate) sent: u32,
    pub(crate) unsent: u32,
    /// A crash of the kernel may be why.
    pub(crate) has_crash_record: bool,
}

impl Case {
    pub(super) fn new(began: Duration, interval: Duration, is_boot: bool) -> Self {
        Self { began, interval, is_boot, ..Self::default() }
    }

    /// Signs are heard from then on; announcements, from another moment on.
    pub(super) fn hear_from(&mut self, from: Duration, announced_from: Duration) {
        (self.from, self.announced_from) = (from, announced_from);
    }

    /// Takes in a sign, wherever it belongs by its order.
    pub(super) fn note(&mut self, noted: Noted) {
        let from = if noted.sign.is_announcement() { self.announced_from } else { self.from };
        if noted.at < from {
            return;
        }
        let same = self.signs.iter().filter(|known| known.sign == noted.sign);
        if same.count() >= PER_SIGN {
            return;
        }
        let later = self.signs.iter().rev().take_while(|known| known.order > noted.order).count();
        self.signs.insert(self.signs.len() - later, noted);
    }

    /// As restored from a file: no more than there may be.
    pub(super) fn make_bounded(&mut self) {
        let signs = std::mem::take(&mut self.signs);
        signs.into_iter().for_each(|noted| self.note(noted));
    }

    /// The first sign of one of these kinds.
    pub(crate) fn first(&self, is_meant: impl Fn(Sign) -> bool) -> Option<Noted> {
        self.signs.iter().copied().find(|noted| is_meant(noted.sign))
    }

    pub(crate) fn has(&self, sign: Sign) -> bool {
        self.signs.iter().any(|noted| noted.sign == sign)
    }

    /// How things stood before.
    pub(super) fn look_before(&mut self, look: &Look) {
        self.port_before = Some(look.port);
        self.was_switched_off = look.wan.is_switched_off;
        self.light_before = look.light.or(self.light_before);
        if let Some(lcp) = look.lcp {
            self.lcp.before = lcp.replied.filter(|at| *at + lcp.patience() >= self.began);
        }
        if let Some(dns) = look.dns.filter(|dns| dns.is_answered) {
            self.dns.before = Some(dns.at);
        }
    }

    /// How things stand; `until`: no target answered before it.
    pub(super) fn look(&mut self, look: &Look, order: &mut u32, until: Option<Duration>) {
        if look.wan.state == State::Down {
            self.wan_down.get_or_insert(look.at);
        }
        if let Some(light) = look.light {
            self.take_light(light);
        }
        if until.is_some() {
            return;
        }
        let mut seen = |case: &mut Self, sign: Sign| {
            if !case.has(sign) {
                *order = order.saturating_add(1);
                case.note(Noted { sign, at: look.at, order: *order });
            }
        };
        if self.has_lost_carrier(look.port) {
            seen(self, Sign::CarrierCounted);
        } else if look.port.carrier == Some(true) && look.at >= self.began {
            self.carrier_kept = Some(look.at);
        }
        // What netifd has against it explains why it has given up.
        for fault in &look.wan.faults {
            seen(self, *fault);
        }
        if look.wan.is_switched_off && !(self.was_switched_off && self.has_worked) {
            seen(self, Sign::SwitchedOff);
        }
        let was_on = self.port_before.is_none_or(|before| before.is_on != Some(false));
        if look.port.is_on == Some(false) && was_on {
            seen(self, Sign::DeviceOff);
        }
        self.is_gateway_in_house = look.wan.is_gateway_in_house.or(self.is_gateway_in_house);
        self.has_crash_record = look.has_crash_record;
        self.goes_another_way |= look.is_by_wan == Some(false);
        if let Some(lcp) = look.lcp {
            self.take_lcp(lcp, look.at);
        }
        if let Some(dns) = look.dns.filter(|dns| dns.at >= self.began)
            && self.dns_heard.replace(dns.at) != Some(dns.at)
        {
            self.dns.take(dns.is_answered, dns.at);
        }
    }

    fn has_lost_carrier(&mut self, port: Port) -> bool {
        let before = self.port_before.get_or_insert(port);
        if port.losses < before.losses {
            // The device was created anew: other counts.
            *before = port;
        }
        // What was never there may be why nothing works.
        let was_there = before.carrier != Some(false) || !self.has_worked;
        let is_gone = port.carrier == Some(false) && was_there;
        is_gone || port.losses > before.losses
    }

    fn take_light(&mut self, light: Light) {
        if light.read < self.began {
            self.light_before = Some(light);
            return;
        }
        self.light_first.get_or_insert(light);
        if !light.is_enough() {
            self.light_lost.get_or_insert(light);
        }
        self.light_after = Some(light);
    }

    /// Replies come at their own pace: one that is late is a loss.
    fn take_lcp(&mut self, lcp: Lcp, now: Duration) {
        /// What a reply may take, and this clock may be late.
        const SLACK: Duration = Duration::from_secs(1);
        if now > self.began + EARLY.max(lcp.interval * 3 + SLACK) {
            return;
        }
        let Some(replied) = lcp.replied else { return };
        if replied > self.began + SLACK {
            if self.lcp_heard.replace(replied) != Some(replied) {
                self.lcp.take(true, replied);
            }
        } else if now > replied.max(self.began) + lcp.interval + SLACK {
            self.lcp.take(false, now);
        }
    }

    /// Requests of a look; `until`: no target answered before it.
    pub(super) fn take_pings(&mut self, look: &Look, until: Option<Duration>) {
        let (began, last) = (self.began, self.began + EARLY);
        // What answers when the line is back says nothing about why it was gone.
        let is_early = |probe: &&Probe| {
            (began..=last).contains(&probe.sent)
                && until.is_none_or(|until| probe.sent + look.interval < until)
        };
        for probe in pings_of_gateway(look).filter(is_early) {
            self.gateway.take(probe.answered.is_some(), probe.sent);
        }
        let targets = look.targets.iter().flat_map(|pinged| &pinged.probes).filter(is_early);
        for probe in targets.filter(|probe| probe.answered.is_none()) {
            let count = if probe.was_sent { &mut self.sent } else { &mut self.unsent };
            *count = count.saturating_add(1);
        }
    }
}

impl Witness {
    fn take(&mut self, is_answered: bool, at: Duration) {
        if is_answered {
            self.answers = self.answers.saturating_add(1);
        } else {
            self.losses = self.losses.saturating_add(1);
            self.lost_since.get_or_insert(at);
        }
    }

    /// It went on answering, as much as it does.
    pub(crate) fn is_alive(&self) -> bool {
        (self.answers >= 2 && self.answers >= self.losses.saturating_mul(3))
            || (self.answers >= 3 && self.answers >= self.losses)
    }

    /// It used to answer, and stopped.
    pub(crate) fn is_dead(&self) -> bool {
        /// Fewer may be chance with one that answers a third.
        const SPARING_LOSSES: u32 = 8;
        let needed = if self.is_sparing { SPARING_LOSSES } else { 2 };
        self.before.is_some() && self.answers == 0 && self.losses >= needed
    }
}
