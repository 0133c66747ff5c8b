//! What is typed: subcommands and flags.

use std::collections::BTreeMap;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};
use jiff::tz::TimeZone;
use tokio::runtime::Runtime;
use tracing::warn;

use crate::api;
use crate::bridge;
use crate::config::settings::{self, SETTINGS};
use crate::config::{self, Config, Layers, Loaded, Problems};
use crate::legacy::{self, Import};
use crate::progress::{Progress, Shown};
use crate::routers::client::{Client, Timeouts};
use crate::store::{self, CopyProgress, Database};
use crate::{clock, routers_check};

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
    let database = |name: &'static str, help: &'static str| {
        let help =
            format!("{help}: a path, postgres://… or mysql://… [default: that of the settings]");
        Arg::new(name).long(name).value_name("DATABASE").help(help)
    };
    let flags = SETTINGS.iter().map(|setting| {
        let shown = match setting.default {
            "" => format!("{} [{}]", setting.help, setting.name),
            default => format!("{} [{}, default {default}]", setting.help, setting.name),
        };
        Arg::new(setting.name).long(settings::flag(setting.name)).help(shown).global(true)
    });
    Command::new("netmonitor-bridge")
        .about("Keeps what routers tell in a database, and answers as JSON")
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
        .subcommand(
            Command::new("import-legacy")
                .about("takes over the database of the old Flask client, which is only read")
                .arg(file("file", "that database"))
                .arg(Arg::new("router").long("router").value_name("NAME").help(
                    "which router it is of, as the settings name it; needed if they have several",
                ))
                .arg(
                    Arg::new("zone").long("zone").value_name("ZONE").help(
                        "zone of the old host, for example Europe/Berlin [default: that of TZ]",
                    ),
                ),
        )
        .subcommand(
            Command::new("copy")
                .about("copies one database into another of any engine; ended early, it goes on")
                .arg(database("from", "the database that is read"))
                .arg(database("to", "the one that is written: empty, or of an attempt before")),
        )
        .subcommand(Command::new("check").about("looks at the whole database and reports"))
        .subcommand(
            Command::new("check-routers")
                .about("asks each router once, and says what is wrong and what to do about it"),
        )
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
            let config = with_database(layers)?;
            say(&runtime()?.block_on(bridge::backup(&config, &file(matches)?))?)
        }
        Some(("restore", matches)) => {
            let (config, from) = (for_database(layers)?, file(matches)?);
            let had_one = config.database.file().is_some_and(Path::exists);
            store::restore(&config.database, &from)?;
            let before =
                if had_one { "; what was there is beside it, ….replaced-…" } else { "" };
            say(&format!("{} is what {} was{before}\n", config.database, from.display()))
        }
        Some(("import-legacy", matches)) => {
            let import = import(matches, layers, file(matches)?)?;
            runtime()?.block_on(import_legacy(&import))
        }
        Some(("copy", matches)) => copy(matches, layers),
        Some(("check", _)) => {
            let config = with_database(layers)?;
            let report = store::check(&config.database)?;
            say(&format!("{report}\n"))?;
            anyhow::ensure!(report.is_good(), "the database is damaged; restore a backup");
            Ok(())
        }
        Some(("check-routers", _)) => check_routers(&loaded(layers)?, runtime()?),
        Some(("openapi", _)) => say(&api::openapi::text()),
        Some(("healthcheck", _)) => {
            let config = for_database(layers)?;
            runtime()?.block_on(bridge::healthcheck(&config))
        }
        _ => {
            let config = loaded(layers)?;
            runtime()?.block_on(bridge::run(config, clock::now()))
        }
    }
}

