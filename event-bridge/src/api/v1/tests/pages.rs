//! Pages neither skip nor repeat, whatever comes between two of them.

use std::collections::BTreeSet;

use super::*;

/// Reads page by page; `between` happens after each.
async fn read_all(
    bridge: &Bridge,
    path: &str,
    limit: usize,
    mut between: impl AsyncFnMut(),
) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let (items, next) = page(bridge, &format!("{path}limit={limit}{cursor}")).await;
        assert!(items.len() == limit || next.is_none(), "{} rows", items.len());
        rows.extend(items);
        let Some(next) = next else { return rows };
        cursor = format!("&cursor={next}");
        between().await;
    }
}

fn ids(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[track_caller]
fn assert_no_repeats(rows: &[Value]) {
    let ids = ids(rows);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
}

/// Two routers tell the same milliseconds, three rows for each of them.
async fn twins() -> Bridge {
    let bridge = with_settings(|_| ());
    for router in ["home", "shed"] {
        let at = |n: u64| HOUR_BEGIN + (n / 3) as Millis;
        told(&bridge, router, (0..60).map(|n| event(n + 1, at(n), "test")).collect()).await;
        let id = bridge.store.router(router).await.unwrap();
        for n in 0..30 {
            bridge.store.put_sample(id, sample(HOUR_BEGIN + n, WanState::Up, 0.0)).await.unwrap();
        }
    }
    bridge
}

#[tokio::test]
async fn pages_of_routers_with_the_same_milliseconds_are_the_whole() {
    let bridge = twins().await;
    for (list, count) in [("events", 120), ("samples", 60), ("pings", 120)] {
        let (whole, _) = page(&bridge, &format!("/api/v1/{list}?limit=1000")).await;
        assert_eq!(whole.len(), count, "{list}");
        for limit in [1, 2, 7, 59, 60, 119] {
            let rows = read_all(&bridge, &format!("/api/v1/{list}?"), limit, async || ()).await;
            assert_eq!(ids(&rows), ids(&whole), "{list} by {limit}");
        }
        let of_one =
            read_all(&bridge, &format!("/api/v1/{list}?router=shed&"), 7, async || ()).await;
        assert_eq!(of_one.len(), count / 2, "{list}");
        assert!(of_one.iter().all(|row| row["router"] == "shed"), "{list}");
    }
}

#[tokio::test]
async fn rows_that_come_between_two_pages_move_none() {
    let bridge = twins().await;
    let (before, _) = page(&bridge, "/api/v1/events?limit=1000").await;
    let mut seq = 100;
    let rows = read_all(&bridge, "/api/v1/events?", 7, async || {
        seq += 1;
        // Newer than all, of the middle, and older than all.
        let times = [HOUR_BEGIN + 1_000_000, HOUR_BEGIN + 10, HOUR_BEGIN - 1000];
        let events = times.iter().zip([seq, seq + 1000, seq + 2000]);
        told(&bridge, "home", events.map(|(at, seq)| event(seq, *at, "new")).collect()).await;
    })
    .await;
    assert_no_repeats(&rows);
    let found: BTreeSet<i64> = ids(&rows).into_iter().collect();
    assert!(ids(&before).iter().all(|id| found.contains(id)), "none is skipped");
    let times: Vec<_> = rows.iter().map(|row| row["time"].as_str().unwrap().to_owned()).collect();
    assert!(times.is_sorted_by(|one, next| one >= next), "newest first");
}

#[tokio::test]
async fn a_cursor_stays_within_the_time_that_is_asked_for() {
    let bridge = twins().await;
    let (_, next) = page(&bridge, "/api/v1/events?limit=1").await;
    let path = format!("/api/v1/events?to=1739325600005&limit=1000&cursor={}", next.unwrap());
    let (rows, _) = page(&bridge, &path).await;
    assert_eq!(rows.len(), 30, "five milliseconds of two routers, three rows each");
}

#[tokio::test]
async fn cursors_of_other_lists_and_forged_ones_are_refused() {
    let bridge = twins().await;
    let (_, next) = page(&bridge, "/api/v1/events?limit=1").await;
    let next = next.unwrap();
    let short = &next[..next.len() - 2];
    for path in [
        format!("/api/v1/samples?cursor={next}"),
        format!("/api/v1/routers?cursor={next}"),
        format!("/api/v1/events?cursor={short}"),
        "/api/v1/events?cursor=x".to_owned(),
        "/api/v1/events?cursor=%F0%9F%98%80".to_owned(),
    ] {
        let (status, body) = bridge.get(&path).await;
        assert_eq!((status, &body["code"]), (400, &json!("bad_parameter")), "{path}");
    }
}
