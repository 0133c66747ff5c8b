//! A computer with systemd, for tests of what is installed as a service: a real systemd as the
//! first process of namespaces of its own, over the files of this computer, which it cannot
//! change. Needs root, `unshare`, `nsenter`, `setpriv` and the package `systemd`.
//!
//! Sandbox, users, credentials and journal are the real ones; of units there are only the
//! journal's and those that a test installs. The network is nothing but loopback. What controllers
//! of cgroups would hold to (`MemoryMax`, `TasksMax`) is not: that hierarchy is not its own. All of
//! it ends with the [`Machine`]. How it is made: `boot.sh`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::{built, clock};

const BOOT: &str = include_str!("boot.sh");

/// Joins the groups given before `--`, and becomes the command behind it.
const JOIN: &str = r#"while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done
    shift
    exec "$@""#;

const NAMESPACES: [&str; 6] = ["mount", "pid", "cgroup", "net", "uts", "ipc"];

/// As systemd gives it to services, too.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The computer; gone when dropped.
pub struct Machine {
    unshare: Child,
    /// Its systemd, as this computer counts.
    init: String,
    folder: TempDir,
    cgroups: Vec<PathBuf>,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit code.
    pub status: i32,
    /// What it printed and what it complained of, in that order.
    pub said: String,
}

impl Machine {
    /// Waits until it has started. The repository is its `/opt/netmonitor`, the programs that
    /// cargo has built are in its `/opt/programs`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (place, shared) = (folder.path().join("place"), folder.path().join("shared"));
        let boot = folder.path().join("boot.sh");
        fs::write(&boot, BOOT)?;
        fs::create_dir(&place)?;
        fs::create_dir(&shared)?;
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        let bridge = built::program("netmonitor-bridge")?;
        let programs = bridge.parent().context("a program in no folder")?;

        let name = folder.path().file_name().context("a folder without a name")?;
        let cgroups: Vec<PathBuf> =
            hierarchies()?.iter().map(|root| root.join(name).with_extension("machine")).collect();
        for group in &cgroups {
            fs::create_dir(group).with_context(|| format!("cannot make {}", group.display()))?;
        }
        let log = fs::File::create(folder.path().join("log"))?;
        let unshare = tool("setpriv")
            .args(["--pdeathsig", "KILL", "sh", "-euc", JOIN, "sh"])
            .args(&cgroups)
            .args(["--", "unshare", "--fork", "--kill-child"])
            .args(NAMESPACES.map(|kind| format!("--{kind}")))
            .arg("sh")
            .args([&boot, &place, &shared])
            .arg(format!("netmonitor={}", repository.display()))
            .arg(format!("programs={}", programs.display()))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut machine = Self { unshare, init: String::new(), folder, cgroups };
        clock::until("the machine has started", || machine.has_started())?;
        Ok(machine)
    }

    fn has_started(&mut self) -> Result<bool> {
        let ended = self.unshare.try_wait()?;
        let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        ensure!(ended.is_none(), "it has ended; this needs root and systemd: {}", log());
        let id = self.unshare.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let children = children.unwrap_or_default();
        let Some(init) = children.split_whitespace().next() else { return Ok(false) };
        self.init = init.to_owned();
        // Before it is systemd, the namespaces are not all there.
        let name = fs::read_to_string(format!("/proc/{init}/comm")).unwrap_or_default();
        Ok(name == "systemd\n"
            && self.sh("systemctl is-system-running")?.said.starts_with("running"))
    }

    /// Runs a script there, as root, with the variables of a fresh login.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn sh(&self, script: &str) -> Result<Output> {
        self.run(&["sh", "-c", &format!("exec 2>&1\n{script}")], "")
    }

    /// Runs a script on a terminal there, on which `typed` is typed.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn on_terminal(&self, script: &str, typed: &str) -> Result<Output> {
        self.run(&["script", "--quiet", "--return", "--command", script, "/dev/null"], typed)
    }

    /// A folder that is its `/shared`.
    #[must_use]
    pub fn shared(&self) -> PathBuf {
        self.folder.path().join("shared")
    }

    fn run(&self, command: &[&str], typed: &str) -> Result<Output> {
        let mut child = tool("nsenter")
            .args([
                "--target",
                &self.init,
                "--all",
                "env",
                "--chdir=/root",
                "-i",
                PATH,
                "TERM=dumb",
            ])
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // Who does not read it has ended.
            input.write_all(typed.as_bytes()).unwrap_or_default();
        }
        let output = child.wait_with_output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).replace("\r\n", "\n");
        Ok(Output { status: output.status.code().unwrap_or(-1), said })
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.unshare.kill().ok();
        self.unshare.wait().ok();
        // Its processes are ended by the kernel, a moment later.
        let all = || Ok(self.cgroups.iter().all(|group| remove(group)));
        if let Err(error) = clock::until("the groups of a machine are gone", all) {
            eprintln!("{error}");
        }
    }
}

/// Where groups of processes are made: all that systemd wants of them.
fn hierarchies() -> Result<Vec<PathBuf>> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let roots = mounts.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let [_, place, kind, options, ..] = fields[..] else { return None };
        let is_ours = kind == "cgroup2"
            || kind == "cgroup" && options.split(',').any(|o| o == "name=systemd");
        is_ours.then(|| PathBuf::from(place))
    });
    let roots: Vec<PathBuf> = roots.collect();
    ensure!(!roots.is_empty(), "no cgroups are mounted here, without which there is no systemd");
    Ok(roots)
}

/// With all groups in it; `false` while there are processes.
fn remove(group: &Path) -> bool {
    let Ok(entries) = fs::read_dir(group) else { return true };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    fs::remove_dir(group).is_ok()
}

#[expect(clippy::disallowed_methods, reason = "tools of the system, for tests")]
fn tool(name: &str) -> Command {
    Command::new(name)
}
