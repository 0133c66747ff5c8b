//! Our program, started for a measurement: on loopback, with four targets on loopback,
//! and with nothing of the machine's own settings.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::cores::Cores;
use crate::elf;
use crate::running::{Launch, Running};

/// Pinged once a second each, which is the program's default.
pub const TARGETS: [&str; 4] = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"];

/// How a binary is linked; the goals differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// With the system's C library.
    Ordinary,
    /// With everything in it, as for routers.
    Static,
}

impl Build {
    /// In tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Static => "static",
        }
    }
}

/// What differs from one measurement to the other.
#[derive(Clone, Copy, Default)]
pub struct Setup<'a> {
    /// Where to run; `None`: anywhere.
    pub cores: Option<&'a Cores>,
    /// A folder in the place of the machine's file system.
    pub root: Option<&'a Path>,
    /// `LOG_SOURCE`; `None`: no log, since this machine's says something else each time.
    pub log_source: Option<&'a str>,
    /// `QUEUE_FILE`; `None`: goes with this exporter.
    pub queue_file: Option<&'a Path>,
    /// `MAX_EVENTS`; `None`: the default.
    pub max_events: Option<usize>,
    /// `API_PORT`; 0: any that is free.
    pub port: u16,
}

/// The running exporter.
pub struct Exporter {
    /// The process.
    pub running: Running,
    /// By its file.
    pub build: Build,
    /// Its settings, which it may read again at any time, and what it keeps.
    _files: TempDir,
}

impl Exporter {
    /// Starts `binary`.
    ///
    /// # Errors
    /// When it does not start to answer.
    pub fn start(binary: &Path, setup: &Setup<'_>) -> Result<Self> {
        let build = if elf::is_static(binary)? { Build::Static } else { Build::Ordinary };
        let files = in_memory("netmonitor-measured-")?;
        let arguments = arguments(files.path(), setup)?;
        // A file name without folder would be looked up on PATH.
        let program = binary.canonicalize()?;
        let running = Launch {
            program: program.as_os_str(),
            arguments,
            address_after: "answers on http://",
            cores: setup.cores,
        }
        .start()?;
        Ok(Self { running, build, _files: files })
    }
}

fn arguments(files: &Path, setup: &Setup<'_>) -> Result<Vec<OsString>> {
    let settings = files.join("settings");
    std::fs::write(&settings, "")?;
    let own_queue = files.join("events.json");
    let mut arguments: Vec<OsString> = vec!["--config".into(), settings.into()];
    arguments.extend(["--queue-file".into(), setup.queue_file.unwrap_or(&own_queue).into()]);
    arguments.extend(["--log-source", setup.log_source.unwrap_or("none")].map(Into::into));
    arguments.extend(["--listen", "127.0.0.1", "--api-port"].map(Into::into));
    arguments.push(setup.port.to_string().into());
    arguments.extend(["--ping-interval", "1", "--ping-gateway", "0"].map(Into::into));
    arguments.extend(["--ping-targets".into(), TARGETS.join(" ").into()]);
    if let Some(root) = setup.root {
        arguments.extend(["--root".into(), root.into()]);
    }
    if let Some(events) = setup.max_events {
        arguments.extend(["--max-events".into(), events.to_string().into()]);
    }
    Ok(arguments)
}

/// A folder in RAM where there is one, as `/tmp` is on a router: how fast a disk replaces
/// a file is no figure of ours.
///
/// # Errors
/// When there is no room for it.
pub fn in_memory(prefix: &str) -> Result<TempDir> {
    let folder = TempDir::with_prefix_in(prefix, "/dev/shm");
    folder.or_else(|_| TempDir::with_prefix(prefix)).context("cannot make a folder for files")
}
