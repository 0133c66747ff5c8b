//! What a user copies to the router: the bundle that `openwrt/package.sh` makes, with the
//! program of this build or another one.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::openwrt_root::{Root, strip_exporter};

/// Where the bundle is unpacked on the router.
pub const FOLDER: &str = "/tmp/bundle";

/// The program of this build on the router, whatever the bundle has.
pub const PROGRAM: &str = "/.test/program";

/// What this machine is to OpenWrt: only programs of its own kind run here.
pub const ARCH: &str = if IS_ARM { "aarch64_generic" } else { "x86_64" };

const IS_ARM: bool = cfg!(target_arch = "aarch64");
const TARGET: &str =
    if IS_ARM { "aarch64-unknown-linux-musl" } else { "x86_64-unknown-linux-musl" };

/// A bundle, unpacked.
pub struct Bundle {
    unpacked: PathBuf,
    built: PathBuf,
}

impl Bundle {
    /// Packs the program that cargo has built, in a folder that is made anew.
    ///
    /// # Errors
    /// When it cannot be packed.
    pub fn new(folder: &Path) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        let built = folder.join("program");
        strip_exporter(&built)?;
        Ok(Self { unpacked: pack(&built, folder)?, built })
    }

    /// The same with another program: a text, which begins with `#!`, or is none.
    ///
    /// # Errors
    /// When it cannot be packed.
    pub fn with_program(&self, text: &str, folder: &Path) -> Result<Self> {
        let program = folder.join("program");
        fs::write(&program, text)?;
        Ok(Self { unpacked: pack(&program, folder)?, built: self.built.clone() })
    }

    /// Copies it to the router's [`FOLDER`], and beside it what the program needs to run there:
    /// that of a test is not static.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn copy_to(&self, root: &Root) -> Result<()> {
        run(tool("cp").arg("-a").arg(&self.unpacked).arg(root.path(FOLDER)))?;
        root.install_program(&self.built, PROGRAM)
    }
}

fn pack(program: &Path, folder: &Path) -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openwrt/package.sh");
    let binary = format!("{TARGET}={}", program.display());
    let packed = folder.join("packed");
    run(tool(script).args(["bundle", "--fast", "--binary", &binary, "--out"]).arg(&packed))?;
    let unpacked = folder.join("unpacked");
    fs::create_dir(&unpacked)?;
    run(tool("tar").arg("-xzf").arg(only(&packed)?).arg("-C").arg(&unpacked))?;
    only(&unpacked)
}

/// What is in a folder.
fn only(folder: &Path) -> Result<PathBuf> {
    Ok(fs::read_dir(folder)?.next().context("nothing was made")??.path())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {error}");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "tools of the system, for tests")]
fn tool(name: impl AsRef<OsStr>) -> Command {
    Command::new(name)
}
