//! VictoriaMetrics, as `tests/victoriametrics.sh` fetches it: the store, what brings it a past, and
//! what evaluates rules on it. Nothing here leaves loopback.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::engine::Engine;
use crate::running::{Launch, Running};

/// The address in `prometheus/examples/remote-write.yml`.
const EXAMPLE: &str = "victoria:8428";
/// The label that a site gives to all that it sends.
pub const SITE: &str = "berlin";
/// The label of what vmalert makes here.
pub const EVALUATED_BY: &str = "evaluated_by";

/// Its programs.
#[derive(Debug, Clone)]
pub struct Programs(PathBuf);

impl Programs {
    /// Those that could be fetched, if so; if not, a line says what is left out.
    #[must_use]
    pub fn fetched() -> Option<Self> {
        let programs = Self(repository().join("target/victoriametrics/usr/bin"));
        let is_there = programs.0.join("vmctl").is_file();
        if !is_there {
            eprintln!("not tried: VictoriaMetrics, tests/victoriametrics.sh could not get it");
        }
        is_there.then_some(programs)
    }

    /// The store, with what `folder` holds.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_store(&self, address: SocketAddr, folder: &Path) -> Result<Engine> {
        let mut data = OsString::from("-storageDataPath=");
        data.push(folder);
        let listen = format!("-httpListenAddr={address}").into();
        // As docs/scaling.md has it.
        let others =
            ["-retentionPeriod=400d", "-search.latencyOffset=5s", "-dedup.minScrapeInterval=1ms"];
        let others = others.map(OsString::from);
        let arguments = [vec![listen, data], others.to_vec()].concat();
        Engine::once_ready(self.start("victoria-metrics", arguments)?, "/health")
    }

    /// Brings what is in the folder of a Prometheus, as it would have been sent by the site.
    ///
    /// # Errors
    /// When it fails; with what it has said.
    pub fn bring_past(&self, prometheus: &Path, store: SocketAddr) -> Result<()> {
        #[expect(clippy::disallowed_methods, reason = "a program for tests")]
        let mut command = Command::new(self.0.join("vmctl"));
        command.args(["prometheus", "-s", "--disable-progress-bar"]);
        command.arg("--prom-snapshot").arg(prometheus);
        command.arg(format!("--vm-addr=http://{store}"));
        command.arg(format!("--vm-extra-label=site={SITE}"));
        let output = command.env_clear().stdin(Stdio::null()).output().context("vmctl")?;
        let said = [output.stdout, output.stderr].concat();
        ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
        Ok(())
    }

    /// What evaluates the rules of this folder on the store, where it also writes what becomes of
    /// them, and tells Alertmanager; with a label of its own. `interval`: for groups that have none.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_rules(
        &self,
        rules: &Path,
        [store, alertmanager]: [SocketAddr; 2],
        interval: Duration,
    ) -> Result<Running> {
        let mut files = OsString::from("-rule=");
        files.push(rules.join("*.yml"));
        let others = [
            "-httpListenAddr=127.0.0.1:0".to_owned(),
            format!("-datasource.url=http://{store}"),
            format!("-remoteWrite.url=http://{store}"),
            format!("-remoteRead.url=http://{store}"),
            format!("-notifier.url=http://{alertmanager}"),
            format!("-evaluationInterval={}ms", interval.as_millis()),
            "-rule.evalDelay=5s".to_owned(),
            format!("-external.label={EVALUATED_BY}=vmalert"),
        ];
        let others = others.map(OsString::from);
        self.start("vmalert", [vec![files], others.to_vec()].concat())
    }

    fn start(&self, program: &str, arguments: Vec<OsString>) -> Result<Running> {
        let program = self.0.join(program);
        let program = program.as_os_str();
        let address_after = "started server at http://";
        Launch { program, arguments, address_after, cores: None }.start()
    }
}

/// The shipped example of what sends, with the address of this store; a file in `folder`.
///
/// # Errors
/// When it is not as expected, or cannot be written.
pub fn remote_write(store: SocketAddr, folder: &Path) -> Result<PathBuf> {
    let example = repository().join("prometheus/examples/remote-write.yml");
    let text = std::fs::read_to_string(example)?;
    ensure!(text.matches(EXAMPLE).count() == 1, "{EXAMPLE} is not in the example");
    let file = folder.join("remote-write.yml");
    std::fs::write(&file, text.replace(EXAMPLE, &store.to_string()))?;
    Ok(file)
}

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
