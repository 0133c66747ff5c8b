//! Answers over thirty days, of one router and of fifty, beside the `sqlite3` shell.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use netmonitor_bridge::store;
use netmonitor_tests::bridge::Place;
use netmonitor_tests::clock;
use netmonitor_tests::cores::Cores;
use netmonitor_tests::exporter::in_memory;
use netmonitor_tests::fake_routers_apart::FakeRouters;
use netmonitor_tests::figures::{ms, percentile, short};
use netmonitor_tests::goals::Goal;
use netmonitor_tests::history::{self, EVENTS, SAMPLES, TARGETS};
use netmonitor_tests::http_client::Client;
use netmonitor_tests::meter::Meter;
use netmonitor_tests::running::Running;
use netmonitor_tests::sqlite_shell::SqliteShell;
use netmonitor_tests::streamed::Streamed;
use netmonitor_tests::table::Table;

use crate::bridge::megabytes;
use crate::bridge_questions::{QUESTIONS, Question, UNLIMITED};

/// Of fifty routers, of the time with one.
const TIMES_FOR_MANY: f64 = 2.0;
const MANY: usize = 50;
const FIRST_BYTE_BELOW_MS: f64 = 20.0;
const FILE_BELOW_MB: f64 = 8.0;
const MEMORY_BELOW_MB: f64 = 15.0;

/// Polling goes on meanwhile, thirty times as often as usual.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Answers of one kind, unless they take longer than this.
const ANSWERS: usize = 300;
const PATIENCE: Duration = Duration::from_secs(10);
/// Unlimited answers of one kind; the slowest counts.
const STREAMS: usize = 3;
/// First ones open the file and fill the caches.
const WARM_UP: usize = 10;

pub(super) const HEADING: [&str; 7] = ["figure", "routers", "ours", "sqlite3", "ratio", "goal", ""];

/// Rows of one database.
pub(super) struct Rows<'t> {
    pub(super) table: &'t mut Table<7>,
    pub(super) routers: usize,
}

impl Rows<'_> {
    pub(super) fn push(&mut self, figure: &str, found: f64, goal: Goal) {
        self.push_beside(figure, found, None, goal);
    }

    /// Beside the shell's.
    pub(super) fn push_beside(&mut self, figure: &str, found: f64, shell: Option<f64>, goal: Goal) {
        let [goal, verdict] = goal.cells(found);
        let ratio = shell.map(|shell| short(found / shell)).unwrap_or_default();
        let shell = shell.map(short).unwrap_or_default();
        let (figure, routers) = (figure.to_owned(), self.routers.to_string());
        self.table.push([figure, routers, short(found), shell, ratio, goal, verdict]);
    }

    /// What is asked of one router only.
    fn only_one(&self, goal: Goal) -> Goal {
        if self.routers == 1 { goal } else { Goal::None }
    }
}

/// Prints the figures.
pub(super) fn measure(binary: &Path, cores: Option<&Cores>) -> Result<()> {
    println!(
        "\nbridge, history: {SAMPLES} samples with {} pings each and {EVENTS} events of each \
         router; polled every {} s\n                 meanwhile; {ANSWERS} answers of a kind, one \
         after the other, or as many as fit in {} s;\n                 of unlimited ones the \
         slowest of {STREAMS}",
        TARGETS.len(),
        POLL_INTERVAL.as_secs(),
        PATIENCE.as_secs(),
    );
    println!(
        "sqlite3: the same question in SQL, to a shell on the bridge's core that is kept open and \
         answers in JSON\nfiles: in RAM where there is some, so that a disk is not measured"
    );
    for routers in [1, MANY] {
        let mut table = Table::new(HEADING);
        let mut rows = Rows { table: &mut table, routers };
        measure_one(&mut rows, binary, cores).with_context(|| format!("{routers} routers"))?;
        print!("\n{table}");
    }
    Ok(())
}

