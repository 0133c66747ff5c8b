//! From a line to what is told: whose session it is about, whether it is news, and what
//! follows from it.
//!
//! `run` and `replay` share this. Pure; its state is small and can be saved, so that a new
//! start of the program does not tell an outage twice.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::event::Told;
use super::kind::Kind;
use super::names::Names;
use super::parse::envelope::Line;
use super::parse::{Family, Meaning, parse};
use super::recovery::{LogTime, Recoveries};
use super::sessions::Sessions;
pub(crate) use super::suppression::Initial;
use super::suppression::Suppression;
use crate::outages::Sign;

/// Follows the sessions and the outages of the WAN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Interpreter {
    sessions: Sessions,
    suppression: Suppression,
    #[serde(default)]
    recoveries: Recoveries,
    /// The WAN's last IPv4 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
}

/// What came of a line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// In order.
    pub(crate) news: Vec<Told>,
    /// Also of what is no news; of IPv4 only.
    pub(crate) signs: Vec<Sign>,
}

impl Findings {
    pub(crate) fn is_empty(&self) -> bool {
        self.news.is_empty() && self.signs.is_empty()
    }
}

impl Interpreter {
    pub(crate) fn new(initial: Initial) -> Self {
        Self {
            sessions: Sessions::default(),
            suppression: Suppression::new(initial),
            recoveries: Recoveries::default(),
            address: None,
        }
    }

    /// The type of a line by itself: sessions are followed, nothing is suppressed.
    pub(crate) fn classify(&mut self, line: &Line<'_>, names: &Names) -> Option<Kind> {
        match parse(line, names) {
            Meaning::Fact(told)
            | Meaning::ConnectionLost(_, told)
            | Meaning::LinkLost(_, told)
            | Meaning::Lease(_, told) => Some(told.kind),
            Meaning::Ppp { pid, said } => {
                self.sessions.hear(pid, said, names).told.map(|told| told.kind)
            }
            Meaning::Child { pid, of_wan } => {
                self.sessions.hear_netifd(pid, of_wan);
                None
            }
            Meaning::LinkRegained(_)
            | Meaning::TornDown(_)
            | Meaning::SetUp(_)
            | Meaning::Requested(_)
            | Meaning::ClientStopped
            | Meaning::Nothing => None,
        }
    }

    /// Recoveries that are clear when this line is there: they happened when the link was
    /// regained. To be asked before the line is interpreted.
    pub(crate) fn recovered_before(&mut self, line: &Line<'_>) -> Vec<(Family, Told)> {
        if self.recoveries.is_empty() {
            return Vec::new();
        }
        let now = LogTime::of(line);
        let over =
            Family::ALL.into_iter().filter(|family| self.recoveries.is_over_at(*family, now));
        let over: Vec<Family> = over.collect();
        over.into_iter().filter_map(|family| Some((family, self.recover(family)?))).collect()
    }

    /// Nothing else was said about a link that was regained: the WAN is up.
    pub(crate) fn recover(&mut self, family: Family) -> Option<Told> {
        if !self.recoveries.end(family) {
            return None;
        }
        let message = match family {
            Family::V4 => "WAN is up: the device under it has its link again",
            Family::V6 => "IPv6 of the WAN is up: the device under it has its link again",
        };
        Some(Told::new(self.suppression.regain_link(family)?, message))
    }

    /// Has the link been regained, and is it not clear yet what that means?
    pub(crate) fn awaits(&self, family: Family) -> bool {
        self.recoveries.awaits(family)
    }

