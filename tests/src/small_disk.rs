//! A small disk in RAM that only some programs see: in a mount namespace of its own, which
//! ends with the test. Needs root.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// Mounts: the disk, and what can be put in its place.
const SET_UP: &str = "mount -t tmpfs -o size=$2,mode=755 netmonitor \"$0\"
    mount -t tmpfs -o size=$2,mode=755 netmonitor \"$1\"
    echo ready
    exec cat";

/// The same files, on a disk that cannot be written, take the place of ours.
const READ_ONLY: &str = "rm -rf \"$1\"/*
    cp -a \"$0\"/. \"$1\"
    mount -o remount,ro \"$1\"
    mount --bind \"$1\" \"$0\"";

/// Whoever has files open there may keep them.
const WRITABLE: &str = "umount --lazy \"$0\"
    mount -o remount,rw \"$1\"";

/// The disk; gone when dropped.
pub struct SmallDisk {
    /// Keeps the namespace: a process that waits there until its input is closed.
    keeper: Child,
    disk: TempDir,
    other: TempDir,
}

impl SmallDisk {
    /// Of a size as `mount` reads it.
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn new(size: &str) -> Result<Self> {
        let (disk, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let mut keeper = tool("unshare")
            .args(["--mount", "sh", "-euc", SET_UP])
            .args([disk.path(), other.path()])
            .arg(size)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        if let Some(output) = keeper.stdout.take() {
            BufReader::new(output).read_line(&mut said)?;
        }
        let disk = Self { keeper, disk, other };
        ensure!(said == "ready\n", "the disk could not be mounted; this needs root");
        Ok(disk)
    }

    /// Where programs find it that are started through `entrance`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.disk.path()
    }

    /// What comes before a command that is to see the disk.
    #[must_use]
    pub fn entrance(&self) -> Vec<OsString> {
        vec!["nsenter".into(), format!("--mount=/proc/{}/ns/mnt", self.keeper.id()).into()]
    }

    /// Until not a byte more fits.
    ///
    /// # Errors
    /// When nothing can be written there at all.
    pub fn fill(&self) -> Result<()> {
        let mut filler = File::create(self.filler())?;
        while filler.write_all(&[0; 512]).is_ok() {}
        Ok(())
    }

    /// There is room again.
    ///
    /// # Errors
    /// When it was not full.
    pub fn free(&self) -> Result<()> {
        fs::remove_file(self.filler()).context("the disk was not full")
    }

    /// As after a plug that was loose: the same files, and nothing can be written. Files
    /// that are open keep a disk from being mounted read-only in its place.
    ///
    /// # Errors
    /// When it cannot be done.
    pub fn make_read_only(&self) -> Result<()> {
        self.run(READ_ONLY)
    }

    /// The end of that; what was open on the disk before is there again.
    ///
    /// # Errors
    /// When it was not read-only.
    pub fn make_writable(&self) -> Result<()> {
        self.run(WRITABLE)
    }

    /// As it is reached from here.
    fn filler(&self) -> PathBuf {
        let root = format!("/proc/{}/root", self.keeper.id());
        let folder = self.folder();
        Path::new(&root).join(folder.strip_prefix("/").unwrap_or(folder)).join("filler")
    }

    fn run(&self, script: &str) -> Result<()> {
        let mut command = self.entrance().into_iter();
        let program = command.next().unwrap_or_default();
        let output = tool(&program.to_string_lossy())
            .args(command)
            .args(["sh", "-euc", script])
            .args([self.folder(), self.other.path()])
            .output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{script}: {error}");
        Ok(())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        self.keeper.kill().ok();
        self.keeper.wait().ok();
    }
}

#[expect(clippy::disallowed_methods, reason = "tools of the system, for tests")]
fn tool(name: &str) -> Command {
    Command::new(name)
}
