//! Reads while the writer writes: a few read-only connections, and scans that ask anew for
//! each chunk, from where the last one ended. No statement is open between two chunks, so a
//! slow client neither holds a thread nor keeps the WAL from being emptied.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_blocking;

use super::error::StoreError;
use super::health::Shared;
use super::open;
use super::records::{Key, Query, RouterId, RouterRecord, Rows};
use super::samples::unsigned;
use super::sql::{Connection, Result as SqlResult, params};
use super::writer::{Message, WeakQueue};
use crate::record::{Cursor, Millis};

/// Rows per chunk: about 100 kB in memory, and a read of a millisecond. What clients ask for
/// without a limit of their own is one chunk: each further one is a wait for a thread.
const CHUNK: usize = 512;

/// Reads at the same time. More would wait for the disk, and each has its own page cache.
const READERS: usize = 4;

/// Connections kept open: two clients at a time are many in a home.
const IDLE: usize = 2;

/// Chunks ready for a client that is slower than the disk, beside the one that it is sent.
const AHEAD: usize = 1;

/// Rows fetched at once for each router when many are merged.
const LEAST: u64 = 2;

/// See the module.
pub(super) struct Readers {
    shared: Arc<Shared>,
    queue: WeakQueue,
    permits: Semaphore,
    /// With the generation of the file that each was opened on.
    idle: Mutex<Vec<(u64, Connection)>>,
}

impl Readers {
    pub(super) fn new(shared: Arc<Shared>, queue: WeakQueue) -> Self {
        let permits = Semaphore::new(READERS);
        Self { shared, queue, permits, idle: Mutex::default() }
    }

    /// Runs `work` on a thread where it may block.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> SqlResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await.map_err(|_| self.shared.closed())?;
        let readers = self.clone();
        let result = spawn_blocking(move || readers.read_now(work)).await;
        let result = result.map_err(|_| self.shared.closed())?;
        if let (Err(StoreError::Corrupt { .. }), Some(queue)) = (&result, self.queue.upgrade()) {
            // A full queue has been asked already, or will meet the damage by itself.
            drop(queue.try_send(Message::Inspect));
        }
        result
    }

    fn read_now<T>(&self, work: impl FnOnce(&Connection) -> SqlResult<T>) -> Result<T, StoreError> {
        let generation = self.shared.generation.load(Ordering::Acquire);
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle().retain(|(opened, _)| *opened == generation);
        let found = idle().pop();
        // A server may have ended it meanwhile.
        let connection = match found.filter(|(_, connection)| connection.answers()) {
            Some((_, connection)) => connection,
            None => open::to_read(&self.shared)?,
        };
        let result = work(&connection).map_err(StoreError::by(&self.shared.database))?;
        let mut idle = idle();
        if idle.len() < IDLE {
            idle.push((generation, connection));
        }
        Ok(result)
    }

    /// Closes the connections that wait for a reader.
    pub(super) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Rows of one kind in chunks.
    pub(super) fn scan<R: Select>(self: &Arc<Self>, query: Query, filter: R::Filter) -> Rows<R> {
        let (sender, rows) = mpsc::channel(AHEAD);
        let readers = self.clone();
        // Ends with the rows, or with the receiver.
        tokio::spawn(async move {
            let mut scan = Scan::<R>::new(query, filter);
            loop {
                let step = readers.read(move |connection| {
                    let chunk = scan.next_chunk(connection)?;
                    Ok((scan, chunk))
                });
                let (next, chunk) = match step.await {
                    Ok(done) => done,
                    Err(error) => {
                        // Nobody is told when nobody listens any more.
                        drop(sender.send(Err(error)).await);
                        return;
                    }
                };
                scan = next;
                if !chunk.is_empty() && sender.send(Ok(chunk)).await.is_err()
                    || sender.is_closed()
                    || scan.is_done()
                {
                    return;
                }
            }
        });
        rows
    }
}

/// A part of one router's rows.
pub(super) struct Span<'a> {
    /// `None`: of all of them; only a kind that is [`Select::BY_TIME`] is asked so.
    pub(super) router: Option<RouterId>,
    pub(super) names: &'a Names,
    pub(super) from: Millis,
    pub(super) until: Millis,
    /// Only rows older than this one.
    pub(super) before: Option<Key>,
    pub(super) limit: i64,
    pub(super) offset: i64,
}

/// Of routers.
pub(super) type Names = BTreeMap<RouterId, String>;

impl Span<'_> {
    /// Whose rows; the bridge itself has none of those that are always of one.
    pub(super) fn one(&self) -> RouterId {
        self.router.unwrap_or(RouterId::BRIDGE)
    }

    pub(super) fn name(&self, router: RouterId) -> String {
        self.names.get(&router).cloned().unwrap_or_default()
    }
}

/// A kind of row that can be scanned.
pub(super) trait Select: Sized + Send + 'static {
    type Filter: Send + 'static;

    /// Servers have an index by time alone, and find the newest rows of all routers at once. A
    /// file has none, which would make it a third larger: there each router is asked.
    const BY_TIME: bool = false;

    /// Newest first.
    fn select(
        connection: &Connection,
        span: &Span<'_>,
        filter: &Self::Filter,
    ) -> SqlResult<Vec<Self>>;

    fn key(&self) -> Key;

    /// Whose rows there are; those of each are in the order of their keys.
    fn select_sources(
        connection: &Connection,
        router: Option<RouterId>,
    ) -> SqlResult<Vec<(RouterId, String)>> {
        connection.query(
            "SELECT id, name FROM routers WHERE ?1 IS NULL OR id = ?1",
            params![router.map(|router| router.0)],
            |row| Ok((RouterId(row.get(0)?), row.get(1)?)),
        )
    }
}

