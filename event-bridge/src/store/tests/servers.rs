//! Real servers: one of each engine for all tests of a run, or one of a test's own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::{open, sql};
use super::*;

/// What runs tests on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Postgres,
    MariaDb,
}

/// A running server.
struct Server {
    program: Child,
    socket: String,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "the server is a program of its own")]
    fn start(engine: Engine, folder: &Path, options: &[String]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/database.sh");
        let name = ["postgres", "mariadb"][engine as usize];
        let mut program = Command::new(script)
            .args([name.as_ref(), folder.join(name).as_os_str()])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut socket = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut socket).unwrap();
        assert!(socket.ends_with('\n'), "{name} did not start");
        Self { program, socket: socket.trim_end().to_owned() }
    }

    /// With its stdin, as if the power were cut; so does the end of this process.
    fn stop(&mut self) {
        drop(self.program.stdin.take());
        self.program.wait().unwrap();
    }
}

/// Where servers may write, too, whoever they run as.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), everybody).unwrap();
    folder
}

impl Engine {
    /// The one that is there for all tests.
    fn socket(self) -> &'static str {
        static SERVERS: [OnceLock<(Server, tempfile::TempDir)>; 2] =
            [OnceLock::new(), OnceLock::new()];
        let (server, _) = SERVERS[self as usize].get_or_init(|| {
            let folder = folder();
            (Server::start(self, folder.path(), &[]), folder)
        });
        &server.socket
    }

    /// The address of a database, as its administrator has it.
    pub(super) fn address(self, name: &str) -> Database {
        self.at(self.socket(), self.administrator(), name)
    }

    /// As somebody else has it.
    pub(super) fn address_of(self, user: &str, name: &str) -> Database {
        self.at(self.socket(), user, name)
    }

    /// An empty database.
    pub(super) fn database(self) -> Database {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("place_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        tell(&self.address(self.own_database()), &format!("CREATE DATABASE {name}"));
        self.address(&name)
    }

    fn at(self, socket: &str, user: &str, name: &str) -> Database {
        let url = match self {
            Self::Postgres => format!("postgres://{user}@localhost/{name}?host={socket}"),
            Self::MariaDb => format!("mysql://{user}@localhost/{name}?socket={socket}"),
        };
        Database::parse(&url).unwrap()
    }

    fn administrator(self) -> &'static str {
        ["postgres", "root"][self as usize]
    }

    fn own_database(self) -> &'static str {
        ["postgres", "mysql"][self as usize]
    }
}

/// A server for one test, to be stopped and spoiled.
pub(super) struct Own {
    engine: Engine,
    folder: tempfile::TempDir,
    server: Server,
}

impl Own {
    pub(super) fn start(engine: Engine) -> Self {
        Self::start_with(engine, Vec::new())
    }

    pub(super) fn start_with(engine: Engine, options: Vec<String>) -> Self {
        let folder = folder();
        Self { engine, server: Server::start(engine, folder.path(), &options), folder }
    }

    pub(super) fn stop(&mut self) {
        self.server.stop();
    }

    /// With what it had.
    pub(super) fn start_again(&mut self) {
        self.start_again_with(Vec::new());
    }

    pub(super) fn start_again_with(&mut self, options: Vec<String>) {
        self.server = Server::start(self.engine, self.folder.path(), &options);
    }

    /// An empty database.
    pub(super) fn database(&self) -> Database {
        let own = self.address_of(self.engine.administrator(), self.engine.own_database());
        tell(&own, "CREATE DATABASE home");
        self.address_of(self.engine.administrator(), "home")
    }

    pub(super) fn address_of(&self, user: &str, name: &str) -> Database {
        self.engine.at(&self.server.socket, user, name)
    }
}

impl std::ops::Drop for Own {
    fn drop(&mut self) {
        self.server.stop();
    }
}

/// A connection of the test's own, on a thread where it may wait.
pub(super) fn with<T: Send>(
    database: &Database,
    work: impl FnOnce(&sql::Connection) -> sql::Result<T> + Send,
) -> T {
    std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            let connection = match database {
                Database::File(path) => {
                    sql::Connection::Sqlite(schema::open_to_write(path).unwrap())
                }
                Database::Server(_) => open::to_read(&Shared::new(database.clone(), NOW)).unwrap(),
            };
            work(&connection).unwrap()
        });
        work.join().unwrap()
    })
}

/// Statements, whatever they are.
pub(super) fn tell(database: &Database, statements: &str) {
    with(database, |connection| match connection {
        sql::Connection::Sqlite(file) => Ok(file.execute_batch(statements)?),
        sql::Connection::Postgres(server) => server.batch(statements),
        sql::Connection::MySql(server) => server.batch(statements),
    });
}
