//! The contract of `/net/events`, and what the ledger says meanwhile.

use super::*;

fn queue() -> Queue {
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    Queue::new("router-0001".to_owned(), "ab".to_owned(), ledger)
}

fn with_events(count: u64) -> Queue {
    let mut queue = queue();
    push(&mut queue, count);
    queue
}

fn push(queue: &mut Queue, count: u64) {
    for _ in 0..count {
        let seq = queue.next_seq;
        queue.push(1000 * seq as i64, "test", format!("event {seq}"));
    }
}

#[track_caller]
fn check(queue: &Queue, query: &str, seqs: &[u64], missed: Option<u64>, has_news: bool) {
    let cursor = Cursor::parse(query).unwrap();
    let (page, missing) = queue.page(&cursor);
    let found: Vec<u64> = page.map(|event| event.seq).collect();
    assert_eq!((found.as_slice(), missing), (seqs, missed), "{query}");
    assert_eq!(queue.has_news(&cursor), has_news, "{query}");
}

fn note(queue: &mut Queue, query: &str) {
    queue.take_note(&Cursor::parse(query).unwrap());
}

fn rows(queue: &Queue) -> Vec<Row> {
    queue.in_ledger(|ledger| ledger.rows())
}

fn fates(queue: &Queue) -> Vec<Fate> {
    rows(queue).iter().map(|row| row.fate).collect()
}

#[test]
fn a_cursor_gets_what_comes_after_it() {
    let queue = with_events(3);
    check(&queue, "", &[1, 2, 3], Some(0), true);
    check(&queue, "stream=ab&after=1", &[2, 3], Some(0), true);
    check(&queue, "stream=ab&limit=2", &[1, 2], Some(0), true);
    check(&queue, "stream=ab&after=3", &[], Some(0), false);
    check(&queue, "stream=ab&after=9", &[], Some(0), false);
    check(&queue, "stream=ab&after=18446744073709551615", &[], Some(0), false);
}

#[test]
fn an_empty_queue_has_no_news() {
    check(&queue(), "", &[], Some(0), false);
    assert_eq!((queue().oldest_seq(), queue().next_seq), (1, 1));
}

#[test]
fn another_stream_gets_everything() {
    let queue = with_events(3);
    check(&queue, "stream=cd&after=2", &[1, 2, 3], None, true);
    check(&queue, "after=4", &[1, 2, 3], None, true);
}

#[test]
fn another_revision_is_news() {
    let mut queue = with_events(3);
    check(&queue, "stream=ab&after=3&revision=0", &[], Some(0), false);
    queue.correct(500);
    check(&queue, "stream=ab&after=3&revision=0", &[], Some(0), true);
    check(&queue, "stream=ab&after=3&revision=1", &[], Some(0), false);
    assert_eq!(queue.events()[0].at_ms, 1500);
}

#[test]
fn evicted_events_are_missed() {
    let mut queue = with_events(5);
    note(&mut queue, "stream=ab&after=2");
    queue.resize(2);
    check(&queue, "stream=ab&after=1", &[4, 5], Some(2), true);
    check(&queue, "stream=ab&after=3", &[4, 5], Some(0), true);
    assert_eq!((queue.oldest_seq(), queue.evicted), (4, 3));
    let (read, evicted, queued) = (Fate::Read, Fate::Evicted, Fate::Queued);
    assert_eq!(fates(&queue), [read, read, evicted, queued, queued]);
    push(&mut queue, 1);
    check(&queue, "", &[5, 6], Some(4), true);
}

#[test]
fn a_new_stream_begins_at_one() {
    let mut queue = with_events(3);
    note(&mut queue, "stream=ab&after=1");
    queue.begin_stream("cd".to_owned());
    check(&queue, "stream=ab&after=3", &[], None, true);
    push(&mut queue, 1);
    check(&queue, "stream=cd", &[1], Some(0), true);
    assert_eq!(fates(&queue), [Fate::Read, Fate::Rebooted, Fate::Rebooted, Fate::Queued]);
    note(&mut queue, "stream=ab&after=3");
    assert_eq!(fates(&queue)[3], Fate::Queued, "a cursor of another stream says nothing");
}

#[test]
fn numbers_that_go_back_come_twice() {
    let mut queue = with_events(5);
    queue.go_back(2);
    push(&mut queue, 1);
    check(&queue, "stream=ab&after=5", &[], Some(0), false);
    check(&queue, "stream=ab&after=2", &[3, 4], Some(0), true);
    let seqs: Vec<u64> = rows(&queue).iter().map(|row| row.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 4]);
    queue.go_back(100);
    assert_eq!((queue.next_seq, queue.oldest_seq()), (1, 1));
}

#[test]
fn other_times_are_told_until_a_reader_has_the_last_ones() {
    let mut queue = with_events(2);
    queue.correct(500);
    queue.correct(-200);
    assert_eq!((rows(&queue)[0].ts, rows(&queue)[0].ts_before.clone()), (1.3, vec![1.0, 1.5]));
    note(&mut queue, "stream=ab&after=2&revision=0");
    note(&mut queue, "stream=ab&after=1&revision=2");
    assert_eq!(rows(&queue)[0].ts_before.len(), 2);
    push(&mut queue, 1);
    note(&mut queue, "stream=ab&after=3&revision=2");
    assert!(rows(&queue).iter().all(|row| row.ts_before.is_empty() && row.fate == Fate::Read));
}

#[test]
fn what_is_gone_is_not_corrected_any_more() {
    let mut queue = with_events(2);
    queue.resize(1);
    queue.correct(500);
    assert_eq!(rows(&queue).iter().map(|row| row.ts).collect::<Vec<_>>(), [1.0, 2.5]);
}
