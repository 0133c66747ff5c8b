//! Latencies under a steady load, and how far the machine is to blame for them.
//!
//! A program that others push off its core answers late without any fault of its own. So
//! a disturbed run is repeated a few times, and the least disturbed one counts: chosen by
//! the disturbance, never by the latencies.

use std::time::Duration;

use anyhow::Result;

use crate::cores::Cores;
use crate::load::{Load, Outcome};
use crate::running::Running;
use crate::{clock, machine};

/// Requests a second, over all connections.
pub const PER_SECOND: u32 = 500;
/// Of one run.
pub const SECONDS: u32 = 20;
/// Taking turns.
pub const CONNECTIONS: u32 = 4;
/// Of a disturbed run.
pub const TRIES: u32 = 3;

/// Half of what p99 leaves to chance: one request in a hundred may be slow.
const QUIET: f64 = 0.005;

/// One run.
pub struct UnderLoad {
    /// What was asked for.
    pub path: &'static str,
    /// The latencies.
    pub outcome: Outcome,
    /// Share of the core that the program used.
    pub ran: f64,
    /// Share of the time in which it had work, but others had its core.
    pub waited: f64,
    /// Share of the time in which the host of a virtual machine had the core.
    pub stolen: f64,
    /// Resident memory at the end.
    pub rss_kb: u64,
}

impl UnderLoad {
    /// Share of the time in which the program had no core, for no fault of its own.
    #[must_use]
    pub fn disturbance(&self) -> f64 {
        self.waited + self.stolen
    }

    /// Too little disturbance to matter for p99.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.disturbance() < QUIET
    }

    /// The least disturbed of a few runs, or the first quiet one.
    ///
    /// # Errors
    /// When a request fails.
    pub fn measure(program: &Running, cores: Option<&Cores>, path: &'static str) -> Result<Self> {
        let mut best = Self::run(program, cores, path)?;
        for _ in 1..TRIES {
            if best.is_quiet() {
                break;
            }
            let next = Self::run(program, cores, path)?;
            if next.disturbance() < best.disturbance() {
                best = next;
            }
        }
        Ok(best)
    }

    fn run(program: &Running, cores: Option<&Cores>, path: &'static str) -> Result<Self> {
        let core = cores.map(|cores| cores.server);
        let load = Load {
            address: program.address,
            path,
            per_second: PER_SECOND,
            requests: PER_SECOND * SECONDS,
            connections: CONNECTIONS,
        };
        let (before, stolen_before) = (program.usage.scheduled()?, machine::stolen(core)?);
        let start = clock::now();
        let outcome = load.run()?;
        let took = start.elapsed();
        let (after, stolen_after) = (program.usage.scheduled()?, machine::stolen(core)?);
        let share = |before: Duration, after: Duration| {
            after.saturating_sub(before).as_secs_f64() / took.as_secs_f64()
        };
        Ok(Self {
            path,
            outcome,
            ran: share(before.ran, after.ran),
            waited: share(before.waited, after.waited),
            stolen: share(stolen_before, stolen_after),
            rss_kb: program.usage.memory()?.rss_kb,
        })
    }
}
