//! Mounts, shared memory and networks that a test has for itself. Needs root.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::program::tool;

/// What `unshare` and `nsenter` call a namespace, and its file.
type Kind = (&'static str, &'static str);

const OWN_FILES: &[Kind] = &[("mount", "mnt"), ("ipc", "ipc")];
const OWN_NETWORK: &[Kind] = &[("mount", "mnt"), ("ipc", "ipc"), ("net", "net")];

/// Namespaces for mounts and shared memory. They live as long as a process that waits in
/// them, and it ends with the test, however that ends: its input is closed then.
pub(crate) struct Apart {
    keeper: Child,
    kinds: &'static [Kind],
}

impl Apart {
    /// `set_up` is a script that runs there first, with `folder` as its `$0`.
    pub(crate) fn new(set_up: &str, folder: &Path) -> Self {
        Self::of(OWN_FILES, set_up, folder)
    }

    /// The same with a network that has nothing but loopback.
    pub(crate) fn with_network(set_up: &str, folder: &Path) -> Self {
        Self::of(OWN_NETWORK, &format!("ip link set lo up\n{set_up}"), folder)
    }

    fn of(kinds: &'static [Kind], set_up: &str, folder: &Path) -> Self {
        let mut keeper = tool("unshare")
            .args(kinds.iter().map(|(kind, _)| format!("--{kind}")))
            .args(["sh", "-euc", &format!("{set_up}\necho ready\nexec cat")])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "the namespaces could not be made; this needs root");
        Self { keeper, kinds }
    }

    /// Of a process that is there.
    pub(crate) fn pid(&self) -> u32 {
        self.keeper.id()
    }

    /// The same command, run there; it does not outlive a test that is killed, either.
    pub(crate) fn enter(&self, wanted: &Command) -> Command {
        let mut command = tool("setpriv");
        command.args(["--pdeathsig", "KILL", "nsenter"]);
        for (kind, file) in self.kinds {
            command.arg(format!("--{kind}=/proc/{}/ns/{file}", self.pid()));
        }
        command.arg(wanted.get_program()).args(wanted.get_args());
        copy_environment(wanted, &mut command);
        command
    }

    /// A folder there, as it is reached from here.
    pub(crate) fn path(&self, folder: &Path) -> PathBuf {
        let root = format!("/proc/{}/root", self.pid());
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
