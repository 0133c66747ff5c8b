//! The one thread that writes. Commands that wait are done in one transaction, and answered after
//! the commit; if one of them is at fault all are done once more, each under a savepoint. The
//! thread outlives every fault of the disk or the server: the commands fail, and the next ones
//! try again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::database::Database;
use super::error::StoreError;
use super::health::{Shared, beside};
use super::records::RouterId;
use super::sql::{Connection, Error, Result as SqlResult, Trouble, params};
use super::{Opened, copy, facts, open, recovery, schema};
use crate::record::Millis;

/// Twice what 1,000 routers hand over at once at worst (a sample, as their events wait for
/// their answer); more wait with the pollers.
const QUEUE: usize = 1024;

/// Commands in a transaction: enough to make the commit cheap, few enough that none waits
/// longer than some tens of milliseconds.
const GROUP: usize = 256;

/// The same for a server, to which each statement goes by itself: another bridge waits meanwhile.
const GROUP_OF_SERVER: usize = 32;

/// How often a group is tried when others hold the lock of a file, 5 s each.
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
    /// `None` after a fault: opened anew for the next group.
    open: Option<Open>,
    groups: u64,
    /// Before this group the WAL is left alone: readers may still be in the way.
    wal_again: u64,
    set_aside: usize,
}

struct Open {
    connection: Connection,
    /// `None`: of a server.
    file: Option<recovery::Identity>,
}

impl Writer {
    /// # Errors
    /// See `Store::open`.
    pub(super) fn open(shared: Arc<Shared>, now: Millis) -> Result<(Self, Opened), StoreError> {
        let mut writer = Self { shared, open: None, groups: 0, wal_again: 0, set_aside: 0 };
        let found = match &writer.shared.database {
            Database::File(path) => {
                recovery::open(path, now).map(|(file, opened)| (Connection::Sqlite(file), opened))
            }
            Database::Server(_) => {
                open::to_write(&writer.shared).map(|connection| (connection, Opened::default()))
            }
        };
        let (connection, opened) = match found {
            Ok(found) => found,
            // It may be well again any time, and what is there can be read meanwhile.
            Err(error) if may_pass(&error, &writer.shared.database) => {
                writer.shared.cannot_write(error.to_string());
                return Ok((writer, Opened { notices: vec![error.to_string()], set_aside: None }));
            }
            Err(error) => return Err(error),
        };
        if let Some(place) = &opened.set_aside {
            writer.shared.set_aside(place.clone());
            writer.set_aside = 1;
        }
        writer.use_it(connection)?;
        writer.refresh_facts();
        writer.refresh_used();
        Ok((writer, opened))
    }

