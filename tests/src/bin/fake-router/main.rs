//! Plays routers for the bridge: `fake-router [--routers N] [--scenario FILE] …`.
//!
//! Says where they answer, or writes the bridge's file of routers; goes on until it is
//! stopped or its time is over, and then says what was asked. `--help` has the format of
//! scenarios, `netmonitor_tests::fake_router` what is played.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::builder::RangedU64ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use netmonitor_tests::fake_router::fleet::{Fleet, Layout, Settings};
use netmonitor_tests::fake_router::past::{self, Wanted, Written};
use netmonitor_tests::fake_router::scenario;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

/// More than anybody has ports for.
const MAX_ROUTERS: u64 = 60_000;

/// The bridge keeps no more in detail.
const LONGEST_PAST: Duration = Duration::from_secs(366 * 86_400);

fn main() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // Also how --help comes here; a closed pipe has no reader.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let settings = match settings(&matches) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::from(2);
        }
    };
    match run(settings, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("fake-router")
        .about("Plays routers for netmonitor-bridge")
        .after_help(scenario::FORMAT)
        .args([
            option("listen", "ADDRESS", "where they answer")
                .default_value("127.0.0.1")
                .value_parser(value_parser!(IpAddr)),
            option(
                "address-each",
                "",
                "each at an address of its own, from --listen on, all at the first port",
            )
            .action(ArgAction::SetTrue)
            .conflicts_with("one-port"),
            option("names", "A,B,C", "what they are called; as many as there are names")
                .value_delimiter(',')
                .conflicts_with("routers"),
            option(
                "past",
                "HOURS",
                "started so long before the present: what the scenario says is over",
            )
            .default_value("0")
            .value_parser(value_parser!(f64)),
            option(
                "present",
                "SECONDS",
                "since 1970, if the present is not now: goes on with an earlier run",
            )
            .value_parser(value_parser!(u64)),
            option(
                "scrapes",
                "FOLDER",
                "write what Prometheus would have, as OpenMetrics, and end",
            )
            .value_parser(value_parser!(PathBuf)),
            option("from", "SECONDS", "since 1970, the first scrape; else that of the past")
                .value_parser(value_parser!(u64)),
            option("until", "SECONDS", "since 1970, the last scrape or sample; else now")
                .value_parser(value_parser!(u64)),
            option("database", "FILE", "write what the bridge would have but for events, and end")
                .value_parser(value_parser!(PathBuf)),
            option("first-port", "PORT", "of the first router, the others follow; 0: any")
                .default_value("0")
                .value_parser(value_parser!(u16)),
            option("routers", "N", "how many")
                .default_value("1")
                .value_parser(RangedU64ValueParser::<usize>::new().range(1..=MAX_ROUTERS)),
            option("one-port", "", "all on one port, under /r/1, /r/2, …")
                .action(ArgAction::SetTrue),
            option("scenario", "FILE", "what they do; without one, an ordinary evening")
                .value_parser(value_parser!(PathBuf)),
            option("seed", "N", "what is left to chance is by this")
                .default_value("1")
                .value_parser(value_parser!(u64)),
            option("token", "TOKEN", "what they ask for"),
            option(
                "ledger",
                "FILE",
                "what they produced, as JSON lines; one that is there goes on",
            )
            .value_parser(value_parser!(PathBuf)),
            option("arrivals", "FILE", "when each was asked for /net/status, a line each time")
                .value_parser(value_parser!(PathBuf)),
            option("routers-file", "FILE", "write the bridge's ROUTERS_FILE, print no addresses")
                .value_parser(value_parser!(PathBuf)),
            option("duration", "SECONDS", "stop after so long").value_parser(value_parser!(u64)),
        ])
}

