//! What our programs cost:
//! `bench [--bridge BINARY [--part fleet|history|engines|discovery|scale]]
//! [EXPORTER_BINARY [STATIC_BINARY]]`.
//!
//! Of the exporter first a scrape, side by side with Debian's `prometheus-node-exporter`
//! (`scrapes.rs`), then the event listener (`events.rs`); then the bridge (`bridge.rs`). What
//! is not named is not measured. It reports and does not judge: the exit code is 0 whatever
//! the figures, and 1 when something could not be measured. All programs are kept on one
//! core, and one is asked at a time. Takes three to eight minutes for the exporter, twenty
//! for the bridge: longer on a busy machine, which disturbs the latencies.

mod bridge;
mod bridge_discovery;
mod bridge_engines;
mod bridge_fleet;
mod bridge_history;
mod bridge_questions;
mod bridge_scale;
mod events;
mod scrapes;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Arg, ArgGroup, Command, value_parser};
use netmonitor_tests::cores::Cores;
use netmonitor_tests::log_daemon;

use crate::bridge::Part;

fn main() -> ExitCode {
    // Started by an exporter that we measure.
    if let Some(played) = log_daemon::played() {
        return if played.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // Also how --help comes here; a closed pipe has no reader.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let exporters: Vec<PathBuf> =
        matches.get_many("exporters").unwrap_or_default().cloned().collect();
    let part = matches.get_one::<String>("part").and_then(|name| Part::named(name));
    match run(&exporters, matches.get_one("bridge"), part) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("not measured: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    let binary = |name: &'static str| Arg::new(name).value_parser(value_parser!(PathBuf));
    Command::new("bench")
        .about("Measures speed and memory of our programs")
        .arg(binary("bridge").long("bridge").value_name("BINARY").help("the bridge"))
        .arg(binary("exporters").num_args(0..=2).help("the exporter, and a static build of it"))
        .arg(
            Arg::new("part")
                .long("part")
                .requires("bridge")
                .value_parser(Part::NAMES)
                .help("this alone of the bridge"),
        )
        .group(ArgGroup::new("any").args(["bridge", "exporters"]).multiple(true).required(true))
}

fn run(exporters: &[PathBuf], bridge: Option<&PathBuf>, part: Option<Part>) -> Result<()> {
    let cores = Cores::split()?;
    let cores = cores.as_ref();
    describe(cores)?;
    if !exporters.is_empty() {
        scrapes::measure(exporters, cores)?;
        events::measure(exporters, cores)?;
    }
    bridge.map_or(Ok(()), |bridge| bridge::measure(bridge, part, cores))
}

/// What a reader needs to judge the figures.
fn describe(cores: Option<&Cores>) -> Result<()> {
    let read = |path| std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let (kernel, load) = (read("/proc/sys/kernel/osrelease")?, read("/proc/loadavg")?);
    println!("machine: Linux {}, load {}", kernel.trim(), load.trim());
    match cores {
        Some(cores) => println!("cores: all programs on core {}, our load on others", cores.server),
        None => println!("cores: one only, for programs and load"),
    }
    Ok(())
}
