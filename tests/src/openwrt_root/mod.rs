//! A router with OpenWrt, as much of it as an init script and an installer meet: a root file
//! system with BusyBox's ash, `/etc/rc.common`, `procd`, `uci`, `ubus` and `logger`, in which a
//! test runs commands as somebody who has logged in. Needs root, `busybox-static`, `flock` and
//! `pgrep`.
//!
//! The shell and its commands are BusyBox's own, with no more applets than OpenWrt has
//! (`busybox.rs`); what is OpenWrt's is played by our own scripts in `router/`. They do what
//! the real ones of 21.02 to 25.12 have in common and nothing beyond, and refuse the rest. procd
//! is a record of what it was asked ([`Root::asked`]) that also starts, signals and stops
//! programs. What runs goes on between two commands, sees a network with nothing but loopback,
//! and ends with the [`Root`].
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use netmonitor_tests::openwrt_root::{Root, Settings};
//!
//! let root = Root::new(Settings::default())?;
//! root.write("/etc/config/example", "config example\n\toption port '80'\n", 0o644)?;
//! let output = root.sh("cat /etc/config/example; timeout 1 true")?;
//! assert_eq!(output.status, 127, "a router has no timeout");
//! # Ok(())
//! # }
//! ```

mod busybox;
mod files;
mod namespaces;

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::built;
use crate::http_client::Client;
use crate::running::find_on_path;
use namespaces::Namespaces;

/// What the router says it is.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// `uname -m`; what really runs is of this machine's kind.
    pub machine: &'static str,
    /// `DISTRIB_ARCH`: the architecture of its packages.
    pub arch: &'static str,
    /// `DISTRIB_RELEASE`.
    pub release: &'static str,
}

impl Default for Settings {
    fn default() -> Self {
        Self { machine: "aarch64", arch: "aarch64_cortex-a53", release: "24.10.4" }
    }
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit code; 128 and the number of the signal that ended it.
    pub status: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// A router.
pub struct Root {
    namespaces: Namespaces,
    folder: TempDir,
}

/// Ours: tools and records that no router has.
const OURS: &str = "/.test";
/// Programs of this machine in place of applets that OpenWrt has and Debian's BusyBox lacks.
const BORROWED: [&str; 2] = ["flock", "pgrep"];
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

const FOLDERS: [&str; 19] = [
    ".test/ubus",
    ".test/uci/get",
    ".test/uci/show",
    "bin",
    "dev",
    "etc/config",
    "etc/init.d",
    "etc/rc.d",
    "lib/functions",
    "lib/upgrade/keep.d",
    "proc",
    "root",
    "sbin",
    "sys",
    "tmp/lock",
    "tmp/run",
    "usr/bin",
    "usr/lib",
    "usr/sbin",
];

/// (path, text, mode)
const FILES: [(&str, &str, u32); 15] = [
    ("/etc/rc.common", include_str!("router/rc.common"), 0o755),
    ("/lib/functions.sh", include_str!("router/functions.sh"), 0o644),
    ("/lib/functions/procd.sh", include_str!("router/procd.sh"), 0o644),
    ("/usr/bin/logger", include_str!("router/logger"), 0o755),
    ("/sbin/logread", include_str!("router/logread"), 0o755),
    ("/bin/ubus", include_str!("router/ubus"), 0o755),
    ("/sbin/uci", include_str!("router/uci"), 0o755),
    ("/bin/uname", include_str!("router/uname"), 0o755),
    ("/bin/uclient-fetch", include_str!("router/uclient-fetch"), 0o755),
    ("/usr/bin/wget", include_str!("router/uclient-fetch"), 0o755),
    (
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/ash\nnobody:*:65534:65534:nobody::/bin/false\n",
        0o644,
    ),
    ("/etc/group", "root:x:0:\nnogroup:x:65534:\n", 0o644),
    ("/etc/TZ", "UTC0\n", 0o644),
    ("/.test/asked", "", 0o644),
    ("/.test/log", "", 0o644),
];

impl Root {
    /// A router on which nothing of ours is installed.
    ///
    /// # Errors
    /// Without root, or without the programs that it is made of.
    pub fn new(settings: Settings) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("netmonitor-router-").tempdir()?;
        // As on a router: daemons of other accounts are at home there.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
        for name in FOLDERS {
            fs::create_dir_all(folder.path().join(name))?;
        }
        symlink("tmp", folder.path().join("var"))?;
        let made = files::make_devices(folder.path());
        made.context("the devices could not be made; this needs root")?;
        let namespaces = Namespaces::new(folder.path())?;
        let root = Self { namespaces, folder };
        root.install_busybox()?;
        for (path, text, mode) in FILES {
            root.write(path, text, mode)?;
        }
        for name in busybox::FEWER_OPTIONS {
            root.write(&format!("/bin/{name}"), include_str!("router/fewer-options"), 0o755)?;
        }
        for name in BORROWED {
            let program = find_on_path(name).with_context(|| format!("{name} is not on PATH"))?;
            root.install_program(&program, &format!("/usr/bin/{name}"))?;
        }
        root.write_release(settings)?;
        Ok(root)
    }