    pub(super) fn spawn(self) -> Result<Queue, StoreError> {
        let (queue, messages) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || self.run(messages))
            .map_err(|source| StoreError::Thread { source })?;
        Ok(queue)
    }

    fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let most = if self.shared.database.file().is_some() { GROUP } else { GROUP_OF_SERVER };
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
                next = if jobs.len() < most { messages.try_recv().ok() } else { None };
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
        let (was_open, is_file) = (self.open.is_some(), self.shared.database.file().is_some());
        let mut tries = 0;
        let error = loop {
            tries += 1;
            let error = match self.try_store(&mut jobs) {
                Ok(()) => {
                    self.shared.wrote();
                    self.groups += 1;
                    let is_due = self.groups % REFRESH == 1;
                    // 64 polls of a single router are an hour; a server is not asked as often.
                    if is_due || self.shared.database.file().is_some() {
                        self.refresh_used();
                    }
                    if is_due {
                        self.refresh_facts();
                    }
                    return jobs.into_iter().for_each(|job| job.done(&self.shared));
                }
                Err(error) => error,
            };
            match &error {
                // A server has waited for longer already.
                StoreError::Busy { .. } if tries < TRIES && is_file => {}
                // It may have ended a connection that was idle: all that can be done again is.
                StoreError::Unreachable { .. } if was_open && tries == 1 => {
                    self.open = None;
                }
                StoreError::Corrupt { path, reason } if self.set_aside < MAX_SET_ASIDE => {
                    if let Err(error) = self.begin_anew(path, reason) {
                        break error;
                    }
                }
                _ => break error,
            }
        };
        // What cannot be written now is opened anew next time: it may be another.
        self.open = None;
        self.shared.cannot_write(error.to_string());
        for job in jobs {
            job.failed(error.again(&self.shared.database));
        }
    }

    /// One transaction. Jobs that fail by their own fault are answered and taken out.
    fn try_store(&mut self, jobs: &mut Vec<Box<dyn Job>>) -> Result<(), StoreError> {
        self.reopen_if_needed()?;
        let Some(Open { connection, .. }) = &self.open else {
            return Err(self.shared.closed());
        };
        let failed = StoreError::by(&self.shared.database);
        let done = in_transaction(connection, || {
            jobs.iter_mut().try_for_each(|job| job.run(connection)).map(|()| Vec::new())
        });
        let at_fault = match done {
            // Whose fault it was is found by doing them once more, each apart.
            Err(error) if Trouble::of(&error) == Trouble::Other => {
                in_transaction(connection, || run_each(connection, jobs)).map_err(&failed)?
            }
            done => done.map_err(&failed)?,
        };
        for (index, error) in at_fault.into_iter().rev() {
            jobs.remove(index).failed(failed(error));
        }
        Ok(())
    }

    /// Also when somebody has removed or replaced the file: what is written to the old one
    /// would be lost with the last handle.
    fn reopen_if_needed(&mut self) -> Result<(), StoreError> {
        if let Some(open) = &self.open {
            let now = self.shared.database.file().map(recovery::Identity::of);
            if open.file == now && now.is_none_or(|file| file.is_there()) {
                return Ok(());
            }
        }
        self.open = None;
        self.use_it(open::to_write(&self.shared)?)
    }

    /// From now on. Handles have the ids of routers: they must mean the same ones here.
    fn use_it(&mut self, connection: Connection) -> Result<(), StoreError> {
        let database = &self.shared.database;
        let failed = StoreError::by(database);
        let file = database.file().map(recovery::Identity::of);
        if file.is_some() {
            insert_known_routers(&connection, &self.shared).map_err(&failed)?;
        }
        if copy::is_unfinished(&connection).map_err(&failed)? {
            return Err(StoreError::Unfinished { database: database.clone() });
        }
        let routers = select_routers(&connection).map_err(&failed)?;
        let is_there = |known: &(RouterId, Arc<str>)| routers.contains(known);
        if let Some((_, name)) = self.shared.routers().into_iter().find(|known| !is_there(known)) {
            return Err(StoreError::Exchanged {
                database: database.clone(),
                router: name.to_string(),
            });
        }
        for (id, name) in &routers {
            self.shared.add_router(*id, name);
        }
        self.shared.is_another_file();
        self.open = Some(Open { connection, file });
        Ok(())
    }

    /// The file is damaged: sets it aside and makes a new one with the same routers.
    fn begin_anew(&mut self, path: &Path, reason: &str) -> Result<(), StoreError> {
        self.set_aside += 1;
        self.open = None;
        let now = self.shared.now();
        let (connection, place) = recovery::begin_anew(path, now, reason)?;
        self.shared.set_aside(place);
        self.use_it(Connection::Sqlite(connection))
    }

    /// A reader cannot tell one page from a file full of damage.
    fn inspect(&mut self) {
        let Some(Open { connection: Connection::Sqlite(file), .. }) = &self.open else { return };
        let Some(path) = self.shared.database.file() else { return };
        let found = schema::quick_check(path, file);
        if let Err(StoreError::Corrupt { path, reason }) = found
            && self.set_aside < MAX_SET_ASIDE
            && let Err(error) = self.begin_anew(&path, &reason)
        {
            self.shared.cannot_write(error.to_string());
        }
    }

    fn bound_wal(&mut self) {
        let Some(path) = self.shared.database.file() else { return };
        let wal = std::fs::metadata(beside(path, "-wal"));
        if self.groups < self.wal_again || !wal.is_ok_and(|file| file.len() > MAX_WAL_BYTES) {
            return;
        }
        self.empty_wal();
        self.wal_again = self.groups + REFRESH;
    }

    fn empty_wal(&self) {
        let Some(Open { connection: Connection::Sqlite(file), .. }) = &self.open else { return };
        // Not done this time is no harm: it is tried again, or done by the next start.
        let empty = || -> rusqlite::Result<()> {
            file.busy_timeout(CHECKPOINT_PATIENCE)?;
            file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        empty().unwrap_or_default();
        file.busy_timeout(schema::BUSY_TIMEOUT).unwrap_or_default();
    }

    fn refresh_facts(&self) {
        let Some(Open { connection, .. }) = &self.open else { return };
        if let Ok((oldest, backup)) = select_facts(connection) {
            self.shared.facts(oldest, backup);
        }
        // Another bridge may have made some.
        if let (None, Ok(routers)) = (self.shared.database.file(), select_routers(connection)) {
            routers.iter().for_each(|(id, name)| self.shared.add_router(*id, name));
        }
    }

    fn refresh_used(&self) {
        let Some(Open { connection, .. }) = &self.open else { return };
        if let Ok(bytes) = connection.used_bytes() {
            self.shared.uses(bytes);
        }
    }
}

