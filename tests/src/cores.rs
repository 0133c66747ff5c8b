//! Keeps the measured program on one core and the load generator off it, so that the one
//! does not push the other aside.

use std::io;

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// One core for the program, the others for us.
pub struct Cores {
    /// The program's.
    pub server: usize,
    ours: CpuSet,
}

impl Cores {
    /// Takes the last core we may use for the program and moves this thread, and those it
    /// starts later, to the others. `None` when there is one core only.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn split() -> Result<Option<Self>> {
        let mut ours = sched_getaffinity(None).context("cannot read which cores we may use")?;
        let last = (0..CpuSet::MAX_CPU).rev().find(|&core| ours.is_set(core));
        let Some(server) = last.filter(|_| ours.count() > 1) else {
            return Ok(None);
        };
        ours.unset(server);
        sched_setaffinity(None, &ours).context("cannot choose our cores")?;
        Ok(Some(Self { server, ours }))
    }

    /// Runs `start` on the program's core: a process that it starts inherits the core,
    /// with all its threads.
    ///
    /// # Errors
    /// Those of `start`, or when the kernel refuses.
    pub fn inherited<T>(&self, start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let mut server = CpuSet::new();
        server.set(self.server);
        sched_setaffinity(None, &server)?;
        let started = start();
        sched_setaffinity(None, &self.ours)?;
        started
    }
}
