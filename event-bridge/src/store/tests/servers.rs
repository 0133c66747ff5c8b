//! Real servers, one of each engine for all tests of a run, and databases of theirs.

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

struct Server {
    _folder: tempfile::TempDir,
    /// Ends when its stdin does: with this process.
    _program: Child,
    socket: String,
    databases: AtomicUsize,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "the server is a program of its own")]
    fn start(name: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/database.sh");
        let folder = tempfile::tempdir().unwrap();
        // Of another user's are the servers.
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), everybody).unwrap();
        let mut program = Command::new(script)
            .args([name.as_ref(), folder.path().join(name).as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut socket = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut socket).unwrap();
        assert!(socket.ends_with('\n'), "{name} did not start");
        let socket = socket.trim_end().to_owned();
        Self { _folder: folder, _program: program, socket, databases: AtomicUsize::new(0) }
    }
}

impl Engine {
    fn server(self) -> &'static Server {
        static POSTGRES: OnceLock<Server> = OnceLock::new();
        static MARIADB: OnceLock<Server> = OnceLock::new();
        match self {
            Self::Postgres => POSTGRES.get_or_init(|| Server::start("postgres")),
            Self::MariaDb => MARIADB.get_or_init(|| Server::start("mariadb")),
        }
    }

    /// The address of a database, as its administrator has it.
    pub(super) fn address(self, name: &str) -> Database {
        let socket = &self.server().socket;
        let url = match self {
            Self::Postgres => format!("postgres://postgres@localhost/{name}?host={socket}"),
            Self::MariaDb => format!("mysql://root@localhost/{name}?socket={socket}"),
        };
        Database::parse(&url).unwrap()
    }

    /// An empty database.
    pub(super) fn database(self) -> Database {
        let number = self.server().databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("place_{number}");
        let administrator = match self {
            Self::Postgres => self.address("postgres"),
            Self::MariaDb => self.address("mysql"),
        };
        tell(&administrator, &format!("CREATE DATABASE {name}"));
        self.address(&name)
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
