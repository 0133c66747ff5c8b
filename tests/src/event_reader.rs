//! Reads `/net/events` as the bridge does: from a cursor on, waiting for what is new.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::clock;
use crate::http_client::Client;

/// Seconds; less than our client's patience.
const WAIT: u32 = 5;

/// An event as it is shown, without what is made from it for people.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Event {
    /// Its number in the stream.
    pub seq: u64,
    /// Seconds since 1970.
    pub ts: f64,
    /// Type.
    #[serde(rename = "type")]
    pub kind: String,
    /// For people.
    pub message: String,
}

impl Event {
    /// Its time in milliseconds.
    #[must_use]
    pub fn unix_ms(&self) -> u64 {
        (self.ts * 1000.0).round() as u64
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Page {
    /// Whose numbers these are.
    pub stream: String,
    /// Grows with corrected times.
    pub revision: u64,
    /// Oldest first.
    pub events: Vec<Event>,
    /// Of the event to come.
    pub next_seq: u64,
    /// Of the oldest one that is kept.
    pub oldest_seq: u64,
    /// Evicted before we could read them; `None`: the stream is new to us.
    pub missed: Option<u64>,
}

/// An event, and when its answer had arrived.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// What was seen.
    pub event: Event,
    /// When.
    pub at: Instant,
}

/// A reader and its cursor.
pub struct EventReader {
    client: Client,
    known: Option<(String, u64)>,
    /// The last event we have.
    after: u64,
}

impl EventReader {
    /// Will read from the event after `after` on.
    ///
    /// # Errors
    /// When nobody answers there.
    pub fn connect(address: SocketAddr, after: u64) -> Result<Self> {
        Ok(Self { client: Client::connect(address)?, known: None, after })
    }

    /// The last event we have.
    #[must_use]
    pub fn after(&self) -> u64 {
        self.after
    }

    /// What is new, once there is something; after some seconds without, an empty page.
    ///
    /// # Errors
    /// When the answer is none.
    pub fn page(&mut self) -> Result<Page> {
        let mut path = format!("/net/events?after={}&wait={WAIT}", self.after);
        if let Some((stream, revision)) = &self.known {
            path.push_str(&format!("&stream={stream}&revision={revision}"));
        }
        let body = self.client.get(&path)?;
        let page: Page =
            serde_json::from_str(body).with_context(|| format!("{path}: not events: {body}"))?;
        if let Some(last) = page.events.last() {
            self.after = last.seq;
        }
        self.known = Some((page.stream.clone(), page.revision));
        Ok(page)
    }

    /// Waits until there is an event with this number, or nothing comes any more; tells
    /// whether there is.
    ///
    /// # Errors
    /// Those of [`Self::page`].
    pub fn read_to(&mut self, seq: u64) -> Result<bool> {
        while self.after < seq {
            if self.page()?.events.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The next `count` events; fewer when nothing comes any more.
    ///
    /// # Errors
    /// Those of [`Self::page`].
    pub fn sightings(&mut self, count: usize) -> Result<Vec<Sighting>> {
        let mut seen = Vec::new();
        while seen.len() < count {
            let page = self.page()?;
            let at = clock::now();
            if page.events.is_empty() {
                break;
            }
            seen.extend(page.events.into_iter().map(|event| Sighting { event, at }));
        }
        Ok(seen)
    }
}
