//! Hours with their targets.

use expect_test::expect;

use super::*;

const HOUR: Millis = 3_600_000;

async fn two_hours() -> Bridge {
    let bridge = with_settings(|_| ());
    for router in ["home", "shed"] {
        let id = bridge.store.router(router).await.unwrap();
        for minute in 0..120 {
            let mut poll = sample(HOUR_BEGIN + minute * 60_000, WanState::Up, 0.5);
            for ping in &mut poll.pings {
                (ping.sent_total, ping.lost_total) =
                    (Some(minute as u64 * 60), Some(minute as u64));
            }
            bridge.store.put_sample(id, poll).await.unwrap();
        }
    }
    while bridge.store.roll_up(HOUR_BEGIN + 3 * HOUR, 10).await.unwrap() > 0 {}
    bridge
}

#[tokio::test]
async fn an_hour_has_its_sums_and_its_targets() {
    let bridge = two_hours().await;
    let (rows, next) = page(&bridge, "/api/v1/hourly?router=home&limit=1").await;
    assert!(next.is_some());
    expect![[r#"
        {
          "availability": 1.0,
          "avg_cpu_celsius": 52.8,
          "avg_optical_rx_dbm": -18.52,
          "avg_optical_tx_dbm": null,
          "hour": "2025-02-12T03:00:00.000Z",
          "id": 17260363,
          "max_cpu_celsius": 52.8,
          "min_optical_rx_dbm": -18.52,
          "observed_seconds": 3540.0,
          "outage_seconds": 0.0,
          "pppoe_reconnects": 0,
          "router": "home",
          "rx_dropped": 0,
          "rx_errors": 0,
          "samples": 60,
          "samples_up": 60,
          "targets": [
            {
              "avg_rtt_ms": 6.2,
              "loss_percent": 0.5,
              "lost": 60,
              "max_rtt_ms": 6.2,
              "min_rtt_ms": 6.2,
              "p95_of_minutes_ms": 6.2,
              "sent": 3600,
              "target": "192.0.2.1"
            },
            {
              "avg_rtt_ms": null,
              "loss_percent": 0.5,
              "lost": 60,
              "max_rtt_ms": null,
              "min_rtt_ms": null,
              "p95_of_minutes_ms": null,
              "sent": 3600,
              "target": "198.51.100.1"
            }
          ],
          "tx_dropped": null,
          "tx_errors": 0,
          "wan_downs": 0
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&rows[0]).unwrap());
}

#[tokio::test]
async fn hours_are_asked_for_by_their_begin() {
    let bridge = two_hours().await;
    for (query, count) in [
        ("", 4),
        ("?router=shed", 2),
        ("?from=2025-02-12T02:00:00Z&to=2025-02-12T03:00:00Z", 2),
        ("?from=2025-02-12T02:00:00.001Z", 2),
        ("?to=2025-02-12T03:00:00.001Z", 4),
        ("?from=2025-02-12T03:00:00.001Z", 0),
        ("?from=0&to=99999999999", 4),
    ] {
        let (rows, _) = page(&bridge, &format!("/api/v1/hourly{query}")).await;
        assert_eq!(rows.len(), count, "{query}");
    }
    let (rows, _) = page(&bridge, "/api/v1/hourly?target=192.0.2.1").await;
    assert!(rows.iter().all(|row| row["targets"].as_array().unwrap().len() == 1));
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let (rows, next) = page(&bridge, &format!("/api/v1/hourly?limit=1{cursor}")).await;
        all.extend(rows.iter().map(|row| row["id"].clone()));
        let Some(next) = next else { break };
        cursor = format!("&cursor={next}");
    }
    let (whole, _) = page(&bridge, "/api/v1/hourly").await;
    let whole: Vec<_> = whole.iter().map(|row| row["id"].clone()).collect();
    assert_eq!(all, whole);
    let (_, sheet) = get(&bridge, "/api/v1/hourly?format=csv", "*/*").await;
    assert_eq!(sheet.lines().count(), 9, "a line for each target");
}

#[tokio::test]
async fn an_hour_that_nobody_watched_has_no_availability() {
    let bridge = with_settings(|_| ());
    told(&bridge, "home", vec![event(1, HOUR_BEGIN, "wan_down")]).await;
    bridge.store.roll_up(HOUR_BEGIN + 2 * HOUR, 10).await.unwrap();
    let (rows, _) = page(&bridge, "/api/v1/hourly").await;
    assert_eq!((&rows[0]["availability"], &rows[0]["wan_downs"]), (&Value::Null, &json!(1)));
    let (_, sheet) = get(&bridge, "/api/v1/hourly?format=csv", "*/*").await;
    assert_eq!(sheet.lines().count(), 2);
}
