//! The data of `make demo` for tests: a past that `prometheus/past.sh` makes, and the real
//! programs on it. Nothing here leaves loopback, and no port is a usual one.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::engine::Engine;
use crate::kept_port::KeptPort;
use crate::running::{Launch, Running};
use crate::{built, clock, victoria};

/// How long the past is, and of whom.
#[derive(Debug, Clone, Copy)]
pub struct Length<'a> {
    /// Hours that Prometheus looks back.
    pub scraped_hours: u32,
    /// Hours that the bridge looks back; at least as many.
    pub polled_hours: u32,
    /// Names of the routers, of `home,parents,cabin` the first ones.
    pub names: &'a str,
}

/// A past that is over, in a folder of its own.
#[derive(Debug)]
pub struct Demo {
    folder: TempDir,
    prometheus: KeptPort,
    routers: KeptPort,
    /// Nobody is told of alerts.
    no_alertmanager: KeptPort,
}

impl Demo {
    /// Plays it: about two seconds for each hour and router in a debug build.
    ///
    /// # Errors
    /// When a program is missing, or fails; with what it has said.
    pub fn prepare(length: Length<'_>) -> Result<Self> {
        Self::prepare_at(length, clock::unix_ms() / 1000)
    }

    /// As if it were another moment, seconds since 1970; what has happened since is in it, too.
    ///
    /// # Errors
    /// As above.
    pub fn prepare_at(length: Length<'_>, present: u64) -> Result<Self> {
        let demo = Self {
            folder: tempfile::tempdir()?,
            prometheus: KeptPort::new()?,
            routers: KeptPort::new()?,
            no_alertmanager: KeptPort::new()?,
        };
        let script = repository().join("prometheus/past.sh");
        let mut command = tool(script.as_os_str());
        command
            .arg(demo.folder.path())
            .env("FAKE_ROUTERS", built::program("fake-router")?)
            .env("PORT", demo.routers.address.port().to_string())
            .env("PROMETHEUS_PORT", demo.prometheus.address.port().to_string())
            .env("SCRAPED_HOURS", length.scraped_hours.to_string())
            .env("POLLED_HOURS", length.polled_hours.to_string())
            .env("NAMES", length.names)
            .env("PRESENT", present.to_string());
        succeed(command)?;
        Ok(demo)
    }

    /// A file of its folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The moment at which the past ends, seconds since 1970.
    ///
    /// # Errors
    /// When it is not told.
    pub fn present(&self) -> Result<u64> {
        let fleet = std::fs::read_to_string(self.path("fleet"))?;
        let present = fleet.lines().skip_while(|line| *line != "--present").nth(1);
        Ok(present.context("no --present")?.parse()?)
    }

    /// The routers go on. Where they are is in `routers.toml`, what they tell in `ledger`.
    ///
    /// # Errors
    /// When they do not start.
    pub fn start_routers(&self) -> Result<Running> {
        let fleet = std::fs::read_to_string(self.path("fleet"))?;
        let mut arguments: Vec<_> = fleet.lines().map(Into::into).collect();
        for (option, file) in [("--routers-file", "routers.toml"), ("--ledger", "ledger")] {
            arguments.extend([option.into(), self.path(file).into()]);
        }
        let program = built::program("fake-router")?;
        let address_after = "the first at ";
        Launch { program: program.as_os_str(), arguments, address_after, cores: None }.start()
    }

    /// Prometheus on the past, with its rules if it is told where a bridge is; that one names
    /// the routers to be scraped. Without, it only answers questions. It sends to the `store`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_prometheus(
        &self,
        bridge: Option<&Running>,
        store: Option<SocketAddr>,
    ) -> Result<Engine> {
        let address = self.prometheus.address;
        let config = self.path("config");
        match bridge {
            Some(bridge) => {
                let mut command = tool(repository().join("prometheus/configure.sh").as_os_str());
                command
                    .arg(&config)
                    .env("BRIDGE_ADDRESS", bridge.address.to_string())
                    .env("ALERTMANAGER_ADDRESS", self.no_alertmanager.address.to_string())
                    .env("PROMETHEUS_ADDRESS", address.to_string());
                if let Some(store) = store {
                    let file = victoria::remote_write(store, self.folder.path())?;
                    command.env("SITE", victoria::SITE).env("REMOTE_WRITE_FILE", file);
                }
                succeed(command)?;
            }
            None => {
                std::fs::create_dir_all(&config)?;
                std::fs::write(config.join("prometheus.yml"), "")?;
            }
        }
        let flag = |name: &str, value: &OsStr| {
            let mut flag = std::ffi::OsString::from(format!("--{name}="));
            flag.push(value);
            flag
        };
        let arguments = vec![
            flag("config.file", config.join("prometheus.yml").as_os_str()),
            flag("storage.tsdb.path", self.path("prometheus").as_os_str()),
            flag("storage.tsdb.retention.time", OsStr::new("400d")),
            flag("web.listen-address", OsStr::new(&address.to_string())),
        ];
        // 2.x and 3.x have other words before it; nothing else there is an address.
        let address_after = " address=";
        let program = OsStr::new("prometheus");
        let running = Launch { program, arguments, address_after, cores: None }.start()?;
        Engine::once_ready(running, "/-/ready")
    }
}

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Ends when we are killed; with nothing of the machine's own settings.
#[expect(clippy::disallowed_methods, reason = "scripts of the repository, for tests")]
fn tool(script: &OsStr) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(script).env_clear();
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path))).stdin(Stdio::null());
    command
}

fn succeed(mut command: Command) -> Result<()> {
    let output = command.output().context("cannot start a script")?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
    Ok(())
}
