//! What a report is made of.

use super::*;
use crate::history::hour::HOUR;

const START: Millis = NOW - NOW % HOUR;

#[tokio::test]
async fn full_hours_are_read_as_sums_and_the_others_from_polls() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    // Two hours, a hole of an hour from 02:10, and on until 04:00.
    for minute in (0..130).chain(190..=240) {
        store.put_sample(router, sample(START + minute * 60_000)).await.unwrap();
    }
    let at = |minute: Millis| START + minute * 60_000;
    store.put_gap(router, at(200), at(205)).await.unwrap();
    let time = START - HOUR..START + 10 * HOUR;
    let before = store.month(router, time.clone(), at(1000)).await.unwrap();
    assert_eq!(before.hours, []);
    assert_eq!(before.vouched, [at(0)..at(129), at(190)..at(240)]);
    assert_eq!(before.gaps, std::slice::from_ref(&(at(200)..at(205))));
    store.roll_up(at(1000), 100).await.unwrap();
    let month = store.month(router, time, at(1000)).await.unwrap();
    let full = |hour: Millis| WatchedHour { start: START + hour * HOUR, observed: HOUR };
    assert_eq!(month.hours, [full(0), full(1)]);
    assert_eq!(month.vouched, [at(120)..at(129), at(190)..at(240)]);
}

#[tokio::test]
async fn the_last_poll_vouches_until_now_for_a_while() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    store.put_sample(router, sample(NOW)).await.unwrap();
    let month = |now: Millis| store.month(router, NOW - HOUR..NOW + 9 * HOUR, now);
    assert_eq!(
        month(NOW + 90_000).await.unwrap().vouched,
        std::slice::from_ref(&(NOW..NOW + 90_000))
    );
    assert_eq!(month(NOW + 600_001).await.unwrap().vouched, []);
}

#[tokio::test]
async fn readings_are_means_of_their_time() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    for (minute, light) in [(0, Some(-20.0)), (1, Some(-21.0)), (2, None), (10, Some(-30.0))] {
        let poll = Sample { optical_rx_dbm: light, ..sample(NOW + minute * 60_000) };
        store.put_sample(router, poll).await.unwrap();
    }
    let times = vec![NOW..NOW + 600_000, NOW - 600_000..NOW, NOW..NOW];
    let read = store.readings(router, times).await.unwrap();
    let first = Reading { light_dbm: Some(-20.5), rtt_ms: Some(12.345), loss_percent: Some(1.7) };
    assert_eq!(read, [Some(first), Some(Reading::default()), Some(Reading::default())]);
}

#[tokio::test]
async fn what_rows_are_gone_of_is_told_by_sums() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    for minute in 0..=90 {
        store.put_sample(router, sample(START + minute * 60_000)).await.unwrap();
    }
    store.roll_up(START + 10 * HOUR, 100).await.unwrap();
    let kept = START + 2 * HOUR;
    let fact = format!("INSERT INTO facts (name, value) VALUES ('rows_since', {kept})");
    servers::tell(&place.database, &fact);
    let time = START..START + 10 * HOUR;
    let month = store.month(router, time, START + 10 * HOUR).await.unwrap();
    let hour = |hour: Millis, minutes: Millis| WatchedHour {
        start: START + hour * HOUR,
        observed: minutes * 60_000,
    };
    assert_eq!((month.hours, month.vouched), (vec![hour(0, 60), hour(1, 30)], vec![]));
    let times = vec![kept - 1..kept + 1, kept..kept + 1];
    let read = store.readings(router, times).await.unwrap();
    assert_eq!(read, [None, Some(Reading::default())]);
}

#[tokio::test]
async fn all_outages_of_a_bad_month_are_read() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    let events = (0..700_u64).map(|n| Event {
        kind: "outage_end".to_owned(),
        detail: Some(serde_json::json!({ "outage": format!("s-{n}"), "duration_seconds": "9" })),
        ..event(n + 1, NOW + n as Millis * 600_000, "outage_end")
    });
    let batch = EventBatch { events: events.collect(), next_seq: 701, ..batch(1..1, 0) };
    store.put_events(router, batch, NOW).await.unwrap();
    let time = NOW + 60_000..NOW + 690 * 600_000;
    let found = store.month(router, time, NOW + 999 * 600_000).await.unwrap().outages;
    let numbers: Vec<Millis> =
        found.iter().map(|outage| (outage.until() - NOW) / 600_000).collect();
    // The last one began a moment before the end.
    assert_eq!(numbers, (1..=690).collect::<Vec<_>>());
}
