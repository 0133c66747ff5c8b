//! `/net/events`: the queue from a cursor on, for readers that must not miss any.
//!
//! A reader says which stream it follows, the last event it has, and the revision of the
//! times it knows; with `wait` the answer comes when there is something new.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::failure;
use super::legacy_status::seconds;
use crate::clock;
use crate::events::event::Event;
use crate::events::queue::Snapshot;
use crate::exporter::Views;

/// Each holds a connection; whoever comes later is answered at once.
const MAX_LONG_POLLS: usize = 16;
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Events in one answer: some 200 kB.
pub(super) const MAX_LIMIT: usize = 1000;

/// What readers of events share.
#[derive(Debug, Clone)]
pub(crate) struct Polls {
    published: watch::Receiver<Arc<Snapshot>>,
    places: Arc<Semaphore>,
    /// The program stops: who waits is answered.
    closing: CancellationToken,
}

impl Polls {
    pub(crate) fn new(published: watch::Receiver<Arc<Snapshot>>) -> Self {
        let places = Arc::new(Semaphore::new(MAX_LONG_POLLS));
        Self { published, places, closing: CancellationToken::new() }
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.published.borrow())
    }

    pub(crate) fn close(&self) {
        self.closing.cancel();
    }

    /// The queue once it has something new for the reader, or the time is over.
    async fn news(&self, cursor: &Cursor) -> Arc<Snapshot> {
        let mut published = self.published.clone();
        let Ok(_place) = self.places.try_acquire() else {
            return self.snapshot();
        };
        let news = published.wait_for(|snapshot| cursor.has_news(snapshot));
        tokio::select! {
            // Without an answer in time, or a writer, there is what there is.
            _ = timeout(cursor.wait, news) => {}
            () = self.closing.cancelled() => {}
        }
        self.snapshot()
    }
}

/// Where a reader stands, and what it wants.
#[derive(Debug, PartialEq)]
pub(super) struct Cursor {
    pub(super) stream: Option<String>,
    pub(super) after: u64,
    pub(super) revision: Option<u64>,
    pub(super) limit: usize,
    pub(super) wait: Duration,
}

impl Cursor {
    /// From the query of a request; unknown parameters are for later versions.
    pub(super) fn parse(query: &str) -> Result<Self, String> {
        let mut cursor =
            Self { stream: None, after: 0, revision: None, limit: MAX_LIMIT, wait: Duration::ZERO };
        for part in query.split('&') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let number = || value.parse::<u64>().map_err(|_| format!("{name}: expected a number"));
            match name {
                "stream" => cursor.stream = Some(value.to_owned()).filter(|name| !name.is_empty()),
                "after" => cursor.after = number()?,
                "revision" => cursor.revision = Some(number()?),
                "limit" => {
                    let limit = usize::try_from(number()?).unwrap_or(MAX_LIMIT);
                    cursor.limit = limit.clamp(1, MAX_LIMIT);
                }
                "wait" => {
                    let wait =
                        value.parse().ok().and_then(|wait| Duration::try_from_secs_f64(wait).ok());
                    let wait = wait.ok_or("wait: expected seconds, at most 60")?;
                    cursor.wait = wait.min(LONGEST_WAIT);
                }
                _ => {}
            }
        }
        Ok(cursor)
    }

    fn is_of(&self, snapshot: &Snapshot) -> bool {
        match &self.stream {
            Some(stream) => *stream == snapshot.stream,
            // A number that this stream has not got yet is of another one.
            None => self.after < snapshot.next_seq,
        }
    }

    fn has_news(&self, snapshot: &Snapshot) -> bool {
        !self.is_of(snapshot)
            || self.after.saturating_add(1) < snapshot.next_seq
            || self.revision.is_some_and(|revision| revision != snapshot.revision)
    }
}

#[derive(Debug, Serialize)]
struct Page<'a> {
    stream: &'a str,
    revision: u64,
    events: Vec<Shown<'a>>,
    next_seq: u64,
    oldest_seq: u64,
    missed: Option<u64>,
    boot_id: Option<&'a str>,
    uptime: f64,
    time: f64,
    time_synced: Option<bool>,
}

/// An event as readers get it.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    /// Local time of the router.
    time: String,
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
    seq: u64,
    /// Seconds since 1970.
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<serde_json::Map<String, serde_json::Value>>,
}

impl<'a> Shown<'a> {
    pub(super) fn of(event: &'a Event, zone: &jiff::tz::TimeZone) -> Self {
        let detail =
            event.detail.iter().map(|(name, value)| (name.to_string(), value.clone().into()));
        Self {
            time: clock::local_text(event.at.unix, zone),
            kind: event.kind.name(),
            message: &event.message,
            seq: event.seq,
            ts: seconds(event.at.unix),
            detail: Some(detail.collect())
                .filter(|detail: &serde_json::Map<_, _>| !detail.is_empty()),
        }
    }
}

pub(super) async fn show(State(views): State<Arc<Views>>, RawQuery(query): RawQuery) -> Response {
    let cursor = match Cursor::parse(query.as_deref().unwrap_or_default()) {
        Ok(cursor) => cursor,
        Err(reason) => return failure(StatusCode::BAD_REQUEST, &reason),
    };
    let snapshot = views.events.news(&cursor).await;
    let zone = clock::local_zone(&views.roots);
    // A reader of another stream knows none of this one.
    let (after, missed) = if cursor.is_of(&snapshot) {
        (cursor.after, Some(snapshot.missed_after(cursor.after)))
    } else {
        (0, None)
    };
    let page = Page {
        stream: &snapshot.stream,
        revision: snapshot.revision,
        events: snapshot.after(after, cursor.limit).map(|event| Shown::of(event, &zone)).collect(),
        next_seq: snapshot.next_seq,
        oldest_seq: snapshot.first_readable,
        missed,
        boot_id: views.identity.boot_id.as_deref(),
        uptime: seconds(clock::since_boot()),
        time: seconds(clock::unix_time()),
        time_synced: clock::is_synchronized(&views.roots),
    };
    match serde_json::to_string(&page) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => failure(StatusCode::INTERNAL_SERVER_ERROR, "the events could not be written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_is_read() {
        let cursor = Cursor::parse("stream=ab12&after=41&revision=3&limit=5&wait=2.5&x=y").unwrap();
        assert_eq!(
            cursor,
            Cursor {
                stream: Some("ab12".to_owned()),
                after: 41,
                revision: Some(3),
                limit: 5,
                wait: Duration::from_millis(2500),
            }
        );
        assert_eq!(Cursor::parse("wait=1e9").unwrap().wait, LONGEST_WAIT);
        assert_eq!(Cursor::parse("limit=0").unwrap().limit, 1);
        assert_eq!(Cursor::parse("stream=").unwrap().stream, None);
        for bad in ["after=x", "after=-1", "wait=-1", "wait=soon", "limit=", "wait=NaN"] {
            assert!(Cursor::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_query_gets_an_answer(query in "[ -~]{0,60}") {
            Cursor::parse(&query).ok();
        }
    }
}
