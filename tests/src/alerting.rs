//! The real Prometheus and Alertmanager on the shipped configuration, as quick as one likes
//! ([`derived`]).

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::engine::Engine;
use crate::http_client::Client;
use crate::kept_port::KeptPort;
use crate::running::{Launch, Running, find_on_path};
use crate::{clock, derived, victoria};

/// The one number of the rules that means seconds without saying so: how long `OutageEnded`
/// fires.
const SECONDS: &str = "< 1800";
/// `count(min_over_time(up[10m]) == 0)`
const FAILED_SCRAPES: &str =
    "/api/v1/query?query=count%28min_over_time%28up%5B10m%5D%29%20%3D%3D%200%29";
const LATE_RULES: &str =
    "/api/v1/query?query=sum%28prometheus_rule_group_iterations_missed_total%29";

/// Where what they read is, in their folder.
pub const CONFIGURATION: &str = "configuration";

/// Which ones.
#[derive(Debug, Clone)]
pub struct Programs {
    prometheus: PathBuf,
    alertmanager: PathBuf,
}

impl Programs {
    /// The first on `PATH`.
    ///
    /// # Errors
    /// When there are none.
    pub fn installed() -> Result<Self> {
        let find = |name| find_on_path(name).with_context(|| format!("no {name}; make tools"));
        Ok(Self {
            prometheus: find("prometheus")?,
            alertmanager: find("prometheus-alertmanager").or_else(|_| find("alertmanager"))?,
        })
    }
}

/// Who is watched and told, and how quickly.
pub struct Derived<'a> {
    /// Lists the routers, and is told of alerts.
    pub bridge: SocketAddr,
    /// The receiver `person`, as in `prometheus/examples/receivers/`.
    pub person: &'a str,
    /// All durations are divided by it.
    pub factor: u64,
    /// Where Prometheus sends what it has.
    pub store: Option<SocketAddr>,
}

/// Both, running; killed when dropped.
pub struct Alerting {
    /// Also answers questions.
    pub prometheus: Engine,
    /// Alertmanager.
    pub alertmanager: Running,
    _ports: [KeptPort; 2],
}

impl Derived<'_> {
    /// Starts both, with what they keep in `folder`.
    ///
    /// # Errors
    /// When the configuration cannot be made, or they do not start.
    pub fn start(&self, programs: &Programs, folder: &Path) -> Result<Alerting> {
        // Prometheus scrapes them both and must know where.
        let ports = [KeptPort::new()?, KeptPort::new()?];
        let [prometheus, alertmanager] = [ports[0].address, ports[1].address];
        let configuration = folder.join(CONFIGURATION);
        self.write(&configuration, prometheus, alertmanager, folder)?;
        let start = |program: &Path, file: &str, options: &[(&str, OsString)]| {
            let mut arguments = vec![option("--config.file", &configuration.join(file).into())];
            arguments.extend(options.iter().map(|(name, value)| option(name, value)));
            let program = program.as_os_str();
            Launch { program, arguments, address_after: "address=", cores: None }.start()
        };
        let alertmanager = start(
            &programs.alertmanager,
            "alertmanager.yml",
            &[
                ("--storage.path", folder.join("alertmanager").into()),
                ("--web.listen-address", alertmanager.to_string().into()),
                // Without it there is no second port.
                ("--cluster.listen-address", "".into()),
            ],
        )?;
        let prometheus = start(
            &programs.prometheus,
            "prometheus.yml",
            &[
                ("--storage.tsdb.path", folder.join("prometheus").into()),
                ("--web.listen-address", prometheus.to_string().into()),
            ],
        )?;
        let prometheus = Engine { running: prometheus };
        Ok(Alerting { prometheus, alertmanager, _ports: ports })
    }

    /// What `prometheus/configure.sh` writes, with every duration divided.
    fn write(
        &self,
        to: &Path,
        prometheus: SocketAddr,
        alertmanager: SocketAddr,
        folder: &Path,
    ) -> Result<()> {
        let person = folder.join("person.yml");
        fs::write(&person, self.person)?;
        let script = top().join("prometheus/configure.sh");
        #[expect(clippy::disallowed_methods, reason = "a script of ours, for tests")]
        let mut command = Command::new(script);
        command
            .arg(to)
            .env("BRIDGE_ADDRESS", self.bridge.to_string())
            .env("PROMETHEUS_ADDRESS", prometheus.to_string())
            .env("ALERTMANAGER_ADDRESS", alertmanager.to_string())
            .env("RECEIVER_FILE", person);
        if let Some(store) = self.store {
            let file = victoria::remote_write(store, folder)?;
            command.env("SITE", victoria::SITE).env("REMOTE_WRITE_FILE", file);
        }
        let status = command.status()?;
        ensure!(status.success(), "configure.sh: {status}");
        let rules = fs::read_dir(to.join("rules"))?.map(|entry| Ok(entry?.path()));
        let mut files = rules.collect::<Result<Vec<_>>>()?;
        files.extend(["prometheus.yml", "alertmanager.yml"].map(|name| to.join(name)));
        for file in files {
            let mut text = derived::divide(&fs::read_to_string(&file)?, self.factor)?;
            if file.ends_with("alerts-line.yml") {
                text = derived::divide_seconds(&text, SECONDS, self.factor)?;
            }
            fs::write(file, text)?;
        }
        Ok(())
    }
}

impl Alerting {
    /// Waits until so many targets have been scraped, and all of them well.
    ///
    /// # Errors
    /// When they are not in time.
    pub fn wait_for_targets(&mut self, count: usize) -> Result<()> {
        clock::until("every target is scraped", || {
            self.check_alive()?;
            // It says where it will listen before it does.
            let Ok(mut client) = Client::connect(self.prometheus.running.address) else {
                return Ok(false);
            };
            let (status, answer) = client.ask("/api/v1/targets?state=active")?;
            if status != 200 {
                return Ok(false);
            }
            let answer: Value = serde_json::from_str(answer)?;
            let targets = answer["data"]["activeTargets"].as_array().context("no targets")?;
            Ok(targets.len() == count && targets.iter().all(|target| target["health"] == "up"))
        })
    }

    /// What Prometheus knows now: `data.result` of a query.
    ///
    /// # Errors
    /// When it is refused.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>> {
        self.prometheus.query(expression, clock::unix_ms() / 1000)
    }

    /// Why this machine could not keep up, if so: at the factor's speed a scrape that takes a
    /// second is one that failed, and what follows from that is no fault of the configuration.
    ///
    /// # Errors
    /// When Prometheus does not answer.
    pub fn was_too_slow(&self) -> Result<Option<String>> {
        let mut client = Client::connect(self.prometheus.running.address)?;
        for (query, what) in [
            (FAILED_SCRAPES, "targets could not always be scraped in time"),
            (LATE_RULES, "evaluations of rules were left out"),
        ] {
            let answer: Value = serde_json::from_str(client.get(query)?)?;
            let count = answer.pointer("/data/result/0/value/1").and_then(Value::as_str);
            if let Some(count) = count.filter(|count| *count != "0") {
                return Ok(Some(format!("{count} {what}")));
            }
        }
        Ok(None)
    }

    /// Fails when one of them has ended, with its last words.
    ///
    /// # Errors
    /// See above.
    pub fn check_alive(&mut self) -> Result<()> {
        self.prometheus.running.check_alive().context("Prometheus")?;
        self.alertmanager.check_alive().context("Alertmanager")
    }
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn option(name: &str, value: &OsString) -> OsString {
    let mut option = OsString::from(name);
    option.push("=");
    option.push(value);
    option
}
