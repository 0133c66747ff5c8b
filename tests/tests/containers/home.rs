//! A person's copy of the project, where deploy.sh is run, and what is seen there.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use netmonitor_tests::http_client::Client;
use serde_json::Value;
use tempfile::TempDir;

use super::engine::{Engine, root, run, succeed, tool};

/// A folder with what is in the repository, and nothing else: no settings, no secrets.
pub(crate) struct Home {
    folder: TempDir,
    /// By which a client finds the engine.
    environment: Vec<(&'static str, String)>,
}

impl Home {
    pub(crate) fn new(engine: &Engine) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let copy = "git ls-files -z --cached --others --exclude-standard compose prometheus grafana \
                    | tar -c --null -T - | tar -x -C \"$0\" && chmod 755 \"$0\"";
        succeed(tool("sh").args(["-c", copy]).arg(folder.path()).current_dir(root()))?;
        Ok(Self { folder, environment: engine.environment() })
    }

    /// Of a file beside deploy.sh.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("compose").join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = tool(words[0]);
        command.args(&words[1..]).current_dir(self.path(""));
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Runs deploy.sh, as well from another folder as from its own; gives what it says.
    pub(crate) fn deploy(&self, arguments: &[&str]) -> Result<String> {
        succeed(&mut self.command(&[&["./deploy.sh"], arguments].concat()))
    }

    /// What it says when it cannot do what is asked.
    pub(crate) fn deploy_refused(&self, arguments: &[&str]) -> Result<String> {
        refused(&mut self.command(&[&["./deploy.sh"], arguments].concat()))
    }

    pub(crate) fn deploy_as_nobody(&self, arguments: &[&str]) -> Result<String> {
        let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
        refused(&mut self.command(&[&nobody[..], &["./deploy.sh"], arguments].concat()))
    }

    pub(crate) fn compose(&self, arguments: &[&str]) -> Result<String> {
        succeed(&mut self.command(&[&["docker", "compose"], arguments].concat()))
    }

    pub(crate) fn compose_refused(&self, arguments: &[&str]) -> Result<String> {
        refused(&mut self.command(&[&["docker", "compose"], arguments].concat()))
    }

    pub(crate) fn curl(&self, arguments: &[&str]) -> Result<String> {
        succeed(&mut self.command(&[&["curl", "-sS"], arguments].concat()))
    }

    /// Names and fingerprint of what is shown there.
    pub(crate) fn certificate(&self, address: &str) -> Result<String> {
        let show = "openssl s_client -connect \"$0\" </dev/null 2>/dev/null \
                    | openssl x509 -noout -fingerprint -ext subjectAltName";
        succeed(&mut self.command(&["sh", "-c", show, address]))
    }

    /// Puts a setting into .env, where its name is.
    pub(crate) fn set(&self, name: &str, value: &str) -> Result<()> {
        let text = std::fs::read_to_string(self.path(".env"))?;
        let start = format!("{name}=");
        ensure!(text.lines().any(|line| line.starts_with(&start)), "{name} is not in .env");
        let lines = text.lines().map(|line| match line.starts_with(&start) {
            true => format!("{name}={value}\n"),
            false => format!("{line}\n"),
        });
        Ok(std::fs::write(self.path(".env"), lines.collect::<String>())?)
    }

    pub(crate) fn value(&self, name: &str) -> Result<String> {
        let text = std::fs::read_to_string(self.path(".env"))?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        Ok(value.with_context(|| format!("{name} is not in .env"))?.to_owned())
    }

    pub(crate) fn bridge(&self, path: &str) -> Result<Value> {
        json(5000, path)
    }

    pub(crate) fn alertmanager(&self, path: &str) -> Result<Value> {
        json(9093, path)
    }

    /// What Prometheus answers, as labels and values.
    pub(crate) fn samples(&self, query: &str) -> Result<Value> {
        let query: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        Ok(json(9090, &format!("/api/v1/query?query={query}"))?["data"]["result"].take())
    }

    pub(crate) fn has_sample(&self, query: &str) -> Result<bool> {
        Ok(!self.samples(query)?.as_array().context("no list")?.is_empty())
    }

    /// A silence in Alertmanager, which shall be there later.
    pub(crate) fn silence(&self, comment: &str) -> Result<()> {
        let silence = serde_json::json!({
            "matchers": [{ "name": "alertname", "value": "Nothing", "isRegex": false }],
            "startsAt": "2026-01-01T00:00:00Z",
            "endsAt": "2100-01-01T00:00:00Z",
            "createdBy": "test",
            "comment": comment,
        });
        let url = "http://127.0.0.1:9093/api/v2/silences";
        self.curl(&["--fail", "--json", &silence.to_string(), url]).map(drop)
    }
}

fn refused(command: &mut Command) -> Result<String> {
    let (output, said) = run(command)?;
    ensure!(!output.status.success(), "{command:?} was done: {said}");
    Ok(said)
}

fn json(port: u16, path: &str) -> Result<Value> {
    let mut client = Client::connect(([127, 0, 0, 1], port).into())?;
    Ok(serde_json::from_str(client.get(path)?)?)
}
