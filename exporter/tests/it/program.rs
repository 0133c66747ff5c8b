//! Starts the exporter for a test and stops it at the end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(20);

/// A running exporter.
pub(crate) struct Program {
    child: Child,
    pub(crate) port: u16,
    log: Arc<Mutex<String>>,
    settings: tempfile::TempDir,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The value of a sample by its name and labels as printed.
    pub(crate) fn sample(&self, series: &str) -> Option<f64> {
        let lines = self.body.lines();
        lines
            .filter_map(|line| line.rsplit_once(' '))
            .find(|(name, _)| *name == series)?
            .1
            .parse()
            .ok()
    }
}

pub(crate) fn fixture(device: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(device)
}

/// The program with arguments, in an environment without settings of the person who runs
/// the tests.
#[expect(clippy::disallowed_methods, reason = "the program under test")]
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netmonitor-exporter"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("NETMONITOR_") {
            command.env_remove(name);
        }
    }
    command.env("TZ", "UTC");
    command
}

/// A program of the system.
#[expect(clippy::disallowed_methods, reason = "the tests' own tools")]
pub(crate) fn tool(name: &str) -> Command {
    Command::new(name)
}

/// Runs a subcommand to its end; unless told otherwise it pings nothing but loopback.
pub(crate) fn run(arguments: &[&str]) -> Output {
    let mut command = command();
    command.envs([("NETMONITOR_PING_TARGETS", "127.0.0.1"), ("NETMONITOR_PING_GATEWAY", "0")]);
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

impl Program {
    /// Starts with settings of a file; pings only where the file says so, and follows only
    /// the logs that it names.
    pub(crate) fn start(root: &Path, settings: &str) -> Self {
        Self::start_by(command(), root, settings)
    }

    pub(crate) fn start_by(mut command: Command, root: &Path, settings: &str) -> Self {
        assert!(settings.contains("PING_TARGETS"), "a test says what it pings");
        let dir = tempfile::tempdir().unwrap();
        let settings_file = dir.path().join("netmonitor.conf");
        std::fs::write(&settings_file, settings).unwrap();
        // Somebody else's account must be able to read it.
        set_mode(dir.path(), 0o755);
        if !settings.contains("QUEUE_FILE") {
            command.arg("--queue-file").arg(dir.path().join("events.json"));
        }
        if !settings.contains("LOG_SOURCE") {
            command.args(["--log-source", "none"]);
        }
        if !settings.contains("PING_GATEWAY") {
            command.args(["--ping-gateway", "0"]);
        }
        let mut child = command
            .args(["--listen", "127.0.0.1", "--api-port", "0", "--config"])
            .arg(&settings_file)
            .arg("--root")
            .arg(root)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        let port = loop {
            let before = log.len();
            assert_ne!(lines.read_line(&mut log).unwrap(), 0, "ended early: {log}");
            if let Some((_, address)) = log[before..].split_once("answers on http://") {
                break address.trim_end().rsplit_once(':').unwrap().1.parse().unwrap();
            }
        };
        let log = Arc::new(Mutex::new(log));
        let sink = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                sink.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        Self { child, port, log, settings: dir }
    }

    /// Starts in a network of its own with nothing but loopback: whatever the program
    /// pings or asks beyond that meets an unreachable network and cannot leave this
    /// machine. `work` runs in the same network. Needs root.
    pub(crate) fn isolated(root: &Path, settings: &str, work: impl FnOnce(&Self) + Send) {
        Self::isolated_by(&command(), root, settings, work);
    }

    /// The same with another way to start the program.
    pub(crate) fn isolated_by(
        start: &Command,
        root: &Path,
        settings: &str,
        work: impl FnOnce(&Self) + Send,
    ) {
        let mut alone = tool("unshare");
        alone.args(["--net", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]);
        alone.arg(start.get_program()).args(start.get_args()).env("TZ", "UTC");
        let program = Self::start_by(alone, root, settings);
        let network = std::fs::File::open(format!("/proc/{}/ns/net", program.pid())).unwrap();
        std::thread::scope(|scope| {
            let moved = scope.spawn(|| {
                rustix::thread::move_into_link_name_space(network.as_fd(), None).unwrap();
                work(&program);
            });
            if let Err(panic) = moved.join() {
                std::panic::resume_unwind(panic);
            }
        });
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    }

    /// Sends bytes and reads the answer to the end of the connection.
    pub(crate) fn ask(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        // A server that refuses early may close before everything is sent.
        stream.write_all(request.as_bytes()).ok();
        read_answer(&mut stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    pub(crate) fn metrics(&self) -> Answer {
        self.get("/metrics")
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn change_settings(&self, settings: &str) {
        std::fs::write(self.settings.path().join("netmonitor.conf"), settings).unwrap();
        self.signal("HUP");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(tool("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Waits for the program to end by itself.
    pub(crate) fn ended(mut self) -> std::process::ExitStatus {
        let mut status = None;
        until("the program ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(crate) fn read_answer(stream: &mut impl Read) -> Answer {
    let mut bytes = Vec::new();
    // A reset after the answer is no matter: what came counts.
    stream.read_to_end(&mut bytes).ok();
    let text = String::from_utf8(bytes).unwrap();
    let (headers, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = headers.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Answer { status, headers: headers.to_lowercase(), body: body.to_owned() }
}

#[expect(clippy::disallowed_methods, reason = "a deadline for the test itself")]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "did not come about in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A private copy of a fixture that a test may change.
pub(crate) fn copy_of(device: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy_tree(&fixture(device), dir.path());
    set_mode(dir.path(), 0o755);
    dir
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}
