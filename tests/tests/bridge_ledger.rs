//! A day of 200 outages, told while the bridge is killed, routers start anew and clocks are
//! set: the list of outages that the bridge has in the end is what the routers told, each
//! once, to the second, causes unchanged.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use netmonitor_bridge::history::outage::End;
use netmonitor_bridge::store::{Query, Store};
use netmonitor_tests::bridge::{Bridge, Place};
use netmonitor_tests::fake_router::fleet::{Fleet, Settings};
use netmonitor_tests::fake_router::ledger::Row;
use netmonitor_tests::{built, clock};

const ROUTERS: usize = 2;
/// Of each router.
const OUTAGES: usize = 100;
/// Fourteen minutes: drops less than three apart would be one outage.
const APART_S: usize = 840;
const WHY: [(&str, &str); 5] = [
    ("optical_signal", "line"),
    ("beyond_gateway", "provider"),
    ("local_link", "house"),
    ("access_server_silent", "unknown"),
    ("a_word_of_tomorrow", "line"),
];

/// Begin and end in seconds, cause and side, by router and name.
type Ledger = BTreeMap<(String, String), (f64, f64, String, String)>;

fn told(rows: &[Row]) -> Result<Ledger> {
    let mut ledger = Ledger::new();
    for row in rows.iter().filter(|row| row.kind.starts_with("outage_")) {
        let fact = |name: &str| row.detail.get(name).cloned().context("a fact is missing");
        let key = (row.router.clone(), fact("outage")?);
        let outage =
            ledger.entry(key).or_insert((f64::NAN, f64::NAN, fact("cause")?, fact("side")?));
        *(if row.kind == "outage_start" { &mut outage.0 } else { &mut outage.1 }) = row.ts;
    }
    Ok(ledger)
}

#[tokio::main(flavor = "current_thread")]
async fn kept(database: &std::path::Path) -> Result<Ledger> {
    let now = i64::try_from(clock::unix_ms())?;
    let (store, _) = Store::open(database, now)?;
    let mut ledger = Ledger::new();
    let mut rows = store.outages(Query::of(None, i64::MIN, i64::MAX), now);
    while let Some(chunk) = rows.recv().await {
        for record in chunk? {
            let outage = record.outage;
            ensure!(outage.drops.len() == 1 && outage.end() == End::Told, "{outage:?}");
            let why = outage.main();
            let seconds = |ms: i64| ms as f64 / 1000.0;
            let (cause, side) = (why.drop.cause.to_string(), why.drop.side.to_string());
            let found = (seconds(outage.start()), seconds(outage.until()), cause, side);
            let known = ledger.insert((record.router, why.drop.name.clone()), found);
            ensure!(known.is_none(), "twice: {known:?}");
        }
    }
    Ok(ledger)
}

fn act(fleet: &Fleet, router: usize, action: &str) -> Result<()> {
    let action = action.parse().map_err(|error| anyhow::anyhow!("{action}: {error}"))?;
    fleet.act(router, &action);
    Ok(())
}

fn until_all_is_stored(bridge: &Bridge, fleet: &Fleet) -> Result<()> {
    clock::until("all that was told is stored", || {
        let stored = bridge.events()?;
        let stored: BTreeSet<(&str, &str)> =
            stored.iter().map(|event| (&*event.router, &*event.message)).collect();
        let rows = fleet.ledger();
        Ok(rows.iter().all(|row| stored.contains(&(&*row.router, &*row.message))))
    })
}

#[test]
fn the_ledger_is_what_the_routers_told() -> Result<()> {
    let program = built::program("netmonitor-bridge")?;
    let folder = tempfile::tempdir()?;
    let fleet = Fleet::start(Settings::quiet(ROUTERS))?;
    let (routers, database) = (folder.path().join("routers.toml"), folder.path().join("db"));
    std::fs::write(&routers, fleet.routers_toml())?;
    let place = Place::of(&program, &routers, &database);
    let mut bridge = place.start()?;
    for number in 0..OUTAGES {
        let ago = (OUTAGES - number) * APART_S;
        let lasts = 1 + number * 7 % 90;
        let (cause, side) = WHY[number % WHY.len()];
        for router in 0..ROUTERS {
            act(&fleet, router, &format!("outage {lasts}s {cause} {side} {ago}s"))?;
        }
        match number % 10 {
            // In the middle of telling: the end may not be told yet.
            3 | 6 => bridge = restarted(&place, bridge)?,
            // What was not read yet would be gone.
            8 => {
                clock::until("both are over", || {
                    Ok(told(&fleet.ledger())?.len() == (number + 1) * ROUTERS
                        && told(&fleet.ledger())?.values().all(|outage| !outage.1.is_nan()))
                })?;
                until_all_is_stored(&bridge, &fleet)?;
                act(&fleet, number / 10 % ROUTERS, "reboot 10ms")?;
                clock::until("it has started", || {
                    let boots =
                        fleet.ledger().iter().filter(|row| row.kind == "router_boot").count();
                    Ok(boots == number / 10 + 1)
                })?;
            }
            9 if number % 20 == 9 => act(&fleet, 0, "clock +100s")?,
            _ => {}
        }
    }
    clock::until("all are over", || {
        Ok(told(&fleet.ledger())?.values().all(|outage| !outage.1.is_nan()))
    })?;
    until_all_is_stored(&bridge, &fleet)?;
    let expected = told(&fleet.ledger())?;
    ensure!(expected.len() == OUTAGES * ROUTERS, "only {} were told", expected.len());
    let mut kept = Ledger::new();
    let mut running = Some(bridge);
    clock::until("times are corrected", || {
        until_all_is_stored(running.as_ref().context("it runs")?, &fleet)?;
        running = None;
        kept = self::kept(&database)?;
        let near = |a: f64, b: f64| (a - b).abs() < 1.0;
        let is_right = expected.iter().all(|(key, told)| {
            let kept = kept.get(key);
            kept.is_some_and(|kept| near(kept.0, told.0) && near(kept.1, told.1))
        });
        if !is_right {
            running = Some(place.start()?);
        }
        Ok(is_right)
    })?;
    let names = |ledger: &Ledger| ledger.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&kept), names(&expected));
    for (key, told) in &expected {
        assert_eq!((&kept[key].2, &kept[key].3), (&told.2, &told.3), "{key:?}");
    }
    Ok(())
}

/// Killed, and started again.
fn restarted(place: &Place<'_>, bridge: Bridge) -> Result<Bridge> {
    drop(bridge);
    place.start()
}