/// A fault at the start that the program can wait out.
fn may_pass(error: &StoreError, database: &Database) -> bool {
    match error {
        StoreError::NotWritable { .. } => database.file().is_some_and(recovery::has_content),
        StoreError::Unreachable { .. } => true,
        StoreError::Busy { .. } => database.file().is_none(),
        _ => false,
    }
}

/// All or nothing.
fn in_transaction<T>(connection: &Connection, work: impl FnOnce() -> SqlResult<T>) -> SqlResult<T> {
    let done = connection.begin().and_then(|()| work());
    let done = done.and_then(|value| connection.commit().map(|()| value));
    if done.is_err() {
        // The engine has rolled back by itself if this fails, too.
        connection.roll_back().unwrap_or_default();
    }
    done
}

/// Gives those that cannot be done, by their place; nothing of them is done.
fn run_each(connection: &Connection, jobs: &mut [Box<dyn Job>]) -> SqlResult<Vec<(usize, Error)>> {
    let mut at_fault = Vec::new();
    for (index, job) in jobs.iter_mut().enumerate() {
        connection.command("SAVEPOINT job")?;
        match job.run(connection) {
            Ok(()) => {}
            Err(error) if Trouble::of(&error) == Trouble::Other => {
                connection.command("ROLLBACK TO SAVEPOINT job")?;
                at_fault.push((index, error));
            }
            Err(error) => return Err(error),
        }
        connection.command("RELEASE SAVEPOINT job")?;
    }
    Ok(at_fault)
}

pub(super) fn insert_router(connection: &Connection, name: &str) -> SqlResult<RouterId> {
    let known = connection.query_optional(
        "SELECT id FROM routers WHERE name = ?1",
        params![name],
        |row| row.get(0),
    )?;
    if let Some(id) = known {
        return Ok(RouterId(id));
    }
    let sql = "INSERT INTO routers (name) VALUES (?1)";
    connection.insert(sql, params![name])?.map(RouterId).ok_or(Error::NoRow)
}

fn insert_known_routers(connection: &Connection, shared: &Shared) -> SqlResult<()> {
    for (id, name) in shared.routers() {
        connection.execute(
            "INSERT INTO routers (id, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![id.0, &*name],
        )?;
    }
    Ok(())
}

fn select_routers(connection: &Connection) -> SqlResult<Vec<(RouterId, Arc<str>)>> {
    connection.query("SELECT id, name FROM routers", params![], |row| {
        Ok((RouterId(row.get(0)?), row.get::<String>(1)?.into()))
    })
}

/// The oldest row and the last backup.
fn select_facts(connection: &Connection) -> SqlResult<(Option<Millis>, Option<Millis>)> {
    // One step into each index per router; of `min(at)` MariaDB would read all of it.
    let oldest = connection.query_one(
        "SELECT min(at) FROM (
         SELECT (SELECT at FROM samples WHERE router = r.id ORDER BY at LIMIT 1) AS at
         FROM routers AS r
         UNION ALL
         SELECT (SELECT at FROM events WHERE router = r.id ORDER BY at LIMIT 1)
         FROM routers AS r) AS oldest",
        params![],
        |row| row.get(0),
    )?;
    Ok((oldest, facts::select(connection, facts::LAST_BACKUP)?))
}
