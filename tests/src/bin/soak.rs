//! An hour of ordinary work: `soak EXPORTER_BINARY... [--minutes N] [--kills N] [--seed N]`.
//!
//! First each binary is killed two hundred times while it tells events. Then every binary
//! runs by itself, pings four targets on loopback once a second, follows a log with twenty
//! lines a second and an event a minute, and is scraped every five seconds. Each minute
//! says what it uses; the table at the end holds that against the goals. Exit code 1 when
//! one of them is not met, a scrape failed, or a kill has cost an event: this one judges.

use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use netmonitor_tests::exporter::{Build, Exporter, Setup, TARGETS, in_memory};
use netmonitor_tests::figures::{median, short};
use netmonitor_tests::goals::Goal;
use netmonitor_tests::http_client::Client;
use netmonitor_tests::table::Table;
use netmonitor_tests::trickle::{self, Trickle};
use netmonitor_tests::usage::Memory;
use netmonitor_tests::{clock, kill_storm, samples};
use tempfile::TempDir;

const SCRAPE_INTERVAL: Duration = Duration::from_secs(5);
const SCRAPES_PER_MINUTE: u32 = 12;
const MINUTES: u32 = 60;
const KILLS: u32 = 200;
/// For the last lines of the log to be read.
const CATCH_UP: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

const MAX_THREADS: f64 = 3.0;
const MAX_CPU_PERCENT: f64 = 0.5;
/// Pages of code that are read for the first time late; a leak of 4 bytes a ping is more.
const MAX_GROWTH_KB: f64 = 32.0;
/// Five minutes: the histories of the probes are full then.
const SETTLING_SAMPLES: usize = 60;
/// In a shorter run the start counts as growth, so it is only shown.
const SETTLED: Duration = Duration::from_secs(12 * 60);
/// A busy machine may be late with some.
const MIN_PINGS_ANSWERED: f64 = 0.9;

/// 5 and 3 MB, in the kernel's kB of 1,024 bytes.
fn max_rss_kb(build: Build) -> f64 {
    match build {
        Build::Ordinary => 4882.0,
        Build::Static => 2929.0,
    }
}

fn main() -> ExitCode {
    let wanted = match Wanted::parse(std::env::args_os().skip(1)) {
        Ok(wanted) => wanted,
        Err(error) => {
            let options = "[--minutes N] [--kills N] [--seed N]";
            eprintln!("{error:#}\nusage: soak EXPORTER_BINARY... {options}");
            return ExitCode::from(2);
        }
    };
    let survived = survive_kills(&wanted);
    match run(&wanted.binaries, wanted.minutes) {
        Ok(true) if survived => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the run was broken off: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, PartialEq)]
struct Wanted {
    binaries: Vec<PathBuf>,
    minutes: u32,
    /// 0: no storm.
    kills: u32,
    seed: u64,
}

impl Wanted {
    fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self> {
        let (binaries, seed) = (Vec::new(), clock::unix_ms());
        let mut wanted = Self { binaries, minutes: MINUTES, kills: KILLS, seed };
        while let Some(argument) = arguments.next() {
            let name = argument.to_string_lossy().into_owned();
            match name.as_str() {
                "--minutes" => wanted.minutes = number(&name, arguments.next(), 1)?,
                "--kills" => wanted.kills = number(&name, arguments.next(), 0)?,
                "--seed" => wanted.seed = number(&name, arguments.next(), 0)?,
                _ if name.starts_with('-') => bail!("{name}: no such option"),
                _ => wanted.binaries.push(PathBuf::from(argument)),
            }
        }
        ensure!(!wanted.binaries.is_empty(), "no binary given");
        Ok(wanted)
    }
}

fn number<T: FromStr + PartialOrd + Display>(
    name: &str,
    value: Option<OsString>,
    least: T,
) -> Result<T> {
    let value = value.with_context(|| format!("{name}: how many?"))?;
    let number = value.to_str().and_then(|text| text.parse().ok());
    let number = number.filter(|number| *number >= least);
    number.with_context(|| format!("{name} {value:?}: not a number from {least} on"))
}

/// Whether no kill has cost an event.
fn survive_kills(wanted: &Wanted) -> bool {
    let mut survived = true;
    for binary in wanted.binaries.iter().filter(|_| wanted.kills > 0) {
        let name = binary.display();
        match kill_storm::run(binary, wanted.kills, wanted.seed) {
            Ok(report) => println!(
                "{name}: {} kills, {} of them while it wrote a file and {} between two files; \
                 {} events, none lost, doubled or changed",
                report.kills, report.while_writing, report.between_renames, report.events,
            ),
            Err(error) => {
                eprintln!("{name}: NOT met: no kill costs an event: {error:#}");
                survived = false;
            }
        }
    }
    survived
}

