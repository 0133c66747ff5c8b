//! What routers are to be played, and since when.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};

use super::chance;
use super::ledger::Ledger;
use super::plan::{Calendar, Plan};
use super::scenario::Scenario;
use super::state::{Identity, State};
use crate::clock;
use crate::random::Random;

const DAY_SECONDS: i64 = 86_400;

/// Which ports the routers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Each its own.
    PortEach,
    /// The same, each at an address of its own: that of the first, and those after it.
    AddressEach,
    /// One, and a path `/r/N` for each: where file descriptors are few.
    OnePort,
}

/// What to play.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where they answer.
    pub listen: IpAddr,
    /// Of the first router; the others follow. 0: any that are free.
    pub first_port: u16,
    /// How many.
    pub routers: usize,
    /// Port each, or one.
    pub layout: Layout,
    /// What they are called, instead of `router-0001` and so on.
    pub names: Vec<String>,
    /// What they do.
    pub scenario: Scenario,
    /// So long before the present they were started.
    pub past: Duration,
    /// Milliseconds since 1970; 0: when this program starts them. Whoever names it can play the
    /// same run again: with the same settings, the same is there at each moment.
    pub present_ms: i64,
    /// Local time, in minutes before UTC.
    pub zone_minutes: i32,
    /// What is left to chance is by this.
    pub seed: u64,
    /// What all ask for.
    pub token: Option<String>,
    /// The ledger's file; one that is there goes on.
    pub ledger: Option<PathBuf>,
    /// The file of arrivals; begun anew.
    pub arrivals: Option<PathBuf>,
}

impl Settings {
    /// So many routers on loopback that do nothing by themselves.
    #[must_use]
    pub fn quiet(routers: usize) -> Self {
        Self {
            listen: [127, 0, 0, 1].into(),
            first_port: 0,
            routers,
            layout: Layout::PortEach,
            names: Vec::new(),
            scenario: Scenario::default(),
            past: Duration::ZERO,
            present_ms: 0,
            zone_minutes: 0,
            seed: 1,
            token: None,
            ledger: None,
            arrivals: None,
        }
    }
}

/// When a run was started, and how far it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Milliseconds since 1970.
    pub(super) started_ms: i64,
    /// What was over when this program came to it.
    pub(super) behind: Duration,
}

impl Settings {
    /// As of now.
    pub(super) fn run(&self) -> Run {
        let now_ms = i64::try_from(clock::unix_ms()).unwrap_or(i64::MAX);
        let present_ms = if self.present_ms == 0 { now_ms } else { self.present_ms };
        let past_ms = i64::try_from(self.past.as_millis()).unwrap_or(0);
        let started_ms = present_ms.saturating_sub(past_ms);
        let behind = u64::try_from(now_ms.saturating_sub(started_ms)).unwrap_or(0);
        Run { started_ms, behind: Duration::from_millis(behind) }
    }

    /// A router at its start, and what it will do.
    pub(super) fn cast(
        &self,
        number: usize,
        run: Run,
        ledger: Arc<Mutex<Ledger>>,
    ) -> (State, Plan) {
        let (name, seed, zone_minutes) = (self.name(number), self.seed, self.zone_minutes);
        let local = run.started_ms / 1000 + i64::from(zone_minutes) * 60;
        let since_midnight = local.rem_euclid(DAY_SECONDS).unsigned_abs();
        let since_midnight = Duration::from_secs(since_midnight);
        let calendar = Calendar { since_midnight, past: self.past };
        let random = Random::new(chance(&[seed, number as u64, 1]));
        let plan = Plan::new(&self.scenario, number, random, calendar);
        let identity = Identity { number, name, seed, started_ms: run.started_ms, zone_minutes };
        (State::new(identity, ledger), plan)
    }

    /// Of the router of this number; the first is 1.
    pub(super) fn name(&self, number: usize) -> String {
        let given = number.checked_sub(1).and_then(|index| self.names.get(index));
        given.cloned().unwrap_or_else(|| format!("router-{number:04}"))
    }

    /// Where the router of this index answers; the first is 0.
    pub(super) fn address(&self, index: usize) -> Result<SocketAddr> {
        let beyond = || format!("router {}: no address is left", index + 1);
        if self.layout == Layout::AddressEach {
            let IpAddr::V4(first) = self.listen else { return Ok((self.listen, 0).into()) };
            let address =
                u32::try_from(index).ok().and_then(|index| first.to_bits().checked_add(index));
            let address = Ipv4Addr::from_bits(address.with_context(beyond)?);
            return Ok((address, self.first_port).into());
        }
        let port = match self.first_port {
            0 => Some(0),
            first => u16::try_from(index).ok().and_then(|index| first.checked_add(index)),
        };
        Ok((self.listen, port.with_context(beyond)?).into())
    }
}
