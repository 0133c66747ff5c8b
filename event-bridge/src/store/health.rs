//! What the writer knows of itself, for `/readyz` and `/metrics`, and which routers there are.
//! Shared by the writer, the readers and the handles; never touches the database.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::database::Database;
use super::error::StoreError;
use super::reach::Reach;
use super::records::{RouterId, Stored};
use super::writer::Queue;
use crate::record::Millis;

/// The state of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Why the last command could not be stored. One that succeeds clears it.
    pub writable: Result<(), String>,
    /// Commands that wait for the writer.
    pub queue_length: usize,
    /// Of the database file; of a server's as of one of the last writes, `None` before it.
    pub database_bytes: Option<u64>,
    /// What the database uses, as of one of the last writes; `None` before it could be opened.
    pub used_bytes: Option<u64>,
    /// How much its disk has room for; `None` if that cannot be told.
    pub disk_free_bytes: Option<u64>,
    /// Of the write-ahead log beside it; `None`: a server keeps it.
    pub wal_bytes: Option<u64>,
    /// New events since the program started.
    pub events_stored: u64,
    /// Events lost, by router, since the program started.
    pub events_missed: BTreeMap<Arc<str>, u64>,
    /// Time of the oldest sample or event, refreshed now and then.
    pub oldest_row: Option<Millis>,
    /// When the last backup was made.
    pub last_backup: Option<Millis>,
    /// Where damaged files were set aside since the program started.
    pub set_aside: Vec<PathBuf>,
}

/// See the module.
pub(super) struct Shared {
    pub(super) database: Database,
    /// Of a server: when it may be asked for a connection.
    pub(super) reach: Reach,
    /// Grows when the file is another one, so that readers open it anew.
    pub(super) generation: AtomicU64,
    known: Mutex<Known>,
}

struct Known {
    health: Health,
    ids: HashMap<Arc<str>, RouterId>,
    names: BTreeMap<RouterId, Arc<str>>,
    /// When this bridge polled each of them last.
    polled: HashMap<RouterId, Millis>,
    /// The latest that anyone has told.
    now: Millis,
}

impl Shared {
    pub(super) fn new(database: Database, now: Millis) -> Self {
        let health = Health {
            writable: Ok(()),
            queue_length: 0,
            database_bytes: None,
            used_bytes: None,
            disk_free_bytes: None,
            wal_bytes: None,
            events_stored: 0,
            events_missed: BTreeMap::new(),
            oldest_row: None,
            last_backup: None,
            set_aside: Vec::new(),
        };
        let (ids, polled) = (HashMap::new(), HashMap::new());
        let known = Known { health, ids, names: BTreeMap::new(), polled, now };
        let (generation, known) = (AtomicU64::new(0), Mutex::new(known));
        Self { database, reach: Reach::default(), generation, known }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Every change is complete in itself.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn closed(&self) -> StoreError {
        StoreError::Closed { database: self.database.clone() }
    }

    pub(super) fn router(&self, name: &str) -> Option<RouterId> {
        self.known().ids.get(name).copied()
    }

    pub(super) fn add_router(&self, id: RouterId, name: &Arc<str>) {
        let mut known = self.known();
        known.ids.insert(name.clone(), id);
        known.names.insert(id, name.clone());
    }

    pub(super) fn routers(&self) -> BTreeMap<RouterId, Arc<str>> {
        self.known().names.clone()
    }

    /// Notes a poll; gives when the last one before it was.
    pub(super) fn polled(&self, router: RouterId, at: Millis) -> Option<Millis> {
        let mut known = self.known();
        let last = known.polled.get(&router).copied();
        known.polled.insert(router, last.map_or(at, |last| last.max(at)));
        last
    }

    /// What time it is at least; for the names of files.
    pub(super) fn saw(&self, time: Millis) {
        let mut known = self.known();
        known.now = known.now.max(time);
    }

    pub(super) fn now(&self) -> Millis {
        self.known().now
    }

    pub(super) fn count(&self, router: RouterId, stored: Stored, received: Millis) {
        self.saw(received);
        let mut known = self.known();
        known.health.events_stored += stored.new;
        if stored.missed > 0 {
            let name = known.names.get(&router).cloned().unwrap_or_default();
            *known.health.events_missed.entry(name).or_default() += stored.missed;
        }
    }

    pub(super) fn backed_up(&self, at: Millis) {
        self.known().health.last_backup = Some(at);
    }

    /// As the tables say.
    pub(super) fn facts(&self, oldest_row: Option<Millis>, last_backup: Option<Millis>) {
        let health = &mut self.known().health;
        (health.oldest_row, health.last_backup) = (oldest_row, last_backup);
    }

    pub(super) fn uses(&self, bytes: u64) {
        self.known().health.used_bytes = Some(bytes);
    }

    pub(super) fn wrote(&self) {
        self.known().health.writable = Ok(());
    }

    pub(super) fn cannot_write(&self, reason: String) {
        self.known().health.writable = Err(reason);
    }

    pub(super) fn set_aside(&self, place: PathBuf) {
        self.known().health.set_aside.push(place);
    }

    pub(super) fn is_another_file(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    pub(super) fn health(&self, queue: &Queue) -> Health {
        let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let queue_length = queue.max_capacity() - queue.capacity();
        let health = Health { queue_length, ..self.known().health.clone() };
        let Some(path) = self.database.file() else {
            return Health { database_bytes: health.used_bytes, ..health };
        };
        Health {
            database_bytes: Some(bytes(path)),
            disk_free_bytes: free(path),
            wal_bytes: Some(bytes(&beside(path, "-wal"))),
            ..health
        }
    }
}

/// For programs that are not root.
fn free(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// The path with more at the end of its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
