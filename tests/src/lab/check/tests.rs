//! What is said rightly, and what is found when one thing of it is another.

use super::*;
use crate::lab::expected;

/// A session that the provider ended at 107, and that was up again at 112.
const TRUTH: &str = "1 1 wall 5001\n2 2 begin boot\n90 90 session-up 198.51.100.10\n100 100 end boot\n\
                     101 101 begin padt\n107 107.25 session-closed\n\
                     112 112 session-up 198.51.100.11\n125 125 end padt\n";

fn event(seq: u64, at: f64, kind: &str, detail: &str) -> String {
    format!(r#"{{"seq": {seq}, "ts": {}, "type": "{kind}", "detail": {{{detail}}}}}"#, 5000.0 + at)
}

fn end(cause: &str, side: &str, at: f64) -> String {
    let detail = format!(
        r#""outage": "a-3", "cause": "{cause}", "side": "{side}", "duration_seconds": "{}""#,
        at - 107.5
    );
    event(6, at, "outage_end", &detail)
}

/// What is rightly said of it.
fn events() -> Vec<String> {
    vec![
        event(1, 0.0, "router_boot", ""),
        event(2, 107.0, "pppoe_down", ""),
        event(3, 107.5, "outage_start", r#""outage": "a-3""#),
        event(4, 112.0, "pppoe_up", ""),
        event(5, 112.0, "wan_ip_changed", ""),
        end("provider_terminated", "provider", 112.75),
    ]
}

const METRICS: &[(&str, f64)] = &[
    ("netmonitor_events_total{type=\"pppoe_down\"}", 1.0),
    ("netmonitor_events_total{type=\"pppoe_up\"}", 1.0),
    ("netmonitor_outages_total{cause=\"provider_terminated\",side=\"provider\"}", 1.0),
    ("netmonitor_outage_seconds_total", 5.25),
    ("netmonitor_observed_seconds_total", 25.0),
    ("netmonitor_ping_lost_total{target=\"192.0.2.1\"}", 5.0),
    ("netmonitor_ping_lost_total{target=\"192.0.2.2\"}", 5.0),
    ("netmonitor_ping_lost_total{target=\"203.0.113.1\"}", 6.0),
    ("netmonitor_ping_lost_total{target=\"203.0.113.2\"}", 6.0),
    ("netmonitor_ping_requests_total{target=\"all\"}", 100.0),
    ("netmonitor_degradation_active{kind=\"loss\"}", 1.0),
    ("netmonitor_internet_up", 1.0),
    ("netmonitor_outage_active", 0.0),
    ("netmonitor_pppoe_up{interface=\"pppoe-wan\"}", 1.0),
    ("netmonitor_wan_up{interface=\"eth1.7\"}", 1.0),
    ("netmonitor_log_source_up{source=\"logread\"}", 1.0),
    ("netmonitor_log_overruns_total{source=\"logread\"}", 0.0),
    ("netmonitor_event_queue_write_errors_total", 0.0),
    ("netmonitor_events_evicted_total", 0.0),
];

/// With one series changed.
fn metrics(changed: (&str, f64)) -> String {
    let of = |(name, value): &(&str, f64)| {
        let value = if *name == changed.0 { changed.1 } else { *value };
        format!("{name} {value}\n")
    };
    let outage = "{outage=\"a-3\",cause=\"provider_terminated\",side=\"provider\"}";
    let ring = format!(
        "netmonitor_outage_start_timestamp_seconds{outage} 5107.5\n\
         netmonitor_outage_end_timestamp_seconds{outage} 5112.75\n\
         netmonitor_outage_duration_seconds{outage} 5.25\n"
    );
    METRICS.iter().map(of).chain([ring]).collect()
}

fn saved(events: &[String], metrics: String, wall: f64) -> Saved {
    let page = format!(
        r#"{{"stream": "a", "next_seq": {}, "missed": 0, "boot_id": "b", "uptime": 124.5,
             "time": {}, "events": [{}]}}"#,
        events.len() + 1,
        wall + 124.5,
        events.join(",")
    );
    Saved::parse(&page, r#"{"realtime": {"wan_state": "up"}}"#, metrics).unwrap()
}

/// What is found wrong.
fn wrong(truth: &str, after: &Saved) -> Vec<String> {
    let truth = Truth::parse(truth).unwrap();
    let before = saved(&events()[..1], String::new(), 5000.0);
    let scenario = truth.scenarios().unwrap().remove(1);
    let played = Played { truth: &truth, scenario, before: Some(&before), within: None, after };
    let findings = played.check(expected::of("padt").unwrap());
    findings.into_iter().filter(|found| !found.is_right).map(|found| found.about).collect()
}

const LOST: [&str; 4] = [
    "ping_lost_total of 192.0.2.1",
    "ping_lost_total of 192.0.2.2",
    "ping_lost_total of 203.0.113.1",
    "ping_lost_total of 203.0.113.2",
];

const AS_IT_IS: (&str, f64) = ("", 0.0);

#[track_caller]
fn check_events(change: impl FnOnce(&mut Vec<String>), expected: &[&str]) {
    let mut events = events();
    change(&mut events);
    assert_eq!(wrong(TRUTH, &saved(&events, metrics(AS_IT_IS), 5000.0)), expected);
}

#[test]
fn what_is_true_is_right() {
    check_events(|_| {}, &[]);
}

#[test]
fn an_event_that_is_missing_or_too_much_is_found() {
    let missing = ["events", "pppoe_up"];
    check_events(|events| events[3] = event(4, 112.0, "wan_up", ""), &missing);
    let other = event(7, 124.0, "log_source_lost", "");
    check_events(|events| events.push(other), &["events"]);
}

#[test]
fn an_event_at_another_time_is_found() {
    check_events(|events| events[1] = event(2, 105.0, "pppoe_down", ""), &["pppoe_down"]);
    check_events(|events| events[3] = event(4, 114.0, "pppoe_up", ""), &["pppoe_up"]);
}

#[test]
fn another_address_is_told_when_there_is_one() {
    let about = "events of another address";
    let other = event(5, 112.0, "outage_start", r#""outage": "a-5""#);
    check_events(|events| events[4] = other, &[about, "outages begun"]);
    let same = TRUTH.replace("198.51.100.11", "198.51.100.10");
    assert_eq!(wrong(&same, &saved(&events(), metrics(AS_IT_IS), 5000.0)), [about]);
}

#[test]
fn a_lost_number_is_found() {
    check_events(
        |events| events[4] = event(7, 112.0, "wan_ip_changed", ""),
        &["numbers of events"],
    );
}

#[test]
fn another_cause_or_side_is_found() {
    check_events(|events| events[5] = end("local_link", "provider", 112.75), &["outage: cause"]);
    let side = end("provider_terminated", "unknown", 112.75);
    check_events(|events| events[5] = side, &["outage: side"]);
}

#[test]
fn an_outage_that_begins_or_ends_at_another_time_is_found() {
    let duration = "netmonitor_outage_duration_seconds";
    let [first, last] =
        ["netmonitor_outage_start_timestamp_seconds", "netmonitor_outage_end_timestamp_seconds"];
    check_events(
        |events| events[2] = event(3, 105.5, "outage_start", r#""outage": "a-3""#),
        &["outage: begin", "outage: duration_seconds", first, duration],
    );
    check_events(
        |events| events[5] = end("provider_terminated", "provider", 114.75),
        &["outage: end", last, duration, "outage_seconds_total", LOST[0], LOST[1]],
    );
}

#[test]
fn an_outage_that_is_not_told_is_found() {
    check_events(
        |events| {
            events.pop();
        },
        &["outages over", "outage_seconds_total", LOST[0], LOST[1], LOST[2], LOST[3]],
    );
}

#[test]
fn a_counter_that_did_not_move_is_found() {
    for (series, value, about) in [
        (METRICS[0].0, 0.0, "events_total of pppoe_down"),
        (METRICS[1].0, 2.0, "events_total of pppoe_up"),
        (METRICS[4].0, 20.0, "observed_seconds_total"),
        (METRICS[5].0, 0.0, LOST[0]),
        (METRICS[11].0, 0.0, "netmonitor_internet_up"),
        (METRICS[16].0, 1.0, "netmonitor_log_overruns_total"),
    ] {
        let after = saved(&events(), metrics((series, value)), 5000.0);
        assert_eq!(wrong(TRUTH, &after), [about]);
    }
}

#[test]
fn a_clock_that_goes_wrong_is_found() {
    let found = wrong(TRUTH, &saved(&events(), metrics(AS_IT_IS), 5004.0));
    assert!(found.contains(&"wall clock at the start".to_owned()), "{found:?}");
}

#[test]
fn an_act_that_was_not_done_is_found() {
    let truth = TRUTH.replace("session-closed", "session-opened");
    let found = wrong(&truth, &saved(&events(), metrics(AS_IT_IS), 5000.0));
    assert_eq!(found, ["pppoe_down", "outage: begin"]);
}

#[test]
fn a_share_of_lost_requests_is_what_chance_allows() {
    let truth = Truth::parse(TRUTH).unwrap();
    let (before, after) = (saved(&[], String::new(), 5000.0), saved(&[], String::new(), 5000.0));
    for (requests, is_right) in [(73.0, true), (30.0, false), (200.0, false)] {
        let within = saved(&[], metrics((METRICS[9].0, requests)), 5000.0);
        let played = Played {
            truth: &truth,
            scenario: truth.scenarios().unwrap().remove(1),
            before: Some(&before),
            within: Some(&within),
            after: &after,
        };
        let found = played.share_lost(0.3);
        assert_eq!(found[0].is_right, is_right, "{found:?}");
        assert!(found[1].is_right);
    }
}
