//! Twenty kills of the exporter while it tells events; `make soak` does two hundred.

use anyhow::Result;
use netmonitor_tests::{built, clock, kill_storm};

const ROUNDS: u32 = 20;

#[test]
fn a_kill_loses_doubles_and_changes_no_event() -> Result<()> {
    let report =
        kill_storm::run(&built::program("netmonitor-exporter")?, ROUNDS, clock::unix_ms())?;
    assert_eq!(report.kills, ROUNDS);
    assert!(report.events > 0 && report.seen > 0, "{report:?}");
    Ok(())
}
