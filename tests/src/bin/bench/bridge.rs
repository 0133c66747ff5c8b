//! What the bridge costs and how fast it answers: watching a fleet, over thirty days, on each
//! engine, to Prometheus, and by the size of the fleet.

use std::path::Path;

use anyhow::{Context, Result};
use netmonitor_tests::cores::Cores;

use crate::{bridge_discovery, bridge_engines, bridge_fleet, bridge_history, bridge_scale};

/// What is measured of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Fleet,
    History,
    Engines,
    Discovery,
    Scale,
}

impl Part {
    pub(super) const NAMES: [&str; 5] = ["fleet", "history", "engines", "discovery", "scale"];

    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "fleet" => Some(Self::Fleet),
            "history" => Some(Self::History),
            "engines" => Some(Self::Engines),
            "discovery" => Some(Self::Discovery),
            "scale" => Some(Self::Scale),
            _ => None,
        }
    }
}

/// Prints the figures; of all parts, unless one is named.
pub(super) fn measure(binary: &Path, part: Option<Part>, cores: Option<&Cores>) -> Result<()> {
    let is_wanted = |one| part.is_none_or(|part| part == one);
    if is_wanted(Part::Fleet) {
        bridge_fleet::measure(binary, cores).context("fleet")?;
    }
    if is_wanted(Part::History) {
        bridge_history::measure(binary, cores).context("history")?;
    }
    if is_wanted(Part::Engines) {
        bridge_engines::measure(binary, cores).context("engines")?;
    }
    if is_wanted(Part::Discovery) {
        bridge_discovery::measure(binary, cores).context("discovery")?;
    }
    if is_wanted(Part::Scale) {
        bridge_scale::measure(binary, cores).context("scale")?;
    }
    Ok(())
}

/// The unit of the goals; `/proc` counts in 1,024 bytes.
pub(super) fn megabytes(kb: u64) -> f64 {
    kb as f64 * 1024.0 / 1e6
}