/// Where a scan is: the next rows of every router, merged by time.
struct Scan<R: Select> {
    query: Query,
    filter: R::Filter,
    /// `None` before the first chunk.
    sources: Option<Vec<Source<R>>>,
    names: Names,
    skip: u64,
    left: u64,
}

struct Source<R> {
    router: Option<RouterId>,
    ready: VecDeque<R>,
    before: Option<Key>,
    is_done: bool,
}

impl<R: Select> Scan<R> {
    fn new(query: Query, filter: R::Filter) -> Self {
        let (skip, left) = (query.offset, query.limit.unwrap_or(u64::MAX));
        Self { query, filter, sources: None, names: Names::new(), skip, left }
    }

    fn is_done(&self) -> bool {
        self.left == 0 || self.sources.as_ref().is_some_and(Vec::is_empty)
    }

    /// Empty: all of the rows that were looked at are left out, or there are no more.
    fn next_chunk(&mut self, connection: &Connection) -> SqlResult<Vec<R>> {
        if self.sources.is_none() {
            let routers = R::select_sources(connection, self.query.router)?;
            let is_asked_once =
                R::BY_TIME && self.query.router.is_none() && connection.is_of_server();
            self.sources = Some(if is_asked_once {
                vec![source(&self.query, None)]
            } else {
                routers.iter().map(|(router, _)| source(&self.query, Some(*router))).collect()
            });
            self.names = routers.into_iter().collect();
        }
        let mut sources = self.sources.take().unwrap_or_default();
        let mut chunk = Vec::new();
        for _ in 0..CHUNK {
            if self.left == 0 {
                break;
            }
            let Some(row) = self.next_row(connection, &mut sources)? else { break };
            if self.skip > 0 {
                self.skip -= 1;
            } else {
                self.left -= 1;
                chunk.push(row);
            }
        }
        self.sources = Some(sources);
        Ok(chunk)
    }

    fn next_row(
        &mut self,
        connection: &Connection,
        sources: &mut Vec<Source<R>>,
    ) -> SqlResult<Option<R>> {
        let count = sources.len();
        for source in sources.iter_mut().filter(|source| source.ready.is_empty()) {
            self.refill(connection, source, count)?;
        }
        sources.retain(|source| !source.ready.is_empty());
        let newest = sources
            .iter_mut()
            .max_by_key(|source| source.ready.front().map(|row| (row.key(), source.router)));
        Ok(newest.and_then(|source| source.ready.pop_front()))
    }

    fn refill(
        &mut self,
        connection: &Connection,
        source: &mut Source<R>,
        sources: usize,
    ) -> SqlResult<()> {
        if source.is_done {
            return Ok(());
        }
        // Of one router SQLite leaves rows out faster than we do.
        let offset = if sources == 1 { std::mem::take(&mut self.skip) } else { 0 };
        // Most answers are short, and each of many routers has a small part in them.
        let left = self.left.saturating_add(self.skip).clamp(1, CHUNK as u64);
        let share = (2 * left / sources as u64).max(LEAST);
        let limit = super::samples::signed(share.min(left));
        let span = Span {
            router: source.router,
            names: &self.names,
            from: self.query.from,
            until: self.query.until,
            before: source.before,
            limit,
            offset: super::samples::signed(offset),
        };
        let rows = R::select(connection, &span, &self.filter)?;
        source.is_done = super::samples::signed(rows.len() as u64) < limit;
        source.before = rows.last().map(Select::key);
        source.ready = rows.into();
        Ok(())
    }
}

fn source<R>(query: &Query, router: Option<RouterId>) -> Source<R> {
    // No row has the number 0, so this is the place before the first one of `until`.
    let end = Key { at: query.until, id: 0 };
    let before = query.before.map(|key| key.min(end));
    Source { router, ready: VecDeque::new(), before, is_done: false }
}

/// By name; without the bridge itself.
pub(super) fn select_routers(connection: &Connection) -> SqlResult<Vec<RouterRecord>> {
    connection.query(
        "SELECT r.id, r.name,
         (SELECT at FROM samples WHERE router = r.id ORDER BY at DESC LIMIT 1),
         (SELECT at FROM events WHERE router = r.id ORDER BY at DESC LIMIT 1),
         (SELECT start FROM gaps WHERE router = r.id ORDER BY start DESC LIMIT 1),
         (SELECT until FROM gaps WHERE router = r.id ORDER BY start DESC LIMIT 1),
         s.name, c.after, c.revision
         FROM routers AS r LEFT JOIN cursors AS c ON c.router = r.id
         LEFT JOIN streams AS s ON s.id = c.stream
         WHERE r.id != ?1 ORDER BY r.name",
        params![RouterId::BRIDGE.0],
        |row| {
            let cursor = match row.get::<Option<String>>(6)? {
                Some(stream) => Some(Cursor {
                    stream,
                    after: unsigned(row.get(7)?),
                    revision: unsigned(row.get(8)?),
                }),
                None => None,
            };
            let (start, until): (Option<Millis>, Option<Millis>) = (row.get(4)?, row.get(5)?);
            Ok(RouterRecord {
                id: RouterId(row.get(0)?),
                name: row.get(1)?,
                last_sample: row.get(2)?,
                last_event: row.get(3)?,
                last_gap: start.zip(until),
                cursor,
            })
        },
    )
}
