//! The answers have the shape of the examples in `tests/fixtures/wire/`, which the bridge's
//! tests read: the same keys, the same types, texts of the same form.

use std::path::Path;

use serde_json::{Map, Value};

use crate::program::{Program, copy_of, fixture, until};

/// Answered, and beyond the network of the test.
const PINGS: &str = "PING_TARGETS=\"127.0.0.1 2001:db8::53\"\nPING_INTERVAL=0.2\n";

fn example(name: &str) -> Value {
    let text = std::fs::read_to_string(fixture("wire").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What readers rely on: of each object the keys, of each list the kinds of items, of each
/// value the type.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => "true or false".into(),
        Value::Number(number) if number.is_f64() => "fraction".into(),
        Value::Number(_) => "whole number".into(),
        Value::String(text) => form(text).into(),
        Value::Array(items) => distinct(items.iter()),
        Value::Object(members) => {
            let of = |(name, value): (&String, &Value)| {
                // Keys of these are the targets of the settings, and what each type has.
                let shape = match (name.as_str(), value) {
                    ("ping", Value::Object(targets)) => distinct(targets.values()),
                    ("detail", Value::Object(facts)) if facts.values().all(Value::is_string) => {
                        "texts".into()
                    }
                    _ => shape(value),
                };
                (name.clone(), shape)
            };
            Value::Object(members.iter().map(of).collect::<Map<_, _>>())
        }
    }
}

/// Each shape once, whatever the order.
fn distinct<'a>(values: impl Iterator<Item = &'a Value>) -> Value {
    let mut shapes: Vec<Value> = values.map(shape).collect();
    shapes.sort_by_key(Value::to_string);
    shapes.dedup();
    Value::Array(shapes)
}

fn form(text: &str) -> &'static str {
    let digits_as_nines = |c: char| if c.is_ascii_digit() { '9' } else { c };
    let pattern: String = text.chars().map(digits_as_nines).collect();
    let is_hex = |part: &str| part.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    if pattern == "9999-99-99 99:99:99" {
        "local time"
    } else if text.len() == 16 && is_hex(text) {
        "stream"
    } else if lengths == [8, 4, 4, 4, 12] && text.split('-').all(is_hex) {
        "UUID"
    } else if text.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
        "word"
    } else {
        "text"
    }
}

#[track_caller]
fn assert_like(answer: &Value, name: &str) {
    let (found, expected) = (shape(answer), shape(&example(name)));
    let pretty = |shape: &Value| serde_json::to_string_pretty(shape).unwrap();
    assert_eq!(pretty(&found), pretty(&expected), "{name}: {answer}");
}

fn with_log(root: &Path, lines: &str) -> String {
    let folder = root.join("var/log");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("messages"), lines).unwrap();
    format!("LOG_SOURCE=\"file:/var/log/messages\"\nQUEUE_FILE=\"{}/queue\"\n", root.display())
}

/// A router that has everything: light, a sensor, targets with and without an answer,
/// events with details, and one that is gone.
#[test]
fn a_device_that_has_everything_answers_as_in_the_examples() {
    let device = copy_of("prx-stick");
    let log = with_log(
        device.path(),
        "Mar 14 07:05:01 gw daemon.notice netifd: Interface 'wan' is now down\n\
         Mar 14 07:05:02 gw daemon.info pppd[77]: Using interface pppoe-wan\n\
         Mar 14 07:05:03 gw daemon.notice pppd[77]: local  IP address 198.51.100.7\n",
    );
    let settings = format!("{PINGS}{log}WAN_IFACE=\"wan,eth0_0\"\nMAX_EVENTS=2\n");
    Program::isolated(device.path(), &settings, |program| {
        let status = || program.get("/net/status").json();
        let ping = |target: &str| status()["realtime"]["ping"][target].clone();
        until("a ping is answered", || ping("127.0.0.1")["rtt"].is_number());
        until("a ping is lost", || ping("2001:db8::53")["loss"].is_number());
        until("light is measured", || status()["realtime"]["optical_power"]["rx"].is_number());
        until("the sensor is read", || status()["realtime"]["cpu_temp"].is_number());
        until("events are told", || status()["events"].to_string().contains("198.51.100.7"));
        assert_like(&status(), "exporter-status.json");

        let stream = status()["queue"]["stream"].as_str().unwrap().to_owned();
        let page = program.get(&format!("/net/events?stream={stream}&after=1")).json();
        assert_like(&page, "exporter-events.json");
    });
}

/// A router of which nothing can be read, not even its boot id.
#[test]
fn a_device_that_has_nothing_answers_as_in_the_examples() {
    let device = tempfile::tempdir().unwrap();
    let program = Program::start(device.path(), "PING_TARGETS=\"\"\n");
    let page = || program.get("/net/events?stream=other&after=7").json();
    until("the boot is told", || page()["next_seq"] == 2);
    assert_like(&program.get("/net/status").json(), "exporter-status-nothing-known.json");

    let mut page = page();
    // `null` where nobody says, which on 64-bit systems somebody does.
    assert!(page["time_synced"].is_boolean() || page["time_synced"].is_null(), "{page}");
    page["time_synced"] = Value::Null;
    assert_like(&page, "exporter-events-other-stream.json");
}

#[test]
fn every_example_of_the_exporter_is_held_against_it() {
    let own = include_str!("wire.rs");
    for file in std::fs::read_dir(fixture("wire")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if name.starts_with("exporter-") {
            assert!(own.contains(&format!("\"{name}\"")), "{name} is not used here");
        }
    }
}
