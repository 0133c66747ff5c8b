//! Real files in a folder of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;

mod clock;
mod kill;
mod laws;
mod trouble;
mod unusable;

/// 2025-02-12 10:30:00 in China, and how long the router runs by then.
const START: Duration = Duration::from_millis(1_739_327_400_512);
const UPTIME: Duration = Duration::from_millis(123_456);

/// A folder with the files of a queue.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, suffix: &str) -> PathBuf {
        self.0.path().join(format!("events.json{suffix}"))
    }

    fn open(&self, capacity: usize) -> (Queue, Opened) {
        open_at(&self.path(""), capacity, Some("boot-1"))
    }

    /// The queue of a start at which nothing was amiss.
    fn opened(&self, capacity: usize) -> Queue {
        let (queue, opened) = self.open(capacity);
        assert_eq!(opened.notices, Vec::<String>::new());
        queue
    }

    fn text(&self, suffix: &str) -> String {
        fs::read_to_string(self.path(suffix)).unwrap()
    }

    fn put(&self, suffix: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(suffix), text).unwrap();
    }

    /// The numbers in the queue file.
    fn seqs_in_file(&self) -> Vec<u64> {
        let events: Value = serde_json::from_str(&self.text("")).unwrap();
        events.as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect()
    }
}

fn open_at(path: &Path, capacity: usize, boot_id: Option<&str>) -> (Queue, Opened) {
    let mut streams = 0;
    // Different in each run, as random ones are.
    let salt = tempfile::tempdir().unwrap();
    let salt = salt.path().file_name().unwrap().to_str().unwrap().to_owned();
    let fresh = move || {
        streams += 1;
        format!("stream-{salt}-{streams}")
    };
    let zone = TimeZone::posix("CST-8").unwrap();
    Queue::open(Settings { file: path.to_owned(), capacity }, boot_id, zone, fresh)
}

/// So many seconds after the start.
fn moment(seconds: u64) -> Moment {
    let later = Duration::from_secs(seconds);
    Moment { unix: START + later, boot: Some(UPTIME + later) }
}

fn push(queue: &mut Queue, kinds: &[Kind]) {
    for kind in kinds {
        queue.push(Told::new(*kind, format!("it was {}", kind.name())), moment(0));
    }
}

fn push_tests(queue: &mut Queue, count: usize) {
    push(queue, &vec![Kind::Test; count]);
}

#[track_caller]
fn commit(queue: &mut Queue) {
    assert_eq!(queue.commit(&json!(null)), Outcome::Durable);
}

fn shown(queue: &Queue) -> Arc<Snapshot> {
    queue.published().borrow().clone()
}

fn seqs(queue: &Queue) -> Vec<u64> {
    shown(queue).events.iter().map(|event| event.seq).collect()
}

#[test]
fn an_event_is_seen_after_the_commit_and_not_before() {
    let place = Place::new();
    let mut queue = place.opened(200);
    let mut watched = queue.published();
    push(&mut queue, &[Kind::PppoeUp]);
    assert!(queue.is_dirty());
    assert_eq!(shown(&queue).events.len(), 0);
    assert_eq!(shown(&queue).next_seq, 1);
    assert!(!watched.has_changed().unwrap());

    commit(&mut queue);
    assert!(!queue.is_dirty());
    assert!(watched.has_changed().unwrap());
    let shown = watched.borrow_and_update().clone();
    assert_eq!((shown.events[0].seq, shown.next_seq, shown.first_readable), (1, 2, 1));
    assert_eq!(shown.published_by_kind[Kind::PppoeUp as usize], 1);
    assert_eq!(shown.last_by_kind[Kind::PppoeUp as usize], Some(START));
    assert_eq!(shown.last_by_kind[Kind::Test as usize], None);
}

#[test]
fn the_queue_file_is_what_old_clients_read() {
    let place = Place::new();
    let mut queue = place.opened(200);
    commit(&mut queue);
    assert_eq!(place.text(""), "[\n]\n");

    let told = Told::new(Kind::PppoeUp, "PPP connection established").with("address", "1.2.3.4");
    queue.push(told, moment(0));
    let at = Moment { unix: START + Duration::from_millis(488), boot: None };
    queue.push(Told::new(Kind::WanDown, "a \"wan\" \\ \u{1F4A5}"), at);
    commit(&mut queue);
    let expected = concat!(
        "[\n",
        "{\"time\":\"2025-02-12 10:30:00\",\"type\":\"pppoe_up\",",
        "\"message\":\"PPP connection established\",\"seq\":1,\"ts\":1739327400.512,",
        "\"boot\":123.456,\"detail\":{\"address\":\"1.2.3.4\"}},\n",
        "{\"time\":\"2025-02-12 10:30:01\",\"type\":\"wan_down\",",
        "\"message\":\"a \\\"wan\\\" \\\\ \u{1F4A5}\",\"seq\":2,\"ts\":1739327401.0}\n",
        "]\n",
    );
    assert_eq!(place.text(""), expected);

    queue.set_zone(TimeZone::UTC);
    assert!(queue.is_dirty());
    commit(&mut queue);
    assert!(place.text("").contains("2025-02-12 02:30:00"));
    queue.set_zone(TimeZone::UTC);
    assert!(!queue.is_dirty(), "it is the same zone");
}

