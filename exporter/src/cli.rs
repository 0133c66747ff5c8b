//! The command line, and what each subcommand does.
//!
//! The only place that reads arguments and the environment, and the only one that
//! decides the exit code: 0 done, 2 wrong usage or configuration, 1 anything else.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::collectors::wan;
use crate::config::settings::{ENVIRONMENT_PREFIX, SETTINGS, TakesEffect};
use crate::config::{self, Config, DEFAULT_FILE, Given, Layers, Live, Loaded, Problems};
use crate::events::names::Names;
use crate::events::replay;
use crate::events::sources::child;
use crate::events::suppression::Initial;
use crate::exporter::Exporter;
use crate::http::HEALTHY;
use crate::http::request_counts::Path;
use crate::roots::Roots;
use crate::running::Running;
use crate::telemetry::Telemetry;
use crate::{doctor, listen, status, test_event};

/// For the system's resolver, the only thing of ours that blocks a thread of tokio's.
const MAX_BLOCKING_THREADS: usize = 1;

/// `healthcheck` and `line` wait this long; what they ask for is answered within milliseconds.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // Also how --help and --version come here; a closed pipe has no reader.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    if let Some((child::SUBCOMMAND, matches)) = matches.subcommand() {
        return follow_child(matches);
    }
    match run(&matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let wrong_settings = error.is::<Problems>();
            say(&mut std::io::stderr(), &format!("{error:#}"));
            ExitCode::from(if wrong_settings { 2 } else { 1 })
        }
    }
}

/// A reader that has gone away, as with `… | head`, is no fault.
fn say(to: &mut dyn Write, text: &str) {
    writeln!(to, "{text}").ok();
}

fn command() -> Command {
    let settings = SETTINGS.iter().map(|setting| {
        Arg::new(setting.key)
            .long(setting.flag())
            .value_name("VALUE")
            .help(format!("{} [{}: \"{}\"]", setting.help, setting.key, setting.default))
            .help_heading("Settings")
            .allow_hyphen_values(true)
            .global(true)
    });
    Command::new("netmonitor-exporter")
        .version(crate::VERSION)
        .about("Watches a router's WAN line: Prometheus metrics and JSON status on port 8321")
        .after_help(
            "A setting is taken from its flag, else from the environment (NETMONITOR_<KEY>), else \
             from the files, else it has its default.",
        )
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .help(format!("settings, KEY=\"value\"; later ones win [default: {DEFAULT_FILE}]"))
                .action(ArgAction::Append)
                .value_parser(clap::value_parser!(PathBuf))
                .global(true),
        )
        .arg(
            Arg::new("root")
                .long("root")
                .value_name("FOLDER")
                .help("read /proc, /sys and the rest of the device below this folder")
                .default_value("/")
                .value_parser(clap::value_parser!(PathBuf))
                .global(true),
        )
        .args(settings)
        .subcommand(Command::new("run").about("watch and answer until stopped (the default)"))
        .subcommand(Command::new("check-config").about("check the settings and print them"))
        .subcommand(Command::new("doctor").about("say what was found on this device, and what not"))
        .subcommand(Command::new("status").about("measure once and print what /net/status answers"))
        .subcommand(
            Command::new("line").about("ask the running program and print what /net/line answers"),
        )
        .subcommand(Command::new("interfaces").about("print the interfaces that may be the WAN"))
        .subcommand(Command::new("healthcheck").about("ask the running program whether it answers"))
        .subcommand(replay_command())
        .subcommand(
            Command::new("test-event").about("send a harmless event through the whole chain"),
        )
        .subcommand(follow_child_command())
}

fn replay_command() -> Command {
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
    };
    Command::new("replay")
        .about("print the events that a saved log gives")
        .arg(
            Arg::new("initial")
                .long("initial")
                .help("was everything up before the first line, or does the log begin at the boot?")
                .value_parser(["up", "boot"])
                .default_value("up"),
        )
        .arg(switch("per-line", "print the type of every line, or -, and suppress no repeats"))
        .arg(switch("derived", "also print what is concluded, such as router_boot"))
        .arg(switch("json", "print one JSON object a line"))
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .help("the log, in any of the known formats; - for standard input")
                .required(true)
                .value_parser(clap::value_parser!(PathBuf)),
        )
}

/// How the program starts what it follows; not for people.
fn follow_child_command() -> Command {
    Command::new(child::SUBCOMMAND)
        .hide(true)
        .arg(Arg::new("parent").required(true).value_parser(clap::value_parser!(i32)))
        .arg(
            Arg::new("program")
                .num_args(1..)
                .required(true)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .value_parser(clap::value_parser!(OsString)),
        )
}

