//! The one thread that writes. Commands that wait are done in one transaction, each under a
//! savepoint, and answered after the commit. The thread outlives every fault of the disk: the
//! commands fail, and the next ones try again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Result as SqlResult};
use tokio::sync::{mpsc, oneshot};

use super::error::{StoreError, Trouble};
use super::health::{Shared, beside};
use super::records::RouterId;
use super::{Opened, recovery, retention, schema};
use crate::record::Millis;

/// Twice what 1,000 routers hand over at once at worst (a sample, as their events wait for
/// their answer); more wait with the pollers.
const QUEUE: usize = 1024;

/// Commands in a transaction: enough to make the commit cheap, few enough that none waits
/// longer than some tens of milliseconds.
const GROUP: usize = 256;

/// How often a group is tried when others hold the lock, 5 s each.
const TRIES: usize = 3;

/// Beyond this the WAL is emptied even if readers must be waited for; SQLite does it by itself
/// at 4 MB when there are none.
const MAX_WAL_BYTES: u64 = 8 * 1024 * 1024;

/// For a reader that is in the way of that; a chunk takes a millisecond.
const CHECKPOINT_PATIENCE: Duration = Duration::from_millis(100);

/// Groups between two looks at the oldest row, and between two tries to empty the WAL.
const REFRESH: u64 = 64;

/// Damaged files set aside in one run; a disk that damages more must be replaced, not filled.
const MAX_SET_ASIDE: usize = 3;

pub(super) type Queue = mpsc::Sender<Message>;
pub(super) type WeakQueue = mpsc::WeakSender<Message>;

pub(super) enum Message {
    Call(Box<dyn Job>),
    /// A reader has met damage: look at the whole file.
    Inspect,
    /// Finish and end.
    Close(oneshot::Sender<()>),
}

impl Message {
    /// `work` may run more than once, for it is undone when the transaction fails;
    /// `committed` runs once, after the commit and before the answer.
    pub(super) fn call<T: Send + 'static>(
        work: impl FnMut(&Connection) -> SqlResult<T> + Send + 'static,
        committed: impl FnOnce(&Shared, &T) + Send + 'static,
        reply: oneshot::Sender<Result<T, StoreError>>,
    ) -> Self {
        Self::Call(Box::new(Call { work, committed, reply, value: None }))
    }
}

/// A command, whatever it gives back.
pub(super) trait Job: Send {
    fn run(&mut self, connection: &Connection) -> SqlResult<()>;
    fn done(self: Box<Self>, shared: &Shared);
    fn failed(self: Box<Self>, error: StoreError);
}

struct Call<T, W, C> {
    work: W,
    committed: C,
    reply: oneshot::Sender<Result<T, StoreError>>,
    value: Option<T>,
}

impl<T, W, C> Job for Call<T, W, C>
where
    T: Send,
    W: FnMut(&Connection) -> SqlResult<T> + Send,
    C: FnOnce(&Shared, &T) + Send,
{
    fn run(&mut self, connection: &Connection) -> SqlResult<()> {
        self.value = Some((self.work)(connection)?);
        Ok(())
    }

    fn done(self: Box<Self>, shared: &Shared) {
        if let Some(value) = self.value {
            (self.committed)(shared, &value);
            // Who asked may have gone meanwhile; it is stored all the same.
            drop(self.reply.send(Ok(value)));
        }
    }

    fn failed(self: Box<Self>, error: StoreError) {
        drop(self.reply.send(Err(error)));
    }
}

/// See the module.
pub(super) struct Writer {
    shared: Arc<Shared>,
    /// `None` after a fault of the disk: opened anew for the next group.
    open: Option<Open>,
    groups: u64,
    /// Before this group the WAL is left alone: readers may still be in the way.
    wal_again: u64,
    set_aside: usize,
}

struct Open {
    connection: Connection,
    file: recovery::Identity,
}

impl Writer {
    /// # Errors
    /// See `Store::open`.
    pub(super) fn open(
        path: &Path,
        now: Millis,
        shared: Arc<Shared>,
    ) -> Result<(Self, Opened), StoreError> {
        let mut writer = Self { shared, open: None, groups: 0, wal_again: 0, set_aside: 0 };
        let (connection, opened) = match recovery::open(path, now) {
            Ok(found) => found,
            // There is something to be read, and the disk may be well again any time.
            Err(error @ StoreError::NotWritable { .. }) if recovery::has_content(path) => {
                writer.shared.cannot_write(error.to_string());
                return Ok((writer, Opened { notices: vec![error.to_string()], set_aside: None }));
            }
            Err(error) => return Err(error),
        };
        for (id, name) in select_routers(&connection).map_err(StoreError::at(path))? {
            writer.shared.add_router(id, &name);
        }
        if let Some(place) = &opened.set_aside {
            writer.shared.set_aside(place.clone());
            writer.set_aside = 1;
        }
        writer.open = Some(Open { connection, file: recovery::Identity::of(path) });
        writer.refresh_facts();
        writer.refresh_used();
        Ok((writer, opened))
    }

