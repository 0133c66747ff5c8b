//! Twenty kills of the exporter while it tells events; `make soak` does two hundred.
//!
//! Takes the program that `cargo test --workspace` has built beside this test; with
//! `-p netmonitor-tests` alone, that is the one built last, or none.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use netmonitor_tests::{clock, kill_storm};

const ROUNDS: u32 = 20;

/// `target/debug/netmonitor-exporter`, seen from `target/debug/deps/kill_storm-…`.
fn exporter() -> Result<PathBuf> {
    let ourselves = std::env::current_exe()?;
    let folder = ourselves.ancestors().nth(2).context("this test is in no target folder")?;
    let binary = folder.join("netmonitor-exporter");
    ensure!(binary.is_file(), "{} is missing: cargo test --workspace", binary.display());
    Ok(binary)
}

#[test]
fn a_kill_loses_doubles_and_changes_no_event() -> Result<()> {
    let report = kill_storm::run(&exporter()?, ROUNDS, clock::unix_ms())?;
    assert_eq!(report.kills, ROUNDS);
    assert!(report.events > 0 && report.seen > 0, "{report:?}");
    Ok(())
}