    /// Appends what a line tells to `out`, in order; returns whether the line mattered: it
    /// is about the WAN, or was remembered.
    pub(crate) fn interpret(&mut self, line: &Line<'_>, names: &Names, out: &mut Findings) -> bool {
        match parse(line, names) {
            Meaning::Nothing => return false,
            Meaning::Child { pid, of_wan } => return self.sessions.hear_netifd(pid, of_wan),
            Meaning::Fact(told) => {
                out.signs.extend(Sign::of(told.kind));
                self.tell(told, &mut out.news);
            }
            Meaning::ConnectionLost(family, told) => {
                out.signs.extend(of_ipv4(family, Sign::WanLost));
                self.tell(told, &mut out.news);
            }
            Meaning::LinkLost(family, told) => {
                out.signs.extend(of_ipv4(family, Sign::NoLink));
                self.recoveries.end(family);
                if self.suppression.lose_link(family) {
                    out.news.push(told);
                }
            }
            Meaning::LinkRegained(family) => {
                if self.suppression.is_link_alone(family) {
                    self.recoveries.begin(family, LogTime::of(line));
                }
            }
            Meaning::TornDown(family) => {
                out.signs.extend(of_ipv4(family, Sign::Disabled));
                self.tear_down(family);
            }
            Meaning::SetUp(family) => {
                out.signs.extend(of_ipv4(family, Sign::SetUp));
                self.tear_down(family);
            }
            Meaning::Requested(sign) => out.signs.push(sign),
            Meaning::ClientStopped => {
                out.signs.push(Sign::EndedHere);
                self.tear_down(Family::V4);
            }
            Meaning::Lease(address, told) => {
                out.signs.push(Sign::Lease);
                self.tell(told, &mut out.news);
                self.note_address(address, &mut out.news);
            }
            Meaning::Ppp { pid, said } => {
                let heard = self.sessions.hear(pid, said, names);
                let mattered = heard.changed || heard.told.is_some() || heard.sign.is_some();
                out.signs.extend(heard.sign);
                if let Some(told) = heard.told {
                    self.tell(told, &mut out.news);
                }
                if let Some(address) = heard.address {
                    self.note_address(address, &mut out.news);
                }
                return mattered;
            }
        }
        true
    }

    /// For facts that do not come from a log line: appended to `out` if they are news.
    pub(crate) fn tell(&mut self, told: Told, out: &mut Vec<Told>) {
        match told.kind {
            Kind::WanUp | Kind::WanDown => {
                self.recoveries.end(Family::V4);
            }
            Kind::Wan6Up | Kind::Wan6Down => {
                self.recoveries.end(Family::V6);
            }
            kind if ends_session(kind) => self.tear_down(Family::V4),
            _ => {}
        }
        if self.suppression.admit(told.kind) {
            out.push(told);
        }
    }

    /// The router has started anew: nothing is up.
    pub(crate) fn restart(&mut self) {
        *self = Self { address: self.address, ..Self::new(Initial::Boot) };
    }

    /// All that must be known to go on later.
    pub(crate) fn save(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("keys are strings, and nothing in it can fail")
    }

    /// Goes on where [`Self::save`] was called; `None`: not what it made.
    pub(crate) fn restore(state: &serde_json::Value) -> Option<Self> {
        let restored = Self::deserialize(state).ok()?;
        Some(Self { sessions: restored.sessions.bounded(), ..restored })
    }

    fn tear_down(&mut self, family: Family) {
        self.recoveries.end(family);
        self.suppression.tear_down(family);
    }

    fn note_address(&mut self, address: IpAddr, out: &mut Vec<Told>) {
        let before = self.address.replace(address);
        if let Some(before) = before.filter(|before| *before != address) {
            let message = format!("The WAN's address changed from {before} to {address}");
            let told = Told::new(Kind::WanIpChanged, message);
            out.push(told.with("from", &before.to_string()).with("to", &address.to_string()));
        }
    }
}

fn of_ipv4(family: Family, sign: Sign) -> Option<Sign> {
    (family == Family::V4).then_some(sign)
}

/// The session is gone, so the WAN is not down for want of a link alone.
fn ends_session(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::PppoeDown
            | Kind::PppoeLcpTerm
            | Kind::PppoePadt
            | Kind::PppoeLcpEchoTimeout
            | Kind::PppoeLocalTerm
    )
}

#[cfg(test)]
mod tests;
