//! What the writer knows of itself, for `/readyz` and `/metrics`, and which routers there are.
//! Shared by the writer, the readers and the handles; never touches the database.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::StoreError;
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
    /// Of the database file.
    pub database_bytes: u64,
    /// What of it is in use, as of the last write; `None` before the file could be opened.
    pub used_bytes: Option<u64>,
    /// How much its disk has room for; `None` if that cannot be told.
    pub disk_free_bytes: Option<u64>,
    /// Of the write-ahead log beside it.
    pub wal_bytes: u64,
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
    pub(super) path: PathBuf,
    /// Grows when the file is another one, so that readers open it anew.
    pub(super) generation: AtomicU64,
    known: Mutex<Known>,
}

struct Known {
    health: Health,
    ids: HashMap<Arc<str>, RouterId>,
    names: BTreeMap<RouterId, Arc<str>>,
    /// The latest that anyone has told.
    now: Millis,
}

impl Shared {
    pub(super) fn new(path: &Path, now: Millis) -> Self {
        let health = Health {
            writable: Ok(()),
            queue_length: 0,
            database_bytes: 0,
            used_bytes: None,
            disk_free_bytes: None,
            wal_bytes: 0,
            events_stored: 0,
            events_missed: BTreeMap::new(),
            oldest_row: None,
            last_backup: None,
            set_aside: Vec::new(),
        };
        let known = Known { health, ids: HashMap::new(), names: BTreeMap::new(), now };
        Self { path: path.to_owned(), generation: AtomicU64::new(0), known: Mutex::new(known) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Every change is complete in itself.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn closed(&self) -> StoreError {
        StoreError::Closed { path: self.path.clone() }
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
        Health {
            queue_length: queue.max_capacity() - queue.capacity(),
            database_bytes: bytes(&self.path),
            disk_free_bytes: free(&self.path),
            wal_bytes: bytes(&beside(&self.path, "-wal")),
            ..self.known().health.clone()
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