/// Whether all goals are met.
fn run(binaries: &[PathBuf], minutes: u32) -> Result<bool> {
    let mut watched =
        binaries.iter().map(|binary| Watched::start(binary)).collect::<Result<Vec<_>>>()?;
    for program in &mut watched {
        println!("{}: {} build", program.name, program.exporter.build.name());
        program.scrape();
        program.minute_cpu = program.exporter.running.usage.cpu_time()?;
        program.first_cpu = program.minute_cpu;
    }
    let start = clock::now();
    let ticks = minutes * SCRAPES_PER_MINUTE;
    for tick in 1..=ticks {
        clock::wait_until(start + SCRAPE_INTERVAL * tick);
        for program in &mut watched {
            program.scrape();
            program.take_sample().with_context(|| program.name.clone())?;
            if tick % SCRAPES_PER_MINUTE == 0 {
                program.print_minute(tick / SCRAPES_PER_MINUTE)?;
            }
        }
    }
    let mut table = Table::new(["figure", "build", "found", "goal", ""]);
    let mut all_met = true;
    let took = start.elapsed();
    for program in &mut watched {
        program.finish_log().with_context(|| program.name.clone())?;
        all_met &= program.judge(&mut table, took)?;
    }
    print!("\n{table}");
    Ok(all_met)
}

/// What a program uses at one moment.
#[derive(Clone, Copy)]
struct Sample {
    memory: Memory,
    threads: usize,
    open_files: usize,
}

struct Watched {
    name: String,
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
    fn start(binary: &Path) -> Result<Self> {
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

    /// A scrape that fails is said and counted; the next one has a new connection.
    fn scrape(&mut self) {
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
    fn finish_log(&mut self) -> Result<()> {
        self.written = self.log.stop()?;
        let start = clock::now();
        while self.said.lines < self.written.lines as f64 && start.elapsed() < CATCH_UP {
            clock::wait_until(clock::now() + LOOK_AGAIN);
            self.scrape();
        }
        Ok(())
    }

    fn take_sample(&mut self) -> Result<()> {
        self.exporter.running.check_alive()?;
        let usage = &self.exporter.running.usage;
        self.samples.push(Sample {
            memory: usage.memory()?,
            threads: usage.threads()?,
            open_files: usage.open_files()?,
        });
        Ok(())
    }

    fn print_minute(&mut self, minute: u32) -> Result<()> {
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
    fn judge(&self, table: &mut Table<5>, took: Duration) -> Result<bool> {
        let mut all_met = true;
        let build = self.exporter.build;
        let mut row = |figure: &str, found: f64, goal: Goal| {
            all_met &= goal.is_met(found);
            let [goal, verdict] = goal.cells(found);
            table.push([figure.into(), build.name().into(), short(found), goal, verdict]);
        };
        let (early, late) = windows(&self.samples, |memory| memory.rss_kb)?;
        let (early_anonymous, late_anonymous) =
            windows(&self.samples, |memory| memory.anonymous_kb)?;
        let no_growth = if took < SETTLED { Goal::None } else { Goal::AtMost(MAX_GROWTH_KB) };
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

/// Medians of a sixth of the run once it has settled and of its last sixth: of an hour,
/// minutes 5 to 15 and the last ten. A shorter run settles as well only after five
/// minutes, or if it is too short for that, by its middle.
fn windows(samples: &[Sample], value: fn(&Memory) -> u64) -> Result<(f64, f64)> {
    let sixth = samples.len().div_ceil(6);
    let settled = SETTLING_SAMPLES.min(samples.len() / 2);
    let of = |samples: &[Sample]| {
        let values = samples.iter().map(|sample| value(&sample.memory) as f64);
        median(values.collect()).context("too few samples of the memory")
    };
    Ok((of(&samples[settled..settled + sixth])?, of(&samples[samples.len() - sixth..])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rss_kb: u64) -> Sample {
        let memory = Memory { rss_kb, pss_kb: 0, private_dirty_kb: 0, anonymous_kb: 0 };
        Sample { memory, threads: 1, open_files: 3 }
    }

    #[test]
    fn growth_is_judged_between_early_and_late_minutes() {
        let hour: Vec<_> = (0..720).map(|tick| sample(tick / 12)).collect();
        let found = windows(&hour, |memory| memory.rss_kb);
        assert_eq!(found.unwrap(), (9.5, 54.5));
        let of = |minutes: usize| windows(&hour[..minutes * 12], |memory| memory.rss_kb);
        assert_eq!(of(12).unwrap(), (5.5, 10.5));
        assert_eq!(of(1).unwrap(), (0.0, 0.0));
        assert!(of(0).is_err());
    }

    #[test]
    fn arguments_may_come_in_any_order() {
        let parsed = |line: &str| Wanted::parse(line.split_whitespace().map(OsString::from));
        let binaries = vec![PathBuf::from("a"), PathBuf::from("b")];
        let expected = Wanted { binaries, minutes: 2, kills: 0, seed: 7 };
        assert_eq!(parsed("a --minutes 2 b --seed 7 --kills 0").unwrap(), expected);
        let usual = parsed("a").unwrap();
        assert_eq!((usual.minutes, usual.kills), (60, 200));
        let wrong =
            ["", "a --minutes", "a --minutes 0", "a --kills x", "a --seed -1", "a --hours 1"];
        for wrong in wrong {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