    pub(super) fn spawn(self) -> Result<Queue, StoreError> {
        let (queue, messages) = mpsc::channel(QUEUE);
        let path = self.shared.path.clone();
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || self.run(messages))
            .map_err(StoreError::file("starting the writer of", &path))?;
        Ok(queue)
    }

    fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        while let Some(first) = messages.blocking_recv() {
            let mut next = Some(first);
            let mut jobs = Vec::new();
            while let Some(message) = next {
                match message {
                    Message::Call(job) => jobs.push(job),
                    Message::Inspect => self.inspect(),
                    Message::Close(done) => {
                        if !jobs.is_empty() {
                            self.store(jobs);
                        }
                        self.empty_wal();
                        self.open = None;
                        done.send(()).unwrap_or_default();
                        return;
                    }
                }
                next = if jobs.len() < GROUP { messages.try_recv().ok() } else { None };
            }
            if !jobs.is_empty() {
                self.store(jobs);
                self.bound_wal();
            }
        }
        // The last connection that is closed empties the WAL into the file.
    }

    /// Does the jobs, all in one transaction, and answers them.
    fn store(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        let mut tries = 0;
        let error = loop {
            tries += 1;
            let error = match self.try_store(&mut jobs) {
                Ok(()) => {
                    self.shared.wrote();
                    self.groups += 1;
                    self.refresh_used();
                    if self.groups % REFRESH == 1 {
                        self.refresh_facts();
                    }
                    return jobs.into_iter().for_each(|job| job.done(&self.shared));
                }
                Err(error) => error,
            };
            match &error {
                StoreError::Busy { .. } if tries < TRIES => {}
                StoreError::Corrupt { reason, .. } if self.set_aside < MAX_SET_ASIDE => {
                    if let Err(error) = self.begin_anew(&reason.clone()) {
                        break error;
                    }
                }
                _ => break error,
            }
        };
        // A file that cannot be written now is opened anew next time: its disk may be another.
        self.open = None;
        self.shared.cannot_write(error.to_string());
        let path = &self.shared.path;
        for job in jobs {
            job.failed(match &error {
                StoreError::Busy { .. } => StoreError::Busy { path: path.clone() },
                StoreError::Corrupt { reason, .. } => {
                    StoreError::Corrupt { path: path.clone(), reason: reason.clone() }
                }
                StoreError::NotWritable { reason, .. } => {
                    StoreError::NotWritable { path: path.clone(), reason: reason.clone() }
                }
                other => StoreError::NotWritable { path: path.clone(), reason: other.to_string() },
            });
        }
    }

    /// One transaction. Jobs that fail by their own fault are answered and taken out.
    fn try_store(&mut self, jobs: &mut Vec<Box<dyn Job>>) -> Result<(), StoreError> {
        let path = self.shared.path.clone();
        let failed = StoreError::at(&path);
        self.reopen_if_needed()?;
        let Some(Open { connection, .. }) = &self.open else {
            return Err(self.shared.closed());
        };
        connection.execute_batch("BEGIN IMMEDIATE").map_err(&failed)?;
        let result = run_all(connection, jobs, &path);
        let result = result.and_then(|()| connection.execute_batch("COMMIT").map_err(&failed));
        if result.is_err() && !connection.is_autocommit() {
            // SQLite has rolled back by itself if this fails, too.
            connection.execute_batch("ROLLBACK").unwrap_or_default();
        }
        result
    }

    /// Also when somebody has removed or replaced the file: what is written to the old one
    /// would be lost with the last handle.
    fn reopen_if_needed(&mut self) -> Result<(), StoreError> {
        let path = &self.shared.path;
        let file = recovery::Identity::of(path);
        if self.open.as_ref().is_some_and(|open| open.file == file && file.is_there()) {
            return Ok(());
        }
        self.open = None;
        schema::look(path)?;
        let connection = schema::open_to_write(path)?;
        self.adopt(connection)
    }

    fn adopt(&mut self, connection: Connection) -> Result<(), StoreError> {
        let path = &self.shared.path;
        insert_known_routers(&connection, &self.shared).map_err(StoreError::at(path))?;
        let file = recovery::Identity::of(path);
        self.shared.is_another_file();
        self.open = Some(Open { connection, file });
        Ok(())
    }

    /// The file is damaged: sets it aside and makes a new one with the same routers.
    fn begin_anew(&mut self, reason: &str) -> Result<(), StoreError> {
        self.set_aside += 1;
        self.open = None;
        let now = self.shared.now();
        let (connection, place) = recovery::begin_anew(&self.shared.path, now, reason)?;
        self.shared.set_aside(place);
        self.adopt(connection)
    }

    /// A reader cannot tell one page from a file full of damage.
    fn inspect(&mut self) {
        let Some(Open { connection, .. }) = &self.open else { return };
        let found = schema::quick_check(&self.shared.path, connection);
        if let Err(StoreError::Corrupt { reason, .. }) = found
            && self.set_aside < MAX_SET_ASIDE
            && let Err(error) = self.begin_anew(&reason)
        {
            self.shared.cannot_write(error.to_string());
        }
    }

    fn bound_wal(&mut self) {
        let wal = std::fs::metadata(beside(&self.shared.path, "-wal"));
        if self.groups < self.wal_again || !wal.is_ok_and(|file| file.len() > MAX_WAL_BYTES) {
            return;
        }
        self.empty_wal();
        self.wal_again = self.groups + REFRESH;
    }

    fn empty_wal(&self) {
        let Some(Open { connection, .. }) = &self.open else { return };
        // Not done this time is no harm: it is tried again, or done by the next start.
        let empty = || -> SqlResult<()> {
            connection.busy_timeout(CHECKPOINT_PATIENCE)?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        empty().unwrap_or_default();
        connection.busy_timeout(schema::BUSY_TIMEOUT).unwrap_or_default();
    }

    fn refresh_facts(&self) {
        let Some(Open { connection, .. }) = &self.open else { return };
        if let Ok((oldest, backup)) = select_facts(connection) {
            self.shared.facts(oldest, backup);
        }
    }

    /// After each group: 64 polls of a single router are an hour.
    fn refresh_used(&self) {
        let Some(Open { connection, .. }) = &self.open else { return };
        if let Ok(bytes) = retention::select_used_bytes(connection) {
            self.shared.uses(bytes);
        }
    }
}

