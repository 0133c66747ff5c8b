//! Tests of `status_answer`: what agents answer, and what is made of it.

use serde_json::json;

use super::*;
use crate::routers::zone::Shift;

macro_rules! wire {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/wire/", $name))
    };
}

/// 2025-02-12T02:34:01Z: a second after the shell agent's answers, in Shanghai.
const NOW: Millis = 1_739_327_641_000;
const SHANGHAI: Shift = Shift::Zone { east_minutes: 480 };

fn shell(body: &[u8]) -> StatusAnswer {
    let answer = parse_status(body, NOW).unwrap();
    assert_eq!((answer.clock, answer.has_numbers, &answer.queue), (SHANGHAI, false, &None));
    answer
}

fn kinds_and_times(answer: &StatusAnswer) -> Vec<(&str, Millis)> {
    answer.events.iter().map(|event| (event.kind.as_str(), event.at)).collect()
}

const DOWN: (&str, Millis) = ("wan_down", 1_739_327_112_000);
const PADT: (&str, Millis) = ("pppoe_padt", 1_739_327_160_000);
const UP: (&str, Millis) = ("pppoe_up", 1_739_327_400_000);

#[test]
fn the_exporters_status_is_read_whole() {
    let answer = parse_status(wire!("exporter-status.json"), NOW).unwrap();
    assert_eq!((answer.skipped, answer.is_cut, answer.has_numbers), (0, false, true));
    let queue =
        Queue { stream: "e7976c3b3049f29b".to_owned(), oldest_seq: 40, next_seq: 42, revision: 0 };
    assert_eq!(answer.queue, Some(queue));
    let ping = |target: &str, rtt_ms, loss_percent, lost_total| Ping {
        target: target.to_owned(),
        rtt_ms,
        loss_percent,
        sent_total: Some(5321),
        lost_total: Some(lost_total),
    };
    let expected = Sample {
        at: NOW,
        wan_state: WanState::Up,
        rx_errors: Some(0),
        tx_errors: Some(1),
        rx_dropped: Some(1 << 32),
        tx_dropped: Some(0),
        optical_rx_dbm: Some(-8.6),
        optical_tx_dbm: Some(1.3),
        cpu_celsius: Some(52.8),
        pppoe_reconnects_24h: Some(3),
        wan_downs_24h: Some(1),
        pings: vec![
            ping("2001:db8::53", None, Some(100.0), 5321),
            ping("223.5.5.5", Some(6.2), Some(0.0), 3),
        ],
    };
    assert_eq!(answer.sample, expected);
    let numbers: Vec<_> = answer.events.iter().map(|event| (event.seq, event.at)).collect();
    let expected = [(Some(40), 1_795_343_352_000), (Some(41), 1_795_343_400_512)];
    assert_eq!(numbers, expected, "oldest first, by ts");
    assert_eq!(answer.events[1].detail, Some(json!({"address": "198.51.100.7"})));
}

