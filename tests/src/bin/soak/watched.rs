//! One exporter that is watched: what it uses, what it says, and whether that is good.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use netmonitor_tests::exporter::{Build, Exporter, Setup, TARGETS, in_memory};
use netmonitor_tests::figures::short;
use netmonitor_tests::goals::Goal;
use netmonitor_tests::http_client::Client;
use netmonitor_tests::table::Table;
use netmonitor_tests::trickle::{self, Trickle};
use netmonitor_tests::{clock, samples};
use tempfile::TempDir;

use crate::sample::{Sample, growth_goal, windows};

/// For the last lines of the log to be read.
const CATCH_UP: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

const MAX_THREADS: f64 = 3.0;
const MAX_CPU_PERCENT: f64 = 0.5;
/// Pages of code that are read for the first time late; a leak of 4 bytes a ping is more.
const MAX_GROWTH_KB: f64 = 32.0;
/// A busy machine may be late with some.
const MIN_PINGS_ANSWERED: f64 = 0.9;

/// 5 and 3 MB, in the kernel's kB of 1,024 bytes.
fn max_rss_kb(build: Build) -> f64 {
    match build {
        Build::Ordinary => 4882.0,
        Build::Static => 2929.0,
    }
}

pub(super) struct Watched {
    pub(super) name: String,
    exporter: Exporter,
    /// What it follows.
    log: Trickle,
    _folder: TempDir,
    written: trickle::Written,
    client: Option<Client>,
    samples: Vec<Sample>,
    scrapes: u32,
    failed_scrapes: u32,
    said: Said,
    first_cpu: Duration,
    /// At the last line.
    minute_cpu: Duration,
}

/// As the newest scrape says.
#[derive(Default)]
struct Said {
    pings_sent: f64,
    pings_lost: f64,
    lines: f64,
    /// Of the kinds that we write.
    events: f64,
}

impl Said {
    fn of(scrape: &str) -> Self {
        let sum = |series| samples::sum(scrape, series).unwrap_or(0.0);
        Self {
            pings_sent: sum("netmonitor_ping_requests_total"),
            pings_lost: sum("netmonitor_ping_lost_total"),
            lines: sum("netmonitor_log_lines_total"),
            events: sum("netmonitor_events_total{type=\"wan_down\"}")
                + sum("netmonitor_events_total{type=\"wan_up\"}"),
        }
    }
}

impl Watched {
    /// Starts it, with a log to follow.
    pub(super) fn start(binary: &Path) -> Result<Self> {
        let folder = in_memory("netmonitor-log-")?;
        let path = folder.path().join("messages");
        let log = Trickle::into_file(&path)?;
        let log_source = format!("file:{}", path.display());
        let setup = Setup { log_source: Some(&log_source), ..Setup::default() };
        Ok(Self {
            name: binary.display().to_string(),
            exporter: Exporter::start(binary, &setup)?,
            log,
            _folder: folder,
            written: trickle::Written::default(),
            client: None,
            samples: Vec::new(),
            scrapes: 0,
            failed_scrapes: 0,
            said: Said::default(),
            first_cpu: Duration::ZERO,
            minute_cpu: Duration::ZERO,
        })
    }

    /// The CPU time so far counts as that of the start.
    pub(super) fn begin(&mut self) -> Result<()> {
        println!("{}: {} build", self.name, self.exporter.build.name());
        self.scrape();
        self.minute_cpu = self.exporter.running.usage.cpu_time()?;
        self.first_cpu = self.minute_cpu;
        Ok(())
    }

    /// A scrape that fails is said and counted; the next one has a new connection.
    pub(super) fn scrape(&mut self) {
        self.scrapes += 1;
        match self.try_scrape() {
            Ok(said) => self.said = said,
            Err(error) => {
                eprintln!("{}: scrape {} failed: {error:#}", self.name, self.scrapes);
                self.failed_scrapes += 1;
                self.client = None;
            }
        }
    }

