//! What the bridge keeps, in a SQLite file or a database of a server. The pollers write here, the
//! API reads here; nothing outside this folder knows SQL, and here only `sql` knows engines apart
//! (and `schema`, `recovery`, `backup`, `report`: what is done with files).
//!
//! One thread owns the writing connection (`writer`); it groups the commands that wait into
//! one transaction and answers each after the commit. Readers (`reader`) have read-only
//! connections and read chunk by chunk, so that none keeps the WAL from being emptied.

mod alerts;
mod backup;
mod concluded;
mod copy;
mod database;
mod error;
mod events;
mod facts;
mod health;
mod hourly;
mod hours;
mod month;
mod open;
mod outages;
mod past;
mod reach;
mod reader;
mod records;
mod recovery;
mod report;
mod retention;
mod samples;
mod schema;
mod slices;
mod sql;
mod sums;
mod tables;
mod writer;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::oneshot;

use self::health::Shared;
use self::reader::Readers;
use self::writer::{Queue, Writer};

pub use self::backup::restore;
pub use self::copy::{Copied, Progress as CopyProgress, copy};
pub use self::database::{Address, Database};
pub use self::error::StoreError;
pub use self::health::Health;
pub use self::month::{MonthRows, Reading, WatchedHour};
pub use self::past::{ALL_TARGETS, NewRows};
pub use self::records::{
    Alert, AlertQuery, AlertRecord, AlertStatus, EventQuery, EventRecord, Extent, GapRecord,
    HourPingRecord, HourQuery, HourRecord, Key, OutageRecord, PingQuery, PingRecord, Query,
    RouterId, RouterRecord, Rows, SampleRecord, Stored, Summary,
};
pub use self::report::{Report, Table, check};

use crate::record::{Cursor, Event, EventBatch, Millis, Sample};

/// The open database. Clones are handles of the same; when the last is dropped the writer
/// finishes what was handed to it and ends.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Queue,
    readers: Arc<Readers>,
    shared: Arc<Shared>,
}

/// What happened when the database was opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opened {
    /// For the log, a sentence each.
    pub notices: Vec<String>,
    /// Where the damaged file is now, if it was one.
    pub set_aside: Option<PathBuf>,
}

impl Store {
    /// Opens a database, or makes its tables. A damaged file is set aside and a new one made; a
    /// server that cannot be reached is waited for by each command. Blocks while it checks the
    /// file or connects.
    ///
    /// # Errors
    /// A path that cannot be a database, one that is not ours or is of a newer version (it is
    /// left as it is), a disk that cannot be written, a server that does not let us in.
    pub fn open(database: impl Into<Database>, now: Millis) -> Result<(Self, Opened), StoreError> {
        let shared = Arc::new(Shared::new(database.into(), now));
        // Connections to servers wait in a runtime of their own, which no other one allows.
        let (writer, opened) = std::thread::scope(|scope| {
            let opened = scope.spawn(|| Writer::open(shared.clone(), now)).join();
            opened.unwrap_or_else(|_| Err(shared.closed()))
        })?;
        let queue = writer.spawn()?;
        let readers = Arc::new(Readers::new(shared.clone(), queue.downgrade()));
        Ok((Self { inner: Arc::new(Inner { queue, readers, shared }) }, opened))
    }

    /// The router of this name; its row is made on first use.
    ///
    /// # Errors
    /// See [`StoreError`]; a router that is known is found on a full disk, too.
    pub async fn router(&self, name: &str) -> Result<RouterId, StoreError> {
        if let Some(id) = self.known_router(name) {
            return Ok(id);
        }
        let name = Arc::<str>::from(name);
        let wanted = name.clone();
        self.write(
            move |connection| writer::insert_router(connection, &wanted),
            move |shared, id| shared.add_router(*id, &name),
        )
        .await
    }

    /// The router of this name, if anything of it was ever stored.
    pub fn known_router(&self, name: &str) -> Option<RouterId> {
        self.inner.shared.router(name)
    }

    /// Stores a poll, unless there is one of the same router and millisecond, or another bridge
    /// has stored one since ours before. Waits while the queue is full.
    ///
    /// # Errors
    /// Nothing is stored then. See [`StoreError`].
    pub async fn put_sample(&self, router: RouterId, sample: Sample) -> Result<(), StoreError> {
        let at = sample.at;
        let polled = self.inner.shared.polled(router, at);
        self.write(
            move |connection| samples::insert_sample(connection, router, &sample, polled),
            move |shared, ()| shared.saw(at),
        )
        .await
    }

