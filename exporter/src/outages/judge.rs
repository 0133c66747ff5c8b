//! Why, and on whose side: the first layer that failed, from the evidence of an outage.
//!
//! Pure. A side is named only where the evidence leaves no other; else it is unknown. The
//! method in words is `docs/outages.md`, and `scenarios/` holds what it must get right.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::case::{Case, Noted};
use super::look::Light;
use super::sign::Sign;
use super::vocabulary::{Cause, Side};

/// A cause is there when the first request is lost, or a moment later: logs have whole
/// seconds, counters are looked at every second.
const AT_ONCE: Duration = Duration::from_secs(2);

/// pppd waits for five echoes, one a second, or longer as set by the user.
const ECHO_PATIENCE: Duration = Duration::from_secs(60);

/// A dial that follows within so long is what was wanted.
const SET_UP_SOON: Duration = Duration::from_secs(10);

/// What a redial takes at most, if nothing else is wrong: sessions that an access server
/// still holds are refused for a while.
const REDIAL: Duration = Duration::from_secs(60);

/// What a start takes at most, modem and optical terminal included.
const START: Duration = Duration::from_secs(300);

/// Counters and logs tell the same moment this far apart.
const BLUR: Duration = Duration::from_millis(1500);

/// Who did it, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) cause: Cause,
    pub(crate) side: Side,
}

fn verdict(cause: Cause, side: Side) -> Verdict {
    Verdict { cause, side }
}

/// Judges what is known until `now`.
pub(crate) fn judge(case: &Case, now: Duration) -> Verdict {
    let judged = Judged { case, now };
    // What carried the traffic is not what is watched here.
    if case.is_backed_up {
        return verdict(Cause::Unknown, Side::Unknown);
    }
    judged
        .by_router_start()
        .or_else(|| judged.by_line())
        .or_else(|| judged.by_own_action())
        .or_else(|| judged.by_port())
        .or_else(|| judged.by_session())
        .or_else(|| judged.by_dhcp())
        .or_else(|| judged.by_reach())
        .or_else(|| {
            let settings = if case.has_worked { Settings::Proven } else { Settings::Doubtful };
            judged.by_dial(settings)
        })
        .unwrap_or(verdict(Cause::Unknown, Side::Unknown))
}

struct Judged<'a> {
    case: &'a Case,
    now: Duration,
}

