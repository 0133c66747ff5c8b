//! A thousand routers on one core.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use netmonitor_tests::cores::Cores;
use netmonitor_tests::figures::{ms, percentile, short};
use netmonitor_tests::fleet_load::{Fleet, FleetLoad};
use netmonitor_tests::goals::Goal;
use netmonitor_tests::table::Table;

use crate::bridge::megabytes;

/// Measured for six polls of each.
const FLEET: Fleet = Fleet {
    routers: 1000,
    period: Duration::from_secs(10),
    waiting: 50,
    told: 2,
    length: Duration::from_secs(60),
};
const CPU_BELOW_PERCENT: f64 = 60.0;
const MEMORY_BELOW_MB: f64 = 100.0;
const LATE_AT_MOST_MS: f64 = 1000.0;
const NONE: Goal = Goal::Exactly(0.0);

/// Prints the figures.
pub(super) fn measure(binary: &Path, cores: Option<&Cores>) -> Result<()> {
    println!(
        "\nbridge, fleet: {} routers in a program on another core, polled every {} s; {} events \
         wait\n               in each, then each tells {} as often; measured for {} s once those \
         are stored",
        FLEET.routers,
        FLEET.period.as_secs(),
        FLEET.waiting,
        FLEET.told,
        FLEET.length.as_secs(),
    );
    println!(
        "late: by a timetable of each router, whose least late poll counts as on time; as seen \
         by the router"
    );
    let load = FleetLoad::measure(FLEET, binary, cores)?;
    let mut table = Table::new(["figure", "found", "goal", ""]);
    add(&mut table, &load);
    print!("\n{table}");
    Ok(())
}

fn add(table: &mut Table<4>, load: &FleetLoad) {
    let mut row = |figure: &str, found: f64, goal: Goal| {
        let [goal, verdict] = goal.cells(found);
        table.push([figure.to_owned(), short(found), goal, verdict]);
    };
    let late = |percent| percentile(&load.lateness, percent).map_or(f64::NAN, ms);
    let differences = load.differences;
    row("CPU, % of one core", load.cpu * 100.0, Goal::Below(CPU_BELOW_PERCENT));
    row("resident memory, MB", megabytes(load.rss_kb), Goal::Below(MEMORY_BELOW_MB));
    row("resident memory, at most, MB", megabytes(load.peak_rss_kb), Goal::Below(MEMORY_BELOW_MB));
    row("threads", load.threads as f64, Goal::None);
    row("polls", load.lateness.len() as f64, Goal::None);
    row("poll late, p50, ms", late(50), Goal::None);
    row("poll late, p99, ms", late(99), Goal::None);
    row("poll late, max, ms", late(100), Goal::AtMost(LATE_AT_MOST_MS));
    row("poll from asking to stored, mean, ms", ms(load.poll), Goal::None);
    row("events told", load.told as f64, Goal::None);
    row("events lost", differences.lost as f64, NONE);
    row("events stored twice", differences.doubled as f64, NONE);
    row("events that nobody told", differences.invented as f64, NONE);
    row("waiting events stored after, s", seconds(load.caught_up_in), Goal::None);
    row("the routers' own CPU, % of a core", load.fleet_cpu * 100.0, Goal::None);
    let waited = "% of the time threads waited for the core, for each other too";
    row(waited, load.shares.waited * 100.0, Goal::None);
    row("% of the core used by others", load.others * 100.0, Goal::None);
    row("% of the core taken by the host", load.shares.stolen * 100.0, Goal::None);
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