    /// Stores the events that are new, corrects those known under a smaller revision, records
    /// what was missed, and moves the cursor; all of it or nothing. The same batch again
    /// changes nothing.
    ///
    /// # Errors
    /// Nothing is stored then, and the cursor is where it was: poll again.
    pub async fn put_events(
        &self,
        router: RouterId,
        batch: EventBatch,
        received: Millis,
    ) -> Result<Stored, StoreError> {
        check_numbers(&batch)?;
        self.write(
            move |connection| events::insert_batch(connection, router, &batch, received),
            move |shared, stored| shared.count(router, *stored, received),
        )
        .await
    }

    /// Stores events of an agent that does not number them, from one answer: one row each by
    /// kind, time and text, and as many rows of the same as one answer ever had.
    ///
    /// # Errors
    /// Nothing is stored then.
    pub async fn put_unnumbered(
        &self,
        router: RouterId,
        events: Vec<Event>,
        received: Millis,
    ) -> Result<Stored, StoreError> {
        self.write(
            move |connection| {
                let events: Vec<&Event> = events.iter().collect();
                let new = events::insert_unnumbered(connection, router, &events, received)?;
                Ok(Stored { new, ..Stored::default() })
            },
            move |shared, stored| shared.count(router, *stored, received),
        )
        .await
    }

    /// Records that the router could not be reached. A gap that begins at the same `from`
    /// grows.
    ///
    /// # Errors
    /// Nothing is stored then.
    pub async fn put_gap(
        &self,
        router: RouterId,
        from: Millis,
        until: Millis,
    ) -> Result<(), StoreError> {
        self.write(
            move |connection| samples::insert_gap(connection, router, from, until),
            move |shared, ()| shared.saw(until),
        )
        .await
    }

    /// Stores the states of alerts that are not known yet; gives how many there were.
    ///
    /// # Errors
    /// Nothing is stored then: it should be told again.
    pub async fn put_alerts(&self, told: Vec<Alert>, received: Millis) -> Result<u64, StoreError> {
        self.write(
            move |connection| alerts::insert_alerts(connection, &told, received),
            move |shared, _| shared.saw(received),
        )
        .await
    }

    /// Adds up at most `limit` hours that are complete `now` and not yet what their rows say;
    /// gives how many there were.
    ///
    /// # Errors
    /// Nothing is added up then.
    pub async fn roll_up(&self, now: Millis, limit: u64) -> Result<u64, StoreError> {
        self.write(move |connection| hours::roll_up(connection, now, limit), |_, _| {}).await
    }

    /// Deletes some samples, events and gaps from before `before`, a whole hour; gives how many
    /// rows. Zero: none are left, or an hour has to be added up first.
    ///
    /// # Errors
    /// Nothing is deleted then.
    pub async fn delete_rows(&self, before: Millis, limit: u64) -> Result<u64, StoreError> {
        self.write(move |c| retention::delete_rows(c, before, limit), |_, _| {}).await
    }

    /// Deletes some hours, outages and alerts from before `before`; gives how many rows.
    ///
    /// # Errors
    /// Nothing is deleted then.
    pub async fn delete_hours(&self, before: Millis, limit: u64) -> Result<u64, StoreError> {
        self.write(move |c| retention::delete_hours(c, before, limit), |_, _| {}).await
    }

    /// Notes that a clean-up is done.
    ///
    /// # Errors
    /// It is not noted then.
    pub async fn put_cleaned(&self, at: Millis) -> Result<(), StoreError> {
        self.write(move |connection| facts::put(connection, facts::CLEANED, at), |_, ()| {}).await
    }

