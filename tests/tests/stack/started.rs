//! `prometheus/run.sh` as a test starts it, and what it says and leaves.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use netmonitor_tests::{built, clock};

/// Of what is said when all is well.
pub(crate) const LAST_LINE: &str = "Ctrl-C stops all of it";

/// In the environment of all that one start has led to: a name of its own.
const MARK: &str = "START_OF_A_TEST";

/// A started stack.
pub(crate) struct Stack {
    script: Child,
    mark: String,
    /// Deleted with it, if it has one of its own.
    own_data: Option<tempfile::TempDir>,
}

/// What is left of one that has ended.
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Stack {
    /// In a folder of its own; `before` is run in its network first.
    pub(crate) fn start(before: &str, settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut stack = Self::start_in(data.path(), before, settings);
        stack.own_data = Some(data);
        stack
    }

    /// The same in a folder that is there.
    pub(crate) fn start_in(data: &Path, before: &str, settings: &[(&str, &str)]) -> Self {
        static STARTS: AtomicU32 = AtomicU32::new(0);
        let start = STARTS.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{MARK}={}-{start}", std::process::id());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../prometheus/run.sh");
        // bash cannot take back that its parent ignores Ctrl-C, as one does in the background.
        let mut command = tool("env");
        command
            .args([
                "--default-signal=INT",
                "unshare",
                "--net",
                "sh",
                "-c",
                &format!("ip link set lo up; {before} exec \"$0\""),
            ])
            .arg(script)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(mark.split_once('='))
            .env("DATA", data)
            .env("EXPORTER", built::program("netmonitor-exporter").unwrap())
            .env("BRIDGE", built::program("netmonitor-bridge").unwrap())
            .envs([("NETMONITOR_PING_TARGETS", "127.0.0.1"), ("NETMONITOR_PING_GATEWAY", "0")])
            .env("NETMONITOR_LOG_SOURCE", "none")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { script: command.spawn().unwrap(), mark, own_data: None }
    }

    /// Everything it has said by the time when all is well.
    pub(crate) fn table(&mut self) -> String {
        let mut lines = BufReader::new(self.script.stdout.as_mut().unwrap()).lines();
        let mut table = String::new();
        while !table.contains(LAST_LINE) {
            let line = lines.next().expect("it ended early").unwrap();
            table.push_str(&format!("{line}\n"));
        }
        table
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.script.id().to_string();
        assert!(tool("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Numbers of its processes by program.
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        let mark = self.mark.as_bytes();
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers
            .filter(|number| {
                let environment = std::fs::read(format!("/proc/{number}/environ"));
                environment.is_ok_and(|text| text.split(|byte| *byte == 0).any(|one| one == mark))
            })
            .map(|number: u32| {
                let program = std::fs::read_link(format!("/proc/{number}/exe")).unwrap_or_default();
                (number, name_of(&program))
            })
            .collect()
    }

    /// Of the answer to a request in its network.
    pub(crate) fn status(&self, url: &str, options: &[&str]) -> String {
        let network = format!("--net=/proc/{}/ns/net", self.script.id());
        let mut command = tool("nsenter");
        command.args([&network, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url]);
        let answer = command.args(options).output().unwrap();
        String::from_utf8(answer.stdout).unwrap()
    }

    pub(crate) fn process(&self, name: &str) -> u32 {
        self.processes().into_iter().find(|(_, program)| program == name).unwrap().0
    }

    /// Waits for its end, and that nothing of it runs any more.
    pub(crate) fn end(mut self) -> End {
        let text = |pipe: Option<Box<dyn Read>>| {
            let mut text = String::new();
            if let Some(mut pipe) = pipe {
                pipe.read_to_string(&mut text).unwrap();
            }
            text
        };
        let stderr = self.script.stderr.take();
        let stdout = self.script.stdout.take();
        let code = self.script.wait().unwrap().code();
        clock::until("nothing of it runs", || Ok(self.processes().is_empty())).unwrap();
        End {
            code,
            stdout: text(stdout.map(|pipe| Box::new(pipe) as Box<dyn Read>)),
            stderr: text(stderr.map(|pipe| Box::new(pipe) as Box<dyn Read>)),
        }
    }
}

/// A test that fails leaves nothing behind either.
impl Drop for Stack {
    fn drop(&mut self) {
        self.script.kill().ok();
        self.script.wait().ok();
    }
}

#[expect(clippy::disallowed_methods, reason = "the program under test, and tools")]
pub(crate) fn tool(name: &str) -> Command {
    Command::new(name)
}

fn name_of(program: &Path) -> String {
    program.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
