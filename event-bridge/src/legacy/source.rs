//! The old client's SQLite file: is it one, and its rows in the order in which they were
//! written. The only place that knows its tables; nothing of ours is read or written here.
//!
//! The file is opened for reading only, a chunk at a time and with no statement open between
//! two chunks, so that a client that still runs can go on writing. Nothing is left beside it:
//! where SQLite would have to make a file, it is not opened that way. The tables are those of
//! its SQLAlchemy models (`db.Integer`, `db.Float`, `db.DateTime`, `db.String`).

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use serde_json::Value;

use super::error::LegacyError;

/// As long as the old client may take to write one poll.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Rows read at once: some 200 kB.
pub(super) const CHUNK: usize = 1024;

/// `NMBr`, as our own databases are marked.
const OUR_APPLICATION_ID: i64 = 1_313_686_130;

/// Longer than anything that is kept of a text.
const MAX_TEXT_BYTES: usize = 4096;

/// A table of the old client.
#[derive(Debug)]
pub(super) struct Table<const N: usize> {
    pub(super) name: &'static str,
    columns: [&'static str; N],
}

pub(super) const STATUS: Table<11> = Table {
    name: "network_status",
    columns: [
        "timestamp",
        "wan_state",
        "rx_errors",
        "tx_errors",
        "rx_dropped",
        "tx_dropped",
        "optical_rx",
        "optical_tx",
        "cpu_temp",
        "pppoe_reconnect_count",
        "wan_down_count",
    ],
};
pub(super) const PINGS: Table<4> =
    Table { name: "ping_results", columns: ["timestamp", "target", "rtt", "loss"] };
pub(super) const EVENTS: Table<4> =
    Table { name: "network_events", columns: ["timestamp", "event_time", "event_type", "message"] };
/// Not in the first versions of the old client.
pub(super) const HOURS: Table<9> = Table {
    name: "hourly_stats",
    columns: [
        "hour",
        "avg_ping_rtt",
        "max_ping_rtt",
        "min_ping_rtt",
        "packet_loss_count",
        "pppoe_reconnect_count",
        "wan_down_count",
        "avg_cpu_temp",
        "max_cpu_temp",
    ],
};

/// A row, with its number in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row<const N: usize> {
    pub(super) id: i64,
    /// Whatever the columns were declared as; a list stands for bytes, which are not written.
    pub(super) cells: [Value; N],
}

/// The open file.
pub(super) struct Source {
    path: PathBuf,
    connection: Connection,
    has_hours: bool,
}

impl Source {
    /// # Errors
    /// A file that cannot be read, or is not the old client's.
    pub(super) fn open(path: &Path) -> Result<Self, LegacyError> {
        let connection = connect(path)?;
        let mut source = Self { path: path.to_owned(), connection, has_hours: false };
        if source.number("PRAGMA application_id")? == Some(OUR_APPLICATION_ID) {
            return Err(LegacyError::Ours { path: path.to_owned() });
        }
        source.has_hours = source.has_table(HOURS.name)?;
        let mut missing = Vec::new();
        source.look_for(&STATUS, &mut missing)?;
        source.look_for(&PINGS, &mut missing)?;
        source.look_for(&EVENTS, &mut missing)?;
        if source.has_hours {
            source.look_for(&HOURS, &mut missing)?;
        }
        if missing.is_empty() {
            Ok(source)
        } else {
            Err(LegacyError::Foreign { path: path.to_owned(), missing: missing.join(", ") })
        }
    }

    fn number(&self, sql: &str) -> Result<Option<i64>, LegacyError> {
        let number = self.connection.query_row(sql, [], |row| row.get(0));
        number.map_err(|error| self.failed(error))
    }

    fn has_table(&self, name: &str) -> Result<bool, LegacyError> {
        let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        let found = self.connection.prepare_cached(sql).and_then(|mut table| table.exists([name]));
        found.map_err(|error| self.failed(error))
    }

    fn look_for<const N: usize>(
        &self,
        table: &Table<N>,
        missing: &mut Vec<String>,
    ) -> Result<(), LegacyError> {
        if !self.has_table(table.name)? {
            missing.push(format!("table {}", table.name));
            return Ok(());
        }
        let columns = self
            .connection
            .prepare_cached("SELECT name FROM pragma_table_info(?1)")
            .and_then(|mut columns| {
                columns
                    .query_map([table.name], |row| row.get(0))?
                    .collect::<Result<Vec<String>, _>>()
            })
            .map_err(|error| self.failed(error))?;
        let is_there = |name: &str| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
        let gone = table.columns.iter().filter(|name| !is_there(name));
        missing.extend(gone.map(|name| format!("column {}.{name}", table.name)));
        Ok(())
    }

