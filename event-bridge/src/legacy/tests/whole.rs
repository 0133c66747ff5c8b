//! What is in our database afterwards.

use super::*;
use crate::record::{Event, EventBatch};
use crate::store::Query;

/// Polls, pings, distinct events, rows of events.
const TWO_DAYS: (u64, u64, u64, u64) = (1440, 2880, 6, 180);

#[tokio::test]
async fn everything_is_taken_over_once_and_hours_are_added_up() {
    let place = Place::new();
    place.old_file().two_days();
    let first = place.run().await.unwrap();
    let (samples, pings, events, told) = TWO_DAYS;
    assert_eq!((first.samples.stored, first.pings.stored), (samples, pings), "{first}");
    assert_eq!((first.events.read, first.events.stored), (told, events), "{first}");
    assert_eq!(first.events.repeated, told - events);
    assert_eq!(first.added_up, 48);
    assert!(!first.has_rows_to_go);
    let status = "SELECT concat_ws('|', timestamp, wan_state, rx_errors, tx_errors, optical_rx,
        optical_tx, cpu_temp, pppoe_reconnect_count, wan_down_count, router) FROM network_status
        ORDER BY timestamp LIMIT 1";
    let line = "2025-10-19T22:00:05.123Z|up|7|0|-19.87|2.5|51.3|1|2|gw";
    assert_eq!(place.lines(status), [line]);
    let event = "SELECT concat_ws('|', timestamp, event_time, event_type, message)
        FROM network_events ORDER BY event_time LIMIT 1";
    let line = "2025-10-20T10:20:05.423Z|2025-10-20T10:20:01.000Z|pppoe_padt|of pppoe_padt";
    assert_eq!(place.lines(event), [line]);
    let hour = "SELECT concat_ws('|', avg_ping_rtt, max_ping_rtt, min_ping_rtt, wan_down_count,
        avg_cpu_temp) FROM hourly_stats WHERE hour = '2025-10-20T10:00:00Z'";
    assert_eq!(place.lines(hour), ["10.0|12.5|7.5|1|51.3"]);

    let before = place.all();
    let again = place.run().await.unwrap();
    assert_eq!(place.all(), before);
    let stored = [again.samples, again.pings, again.events, again.hours].map(|rows| rows.stored);
    assert_eq!((stored, again.added_up), ([0; 4], 0), "{again}");
    assert_eq!((again.samples.known(), again.pings.known(), again.events.known()), (1440, 2880, 6));
}

#[tokio::test]
async fn an_interrupted_import_is_run_again() {
    let whole = Place::new();
    whole.old_file().two_days();
    whole.run().await.unwrap();
    for steps in [0, 1, 3] {
        let place = Place::new();
        place.old_file().two_days();
        let mut work = Work::open(&place.import()).await.unwrap();
        for _ in 0..steps {
            assert!(work.step().await.unwrap());
        }
        // Hours may be added up by a bridge that runs meanwhile.
        work.add_up().await.unwrap();
        drop(work);
        place.run().await.unwrap();
        assert_eq!(place.all(), whole.all(), "after {steps} batches");
    }
}

#[tokio::test]
async fn the_end_of_summer_time_is_told_by_the_order_of_the_rows() {
    let place = Place::new();
    let old = place.old_file();
    for pass in 0..2 {
        for minute in 0..60 {
            let time = format!("2025-10-26 02:{minute:02}:30.000001");
            old.status(&time, "up");
            old.ping(&time, "8.8.8.8", 1.0);
            // Told at every poll, as all events are.
            old.event(&time, "2025-10-26 01:10:20.000000", "pppoe_down");
            if minute == 10 && pass == 1 {
                old.event(&time, "2025-10-26 02:10:20.000000", "pppoe_up");
            }
        }
    }
    let tally = place.run().await.unwrap();
    assert_eq!((tally.samples.stored, tally.pings.stored, tally.times_left_out), (120, 120, 0));
    let hours = place
        .lines("SELECT concat_ws('|', hour, samples) FROM hours WHERE samples > 0 ORDER BY hour");
    let first = utc("2025-10-26T00:00:00Z") / 3_600_000;
    assert_eq!(hours, [format!("{first}|60"), format!("{}|60", first + 1)]);
    let event = place.lines("SELECT event_time FROM network_events ORDER BY 1");
    assert_eq!(event, ["2025-10-25T23:10:20.000Z", "2025-10-26T01:10:20.000Z"]);
}

