//! Files that are damaged, removed, foreign or newer; a program that is killed.

use std::fs;
use std::io::{Seek, SeekFrom, Write};

use super::*;

async fn put(store: &Store, seqs: std::ops::Range<u64>) -> u64 {
    let router = store.router("gw").await.unwrap();
    store.put_events(router, batch(seqs, 0), NOW).await.unwrap().new
}

/// Events of the router, by number.
async fn seqs(store: &Store) -> Vec<u64> {
    let router = Some(store.router("gw").await.unwrap());
    let query = EventQuery { rows: Query { router, ..all() }, kind: None };
    let mut seqs: Vec<u64> =
        rows(store.events(query)).await.iter().filter_map(|row| row.seq).collect();
    seqs.sort_unstable();
    seqs
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

/// Garbage over every page but the first `keep` bytes.
fn damage(path: &Path, keep: u64) {
    let bytes = fs::metadata(path).unwrap().len();
    assert!(bytes > keep, "{bytes}");
    overwrite(path, keep, &vec![0xA5; usize::try_from(bytes - keep).unwrap()]);
}

/// A database of some pages, closed.
async fn filled() -> Place {
    let place = Place::new();
    let store = place.open();
    put(&store, 1..500).await;
    store.close().await;
    place
}

async fn check_set_aside(place: &Place) {
    let before = fs::read(&place.path).unwrap();
    let (store, opened) = place.open_and_tell();
    let moved = place.file("netmonitor.db.corrupt-20250212T023400Z");
    assert_eq!(opened.set_aside.as_deref(), Some(&*moved));
    assert_eq!(fs::read(&moved).unwrap(), before, "it may still be of use");
    assert_eq!(opened.notices.len(), 1);
    assert!(opened.notices[0].contains("set aside as netmonitor.db.corrupt-2025"), "{opened:?}");
    assert_eq!(store.health().set_aside, [moved]);
    let told = rows(store.events(all_events())).await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].kind.as_str(), told[0].at), ("database_set_aside", NOW));
    assert_eq!(told[0].router, "netmonitor-bridge");
    assert_eq!(put(&store, 1..4).await, 3, "storing goes on");
    store.close().await;
    let (_, again) = place.open_and_tell();
    assert_eq!(again, Opened::default(), "it is told once");
}

#[tokio::test]
async fn garbage_in_the_header_is_set_aside() {
    let place = filled().await;
    overwrite(&place.path, 0, b"this is not a database at all...");
    check_set_aside(&place).await;
}

#[tokio::test]
async fn garbage_in_the_middle_is_set_aside() {
    let place = filled().await;
    damage(&place.path, 8192);
    check_set_aside(&place).await;
}

#[tokio::test]
async fn a_file_that_was_cut_is_set_aside() {
    let place = filled().await;
    fs::OpenOptions::new().write(true).open(&place.path).unwrap().set_len(20_000).unwrap();
    check_set_aside(&place).await;
}

#[tokio::test]
async fn damage_at_run_time_is_set_aside_and_ids_stay_good() {
    let place = filled().await;
    let store = place.open();
    let (first, router) = (store.router("first").await.unwrap(), store.router("gw").await.unwrap());
    store.put_sample(first, sample(NOW + 5)).await.unwrap();
    // Into the file, so that its pages are read again from there.
    schema::open_to_write(&place.path)
        .unwrap()
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    damage(&place.path, 4096);
    // The reader meets it first, or the writer does: it has its pages in memory.
    let answer = store.events(all_events()).recv().await.unwrap();
    assert!(matches!(answer, Err(StoreError::Corrupt { .. })), "{answer:?}");
    let inspected = async {
        while store.health().set_aside.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, inspected).await.unwrap();
    assert_eq!(store.put_events(router, batch(500..503, 0), NOW).await.unwrap().new, 3);
    store.put_sample(first, sample(NOW + 6)).await.unwrap();
    assert_eq!(seqs(&store).await, [500, 501, 502]);
    let samples = rows(store.samples(all())).await;
    assert_eq!(samples.len(), 1);
    assert_eq!(samples[0].router, "first");
    assert_eq!(place.names_with("corrupt").len(), 1);
    assert_eq!(store.health().writable, Ok(()));
}

#[tokio::test]
async fn a_file_removed_under_the_program_is_made_again() {
    let place = filled().await;
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    for name in place.names_with("netmonitor.db") {
        fs::remove_file(place.file(&name)).unwrap();
    }
    assert_eq!(store.put_events(router, batch(500..502, 0), NOW).await.unwrap().new, 2);
    assert_eq!(seqs(&store).await, [500, 501]);
    drop(store);
    assert!(place.path.exists());
}

/// The files as a kill or a power cut leaves them, at a moment between commits.
fn image_of(place: &Place) -> Place {
    let image = Place::new();
    for name in ["netmonitor.db", "netmonitor.db-wal"] {
        fs::copy(place.file(name), image.file(name)).unwrap();
    }
    image
}

