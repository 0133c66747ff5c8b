//! One outage is told once: which facts are news.
//!
//! netifd and pppd say the same thing in up to six lines, and again at each failed dial.
//! Within one outage each type of failure is told at its first line; a recovery is told
//! only after a failure, and makes the failures of its group news again. Pure; used by the
//! interpreter and saved with it.

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::parse::Family;

/// What is known when the first line comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Initial {
    /// The router has just started: nothing is up, and each first recovery is news.
    Boot,
    /// Everything was up before the first line.
    Up,
}

/// What belongs together: a recovery and the failures it ends.
struct Group {
    up: Kind,
    downs: &'static [Kind],
}

const GROUPS: [Group; 6] = [
    Group {
        up: Kind::PppoeUp,
        downs: &[
            Kind::PppoeDown,
            Kind::PppoeLcpTerm,
            Kind::PppoePadt,
            Kind::PppoeAuthFail,
            Kind::PppoePadiTimeout,
            Kind::PppoeDiscoveryTimeout,
            Kind::PppoeLcpEchoTimeout,
            Kind::PppoeNegotiationTimeout,
            Kind::PppoeLocalTerm,
            Kind::PppoeAcError,
        ],
    },
    Group { up: Kind::WanUp, downs: &[Kind::WanDown] },
    Group { up: Kind::Wan6Up, downs: &[Kind::Wan6Down] },
    Group { up: Kind::KernelLinkUp, downs: &[Kind::KernelLinkDown, Kind::KernelCarrierLost] },
    Group { up: Kind::SfpInserted, downs: &[Kind::SfpRemoved] },
    Group { up: Kind::DhcpLeaseObtained, downs: DHCP_DOWNS },
];

const DHCP_DOWNS: &[Kind] = &[Kind::DhcpLeaseLost, Kind::DhcpNak, Kind::DhcpNoLease];

/// Failures without a line for their end: whatever came up again means that they are over.
const WITHOUT_END: &[Kind] = &[Kind::KernelTxTimeout, Kind::DslDown];
const ENDS_THEM: [Kind; 3] = [Kind::PppoeUp, Kind::WanUp, Kind::KernelLinkUp];

/// What was told, and what is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suppression {
    /// Failures told in this outage.
    told: Kinds,
    /// Recoveries that would be news.
    due: Kinds,
    /// Interfaces that are down for want of a link and nothing else.
    #[serde(default)]
    link_alone: LinkAlone,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct LinkAlone {
    v4: bool,
    v6: bool,
}

impl Suppression {
    pub(crate) fn new(initial: Initial) -> Self {
        let mut due = Kinds::default();
        if initial == Initial::Boot {
            // A first lease comes with wan_up and says nothing more.
            for group in GROUPS.iter().filter(|group| group.up != Kind::DhcpLeaseObtained) {
                due.insert(group.up);
            }
        }
        Self { told: Kinds::default(), due, link_alone: LinkAlone::default() }
    }

    /// Is an event of that type news?
    pub(crate) fn admit(&mut self, kind: Kind) -> bool {
        match kind {
            Kind::WanUp | Kind::WanDown => self.link_alone.v4 = false,
            Kind::Wan6Up | Kind::Wan6Down => self.link_alone.v6 = false,
            _ => {}
        }
        if let Some(group) = GROUPS.iter().find(|group| group.up == kind) {
            self.admit_up(group)
        } else if let Some(group) = GROUPS.iter().find(|group| group.downs.contains(&kind)) {
            self.admit_down(group, kind)
        } else {
            !WITHOUT_END.contains(&kind) || self.told.insert(kind)
        }
    }

    /// netifd misses the link under an interface. Is that news?
    pub(crate) fn lose_link(&mut self, family: Family) -> bool {
        let (up, down) = kinds(family);
        // Only an interface that was up can come back by itself.
        let was_up = !self.due.contains(up);
        let before = *self.link_alone(family);
        let is_news = self.admit(down);
        *self.link_alone(family) = if is_news { was_up } else { before };
        is_news
    }

    /// Would the link alone be a recovery?
    pub(crate) fn is_link_alone(&self, family: Family) -> bool {
        match family {
            Family::V4 => self.link_alone.v4,
            Family::V6 => self.link_alone.v6,
        }
    }

    /// netifd has the link again: with force_link, which is usual for static addresses,
    /// that is the recovery, and no other line comes.
    pub(crate) fn regain_link(&mut self, family: Family) -> Option<Kind> {
        let (up, _) = kinds(family);
        (*self.link_alone(family) && self.admit(up)).then_some(up)
    }

    /// What the interface had is given up: it does not come back with the link alone.
    pub(crate) fn tear_down(&mut self, family: Family) {
        *self.link_alone(family) = false;
    }

    fn link_alone(&mut self, family: Family) -> &mut bool {
        match family {
            Family::V4 => &mut self.link_alone.v4,
            Family::V6 => &mut self.link_alone.v6,
        }
    }

    fn admit_up(&mut self, group: &Group) -> bool {
        let is_news = self.due.remove(group.up);
        self.told.remove_all(group.downs);
        if group.up == Kind::WanUp {
            self.due.remove(Kind::DhcpLeaseObtained);
            self.told.remove_all(DHCP_DOWNS);
        }
        if is_news && ENDS_THEM.contains(&group.up) {
            self.told.remove_all(WITHOUT_END);
        }
        is_news
    }

    fn admit_down(&mut self, group: &Group, kind: Kind) -> bool {
        let is_news = self.told.insert(kind);
        // A client without a lease may be one that never had any.
        if kind != Kind::DhcpNoLease {
            self.due.insert(group.up);
        }
        if is_news && kind == Kind::WanDown {
            self.due.insert(Kind::DhcpLeaseObtained);
        }
        is_news
    }
}

fn kinds(family: Family) -> (Kind, Kind) {
    match family {
        Family::V4 => (Kind::WanUp, Kind::WanDown),
        Family::V6 => (Kind::Wan6Up, Kind::Wan6Down),
    }
}

/// A set of types; in files, their names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<&'static str>", try_from = "Vec<String>")]
struct Kinds(u64);

impl Kinds {
    /// Returns whether it was not in yet.
    fn insert(&mut self, kind: Kind) -> bool {
        let is_new = !self.contains(kind);
        self.0 |= bit(kind);
        is_new
    }

    /// Returns whether it was in.
    fn remove(&mut self, kind: Kind) -> bool {
        let was_in = self.contains(kind);
        self.0 &= !bit(kind);
        was_in
    }

    fn remove_all(&mut self, kinds: &[Kind]) {
        for &kind in kinds {
            self.remove(kind);
        }
    }

    fn contains(self, kind: Kind) -> bool {
        self.0 & bit(kind) != 0
    }
}

/// Types are numbered from 0 without gaps; there are fewer than 64.
fn bit(kind: Kind) -> u64 {
    const { assert!(Kind::ALL.len() <= 64) };
    1 << kind as u32
}

impl From<Kinds> for Vec<&'static str> {
    fn from(kinds: Kinds) -> Self {
        let all = Kind::ALL.into_iter();
        all.filter(|&kind| kinds.contains(kind)).map(Kind::name).collect()
    }
}

impl TryFrom<Vec<String>> for Kinds {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Self, String> {
        let mut kinds = Self::default();
        for name in names {
            kinds.insert(Kind::of(&name).ok_or_else(|| format!("no type of event: {name}"))?);
        }
        Ok(kinds)
    }
}

#[cfg(test)]
mod tests;
