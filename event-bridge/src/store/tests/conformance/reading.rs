//! What was stored comes back, newest first, in parts, and while more is written.

use super::*;

#[tokio::test]
async fn a_sample_comes_back_as_it_was() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    store.put_sample(router, sample(NOW)).await.unwrap();
    store.put_sample(router, sample(NOW)).await.unwrap();
    let found = rows(store.samples(all())).await;
    let expected = SampleRecord {
        id: 1,
        router: "gw".to_owned(),
        at: NOW,
        wan_state: WanState::Up,
        rx_errors: Some(1),
        tx_errors: Some(2),
        rx_dropped: Some(3),
        tx_dropped: None,
        optical_rx_dbm: Some(-19.87),
        optical_tx_dbm: Some(2.5),
        cpu_celsius: Some(51.3),
        pppoe_reconnects_24h: Some(4),
        wan_downs_24h: Some(0),
    };
    assert_eq!(found, [expected]);
    let pings = rows(store.pings(PingQuery { rows: all(), target: None })).await;
    let ping = PingRecord {
        id: 262_146,
        router: "gw".to_owned(),
        at: NOW,
        target: "1.1.1.1".to_owned(),
        rtt_ms: Some(12.345),
        loss_percent: Some(1.7),
    };
    let other = PingRecord { id: 262_145, target: "8.8.8.8".to_owned(), ..ping.clone() };
    assert_eq!(pings, [ping, other.clone()]);
    let target = Some("8.8.8.8".to_owned());
    assert_eq!(rows(store.pings(PingQuery { rows: all(), target })).await, [other]);
    let bridge = Query { router: Some(RouterId::BRIDGE), ..all() };
    assert_eq!(rows(store.samples(bridge)).await, []);
}

#[tokio::test]
async fn the_known_names_are_views() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    store.put_sample(router, sample(NOW)).await.unwrap();
    store.put_events(router, batch(7..8, 0), NOW + 8000).await.unwrap();
    let status = place.lines(
        "SELECT concat_ws('|', id, timestamp, wan_state, rx_errors, tx_errors, rx_dropped,
         CASE WHEN tx_dropped IS NULL THEN '-' END, optical_rx, optical_tx, cpu_temp, pppoe_reconnect_count,
         wan_down_count, router) FROM network_status",
    );
    assert_eq!(status, ["1|2025-02-12T02:34:00.000Z|up|1|2|3|-|-19.87|2.5|51.3|4|0|gw"]);
    let pings = place.lines(
        "SELECT concat_ws('|', id, timestamp, target, rtt, loss, router) FROM ping_results
         ORDER BY id",
    );
    let expected = [
        "262145|2025-02-12T02:34:00.000Z|8.8.8.8|12.345|1.7|gw",
        "262146|2025-02-12T02:34:00.000Z|1.1.1.1|12.345|1.7|gw",
    ];
    assert_eq!(pings, expected);
    let events = place.lines(
        "SELECT concat_ws('|', id, timestamp, event_time, event_type, message, router)
         FROM network_events",
    );
    let (had, was) = ("2025-02-12T02:34:08.000Z", "2025-02-12T02:34:07.000Z");
    assert_eq!(events, [format!("1|{had}|{was}|pppoe_up|number 7|gw")]);
}

/// Three routers, 300 samples each, in turn.
async fn filled(place: &Place) -> (Store, Vec<RouterId>) {
    let store = place.open();
    let mut routers = Vec::new();
    for name in ["a", "b", "c"] {
        routers.push(store.router(name).await.unwrap());
    }
    for number in 0..300 {
        for (index, router) in (0..).zip(&routers) {
            store.put_sample(*router, sample(NOW + number * 10 + index)).await.unwrap();
        }
    }
    (store, routers)
}

#[tokio::test]
async fn rows_are_merged_by_time_limited_and_left_out() {
    let place = place();
    let (store, routers) = filled(&place).await;
    let times = async |query| -> Vec<Millis> {
        rows(store.samples(query)).await.iter().map(|row| row.at).collect()
    };
    let mut expected: Vec<Millis> =
        (0..300).flat_map(|number| (0..3).map(move |index| NOW + number * 10 + index)).collect();
    expected.reverse();
    assert_eq!(times(all()).await, expected);
    let part = Query { limit: Some(310), offset: 400, ..all() };
    assert_eq!(times(part).await, expected[400..710]);
    assert!(times(Query { limit: Some(0), ..all() }).await.is_empty());
    assert!(times(Query { offset: u64::MAX, ..all() }).await.is_empty());
    let router = Some(routers[1]);
    let one = Query { offset: 10, ..Query::of(router, NOW + 11, NOW + 2991) };
    let of_one: Vec<Millis> = (1..289).rev().map(|number| NOW + number * 10 + 1).collect();
    assert_eq!(times(one.clone()).await, of_one);
    assert_eq!(store.count_samples(one).await.unwrap(), 298);
    assert_eq!(store.count_samples(all()).await.unwrap(), 900);
    assert_eq!(rows(store.pings(PingQuery { rows: all(), target: None })).await.len(), 1800);
}

#[tokio::test]
async fn a_reader_that_stops_early_or_is_slow_keeps_nothing() {
    let place = place();
    let (store, routers) = filled(&place).await;
    let mut slow: Vec<_> = (0..20).map(|_| store.samples(all())).collect();
    drop(store.samples(all()));
    assert_eq!(slow[0].recv().await.unwrap().unwrap().len(), 512);
    // More scans wait than there are connections, yet each question is answered.
    store.put_sample(routers[0], sample(NOW + 1_000_000)).await.unwrap();
    assert_eq!(store.count_samples(all()).await.unwrap(), 901);
    store.close().await;
    let wal = std::fs::metadata(place.file("netmonitor.db-wal")).map_or(0, |file| file.len());
    assert_eq!(wal, 0, "no reader is in the way");
}

