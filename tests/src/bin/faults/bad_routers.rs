//! Routers that are slow or lie, a hundred of them, and one that is good: it must be polled in
//! time, and the bridge must not grow.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use netmonitor_tests::bridge::Place;
use netmonitor_tests::clock;
use netmonitor_tests::fake_router::arrivals;
use netmonitor_tests::fake_router::fleet::{Fleet, Settings};
use netmonitor_tests::figures::{ms, percentile};
use netmonitor_tests::goals::Goal;
use netmonitor_tests::http_client::Client;
use netmonitor_tests::stored_events::{self, Differences};

use crate::Wanted;
use crate::held::{About, Holdings};

/// What they do, in the words of a scenario.
const USELESS: [&str; 10] =
    ["huge", "drip", "hang", "reset", "noise", "garbage", "html", "gzip-bomb", "redirect", "503"];
/// The same; of these there is something to read in the end.
const ODD: [&str; 2] = ["slow 5s", "deep"];
const OF_EACH: usize = 8;
const BAD: usize = (USELESS.len() + ODD.len()) * OF_EACH;
const GOOD: usize = 0;
const PERIOD: Duration = Duration::from_secs(1);
const LENGTH: Duration = Duration::from_secs(60);
const LATE_AT_MOST_MS: f64 = 1_000.0;
const FAILING: usize = USELESS.len() * OF_EACH;
/// A dozen answers of 8 MB at a time, the most that is read of one.
const MEMORY_BELOW_MB: f64 = 160.0;

pub(super) fn run(wanted: &Wanted, about: &mut About<'_>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = |name: &str| folder.path().join(name);
    let arrivals = Some(file("arrivals"));
    let fleet = Fleet::start(Settings { arrivals, ..Settings::quiet(1 + BAD) })?;
    let mut routers = String::new();
    for (number, url) in (1..).zip(fleet.urls()) {
        writeln!(routers, "[[router]]\nname = \"router-{number:04}\"\nurl = \"{url}\"")?;
    }
    std::fs::write(file("routers.toml"), routers)?;
    let act = |router: usize, action: &str| -> Result<()> {
        let action = action.parse().map_err(|error| anyhow::anyhow!("{action}: {error}"))?;
        fleet.act(router, &action);
        Ok(())
    };
    for (index, way) in USELESS.iter().chain(&ODD).cycle().take(BAD).enumerate() {
        act(1 + index, way)?;
    }
    act(GOOD, "event wan_down x20")?;

    let (routers, database) = (file("routers.toml"), file("netmonitor.db"));
    let place = Place { poll_interval: PERIOD, ..Place::of(&wanted.bridge, &routers, &database) };
    let bridge = place.start()?.running;
    let holdings = Holdings::of(&bridge, 1 + BAD)?;
    // The first answers of all come at once, within five seconds.
    clock::wait_until(clock::now() + Duration::from_secs(5));
    let from = clock::since_boot();
    clock::wait_until(clock::now() + LENGTH);
    let until = clock::since_boot();

    let mut times = arrivals::read(&file("arrivals"))?;
    let mut times = times.remove("router-0001").context("the good one was not polled")?;
    times.retain(|at| (from..until).contains(at));
    let late = arrivals::lateness(&times, PERIOD, until);
    let told: Vec<_> =
        fleet.ledger().into_iter().filter(|row| row.router == "router-0001").collect();
    let differences = Differences::between(&told, &stored_events::read(&bridge)?);
    let mut client = Client::connect(bridge.address)?;
    let failing = failing_routers(client.get("/metrics")?);
    about.must_be("routers that are found to fail", failing as f64, Goal::Exactly(FAILING as f64));
    about.shown("polls of the good one", times.len() as f64);
    let worst = percentile(&late, 100).map_or(f64::NAN, ms);
    about.must_be("the good one's polls late, max, ms", worst, Goal::AtMost(LATE_AT_MOST_MS));
    about.none("its events lost", differences.lost);
    about.none("its events stored twice", differences.doubled);
    about.none("events that nobody told", differences.invented);
    holdings.compare(about, MEMORY_BELOW_MB)
}

/// Those that a poll has failed of.
fn failing_routers(scrape: &str) -> usize {
    let failures = scrape.lines().filter(|line| {
        line.starts_with("netmonitor_bridge_polls_total{") && line.contains("result=\"failure\"")
    });
    failures.filter(|line| !line.ends_with(" 0")).count()
}
