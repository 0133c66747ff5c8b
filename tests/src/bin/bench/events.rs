//! What the event listener costs and how fast it is, with each way to get at the lines.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use netmonitor_tests::burst::{self, Burst};
use netmonitor_tests::cores::Cores;
use netmonitor_tests::elf;
use netmonitor_tests::exporter::Build;
use netmonitor_tests::figures::{ms, percentile, short};
use netmonitor_tests::flood::{self, Flood};
use netmonitor_tests::goals::Goal;
use netmonitor_tests::meter::Shares;
use netmonitor_tests::router::LogKind;
use netmonitor_tests::router_log::Subject;
use netmonitor_tests::table::Table;
use netmonitor_tests::visibility::{LINES, SPACING, Visibility};

const VISIBLE_BELOW_MS: f64 = 50.0;
const FLOOD_CPU_BELOW_PERCENT: f64 = 30.0;
/// Memory is flat: one part in twenty is pages of code that were not needed before.
const FLAT: f64 = 1.05;
const NONE: Goal = Goal::Exactly(0.0);

const HEADING: [&str; 8] = ["figure", "build", "log", "found", "at rest", "ratio", "goal", ""];

/// Rows of one binary and one kind of log.
struct Rows<'t> {
    table: &'t mut Table<8>,
    build: &'static str,
    log: &'static str,
}

impl Rows<'_> {
    fn push(&mut self, figure: &str, found: f64, goal: Goal) {
        let [goal, verdict] = goal.cells(found);
        let none = String::new;
        self.push_cells(figure, [short(found), none(), none(), goal, verdict]);
    }

    /// Beside what it was in the same run before; the goal is one of the ratio.
    fn compare(&mut self, figure: &str, found: f64, at_rest: f64, goal: Goal) {
        let ratio = found / at_rest;
        let [goal, verdict] = goal.cells(ratio);
        self.push_cells(figure, [short(found), short(at_rest), short(ratio), goal, verdict]);
    }

    fn push_cells(&mut self, figure: &str, cells: [String; 5]) {
        let [found, at_rest, ratio, goal, verdict] = cells;
        let (build, log) = (self.build.to_owned(), self.log.to_owned());
        self.table.push([figure.to_owned(), build, log, found, at_rest, ratio, goal, verdict]);
    }

    /// How far the machine is to blame.
    fn push_disturbance(&mut self, during: &str, shares: Shares) {
        let waited = format!("{during}: % of the time waiting for the core");
        self.push(&waited, shares.waited * 100.0, Goal::None);
        let stolen = format!("{during}: % of the core taken by the host");
        self.push(&stolen, shares.stolen * 100.0, Goal::None);
    }
}

/// Prints the figures.
pub(super) fn measure(binaries: &[PathBuf], cores: Option<&Cores>) -> Result<()> {
    describe();
    let mut table = Table::new(HEADING);
    for binary in binaries {
        let build = if elf::is_static(binary)? { Build::Static } else { Build::Ordinary };
        for (log, subject) in [(LogKind::File, Subject::Pppoe), (LogKind::Logread, Subject::Wan)] {
            let named = |what: &str| format!("{what}, {} build, {}", build.name(), log.name());
            let mut rows = Rows { table: &mut table, build: build.name(), log: log.name() };
            let visibility = Visibility::measure(binary, cores, log);
            add_visibility(&mut rows, &visibility.with_context(|| named("latency"))?);
            let flood = Flood::measure(binary, cores, log);
            add_flood(&mut rows, &flood.with_context(|| named("flood"))?);
            let burst = Burst::measure(binary, cores, log, subject);
            add_burst(&mut rows, subject, &burst.with_context(|| named("burst"))?);
        }
    }
    print!("\n{table}");
    Ok(())
}