    fn install_busybox(&self) -> Result<()> {
        let program = find_on_path("busybox").context("busybox is not on PATH")?;
        let mut bytes = fs::read(program)?;
        self.write("/.test/busybox", &bytes, 0o755)?;
        let applets = busybox::reduce(&mut bytes)?;
        self.write("/bin/busybox", &bytes, 0o755)?;
        for name in applets.iter().filter(|name| *name != "busybox") {
            symlink("busybox", self.path(&format!("/bin/{name}")))?;
        }
        Ok(())
    }

    fn write_release(&self, settings: Settings) -> Result<()> {
        let Settings { machine, arch, release } = settings;
        self.write("/.test/machine", format!("{machine}\n"), 0o644)?;
        let text = format!(
            "DISTRIB_ID='OpenWrt'\nDISTRIB_RELEASE='{release}'\nDISTRIB_REVISION='r1-test'\n\
             DISTRIB_TARGET='test/generic'\nDISTRIB_ARCH='{arch}'\n\
             DISTRIB_DESCRIPTION='OpenWrt {release} r1-test'\n"
        );
        self.write("/etc/openwrt_release", text, 0o644)?;
        let text = format!(
            "NAME=\"OpenWrt\"\nVERSION=\"{release}\"\nID=\"openwrt\"\nVERSION_ID=\"{release}\"\n\
             PRETTY_NAME=\"OpenWrt {release}\"\nOPENWRT_ARCH=\"{arch}\"\n"
        );
        self.write("/etc/os-release", text, 0o644)
    }

    /// Puts a program of this machine there, with the libraries that it asks for.
    ///
    /// # Errors
    /// When one of them cannot be copied.
    pub fn install_program(&self, program: &Path, path: &str) -> Result<()> {
        let target = self.path(path);
        files::copy(program, &target)?;
        // Of a program that is linked statically it says that it fails.
        let Ok(said) = namespaces::run("ldd", &[program]) else { return Ok(()) };
        for word in said.split_whitespace().filter(|word| word.starts_with('/')) {
            let library = self.path(word);
            if !library.exists() {
                files::copy(Path::new(word), &library)?;
            }
        }
        Ok(())
    }

    /// Puts the exporter that cargo has built into `/usr/bin`, without what only a debugger
    /// reads: that is most of it.
    ///
    /// # Errors
    /// When it is not built.
    pub fn install_exporter(&self) -> Result<()> {
        let small = self.path(&format!("{OURS}/{EXPORTER}"));
        strip_exporter(&small)?;
        self.install_program(&small, &format!("/usr/bin/{EXPORTER}"))
    }

    /// Copies a folder of this machine over the root, with the modes of its files.
    ///
    /// # Errors
    /// When a file cannot be copied.
    pub fn install_folder(&self, folder: &Path) -> Result<()> {
        for name in files::walk(folder)? {
            if !name.ends_with('/') {
                files::copy(&folder.join(&name), &self.path(&format!("/{name}")))?;
            }
        }
        Ok(())
    }

