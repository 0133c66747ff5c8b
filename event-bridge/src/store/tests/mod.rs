//! The store as its users see it: real SQLite in temporary folders, real PostgreSQL and MariaDB.

#![expect(clippy::duplicate_mod, reason = "the same tests on each engine")]

mod file;
mod on_mariadb;
mod on_postgres;
mod on_sqlite;
mod server;
mod servers;

use std::path::{Path, PathBuf};
use std::time::Duration;

use self::servers::Engine;
use super::*;
use crate::record::{Ping, WanState};

/// 2025-02-12 02:34 UTC.
const NOW: Millis = 1_739_327_640_000;

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Place {
    _folder: tempfile::TempDir,
    /// Where a file is; of a server nothing is there.
    path: PathBuf,
    database: Database,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("netmonitor.db");
        Self { _folder: folder, database: (&path).into(), path }
    }

    fn on(engine: Engine) -> Self {
        Self { database: engine.database(), ..Self::new() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.with_file_name(name)
    }

    fn open(&self) -> Store {
        self.open_and_tell().0
    }

    #[track_caller]
    fn open_and_tell(&self) -> (Store, Opened) {
        Store::open(&self.database, NOW).unwrap()
    }

    /// What a question says, one text per row.
    fn lines(&self, sql: &'static str) -> Vec<String> {
        servers::with(&self.database, |connection| connection.query(sql, &[], |row| row.get(0)))
    }

    /// Names in the folder that contain a word.
    fn names_with(&self, word: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path.parent().unwrap()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.contains(word)).collect();
        names.sort();
        names
    }
}

fn all() -> Query {
    Query::of(None, i64::MIN, i64::MAX)
}

fn all_events() -> EventQuery {
    EventQuery { rows: all(), kind: None }
}

async fn rows<T>(mut rows: Rows<T>) -> Vec<T> {
    let mut found = Vec::new();
    while let Some(chunk) = rows.recv().await {
        let chunk = chunk.unwrap();
        assert!((1..=512).contains(&chunk.len()), "{} rows", chunk.len());
        found.extend(chunk);
    }
    found
}

fn event(seq: u64, at: Millis, message: &str) -> Event {
    Event {
        seq: Some(seq),
        at,
        kind: "pppoe_up".to_owned(),
        message: message.to_owned(),
        detail: None,
    }
}

fn unnumbered(at: Millis, message: &str) -> Event {
    Event { seq: None, ..event(0, at, message) }
}

fn batch(seqs: std::ops::Range<u64>, revision: u64) -> EventBatch {
    let step = i64::try_from(revision).unwrap() * 1_000_000;
    let at = |seq| NOW + i64::try_from(seq).unwrap() * 1000 + step;
    EventBatch {
        stream: "b7c1".to_owned(),
        revision,
        next_seq: seqs.end,
        events: seqs.map(|seq| event(seq, at(seq), &format!("number {seq}"))).collect(),
        missed: Some(0),
        unreadable: Vec::new(),
    }
}

fn sample(at: Millis) -> Sample {
    let ping = |target: &str| Ping {
        target: target.to_owned(),
        rtt_ms: Some(12.345),
        loss_percent: Some(1.7),
        sent_total: Some(60),
        lost_total: Some(1),
    };
    Sample {
        at,
        wan_state: WanState::Up,
        rx_errors: Some(1),
        tx_errors: Some(2),
        rx_dropped: Some(3),
        tx_dropped: None,
        optical_rx_dbm: Some(-19.87),
        optical_tx_dbm: Some(2.5),
        cpu_celsius: Some(51.3),
        pppoe_reconnects_24h: Some(4),
        wan_downs_24h: Some(0),
        pings: vec![ping("8.8.8.8"), ping("1.1.1.1")],
    }
}