fn follow_child(matches: &ArgMatches) -> ExitCode {
    let parent = matches.get_one("parent").copied().unwrap_or_default();
    let program: Vec<OsString> =
        matches.get_many("program").into_iter().flatten().cloned().collect();
    let error = child::become_program(parent, &program);
    say(&mut std::io::stderr(), &format!("{error}"));
    ExitCode::from(child::NOT_STARTED)
}

fn layers(matches: &ArgMatches) -> Layers {
    let flags = SETTINGS
        .iter()
        .filter_map(|setting| Some((setting.key, matches.get_one::<String>(setting.key)?.clone())))
        .collect();
    let environment: BTreeMap<String, String> = std::env::vars_os()
        // Bytes that are no text make a value that no check lets pass, which is told.
        .map(|(name, value)| (name.to_string_lossy().into(), value.to_string_lossy().into()))
        .filter(|(name, _): &(String, String)| name.starts_with(ENVIRONMENT_PREFIX))
        .collect();
    let files = matches.get_many::<PathBuf>("config").into_iter().flatten().cloned().collect();
    Layers { files, environment, flags }
}

fn run(matches: &ArgMatches) -> Result<()> {
    let (name, matches) = matches.subcommand().unwrap_or(("run", matches));
    let root = matches.get_one::<PathBuf>("root").cloned().unwrap_or_else(|| "/".into());
    let roots = Roots::new(root);
    let layers = layers(matches);
    if name == "run" {
        return with_runtime(watch_and_answer(&roots, &layers));
    }
    let loaded = config::load(&layers, &roots)?;
    match name {
        "check-config" => {
            check_config(&loaded);
            Ok(())
        }
        "doctor" => with_runtime(async {
            let report = doctor::report(&roots, &loaded).await;
            say(&mut std::io::stdout(), &report);
            Ok(())
        }),
        "status" => with_runtime(async {
            say(&mut std::io::stdout(), &status::measure(&roots, loaded.config).await?);
            Ok(())
        }),
        "line" => with_runtime(line(&loaded.config)),
        "interfaces" => with_runtime(interfaces(&roots)),
        "healthcheck" => with_runtime(healthcheck(&loaded.config)),
        "replay" => replay_log(matches, &loaded.config),
        "test-event" => with_runtime(async {
            say(&mut std::io::stdout(), &test_event::send(&roots, &loaded.config).await?);
            Ok(())
        }),
        name => bail!("there is no subcommand {name}"),
    }
}

/// One thread for everything but reads that may hang, and look-ups of names, which may
/// take half a minute: neither holds up stopping.
fn with_runtime(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime: Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .build()
        .context("the runtime cannot be started")?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}

/// Prints the settings in force, and where each comes from.
fn check_config(loaded: &Loaded) {
    let mut text = String::new();
    for setting in &SETTINGS {
        let Given { value, origin } = &loaded.given[setting.key];
        let from = match origin {
            config::Origin::Default => "default".to_owned(),
            config::Origin::File(path, line) => format!("{} line {line}", path.display()),
            config::Origin::Environment => setting.variable(),
            config::Origin::Flag => format!("--{}", setting.flag()),
        };
        let assignment = format!("{}=\"{}\"", setting.key, setting.display(value));
        text.push_str(&format!("{assignment:<48} # {from}\n"));
    }
    text.push_str("# the settings are good");
    if !loaded.config.enabled {
        text.push_str("; ENABLED=0: the program will not start");
    }
    say(&mut std::io::stdout(), &text);
    for warning in &loaded.warnings {
        say(&mut std::io::stderr(), &format!("warning: {warning}"));
    }
}

/// Prints the interfaces that may be the WAN, the likeliest first.
async fn interfaces(roots: &Roots) -> Result<()> {
    let candidates = wan::candidates(roots).await.map_err(|error| {
        anyhow::anyhow!("{error}: name the device of your line in WAN_IFACE, for example eth1")
    })?;
    for candidate in &candidates {
        say(&mut std::io::stdout(), &candidate.to_string());
    }
    Ok(())
}

/// For LuCI's page: it asks with the token of the settings, so that no browser needs to know it.
async fn line(config: &Config) -> Result<()> {
    let running = Running::of(config);
    let body = ask(&running, Path::Line).await?;
    // The shell version answers 200 to every path.
    if !body.starts_with("{\"version\":") {
        return Err(another_program(&running));
    }
    say(&mut std::io::stdout(), &body);
    Ok(())
}