    /// How far the rows reach.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn extent(&self) -> Result<Extent, StoreError> {
        self.read(retention::select_extent).await
    }

    /// How far the router's events have been read; `None`: nothing yet.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn cursor(&self, router: RouterId) -> Result<Option<Cursor>, StoreError> {
        self.read(move |connection| events::select_cursor(connection, router)).await
    }

    /// Polls. Must be called within a tokio runtime.
    pub fn samples(&self, query: Query) -> Rows<SampleRecord> {
        self.inner.readers.scan(query, ())
    }

    /// Pings. Must be called within a tokio runtime.
    pub fn pings(&self, query: PingQuery) -> Rows<PingRecord> {
        self.inner.readers.scan(query.rows, query.target)
    }

    /// Events. Must be called within a tokio runtime.
    pub fn events(&self, query: EventQuery) -> Rows<EventRecord> {
        self.inner.readers.scan(query.rows, query.kind)
    }

    /// Outages that touch the time of the query, as they are known `now`. Must be called
    /// within a tokio runtime.
    pub fn outages(&self, query: Query, now: Millis) -> Rows<OutageRecord> {
        self.inner.readers.scan(query, now)
    }

    /// Hours that are added up. Must be called within a tokio runtime.
    pub fn hours(&self, query: HourQuery) -> Rows<HourRecord> {
        self.inner.readers.scan(query.rows, query.target)
    }

    /// Alerts, by their arrival. Must be called within a tokio runtime.
    pub fn alerts(&self, query: AlertQuery) -> Rows<AlertRecord> {
        let AlertQuery { rows, router, name, status } = query;
        let rows = Query { router: None, ..rows };
        self.inner.readers.scan(rows, alerts::Filter { router, name, status })
    }

    /// The outage that the drop of this number belongs to.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn outage(&self, id: i64, now: Millis) -> Result<Option<OutageRecord>, StoreError> {
        self.read(move |connection| outages::select_with(connection, id, now)).await
    }

    /// What is stored of one router and a time, as it is known `now`, for the report.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn month(
        &self,
        router: RouterId,
        time: Range<Millis>,
        now: Millis,
    ) -> Result<MonthRows, StoreError> {
        self.read(move |connection| month::select_month(connection, router, &time, now)).await
    }

    /// Means of samples and pings over each of the times; `None`: the rows are gone.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn readings(
        &self,
        router: RouterId,
        times: Vec<Range<Millis>>,
    ) -> Result<Vec<Option<Reading>>, StoreError> {
        self.read(move |connection| month::select_readings(connection, router, &times)).await
    }

    /// Times in which routers could not be reached, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn gaps(&self, query: Query) -> Result<Vec<GapRecord>, StoreError> {
        self.read(move |connection| samples::select_gaps(connection, &query)).await
    }

    /// How many samples there are, whatever limit and offset say.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn count_samples(&self, query: Query) -> Result<u64, StoreError> {
        self.read(move |connection| {
            connection.at_one_moment(|| sums::count_samples(connection, &query))
        })
        .await
    }

    /// Totals and means, whatever limit and offset say.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn summary(&self, query: Query) -> Result<Summary, StoreError> {
        self.read(move |connection| {
            connection.at_one_moment(|| sums::summarise(connection, &query))
        })
        .await
    }

    /// All that were ever polled, by name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn routers(&self) -> Result<Vec<RouterRecord>, StoreError> {
        self.read(reader::select_routers).await
    }

    /// Can it write, how full is it. Reads no table and waits for nothing.
    pub fn health(&self) -> Health {
        self.inner.shared.health(&self.inner.queue)
    }

    /// Copies the database into the file `to` while work goes on: into a file beside it first,
    /// which is checked and then takes the name. Gives the bytes of the copy.
    ///
    /// # Errors
    /// What was at `to` before is still there then.
    pub async fn backup(&self, to: &Path) -> Result<u64, StoreError> {
        let database = &self.inner.shared.database;
        let (Some(database), target) = (database.file().map(Path::to_owned), to.to_owned()) else {
            return Err(StoreError::OnlyFiles { doing: "backup", database: database.clone() });
        };
        let copied = tokio::task::spawn_blocking(move || backup::copy(&database, &target));
        let copy = copied.await.map_err(|_| self.inner.shared.closed())??;
        self.write(
            move |connection| facts::put(connection, facts::LAST_BACKUP, copy.made),
            move |shared, ()| shared.backed_up(copy.made),
        )
        .await?;
        Ok(copy.bytes)
    }

    /// Waits until all that was handed over is stored, empties the WAL into the file and ends
    /// the writer; what is written afterwards fails with [`StoreError::Closed`].
    pub async fn close(&self) {
        self.inner.readers.close();
        let (done, ended) = oneshot::channel();
        if self.inner.queue.send(writer::Message::Close(done)).await.is_ok() {
            // An error is the writer that has ended already.
            ended.await.unwrap_or_default();
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&sql::Connection) -> sql::Result<T> + Send + 'static,
        committed: impl FnOnce(&Shared, &T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let call = writer::Message::call(work, committed, reply);
        self.inner.queue.send(call).await.map_err(|_| self.inner.shared.closed())?;
        answer.await.map_err(|_| self.inner.shared.closed())?
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&sql::Connection) -> sql::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.readers.read(work).await
    }
}

/// Before it costs the others in the same transaction anything.
fn check_numbers(batch: &EventBatch) -> Result<(), StoreError> {
    let max = events::MAX_NUMBER;
    let seqs = batch.events.iter().filter_map(|event| event.seq).map(|seq| ("seq", seq));
    let all = seqs.chain([("revision", batch.revision), ("next_seq", batch.next_seq)]);
    match all.into_iter().find(|(_, value)| *value > max) {
        Some((what, value)) => Err(StoreError::OutOfRange { what, value, max }),
        None => Ok(()),
    }
}