impl Judged<'_> {
    /// Was it there when the outage began?
    fn is_at_once(&self, at: Duration) -> bool {
        at <= self.case.began + AT_ONCE + self.case.interval
    }

    /// The first of these signs, if it was there when the outage began.
    fn at_once(&self, is_meant: impl Fn(Sign) -> bool) -> Option<Noted> {
        self.case.first(is_meant).filter(|noted| self.is_at_once(noted.at))
    }

    /// Measured light says that the line itself works.
    fn is_light_fine(&self) -> bool {
        // Light that arrives says nothing about a laser that is dead at this end.
        let is_well = |light: Light| light.is_enough() && light.is_sending != Some(false);
        self.case.light_first.is_some_and(is_well) && self.case.light_lost.is_none()
    }

    /// Nobody but the provider is left where the light arrives.
    fn behind_the_line(&self) -> Side {
        if self.is_light_fine() { Side::Provider } else { Side::Unknown }
    }

    /// After a start of the router nothing works until it has dialled; modems and optical
    /// modules start as well.
    fn by_router_start(&self) -> Option<Verdict> {
        if !self.case.is_boot {
            return None;
        }
        let is_started = self.now.saturating_sub(self.case.began) > START;
        let is_refused = self
            .case
            .first(|sign| matches!(sign, Sign::PasswordRefused | Sign::SessionRefused))
            .is_some_and(|refused| self.now > refused.at + REDIAL);
        let line = || self.by_line().or_else(|| self.by_port()).filter(|_| is_started);
        let dial = || self.by_dial(Settings::Doubtful).filter(|_| is_started || is_refused);
        // Whose it is, only what was before could tell.
        let reach = || {
            let found = self.by_reach().filter(|_| is_started)?;
            Some(verdict(found.cause, Side::Unknown))
        };
        let is_told = line().or_else(dial).or_else(reach);
        Some(is_told.unwrap_or(match is_started {
            true => verdict(Cause::Unknown, Side::Unknown),
            false => verdict(Cause::RouterRestart, Side::House),
        }))
    }

    /// Light, the DSL line, the module.
    fn by_line(&self) -> Option<Verdict> {
        if self.at_once(|sign| sign == Sign::ModuleRemoved).is_some() {
            return Some(verdict(Cause::LocalLink, Side::House));
        }
        if self.at_once(|sign| sign == Sign::DslDown).is_some() {
            return Some(verdict(Cause::LocalLink, Side::Line));
        }
        let dark = self.case.light_lost?;
        // Weak light that has always been enough is no cause.
        let before = self.case.light_before;
        let fine_before = before.map_or(!dark.is_there, |before| dark.is_worse_than(&before));
        // Light that was there when the outage had begun is not what began it.
        let fine_within = self.case.light_first.is_some_and(|first| first.read < dark.read);
        (fine_before && !fine_within).then(|| verdict(Cause::OpticalSignal, Side::Line))
    }

    /// The carrier, unless the end of the session or of the interface came first: those who
    /// take an interface down may take its device down as well.
    fn by_port(&self) -> Option<Verdict> {
        if self.at_once(|sign| sign == Sign::SendingStuck).is_some() {
            return Some(verdict(Cause::LocalLink, Side::House));
        }
        let told = self.at_once(|sign| matches!(sign, Sign::CarrierLost | Sign::NoLink));
        let counted = self.at_once(|sign| sign == Sign::CarrierCounted);
        let end = self.case.first(Sign::is_end);
        let is_first = match (told, counted, end) {
            (None, None, _) => return None,
            (Some(_), _, None) | (None, Some(_), None) => true,
            (Some(told), _, Some(end)) => told.order < end.order,
            (None, Some(counted), Some(end)) => {
                if counted.at.abs_diff(end.at) <= BLUR {
                    return Some(self.carrier_and_end(end));
                }
                counted.at < end.at
            }
        };
        is_first.then(|| {
            // Light without a link: the module, or what is at the other end of the fibre.
            let side = if self.is_light_fine() { Side::Unknown } else { Side::House };
            verdict(Cause::LocalLink, side)
        })
    }

    /// A carrier lost and an end in the same second, and no log says which was first.
    fn carrier_and_end(&self, end: Noted) -> Verdict {
        match end.sign {
            // Each leads to the other, and both are of this house.
            Sign::EndedHere | Sign::WanDown | Sign::Disabled => {
                verdict(Cause::Unknown, Side::House)
            }
            _ => verdict(Cause::Unknown, Side::Unknown),
        }
    }

    /// This router was told to, before anything had failed.
    fn by_own_action(&self) -> Option<Verdict> {
        let case = self.case;
        let own = case.signs.iter().copied().find(|noted| is_own_action(*noted, case))?;
        let failed = case.first(is_failure);
        let off = case.first(|sign| matches!(sign, Sign::SwitchedOff | Sign::DeviceOff));
        let is_first = failed.is_none_or(|failed| {
            own.order < failed.order || off.is_some_and(|off| explains(off, failed))
        });
        // Only a log says in which order a carrier and a stopped pppd were.
        let is_clear = off.is_some()
            || failed.is_none_or(|failed| {
                failed.sign != Sign::CarrierCounted || failed.at > own.at + BLUR
            });
        if !self.is_at_once(own.at) || !is_first || !is_clear {
            return None;
        }
        let is_set_up = case.signs.iter().any(|noted| {
            noted.sign.is_recovery()
                && !matches!(noted.sign, Sign::CarrierBack | Sign::ModuleInserted)
                && noted.order > own.order
                && noted.at <= own.at + SET_UP_SOON
        });
        let is_planned = own.sign != Sign::Watchdog
            && !case.has(Sign::Watchdog)
            && (is_set_up || case.has(Sign::Scheduled));
        let cause = if is_planned { Cause::PlannedRedial } else { Cause::Administrator };
        // What was asked for is over; what goes on is something else.
        let is_over = is_planned && self.now > own.at + REDIAL;
        let dialled = self.by_dial(Settings::Doubtful).filter(|_| is_over);
        Some(dialled.unwrap_or(verdict(cause, Side::House)))
    }

    /// How the session ended.
    fn by_session(&self) -> Option<Verdict> {
        let end = self.case.first(|sign| {
            matches!(
                sign,
                Sign::EndedByProvider
                    | Sign::Hangup
                    | Sign::EchoTimeout
                    | Sign::LeaseLost
                    | Sign::LeaseRefused
                    // Who is refused is hung up on as well.
                    | Sign::PasswordRefused
                    | Sign::SessionRefused
            )
        })?;
        match end.sign {
            Sign::EndedByProvider if self.is_at_once(end.at) => {
                Some(verdict(Cause::ProviderTerminated, Side::Provider))
            }
            Sign::Hangup if self.is_at_once(end.at) => Some(if self.has_kept_carrier(end) {
                verdict(Cause::ProviderTerminated, Side::Provider)
            } else {
                verdict(Cause::Unknown, Side::Unknown)
            }),
            // While the next hop still answers, the silence of LCP came later.
            Sign::EchoTimeout
                if end.at <= self.case.began + ECHO_PATIENCE && !self.case.gateway.is_alive() =>
            {
                Some(verdict(Cause::AccessServerSilent, self.behind_the_line()))
            }
            _ => None,
        }
    }

    /// In the kernel a PADT leaves no other trace than a hang-up, nor does a device that is
    /// gone: so the carrier must be known to have outlasted it. A redial may bounce it.
    fn has_kept_carrier(&self, hangup: Noted) -> bool {
        let told = self.case.first(|sign| matches!(sign, Sign::CarrierLost | Sign::NoLink));
        let is_torn_down = |until: Noted| {
            self.case.signs.iter().any(|noted| {
                matches!(noted.sign, Sign::WanLost | Sign::WanDown | Sign::Disabled)
                    && (hangup.order..until.order).contains(&noted.order)
            })
        };
        match told {
            Some(told) => told.order > hangup.order && is_torn_down(told),
            None => self.case.carrier_kept.is_some_and(|at| at >= hangup.at),
        }
    }

    /// The lease ended, and with it the way.
    fn by_dhcp(&self) -> Option<Verdict> {
        let lease = self.at_once(|sign| matches!(sign, Sign::LeaseLost | Sign::LeaseRefused));
        let none = self.at_once(|sign| sign == Sign::NoLease);
        match (lease, none) {
            // All was well to the very end: only the server is left.
            (Some(_), _) => Some(verdict(Cause::Dhcp, self.unless_in_house(Side::Provider))),
            (None, Some(_)) => Some(verdict(Cause::Dhcp, Side::Unknown)),
            (None, None) => None,
        }
    }

    /// How far packets still go.
    fn by_reach(&self) -> Option<Verdict> {
        let case = self.case;
        // Without a session or a lease nobody can answer, whoever lives.
        let is_down = case.wan_down.is_some_and(|at| self.is_at_once(at));
        if is_down || self.at_once(Sign::is_end).is_some() {
            return None;
        }
        if case.goes_another_way {
            return Some(verdict(Cause::Unknown, Side::Unknown));
        }
        // The way is there, and this router does not take it.
        if case.unsent > 0 && case.sent == 0 && case.gateway.is_alive() {
            return Some(verdict(Cause::Unknown, Side::House));
        }
        if case.lcp.is_dead() {
            return Some(verdict(Cause::AccessServerSilent, self.behind_the_line()));
        }
        // The access server lives, and passes nothing on.
        if case.lcp.is_alive() {
            return Some(verdict(Cause::BeyondGateway, Side::Provider));
        }
        if case.gateway.is_alive() {
            let side = self.unless_in_house(Side::Provider);
            return Some(verdict(Cause::BeyondGateway, side));
        }
        if case.gateway.is_dead() {
            let side = self.unless_in_house(self.behind_the_line());
            return Some(verdict(Cause::Gateway, side));
        }
        None
    }

    /// Why there is no session, where nothing says how the last one ended.
    fn by_dial(&self, settings: Settings) -> Option<Verdict> {
        let failed = self.case.first(|sign| {
            matches!(
                sign,
                Sign::NoAccessServer
                    | Sign::NoSession
                    | Sign::SessionRefused
                    | Sign::PasswordRefused
                    | Sign::NoAgreement
                    | Sign::NoLease
            )
        })?;
        let cause = match failed.sign {
            Sign::PasswordRefused | Sign::SessionRefused => Cause::AccessRefused,
            Sign::NoAgreement => Cause::AccessServerSilent,
            Sign::NoLease => Cause::Dhcp,
            _ => Cause::Discovery,
        };
        let side = match (settings, failed.sign) {
            // A wrong VLAN is as silent as a dead line.
            (Settings::Doubtful, _) => Side::Unknown,
            // An account has many reasons.
            (Settings::Proven, Sign::PasswordRefused | Sign::NoLease) => Side::Unknown,
            (Settings::Proven, Sign::SessionRefused) => Side::Provider,
            (Settings::Proven, _) => self.behind_the_line(),
        };
        Some(verdict(cause, side))
    }

    /// A box in this house says nothing about the line behind it.
    fn unless_in_house(&self, side: Side) -> Side {
        if self.case.is_gateway_in_house == Some(false) { side } else { Side::Unknown }
    }
}

