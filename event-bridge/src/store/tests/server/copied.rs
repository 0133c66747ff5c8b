//! A database into another, through all engines and back.

use super::*;
use crate::store::tables::{Column, TABLES};

/// Something in every table.
async fn fill(store: &Store) {
    let (new, old) = (store.router("new").await.unwrap(), store.router("old").await.unwrap());
    let hour = 3_600_000;
    for minute in 0..200 {
        store.put_sample(new, sample(NOW + minute * 60_000)).await.unwrap();
    }
    let down = Sample { wan_state: WanState::Down, ..sample(NOW) };
    store.put_sample(old, down).await.unwrap();
    let told = |seq, kind: &str| Event {
        kind: kind.to_owned(),
        detail: Some(serde_json::json!({"outage": "s-1", "cause": "dhcp", "side": "line"})),
        ..event(seq, NOW + i64::try_from(seq).unwrap() * 5000, "Zeile ✓ 'with \"all\" \\ of it'")
    };
    let events = vec![told(1, "outage_start"), told(2, "outage_end"), told(3, "router_boot")];
    let events = EventBatch { events, next_seq: 4, ..batch(1..1, 0) };
    store.put_events(new, events, NOW).await.unwrap();
    store
        .put_events(new, EventBatch { stream: "next".to_owned(), ..batch(1..3000, 2) }, NOW)
        .await
        .unwrap();
    store.put_unnumbered(old, vec![unnumbered(NOW, "down")], NOW).await.unwrap();
    store.put_gap(old, NOW, NOW + 1000).await.unwrap();
    store.roll_up(NOW + 2 * hour, 2).await.unwrap();
    let labels = serde_json::json!({"router": "new"}).as_object().unwrap().clone();
    let alert = Alert {
        fingerprint: "f".to_owned(),
        status: AlertStatus::Firing,
        starts_at: NOW,
        ends_at: None,
        name: "WanDown".to_owned(),
        annotations: labels.clone(),
        labels,
    };
    store.put_alerts(vec![alert], NOW).await.unwrap();
    store.put_cleaned(NOW).await.unwrap();
}

/// A line for each row of each table.
fn everything(database: &Database) -> Vec<String> {
    with(database, |connection| {
        let mut lines = Vec::new();
        for table in TABLES {
            let names: Vec<String> = table
                .columns
                .iter()
                .map(|Column { name, .. }| {
                    format!("CASE WHEN {name} IS NULL THEN '-' ELSE concat('', {name}) END")
                })
                .collect();
            let order: Vec<&str> =
                table.columns[..table.key].iter().map(|column| column.name).collect();
            let sql = format!(
                "SELECT concat_ws('|', {}) FROM {} ORDER BY {}",
                names.join(", "),
                table.name,
                order.join(", ")
            );
            let rows: Vec<String> = connection.query(&sql, &[], |row| row.get(0))?;
            assert!(!rows.is_empty(), "{}", table.name);
            lines.extend(rows.into_iter().map(|row| format!("{}|{row}", table.name)));
        }
        Ok(lines)
    })
}

#[track_caller]
fn assert_same(found: &[String], expected: &[String]) {
    let other = found.iter().zip(expected).find(|(found, expected)| found != expected);
    assert_eq!(other, None);
    assert_eq!(found.len(), expected.len());
}

#[tokio::test]
async fn what_is_copied_through_all_engines_and_back_is_the_same() {
    let places =
        [Place::new(), Place::on(Engine::Postgres), Place::on(Engine::MariaDb), Place::new()];
    let store = places[0].open();
    fill(&store).await;
    let part = || Query::of(None, NOW + 1, NOW + 7_000_001);
    let summary = store.summary(part()).await.unwrap();
    assert!(summary.samples > 100 && summary.mean_loss_percent.is_some(), "{summary:?}");
    store.close().await;
    let before = everything(&places[0].database);
    for pair in places.windows(2) {
        let mut told = Vec::new();
        let copied = copy(&pair[0].database, &pair[1].database, NOW, |at| told.push(at)).unwrap();
        assert_eq!(copied.rows as usize, before.len());
        assert!(told.iter().all(|at| at.rows <= at.of), "{told:?}");
        assert!(told.iter().any(|at| at.table == "events" && at.rows == at.of && at.of > 2000));
        assert_same(&everything(&pair[1].database), &before);
        // It is a database like any other: numbers go on, routers are known.
        let store = pair[1].open();
        assert_eq!(store.extent().await.unwrap().cleaned, Some(NOW));
        assert_eq!(store.summary(part()).await.unwrap(), summary);
        let router = store.known_router("new").unwrap();
        assert_eq!(store.known_router("newer"), None);
        let late = sample(NOW + 90_000_000);
        store.put_sample(router, late).await.unwrap();
        let newest = rows(store.samples(Query { limit: Some(1), ..all() })).await;
        assert_eq!(newest[0].id, 202, "{:?}", pair[1].database);
        store.close().await;
        tell(
            &pair[1].database,
            "DELETE FROM pings WHERE sample = 202; DELETE FROM samples WHERE id = 202;
            DELETE FROM hours_due WHERE hour > 483150",
        );
        assert_same(&everything(&pair[1].database), &before);
    }
}

#[tokio::test]
async fn a_copy_that_was_ended_goes_on() {
    for engine in ENGINES {
        let (from, to) = (Place::new(), Place::on(engine));
        let store = from.open();
        fill(&store).await;
        store.close().await;
        let ended = std::panic::catch_unwind(|| {
            copy(&from.database, &to.database, NOW, |at| {
                assert!(at.table != "events" || at.rows < 2000, "the program is killed");
            })
        });
        assert!(matches!(ended, Ok(Err(StoreError::Closed { .. }))), "{ended:?}");
        let told = Store::open(&to.database, NOW).map(|_| ()).unwrap_err().to_string();
        assert!(told.contains("is not finished; run the same"), "{told}");
        let mut first = None;
        copy(&from.database, &to.database, NOW, |at| {
            if at.table == "events" && first.is_none() {
                first = Some(at.rows);
            }
        })
        .unwrap();
        assert_eq!(first, Some(2000), "what was there is not copied again");
        assert_same(&everything(&to.database), &everything(&from.database));
        // Nothing is mixed with what is there.
        let told = copy(&from.database, &to.database, NOW, |_| {}).unwrap_err().to_string();
        assert!(told.contains("has rows already"), "{told}");
    }
}

#[tokio::test]
async fn a_source_that_was_written_meanwhile_is_not_mixed() {
    let (from, to) = (Place::new(), Place::on(Engine::Postgres));
    let store = from.open();
    fill(&store).await;
    let ended = copy(&from.database, &to.database, NOW, |at| assert_ne!(at.table, "drops"));
    assert!(ended.is_err());
    let router = store.known_router("new").unwrap();
    let corrected = EventBatch { stream: "next".to_owned(), ..batch(1..2, 5) };
    store.put_events(router, corrected, NOW).await.unwrap();
    let told = copy(&from.database, &to.database, NOW, |_| {}).unwrap_err().to_string();
    assert!(told.contains("was written since the copy was begun"), "{told}");
    let nothing = copy(&Place::on(Engine::MariaDb).database, &to.database, NOW, |_| {});
    assert!(matches!(nothing.unwrap_err(), StoreError::Nothing { .. }));
}
