//! `make run`: the real programs together on one machine. Each test has a network of its own
//! with nothing but loopback. Needs root.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use netmonitor_tests::{built, clock};

const LAST_LINE: &str = "Ctrl-C stops all of it";

/// A started stack, in a folder of its own.
struct Stack {
    script: Child,
    data: tempfile::TempDir,
}

/// What is left of one that has ended.
struct End {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Stack {
    /// `before` is run in its network first.
    fn start(before: &str, settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../prometheus/run.sh");
        let mut command = tool("unshare");
        command
            .args(["--net", "sh", "-c", &format!("ip link set lo up; {before} exec \"$0\"")])
            .arg(script)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("DATA", data.path())
            .env("EXPORTER", built::program("netmonitor-exporter").unwrap())
            .env("BRIDGE", built::program("netmonitor-bridge").unwrap())
            .envs([("NETMONITOR_PING_TARGETS", "127.0.0.1"), ("NETMONITOR_PING_GATEWAY", "0")])
            .env("NETMONITOR_LOG_SOURCE", "none")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { script: command.spawn().unwrap(), data }
    }

    /// Everything it has said by the time when all is well.
    fn table(&mut self) -> String {
        let mut lines = BufReader::new(self.script.stdout.as_mut().unwrap()).lines();
        let mut table = String::new();
        while !table.contains(LAST_LINE) {
            let line = lines.next().expect("it ended early").unwrap();
            table.push_str(&format!("{line}\n"));
        }
        table
    }

    fn signal(&self, signal: &str) {
        let pid = self.script.id().to_string();
        assert!(tool("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Numbers of its processes by program; all of them have its folder in their environment.
    fn processes(&self) -> Vec<(u32, String)> {
        let mark = format!("DATA={}", self.data.path().display()).into_bytes();
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

    fn process(&self, name: &str) -> u32 {
        self.processes().into_iter().find(|(_, program)| program == name).unwrap().0
    }

    /// Waits for its end, and that nothing of it runs any more.
    fn end(mut self) -> End {
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
fn tool(name: &str) -> Command {
    Command::new(name)
}

fn name_of(program: &Path) -> String {
    program.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Nothing was started, and why.
#[track_caller]
fn refused(before: &str, settings: &[(&str, &str)], parts: &[&str]) {
    let end = Stack::start(before, settings).end();
    assert_eq!(end.code, Some(1), "{}", end.stderr);
    for part in parts {
        assert!(end.stderr.contains(part), "{part} is not in: {}", end.stderr);
    }
    assert_eq!(end.stdout, "");
}

fn secret(mode: u32) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "s3cret\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(&file, mode).unwrap();
    (folder, file)
}

#[test]
fn all_of_it_comes_up_and_goes() {
    let (_folder, token) = secret(0o600);
    let token = token.to_str().unwrap();
    let settings = [
        ("READ_TOKEN_FILE", token),
        ("API_TOKEN_FILE", token),
        // All others than the defaults, so that nothing is written down twice.
        ("NETMONITOR_API_PORT", "18321"),
        ("BRIDGE_PORT", "15000"),
        ("PROMETHEUS_PORT", "19090"),
        ("ALERTMANAGER_PORT", "19093"),
    ];
    let mut stack = Stack::start("", &settings);
    let table = stack.table();
    for (program, port) in
        [("exporter", 18321), ("bridge", 15000), ("prometheus", 19090), ("alertmanager", 19093)]
    {
        let row = table.lines().find(|row| row.starts_with(program)).unwrap();
        assert!(row.contains(" well ") && row.contains(&format!(":{port}/")), "{table}");
    }
    let up: Vec<&str> = table
        .lines()
        .filter(|row| row.contains("/metrics"))
        .map(|row| {
            assert_eq!(row.split_whitespace().nth(1), Some("up"), "{table}");
            row.split_whitespace().next().unwrap()
        })
        .collect();
    assert_eq!(up, ["alertmanager", "netmonitor", "netmonitor-bridge", "prometheus"], "{table}");
    stack.signal("INT");
    let end = stack.end();
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
}

#[test]
fn one_that_ends_is_named_and_the_others_end() {
    let mut stack = Stack::start("", &[]);
    stack.table();
    let pid = stack.process("netmonitor-bridge").to_string();
    assert!(tool("kill").args(["-s", "KILL", &pid]).status().unwrap().success());
    let end = stack.end();
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("run: bridge has ended with code 137"), "{}", end.stderr);
}

#[test]
fn nothing_outlives_a_script_that_is_killed() {
    let mut stack = Stack::start("", &[]);
    stack.table();
    assert!(stack.processes().len() >= 5, "{:?}", stack.processes());
    stack.signal("KILL");
    assert_eq!(stack.end().code, None);
}

#[test]
fn what_cannot_work_is_said_before_anything_starts() {
    refused(
        "for port in 9090 5000; do \
         env -u DATA setpriv --pdeathsig KILL busybox nc -l -p $port >/dev/null 2>&1 & done; \
         until [ $(grep -cE ':(2382|1388) [0-9A-F]+:0000 0A' /proc/net/tcp6 /proc/net/tcp | \
         awk -F: '{ n += $2 } END { print n }') = 2 ]; do :; done;",
        &[],
        &["port 5000 (BRIDGE_PORT)", "port 9090 (PROMETHEUS_PORT)", "choose other ports"],
    );
    let absent = [("PROMETHEUS", "/nowhere"), ("ALERTMANAGER", "/nowhere")];
    refused("", &absent, &["missing: prometheus", "alertmanager", "apt-get install"]);
    refused("", &[("BRIDGE", "/nowhere")], &["/nowhere is not built: make build"]);
    refused("", &[("API_TOKEN_FILE", "/nowhere")], &["API_TOKEN_FILE: /nowhere is missing"]);
    let (_folder, token) = secret(0o644);
    let token = token.to_str().unwrap();
    refused("", &[("READ_TOKEN_FILE", token)], &["everybody can read", "chmod 600"]);
}

#[test]
fn a_file_that_is_no_database_of_ours_is_told_by_the_bridge() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.db");
    assert!(tool("sqlite3").arg(&file).arg("CREATE TABLE t(a)").status().unwrap().success());
    let end = Stack::start("", &[("SQLITE_DB", file.to_str().unwrap())]).end();
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("run: bridge has ended with code"), "{}", end.stderr);
    assert!(end.stderr.contains("SQLite file of another program"), "{}", end.stderr);
}

#[test]
fn a_demo_that_is_stopped_while_it_is_made_leaves_nothing() {
    let fake_router = built::program("fake-router").unwrap();
    let demo = [("FAKE_ROUTERS", fake_router.to_str().unwrap())];
    for signal in ["INT", "TERM", "KILL"] {
        let stack = Stack::start("", &demo);
        let is_played = |(_, name): &(u32, String)| name == "fake-router";
        clock::until("the past is played", || Ok(stack.processes().iter().any(is_played))).unwrap();
        stack.signal(signal);
        let end = stack.end();
        assert_eq!(end.code, (signal != "KILL").then_some(0), "{}", end.stderr);
        assert!(!end.stdout.contains(LAST_LINE));
    }
}

#[test]
fn what_a_demo_needs_is_said_before_it_is_made() {
    let demo = ("FAKE_ROUTERS", "/bin/true");
    refused("", &[demo, ("PROMTOOL", "/nowhere")], &["missing: promtool", "apt-get install"]);
    refused("", &[("FAKE_ROUTERS", "/nowhere")], &["/nowhere is not built: make demo"]);
    refused("", &[demo, ("ROUTER", "192.0.2.1")], &["no room for ROUTER"]);
}