fn run_all(
    connection: &Connection,
    jobs: &mut Vec<Box<dyn Job>>,
    path: &Path,
) -> Result<(), StoreError> {
    let failed = StoreError::at(path);
    let mut index = 0;
    while let Some(job) = jobs.get_mut(index) {
        let run = |sql: &str| -> SqlResult<()> {
            connection.prepare_cached(sql)?.execute([]).map(|_| ())
        };
        run("SAVEPOINT job").map_err(&failed)?;
        match job.run(connection) {
            Ok(()) => {
                run("RELEASE job").map_err(&failed)?;
                index += 1;
            }
            Err(error) if Trouble::of(&error) == Trouble::Other => {
                run("ROLLBACK TO job").map_err(&failed)?;
                run("RELEASE job").map_err(&failed)?;
                jobs.remove(index).failed(failed(error));
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

pub(super) fn insert_router(connection: &Connection, name: &str) -> SqlResult<RouterId> {
    let known = connection
        .prepare_cached("SELECT id FROM routers WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(RouterId(id));
    }
    connection.prepare_cached("INSERT INTO routers (name) VALUES (?1)")?.execute([name])?;
    Ok(RouterId(connection.last_insert_rowid()))
}

/// Handles have their ids: they must mean the same routers in another file.
fn insert_known_routers(connection: &Connection, shared: &Shared) -> SqlResult<()> {
    let mut insert = connection
        .prepare_cached("INSERT INTO routers (id, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    for (id, name) in shared.routers() {
        insert.execute((id.0, name.as_ref()))?;
    }
    Ok(())
}

fn select_routers(connection: &Connection) -> SqlResult<Vec<(RouterId, Arc<str>)>> {
    connection
        .prepare_cached("SELECT id, name FROM routers")?
        .query_map([], |row| Ok((RouterId(row.get(0)?), row.get::<_, String>(1)?.into())))?
        .collect()
}

/// The oldest row and the last backup.
fn select_facts(connection: &Connection) -> SqlResult<(Option<Millis>, Option<Millis>)> {
    // One step into each index per router.
    let oldest = connection
        .prepare_cached(
            "SELECT min(at) FROM (
             SELECT (SELECT min(at) FROM samples WHERE router = r.id) AS at FROM routers AS r
             UNION ALL
             SELECT (SELECT min(at) FROM events WHERE router = r.id) FROM routers AS r)",
        )?
        .query_row([], |row| row.get(0))?;
    let backup = connection
        .prepare_cached("SELECT value FROM facts WHERE name = 'last_backup'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok((oldest, backup))
}
