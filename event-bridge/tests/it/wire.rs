//! Every example of what agents answer is read by the started program, as far as it can be.

use crate::program::{Bridge, until};
use crate::router::{example, playing, wire};

/// Those that are valid to their end.
fn is_json(name: &str) -> bool {
    serde_json::from_slice::<serde_json::Value>(&example(name)).is_ok()
}

fn records(bridge: &Bridge, path: &str) -> Vec<serde_json::Value> {
    bridge.get(path).json()["records"].as_array().unwrap().clone()
}

fn check_status(name: &str) {
    let bridge = Bridge::start(&playing(name, None), &[]);
    let polled = bridge.get("/api/fetch_now");
    assert_eq!((polled.status, &polled.json()["status"]), (200, &"success".into()), "{name}");
    let sample = &records(&bridge, "/api/history")[0];
    let word = ["down", "up", "unknown"].iter().any(|word| sample["wan_state"] == *word);
    assert!(word, "{name}: {sample}");

    let live = bridge.get("/api/status");
    if is_json(name) {
        assert_eq!(live.status, 200, "{name}");
        assert_eq!(live.body, example(name), "{name}: as the router said it");
    } else {
        live.assert_refused(503, name);
    }
}

fn check_events(name: &str) {
    let told: serde_json::Value = serde_json::from_slice(&example(name)).unwrap();
    let told = told["events"].as_array().unwrap().clone();
    let bridge = Bridge::start(&playing("exporter-status.json", Some(name)), &[]);
    until("all events are stored", || records(&bridge, "/api/events").len() == told.len());
    for (event, stored) in told.iter().zip(records(&bridge, "/api/events").iter().rev()) {
        for key in ["type", "message", "detail"] {
            assert_eq!(event.get(key), stored.get(key), "{name}: {stored}");
        }
        let time: jiff::Timestamp = stored["event_time"].as_str().unwrap().parse().unwrap();
        assert_eq!(time.as_second(), event["ts"].as_f64().unwrap() as i64, "{name}: {stored}");
    }
}

#[test]
fn every_example_is_accepted() {
    let (mut statuses, mut pages) = (0, 0);
    for file in std::fs::read_dir(wire()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if name.contains("-status") {
            check_status(&name);
            statuses += 1;
        } else if name.contains("-events") {
            check_events(&name);
            pages += 1;
        } else {
            assert_eq!(name, "README.md", "what is it an example of?");
        }
    }
    assert!(statuses >= 6 && pages >= 2, "{statuses} {pages}");
}
