//! The bridge is killed twenty times while routers tell events, restart and correct their
//! clocks: what it has stored in the end is what they told, each event once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netmonitor_tests::clock;
use netmonitor_tests::fake_router::fleet::{Fleet, Settings};
use netmonitor_tests::fake_router::ledger::Row;
use netmonitor_tests::fake_router::scenario::Action;
use netmonitor_tests::http_client::Client;
use netmonitor_tests::running::{Launch, Running};
use serde::Deserialize;

const KILLS: usize = 20;
const ROUTERS: usize = 3;
/// Longer than a slow machine needs for a few events.
const PATIENCE: Duration = Duration::from_secs(60);

/// `target/debug/netmonitor-bridge`, seen from `target/debug/deps/bridge_kills-…`.
fn program() -> Result<PathBuf> {
    let ourselves = std::env::current_exe()?;
    let folder = ourselves.ancestors().nth(2).context("this test is in no target folder")?;
    let binary = folder.join("netmonitor-bridge");
    ensure!(binary.is_file(), "{} is missing: cargo test --workspace", binary.display());
    Ok(binary)
}

fn start(program: &Path, folder: &Path) -> Result<Running> {
    let file = |name: &str| folder.join(name).into_os_string();
    let arguments = vec![
        "--routers-file".into(),
        file("routers.toml"),
        "--sqlite-db".into(),
        file("netmonitor.db"),
        "--bridge-host".into(),
        "127.0.0.1".into(),
        "--bridge-port".into(),
        "0".into(),
        "--poll-interval".into(),
        "1".into(),
    ];
    let address_after = "listening on http://";
    Launch { program: program.as_os_str(), arguments, address_after, cores: None }.start()
}

#[derive(Debug, Deserialize)]
struct Answer {
    records: Vec<Stored>,
}

#[derive(Debug, Deserialize)]
struct Stored {
    router: String,
    #[serde(rename = "type")]
    kind: String,
    message: String,
    event_time: String,
}

/// Has every event that can still be read the time that its router gives it now?
fn has_right_times(told: &[Row], stored: &[Stored]) -> bool {
    let times: BTreeMap<(&str, &str), i64> = stored
        .iter()
        .filter_map(|event| {
            let time: jiff::Timestamp = event.event_time.parse().ok()?;
            Some(((&*event.router, &*event.message), time.as_second()))
        })
        .collect();
    told.iter().filter(|row| row.must_be_known()).all(|row| {
        let time = times.get(&(&*row.router, &*row.message));
        time.is_some_and(|time| (row.ts - *time as f64).abs() < 1.5)
    })
}

fn stored(bridge: &Running) -> Result<Vec<Stored>> {
    let mut client = Client::connect(bridge.address)?;
    let body = client.get("/api/events?limit=1000000")?;
    Ok(serde_json::from_str::<Answer>(body)?.records)
}

/// Waits for what is true in the end.
fn until(what: &str, mut is_true: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = clock::now() + PATIENCE;
    while !is_true()? {
        ensure!(clock::now() < deadline, "not in time: {what}");
        std::thread::yield_now();
    }
    Ok(())
}

fn act(fleet: &Fleet, router: usize, action: &str) -> Result<()> {
    let action: Action = action.parse().map_err(|error| anyhow::anyhow!("{action}: {error}"))?;
    fleet.act(router, &action);
    Ok(())
}

#[test]
fn a_killed_bridge_loses_and_doubles_no_event() -> Result<()> {
    let program = program()?;
    let folder = tempfile::tempdir()?;
    let fleet = Fleet::start(Settings::quiet(ROUTERS))?;
    std::fs::write(folder.path().join("routers.toml"), fleet.routers_toml())?;
    let mut before = 0;
    for kill in 0..KILLS {
        let bridge = start(&program, folder.path())?;
        for router in 0..ROUTERS {
            act(&fleet, router, "event pppoe_down x7")?;
            match (kill + router) % 5 {
                0 => act(&fleet, router, "clock +3600s")?,
                1 => act(&fleet, router, "half x2")?,
                _ => {}
            }
        }
        // In the middle of it: some of the new ones are stored, not all.
        until("something new is stored", || Ok(stored(&bridge)?.len() > before))?;
        before = stored(&bridge)?.len();
        drop(bridge);
    }

    let bridge = start(&program, folder.path())?;
    let count = |rows: &[Row]| rows.iter().filter(|row| row.must_be_known()).count();
    until("everything is stored", || Ok(stored(&bridge)?.len() >= count(&fleet.ledger())))?;
    until("times are corrected", || Ok(has_right_times(&fleet.ledger(), &stored(&bridge)?)))?;
    let told = fleet.ledger();
    let mut kept: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for event in stored(&bridge)? {
        kept.entry((event.router, event.message)).or_default().push(event.kind);
    }
    ensure!(told.len() >= KILLS * ROUTERS * 7, "only {} events were told", told.len());
    for row in told {
        let found = kept.remove(&(row.router.clone(), row.message.clone()));
        match found.as_deref() {
            Some([kind]) => assert_eq!(*kind, row.kind, "{row:?}"),
            Some(several) => panic!("stored {} times: {row:?}", several.len()),
            None => assert!(!row.must_be_known(), "lost: {row:?}"),
        }
    }
    kept.retain(|_, kinds| kinds.iter().any(|kind| kind != "events_lost"));
    assert!(kept.is_empty(), "nobody told this: {kept:?}");
    Ok(())
}