/// May the settings be at fault?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settings {
    /// They worked a moment ago, and nobody has touched them.
    Proven,
    Doubtful,
}

/// Did this router take its WAN down? What is only announced counts if nothing had failed
/// yet: watchdogs act when the line is dead, and many scheduled commands do nothing.
fn is_own_action(noted: Noted, case: &Case) -> bool {
    match noted.sign {
        Sign::SwitchedOff | Sign::DeviceOff | Sign::EndedHere | Sign::Disabled => true,
        Sign::Watchdog => noted.at <= case.began,
        _ => false,
    }
}

/// Something else than an action of this router.
fn is_failure(sign: Sign) -> bool {
    matches!(
        sign,
        Sign::CarrierLost
            | Sign::NoLink
            | Sign::CarrierCounted
            | Sign::PasswordRefused
            | Sign::SessionRefused
            | Sign::Hangup
            | Sign::EndedByProvider
            | Sign::EchoTimeout
            | Sign::SessionOver
            | Sign::LeaseLost
            | Sign::LeaseRefused
            | Sign::WanLost
    )
}

/// Does a switch, seen a moment later, explain what looked like a failure? netifd gives an
/// interface up after refusals as well; a device that is off takes session and link along.
fn explains(off: Noted, failed: Noted) -> bool {
    let is_link = matches!(failed.sign, Sign::CarrierLost | Sign::NoLink | Sign::CarrierCounted);
    let is_end = matches!(failed.sign, Sign::Hangup | Sign::SessionOver | Sign::WanLost);
    let is_meant = is_link || (is_end && off.sign == Sign::DeviceOff);
    is_meant && off.at <= failed.at + AT_ONCE
}