#[tokio::test]
async fn nonsense_is_counted_and_costs_nothing_else() {
    let place = Place::new();
    let old = place.old_file();
    old.status("2025-10-20 10:00:00", "up");
    old.status("2025-10-20T10:01:00", "sideways");
    for time in
        ["never", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "2025-03-30 02:30:00"]
    {
        old.status(time, "up");
        old.ping(time, "8.8.8.8", 1.0);
        old.event("2025-10-20 10:00:00", time, "wan_up");
        old.hour(time);
    }
    old.do_it(
        "INSERT INTO network_status (timestamp, rx_errors, cpu_temp) VALUES
         (NULL, 1, 1), (12345, 1, 1), (x'00ff', 1, 1), ('2025-10-20 10:02:00', 'many', 9e999);
         INSERT INTO ping_results (timestamp, target, rtt) VALUES
         ('2025-10-20 10:02:00', NULL, 1), ('2025-10-20 10:02:00', x'ff', 1),
         ('2025-10-20 10:02:00', '9.9.9.9', 'N/A'), ('2025-10-20 10:02:01', '9.9.9.9', 3);
         INSERT INTO network_events (timestamp, event_time, event_type, message) VALUES
         ('2025-10-20 10:02:00', '2025-10-20 10:01:00', NULL, 'm'),
         (NULL, '2025-10-20 10:01:00', 'wan_up', 'm'),
         ('2025-10-20 10:02:00', '2025-10-20 10:01:00', 'wan_up', NULL);",
    );
    let tally = place.run().await.unwrap();
    assert_eq!((tally.samples.stored, tally.samples.skipped), (4, 6), "{tally}");
    assert_eq!((tally.pings.stored, tally.pings.skipped, tally.pings.repeated), (2, 5, 1));
    assert_eq!((tally.events.stored, tally.events.skipped), (2, 5), "{tally}");
    assert_eq!((tally.hours.stored, tally.hours.skipped), (1, 3), "{tally}");
    assert_eq!((tally.values_left_out, tally.times_left_out), (2, 3), "{tally}");
    for part in [
        "skipped: 4 of network_status: the time is none (first: id 3)",
        "skipped: 1 of network_events: there is no type",
        "skipped: 1 of ping_results: the time is later than now; is the zone right?",
    ] {
        assert!(tally.to_string().contains(part), "{part}: {tally}");
    }
}

#[tokio::test]
async fn what_the_bridge_has_polled_itself_is_not_stored_again() {
    let place = Place::new();
    let old = place.old_file();
    old.event("2025-10-20 10:00:40", "2025-10-20 10:00:20.000000", "wan_down");
    old.event("2025-10-20 10:00:40", "2025-10-20 10:00:30.000000", "wan_up");
    let store = place.store();
    let router = store.router("gw").await.unwrap();
    // By an agent that does not number, which the bridge took for one in another zone.
    let told = |kind: &str, at: &str, time: &str, seq| Event {
        seq,
        at: utc(at),
        kind: kind.to_owned(),
        message: format!("of {kind}"),
        detail: Some(serde_json::json!({ "router_time": time })),
    };
    let event = told("wan_down", "2025-10-20T12:00:20Z", "2025-10-20 10:00:20", None);
    store.put_unnumbered(router, vec![event], NOW).await.unwrap();
    let batch = EventBatch {
        stream: "s".to_owned(),
        revision: 0,
        events: vec![told("wan_up", "2025-10-20T08:00:30.512Z", "x", Some(1))],
        next_seq: 2,
        missed: Some(0),
        unreadable: Vec::new(),
    };
    store.put_events(router, batch, NOW).await.unwrap();
    store.close().await;
    let tally = place.run().await.unwrap();
    assert_eq!((tally.events.stored, tally.events.known()), (0, 2), "{tally}");
}

