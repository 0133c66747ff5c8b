//! What the exporter costs: `bench EXPORTER_BINARY [STATIC_BINARY]`.
//!
//! First a scrape, side by side with Debian's `prometheus-node-exporter` (`scrapes.rs`),
//! then the event listener (`events.rs`). It reports and does not judge: the exit code is
//! 0 whatever the figures, and 1 when something could not be measured. All programs are
//! kept on one core, and one is asked at a time. Takes three to eight minutes: longer on a
//! busy machine, which disturbs the latencies.

mod events;
mod scrapes;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use netmonitor_tests::cores::Cores;
use netmonitor_tests::log_daemon;

fn main() -> ExitCode {
    // Started by an exporter that we measure.
    if let Some(played) = log_daemon::played() {
        return if played.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let binaries: Vec<OsString> = std::env::args_os().skip(1).collect();
    let is_option = |name: &OsString| name.as_encoded_bytes().starts_with(b"-");
    if binaries.is_empty() || binaries.iter().any(is_option) {
        eprintln!("usage: bench EXPORTER_BINARY [STATIC_BINARY]");
        return ExitCode::from(2);
    }
    let binaries: Vec<PathBuf> = binaries.into_iter().map(PathBuf::from).collect();
    match run(&binaries) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("not measured: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(binaries: &[PathBuf]) -> Result<()> {
    let cores = Cores::split()?;
    let cores = cores.as_ref();
    describe(cores)?;
    scrapes::measure(binaries, cores)?;
    events::measure(binaries, cores)
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
