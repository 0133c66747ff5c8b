//! Latencies under a steady load, and how far the machine is to blame for them.
//!
//! A program that others push off its core answers late without any fault of its own. So
//! a disturbed run is repeated a few times, and the least disturbed one counts: chosen by
//! the disturbance, never by the latencies.

use anyhow::Result;

use crate::cores::Cores;
use crate::load::{Load, Outcome};
use crate::meter::{Meter, Shares};
use crate::running::Running;

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
    /// What the program did in that time.
    pub shares: Shares,
    /// Resident memory at the end.
    pub rss_kb: u64,
}

impl UnderLoad {
    /// Too little disturbance to matter for p99.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.shares.disturbance() < QUIET
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
            if next.shares.disturbance() < best.shares.disturbance() {
                best = next;
            }
        }
        Ok(best)
    }

    fn run(program: &Running, cores: Option<&Cores>, path: &'static str) -> Result<Self> {
        let load = Load {
            address: program.address,
            path,
            per_second: PER_SECOND,
            requests: PER_SECOND * SECONDS,
            connections: CONNECTIONS,
        };
        let meter = Meter::start(program, cores)?;
        let outcome = load.run()?;
        let shares = meter.shares()?;
        Ok(Self { path, outcome, shares, rss_kb: program.usage.memory()?.rss_kb })
    }
}
