//! An hour of ordinary work: `soak EXPORTER_BINARY... [--bridge BINARY] [--minutes N]`.
//!
//! Every exporter runs by itself, pings four targets on loopback once a second, follows a log with
//! twenty lines a second and an event a minute, and is scraped every five seconds. Each minute says
//! what it uses; the table at the end holds that against the goals ([`watched`]). The bridge polls
//! a hundred routers each second meanwhile ([`polling`]). Exit code 1 when
//! one of them is not met, or a scrape failed: this one judges. What kills and other faults do:
//! `bin/faults/`.

mod polling;
mod sample;
mod watched;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Arg, Command, value_parser};
use netmonitor_tests::clock;
use netmonitor_tests::table::Table;
use polling::Polling;
use watched::Watched;

const SCRAPE_INTERVAL: Duration = Duration::from_secs(5);
const SCRAPES_PER_MINUTE: u32 = 12;
/// An hour.
const MINUTES: &str = "60";

fn main() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // Also how --help comes here; a closed pipe has no reader.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let binaries: Vec<PathBuf> =
        matches.get_many("exporters").unwrap_or_default().cloned().collect();
    let minutes = matches.get_one("minutes").copied().unwrap_or(1);
    let bridge = matches.get_one::<PathBuf>("bridge").map(PathBuf::as_path);
    match run(&binaries, bridge, minutes) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the run was broken off: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    Command::new("soak")
        .about("An hour of ordinary work")
        .arg(
            Arg::new("exporters")
                .value_name("EXPORTER_BINARY")
                .value_parser(value_parser!(PathBuf))
                .num_args(1..)
                .required(true)
                .help("each is watched by itself"),
        )
        .arg(
            Arg::new("bridge")
                .long("bridge")
                .value_name("BINARY")
                .value_parser(value_parser!(PathBuf))
                .help("the bridge, at the same time"),
        )
        .arg(
            Arg::new("minutes")
                .long("minutes")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..))
                .default_value(MINUTES)
                .help("how long"),
        )
}

/// Whether all goals are met.
fn run(binaries: &[PathBuf], bridge: Option<&Path>, minutes: u32) -> Result<bool> {
    let mut watched =
        binaries.iter().map(|binary| Watched::start(binary)).collect::<Result<Vec<_>>>()?;
    let mut polling = bridge.map(|bridge| Polling::start(bridge, minutes)).transpose()?;
    for program in &mut watched {
        program.begin()?;
    }
    if let Some(polling) = &mut polling {
        polling.begin()?;
    }
    let start = clock::now();
    let ticks = minutes * SCRAPES_PER_MINUTE;
    for tick in 1..=ticks {
        clock::wait_until(start + SCRAPE_INTERVAL * tick);
        if let Some(polling) = &mut polling {
            polling.take_sample().context("the bridge")?;
        }
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
    if let Some(polling) = &polling {
        all_met &= polling.judge(&mut table, took).context("the bridge")?;
    }
    print!("\n{table}");
    Ok(all_met)
}