fn measure_one(rows: &mut Rows<'_>, binary: &Path, cores: Option<&Cores>) -> Result<()> {
    let folder = in_memory("netmonitor-history-")?;
    let database = folder.path().join("netmonitor.db");
    history::write(&database, rows.routers)?;
    add_size(rows, &database)?;
    let fleet = FakeRouters::start(rows.routers, "", folder.path())?;
    let place = Place {
        cores,
        poll_interval: POLL_INTERVAL,
        ..Place::of(binary, &fleet.routers_file, &database)
    };
    let bridge = place.start()?.running;
    let mut shell = SqliteShell::open(&database, cores)?;
    let meter = Meter::start(&bridge, cores)?;
    for question in QUESTIONS {
        add_answers(rows, &bridge, &mut shell, question)?;
    }
    let memory = bridge.usage.memory()?;
    let goal = rows.only_one(Goal::Below(MEMORY_BELOW_MB));
    rows.push("resident memory, answering, MB", megabytes(memory.rss_kb), goal);
    rows.push("of it allocated, MB", megabytes(memory.anonymous_kb), Goal::None);
    rows.push("threads", bridge.usage.threads()? as f64, Goal::None);
    for question in UNLIMITED {
        add_stream(rows, &bridge, &mut shell, question)?;
    }
    let most = megabytes(bridge.usage.peak_rss_kb()?);
    rows.push("resident memory, streaming, at most, MB", most, Goal::None);
    let shares = meter.shares()?;
    rows.push("% of the time waiting for the core", shares.waited * 100.0, Goal::None);
    rows.push("% of the core taken by the host", shares.stolen * 100.0, Goal::None);
    Ok(())
}

fn add_size(rows: &mut Rows<'_>, database: &Path) -> Result<()> {
    let megabytes = std::fs::metadata(database)?.len() as f64 / 1e6;
    rows.push("file, MB", megabytes, rows.only_one(Goal::Below(FILE_BELOW_MB)));
    for table in store::check(database)?.tables {
        // Of the others there is a handful.
        if table.rows > 1000 {
            let bytes = table.bytes as f64 / table.rows as f64;
            rows.push(&format!("{}, bytes a row with indexes", table.name), bytes, Goal::None);
        }
    }
    Ok(())
}

/// Answers to the same question, one after the other.
pub(super) fn repeated(mut ask: impl FnMut() -> Result<Duration>) -> Result<Vec<Duration>> {
    let end = clock::now() + PATIENCE;
    let mut times = Vec::new();
    while times.len() < WARM_UP + ANSWERS && clock::now() < end {
        times.push(ask()?);
    }
    times.drain(..WARM_UP.min(times.len() / 2));
    Ok(times)
}

fn add_answers(
    rows: &mut Rows<'_>,
    bridge: &Running,
    shell: &mut SqliteShell,
    question: &Question,
) -> Result<()> {
    let mut client = Client::connect(bridge.address)?;
    let ours = repeated(|| {
        let asked = clock::now();
        client.get(question.path)?;
        Ok(clock::now().saturating_duration_since(asked))
    })?;
    let sql = question.sql.map(|sql| sql());
    let theirs = sql.map(|sql| repeated(|| Ok(shell.ask(&sql)?.0))).transpose()?;
    let of = |times: &[Duration], percent| percentile(times, percent).map_or(f64::NAN, ms);
    let times = if rows.routers == 1 { 1.0 } else { TIMES_FOR_MANY };
    let below = question.below_ms * times;
    for (percent, goal) in [(50, Goal::None), (95, Goal::Below(below))] {
        let theirs = theirs.as_ref().map(|times| of(times, percent));
        let figure = format!("{} p{percent}, ms", question.path);
        rows.push_beside(&figure, of(&ours, percent), theirs, goal);
    }
    Ok(())
}

fn add_stream(
    rows: &mut Rows<'_>,
    bridge: &Running,
    shell: &mut SqliteShell,
    question: &Question,
) -> Result<()> {
    let streams = (0..STREAMS)
        .map(|_| Streamed::read(bridge.address, question.path))
        .collect::<Result<Vec<_>>>()?;
    let slowest = |of: fn(&Streamed) -> Duration| streams.iter().map(of).max().unwrap_or_default();
    // Sorting millions of rows in the shell takes minutes.
    let sql = question.sql.filter(|_| rows.routers == 1).map(|sql| sql());
    let theirs = sql.map(|sql| shell.ask(&sql)).transpose()?;
    let first = ms(slowest(|stream| stream.first_byte));
    let figure = |what: &str| format!("{}, {what}", question.path);
    rows.push(&figure("first byte, ms"), first, Goal::Below(FIRST_BYTE_BELOW_MS));
    let whole = ms(slowest(|stream| stream.whole));
    rows.push_beside(&figure("all, ms"), whole, theirs.map(|(time, _)| ms(time)), Goal::None);
    let bytes = |bytes: u64| bytes as f64 / 1e6;
    let ours = streams.first().map_or(f64::NAN, |stream| bytes(stream.bytes));
    let theirs = theirs.map(|(_, length)| bytes(length));
    rows.push_beside(&figure("MB"), ours, theirs, Goal::None);
    Ok(())
}