#[tokio::test]
async fn after_a_kill_all_that_was_answered_is_there_and_nothing_twice() {
    let place = Place::new();
    let store = place.open();
    for last in 1..20 {
        put(&store, last..last + 1).await;
        let image = image_of(&place);
        let reopened = image.open();
        assert_eq!(seqs(&reopened).await, (1..=last).collect::<Vec<_>>());
        let router = reopened.router("gw").await.unwrap();
        let cursor = reopened.cursor(router).await.unwrap().unwrap();
        assert_eq!(cursor.after, last, "of the same commit");
    }
}

#[tokio::test]
async fn a_commit_that_a_power_cut_took_is_polled_again() {
    let place = Place::new();
    let store = place.open();
    put(&store, 1..6).await;
    let image = image_of(&place);
    let wal = image.file("netmonitor.db-wal");
    put(&store, 6..9).await;
    fs::copy(place.file("netmonitor.db-wal"), &wal).unwrap();
    // The end of the log did not reach the disk.
    let bytes = fs::metadata(&wal).unwrap().len();
    fs::OpenOptions::new().write(true).open(&wal).unwrap().set_len(bytes - 100).unwrap();
    let reopened = image.open();
    let router = reopened.router("gw").await.unwrap();
    assert_eq!(seqs(&reopened).await, [1, 2, 3, 4, 5]);
    let after = reopened.cursor(router).await.unwrap().unwrap().after;
    assert_eq!(put(&reopened, after + 1..9).await, 3);
    assert_eq!(seqs(&reopened).await, (1..9).collect::<Vec<_>>());
}

#[track_caller]
fn check_refused(place: &Path, expected: &str) {
    let error = Store::open(place, NOW).err().unwrap();
    let told = error.to_string().replace(&*place.to_string_lossy(), "DB");
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn what_cannot_be_a_database_is_refused() {
    let place = Place::new();
    check_refused(place.path.parent().unwrap(), "database DB: is a folder; name a file in it");
    let lost = place.file("no/such/netmonitor.db");
    check_refused(&lost, "database DB: there is no folder ");
}

#[test]
fn the_folder_of_a_new_database_is_made() {
    let place = Place::new();
    let path = place.file("data/netmonitor.db");
    let (_, opened) = Store::open(&path, NOW).unwrap();
    assert!(opened.notices[0].ends_with("data: made"), "{opened:?}");
    assert!(path.is_file());
}

#[test]
fn an_old_flask_file_is_left_alone() {
    let place = Place::new();
    let old = rusqlite::Connection::open(&place.path).unwrap();
    old.execute_batch("CREATE TABLE network_status (id INTEGER PRIMARY KEY, timestamp DATETIME)")
        .unwrap();
    drop(old);
    let before = fs::read(&place.path).unwrap();
    check_refused(&place.path, "database DB: is a file of the old Flask client");
    let other = Place::new();
    let foreign = rusqlite::Connection::open(&other.path).unwrap();
    foreign.execute_batch("CREATE TABLE photos (id INTEGER)").unwrap();
    check_refused(&other.path, "database DB: is a SQLite file of another program");
    assert_eq!(fs::read(&place.path).unwrap(), before);
    assert_eq!(place.names_with(""), ["netmonitor.db"]);
}

#[test]
fn a_newer_schema_is_refused_with_both_versions() {
    let place = Place::new();
    let connection = schema::open_to_write(&place.path).unwrap();
    connection.pragma_update(None, "user_version", 7).unwrap();
    drop(connection);
    let expected = format!("database DB has schema 7, this program knows {}; ", schema::VERSION);
    check_refused(&place.path, &expected);
}

#[tokio::test]
async fn another_programs_lock_is_waited_for() {
    let place = filled().await;
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    let other = schema::open_to_write(&place.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (stored, ()) = tokio::join!(store.put_events(router, batch(500..502, 0), NOW), async {
        tokio::task::yield_now().await;
        assert_eq!(store.count_samples(all()).await.unwrap(), 0, "reading needs no lock");
        other.execute_batch("ROLLBACK").unwrap();
    });
    assert_eq!(stored.unwrap().new, 2);
}

#[tokio::test]
async fn the_log_is_bounded_while_readers_come_and_go() {
    let place = Place::new();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    let mut slow = store.events(all_events());
    for first in (0..400).map(|number| number * 100 + 1) {
        put(&store, first..first + 100).await;
        if slow.recv().await.is_none() {
            slow = store
                .events(EventQuery { rows: Query { router: Some(router), ..all() }, kind: None });
        }
        assert!(store.health().wal_bytes < Some(16 * 1024 * 1024), "{:?}", store.health());
    }
    store.close().await;
    let closed = store.put_gap(router, 1, 2).await.unwrap_err();
    assert!(matches!(closed, StoreError::Closed { .. }));
    assert_eq!(store.health().wal_bytes, Some(0));
}
