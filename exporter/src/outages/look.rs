//! What the detector gets to see: one look a second at all witnesses.
//!
//! Filled by [`super::watch`] on a router, by a saved log in `replay`, and by a script in
//! the scenarios. Moments are times since the router started.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::sign::Sign;
use crate::collectors::wan::State;

/// All witnesses at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Look {
    pub(crate) at: Duration,
    /// Between two pings of one target.
    pub(crate) interval: Duration,
    /// After which a ping is lost.
    pub(crate) timeout: Duration,
    /// Every target but the gateway.
    pub(crate) targets: Vec<Pinged>,
    /// Do packets to the targets leave by the WAN? Another WAN or a VPN may carry them.
    /// `None`: not looked up.
    pub(crate) is_by_wan: Option<bool>,
    /// The next hop.
    pub(crate) gateway: Option<Pinged>,
    pub(crate) dns: Option<Dns>,
    pub(crate) lcp: Option<Lcp>,
    pub(crate) wan: Wan,
    pub(crate) port: Port,
    pub(crate) light: Option<Light>,
    /// The kernel has left a record of a crash (pstore).
    pub(crate) has_crash_record: bool,
}

impl Look {
    /// Forgets requests that were sent before.
    pub(super) fn forget_probes(&mut self, before: Duration) {
        for pinged in self.targets.iter_mut().chain(&mut self.gateway) {
            pinged.probes.retain(|probe| probe.sent >= before);
        }
    }
}

/// A target of pings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pinged {
    pub(crate) host: String,
    /// Where the last request went.
    pub(crate) address: Option<IpAddr>,
    /// What became known since the look before, in any order.
    pub(crate) probes: Vec<Probe>,
}

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) sent: Duration,
    /// When the answer came; `None`: it was lost.
    pub(crate) answered: Option<Duration>,
    /// `false`: it could not leave this router.
    pub(crate) was_sent: bool,
}

/// Look-ups through the provider's resolvers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dns {
    /// When the last round of look-ups was over.
    pub(crate) at: Duration,
    /// Did any resolver answer in it?
    pub(crate) is_answered: bool,
}

/// pppd's record of LCP echoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lcp {
    /// When the newest reply was there; `None`: none since we look.
    pub(crate) replied: Option<Duration>,
    /// Between two echoes.
    pub(crate) interval: Duration,
}

impl Lcp {
    /// Where pppd asks only while the line is idle, replies may be hours old: one that is
    /// older than this says nothing.
    pub(super) fn patience(&self) -> Duration {
        self.interval.max(Duration::from_secs(1)) * 3
    }

    /// Did the replies stop when that began?
    pub(super) fn is_silent_since(&self, began: Duration, now: Duration) -> bool {
        let patience = self.patience();
        self.replied.is_some_and(|at| {
            at + patience >= began && at <= began + self.interval && at + patience < now
        })
    }
}

/// The WAN interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wan {
    pub(crate) state: State,
    /// Somebody has taken the interface down on purpose.
    pub(crate) is_switched_off: bool,
    /// What netifd has against it, while it is down.
    pub(crate) faults: Vec<Sign>,
    /// The next hop may be a box in this house: no dial leads to it, and its address is a
    /// private one. `None`: nothing is known of it.
    pub(crate) is_gateway_in_house: Option<bool>,
}

/// The lower device of the WAN.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Port {
    pub(crate) carrier: Option<bool>,
    /// How often the carrier was lost, since the device is there.
    pub(crate) losses: Option<u64>,
    /// The device is switched on (`IFF_UP`).
    pub(crate) is_on: Option<bool>,
}

/// A reading of the optical module.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Light {
    pub(crate) read: Duration,
    /// dBm; `None` without light, or where it is not measured.
    pub(crate) received_dbm: Option<f64>,
    pub(crate) is_there: bool,
    /// The module's own laser is on; `None`: not measured.
    pub(crate) is_sending: Option<bool>,
    /// dBm that the receiver needs.
    pub(crate) needed_dbm: f64,
}

impl Light {
    pub(crate) fn is_enough(&self) -> bool {
        self.is_there && self.received_dbm.is_none_or(|dbm| dbm >= self.needed_dbm)
    }

    /// Less by so much that it means something, or gone.
    pub(super) fn is_worse_than(&self, before: &Self) -> bool {
        /// What readings differ by from one to the next.
        const NOTICEABLE_DB: f64 = 1.0;
        match (self.received_dbm, before.received_dbm) {
            (Some(now), Some(before)) => now <= before - NOTICEABLE_DB,
            _ => before.is_there && !self.is_there,
        }
    }
}

/// Which part of the internet an address is of: targets in one network prove one network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// The first 16 bits.
    V4([u8; 2]),
    /// The first 32 bits.
    V6([u8; 4]),
}

impl Network {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, ..] = address.octets();
                Self::V4([a, b])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.octets();
                Self::V6([a, b, c, d])
            }
        }
    }

    /// How many different ones there are.
    pub(crate) fn count(all: impl Iterator<Item = Self>) -> usize {
        let mut known: Vec<Self> = Vec::new();
        for network in all {
            if !known.contains(&network) {
                known.push(network);
            }
        }
        known.len()
    }

    pub(super) fn is_v4(self) -> bool {
        matches!(self, Self::V4(_))
    }
}
