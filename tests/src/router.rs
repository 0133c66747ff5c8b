//! A router to measure on: as much of one as the event listener needs, and a log that we
//! write.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::cores::Cores;
use crate::exporter::{Exporter, Setup, in_memory};
use crate::log_daemon::LogDaemon;

/// Of a router that is not started anew while we measure.
const BOOT_ID: &str = "3f0d4a3e-5a53-4c1c-9a39-d7f0a3c6e5b1\n";
const LOG_FILE: &str = "/var/log/messages";

/// How the exporter gets at the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// A file that grows.
    File,
    /// A child that writes into a pipe.
    Logread,
}

impl LogKind {
    /// In tables, and as the label `source`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Logread => "logread",
        }
    }
}

/// Where lines are written.
pub type Log = Box<dyn Write + Send>;

/// The router; its files go with it.
pub struct Router {
    folder: TempDir,
    daemon: Option<LogDaemon>,
}

impl Router {
    /// With an empty log. The kind [`LogKind::Logread`] wants a `main` that serves
    /// [`crate::log_daemon::played`].
    ///
    /// # Errors
    /// When its files cannot be made.
    pub fn new(log: LogKind) -> Result<Self> {
        let folder = in_memory("netmonitor-router-")?;
        let root = folder.path();
        for (path, text) in [("proc/sys/kernel/random/boot_id", BOOT_ID), ("etc/TZ", "UTC0\n")] {
            write(&root.join(path), text)?;
        }
        let daemon = match log {
            LogKind::File => None,
            LogKind::Logread => Some(LogDaemon::install(root)?),
        };
        if daemon.is_none() {
            write(&root.join(LOG_FILE.trim_start_matches('/')), "")?;
        }
        Ok(Self { folder, daemon })
    }

    /// Starts an exporter here: each goes on where the last one stopped.
    ///
    /// # Errors
    /// When it does not start to answer.
    pub fn start(
        &self,
        binary: &Path,
        cores: Option<&Cores>,
        max_events: Option<usize>,
    ) -> Result<Exporter> {
        self.start_with(binary, Setup { cores, max_events, ..Setup::default() })
    }

    /// The same with other settings; files and log are this router's.
    ///
    /// # Errors
    /// When it does not start to answer.
    pub fn start_with(&self, binary: &Path, setup: Setup<'_>) -> Result<Exporter> {
        let log_source = match self.daemon {
            None => format!("file:{LOG_FILE}"),
            Some(_) => LogKind::Logread.name().to_owned(),
        };
        let setup = Setup {
            root: Some(self.folder.path()),
            log_source: Some(&log_source),
            queue_file: Some(&self.queue_file()),
            ..setup
        };
        Exporter::start(binary, &setup)
    }

    /// The log, to be written to. A daemon's is open only while its `logread` runs.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn log(&self) -> Result<Log> {
        match &self.daemon {
            None => {
                let path = self.folder.path().join(LOG_FILE.trim_start_matches('/'));
                Ok(Box::new(OpenOptions::new().append(true).open(path)?))
            }
            Some(daemon) => Ok(Box::new(daemon.accept()?)),
        }
    }

    /// `QUEUE_FILE`.
    #[must_use]
    pub fn queue_file(&self) -> PathBuf {
        self.folder.path().join("net_events.json")
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let make = || {
        std::fs::create_dir_all(path.parent().unwrap_or(path))?;
        std::fs::write(path, text)
    };
    make().with_context(|| format!("cannot write {}", path.display()))
}
