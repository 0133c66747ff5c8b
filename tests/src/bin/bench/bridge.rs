//! What the bridge costs and how fast it answers: watching a fleet, and over thirty days.

use std::path::Path;

use anyhow::{Context, Result};
use netmonitor_tests::cores::Cores;

use crate::{bridge_fleet, bridge_history};

/// What is measured of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Fleet,
    History,
}

impl Part {
    pub(super) const NAMES: [&str; 2] = ["fleet", "history"];

    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "fleet" => Some(Self::Fleet),
            "history" => Some(Self::History),
            _ => None,
        }
    }
}

/// Prints the figures; of all parts, unless one is named.
pub(super) fn measure(binary: &Path, part: Option<Part>, cores: Option<&Cores>) -> Result<()> {
    if part != Some(Part::History) {
        bridge_fleet::measure(binary, cores).context("fleet")?;
    }
    if part != Some(Part::Fleet) {
        bridge_history::measure(binary, cores).context("history")?;
    }
    Ok(())
}

/// The unit of the goals; `/proc` counts in 1,024 bytes.
pub(super) fn megabytes(kb: u64) -> f64 {
    kb as f64 * 1024.0 / 1e6
}