fn settings(matches: &ArgMatches) -> Result<Settings> {
    let scenario = match matches.get_one::<PathBuf>("scenario") {
        Some(path) => std::fs::read_to_string(path)
            .map_err(anyhow::Error::from)
            .and_then(|text| text.parse())
            .with_context(|| path.display().to_string())?,
        None => scenario::DEFAULT.parse()?,
    };
    let mut settings = Settings::quiet(matches.get_one("routers").copied().unwrap_or(1));
    settings.scenario = scenario;
    if let Some(listen) = matches.get_one("listen") {
        settings.listen = *listen;
    }
    settings.first_port = matches.get_one("first-port").copied().unwrap_or(settings.first_port);
    settings.seed = matches.get_one("seed").copied().unwrap_or(settings.seed);
    settings.token = matches.get_one("token").cloned();
    settings.ledger = matches.get_one("ledger").cloned();
    settings.arrivals = matches.get_one("arrivals").cloned();
    if matches.get_flag("one-port") {
        settings.layout = Layout::OnePort;
    }
    if matches.get_flag("address-each") {
        settings.layout = Layout::AddressEach;
    }
    if let Some(names) = matches.get_many("names") {
        settings.names = names.cloned().collect();
        settings.routers = settings.names.len();
    }
    let hours: f64 = matches.get_one("past").copied().unwrap_or_default();
    settings.past = Duration::try_from_secs_f64(hours * 3600.0)
        .ok()
        .filter(|past| *past <= LONGEST_PAST)
        .with_context(|| format!("--past {hours}: expected hours, at most a year"))?;
    settings.present_ms = moment(matches, "present");
    // Evenings are those of whoever looks at them.
    settings.zone_minutes = jiff::Zoned::now().offset().seconds() / 60;
    Ok(settings)
}

/// Milliseconds since 1970; 0: not given.
fn moment(matches: &ArgMatches, name: &str) -> i64 {
    let seconds = matches.get_one(name).copied().unwrap_or(0_u64);
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000)
}

/// Writes the past, if that is wanted.
fn write_past(settings: &Settings, matches: &ArgMatches) -> Result<bool> {
    let path = |name| matches.get_one::<PathBuf>(name).map(PathBuf::as_path);
    let (scrapes, database) = (path("scrapes"), path("database"));
    if scrapes.is_none() && database.is_none() {
        return Ok(false);
    }
    let (from_ms, until_ms) = (moment(matches, "from"), moment(matches, "until"));
    let wanted = Wanted { scrapes, from_ms, until_ms, database };
    let Written { samples, polls } = past::write(settings, wanted)?;
    eprintln!("{samples} samples for Prometheus, {polls} polls for the bridge");
    Ok(true)
}

fn run(settings: Settings, matches: &ArgMatches) -> Result<()> {
    if write_past(&settings, matches)? {
        return Ok(());
    }
    let fleet = Fleet::start(settings)?;
    match matches.get_one::<PathBuf>("routers-file") {
        Some(path) => std::fs::write(path, fleet.routers_toml())
            .with_context(|| format!("cannot write {}", path.display()))?,
        None => fleet.urls().iter().for_each(|url| println!("{url}")),
    }
    eprintln!("{} routers answer, the first at {}", fleet.urls().len(), fleet.address());
    wait(matches.get_one("duration").copied().map(Duration::from_secs))?;
    report(&fleet);
    fleet.stop()
}

/// For the end of the time, Ctrl-C or a kind kill.
#[tokio::main(flavor = "current_thread")]
async fn wait(duration: Option<Duration>) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = sleep(duration.unwrap_or_default()), if duration.is_some() => {}
    }
    Ok(())
}

fn report(fleet: &Fleet) {
    let asked = fleet.asked();
    let sum = |of: fn(&netmonitor_tests::fake_router::fleet::Asked) -> u64| -> u64 {
        asked.iter().map(of).sum()
    };
    let longest = asked.iter().map(|asked| asked.longest_pause).max().unwrap_or_default();
    let (events, rows) = (sum(|asked| asked.events), fleet.ledger());
    let gone = rows.iter().filter(|row| !row.must_be_known()).count();
    eprintln!(
        "asked for /net/status {} times, at most {:.1} s apart, for /net/events {events} times; \
         {} refused, {} redirects followed; {} events, {gone} of them gone before a reader had them",
        sum(|asked| asked.status),
        longest.as_secs_f64(),
        sum(|asked| asked.refused),
        sum(|asked| asked.followed),
        rows.len(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        command().debug_assert();
        let matches = command().try_get_matches_from(["fake-router", "--routers", "3"]).unwrap();
        let settings = settings(&matches).unwrap();
        assert_eq!((settings.routers, settings.layout), (3, Layout::PortEach));
        for wrong in [["--routers", "0"], ["--listen", "x"], ["--seed", "-1"], ["--past", "x"]] {
            assert!(command().try_get_matches_from(["fake-router"].iter().chain(&wrong)).is_err());
        }
    }

    #[test]
    fn a_wrong_scenario_is_told_with_its_file_and_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "1s flop").unwrap();
        let path = file.path().to_str().unwrap();
        let matches = command().try_get_matches_from(["fake-router", "--scenario", path]).unwrap();
        let error = format!("{:#}", settings(&matches).unwrap_err());
        assert!(error.starts_with(path) && error.contains(": line 1: flop"), "{error}");
    }
}
