//! What the answers of the old paths must look like: keys, types, order, bounds.

use jiff::Timestamp;
use serde_json::Value;

/// Exactly these keys, but for the further ones that this version has.
#[track_caller]
fn assert_keys(value: &Value, expected: &[&str], further: &[&str]) {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.retain(|key| !further.contains(key));
    keys.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(keys, expected, "{value}");
}

/// ISO 8601 with the offset of the zone that the tests run in.
#[track_caller]
fn time(value: &Value) -> Timestamp {
    let text = value.as_str().unwrap();
    assert!(text.len() == 25 && text.ends_with("+08:00"), "{text}");
    text.parse().unwrap()
}

#[track_caller]
fn assert_newest_first(times: &[Timestamp]) {
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
}

fn is_percent(value: &Value) -> bool {
    value.as_f64().is_some_and(|percent| (0.0..=100.0).contains(&percent))
}

fn is_number_or_null(value: &Value) -> bool {
    value.is_number() || value.is_null()
}

fn is_count_or_null(value: &Value) -> bool {
    value.is_u64() || value.is_null()
}

#[track_caller]
pub(crate) fn health(body: &Value) {
    assert_keys(body, &["status", "timestamp"], &[]);
    assert_eq!(body["status"], "healthy");
    time(&body["timestamp"]);
}

#[track_caller]
pub(crate) fn samples(records: &Value) -> usize {
    let records = records.as_array().unwrap();
    for record in records {
        let keys =
            ["id", "timestamp", "wan_state", "wan_errors", "optical_power", "cpu_temp", "summary"];
        assert_keys(record, &keys, &["router"]);
        assert!(record["id"].is_u64() && record["wan_state"].is_string(), "{record}");
        let errors = ["rx_errors", "tx_errors", "rx_dropped", "tx_dropped"];
        assert_keys(&record["wan_errors"], &errors, &[]);
        assert!(errors.iter().all(|key| is_count_or_null(&record["wan_errors"][key])), "{record}");
        assert_keys(&record["optical_power"], &["rx", "tx"], &[]);
        let numbers = [&record["optical_power"]["rx"], &record["optical_power"]["tx"]];
        assert!(numbers.into_iter().all(is_number_or_null), "{record}");
        assert!(is_number_or_null(&record["cpu_temp"]), "{record}");
        let counts = ["pppoe_reconnect_count_24h", "wan_down_count_24h"];
        assert_keys(&record["summary"], &counts, &[]);
        assert!(counts.iter().all(|key| is_count_or_null(&record["summary"][key])), "{record}");
    }
    let times: Vec<_> = records.iter().map(|record| time(&record["timestamp"])).collect();
    assert_newest_first(&times);
    records.len()
}

#[track_caller]
pub(crate) fn pings(records: &Value) -> usize {
    let records = records.as_array().unwrap();
    for record in records {
        assert_keys(record, &["id", "timestamp", "target", "rtt", "loss"], &["router"]);
        assert!(record["id"].is_u64() && record["target"].is_string(), "{record}");
        assert!(is_number_or_null(&record["rtt"]), "{record}");
        assert!(record["loss"].is_null() || is_percent(&record["loss"]), "{record}");
    }
    let times: Vec<_> = records.iter().map(|record| time(&record["timestamp"])).collect();
    assert_newest_first(&times);
    records.len()
}

#[track_caller]
pub(crate) fn events(records: &Value) -> usize {
    let records = records.as_array().unwrap();
    for record in records {
        let keys = ["id", "timestamp", "event_time", "type", "message"];
        assert_keys(record, &keys, &["router", "detail"]);
        assert!(record["id"].is_u64(), "{record}");
        assert!(record["type"].is_string() && record["message"].is_string(), "{record}");
        time(&record["timestamp"]);
    }
    let times: Vec<_> = records.iter().map(|record| time(&record["event_time"])).collect();
    assert_newest_first(&times);
    records.len()
}

/// How many samples, pings and events it has, and how many samples there are.
#[track_caller]
pub(crate) fn history(body: &Value) -> ([usize; 3], u64) {
    assert_keys(body, &["status", "total", "records", "ping", "events", "router"], &[]);
    assert_eq!(body["status"], "success");
    assert_keys(&body["router"], &["ip", "port"], &[]);
    assert!(body["router"]["ip"].is_string() && body["router"]["port"].is_u64(), "{body}");
    let lengths = [samples(&body["records"]), pings(&body["ping"]), events(&body["events"])];
    (lengths, body["total"].as_u64().unwrap())
}

#[track_caller]
pub(crate) fn list(body: &Value, records: impl Fn(&Value) -> usize) -> usize {
    assert_keys(body, &["status", "records"], &[]);
    assert_eq!(body["status"], "success");
    records(&body["records"])
}

#[track_caller]
pub(crate) fn summary(body: &Value) {
    assert_keys(body, &["status", "summary"], &[]);
    assert_eq!(body["status"], "success");
    let summary = &body["summary"];
    let counts = ["total_records", "pppoe_events", "wan_events", "monitoring_hours"];
    let means = ["wan_availability", "packet_loss_rate", "avg_cpu_temp"];
    assert_keys(summary, &[&counts[..], &means].concat(), &[]);
    assert!(counts.iter().all(|key| summary[key].is_u64()), "{summary}");
    assert!(is_percent(&summary["wan_availability"]), "{summary}");
    assert!(is_percent(&summary["packet_loss_rate"]), "{summary}");
    assert!(is_number_or_null(&summary["avg_cpu_temp"]), "{summary}");
}

#[track_caller]
pub(crate) fn fetched(body: &Value) {
    assert_keys(body, &["status", "message"], &[]);
    assert_eq!(body["status"], "success");
    assert!(body["message"].is_string(), "{body}");
}