#[tokio::test]
async fn the_summary_is_of_the_time_asked_for() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    let down = |at, loss| {
        let mut sample = Sample { wan_state: WanState::Down, cpu_celsius: None, ..sample(at) };
        sample.pings[0].loss_percent = Some(loss);
        sample.pings[1].loss_percent = None;
        sample
    };
    for one in [sample(1), sample(2), down(3, 100.0), sample(4)] {
        store.put_sample(router, one).await.unwrap();
    }
    let events = ["pppoe_up", "wan_down", "wan6_up", "pppoe_down", "test"];
    let events =
        (1..).zip(events).map(|(seq, kind)| Event { kind: kind.to_owned(), ..event(seq, 2, "") });
    let batch = EventBatch { events: events.collect(), ..batch(1..6, 0) };
    store.put_events(router, batch, NOW).await.unwrap();
    let summary = store.summary(Query { from: 2, until: 4, ..all() }).await.unwrap();
    let expected = Summary {
        samples: 2,
        samples_up: 1,
        mean_loss_percent: Some(summary.mean_loss_percent.unwrap()),
        mean_cpu_celsius: Some(51.3),
        pppoe_events: 2,
        wan_events: 1,
    };
    assert_eq!(summary, expected);
    let mean = summary.mean_loss_percent.unwrap();
    assert!((mean - (1.7 + 1.7 + 100.0) / 3.0).abs() < 1e-9, "{mean}");
    let nothing = store.summary(Query { from: 5, ..all() }).await.unwrap();
    assert_eq!(nothing, Summary { pppoe_events: 0, ..Summary::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn many_write_and_read_at_the_same_time() {
    let place = place();
    let store = place.open();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let store = store.clone();
        tasks.spawn(async move {
            let router = store.router(&format!("router {number}")).await.unwrap();
            for seq in 1..11 {
                store.put_sample(router, sample(NOW + i64::try_from(seq).unwrap())).await.unwrap();
                store.put_events(router, batch(seq..seq + 1, 0), NOW).await.unwrap();
                let query = Query { router: Some(router), ..all() };
                let found = rows(store.samples(query)).await;
                assert_eq!(found.len() as u64, seq, "what is answered is stored");
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    assert_eq!(rows(store.events(all_events())).await.len(), 400);
    assert_eq!(store.routers().await.unwrap().len(), 40);
    let health = store.health();
    assert_eq!((health.queue_length, health.writable), (0, Ok(())));
    assert_eq!(health.events_stored, 400);
}

#[tokio::test]
async fn an_alert_told_again_is_one_row_and_uses_no_number() {
    let place = place();
    let store = place.open();
    let alert = |starts_at| Alert {
        fingerprint: "f".to_owned(),
        status: AlertStatus::Firing,
        starts_at,
        ends_at: None,
        name: "WanDown".to_owned(),
        labels: serde_json::Map::new(),
        annotations: serde_json::Map::new(),
    };
    for (starts_at, new) in [(1, 1), (1, 0), (1, 0), (2, 1)] {
        assert_eq!(store.put_alerts(vec![alert(starts_at)], NOW).await.unwrap(), new);
    }
    let query = AlertQuery { rows: all(), router: None, name: None, status: None };
    let ids: Vec<i64> = rows(store.alerts(query)).await.iter().map(|alert| alert.id).collect();
    assert_eq!(ids, [2, 1]);
}

#[tokio::test]
async fn routers_are_in_the_order_of_their_bytes() {
    let place = place();
    let store = place.open();
    for name in ["apple", "Zebra", "a_2", "B-1"] {
        store.router(name).await.unwrap();
    }
    let routers = store.routers().await.unwrap();
    let names: Vec<&str> = routers.iter().map(|router| router.name.as_str()).collect();
    assert_eq!(names, ["B-1", "Zebra", "a_2", "apple"]);
}

/// Sums of hours and rows of others, whichever is asked of an hour.
#[tokio::test]
async fn an_hour_that_is_due_for_one_router_is_summed_for_the_others() {
    let place = place();
    let store = place.open();
    let hour = 3_600_000;
    let start = NOW - NOW % hour;
    let (one, other) = (store.router("one").await.unwrap(), store.router("other").await.unwrap());
    for minute in 0..60 {
        store.put_sample(one, sample(start + minute * 60_000)).await.unwrap();
        store.put_sample(other, sample(start + minute * 60_000)).await.unwrap();
    }
    while store.roll_up(start + hour, 10).await.unwrap() > 0 {}
    // Of one the rows are gone, of the other something comes late.
    let gone = format!(
        "DELETE FROM pings WHERE sample IN (SELECT id FROM samples WHERE router = {id});
         DELETE FROM samples WHERE router = {id}",
        id = one.0
    );
    servers::tell(&place.database, &gone);
    store.put_sample(other, sample(start + 30_500)).await.unwrap();
    let query = Query::of(None, start, start + 3 * hour);
    let summary = store.summary(query.clone()).await.unwrap();
    assert_eq!((summary.samples, summary.samples_up), (121, 121));
    assert_eq!(store.count_samples(query).await.unwrap(), 121);
}