#[test]
fn what_a_device_has_not_got_is_none() {
    let answer = parse_status(wire!("exporter-status-nothing-known.json"), NOW).unwrap();
    let nothing = Sample {
        at: NOW,
        wan_state: WanState::Unknown,
        rx_errors: None,
        tx_errors: None,
        rx_dropped: None,
        tx_dropped: None,
        optical_rx_dbm: None,
        optical_tx_dbm: None,
        cpu_celsius: None,
        pppoe_reconnects_24h: Some(0),
        wan_downs_24h: Some(0),
        pings: Vec::new(),
    };
    assert_eq!((answer.sample, answer.skipped, answer.has_numbers), (nothing.clone(), 0, true));
    let bare = parse_status(br#"{"realtime":{}}"#, NOW).unwrap();
    let nothing = Sample { pppoe_reconnects_24h: None, wan_downs_24h: None, ..nothing };
    assert_eq!((bare.sample, bare.skipped, bare.clock), (nothing, 0, Shift::Unknown));
}

#[test]
fn the_shell_agents_events_get_the_zone_of_its_answer() {
    let answer = shell(wire!("shell-status.json"));
    assert_eq!((answer.skipped, answer.is_cut), (0, false));
    assert_eq!(kinds_and_times(&answer), [DOWN, UP]);
    assert_eq!(answer.events[1].message, "PPP 会话 \"wan\" 已建立");
    assert_eq!(answer.events[1].detail, Some(json!({"router_time": "2025-02-12 10:30:00"})));
    assert_eq!(answer.sample.pings[1].rtt_ms, None);
    assert_eq!(answer.sample.pings[1].loss_percent, Some(100.0));
}

#[test]
fn stray_commas_and_quoted_numbers_lose_nothing() {
    let answer = shell(wire!("shell-status-stray-commas.json"));
    assert_eq!((answer.skipped, answer.is_cut), (1, false), "NaN");
    assert_eq!(kinds_and_times(&answer), [DOWN, PADT, UP]);
    let sample = &answer.sample;
    assert_eq!((sample.tx_errors, sample.rx_dropped), (Some(1), None));
    assert_eq!((sample.optical_rx_dbm, sample.optical_tx_dbm), (None, None));
    assert_eq!((sample.cpu_celsius, sample.pppoe_reconnects_24h), (Some(52.8), Some(2)));
    assert_eq!((sample.pings[0].rtt_ms, sample.pings[1].rtt_ms), (Some(6.2), None));
}

#[test]
fn a_queue_read_while_it_was_written_hides_nothing_behind_it() {
    let answer = shell(wire!("shell-status-half-written-queue.json"));
    assert_eq!((answer.skipped, answer.is_cut), (1, false), "the line of ifconfig");
    assert_eq!(kinds_and_times(&answer), [DOWN]);
    assert_eq!(answer.sample.wan_state, WanState::Down);
    assert_eq!(answer.sample.wan_downs_24h, Some(1));
    assert_eq!((answer.sample.rx_errors, answer.sample.tx_errors), (None, Some(0)));
}

#[test]
fn of_a_cut_answer_the_beginning_is_saved() {
    let body = wire!("shell-status-cut.json");
    let answer = shell(body);
    assert!(answer.is_cut && answer.skipped > 0);
    assert_eq!(kinds_and_times(&answer), [DOWN]);
    assert_eq!(answer.sample.cpu_celsius, Some(52.8));
    for end in 0..body.len() {
        match parse_status(&body[..end], NOW) {
            Ok(answer) => assert!(answer.is_cut, "{end}"),
            Err(why) => assert!(matches!(why, NotAnAnswer::Cut | NotAnAnswer::NotJson(_)), "{end}"),
        }
    }
}

#[test]
fn events_come_oldest_first_whichever_way_they_were_written() {
    let body = br#"{"timestamp":"2025-02-12 10:34:00","realtime":{},"events":[
        {"time":"2025-02-12 10:30:00","type":"pppoe_up"},
        {"time":"2025-02-12 10:25:12","type":"wan_down"}]}"#;
    assert_eq!(kinds_and_times(&shell(body)), [DOWN, UP]);
}

#[test]
fn nonsense_is_none_and_not_a_measurement() {
    let body = br#"{"realtime":{"wan_state":true,"cpu_temp":[1],"optical_power":"none",
        "wan_errors":{"rx_errors":-1,"tx_errors":1e99},
        "ping":{"a":{"rtt":-1,"loss":101},"":{"rtt":1},"b":5,"c\nd":{"rtt":1}}},
        "events":{"a":1},"queue":{"stream":"s","next_seq":-1}}"#;
    let answer = parse_status(body, NOW).unwrap();
    let sample = answer.sample;
    assert_eq!((sample.wan_state, sample.cpu_celsius), (WanState::Unknown, None));
    assert_eq!((sample.rx_errors, sample.tx_errors, sample.optical_rx_dbm), (None, None, None));
    let [ping] = &sample.pings[..] else { panic!("{:?}", sample.pings) };
    assert_eq!((ping.target.as_str(), ping.rtt_ms, ping.loss_percent), ("a", None, None));
    assert_eq!((answer.queue, answer.has_numbers), (None, false));
}

#[test]
fn targets_are_bounded() {
    let targets: Vec<String> = (0..1000).map(|n| format!(r#""t{n}":{{"rtt":1}}"#)).collect();
    let body = format!(r#"{{"realtime":{{"ping":{{{}}}}}}}"#, targets.join(","));
    assert_eq!(parse_status(body.as_bytes(), NOW).unwrap().sample.pings.len(), MAX_TARGETS);
}

#[test]
fn other_json_is_no_status() {
    let read = |body: &[u8]| parse_status(body, NOW).unwrap_err();
    assert_eq!(read(br#"{"error":"busy"}"#), NotAnAnswer::OtherJson);
    assert_eq!(read(br#"{"realtime":5}"#), NotAnAnswer::OtherJson);
    assert_eq!(read(wire!("exporter-events.json")), NotAnAnswer::OtherJson);
    assert_eq!(read(b"<html>"), NotAnAnswer::NotJson(NotJson::Html));
}

proptest::proptest! {
    #[test]
    fn no_change_to_an_answer_makes_it_panic(
        at in 0_usize..800, byte: u8, now: i64, is_exporter: bool,
    ) {
        let mut body = if is_exporter {
            wire!("exporter-status.json").to_vec()
        } else {
            wire!("shell-status.json").to_vec()
        };
        let at = at % body.len();
        body[at] = byte;
        parse_status(&body, now).ok();
    }
}
