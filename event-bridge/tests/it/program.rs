//! Starts the bridge for a test, asks it in bytes, and stops it at the end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(20);
/// Nobody listens there.
pub(crate) const NOBODY: &str = "127.0.0.1:9";

/// A running bridge.
pub(crate) struct Bridge {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: tempfile::TempDir,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

#[expect(clippy::disallowed_methods, reason = "the program under test is started here")]
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netmonitor-bridge"));
    command.env_clear().env("TZ", "CST-8");
    command
}

/// A program of the system.
#[expect(clippy::disallowed_methods, reason = "the tests' own tools")]
pub(crate) fn tool(name: &str) -> Command {
    Command::new(name)
}

impl Bridge {
    /// With one router at `router` (address and port), called by its address.
    pub(crate) fn start(router: &str, more: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), router, more)
    }

    /// With what `fill` puts into the database before.
    pub(crate) fn filled(
        fill: impl FnOnce(&rusqlite::Connection),
        router: &str,
        more: &[&str],
    ) -> Self {
        let mut first = Self::start(NOBODY, &[]);
        first.child.kill().unwrap();
        first.child.wait().unwrap();
        let folder = std::mem::replace(&mut first.folder, tempfile::tempdir().unwrap());
        let database = rusqlite::Connection::open(database(folder.path())).unwrap();
        fill(&database);
        database.close().unwrap();
        Self::start_in(folder, router, more)
    }

    /// By a shell that hands on a limit of open files that the program may raise.
    pub(crate) fn with_file_limit(files: u32) -> Self {
        let mut shell = tool("sh");
        shell.args(["-c", &format!("ulimit -S -n {files} && exec \"$0\" \"$@\"")]);
        shell.arg(command().get_program());
        Self::launch(shell, tempfile::tempdir().unwrap(), NOBODY, &[])
    }

    fn start_in(folder: tempfile::TempDir, router: &str, more: &[&str]) -> Self {
        Self::launch(command(), folder, router, more)
    }

    fn launch(
        mut command: Command,
        folder: tempfile::TempDir,
        router: &str,
        more: &[&str],
    ) -> Self {
        let (host, port) = router.rsplit_once(':').unwrap();
        let mut child = command
            .args(["--router-ip", host, "--router-port", port, "--bridge-host", "127.0.0.1"])
            .args(["--bridge-port", "0", "--sqlite-db"])
            .arg(database(folder.path()))
            .args(more)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        let address = loop {
            let before = log.len();
            assert_ne!(lines.read_line(&mut log).unwrap(), 0, "ended early: {log}");
            if let Some((_, address)) = log[before..].split_once("listening on http://") {
                break address.trim_end().parse().unwrap();
            }
        };
        // Reads on, so that the program never waits for us.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self { child, address, folder }
    }

    /// Where its database is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// Sends bytes and reads the answer to the end of the connection.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.connect();
        // A server that refuses early may close before everything is sent.
        stream.write_all(request.as_ref()).ok();
        Answer::read(&mut stream)
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.ask(format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    }

    /// The most memory so far, in kB.
    pub(crate) fn peak_memory_kb(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }

    pub(crate) fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    pub(crate) fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap()
    }

    /// A number that tells what is stored, from the file itself.
    pub(crate) fn stored(&self, sql: &str) -> i64 {
        let database = rusqlite::Connection::open(database(self.folder.path())).unwrap();
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("netmonitor.db")
}

impl Answer {
    /// To the end of the connection. A reset after the answer is no matter.
    pub(crate) fn read(stream: &mut impl Read) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let rest = bytes.get(end + 4..).unwrap_or_default();
        let is_chunked = head.contains("\r\ntransfer-encoding: chunked");
        let body = if is_chunked { unchunked(rest) } else { rest.to_vec() };
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Self { status, head, body }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert!(self.head.contains("\r\ncontent-type: application/json"), "{}", self.head);
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The reason in a body as of RFC 9457.
    #[track_caller]
    fn problem(&self, asked: &str) -> String {
        let kind = "\r\ncontent-type: application/problem+json";
        assert!(self.head.contains(kind), "{asked}: {}", self.head);
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(body["status"], self.status, "{asked}: {body}");
        assert!(body["code"].is_string() && body["title"].is_string(), "{asked}: {body}");
        body["detail"].as_str().unwrap().to_owned()
    }

    /// One of several on a connection.
    pub(crate) fn next(from: &mut impl BufRead, method: &str) -> Self {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(from.read_line(&mut head).unwrap(), 0, "closed: {head}");
        }
        let head = head.trim_end().to_lowercase();
        let mut bytes = Vec::new();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        match length {
            _ if method == "HEAD" || head.contains(" 204 ") => {}
            Some(length) => {
                bytes.resize(length.parse().unwrap(), 0);
                from.read_exact(&mut bytes).unwrap();
            }
            None => {
                assert!(head.contains("\r\ntransfer-encoding: chunked"), "{head}");
                while !bytes.ends_with(b"\r\n0\r\n\r\n") {
                    assert_ne!(from.read_until(b'\n', &mut bytes).unwrap(), 0, "closed: {head}");
                }
                bytes = unchunked(&bytes);
            }
        }
        Self { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body: bytes }
    }

    /// Refused as old clients know it: `{"error": "…"}` and nothing else; under `/api/v1` with
    /// a problem. Gives the reason.
    #[track_caller]
    pub(crate) fn assert_refused(&self, status: u16, asked: &str) -> String {
        assert_eq!(self.status, status, "{asked}: {self:?}");
        if asked.contains("/api/v1") {
            return self.problem(asked);
        }
        let body = self.json();
        let reason = body["error"].as_str().unwrap_or_default().to_owned();
        assert!(!reason.is_empty() && body.as_object().unwrap().len() == 1, "{asked}: {body}");
        reason
    }
}

/// The body of an answer whose length was not known before (RFC 9112, 7.1). One that is cut
/// off ends with what came.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let digits = std::str::from_utf8(&rest[..end]).unwrap();
        let length = usize::from_str_radix(digits, 16).unwrap();
        let chunk = &rest[end + 2..];
        if length == 0 || chunk.len() < length + 2 {
            break;
        }
        body.extend_from_slice(&chunk[..length]);
        rest = &chunk[length + 2..];
    }
    body
}

#[expect(clippy::disallowed_methods, reason = "a deadline for the test itself")]
#[track_caller]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "did not come about in time: {what}");
        std::thread::yield_now();
    }
}
