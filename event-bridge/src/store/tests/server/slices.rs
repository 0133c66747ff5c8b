//! Slices are what the rows say, whatever has been stored, corrected and deleted.

use super::*;
use crate::store::slices;

/// Those in which there is something, a line each.
fn filled(database: &Database) -> Vec<String> {
    with(database, |connection| {
        let sql = "SELECT concat_ws('|', slice, samples, samples_up, loss_sum, loss_count, cpu_sum,
                   cpu_count, pppoe_events, wan_events) FROM slices
                   WHERE samples + pppoe_events + wan_events > 0 ORDER BY slice";
        connection.query(sql, &[], |row| row.get(0))
    })
}

#[tokio::test]
async fn they_are_what_the_rows_say() {
    for engine in ENGINES {
        let place = Place::on(engine);
        let store = place.open();
        let (one, other) = (store.router("a").await.unwrap(), store.router("b").await.unwrap());
        for second in 0..200 {
            store.put_sample(one, sample(NOW + second * 1000)).await.unwrap();
            // The same poll again counts no more.
            store.put_sample(one, sample(NOW + second * 1000)).await.unwrap();
            let mut down = Sample { wan_state: WanState::Down, ..sample(NOW + second * 7000) };
            down.cpu_celsius = None;
            down.pings[0].loss_percent = None;
            // Of one target the first counts.
            down.pings.push(down.pings[1].clone());
            store.put_sample(other, down).await.unwrap();
        }
        store.put_events(one, batch(1..50, 0), NOW).await.unwrap();
        store.put_events(one, batch(20..60, 1), NOW).await.unwrap();
        store.put_events(one, batch(1..50, 0), NOW).await.unwrap();
        store.put_unnumbered(other, vec![unnumbered(NOW, "x"); 3], NOW).await.unwrap();
        let kept_up = filled(&place.database);
        assert!(kept_up.len() > 100, "{}", kept_up.len());
        store.close().await;
        // As a database is that was made before there were any.
        let older = "DROP TABLE slices; UPDATE netmonitor_schema SET version = 1";
        tell(&place.database, older);
        let store = place.open();
        assert_eq!(filled(&place.database), kept_up);

        while store.roll_up(NOW + 7_200_000, 10).await.unwrap() > 0 {}
        let before = NOW + 100_000;
        while store.delete_rows(before, 50).await.unwrap() > 0 {}
        let left = filled(&place.database);
        let first = format!("{}|", before / slices::SLICE);
        assert!(left.len() < kept_up.len() && left[0].starts_with(&first), "{}", left[0]);
        store.close().await;
    }
}
