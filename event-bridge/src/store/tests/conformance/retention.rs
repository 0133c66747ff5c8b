//! What is deleted, and what outlives it.

use serde_json::json;

use super::*;

const HOUR: Millis = 3_600_000;
/// A whole hour.
const START: Millis = NOW - NOW % HOUR;

/// Ten hours of two routers, and an outage in the second hour.
async fn filled(place: &Place) -> Store {
    let store = place.open();
    for name in ["a", "b"] {
        let router = store.router(name).await.unwrap();
        for minute in 0..600 {
            store.put_sample(router, sample(START + minute * 60_000)).await.unwrap();
        }
        let detail = json!({ "outage": "s-1", "cause": "dhcp", "side": "line" });
        let told = |seq, at, kind: &str| Event {
            kind: kind.to_owned(),
            detail: Some(detail.clone()),
            ..event(seq, START + HOUR + at, kind)
        };
        let events = vec![told(1, 5000, "outage_start"), told(2, 65_000, "outage_end")];
        let batch = EventBatch { events, next_seq: 3, ..batch(1..1, 0) };
        store.put_events(router, batch, START + HOUR).await.unwrap();
        store.put_gap(router, START + 60, START + 70).await.unwrap();
    }
    store
}

async fn delete_all(store: &Store, before: Millis) -> u64 {
    let mut deleted = 0;
    loop {
        let more = store.delete_rows(before, 100).await.unwrap();
        assert!(more <= 300, "in batches");
        deleted += more;
        if more == 0 {
            return deleted;
        }
    }
}

#[tokio::test]
async fn rows_go_and_hours_and_outages_stay() {
    let place = place();
    let store = filled(&place).await;
    let until = START + 10 * HOUR;
    assert_eq!(delete_all(&store, START + 2 * HOUR).await, 0, "not added up yet");
    while store.roll_up(until, 3).await.unwrap() > 0 {}
    let query = || Query::of(None, START, until);
    let before = store.summary(query()).await.unwrap();
    assert_eq!(delete_all(&store, START + 2 * HOUR).await, 2 * (120 + 2 + 1));
    assert_eq!(store.extent().await.unwrap().oldest, Some(START + 2 * HOUR));
    assert_eq!(store.summary(query()).await.unwrap(), before);
    assert_eq!(rows(store.samples(query())).await.len(), 2 * 480);
    assert_eq!(store.count_samples(query()).await.unwrap(), 2 * 480, "as many as can be had");
    assert_eq!(rows(store.pings(PingQuery { rows: query(), target: None })).await.len(), 2 * 960);
    let outages = rows(store.outages(query(), until)).await;
    assert_eq!(outages.iter().map(|record| record.outage.down()).sum::<Millis>(), 120_000);

    // What comes late for an hour without rows leaves it as it is.
    let router = store.router("a").await.unwrap();
    store.put_unnumbered(router, vec![unnumbered(START + 5, "late")], until).await.unwrap();
    while store.roll_up(until, 3).await.unwrap() > 0 {}
    assert_eq!(store.summary(query()).await.unwrap(), before);

    let mut deleted = 0;
    while let more @ 1.. = store.delete_hours(START + 3 * HOUR, 2).await.unwrap() {
        deleted += more;
    }
    assert_eq!(deleted, 2 * 3 * (1 + 2) + 2, "hours, their targets, and the outages");
    assert!(rows(store.outages(query(), until)).await.is_empty());
}

#[tokio::test]
async fn events_of_a_clock_that_is_not_right_yet_are_kept() {
    let place = place();
    let store = place.open();
    let router = store.router("a").await.unwrap();
    store.put_unnumbered(router, vec![unnumbered(40_000, "at boot")], NOW).await.unwrap();
    while store.roll_up(NOW, 3).await.unwrap() > 0 {}
    assert_eq!(delete_all(&store, START).await, 0);
    assert_eq!(delete_all(&store, START + HOUR).await, 1, "it was had before");
}

#[tokio::test]
async fn the_extent_knows_what_is_free() {
    let place = place();
    let store = filled(&place).await;
    while store.roll_up(START + 11 * HOUR, 3).await.unwrap() > 0 {}
    let before = store.extent().await.unwrap();
    assert_eq!((before.oldest, before.newest), (Some(START), Some(START + 599 * 60_000)));
    assert_eq!(before.cleaned, None);
    delete_all(&store, START + 8 * HOUR).await;
    store.put_cleaned(NOW).await.unwrap();
    let after = store.extent().await.unwrap();
    // A server keeps what rows have left for itself, and tells of it late.
    let is_less = after.used_bytes < before.used_bytes;
    assert_eq!(is_less, place.database.file().is_some(), "{before:?} {after:?}");
    assert_eq!(after.cleaned, Some(NOW));
}

#[tokio::test]
async fn a_concluded_outage_outlives_the_samples_that_told_it() {
    let place = place();
    let store = place.open();
    let router = store.router("old").await.unwrap();
    for minute in 0..600 {
        let wan_state = if (10..13).contains(&minute) { WanState::Down } else { WanState::Up };
        let poll = Sample { wan_state, ..sample(START + minute * 60_000) };
        store.put_sample(router, poll).await.unwrap();
    }
    while store.roll_up(START + 11 * HOUR, 3).await.unwrap() > 0 {}
    delete_all(&store, START + 5 * HOUR).await;
    // Its list reaches far back, as that of an agent with few events does.
    let listed = vec![unnumbered(START - 24 * HOUR, "old"), unnumbered(START + 9 * HOUR, "new")];
    store.put_unnumbered(router, listed, START + 10 * HOUR).await.unwrap();
    let all = Query::of(None, i64::MIN, i64::MAX);
    let outages = rows(store.outages(all, START + 11 * HOUR)).await;
    assert_eq!(outages.iter().map(|record| record.outage.down()).collect::<Vec<_>>(), [180_000]);
}
