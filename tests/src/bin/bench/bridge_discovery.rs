//! What Prometheus asks the bridge again and again: which routers there are, and what it tells of
//! them. By the length of the list, beside the `sqlite3` shell that makes the same list.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netmonitor_tests::bridge::{Counted, Place};
use netmonitor_tests::clock;
use netmonitor_tests::cores::Cores;
use netmonitor_tests::exporter::in_memory;
use netmonitor_tests::fake_routers_apart::FakeRouters;
use netmonitor_tests::figures::{ms, percentile};
use netmonitor_tests::goals::Goal;
use netmonitor_tests::http_client::Client;
use netmonitor_tests::labelled;
use netmonitor_tests::meter::Meter;
use netmonitor_tests::running::Running;
use netmonitor_tests::sqlite_shell::SqliteShell;
use netmonitor_tests::table::Table;

use crate::bridge_history::{HEADING, Rows, repeated};

/// The last one is the longest that there may be.
const LISTS: [usize; 4] = [1, 100, 1000, 5000];
/// Of the list of a thousand.
const BELOW_MS: f64 = 30.0;
const GOAL_FOR: usize = 1000;
/// As it is by default.
const POLL_INTERVAL: Duration = Duration::from_secs(60);
/// Until each router has been polled: the first polls are spread over some seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// The same answer, from names that the bridge has stored.
const SQL: &str = "SELECT json_array('127.0.0.1:8321') AS targets, json_object(
    '__metrics_path__', '/r/' || id || '/metrics', '__scheme__', 'http',
    'customer', 'customer-' || (id % 50), 'instance', '127.0.0.1', 'router', name,
    'site', 'site-' || id) AS labels FROM routers ORDER BY id;";

/// Prints the figures.
pub(super) fn measure(binary: &Path, cores: Option<&Cores>) -> Result<()> {
    println!(
        "\nbridge, discovery: http_sd and /metrics, of routers that have a customer and a site and \
         are polled\n                   every {} s meanwhile; beside the sqlite3 shell, which makes \
         the list of http_sd from a table",
        POLL_INTERVAL.as_secs(),
    );
    for routers in LISTS {
        let mut table = Table::new(HEADING);
        let mut rows = Rows { table: &mut table, routers };
        measure_one(&mut rows, binary, cores).with_context(|| format!("{routers} routers"))?;
        print!("\n{table}");
    }
    Ok(())
}

fn measure_one(rows: &mut Rows<'_>, binary: &Path, cores: Option<&Cores>) -> Result<()> {
    let folder = in_memory("netmonitor-discovery-")?;
    let fleet = FakeRouters::start(rows.routers, "", folder.path())?;
    let list = std::fs::read_to_string(&fleet.routers_file)?;
    let label = |index: usize| {
        let number = index + 1;
        format!("customer = \"customer-{}\"\nsite = \"site-{number}\"", number % 50)
    };
    let (routers, database) = (folder.path().join("labelled"), folder.path().join("netmonitor.db"));
    std::fs::write(&routers, labelled::list(&list, label))?;
    let place = Place::of(binary, &routers, &database);
    let place = Place { cores, poll_interval: POLL_INTERVAL, ..place };
    let bridge = place.start()?.running;
    clock::until_within(PATIENCE, "each router has been polled", || {
        Ok(Counted::of(&bridge)?.polls >= rows.routers as f64)
    })?;
    let mut shell = SqliteShell::open(&database, cores)?;
    let meter = Meter::start(&bridge, cores)?;
    let theirs = repeated(|| Ok(shell.ask(SQL)?.0))?;
    let goal = if rows.routers == GOAL_FOR { Goal::Below(BELOW_MS) } else { Goal::None };
    add(rows, &bridge, "/api/v1/sd", Some(&theirs), goal)?;
    add(rows, &bridge, "/metrics", None, Goal::None)?;
    let shares = meter.shares()?;
    rows.push("% of the time waiting for the core", shares.waited * 100.0, Goal::None);
    rows.push("% of the core taken by the host", shares.stolen * 100.0, Goal::None);
    Ok(())
}

fn add(
    rows: &mut Rows<'_>,
    bridge: &Running,
    path: &str,
    theirs: Option<&[Duration]>,
    goal: Goal,
) -> Result<()> {
    let mut client = Client::connect(bridge.address)?;
    let answer = client.get(path)?;
    let (bytes, named) = (answer.len(), answer.matches("site-").count());
    ensure!(named >= rows.routers, "{path}: {named} labels of routers");
    let ours = repeated(|| {
        let asked = clock::now();
        client.get(path)?;
        Ok(clock::now().saturating_duration_since(asked))
    })?;
    let of = |times: &[Duration], percent| percentile(times, percent).map_or(f64::NAN, ms);
    for (percent, goal) in [(50, Goal::None), (95, goal)] {
        let theirs = theirs.map(|times| of(times, percent));
        rows.push_beside(&format!("{path} p{percent}, ms"), of(&ours, percent), theirs, goal);
    }
    rows.push(&format!("{path}, kB"), bytes as f64 / 1e3, Goal::None);
    Ok(())
}
