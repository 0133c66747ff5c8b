//! Our program, started for a measurement: on loopback, with four targets on loopback,
//! and with nothing of the machine's own settings.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;
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
    pub fn start(binary: &Path, cores: Option<&Cores>) -> Result<Self> {
        let build = if elf::is_static(binary)? { Build::Static } else { Build::Ordinary };
        let files = TempDir::with_prefix("netmonitor-measured-")?;
        let settings = files.path().join("settings");
        std::fs::write(&settings, "")?;
        let queue = files.path().join("events.json");
        let mut arguments: Vec<OsString> = vec!["--config".into(), settings.into()];
        arguments.extend(["--queue-file".into(), queue.into()]);
        arguments.extend(["--listen", "127.0.0.1", "--api-port", "0"].map(Into::into));
        arguments.extend(["--ping-interval", "1", "--ping-gateway", "0"].map(Into::into));
        arguments.extend(["--ping-targets".into(), TARGETS.join(" ").into()]);
        // A file name without folder would be looked up on PATH.
        let program = binary.canonicalize()?;
        let running = Launch {
            program: program.as_os_str(),
            arguments,
            address_after: "answers on http://",
            cores,
        }
        .start()?;
        Ok(Self { running, build, _files: files })
    }
}
