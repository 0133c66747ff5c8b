//! CPU time and memory of scrapes, one after the other on one connection.
//!
//! Programs that are compared take turns, and the median of the turns counts: so other
//! work on the machine disturbs all alike.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::figures::median;
use crate::http_client::Client;
use crate::running::Running;
use crate::usage::Usage;
use crate::{clock, samples};

const WARM_UP: Duration = Duration::from_secs(5);

/// The turns of one program.
pub struct Turns {
    address: SocketAddr,
    usage: Usage,
    scrapes: u32,
    cpu_seconds_per_scrape: Vec<f64>,
    samples: usize,
}

/// What a program needs.
pub struct Cost {
    /// Of a scrape.
    pub cpu_seconds: f64,
    /// In a scrape.
    pub samples: f64,
    /// Right after the last turn.
    pub rss_kb: f64,
}

impl Turns {
    /// None so far; each will have that many scrapes.
    #[must_use]
    pub fn of(program: &Running, scrapes: u32) -> Self {
        let (address, usage) = (program.address, program.usage.clone());
        let cpu_seconds_per_scrape = Vec::new();
        Self { address, usage, scrapes, cpu_seconds_per_scrape, samples: 0 }
    }

    /// Scrapes until caches are warm and the first pings have their answers.
    ///
    /// # Errors
    /// When a scrape fails.
    pub fn warm_up(&self) -> Result<()> {
        let mut client = Client::connect(self.address)?;
        let start = clock::now();
        while start.elapsed() < WARM_UP {
            client.get("/metrics")?;
        }
        Ok(())
    }

    /// Takes one turn: the next scrape follows as soon as the last one is complete.
    ///
    /// # Errors
    /// When a scrape fails, or the kernel keeps no times.
    pub fn take(&mut self) -> Result<()> {
        let mut client = Client::connect(self.address)?;
        let before = self.usage.scheduled()?.ran;
        for _ in 1..self.scrapes {
            client.get("/metrics")?;
        }
        self.samples = samples::count(client.get("/metrics")?);
        let cpu = self.usage.scheduled()?.ran.saturating_sub(before);
        ensure!(cpu > Duration::ZERO && self.samples > 0, "{}: no work seen", self.address);
        self.cpu_seconds_per_scrape.push(cpu.as_secs_f64() / f64::from(self.scrapes));
        Ok(())
    }

    /// The median of the turns, and the memory now.
    ///
    /// # Errors
    /// When there were no turns, or the program is gone.
    pub fn cost(&self) -> Result<Cost> {
        Ok(Cost {
            cpu_seconds: median(self.cpu_seconds_per_scrape.clone()).context("no turns")?,
            samples: self.samples as f64,
            rss_kb: self.usage.memory()?.rss_kb as f64,
        })
    }
}
