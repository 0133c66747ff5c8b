//! How a program spends a stretch of time: on a core, waiting for one, or stopped by the
//! host of a virtual machine.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cores::Cores;
use crate::running::Running;
use crate::usage::{Scheduled, Usage};
use crate::{clock, machine};

/// Shares of the stretch.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// On a core.
    pub ran: f64,
    /// It had work, but others had its core.
    pub waited: f64,
    /// The host of a virtual machine had the core.
    pub stolen: f64,
}

impl Shares {
    /// Share of the time in which the program had no core, for no fault of its own.
    #[must_use]
    pub fn disturbance(&self) -> f64 {
        self.waited + self.stolen
    }
}

/// A stretch that has begun.
pub struct Meter {
    usage: Usage,
    core: Option<usize>,
    start: Instant,
    before: Scheduled,
    stolen_before: Duration,
}

impl Meter {
    /// Begins.
    ///
    /// # Errors
    /// When the program is gone, or the kernel keeps no times.
    pub fn start(program: &Running, cores: Option<&Cores>) -> Result<Self> {
        let core = cores.map(|cores| cores.server);
        let usage = program.usage.clone();
        let (before, stolen_before) = (usage.scheduled()?, machine::stolen(core)?);
        Ok(Self { usage, core, start: clock::now(), before, stolen_before })
    }

    /// Shares since the start.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn shares(&self) -> Result<Shares> {
        let took = self.start.elapsed();
        let (after, stolen) = (self.usage.scheduled()?, machine::stolen(self.core)?);
        let share = |before: Duration, after: Duration| {
            after.saturating_sub(before).as_secs_f64() / took.as_secs_f64()
        };
        Ok(Shares {
            ran: share(self.before.ran, after.ran),
            waited: share(self.before.waited, after.waited),
            stolen: share(self.stolen_before, stolen),
        })
    }
}
