//! Tests of `events_answer`: what agents answer, and what is made of it.

use super::*;
use crate::routers::lenient::NotJson;

macro_rules! wire {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/wire/", $name))
    };
}

const NOW: Millis = 1_795_343_460_500;

fn cursor(after: u64) -> Cursor {
    Cursor { stream: "s".to_owned(), after, revision: 0 }
}

/// The numbers of the events, the next number, and how many are missed.
#[track_caller]
fn check(
    body: &str,
    after: u64,
    numbers: &[u64],
    next_seq: u64,
    missed: Option<u64>,
    skipped: u32,
) {
    let answer = parse_events(body.as_bytes(), Some(&cursor(after)), NOW).unwrap();
    let batch = answer.batch;
    let found: Vec<u64> = batch.events.iter().filter_map(|event| event.seq).collect();
    assert_eq!(
        (found.as_slice(), batch.next_seq, batch.missed, answer.skipped),
        (numbers, next_seq, missed, skipped),
        "{body}"
    );
}

#[test]
fn the_exporters_events_are_read_whole() {
    let answer = parse_events(wire!("exporter-events.json"), None, NOW).unwrap();
    assert_eq!((answer.skipped, answer.is_cut, answer.oldest_seq), (0, false, Some(40)));
    assert_eq!((answer.time, answer.time_synced), (Some(1_795_343_460.1), Some(true)));
    let batch = answer.batch;
    assert_eq!((batch.stream.as_str(), batch.revision), ("e7976c3b3049f29b", 2));
    assert_eq!((batch.next_seq, batch.missed), (42, Some(0)));
    let last = Event {
        seq: Some(41),
        at: 1_795_343_400_512,
        kind: "pppoe_up".to_owned(),
        message: "PPPoE session is up with the address 198.51.100.7".to_owned(),
        detail: Some(serde_json::json!({"address": "198.51.100.7"})),
    };
    assert_eq!(batch.events[1], last);
}

#[test]
fn another_stream_before_the_clock_was_set_is_taken_as_it_is() {
    let answer = parse_events(wire!("exporter-events-other-stream.json"), None, NOW).unwrap();
    assert_eq!((answer.batch.missed, answer.batch.events[0].at), (None, 31_250));
    assert_eq!((answer.time_synced, answer.skipped), (None, 0));
}

#[test]
fn of_a_cut_answer_the_rest_is_asked_for_again() {
    let whole = r#"{"stream":"s","revision":0,"events":[{"seq":5,"ts":1,"type":"a"},{"seq":6,"ts":1,"type":"a"},{"seq":7,"ts":1,"type":"a"}],"next_seq":8,"oldest_seq":1,"missed":0}"#;
    check(whole, 4, &[5, 6, 7], 8, Some(0), 0);
    let end = whole.find(r#","type":"a"}]"#).unwrap();
    check(&whole[..end], 4, &[5, 6], 7, Some(0), 2);
    check(&whole[..end], 2, &[5, 6], 7, Some(2), 2);
    let end = whole.find(r#","oldest"#).unwrap();
    check(&whole[..end], 4, &[5, 6, 7], 8, Some(0), 1);
    for end in 0..whole.len() {
        match parse_events(&whole.as_bytes()[..end], Some(&cursor(4)), NOW) {
            Ok(answer) => {
                let last = last_seq(&answer.batch.events).unwrap();
                assert_eq!((answer.batch.next_seq, answer.is_cut), (last + 1, true), "{end}");
                assert_eq!(answer.batch.missed, Some(0), "{end}");
            }
            Err(why) => {
                assert!(matches!(why, NotAnAnswer::Cut | NotAnAnswer::NotJson(NotJson::Empty)));
            }
        }
    }
}

#[test]
fn events_that_can_never_be_read_are_missed() {
    let body = r#"{"stream":"s","events":[{"seq":5,"ts":1,"type":"a"},{"seq":"x"},{"seq":7,"ts":1,"type":"a"}],"next_seq":8,"missed":3}"#;
    check(body, 1, &[5, 7], 8, Some(3), 1);
    assert_eq!(parse_events(body.as_bytes(), None, NOW).unwrap().batch.unreadable, [6..=6]);
    let none = r#"{"stream":"s","events":[{"type":"a"},5],"next_seq":8,"missed":0}"#;
    check(none, 5, &[], 8, Some(2), 2);
    let holes = r#"{"stream":"s","events":[{"seq":5,"type":"a"},{"seq":9,"type":"a"}],"missed":0}"#;
    check(holes, 4, &[5, 9], 10, Some(0), 0);
    assert_eq!(parse_events(holes.as_bytes(), None, NOW).unwrap().batch.unreadable, []);
    let claims = r#"{"stream":"s","events":[{"seq":5},{},{"seq":1000},{"seq":{}},{"seq":1009}]}"#;
    let answer = parse_events(claims.as_bytes(), None, NOW).unwrap();
    assert_eq!(answer.batch.unreadable, [998..=999]);
}

#[test]
fn numbers_that_go_back_or_repeat_are_put_in_order() {
    let body = r#"{"stream":"s","events":[{"seq":7},{"seq":5},{"seq":7},{"seq":6}],"next_seq":2,"missed":0}"#;
    check(body, 4, &[5, 6, 7], 8, Some(0), 1);
}

#[test]
fn numbers_that_no_database_holds_are_not_read() {
    let huge = u64::MAX;
    let body = format!(
        r#"{{"stream":"s","events":[{{"seq":{huge}}}],"next_seq":{huge},"missed":{huge}}}"#
    );
    let read = parse_events(body.as_bytes(), None, NOW);
    assert_eq!(read, Err(NotAnAnswer::OtherJson));
    let body = r#"{"stream":"s","events":[],"next_seq":9,"missed":0,"revision":-1}"#;
    check(body, 8, &[], 9, Some(0), 0);
}

#[test]
fn an_agent_that_does_not_say_what_is_missed_is_asked_by_its_numbers() {
    check(r#"{"stream":"s","events":[{"seq":9}]}"#, 4, &[9], 10, Some(4), 0);
    check(r#"{"stream":"other","events":[{"seq":9}]}"#, 4, &[9], 10, None, 0);
    check(r#"{"stream":"s","events":[],"next_seq":5}"#, 4, &[], 5, Some(0), 0);
}

#[test]
fn a_status_in_its_place_is_told_apart() {
    let read = |body: &[u8]| parse_events(body, None, NOW).unwrap_err();
    assert_eq!(read(wire!("shell-status.json")), NotAnAnswer::Status);
    assert_eq!(read(wire!("shell-status-cut.json")), NotAnAnswer::Status);
    assert_eq!(read(br#"{"error":"x"}"#), NotAnAnswer::OtherJson);
    assert_eq!(read(br#"{"stream":"","next_seq":1}"#), NotAnAnswer::OtherJson);
    assert_eq!(read(br#"{"stream":"s"}"#), NotAnAnswer::OtherJson);
    assert_eq!(read(br#"{"stre"#), NotAnAnswer::Cut);
}

proptest::proptest! {
    #[test]
    fn no_change_to_an_answer_makes_it_panic(at in 0_usize..600, byte: u8, after: u64) {
        let mut body = wire!("exporter-events.json").to_vec();
        let at = at % body.len();
        body[at] = byte;
        parse_events(&body, Some(&cursor(after)), NOW).ok();
    }
}
