//! Twenty kills of the bridge, of its routers and of both; `make soak` does two hundred.

use anyhow::Result;
use netmonitor_tests::bridge_storm::{self, Programs};
use netmonitor_tests::{built, clock};

const KILLS: u32 = 20;

#[test]
fn kills_on_either_side_lose_and_double_no_event() -> Result<()> {
    let bridge = built::program("netmonitor-bridge")?;
    let exporter = built::program("netmonitor-exporter")?;
    let programs = Programs { bridge: &bridge, exporter: &exporter };
    let report = bridge_storm::run(programs, KILLS, clock::unix_ms())?;
    println!("{report:?}");
    // A quarter of all kills is of each kind.
    assert_eq!((report.kills, report.of_bridge, report.of_exporter), (KILLS, 15, 15));
    assert!(report.stored > KILLS as usize, "{report:?}");
    Ok(())
}
