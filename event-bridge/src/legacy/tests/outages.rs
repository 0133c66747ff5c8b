//! Outages of the time before, whatever has been stored of later times.

use super::*;
use crate::record::{EventBatch, Sample, WanState};
use crate::store::RouterId;

const EXPECTED: [&str; 2] = [
    "2025-10-20T10:20:02.000Z|2025-10-20T10:30:03.000Z|provider_terminated",
    "2025-10-21T10:20:02.000Z|2025-10-21T10:30:03.000Z|provider_terminated",
];

async fn check(before: impl AsyncFnOnce(&Store, RouterId), more: &[&str]) {
    let place = Place::new();
    place.old_file().two_days();
    let store = place.store();
    let router = store.router("gw").await.unwrap();
    before(&store, router).await;
    store.close().await;
    place.run().await.unwrap();
    let outages =
        place.lines("SELECT concat_ws('|', start, \"end\", cause) FROM outages ORDER BY start");
    assert_eq!(outages, [&EXPECTED[..], more].concat());
}

fn sample(at: &str, wan_state: WanState) -> Sample {
    Sample {
        at: utc(at),
        wan_state,
        rx_errors: None,
        tx_errors: None,
        rx_dropped: None,
        tx_dropped: None,
        optical_rx_dbm: None,
        optical_tx_dbm: None,
        cpu_celsius: None,
        pppoe_reconnects_24h: None,
        wan_downs_24h: None,
        pings: Vec::new(),
    }
}

#[tokio::test]
async fn outages_are_concluded() {
    check(async |_, _| {}, &[]).await;
}

#[tokio::test]
async fn later_outages_stay_as_they_are() {
    let later = async |store: &Store, router| {
        for (at, state) in [
            ("2025-10-25T00:00:00Z", WanState::Up),
            ("2025-10-25T00:01:00Z", WanState::Down),
            ("2025-10-25T00:03:00Z", WanState::Up),
            ("2025-10-26T00:01:00Z", WanState::Down),
        ] {
            store.put_sample(router, sample(at, state)).await.unwrap();
        }
    };
    let more = [
        "2025-10-25T00:01:00.000Z|2025-10-25T00:03:00.000Z|unknown",
        "2025-10-26T00:01:00.000Z|unknown",
    ];
    check(later, &more).await;
}

#[tokio::test]
async fn a_router_with_a_detector_has_those_of_before_too() {
    let numbered = async |store: &Store, router| {
        let batch = EventBatch {
            stream: "s".to_owned(),
            revision: 0,
            events: Vec::new(),
            next_seq: 1,
            missed: Some(0),
            unreadable: Vec::new(),
        };
        store.put_events(router, batch, NOW).await.unwrap();
    };
    check(numbered, &[]).await;
}