async fn ask(running: &Running<'_>, path: Path) -> Result<String> {
    timeout(ANSWERS_WITHIN, running.get(path.text())).await.with_context(|| {
        let (address, seconds) = (running.address(), ANSWERS_WITHIN.as_secs());
        format!("http://{address} does not answer within {seconds} s")
    })?
}

/// For installers and containers: does the program with these settings answer?
async fn healthcheck(config: &Config) -> Result<()> {
    let running = Running::of(config);
    let body = ask(&running, Path::Health).await?;
    // As above.
    if body != HEALTHY {
        return Err(another_program(&running));
    }
    say(&mut std::io::stdout(), &format!("http://{} answers", running.address()));
    Ok(())
}

fn another_program(running: &Running<'_>) -> anyhow::Error {
    anyhow::anyhow!("http://{} is answered by another program: see API_PORT", running.address())
}

/// Prints the events of a saved log.
fn replay_log(matches: &ArgMatches, config: &Config) -> Result<()> {
    let is_set = |name| matches.get_flag(name);
    let is_boot = matches.get_one::<String>("initial").is_some_and(|initial| initial == "boot");
    let options = replay::Options {
        names: Names::new(config.wan_names.iter().cloned(), config.pppoe_device.iter().cloned()),
        initial: if is_boot { Initial::Boot } else { Initial::Up },
        per_line: is_set("per-line"),
        derived: is_set("derived"),
        json: is_set("json"),
    };
    let path = matches.get_one::<PathBuf>("file").context("which file?")?;
    let input: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(path).with_context(|| format!("{} cannot be read", path.display()))?)
    };
    replay::replay(input, std::io::stdout().lock(), &options)
        .with_context(|| format!("{} cannot be replayed", path.display()))
}

async fn watch_and_answer(roots: &Roots, layers: &Layers) -> Result<()> {
    // Before anything that takes time: a reload just after the start must not end the program.
    let hangups = signal(SignalKind::hangup()).context("signals cannot be received")?;
    let loaded = config::load(layers, roots)?;
    let telemetry = Telemetry::start(loaded.config.log_level)?;
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    if !loaded.config.enabled {
        info!("ENABLED=0: not started");
        return Ok(());
    }
    // Before anything is said: who reads that we answer may send a signal at once.
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be received")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be received")?;
    let (running, live) = Live::new(loaded.config);
    let reload = Reload { roots, layers, started: loaded.given, running, telemetry };
    let listeners = listen::open(&live.now())?;
    for listener in &listeners {
        let address = listener.local_addr().context("the port has no address")?;
        info!("netmonitor-exporter {} answers on http://{address}", crate::VERSION);
    }
    let exporter = Exporter::start(roots, &live);
    let stop = CancellationToken::new();
    let serving = exporter.serve(listeners, stop.clone());
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended,
        () = reload_on(hangups, &reload) => {}
        _ = terminate.recv() => info!("stopping: SIGTERM"),
        _ = interrupt.recv() => info!("stopping: SIGINT"),
    }
    stop.cancel();
    serving.await
}

/// What a reload needs.
struct Reload<'a> {
    roots: &'a Roots,
    layers: &'a Layers,
    /// As they were at the start: what needs a restart is still like that.
    started: BTreeMap<&'static str, Given>,
    running: watch::Sender<Arc<Config>>,
    telemetry: Telemetry,
}

async fn reload_on(mut hangups: Signal, reload: &Reload<'_>) {
    while hangups.recv().await.is_some() {
        reload.run();
    }
}

impl Reload<'_> {
    /// Reads the settings again; bad ones change nothing.
    fn run(&self) {
        match config::load(self.layers, self.roots) {
            Err(Problems(problems)) => {
                for problem in &problems {
                    error!("{problem}");
                }
                error!("reload: the settings are bad; the running ones stay in force");
            }
            Ok(Loaded { config, warnings, given }) => {
                for warning in &warnings {
                    warn!("{warning}");
                }
                let waiting = self.waiting(&given);
                if !waiting.is_empty() {
                    warn!("reload: {} changed: restart for it to count", waiting.join(", "));
                }
                self.telemetry.set(config.log_level);
                self.running.send_replace(Arc::new(config));
                info!("reload: done");
            }
        }
    }

    /// Settings that differ from those of the start and count only after a restart.
    fn waiting(&self, given: &BTreeMap<&'static str, Given>) -> Vec<&'static str> {
        let on_restart = SETTINGS.iter().filter(|s| s.takes_effect == TakesEffect::OnRestart);
        let changed = |key: &&str| self.started[key].value != given[key].value;
        on_restart.map(|setting| setting.key).filter(changed).collect()
    }
}