#[tokio::test]
async fn hours_outlive_their_rows() {
    let place = Place::new();
    let old = place.old_file();
    old.hour("2024-01-10 05:00:00.000000");
    old.hour("2024-01-10 06:00:00.000000");
    old.hour("2025-10-20 08:00:00.000000");
    old.event("2024-01-10 07:30:00", "2024-01-10 07:20:00", "wan_down");
    old.status("2025-10-20 10:30:00", "up");
    let tally = place.run().await.unwrap();
    assert_eq!((tally.hours.stored, tally.hours.known()), (2, 1), "{tally}");
    assert!(tally.has_rows_to_go);
    let stats = "SELECT concat_ws('|', hour, avg_ping_rtt, max_ping_rtt, min_ping_rtt,
        packet_loss_count, pppoe_reconnect_count, wan_down_count, avg_cpu_temp, max_cpu_temp)
        FROM hourly_stats ORDER BY hour";
    let expected = [
        "2024-01-10T05:00:00Z|20.5|99.25|1.5|4|2|1|50.5|60.5",
        "2024-01-10T06:00:00Z|20.5|99.25|1.5|4|2|1|50.5|60.5",
        "2025-10-20T08:00:00Z|0|0|51.3|51.3",
    ];
    assert_eq!(place.lines(stats), expected);
    // Nothing that comes late for such an hour costs it what is known, but its polls do.
    let store = place.store();
    let router = store.router("gw").await.unwrap();
    let at = utc("2024-01-10T05:40:00Z");
    store.put_gap(router, at, at + 60_000).await.unwrap();
    while store.roll_up(NOW, 16).await.unwrap() > 0 {}
    assert_eq!(place.lines(stats), expected);
    old.status("2024-01-10 06:40:00", "up");
    place.run().await.unwrap();
    assert_eq!(place.lines(stats)[0], "2024-01-10T05:00:00Z|0|0|51.3|51.3");
    assert_eq!(place.lines(stats)[1..], expected[1..]);
}

#[tokio::test]
async fn rows_from_before_a_clean_up_are_added_up_before_they_go() {
    let place = Place::new();
    place.old_file().two_days();
    let store = place.store();
    assert_eq!(store.delete_rows(utc("2025-10-31T00:00:00Z"), 100).await.unwrap(), 0);
    store.close().await;
    let tally = place.run().await.unwrap();
    assert_eq!(tally.added_up, 48);
    let store = place.store();
    while store.delete_rows(utc("2025-10-31T00:00:00Z"), 1000).await.unwrap() > 0 {}
    let summary = store.summary(Query::of(None, 0, NOW)).await.unwrap();
    assert_eq!((summary.samples, summary.samples_up), (1440, 1430));
}

#[tokio::test]
async fn a_bridge_may_run_meanwhile() {
    let place = Place::new();
    place.old_file().two_days();
    let bridge = place.store();
    let router = bridge.router("gw").await.unwrap();
    let mut work = Work::open(&place.import()).await.unwrap();
    let mut at = utc("2025-10-31T00:00:00Z");
    while work.step().await.unwrap() {
        at += 1000;
        bridge.put_gap(router, at, at + 10).await.unwrap();
    }
    while work.add_up().await.unwrap() {}
    let tally = work.finish().await.unwrap();
    assert_eq!(tally.samples.stored, 1440);
    assert!(bridge.gaps(Query::of(None, 0, NOW)).await.unwrap().len() > 4);
    assert_eq!(bridge.count_samples(Query::of(None, 0, NOW)).await.unwrap(), 1440);
}
