//! What a router costs, by how many there are, and with how many it stops.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use netmonitor_tests::cores::Cores;
use netmonitor_tests::figures::{ms, percentile, short};
use netmonitor_tests::fleet_load::{Fleet, FleetLoad, PERIOD};
use netmonitor_tests::table::Table;

use crate::bridge::megabytes;

/// The last one is more than one bridge is meant for.
const SIZES: [usize; 5] = [1, 10, 100, 1000, 5000];
/// What others are compared with.
const HOUSE: usize = 1;
/// Three polls of each router.
const LENGTH: Duration = Duration::from_secs(30);
/// A poll that is later than this was not made in its time.
const LATE: Duration = PERIOD;
/// `POLL_INTERVAL` as it is by default.
const ORDINARY_PERIOD: Duration = Duration::from_secs(60);

const HEADING: [&str; 10] = [
    "routers",
    "polls/s",
    "CPU, %",
    "CPU/poll, µs",
    "of one's",
    "memory, MB",
    "files",
    "late p99, ms",
    "events lost",
    "",
];

/// Prints the figures.
pub(super) fn measure(binary: &Path, cores: Option<&Cores>) -> Result<()> {
    println!(
        "\nbridge, scale: polled every {} s, each router tells an event as often; measured for \
         {} s.\n               CPU of one core; \"of one's\": a poll's CPU as a ratio to that with \
         {HOUSE} router;\n               it stops where polls are {} s late, or events are lost",
        PERIOD.as_secs(),
        LENGTH.as_secs(),
        LATE.as_secs(),
    );
    let mut table = Table::new(HEADING);
    let mut one = None;
    let mut largest = None;
    for routers in SIZES {
        let fleet = Fleet { routers, waiting: 1, told: 1, length: LENGTH };
        let load = FleetLoad::measure(fleet, binary, cores)
            .with_context(|| format!("{routers} routers"))?;
        let one = *one.get_or_insert(load.cpu_each);
        let keeps_up = add(&mut table, routers, &load, one);
        if keeps_up {
            largest = Some((routers, load));
        }
    }
    print!("\n{table}");
    if let Some((routers, load)) = largest {
        println!("{}", conclusion(routers, &load));
    }
    Ok(())
}

/// Whether it keeps up with so many.
fn add(table: &mut Table<10>, routers: usize, load: &FleetLoad, one: Duration) -> bool {
    let late = percentile(&load.lateness, 99).unwrap_or(Duration::MAX);
    let lost = load.differences.lost + load.differences.doubled + load.differences.invented;
    let keeps_up = late < LATE && lost == 0;
    let us = |duration: Duration| duration.as_secs_f64() * 1e6;
    table.push([
        routers.to_string(),
        short(load.lateness.len() as f64 / LENGTH.as_secs_f64()),
        short(load.cpu * 100.0),
        short(us(load.cpu_each)),
        short(us(load.cpu_each) / us(one)),
        short(megabytes(load.rss_kb)),
        load.open_files.to_string(),
        short(ms(late)),
        lost.to_string(),
        if keeps_up { "keeps up" } else { "STOPS" }.to_owned(),
    ]);
    keeps_up
}

/// What the largest fleet that it kept up with says of larger ones; computed, and said to be.
fn conclusion(routers: usize, load: &FleetLoad) -> String {
    let full = |period: Duration| period.as_secs_f64() / load.cpu_each.as_secs_f64();
    format!(
        "computed from the row with {routers}: one core is full with {} routers polled every {} \
         s, with {} every {} s; what others take of the core is not taken off ({} % here)",
        short(full(PERIOD)),
        PERIOD.as_secs(),
        short(full(ORDINARY_PERIOD)),
        ORDINARY_PERIOD.as_secs(),
        short(load.others * 100.0),
    )
}
