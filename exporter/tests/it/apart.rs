//! Mounts and shared memory that a test has for itself. Needs root.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::program::tool;

/// Namespaces for mounts and shared memory. They live as long as a process that waits in
/// them, and it ends with the test, however that ends: its input is closed then.
pub(crate) struct Apart {
    keeper: Child,
}

impl Apart {
    /// `set_up` is a script that runs there first, with `folder` as its `$0`.
    pub(crate) fn new(set_up: &str, folder: &Path) -> Self {
        let mut keeper = tool("unshare")
            .args(["--mount", "--ipc", "sh", "-euc", &format!("{set_up}\necho ready\nexec cat")])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "the namespaces could not be made; this needs root");
        Self { keeper }
    }

    /// The same command, run there; it does not outlive a test that is killed, either.
    pub(crate) fn enter(&self, wanted: &Command) -> Command {
        let namespace = |kind| format!("/proc/{}/ns/{kind}", self.keeper.id());
        let mut command = tool("setpriv");
        command.args(["--pdeathsig", "KILL", "nsenter"]);
        command.arg(format!("--mount={}", namespace("mnt")));
        command.arg(format!("--ipc={}", namespace("ipc")));
        command.arg(wanted.get_program()).args(wanted.get_args());
        copy_environment(wanted, &mut command);
        command
    }

    /// A folder there, as it is reached from here.
    pub(crate) fn path(&self, folder: &Path) -> PathBuf {
        let root = format!("/proc/{}/root", self.keeper.id());
        Path::new(&root).join(folder.strip_prefix("/").unwrap())
    }
}

pub(crate) fn copy_environment(from: &Command, to: &mut Command) {
    for (name, value) in from.get_envs() {
        match value {
            Some(value) => to.env(name, value),
            None => to.env_remove(name),
        };
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        end(&mut self.keeper);
    }
}

pub(crate) fn end(child: &mut Child) {
    child.kill().ok();
    child.wait().ok();
}
