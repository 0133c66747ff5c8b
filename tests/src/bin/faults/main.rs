//! What our programs do when things go wrong, as they are released:
//! `faults --bridge BINARY --exporter BINARY [--kills N] [--seed N]`.
//!
//! Kills at any moment ([`kills`]), a disk that fills up ([`full_disk`]), routers that are slow
//! or lie ([`bad_routers`]), a log that storms ([`log_storm`]), and scrapes by a crowd
//! ([`scrape_storm`]). One table at the end: what was found, what must hold. Exit code 1 when one
//! of these does not, or could not be tried. Needs root, for disks of its own; 7 minutes.

mod bad_routers;
mod full_disk;
mod held;
mod kills;
mod log_storm;
mod scrape_storm;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Arg, Command, value_parser};
use netmonitor_tests::clock;

use crate::held::{About, Report};

/// The programs, and how they are treated.
struct Wanted {
    bridge: PathBuf,
    exporter: PathBuf,
    kills: u32,
    seed: u64,
}

fn main() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // Also how --help comes here; a closed pipe has no reader.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let wanted = match Wanted::of(&matches) {
        Ok(wanted) => wanted,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::default();
    for (name, fault) in FAULTS {
        println!("{name}");
        if let Err(error) = fault(&wanted, &mut report.about(name)) {
            report.fails(name, &error);
        }
    }
    print!("\n{report}");
    if report.all_hold() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn command() -> Command {
    let binary = |name: &'static str, help: &'static str| {
        let arg = Arg::new(name).long(name).value_name("BINARY").help(help);
        arg.value_parser(value_parser!(PathBuf)).required(true)
    };
    let number = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("N").help(help)
    };
    Command::new("faults")
        .about("What our programs do when things go wrong")
        .arg(binary("bridge", "the bridge"))
        .arg(binary("exporter", "the exporter"))
        .arg(
            number("kills", "how often each program is killed")
                .value_parser(value_parser!(u32).range(50..=500))
                .default_value("200"),
        )
        .arg(number("seed", "repeats the moments of the kills").value_parser(value_parser!(u64)))
}

impl Wanted {
    fn of(matches: &clap::ArgMatches) -> Result<Self> {
        let binary = |name: &str| matches.get_one::<PathBuf>(name).cloned().context("no program");
        Ok(Self {
            bridge: binary("bridge")?,
            exporter: binary("exporter")?,
            kills: *matches.get_one("kills").context("no kills")?,
            seed: matches.get_one("seed").copied().unwrap_or_else(clock::unix_ms),
        })
    }
}

type Fault = fn(&Wanted, &mut About<'_>) -> Result<()>;

const FAULTS: [(&str, Fault); 9] = [
    ("exporter: kill -9", kills::exporter),
    ("bridge: kill -9 and power cuts", kills::bridge),
    ("bridge on PostgreSQL: kill -9 of it and of the server", kills::bridge_on_postgres),
    ("bridge on MariaDB: kill -9 of it and of the server", kills::bridge_on_mariadb),
    ("bridge: full disk", full_disk::run),
    ("bridge: slow and lying routers", bad_routers::run),
    ("exporter: log storm", log_storm::run),
    ("exporter: scrape storm", scrape_storm::exporter),
    ("bridge: scrape storm", scrape_storm::bridge),
];
