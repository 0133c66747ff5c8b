//! A database server of a test's own, as `tests/database.sh` starts it, with one database for a
//! bridge.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::authority::Signed;
use crate::exporter::in_memory;
use crate::usage::Usage;

/// Whom `tests/database.sh` runs it as.
const NOBODY: u32 = 65_534;

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
    options: Vec<String>,
    port: Option<u16>,
    program: Child,
    socket: String,
}

impl DatabaseServer {
    /// Starts one with an empty database, with files in memory where there is some.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(engine: Engine) -> Result<Self> {
        Self::start_with(engine, Vec::new(), None, &[])
    }

    /// The same at an address as well, with a certificate.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_with_tls(engine: Engine, address: SocketAddr, signed: &Signed) -> Result<Self> {
        let (ip, port) = (address.ip(), address.port());
        let at = |name: &str| format!("server/{name}");
        let files = [(&*signed.key, at("key.pem")), (&signed.certificate, at("certificate.pem"))];
        let options = match engine {
            Engine::Postgres => vec![
                format!("-clisten_addresses={ip}"),
                "-cssl=on".to_owned(),
                "-cssl_key_file=../key.pem".to_owned(),
                "-cssl_cert_file=../certificate.pem".to_owned(),
            ],
            Engine::MariaDb => vec![
                "--skip-networking=0".to_owned(),
                format!("--bind-address={ip}"),
                format!("--port={port}"),
                "--ssl-key=../key.pem".to_owned(),
                "--ssl-cert=../certificate.pem".to_owned(),
            ],
        };
        Self::start_with(engine, options, Some(port), &files)
    }

    fn start_with(
        engine: Engine,
        options: Vec<String>,
        port: Option<u16>,
        files: &[(&Path, String)],
    ) -> Result<Self> {
        let folder = in_memory("netmonitor-database-")?;
        // It runs as another user than root.
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), everybody)?;
        std::fs::create_dir(folder.path().join("server"))?;
        for (from, to) in files {
            let to = folder.path().join(to);
            std::fs::copy(from, &to)?;
            // No key may be read by others, and root's server is nobody's.
            std::fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            if rustix::process::geteuid().is_root() {
                std::os::unix::fs::chown(&to, Some(NOBODY), None)?;
            }
        }
        let (program, socket) = launch(engine, folder.path(), &options, port)?;
        Ok(Self { engine, folder, options, port, program, socket })
    }

    /// Ends it as a power cut of its machine would, but for the disk's own cache; it starts
    /// again with what it has.
    ///
    /// # Errors
    /// When it does not.
    pub fn cut_power(&mut self) -> Result<()> {
        self.end()?;
        (self.program, self.socket) =
            launch(self.engine, self.folder.path(), &self.options, self.port)?;
        Ok(())
    }

    /// Where it listens, as its own tools want to know it.
    #[must_use]
    pub fn socket(&self) -> &str {
        &self.socket
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
fn launch(
    engine: Engine,
    folder: &Path,
    options: &[String],
    port: Option<u16>,
) -> Result<(Child, String)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/database.sh");
    let mut program = Command::new(script)
        .args([engine.name().as_ref(), folder.join("server").as_os_str()])
        .args(options)
        // PostgreSQL and its tools name the socket after it.
        .envs(port.map(|port| ("PGPORT", port.to_string())))
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
