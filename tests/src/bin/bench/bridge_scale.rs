//! What a router costs, by how many there are, and where the bridge stops.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use netmonitor_tests::cores::Cores;
use netmonitor_tests::figures::{ms, percentile, short};
use netmonitor_tests::fleet_load::{Fleet, FleetLoad};
use netmonitor_tests::table::Table;

use crate::bridge::megabytes;

/// Routers, seconds between two polls of each, and for how long that is measured.
///
/// 5,000 is the most that a list may have: from there on they are polled more often. CPU time
/// comes in steps of 10 ms, so few routers are measured for longer.
const STEPS: [(usize, u64, u64); 8] = [
    (1, 10, 120),
    (10, 10, 60),
    (100, 10, 30),
    (1000, 10, 30),
    (5000, 10, 30),
    (5000, 5, 30),
    (5000, 2, 30),
    (5000, 1, 30),
];
/// What others are compared with: enough polls for the steps of CPU time to be small.
const COMPARED_WITH: usize = 100;
/// A bridge that falls behind is later than this, and later with each poll.
const LATE: Duration = Duration::from_secs(1);
/// `POLL_INTERVAL` as it is by default.
const ORDINARY_PERIOD: Duration = Duration::from_secs(60);

const HEADING: [&str; 11] = [
    "routers",
    "each s",
    "polls/s",
    "CPU, %",
    "CPU/poll, µs",
    "ratio",
    "memory, MB",
    "files",
    "late p99, ms",
    "events lost",
    "",
];

/// Prints the figures.
pub(super) fn measure(binary: &Path, cores: Option<&Cores>) -> Result<()> {
    println!(
        "\nbridge, scale: each router is polled every so many seconds, and tells an event as \
         often;\n               CPU of one core; ratio: of a poll's CPU to that with \
         {COMPARED_WITH} routers;\n               it stops where the p99 of polls is {} s late, \
         or events are lost",
        LATE.as_secs(),
    );
    let mut table = Table::new(HEADING);
    let mut rows: Vec<(Fleet, Result<FleetLoad>)> = Vec::new();
    for (routers, period, length) in STEPS {
        let seconds = Duration::from_secs;
        let (period, length) = (seconds(period), seconds(length));
        let fleet = Fleet { routers, period, waiting: 1, told: 1, length };
        let load = FleetLoad::measure(fleet, binary, cores);
        // None stops with one router: that could not be measured.
        let load = if rows.is_empty() { Ok(load?) } else { load };
        let goes_on = load.as_ref().is_ok_and(keeps_up);
        rows.push((fleet, load));
        if !goes_on {
            break;
        }
    }
    let compared = rows.iter().find(|(fleet, _)| fleet.routers == COMPARED_WITH);
    let compared = compared.and_then(|(_, load)| load.as_ref().ok()).map(|load| load.cpu_each);
    for (fleet, load) in &rows {
        table.push(row(*fleet, load.as_ref(), compared));
    }
    print!("\n{table}");
    // Of the last row; what it could not do is where it stops.
    if let Some((fleet, Err(error))) = rows.last() {
        println!("{} routers: {error:#}", fleet.routers);
    }
    let kept_up = |(_, load): &&(Fleet, Result<FleetLoad>)| load.as_ref().is_ok_and(keeps_up);
    if let Some((fleet, Ok(load))) = rows.iter().rfind(kept_up) {
        println!("{}", conclusion(*fleet, load));
    }
    Ok(())
}

fn lost(load: &FleetLoad) -> usize {
    load.differences.lost + load.differences.doubled + load.differences.invented
}

fn late(load: &FleetLoad) -> Duration {
    percentile(&load.lateness, 99).unwrap_or(Duration::MAX)
}

fn polls_per_second(fleet: Fleet, load: &FleetLoad) -> f64 {
    load.polls / fleet.length.as_secs_f64()
}

fn keeps_up(load: &FleetLoad) -> bool {
    late(load) < LATE && lost(load) == 0
}

fn row(
    fleet: Fleet,
    load: Result<&FleetLoad, &anyhow::Error>,
    compared: Option<Duration>,
) -> [String; 11] {
    let us = |duration: Duration| duration.as_secs_f64() * 1e6;
    let (routers, period) = (fleet.routers.to_string(), fleet.period.as_secs().to_string());
    let Ok(load) = load else {
        let mut cells = HEADING.map(|_| "-".to_owned());
        (cells[0], cells[1], cells[10]) = (routers, period, "STOPS".to_owned());
        return cells;
    };
    let ratio = compared.map_or_else(String::new, |with| short(us(load.cpu_each) / us(with)));
    let verdict = if keeps_up(load) { "keeps up" } else { "STOPS" };
    [
        routers,
        period,
        short(polls_per_second(fleet, load)),
        short(load.cpu * 100.0),
        short(us(load.cpu_each)),
        ratio,
        short(megabytes(load.rss_kb)),
        load.open_files.to_string(),
        short(ms(late(load))),
        lost(load).to_string(),
        verdict.to_owned(),
    ]
}

/// What the last fleet that it kept up with says of others; computed, and said to be.
fn conclusion(fleet: Fleet, load: &FleetLoad) -> String {
    format!(
        "computed: as many polls as in the last row that kept up are {} routers polled every {} s",
        short(polls_per_second(fleet, load) * ORDINARY_PERIOD.as_secs_f64()),
        ORDINARY_PERIOD.as_secs(),
    )
}
