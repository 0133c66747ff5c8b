//! What a scrape costs, side by side with Debian's `prometheus-node-exporter`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use netmonitor_tests::cores::Cores;
use netmonitor_tests::exporter::{Build, Exporter, Setup};
use netmonitor_tests::figures::{ms, percentile, short};
use netmonitor_tests::goals::Goal;
use netmonitor_tests::http_client::ACCEPT;
use netmonitor_tests::running::{Launch, Running, find_on_path};
use netmonitor_tests::scrape_cost::{Cost, Turns};
use netmonitor_tests::table::Table;
use netmonitor_tests::under_load::{CONNECTIONS, PER_SECOND, SECONDS, TRIES, UnderLoad};

const ROUNDS: u32 = 5;
/// So that turns take about equally long.
const SCRAPES_OF_OURS: u32 = 2000;
const SCRAPES_OF_NODE_EXPORTER: u32 = 200;

const P99_BELOW_MS: f64 = 2.0;
const TIMES_THE_SCRAPES: f64 = 15.0;
const TIMES_THE_SAMPLES: f64 = 4.0;

const HEADING: [&str; 7] = ["figure", "build", "ours", "node_exporter", "ratio", "goal", ""];

/// Of the other's memory, at most.
fn share_of_memory(build: Build) -> f64 {
    match build {
        Build::Ordinary => 1.0 / 5.0,
        Build::Static => 1.0 / 8.0,
    }
}

/// Prints the figures.
pub(super) fn measure(binaries: &[PathBuf], cores: Option<&Cores>) -> Result<()> {
    describe();
    let other = start_node_exporter(cores)?;
    let setup = Setup { cores, ..Setup::default() };
    let start = |binary: &PathBuf| Exporter::start(binary, &setup);
    let ours = binaries.iter().map(start).collect::<Result<Vec<_>>>()?;

    let mut reference = Turns::of(&other, SCRAPES_OF_NODE_EXPORTER);
    let turns_of_ours = |ours: &Exporter| Turns::of(&ours.running, SCRAPES_OF_OURS);
    let mut turns: Vec<Turns> = ours.iter().map(turns_of_ours).collect();
    take_turns(&mut reference, &mut turns)?;

    let mut table = Table::new(HEADING);
    let reference = reference.cost()?;
    for (ours, turns) in ours.iter().zip(&turns) {
        add_cost(&mut table, ours.build, &turns.cost()?, &reference);
    }
    let mut loads = Vec::new();
    for ours in &ours {
        for path in ["/metrics", "/net/status"] {
            loads.push((ours.build, UnderLoad::measure(&ours.running, cores, path)?));
        }
    }
    for (build, load) in &loads {
        add_load(&mut table, *build, load);
    }
    print!("\n{table}");
    if loads.iter().any(|(_, load)| !load.is_quiet()) {
        println!(
            "\nThe core was not free: others, or the host of this virtual machine, took it for the \
             time\nshown. Latencies then say more about the machine than about the program."
        );
    }
    Ok(())
}

fn describe() {
    println!(
        "cost: {ROUNDS} turns each, {SCRAPES_OF_OURS} scrapes of ours and \
         {SCRAPES_OF_NODE_EXPORTER} of node_exporter; median of the turns"
    );
    println!(
        "latency: {PER_SECOND} requests/s for {SECONDS} s on {CONNECTIONS} connections, counted \
         from the planned moment of each;\n         the least disturbed of up to {TRIES} runs"
    );
    println!("Accept, for all alike: {ACCEPT}\nno compression for either");
}

/// With the collectors that Debian's package has by default.
fn start_node_exporter(cores: Option<&Cores>) -> Result<Running> {
    let program = find_on_path("prometheus-node-exporter").context(
        "prometheus-node-exporter is not on PATH; on Debian: apt install prometheus-node-exporter",
    )?;
    let arguments = vec!["--web.listen-address=127.0.0.1:0".into()];
    Launch { program: program.as_os_str(), arguments, address_after: "address=", cores }.start()
}

fn take_turns(reference: &mut Turns, ours: &mut [Turns]) -> Result<()> {
    reference.warm_up()?;
    for program in &*ours {
        program.warm_up()?;
    }
    for _ in 0..ROUNDS {
        reference.take()?;
        for program in &mut *ours {
            program.take()?;
        }
    }
    Ok(())
}

fn add_cost(table: &mut Table<7>, build: Build, ours: &Cost, other: &Cost) {
    let mut row = |figure: &str, value: fn(&Cost) -> f64, goal: Goal| {
        let (ours, other) = (value(ours), value(other));
        let ratio = ours / other;
        let [goal, verdict] = goal.cells(ratio);
        let (figure, build) = (figure.to_owned(), build.name().to_owned());
        table.push([figure, build, short(ours), short(other), short(ratio), goal, verdict]);
    };
    let scrapes = Goal::AtLeast(TIMES_THE_SCRAPES);
    row("scrapes per CPU second", |cost| 1.0 / cost.cpu_seconds, scrapes);
    let samples = Goal::AtLeast(TIMES_THE_SAMPLES);
    row("samples per CPU second", |cost| cost.samples / cost.cpu_seconds, samples);
    row("resident memory, kB", |cost| cost.rss_kb, Goal::AtMost(share_of_memory(build)));
    row("samples per scrape", |cost| cost.samples, Goal::None);
    row("CPU of a scrape, ms", |cost| cost.cpu_seconds * 1e3, Goal::None);
}

fn add_load(table: &mut Table<7>, build: Build, load: &UnderLoad) {
    let mut row = |what: &str, found: f64, goal: Goal| {
        let [goal, verdict] = goal.cells(found);
        let (figure, build) = (format!("{} {what}", load.path), build.name().to_owned());
        let none = String::new;
        table.push([figure, build, short(found), none(), none(), goal, verdict]);
    };
    let of = |values: &[Duration], percent| percentile(values, percent).map_or(f64::NAN, ms);
    let latencies = &load.outcome.latencies;
    row("p50, ms", of(latencies, 50), Goal::None);
    row("p99, ms", of(latencies, 99), Goal::Below(P99_BELOW_MS));
    row("max, ms", of(latencies, 100), Goal::None);
    row("p99 of our load's own delay, ms", of(&load.outcome.lateness, 99), Goal::None);
    row("% of the core used", load.shares.ran * 100.0, Goal::None);
    row("% of the time waiting for the core", load.shares.waited * 100.0, Goal::None);
    row("% of the core taken by the host", load.shares.stolen * 100.0, Goal::None);
    row("resident memory afterwards, kB", load.rss_kb as f64, Goal::None);
}
