//! Outages, and one with what happened around it.

use super::*;

/// An outage of two drops: 2:10:00 to 2:10:30, and 2:12:00 to 2:12:05.
async fn with_outage() -> Bridge {
    let bridge = with_settings(|_| ());
    let at = |seconds: i64| HOUR_BEGIN + 600_000 + seconds * 1000;
    let said = |seq, seconds, kind: &str, name: &str| {
        let detail = json!({
            "outage": name, "cause": "provider_terminated", "side": "provider", "carrier": "kept",
        });
        Event { detail: Some(detail), ..event(seq, at(seconds), kind) }
    };
    let events = vec![
        event(1, at(-301), "test"),
        event(2, at(-299), "test"),
        said(3, 0, "outage_start", "s-3"),
        event(4, at(1), "pppoe_padt"),
        said(5, 30, "outage_end", "s-3"),
        said(6, 120, "outage_start", "s-6"),
        said(7, 125, "outage_end", "s-6"),
        event(8, at(126 + 300), "test"),
    ];
    told(&bridge, "home", events).await;
    let id = bridge.store.router("home").await.unwrap();
    for minute in 0..20 {
        let poll = sample(HOUR_BEGIN + minute * 60_000, WanState::Up, 0.0);
        bridge.store.put_sample(id, poll).await.unwrap();
    }
    bridge.store.put_gap(id, at(0), at(40)).await.unwrap();
    bridge
}

#[tokio::test]
async fn an_outage_says_why_and_whose() {
    let bridge = with_outage().await;
    let (rows, _) = page(&bridge, "/api/v1/outages").await;
    let expected = json!({
        "id": 1, "router": "home", "start": "2025-02-12T02:10:00.000Z",
        "end": "2025-02-12T02:12:05.000Z", "ongoing": false, "duration_seconds": 125.0,
        "cause": "provider_terminated", "side": "provider",
        "summary": "The provider ended the session.", "drops": 2, "outage_seconds": 35.0,
        "end_known": true, "coarse": false,
    });
    assert_eq!(rows, [expected]);
}

#[tokio::test]
async fn an_outage_that_goes_on_ends_now() {
    let bridge = with_settings(|_| ());
    let start = Event {
        detail: Some(json!({ "outage": "s-1", "cause": "unknown", "side": "unknown" })),
        ..event(1, clock::now() - 60_000, "outage_start")
    };
    told(&bridge, "home", vec![start]).await;
    let id = bridge.store.router("home").await.unwrap();
    let poll = sample(clock::now() - 1000, WanState::Down, 100.0);
    bridge.store.put_sample(id, poll).await.unwrap();
    let (rows, _) = page(&bridge, "/api/v1/outages?from=30s").await;
    assert_eq!((&rows[0]["ongoing"], &rows[0]["end_known"]), (&json!(true), &json!(false)));
    assert!(rows[0]["duration_seconds"].as_f64().unwrap() >= 60.0);
    assert!(rows[0]["end"].is_string());
}

#[tokio::test]
async fn one_outage_is_shown_with_its_evidence_and_surroundings() {
    let bridge = with_outage().await;
    let (status, body) = bridge.get("/api/v1/outages/1").await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["parts"].as_array().unwrap().len(), 2);
    assert_eq!(body["parts"][0]["evidence"]["carrier"], "kept");
    assert_eq!(body["parts"][1]["duration_seconds"], 5.0);
    let timeline = body["timeline"].as_array().unwrap();
    let events = timeline.iter().filter(|entry| entry["what"] == "event");
    let seqs: Vec<_> = events.map(|entry| entry["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, [2, 3, 4, 5, 6, 7], "five minutes before and after");
    let samples = timeline.iter().filter(|entry| entry["what"] == "sample").count();
    assert_eq!(samples, 13);
    let times: Vec<_> = timeline.iter().map(|entry| entry["time"].as_str().unwrap()).collect();
    assert!(times.is_sorted());
    assert_eq!(body["timeline_cut"], false);
    assert_eq!(body["gaps"][0]["end"], "2025-02-12T02:10:40.000Z");
    let second = &body["parts"][1]["id"];
    let (_, second) = bridge.get(&format!("/api/v1/outages/{second}")).await;
    assert_eq!(second["id"], 1, "by any of its drops");
}

#[tokio::test]
async fn the_timeline_of_a_long_outage_is_bounded() {
    let bridge = with_settings(|_| ());
    let name = json!({ "outage": "s-1" });
    let start = Event { detail: Some(name.clone()), ..event(1, HOUR_BEGIN, "outage_start") };
    let end = Event { detail: Some(name), ..event(2, HOUR_BEGIN + 50_000_000, "outage_end") };
    let noise = (3..2000).map(|seq| event(seq, HOUR_BEGIN + seq as Millis * 25_000, "test"));
    let events = [start, end].into_iter().chain(noise).collect();
    told(&bridge, "home", events).await;
    let (status, body) = bridge.get("/api/v1/outages/1").await;
    assert_eq!((status, &body["timeline_cut"]), (200, &json!(true)));
    let timeline = body["timeline"].as_array().unwrap();
    assert!(timeline.len() <= 500, "{}", timeline.len());
    let has = |kind: &str| timeline.iter().any(|entry| entry["type"] == kind);
    assert!(has("outage_start") && has("outage_end"), "begin and end are there");
}
