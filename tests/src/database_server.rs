//! A database server of a test's own, as `tests/database.sh` starts it, with one database for a
//! bridge.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::exporter::in_memory;
use crate::usage::Usage;

/// Which server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `postgres://`
    Postgres,
    /// `mysql://`
    MariaDb,
}

impl Engine {
    /// All that are tested.
    pub const ALL: [Self; 2] = [Self::Postgres, Self::MariaDb];

    /// As the script calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
        }
    }
}

/// A running server; ended when dropped, or when we are.
pub struct DatabaseServer {
    engine: Engine,
    folder: TempDir,
    program: Child,
    socket: String,
}

impl DatabaseServer {
    /// Starts one with an empty database, with files in memory where there is some.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(engine: Engine) -> Result<Self> {
        let folder = in_memory("netmonitor-database-")?;
        // It runs as another user than root.
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), everybody)?;
        let (program, socket) = launch(engine, folder.path())?;
        Ok(Self { engine, folder, program, socket })
    }

    /// Ends it as a power cut of its machine would, but for the disk's own cache; it starts
    /// again with what it has.
    ///
    /// # Errors
    /// When it does not.
    pub fn cut_power(&mut self) -> Result<()> {
        self.end()?;
        (self.program, self.socket) = launch(self.engine, self.folder.path())?;
        Ok(())
    }

    /// `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        let socket = &self.socket;
        match self.engine {
            Engine::Postgres => format!("postgres://postgres@localhost/netmonitor?host={socket}"),
            Engine::MariaDb => format!("mysql://root@localhost/netmonitor?socket={socket}"),
        }
    }

    /// Of all its processes that live, with their children that ended.
    ///
    /// # Errors
    /// When it is gone.
    pub fn cpu_time(&self) -> Result<Duration> {
        let server = std::fs::read_to_string(self.folder.path().join("server/server.pid"))?;
        let server = server.trim();
        let mut sum = Usage::of(server.parse()?).cpu_time()?;
        let parent = format!("\nPPid:\t{server}\n");
        for process in std::fs::read_dir("/proc")? {
            let process = process?;
            // One that ends meanwhile is counted with its parent.
            let status = std::fs::read_to_string(process.path().join("status"));
            if status.is_ok_and(|status| status.contains(&parent)) {
                let name = process.file_name();
                let id = name.to_str().and_then(|name| name.parse().ok());
                sum += Usage::of(id.context("no process")?).cpu_time().unwrap_or_default();
            }
        }
        Ok(sum)
    }

    fn end(&mut self) -> Result<()> {
        drop(self.program.stdin.take());
        self.program.wait()?;
        Ok(())
    }
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        // Whoever drops it has no more use for it, nor for why it could not be ended.
        self.end().ok();
    }
}

#[expect(clippy::disallowed_methods, reason = "the script is a program of its own")]
fn launch(engine: Engine, folder: &Path) -> Result<(Child, String)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/database.sh");
    let mut program = Command::new(script)
        .args([engine.name().as_ref(), folder.join("server").as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {script}"))?;
    let mut socket = String::new();
    let said = program.stdout.take().context("nothing is heard of the server")?;
    BufReader::new(said).read_line(&mut socket)?;
    ensure!(socket.ends_with('\n'), "{} did not start", engine.name());
    Ok((program, socket.trim_end().to_owned()))
}