fn copy(matches: &ArgMatches, layers: &Layers) -> Result<()> {
    let database = |name: &str| -> Result<Option<Database>> {
        let Some(text) = matches.get_one::<String>(name) else { return Ok(None) };
        let parsed =
            if text.contains("://") { Database::parse(text) } else { Ok(Path::new(text).into()) };
        // Without what was given: there may be a password in it.
        parsed.map(Some).map_err(|expected| anyhow!("--{name}: expected {expected}"))
    };
    let (from, to) = match (database("from")?, database("to")?) {
        (Some(from), Some(to)) => (from, to),
        (Some(from), None) => (from, for_database(layers)?.database),
        (None, Some(to)) => (for_database(layers)?.database, to),
        (None, None) => bail!("say with --to or --from what is to be copied where"),
    };
    anyhow::ensure!(from.to_string() != to.to_string(), "{from} cannot be copied into itself");
    let is_terminal = std::io::stderr().is_terminal();
    let shown = if is_terminal { Shown::OnTerminal } else { Shown::InLines };
    let mut progress = Progress::new(std::io::stderr(), shown);
    let copied = store::copy(&from, &to, clock::now(), |CopyProgress { table, rows, of }| {
        let line = || format!("{table}: {rows} of {of} rows");
        // That nobody sees the progress any more is no reason to stop.
        progress.tell(clock::monotonic(), line).unwrap_or_default();
    });
    progress.end().unwrap_or_default();
    say(&format!("{to} has the {} rows of {from}\n", copied?.rows))
}

fn loaded(layers: &Layers) -> Result<Config> {
    let Loaded { config, notices } = config::load(layers)?;
    notices.iter().for_each(|notice| warn!("{notice}"));
    Ok(config)
}

fn check_routers(config: &Config, runtime: Runtime) -> Result<()> {
    let (routers, mut out) = (&config.routers, std::io::stdout());
    let client = Client::new(Timeouts::default(), clock::now)?;
    let checked = runtime.block_on(routers_check::run(routers, &client, clock::now, &mut out));
    // A look-up of a name may hang for longer than anybody waits for it.
    runtime.shutdown_background();
    let not_well = checked.context("cannot write what was found")?;
    anyhow::ensure!(
        not_well == 0,
        "{not_well} of {} routers are not well; each line says what to do",
        routers.len()
    );
    Ok(())
}

fn import(matches: &ArgMatches, layers: &Layers, file: PathBuf) -> Result<Import> {
    let zone = match matches.get_one::<String>("zone") {
        Some(name) => TimeZone::get(name).map_err(|_| {
            anyhow!(
                "--zone \"{name}\": there is no such zone here; write it like Europe/Berlin, and \
                 see that tzdata is installed"
            )
        })?,
        None => TimeZone::try_system().map_err(|_| {
            anyhow!("this computer's zone is not known; say that of the old host with --zone")
        })?,
    };
    let named = matches.get_one::<String>("router");
    let config = if named.is_some() { for_database(layers)? } else { config::load(layers)?.config };
    let router = match (named, &config.routers[..]) {
        (Some(name), _) => config::router_name(name)
            .map_err(|expected| anyhow!("--router \"{name}\": expected {expected}"))?,
        (None, [router]) => router.name.clone(),
        (None, routers) => bail!(
            "ROUTERS_FILE lists {} routers; say with --router NAME of which one the file is",
            routers.len()
        ),
    };
    let now = clock::now();
    let kept_since = config.retention.by_age(now, None).rows;
    Ok(Import { file, database: config.database, router, zone, now, kept_since })
}

async fn import_legacy(import: &Import) -> Result<()> {
    let zone = import.zone.iana_name().unwrap_or("of TZ");
    eprintln!(
        "{} is read into {} as router {}; its times are those of zone {zone}",
        import.file.display(),
        import.database,
        import.router
    );
    let is_terminal = std::io::stderr().is_terminal();
    let shown = if is_terminal { Shown::OnTerminal } else { Shown::InLines };
    let mut progress = Progress::new(std::io::stderr(), shown);
    say(&format!("{}\n", legacy::run(import, &mut progress).await?))
}

/// To stdout. Who reads it may have gone (`| head`): nothing is wrong then.
fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// Settings for what reads a database: it has to be there.
fn with_database(layers: &Layers) -> Result<Config> {
    let config = for_database(layers)?;
    anyhow::ensure!(
        config.database.file().is_none_or(Path::exists),
        "there is no database {}; set SQLITE_DB to the one that the bridge writes",
        config.database
    );
    Ok(config)
}

/// Settings for what has nothing to do with routers.
fn for_database(layers: &Layers) -> Result<Config> {
    let mut layers = layers.clone();
    layers.environment.remove("ROUTERS_FILE");
    layers.flags.remove("ROUTERS_FILE");
    layers.environment.insert("ROUTER_IP".to_owned(), "localhost".to_owned());
    Ok(config::load(&layers)?.config)
}