fn describe() {
    println!(
        "\nlogs: a file that is appended to, or a logread that only copies to its output and \
         shares the\n      exporter's core; their files in RAM where there is some, as on a router"
    );
    let (from, to) = (SPACING.start.as_millis(), SPACING.end.as_millis());
    println!(
        "line to answer: {LINES} lines, {from} to {to} ms apart, until a long poll has its answer"
    );
    println!(
        "flood: {} lines/s for {} s, {} events among them, {} requests/s for /healthz; at rest: \
         the same\n       without lines; resident memory after a second of flood",
        flood::PER_SECOND,
        flood::LENGTH.as_secs(),
        flood::EVENTS,
        flood::HEALTH_CHECKS,
    );
    println!(
        "burst: {} events in {} s after the router's start and a first up, of which {} are kept",
        burst::EVENTS,
        burst::LENGTH.as_secs(),
        burst::KEPT,
    );
}

fn of(values: &[Duration], percent: usize) -> f64 {
    percentile(values, percent).map_or(f64::NAN, ms)
}

fn add_visibility(rows: &mut Rows<'_>, visibility: &Visibility) {
    let latencies = &visibility.latencies;
    rows.push("line to answer, p50, ms", of(latencies, 50), Goal::None);
    rows.push("line to answer, p99, ms", of(latencies, 99), Goal::Below(VISIBLE_BELOW_MS));
    rows.push("line to answer, max, ms", of(latencies, 100), Goal::None);
    rows.push_disturbance("line to answer", visibility.shares);
}

fn add_flood(rows: &mut Rows<'_>, flood: &Flood) {
    rows.push("flood: events lost or invented", flood.wrong_events as f64, NONE);
    let [written, read] = flood.lines;
    rows.push("flood: lines not read", written as f64 - read as f64, NONE);
    let rate = written as f64 / flood.took.as_secs_f64();
    rows.push("flood: lines written a second", rate, Goal::None);
    let percent = flood.shares.ran * 100.0;
    rows.push("flood: CPU, % of one core", percent, Goal::Below(FLOOD_CPU_BELOW_PERCENT));
    let per_line = flood.shares.ran * flood.took.as_secs_f64() / written as f64;
    rows.push("flood: CPU of a line, µs", per_line * 1e6, Goal::None);
    let at_rest = flood.shares_at_rest.ran * 100.0;
    rows.compare("flood: the same, % of one core", percent, at_rest, Goal::None);
    let [before, after, peak] = flood.rss_kb.map(|kb| kb as f64);
    rows.compare("flood: resident memory, at most, kB", peak, before, Goal::AtMost(FLAT));
    rows.compare("flood: resident memory afterwards, kB", after, before, Goal::AtMost(FLAT));
    for percent in [50, 99, 100] {
        let name = if percent == 100 { "max".to_owned() } else { format!("p{percent}") };
        let (found, at_rest) = (of(&flood.health, percent), of(&flood.health_at_rest, percent));
        rows.compare(&format!("flood: /healthz {name}, ms"), found, at_rest, Goal::None);
    }
    rows.push("flood: line to answer, p50, ms", of(&flood.latencies, 50), Goal::None);
    rows.push("flood: line to answer, max, ms", of(&flood.latencies, 100), Goal::None);
    rows.push_disturbance("flood", flood.shares);
}

fn add_burst(rows: &mut Rows<'_>, subject: Subject, burst: &Burst) {
    let exactly = |expected: usize| Goal::Exactly(expected as f64);
    let pairs = burst::EVENTS / 2;
    let (name, reconnects, wan_downs) = match subject {
        Subject::Pppoe => ("burst of pppoe events", pairs, 0),
        Subject::Wan => ("burst of wan events", 0, pairs),
    };
    let mut row = |what: &str, found, goal| rows.push(&format!("{name}: {what}"), found, goal);
    row("counted", burst.counted, exactly(Burst::COUNTED));
    row("queue length", burst.queue_length, exactly(burst::KEPT));
    row("evicted", burst.evicted, exactly(Burst::EVICTED));
    row("next_seq", burst.next_seq, exactly(Burst::NEXT_SEQ));
    row("reconnects in 24 h", burst.reconnects, exactly(reconnects));
    row("wan_down in 24 h", burst.wan_downs, exactly(wan_downs));
    row("written in, ms", ms(burst.written_in), Goal::None);
    row("all seen after, ms", ms(burst.counted_in), Goal::None);
    let [before, peak] = burst.rss_kb.map(|kb| kb as f64);
    rows.compare(&format!("{name}: resident memory, at most, kB"), peak, before, Goal::None);
}