#[test]
fn a_restart_changes_nothing() {
    let place = Place::new();
    let mut queue = place.opened(200);
    push(&mut queue, &[Kind::PppoeDown, Kind::PppoeUp, Kind::WanDown]);
    let told = Told::new(Kind::WanIpChanged, "new").with("b", "2").with("a", "1");
    queue.push(told, moment(1));
    assert_eq!(queue.commit(&json!({"at": 7})), Outcome::Durable);
    assert_eq!(queue.settle(&json!({"at": 8})), Outcome::Durable);
    let before = shown(&queue);
    drop(queue);

    let (queue, opened) = place.open(200);
    assert_eq!(opened.memo, Some(json!({"at": 8})));
    assert!(opened.same_boot);
    assert!(!queue.is_dirty(), "nothing is to be written");
    let after = shown(&queue);
    assert_eq!(after.stream, before.stream);
    assert_eq!(after.events, before.events);
    assert_eq!((after.next_seq, after.first_readable), (5, 1));
    assert_eq!(after.last_by_kind, before.last_by_kind);
    assert_eq!(after.published_by_kind, [0; Kind::ALL.len()], "of this program");
    assert_eq!((after.reconnects_within_day(START), after.wan_downs_within_day(START)), (1, 1));
}

#[test]
fn a_full_queue_evicts_the_oldest_and_counts_them_once() {
    let place = Place::new();
    let mut queue = place.opened(3);
    push_tests(&mut queue, 5);
    commit(&mut queue);
    assert_eq!((seqs(&queue), shown(&queue).evicted), (vec![3, 4, 5], 2));
    assert_eq!(shown(&queue).published_by_kind[Kind::Test as usize], 5, "though two were unseen");
    queue.set_capacity(0);
    commit(&mut queue);
    assert_eq!((seqs(&queue), place.seqs_in_file()), (vec![5], vec![5]));
    drop(queue);
    let mut queue = place.opened(2);
    push_tests(&mut queue, 2);
    commit(&mut queue);
    let shown = shown(&queue);
    assert_eq!((shown.first_readable, shown.evicted), (6, 5));
    assert_eq!((shown.missed_after(0), shown.missed_after(4), shown.missed_after(5)), (5, 1, 0));
}

#[test]
fn a_cursor_gets_what_is_after_it() {
    let place = Place::new();
    let mut queue = place.opened(4);
    push_tests(&mut queue, 6);
    commit(&mut queue);
    let after = |seq, limit| -> Vec<u64> {
        shown(&queue).after(seq, limit).map(|event| event.seq).collect()
    };
    assert_eq!(after(0, 100), [3, 4, 5, 6]);
    assert_eq!(after(4, 100), [5, 6]);
    assert_eq!(after(3, 2), [4, 5]);
    assert_eq!(after(6, 100), [0; 0]);
    assert_eq!(after(u64::MAX, 100), [0; 0]);
}

#[test]
fn ten_thousand_events_in_a_second_are_all_counted() {
    let place = Place::new();
    let mut queue = place.opened(200);
    for _ in 0..100 {
        push(&mut queue, &[Kind::WanDown; 50]);
        push(&mut queue, &[Kind::PppoeDown, Kind::PppoeUp].repeat(25));
        commit(&mut queue);
    }
    assert_eq!(place.seqs_in_file(), (9_801..=10_000).collect::<Vec<_>>());
    let shown = shown(&queue);
    assert_eq!(shown.evicted, 9_800);
    assert_eq!(shown.wan_downs_within_day(START), 5_000);
    assert_eq!(shown.reconnects_within_day(START), 2_500);
    assert_eq!(shown.published_by_kind.iter().sum::<u64>(), 10_000);
}

#[test]
fn the_counts_of_a_day_do_not_shrink_with_the_queue_and_survive_a_restart() {
    let place = Place::new();
    let mut queue = place.opened(1);
    push(&mut queue, &[Kind::WanDown, Kind::PppoePadt, Kind::PppoeUp, Kind::PppoeDown]);
    commit(&mut queue);
    drop(queue);
    let mut queue = place.opened(1);
    push(&mut queue, &[Kind::PppoeUp]);
    commit(&mut queue);
    let shown = shown(&queue);
    assert_eq!((shown.reconnects_within_day(START), shown.wan_downs_within_day(START)), (2, 1));
    let tomorrow = START + Duration::from_secs(86_401);
    assert_eq!(shown.wan_downs_within_day(tomorrow), 0);
}

#[test]
fn events_of_the_longest_texts_fill_the_files_before_the_queue() {
    let place = Place::new();
    let mut queue = place.opened(10_000);
    let long = "\u{1F4A5}".repeat(200);
    for _ in 0..5000 {
        let told = Told::new(Kind::Test, long.clone()).with("a", &long).with("b", &long);
        queue.push(told, moment(0));
    }
    commit(&mut queue);
    let size = fs::metadata(place.path("")).unwrap().len();
    assert!((MAX_TEXT_BYTES as u64 - 4096..=MAX_TEXT_BYTES as u64 + 16).contains(&size), "{size}");
    let before = shown(&queue);
    assert_eq!(before.evicted + before.events.len() as u64, 5000);
    drop(queue);
    assert_eq!(shown(&place.opened(10_000)).events, before.events);
}

#[test]
fn settling_writes_only_what_changed() {
    let place = Place::new();
    let mut queue = place.opened(10);
    push_tests(&mut queue, 1);
    commit(&mut queue);
    assert!(place.text(".state").contains("it was test"), "the write-ahead");
    assert_eq!(queue.settle(&json!(null)), Outcome::Durable);
    assert!(!place.text(".state").contains("it was test"));

    fs::remove_file(place.path(".state")).unwrap();
    assert_eq!(queue.settle(&json!(null)), Outcome::Durable);
    assert!(!place.path(".state").exists(), "nothing had changed");
    assert_eq!(queue.settle(&json!(1)), Outcome::Durable);
    assert!(place.path(".state").exists());
    push_tests(&mut queue, 1);
    assert_eq!(queue.settle(&json!(1)), Outcome::Durable);
    assert_eq!(seqs(&queue), [1, 2], "settling takes pushed events along");
}
