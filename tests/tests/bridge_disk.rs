//! The disk of a running bridge fills up, becomes read-only, and comes back, while routers
//! go on telling events. Needs root.

use anyhow::Result;
use netmonitor_tests::bridge::{Bridge, Place};
use netmonitor_tests::fake_router::fleet::{Fleet, Settings};
use netmonitor_tests::small_disk::SmallDisk;
use netmonitor_tests::{built, clock};

const ROUTERS: usize = 2;
/// What a new database and the events here need, several times.
const SIZE: &str = "4m";
/// More than fit into the pages that are there.
const MANY: usize = 400;

/// All routers tell so many events.
fn tell(fleet: &Fleet, count: usize) -> Result<()> {
    for router in 0..ROUTERS {
        let action = format!("event wan_down x{count}");
        let action = action.parse().map_err(|error| anyhow::anyhow!("{action}: {error}"))?;
        fleet.act(router, &action);
    }
    Ok(())
}

/// Everything that the routers have told is stored, each event once.
fn until_all_is_stored(bridge: &Bridge, fleet: &Fleet) -> Result<()> {
    clock::until("all is stored", || Ok(bridge.events()?.len() >= fleet.ledger().len()))?;
    let stored = bridge.events()?;
    let mut stored: Vec<_> = stored.iter().map(|event| (&event.router, &event.message)).collect();
    let told = fleet.ledger();
    let mut told: Vec<_> = told.iter().map(|row| (&row.router, &row.message)).collect();
    stored.sort();
    told.sort();
    assert_eq!(stored, told);
    assert_eq!(bridge.readiness()?, Ok(()));
    Ok(())
}

/// Something keeps the bridge from storing, and goes away again.
fn check_trouble(
    bridge: &Bridge,
    fleet: &Fleet,
    cause: impl FnOnce() -> Result<()>,
    cure: impl FnOnce() -> Result<()>,
    reason: &str,
) -> Result<()> {
    let before = bridge.events()?.len();
    cause()?;
    tell(fleet, MANY)?;
    clock::until("it says that it cannot store", || Ok(bridge.readiness()?.is_err()))?;
    let said = bridge.readiness()?.err().unwrap_or_default();
    assert!(said.starts_with("503 {\"error\":\"nothing can be stored: database "), "{said}");
    assert!(said.contains(reason), "{said}");
    assert!(said.contains("free or repair the disk, storing resumes by itself"), "{said}");

    let asked = || -> Vec<u64> { fleet.asked().iter().map(|asked| asked.status).collect() };
    let before_trouble = asked();
    clock::until("all routers are polled once more", || {
        let now = asked();
        Ok(now.iter().zip(&before_trouble).all(|(now, before)| *now > *before))
    })?;
    let shown = bridge.events()?.len();
    assert!((before..before + ROUTERS * MANY).contains(&shown), "{shown} events are shown");

    cure()?;
    until_all_is_stored(bridge, fleet)
}

#[test]
fn a_disk_that_fails_costs_no_event_and_storing_resumes_by_itself() -> Result<()> {
    let program = built::program("netmonitor-bridge")?;
    let (folder, disk) = (tempfile::tempdir()?, SmallDisk::new(SIZE)?);
    let fleet = Fleet::start(Settings::quiet(ROUTERS))?;
    for router in 0..ROUTERS {
        let queue = "evict 10000".parse().map_err(|error| anyhow::anyhow!("{error}"))?;
        fleet.act(router, &queue);
    }
    let routers = folder.path().join("routers.toml");
    let database = disk.folder().join("netmonitor.db");
    std::fs::write(&routers, fleet.routers_toml())?;
    let place = Place { disk: Some(&disk), ..Place::of(&program, &routers, &database) };
    let bridge = place.start()?;
    tell(&fleet, 5)?;
    until_all_is_stored(&bridge, &fleet)?;

    let full = "database or disk is full";
    check_trouble(&bridge, &fleet, || disk.fill(), || disk.free(), full)?;
    let (ro, rw) = (|| disk.make_read_only(), || disk.make_writable());
    check_trouble(&bridge, &fleet, ro, rw, "readonly database")?;

    // The same disk after a kill: what was stored before is shown.
    disk.make_read_only()?;
    drop(bridge);
    let bridge = place.start()?;
    assert_eq!(bridge.events()?.len(), fleet.ledger().len());
    check_trouble(&bridge, &fleet, || Ok(()), || disk.make_writable(), "readonly database")?;
    Ok(())
}
