//! An hour of ordinary work:
//! `soak EXPORTER_BINARY... [--bridge BINARY] [--minutes N] [--kills N] [--seed N]`.
//!
//! First each binary is killed two hundred times while it tells events, and the bridge as
//! often, with the first of them ([`storms`]). Then every binary runs by itself, pings four
//! targets on loopback once a second, follows a log with twenty lines a second and an event
//! a minute, and is scraped every five seconds. Each minute says what it uses; the table at
//! the end holds that against the goals ([`watched`]). Exit code 1 when one of them is not
//! met, a scrape failed, or a kill has cost an event: this one judges.

mod storms;
mod watched;

use std::ffi::OsString;
use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use netmonitor_tests::clock;
use netmonitor_tests::table::Table;
use watched::Watched;

const SCRAPE_INTERVAL: Duration = Duration::from_secs(5);
const SCRAPES_PER_MINUTE: u32 = 12;
const MINUTES: u32 = 60;
const KILLS: u32 = 200;
fn main() -> ExitCode {
    let wanted = match Wanted::parse(std::env::args_os().skip(1)) {
        Ok(wanted) => wanted,
        Err(error) => {
            let options = "[--bridge BINARY] [--minutes N] [--kills N] [--seed N]";
            eprintln!("{error:#}\nusage: soak EXPORTER_BINARY... {options}");
            return ExitCode::from(2);
        }
    };
    let survived = storms::survive(&wanted);
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
    /// It is killed together with the first of them.
    bridge: Option<PathBuf>,
    minutes: u32,
    /// 0: no storm.
    kills: u32,
    seed: u64,
}

impl Wanted {
    fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self> {
        let (binaries, seed) = (Vec::new(), clock::unix_ms());
        let mut wanted = Self { binaries, bridge: None, minutes: MINUTES, kills: KILLS, seed };
        while let Some(argument) = arguments.next() {
            let name = argument.to_string_lossy().into_owned();
            match name.as_str() {
                "--bridge" => {
                    let bridge = arguments.next().context("--bridge: which program?")?;
                    wanted.bridge = Some(bridge.into());
                }
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

/// Whether all goals are met.
fn run(binaries: &[PathBuf], minutes: u32) -> Result<bool> {
    let mut watched =
        binaries.iter().map(|binary| Watched::start(binary)).collect::<Result<Vec<_>>>()?;
    for program in &mut watched {
        program.begin()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_may_come_in_any_order() {
        let parsed = |line: &str| Wanted::parse(line.split_whitespace().map(OsString::from));
        let binaries = vec![PathBuf::from("a"), PathBuf::from("b")];
        let expected = Wanted { binaries, bridge: Some("c".into()), minutes: 2, kills: 0, seed: 7 };
        assert_eq!(parsed("a --minutes 2 b --bridge c --seed 7 --kills 0").unwrap(), expected);
        let usual = parsed("a").unwrap();
        assert_eq!((usual.minutes, usual.kills), (60, 200));
        let wrong = [
            "",
            "--bridge a",
            "a --bridge",
            "a --minutes",
            "a --minutes 0",
            "a --kills x",
            "a --seed -1",
            "a --hours 1",
        ];
        for wrong in wrong {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
