//! The bridge's disk fills up while routers go on telling events, and is freed again.

use anyhow::Result;
use netmonitor_tests::bridge::{Bridge, Place};
use netmonitor_tests::clock;
use netmonitor_tests::fake_router::fleet::{Fleet, Settings};
use netmonitor_tests::figures::ms;
use netmonitor_tests::goals::Goal;
use netmonitor_tests::small_disk::SmallDisk;
use netmonitor_tests::stored_events::{self, Differences};

use crate::Wanted;
use crate::held::{About, Holdings};

const ROUTERS: usize = 20;
/// What a new database and the events need, several times.
const SIZE: &str = "16m";
/// Of each router: before, and while nothing can be stored.
const EVENTS: usize = 10;
const EVENTS_MEANWHILE: usize = 200;
/// How often it fills up.
const TIMES: usize = 5;
const STORED_WITHIN_MS: f64 = 30_000.0;
const MEMORY_BELOW_MB: f64 = 60.0;

fn tell(fleet: &Fleet, count: usize) -> Result<()> {
    let action = format!("event wan_down x{count}");
    let action = action.parse().map_err(|error| anyhow::anyhow!("{action}: {error}"))?;
    (0..ROUTERS).for_each(|router| fleet.act(router, &action));
    Ok(())
}

fn until_all_is_stored(bridge: &Bridge, fleet: &Fleet) -> Result<()> {
    clock::until("all is stored", || {
        let stored = stored_events::read(&bridge.running)?;
        Ok(stored.len() >= fleet.ledger().len() && bridge.readiness()?.is_ok())
    })
}

pub(super) fn run(wanted: &Wanted, about: &mut About<'_>) -> Result<()> {
    let (folder, disk) = (tempfile::tempdir()?, SmallDisk::new(SIZE)?);
    let fleet = Fleet::start(Settings::quiet(ROUTERS))?;
    let routers = folder.path().join("routers.toml");
    let database = disk.folder().join("netmonitor.db");
    std::fs::write(&routers, fleet.routers_toml())?;
    let place = Place { disk: Some(&disk), ..Place::of(&wanted.bridge, &routers, &database) };
    let bridge = place.start()?;
    tell(&fleet, EVENTS)?;
    until_all_is_stored(&bridge, &fleet)?;
    let holdings = Holdings::of(&bridge.running, ROUTERS)?;

    let (mut said_in, mut stored_in) = (0.0_f64, 0.0_f64);
    for _ in 0..TIMES {
        disk.fill()?;
        tell(&fleet, EVENTS_MEANWHILE)?;
        let filled = clock::now();
        clock::until("it says that it cannot store", || Ok(bridge.readiness()?.is_err()))?;
        said_in = said_in.max(ms(filled.elapsed()));
        disk.free()?;
        let freed = clock::now();
        until_all_is_stored(&bridge, &fleet)?;
        stored_in = stored_in.max(ms(freed.elapsed()));
    }

    let told = fleet.ledger();
    let differences = Differences::between(&told, &stored_events::read(&bridge.running)?);
    about.shown("times", TIMES as f64);
    // Pages that are free within the file are used up first.
    about.shown("until nothing can be stored and /readyz says so, ms, at most", said_in);
    about.must_be("from room to all stored, ms", stored_in, Goal::Below(STORED_WITHIN_MS));
    about.shown("events told", told.len() as f64);
    about.none("events lost", differences.lost);
    about.none("events stored twice", differences.doubled);
    about.none("events that nobody told", differences.invented);
    holdings.compare(about, MEMORY_BELOW_MB)
}
