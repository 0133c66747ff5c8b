//! Where the router's programs run: with processes, mounts, shared memory and a network of
//! their own, which has nothing but loopback. Needs root.
//!
//! All of it lives as long as its first process, and ends with the test, however that ends:
//! the first process waits for the end of its input.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Its own number as this machine counts is said last. `wait` takes in every process that has
/// lost its parent, as an init does.
const FIRST_PROCESS: &str = r#"
# A file system of its own, as df sees it.
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount -t sysfs sysfs "$0/sys"
ip link set lo up
read -r number rest </proc/self/stat
exec 3<&0
cat <&3 >&2 &
echo "$number"
exec >&2
wait
"#;

/// The namespaces of one router.
pub(super) struct Namespaces {
    first: Child,
    /// Of the first process.
    number: u32,
}

impl Namespaces {
    /// Mounts what belongs there below `root`.
    pub(super) fn new(root: &Path) -> Result<Self> {
        let mut first = tool("unshare")
            .args(["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"])
            .args(["sh", "-euc", FIRST_PROCESS])
            .arg(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start unshare")?;
        let mut said = String::new();
        if let Some(output) = first.stdout.take() {
            BufReader::new(output).read_line(&mut said)?;
        }
        let number = said.trim().parse().ok();
        let number = number.context("the namespaces could not be made; this needs root")?;
        Ok(Self { first, number })
    }

    /// A program of this machine that runs there with `root` as its root.
    pub(super) fn command(&self, root: &Path) -> Command {
        let mut command = tool("nsenter");
        command.arg("--target").arg(self.number.to_string());
        command.args(["--mount", "--pid", "--net", "--ipc", "--uts", "chroot"]).arg(root);
        command
    }

    /// Works in the network of the router.
    pub(super) fn in_network<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let network = File::open(format!("/proc/{}/ns/net", self.number))?;
        std::thread::scope(|scope| {
            let moved = scope.spawn(|| {
                rustix::thread::move_into_link_name_space(network.as_fd(), None)?;
                work()
            });
            match moved.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        self.first.kill().ok();
        self.first.wait().ok();
    }
}

/// A program of this machine, to its end.
pub(super) fn run(program: &str, arguments: &[&Path]) -> Result<String> {
    let output = tool(program).args(arguments).output().with_context(|| program.to_owned())?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {arguments:?}: {error}");
    Ok(String::from_utf8(output.stdout)?)
}

#[expect(clippy::disallowed_methods, reason = "tools of the system, for tests")]
fn tool(name: &str) -> Command {
    Command::new(name)
}
