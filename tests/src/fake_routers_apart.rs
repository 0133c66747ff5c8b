//! Fake routers in a program of their own (`bin/fake-router/`), so that what they cost is not
//! counted as ours, or pushes aside what is measured.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::fake_router::ledger::{self, Row};
use crate::running::{Launch, Running};

/// Routers that play until this is dropped.
pub struct FakeRouters {
    /// The program.
    pub running: Running,
    /// `ROUTERS_FILE`.
    pub routers_file: PathBuf,
    /// See [`crate::fake_router::arrivals`].
    pub arrivals: PathBuf,
    ledger: PathBuf,
}

impl FakeRouters {
    /// So many, on one port, with their files in `folder`; on the cores of this thread.
    ///
    /// # Errors
    /// When the program is not beside ours, or does not start.
    pub fn start(routers: usize, scenario: &str, folder: &Path) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name("fake-router");
        ensure!(program.is_file(), "{} is missing: build all of tests/", program.display());
        let file = |name: &str| folder.join(name);
        let (routers_file, ledger) = (file("routers.toml"), file("ledger"));
        let (arrivals, played) = (file("arrivals"), file("scenario"));
        std::fs::write(&played, scenario)
            .with_context(|| format!("cannot write {}", played.display()))?;
        let mut arguments: Vec<OsString> =
            vec!["--one-port".into(), "--routers".into(), routers.to_string().into()];
        for (option, file) in [
            ("--scenario", &played),
            ("--routers-file", &routers_file),
            ("--ledger", &ledger),
            ("--arrivals", &arrivals),
        ] {
            arguments.extend([option.into(), file.into()]);
        }
        let program = program.as_os_str();
        let address_after = "the first at ";
        let running = Launch { program, arguments, address_after, cores: None }.start()?;
        Ok(Self { running, routers_file, arrivals, ledger })
    }

    /// What they have told so far.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn ledger(&self) -> Result<Vec<Row>> {
        ledger::read(&self.ledger)
    }
}