    /// Runs a command line to its end, as root who has logged in. What it leaves in the
    /// background must not hold its output.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn sh(&self, command: &str) -> Result<Output> {
        let output = self
            .namespaces
            .command(self.folder.path())
            .args(["/bin/sh", "-c", command])
            .env_clear()
            .envs([("PATH", PATH), ("HOME", "/root"), ("USER", "root")])
            .stdin(Stdio::null())
            .output()?;
        let status = output.status;
        Ok(Output {
            // nsenter ends as its program did, by the same signal.
            status: status.code().unwrap_or_else(|| 128 + signal_of(status)),
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }

    /// Where a path of the router is on this machine. A link on the way that begins with `/`
    /// leads out of the router.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    /// Writes a file, and the folders on the way to it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>, mode: u32) -> Result<()> {
        let file = self.path(path);
        let write = || {
            fs::create_dir_all(file.parent().unwrap_or(&file))?;
            fs::write(&file, content)?;
            fs::set_permissions(&file, Permissions::from_mode(mode))
        };
        write().with_context(|| format!("cannot write {path}"))
    }

    /// A file's text.
    ///
    /// # Errors
    /// When it is not there.
    pub fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.path(path)).with_context(|| format!("cannot read {path}"))
    }

    /// The right-most bits of a file's mode, such as `0o600`.
    ///
    /// # Errors
    /// When it is not there.
    pub fn mode(&self, path: &str) -> Result<u32> {
        let file = fs::symlink_metadata(self.path(path)).with_context(|| path.to_owned())?;
        Ok(file.permissions().mode() & 0o7777)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// When it is not there.
    pub fn remove(&self, path: &str) -> Result<()> {
        fs::remove_file(self.path(path)).with_context(|| format!("cannot remove {path}"))
    }

    /// Is there something, be it a link that leads nowhere?
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.path(path)).is_ok()
    }

    /// The paths of everything on the router: of folders with a `/` at the end, and without
    /// what the kernel shows and what is ours.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn list(&self) -> Result<BTreeSet<String>> {
        let paths = files::walk(self.folder.path())?.into_iter().map(|name| format!("/{name}"));
        Ok(paths.filter(|path| !path.starts_with(OURS)).collect())
    }

    /// What procd was asked, in this order: a call a line, such as
    /// `set_param respawn 3600 5 0`. A word with other characters stands in `'…'`.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn asked(&self) -> Result<Vec<String>> {
        Ok(self.read("/.test/asked")?.lines().map(str::to_owned).collect())
    }

    /// The record of procd, from here on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget_asked(&self) -> Result<()> {
        self.write("/.test/asked", "", 0o644)
    }

    /// The log of the router, without its times: `daemon.err netmonitor: text`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn log(&self) -> Result<String> {
        self.read("/.test/log")
    }

    /// What `ubus call OBJECT METHOD` answers.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn answer_ubus(&self, object: &str, method: &str, json: &str) -> Result<()> {
        self.write(&format!("/.test/ubus/{object}.{method}"), json, 0o644)
    }

    /// What `uci get KEY` answers.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn answer_uci(&self, key: &str, value: &str) -> Result<()> {
        self.write(&format!("/.test/uci/get/{key}"), format!("{value}\n"), 0o644)
    }

    /// The process of a service's only instance, as the router counts; `None`: procd has none
    /// that lives.
    ///
    /// # Errors
    /// When the router cannot be asked.
    pub fn pid(&self, service: &str) -> Result<Option<u32>> {
        let command = format!(
            "read -r pid <{OURS}/procd/{service}/instance1/pid && kill -0 $pid && echo $pid"
        );
        Ok(self.sh(&command)?.stdout.trim().parse().ok())
    }

    /// What the program of a service has said on both outputs.
    ///
    /// # Errors
    /// When it was never started.
    pub fn output(&self, service: &str) -> Result<String> {
        self.read(&format!("{OURS}/procd/{service}/instance1/output"))
    }

    /// Status and body of a path of a server there.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn http_get(&self, port: u16, path: &str) -> Result<(u16, String)> {
        self.namespaces.in_network(|| {
            let mut client = Client::connect(SocketAddr::from(([127, 0, 0, 1], port)))?;
            let (status, body) = client.ask(path)?;
            Ok((status, body.to_owned()))
        })
    }
}

const EXPORTER: &str = "netmonitor-exporter";

/// Copies the exporter that cargo has built, without what only a debugger reads.
pub(crate) fn strip_exporter(to: &Path) -> Result<()> {
    namespaces::run("strip", &[Path::new("-o"), to, &built::program(EXPORTER)?])?;
    Ok(())
}

fn signal_of(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.signal().unwrap_or_default()
}
