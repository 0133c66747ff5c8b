//! What is typed: subcommands and flags.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};
use tracing::warn;

use crate::api;
use crate::bridge;
use crate::config::settings::{self, SETTINGS};
use crate::config::{self, Config, Layers, Loaded, Problems};
use crate::{clock, store};

/// Done, wrong usage or settings, anything else.
const BAD_SETTINGS: u8 = 2;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let matches = command().get_matches();
    let layers = layers(&matches);
    tracing_subscriber::fmt()
        .with_max_level(config::log_level(&layers))
        .with_writer(std::io::stderr)
        .with_target(false)
        .without_time()
        .init();
    match run(&matches, &layers) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("netmonitor-bridge: {error:#}");
            let is_settings = error.downcast_ref::<Problems>().is_some();
            if is_settings { ExitCode::from(BAD_SETTINGS) } else { ExitCode::FAILURE }
        }
    }
}

fn command() -> Command {
    let file = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .help(help)
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .value_hint(ValueHint::FilePath)
    };
    let flags = SETTINGS.iter().map(|setting| {
        let shown = match setting.default {
            "" => format!("{} [{}]", setting.help, setting.name),
            default => format!("{} [{}, default {default}]", setting.help, setting.name),
        };
        Arg::new(setting.name).long(settings::flag(setting.name)).help(shown).global(true)
    });
    Command::new("netmonitor-bridge")
        .about("Keeps what routers tell in SQLite, and answers as JSON")
        .version(concat!(env!("CARGO_PKG_VERSION")))
        .args(flags)
        .subcommand(Command::new("run").about("polls the routers and answers (the default)"))
        .subcommand(
            Command::new("backup")
                .about("copies the database while it is in use, and checks the copy")
                .arg(file("file", "the copy")),
        )
        .subcommand(
            Command::new("restore")
                .about("puts a backup in the place of the database; the program must not run")
                .arg(file("file", "the backup")),
        )
        .subcommand(Command::new("check").about("looks at the whole database and reports"))
        .subcommand(
            Command::new("openapi").about("prints the description of all paths (OpenAPI 3.1)"),
        )
        .subcommand(Command::new("healthcheck").about("asks the running program; 0: it is well"))
}

/// Flags and environment; everything below has typed settings.
fn layers(matches: &ArgMatches) -> Layers {
    let matches = matches.subcommand().map_or(matches, |(_, matches)| matches);
    let flags: BTreeMap<_, _> = SETTINGS
        .iter()
        .filter_map(|setting| {
            Some((setting.name, matches.get_one::<String>(setting.name)?.clone()))
        })
        .collect();
    let known = |name: &str| SETTINGS.iter().any(|setting| setting.name == name);
    Layers { flags, environment: std::env::vars().filter(|(name, _)| known(name)).collect() }
}

fn run(matches: &ArgMatches, layers: &Layers) -> Result<()> {
    let file = |matches: &ArgMatches| -> Result<PathBuf> {
        matches.get_one::<PathBuf>("file").cloned().context("which file?")
    };
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match matches.subcommand() {
        Some(("backup", matches)) => {
            let config = for_database(layers)?;
            runtime()?.block_on(bridge::backup(&config, &file(matches)?))
        }
        Some(("restore", matches)) => {
            let config = for_database(layers)?;
            Ok(store::restore(&config.database, &file(matches)?)?)
        }
        Some(("check", _)) => {
            let config = for_database(layers)?;
            let report = store::check(&config.database)?;
            println!("{report}");
            anyhow::ensure!(report.is_good(), "the database is damaged; restore a backup");
            Ok(())
        }
        Some(("openapi", _)) => {
            print!("{}", api::openapi::text());
            Ok(())
        }
        Some(("healthcheck", _)) => {
            let config = for_database(layers)?;
            runtime()?.block_on(bridge::healthcheck(&config))
        }
        _ => {
            let Loaded { config, notices } = config::load(layers)?;
            notices.iter().for_each(|notice| warn!("{notice}"));
            runtime()?.block_on(bridge::run(config, clock::now()))
        }
    }
}

/// Settings for what has nothing to do with routers.
fn for_database(layers: &Layers) -> Result<Config> {
    let mut layers = layers.clone();
    layers.environment.remove("ROUTERS_FILE");
    layers.flags.remove("ROUTERS_FILE");
    layers.environment.insert("ROUTER_IP".to_owned(), "localhost".to_owned());
    Ok(config::load(&layers)?.config)
}
