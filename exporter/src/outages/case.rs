//! The evidence of one outage: which witness failed when. Pure; bounded however long the
//! outage lasts; saved, so that a new start of the program goes on with it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::look::{Lcp, Light, Look, Port, Probe};
use super::sign::Sign;
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) began: Duration,
    /// Between two pings.
    pub(crate) interval: Duration,
    /// In the order they were said.
    pub(crate) signs: Vec<Noted>,
    /// Signs that repeated those that are kept.
    pub(crate) repeated: u32,
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
    /// A crash of the kernel may be why.
    pub(crate) has_crash_record: bool,
}

impl Case {
    pub(super) fn new(began: Duration, interval: Duration, is_boot: bool) -> Self {
        Self {
            began,
            interval,
            signs: Vec::new(),
            repeated: 0,
            gateway: Witness::default(),
            is_gateway_in_house: None,
            lcp: Witness::default(),
            dns: Witness::default(),
            lcp_heard: None,
            dns_heard: None,
            port_before: None,
            carrier_kept: None,
            light_before: None,
            light_first: None,
            light_lost: None,
            light_after: None,
            wan_down: None,
            is_boot,
            has_worked: false,
            has_crash_record: false,
        }
    }

    /// Takes in a sign, wherever it belongs by its order.
    pub(super) fn note(&mut self, noted: Noted) {
        let same = self.signs.iter().filter(|known| known.sign == noted.sign);
        if same.count() >= PER_SIGN {
            self.repeated = self.repeated.saturating_add(1);
            return;
        }
        let later = self.signs.iter().rev().take_while(|known| known.order > noted.order).count();
        self.signs.insert(self.signs.len() - later, noted);
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
        self.light_before = look.light.or(self.light_before);
        if let Some(lcp) = look.lcp {
            // Where pppd asks only while the line is idle, replies may be hours old.
            let patience = lcp.interval.max(Duration::from_secs(1)) * 3;
            self.lcp.before = lcp.replied.filter(|at| *at + patience >= self.began);
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
                *order += 1;
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
        if look.wan.is_switched_off {
            seen(self, Sign::SwitchedOff);
        }
        if look.port.is_on == Some(false) {
            seen(self, Sign::DeviceOff);
        }
        self.is_gateway_in_house = look.wan.is_gateway_in_house.or(self.is_gateway_in_house);
        self.has_crash_record = look.has_crash_record;
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
        port.carrier == Some(false) || port.losses > before.losses
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

    /// Replies come at their own pace, so a look without one is a loss; the first reply may
    /// have been under way when the line failed.
    fn take_lcp(&mut self, lcp: Lcp, now: Duration) {
        let from = self.began + lcp.interval;
        if now <= from || now > self.began + EARLY {
            return;
        }
        if let Some(at) = lcp.replied.filter(|at| *at > from) {
            if self.lcp_heard.replace(at) != Some(at) {
                self.lcp.take(true, at);
            }
        } else if lcp.replied.is_some() {
            self.lcp.take(false, from);
        }
    }

    /// A ping of the gateway.
    pub(super) fn ping_of_gateway(&mut self, probe: Probe) {
        if probe.sent >= self.began && probe.sent <= self.began + EARLY {
            self.gateway.take(probe.answered.is_some(), probe.sent);
        }
    }
}

impl Witness {
    fn take(&mut self, is_answered: bool, at: Duration) {
        if is_answered {
            self.answers += 1;
        } else {
            self.losses += 1;
            self.lost_since.get_or_insert(at);
        }
    }

    /// It went on answering, as much as it does.
    pub(crate) fn is_alive(&self) -> bool {
        (self.answers >= 2 && self.answers >= 3 * self.losses)
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