    pub(super) fn has_hours(&self) -> bool {
        self.has_hours
    }

    /// How many rows a table has, roughly: counting them would read all of it.
    pub(super) fn about<const N: usize>(&self, table: &Table<N>) -> Result<u64, LegacyError> {
        let end = |which: &str| self.number(&format!("SELECT {which}(rowid) FROM {}", table.name));
        let (Some(first), Some(last)) = (end("min")?, end("max")?) else { return Ok(0) };
        Ok(last.abs_diff(first).saturating_add(1))
    }

    /// The next rows after the one of this number; fewer than [`CHUNK`]: there are no more.
    pub(super) fn rows_after<const N: usize>(
        &self,
        table: &Table<N>,
        after: i64,
    ) -> Result<Vec<Row<N>>, LegacyError> {
        let columns = table.columns.join(", ");
        let sql = format!(
            "SELECT rowid, {columns} FROM {} WHERE rowid > ?1 ORDER BY rowid LIMIT {CHUNK}",
            table.name
        );
        let read = || -> rusqlite::Result<Vec<Row<N>>> {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let mut rows = statement.query([after])?;
            let mut found = Vec::with_capacity(CHUNK);
            while let Some(row) = rows.next()? {
                let mut cells = [const { Value::Null }; N];
                for (index, place) in cells.iter_mut().enumerate() {
                    *place = cell(row.get_ref(index + 1)?);
                }
                found.push(Row { id: row.get(0)?, cells });
            }
            Ok(found)
        };
        read().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: rusqlite::Error) -> LegacyError {
        failed(&self.path, error)
    }
}

fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        // What is not finite becomes nothing.
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(bytes) => {
            let kept = &bytes[..bytes.len().min(MAX_TEXT_BYTES)];
            String::from_utf8_lossy(kept).into()
        }
        ValueRef::Blob(_) => Value::Array(Vec::new()),
    }
}

/// How the file may be opened without anything being made beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// With locks, beside others.
    Shared,
    /// In WAL mode with an empty or no WAL: nobody has it open, and SQLite would make a WAL.
    AsItIs,
}

fn connect(path: &Path) -> Result<Connection, LegacyError> {
    let way = way(path)?;
    let failed = |error| failed(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(path, way), flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    Ok(connection)
}

fn way(path: &Path) -> Result<Way, LegacyError> {
    // The file format (sqlite.org, "Database File Format", 1.3): a text, and how it is read.
    const MAGIC: &[u8] = b"SQLite format 3\0";
    const READ_VERSION: usize = 19;
    const WAL: u8 = 2;
    let owned = || path.to_owned();
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => LegacyError::Missing { path: owned() },
        _ => LegacyError::Unreadable { path: owned(), source },
    };
    let file = std::fs::metadata(path).map_err(unreadable)?;
    if !file.is_file() {
        return Err(LegacyError::NoFile { path: owned() });
    }
    if file.len() == 0 {
        return Err(LegacyError::Empty { path: owned() });
    }
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(100).read_to_end(&mut head)).map_err(unreadable)?;
    if !head.starts_with(MAGIC) {
        return Err(LegacyError::NotSqlite { path: owned() });
    }
    if head.get(READ_VERSION) != Some(&WAL) {
        return Ok(Way::Shared);
    }
    let wal = beside(path, "-wal");
    match (std::fs::metadata(&wal).ok(), beside(path, "-shm").exists()) {
        (None, _) => Ok(Way::AsItIs),
        (Some(_), true) => Ok(Way::Shared),
        (Some(file), false) if file.len() == 0 => Ok(Way::AsItIs),
        (Some(_), false) => Err(LegacyError::Unfinished { path: owned(), beside: wal }),
    }
}

/// <https://sqlite.org/uri.html>
fn uri(path: &Path, way: Way) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                uri.push(char::from(*byte));
            }
            // Writing into a text cannot fail.
            other => write!(uri, "%{other:02X}").unwrap_or_default(),
        }
    }
    uri.push_str(match way {
        Way::Shared => "?mode=ro",
        Way::AsItIs => "?mode=ro&immutable=1",
    });
    uri
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn failed(path: &Path, error: rusqlite::Error) -> LegacyError {
    let path = path.to_owned();
    let journal = beside(&path, "-journal");
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LegacyError::Locked { path },
        Some(ErrorCode::NotADatabase) => LegacyError::NotSqlite { path },
        // A journal that would have to be played back.
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen) if journal.exists() => {
            LegacyError::Unfinished { path, beside: journal }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::SystemIoFailure) => {
            LegacyError::Damaged { path, reason: error.to_string() }
        }
        _ => LegacyError::Sql { path, source: error },
    }
}
