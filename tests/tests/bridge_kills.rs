//! Twenty kills of the bridge, of its routers and of both; `make soak` does two hundred.

use anyhow::Result;
use netmonitor_tests::bridge_storm::{self, Programs};
use netmonitor_tests::database_server::Engine;
use netmonitor_tests::{built, clock};

const KILLS: u32 = 20;
/// With a server, which takes longer to come back.
const KILLS_ON_A_SERVER: u32 = 12;

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

#[test]
fn neither_do_kills_of_a_bridge_on_a_server_and_of_the_server() -> Result<()> {
    let bridge = built::program("netmonitor-bridge")?;
    let exporter = built::program("netmonitor-exporter")?;
    let programs = Programs { bridge: &bridge, exporter: &exporter };
    for engine in Engine::ALL {
        let report = bridge_storm::run_on(engine, programs, KILLS_ON_A_SERVER, clock::unix_ms())?;
        println!("{report:?}");
        assert_eq!((report.kills, report.of_bridge), (KILLS_ON_A_SERVER, 9));
        assert!(report.stored > KILLS_ON_A_SERVER as usize, "{report:?}");
    }
    Ok(())
}
