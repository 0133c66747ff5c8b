//! A router that refuses `/net/events` for a while, and whose `/net/status` is cut off.

use anyhow::Result;
use netmonitor_tests::bridge::Place;
use netmonitor_tests::fake_router::fleet::{Fleet, Settings};
use netmonitor_tests::{built, clock};

fn act(fleet: &Fleet, actions: &[&str]) -> Result<()> {
    for text in actions {
        let action = text.parse().map_err(|error| anyhow::anyhow!("{text}: {error}"))?;
        fleet.act(0, &action);
    }
    Ok(())
}

#[test]
fn events_of_half_an_answer_are_stored_once_when_they_are_read_again() -> Result<()> {
    let program = built::program("netmonitor-bridge")?;
    let folder = tempfile::tempdir()?;
    let fleet = Fleet::start(Settings::quiet(1))?;
    // So many that the middle of the answer is among them.
    act(&fleet, &["event wan_down x100", "503 events", "half status x2"])?;
    let (routers, database) = (folder.path().join("routers.toml"), folder.path().join("db"));
    std::fs::write(&routers, fleet.routers_toml())?;
    let place = Place::of(&program, &routers, &database);
    let bridge = place.start()?;
    clock::until("half answers are read", || Ok(fleet.asked()[0].status > 2))?;
    clock::until("a whole one is", || Ok(bridge.events()?.len() >= 100))?;
    act(&fleet, &["healthy", "event wan_up"])?;
    clock::until("the next event is read", || Ok(bridge.events()?[0].kind == "wan_up"))?;
    assert_eq!(bridge.events()?.len(), 101);
    Ok(())
}
