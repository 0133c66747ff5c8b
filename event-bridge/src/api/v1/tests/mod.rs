//! `/api/v1` against a real store: shapes, pages, sheets, refusals.

mod alerts;
mod hours;
mod outages;
mod pages;
mod refusals;
mod sheets;

use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::api::tests::{Bridge, filled, keys, sample, with_settings};
use crate::clock;
use crate::record::{Event, EventBatch, Millis, WanState};

/// 2025-02-12T02:00:00Z, a whole hour.
const HOUR_BEGIN: Millis = 1_739_325_600_000;

const LISTS: [&str; 8] =
    ["routers", "status", "events", "pings", "samples", "hourly", "outages", "alerts"];

/// Head and body of an answer.
async fn get(bridge: &Bridge, path: &str, accept: &str) -> (Response<()>, String) {
    let request = Request::get(path).header("accept", accept).body(Body::empty()).unwrap();
    let (parts, body) = bridge.ask(request).await.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), String::from_utf8(bytes.to_vec()).unwrap())
}

/// The rows of a page, and the cursor of the next.
async fn page(bridge: &Bridge, path: &str) -> (Vec<Value>, Option<String>) {
    let (status, body) = bridge.get(path).await;
    assert_eq!(status, 200, "{path}: {body}");
    let items = body["items"].as_array().unwrap().clone();
    (items, body["next_cursor"].as_str().map(str::to_owned))
}

fn event(seq: u64, at: Millis, kind: &str) -> Event {
    Event {
        seq: Some(seq),
        at,
        kind: kind.to_owned(),
        message: format!("number {seq}"),
        detail: None,
    }
}

async fn told(bridge: &Bridge, router: &str, events: Vec<Event>) {
    let id = bridge.store.router(router).await.unwrap();
    let next_seq = events.iter().filter_map(|event| event.seq).max().unwrap_or(0) + 1;
    let batch = EventBatch {
        stream: format!("s-{router}"),
        revision: 0,
        events,
        next_seq,
        missed: Some(0),
        unreadable: Vec::new(),
    };
    bridge.store.put_events(id, batch, clock::now()).await.unwrap();
}

#[tokio::test]
async fn rows_have_their_keys_and_times_in_utc() {
    let bridge = filled().await;
    for (list, expected) in [
        ("events", "detail id message received router seq stream time type"),
        ("pings", "id loss_percent router rtt_ms target time"),
        (
            "samples",
            "cpu_celsius id optical_rx_dbm optical_tx_dbm pppoe_reconnects_24h router rx_dropped \
             rx_errors time tx_dropped tx_errors wan_downs_24h wan_state",
        ),
        ("routers", "labels last_event last_sample name poll_interval_seconds polled url"),
        ("status", "failure last_sample last_sample_age_seconds router wan_state"),
    ] {
        let (rows, _) = page(&bridge, &format!("/api/v1/{list}")).await;
        assert_eq!(keys(&rows[0]).join(" "), expected, "{list}");
        if let Some(time) = rows[0].get("time") {
            let time = time.as_str().unwrap();
            assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
        }
    }
    let (rows, _) = page(&bridge, "/api/v1/samples").await;
    assert_eq!((&rows[0]["wan_state"], &rows[1]["wan_state"]), (&json!("up"), &json!("down")));
    assert_eq!(rows[0]["optical_rx_dbm"], -18.52);
    let (rows, _) = page(&bridge, "/api/v1/pings?target=192.0.2.1").await;
    assert_eq!(
        (rows.len(), &rows[0]["rtt_ms"], &rows[1]["loss_percent"]),
        (2, &json!(6.2), &json!(100.0))
    );
    let (rows, _) = page(&bridge, "/api/v1/events?type=wan_down").await;
    assert_eq!((rows.len(), &rows[0]["detail"]), (1, &json!({ "interface": "wan" })));
}

#[tokio::test]
async fn every_list_has_items_also_without_rows() {
    let bridge = with_settings(|_| ());
    for list in LISTS {
        let (status, body) = bridge.get(&format!("/api/v1/{list}?router=home")).await;
        assert_eq!(status, 200, "{list}: {body}");
        assert!(body["items"].is_array() && body["next_cursor"].is_null(), "{list}: {body}");
    }
}

#[tokio::test]
async fn routers_are_those_of_the_settings_and_those_of_the_database() {
    let bridge = filled().await;
    bridge.store.router("attic").await.unwrap();
    let (rows, _) = page(&bridge, "/api/v1/routers").await;
    let names: Vec<_> =
        rows.iter().map(|row| (row["name"].clone(), row["polled"].clone())).collect();
    let expected = [("attic", false), ("home", true), ("shed", true)];
    assert_eq!(names, expected.map(|(name, polled)| (json!(name), json!(polled))));
    assert!(rows[1]["last_sample"].is_string() && rows[2]["last_sample"].is_null());
    assert_eq!(rows[1]["labels"], json!({ "site": "berlin" }));
    let (first, next) = page(&bridge, "/api/v1/routers?limit=2").await;
    assert_eq!(first.len(), 2);
    let (rest, next) = page(&bridge, &format!("/api/v1/routers?cursor={}", next.unwrap())).await;
    assert_eq!((rest.len(), &rest[0]["name"], next), (1, &json!("shed"), None));
    let (status, body) = bridge.get("/api/v1/status").await;
    assert_eq!((status, &body["bridge"]["writable"]), (200, &json!(true)));
    assert_eq!(body["items"][0]["router"], "home");
    assert!(!body.to_string().contains("s3cret"));
}

#[tokio::test]
async fn times_are_half_open() {
    let bridge = with_settings(|_| ());
    told(
        &bridge,
        "home",
        (0..4).map(|n| event(n + 1, HOUR_BEGIN + n as i64 * 1000, "test")).collect(),
    )
    .await;
    for (span, expected) in [
        ("from=2025-02-12T02:00:01Z&to=2025-02-12T02:00:03Z", vec![3, 2]),
        ("from=1739325601&to=1739325603000", vec![3, 2]),
        ("from=2025-02-12T10:00:01+08:00&to=2025-02-12T02:00:01.001Z", vec![2]),
        ("to=2025-02-12T02:00:00Z", vec![]),
        ("from=2025-02-12T02:00:03Z", vec![4]),
        ("from=24h", vec![]),
        ("from=1739325601&to=1739325601", vec![]),
    ] {
        let (rows, _) = page(&bridge, &format!("/api/v1/events?{span}")).await;
        let seqs: Vec<_> = rows.iter().map(|row| row["seq"].as_i64().unwrap()).collect();
        assert_eq!(seqs, expected, "{span}");
    }
}