    fn try_scrape(&mut self) -> Result<Said> {
        let client = match &mut self.client {
            Some(client) => client,
            none => none.insert(Client::connect(self.exporter.running.address)?),
        };
        Ok(Said::of(client.get("/metrics")?))
    }

    /// Ends the log and waits until the exporter has read all of it, or will not any more.
    pub(super) fn finish_log(&mut self) -> Result<()> {
        self.written = self.log.stop()?;
        let start = clock::now();
        while self.said.lines < self.written.lines as f64 && start.elapsed() < CATCH_UP {
            clock::wait_until(clock::now() + LOOK_AGAIN);
            self.scrape();
        }
        Ok(())
    }

    /// What it uses now.
    pub(super) fn take_sample(&mut self) -> Result<()> {
        self.samples.push(Sample::of(&mut self.exporter.running)?);
        Ok(())
    }

    /// A line about the minute that is over.
    pub(super) fn print_minute(&mut self, minute: u32) -> Result<()> {
        let cpu = self.exporter.running.usage.cpu_time()?;
        let used = cpu.saturating_sub(self.minute_cpu).as_secs_f64() / 60.0 * 100.0;
        self.minute_cpu = cpu;
        let Some(now) = self.samples.last() else {
            return Ok(());
        };
        println!(
            "minute {minute:>3}  {:<8}  Rss {:>5} kB  Pss {:>5} kB  private dirty {:>5} kB  \
             threads {}  files {:>2}  CPU {used:.2} %",
            self.exporter.build.name(),
            now.memory.rss_kb,
            now.memory.pss_kb,
            now.memory.private_dirty_kb,
            now.threads,
            now.open_files,
        );
        Ok(())
    }

    /// Whether this program meets its goals.
    pub(super) fn judge(&self, table: &mut Table<5>, took: Duration) -> Result<bool> {
        let mut all_met = true;
        let build = self.exporter.build;
        let mut row = |figure: &str, found: f64, goal: Goal| {
            all_met &= goal.is_met(found);
            let [goal, verdict] = goal.cells(found);
            table.push([figure.into(), build.name().into(), short(found), goal, verdict]);
        };
        let (early, late) = windows(&self.samples, |sample| sample.memory.rss_kb as f64)?;
        let (early_anonymous, late_anonymous) =
            windows(&self.samples, |sample| sample.memory.anonymous_kb as f64)?;
        let no_growth = growth_goal(took, MAX_GROWTH_KB);
        row("resident memory, kB", late, Goal::Below(max_rss_kb(build)));
        row("its growth, kB", late - early, no_growth);
        row("growth of allocated memory, kB", late_anonymous - early_anonymous, no_growth);

        let cpu = self.minute_cpu.saturating_sub(self.first_cpu).as_secs_f64();
        let percent = cpu / took.as_secs_f64() * 100.0;
        row("CPU, % of one core", percent, Goal::Below(MAX_CPU_PERCENT));
        let most = |value: fn(&Sample) -> usize| self.samples.iter().map(value).max().unwrap_or(0);
        let threads = most(|sample| sample.threads) as f64;
        row("threads, at most", threads, Goal::AtMost(MAX_THREADS));
        row("open files, at most", most(|sample| sample.open_files) as f64, Goal::None);

        let due = took.as_secs_f64() * TARGETS.len() as f64;
        let answered = (self.said.pings_sent - self.said.pings_lost) / due;
        row("answered pings, of all due", answered, Goal::AtLeast(MIN_PINGS_ANSWERED));
        let lines_not_read = self.written.lines as f64 - self.said.lines;
        row("lines of the log", self.written.lines as f64, Goal::None);
        row("lines not read", lines_not_read, Goal::Exactly(0.0));
        row("events told", self.said.events, Goal::Exactly(self.written.events as f64));
        row("scrapes", f64::from(self.scrapes), Goal::None);
        row("failed scrapes", f64::from(self.failed_scrapes), Goal::AtMost(0.0));
        Ok(all_met)
    }
}
