//! Hours and summaries equal what the rows give, in whatever order things come.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const HOUR: Millis = 3_600_000;
/// A whole hour of UTC.
const START: Millis = NOW - NOW % HOUR;
/// Everything happens before.
const END: Millis = START + 6 * HOUR;

/// Something that is told.
#[derive(Debug, Clone)]
enum Deed {
    Poll(Sample),
    Events(EventBatch),
    Unnumbered(Event),
    Gap(Millis, Millis),
}

async fn do_it(store: &Store, router: RouterId, deed: &Deed) {
    match deed.clone() {
        Deed::Poll(sample) => store.put_sample(router, sample).await.unwrap(),
        Deed::Events(batch) => {
            store.put_events(router, batch, NOW).await.unwrap();
        }
        Deed::Unnumbered(event) => {
            store.put_unnumbered(router, vec![event], NOW).await.unwrap();
        }
        Deed::Gap(from, until) => store.put_gap(router, from, until).await.unwrap(),
    }
}

fn poll(at: Millis, up: bool, loss: f64, sent: u64) -> Sample {
    let mut sample = sample(at);
    sample.wan_state = if up { WanState::Up } else { WanState::Down };
    sample.rx_errors = Some(sent / 7);
    for ping in &mut sample.pings {
        ping.rtt_ms = (loss < 100.0).then_some(5.0 + loss);
        ping.loss_percent = Some(loss);
        (ping.sent_total, ping.lost_total) = (Some(sent), Some(sent / 9));
    }
    sample
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let at = START..END - 1;
    let poll = (at.clone(), any::<bool>(), 0_u32..=1000, 0_u64..5000)
        .prop_map(|(at, up, loss, sent)| Deed::Poll(poll(at, up, f64::from(loss) / 10.0, sent)));
    let kinds = prop::sample::select(vec!["pppoe_down", "pppoe_up", "wan_down", "wan_up", "test"]);
    let unnumbered = (at.clone(), kinds).prop_map(|(at, kind)| {
        Deed::Unnumbered(Event { kind: kind.to_owned(), ..super::unnumbered(at, kind) })
    });
    let gap = (at.clone(), 0_i64..HOUR).prop_map(|(at, long)| Deed::Gap(at, (at + long).min(END)));
    // Outages of a detector, told under growing revisions of the clock.
    let outage = (0_i64..6, 0_u64..3).prop_map(|(which, revision)| {
        // One revision says one thing.
        let at = START + which * HOUR / 2 + revision as Millis * 700_000;
        let (long, which) = (which * 900_000, which as u64);
        let detail = json!({ "outage": format!("s-{which}"), "cause": "dhcp", "side": "line" });
        let told = |seq, at, kind: &str| Event {
            kind: kind.to_owned(),
            detail: Some(detail.clone()),
            ..event(seq, at, kind)
        };
        let until = (at + long).min(END);
        let events =
            vec![told(which * 2 + 1, at, "outage_start"), told(which * 2 + 2, until, "outage_end")];
        Deed::Events(EventBatch { revision, events, next_seq: which * 2 + 3, ..batch(1..1, 0) })
    });
    // What the router corrects, its kind as well.
    let corrected = (0_u64..4, 0_u64..3).prop_map(|(which, revision)| {
        let at = START + which as Millis * HOUR + revision as Millis * 1_234_567;
        let kind = ["wan_down", "pppoe_down", "test"][revision as usize];
        let events = vec![Event { kind: kind.to_owned(), ..event(100 + which, at, kind) }];
        Deed::Events(EventBatch { revision, events, next_seq: 101 + which, ..batch(1..1, 0) })
    });
    let deed = prop_oneof![8 => poll, 3 => unnumbered, 1 => gap, 2 => outage, 2 => corrected];
    prop::collection::vec(deed, 0..60)
}

/// All of two tables, a line for each row.
fn hours(place: &Place) -> Vec<String> {
    let all = |sql: &'static str, columns: usize| {
        servers::with(&place.database, |connection| {
            connection.query(sql, &[], |row| {
                let values = (0..columns).map(|column| row.get::<Option<i64>>(column));
                Ok(format!("{sql} {:?}", values.collect::<Result<Vec<_>, _>>()?))
            })
        })
    };
    let hours = all("SELECT * FROM hours ORDER BY router, hour", 24);
    [hours, all("SELECT * FROM hour_pings ORDER BY target, hour", 11)].concat()
}

/// As a summary says, from rows alone.
fn naive(place: &Place, from: Millis, until: Millis) -> Summary {
    let mean = |sum: i64, count: i64| (count > 0).then(|| sum as f64 / count as f64 / 10.0);
    let [samples, up, loss, losses, cpu, cpus, pppoe, wan] =
        servers::with(&place.database, |connection| {
            connection.query_one(
                "SELECT (SELECT count(*) FROM samples WHERE at >= ?1 AND at < ?2),
                 (SELECT count(*) FROM samples WHERE at >= ?1 AND at < ?2 AND wan_state = 1),
                 (SELECT CAST(coalesce(sum(loss), 0) AS BIGINT) FROM pings
                  JOIN samples AS s ON s.id = sample WHERE s.at >= ?1 AND s.at < ?2),
                 (SELECT count(loss) FROM pings
                  JOIN samples AS s ON s.id = sample WHERE s.at >= ?1 AND s.at < ?2),
                 (SELECT CAST(coalesce(sum(cpu_temp), 0) AS BIGINT) FROM samples
                  WHERE at >= ?1 AND at < ?2),
                 (SELECT count(cpu_temp) FROM samples WHERE at >= ?1 AND at < ?2),
                 (SELECT count(*) FROM events WHERE at >= ?1 AND at < ?2
                  AND kind LIKE 'pppoe|_%' ESCAPE '|'),
                 (SELECT count(*) FROM events WHERE at >= ?1 AND at < ?2
                  AND kind LIKE 'wan|_%' ESCAPE '|')",
                sql::params![from, until],
                |row| {
                    let mut numbers = [0; 8];
                    for (index, number) in numbers.iter_mut().enumerate() {
                        *number = row.get(index)?;
                    }
                    Ok(numbers)
                },
            )
        });
    Summary {
        samples: samples as u64,
        samples_up: up as u64,
        mean_loss_percent: mean(loss, losses),
        mean_cpu_celsius: mean(cpu, cpus),
        pppoe_events: pppoe as u64,
        wan_events: wan as u64,
    }
}

async fn roll_up_all(store: &Store, now: Millis) {
    while store.roll_up(now, 3).await.unwrap() > 0 {}
}

#[tokio::main(flavor = "current_thread")]
async fn check(deeds: Vec<Deed>, order: Vec<usize>, cuts: Vec<Millis>) {
    // As they come, with hours added up in between; and then again in another order.
    let mut found = Vec::new();
    for is_mixed in [true, false] {
        let place = place();
        let store = place.open();
        let router = store.router("gw").await.unwrap();
        // Made first, so that targets and streams have the same numbers.
        store.put_sample(router, sample(START)).await.unwrap();
        store.put_events(router, batch(1..1, 0), NOW).await.unwrap();
        let mut deeds = deeds.clone();
        if is_mixed {
            let mut keyed: Vec<_> = order.iter().cycle().zip(deeds).collect();
            keyed.sort_by_key(|(key, _)| **key);
            deeds = keyed.into_iter().map(|(_, deed)| deed).collect();
        }
        for (number, deed) in deeds.iter().enumerate() {
            do_it(&store, router, deed).await;
            if is_mixed && number % 5 == 0 {
                roll_up_all(&store, START + number as Millis * HOUR / 5).await;
            }
        }
        if is_mixed {
            for pair in cuts.windows(2) {
                let (from, until) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
                compare(&store, &place, from, until).await;
            }
        }
        roll_up_all(&store, END).await;
        for pair in cuts.windows(2) {
            let (from, until) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
            compare(&store, &place, from, until).await;
        }
        assert!(
            place.lines("SELECT concat('', hour) FROM hours_due WHERE hour < 483148").is_empty()
        );
        store.close().await;
        found.push(hours(&place));
    }
    for (mixed, in_order) in found[0].iter().zip(&found[1]) {
        assert_eq!(mixed, in_order);
    }
    assert_eq!(found[0].len(), found[1].len());
}

async fn compare(store: &Store, place: &Place, from: Millis, until: Millis) {
    let found = store.summary(Query::of(None, from, until)).await.unwrap();
    let expected = naive(place, from, until);
    let count = store.count_samples(Query::of(None, from, until)).await.unwrap();
    assert_eq!(count, expected.samples);
    let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-9,
        (a, b) => a == b,
    };
    assert!(near(found.mean_loss_percent, expected.mean_loss_percent), "{found:?} {expected:?}");
    assert!(near(found.mean_cpu_celsius, expected.mean_cpu_celsius), "{found:?} {expected:?}");
    let counts = |summary: &Summary| {
        (summary.samples, summary.samples_up, summary.pppoe_events, summary.wan_events)
    };
    assert_eq!(counts(&found), counts(&expected));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn hours_do_not_depend_on_the_order_of_what_is_told(
        deeds in deeds(),
        order in prop::collection::vec(0_usize..1000, 60),
        cuts in prop::collection::vec(START - 1000..END + 1000, 4),
    ) {
        check(deeds, order, cuts);
    }
}

#[tokio::test]
async fn an_hour_is_added_up_when_it_is_over_and_again_for_what_comes_late() {
    let place = place();
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    for minute in 0..90 {
        store.put_sample(router, sample(START + minute * 60_000)).await.unwrap();
    }
    assert_eq!(store.roll_up(START + HOUR - 1, 10).await.unwrap(), 0);
    assert_eq!(store.roll_up(START + HOUR, 10).await.unwrap(), 1);
    assert_eq!(store.roll_up(START + HOUR, 10).await.unwrap(), 0);
    let stats = "SELECT concat_ws('|', hour, avg_ping_rtt, max_ping_rtt, packet_loss_count,
        pppoe_reconnect_count, wan_down_count, avg_cpu_temp, router) FROM hourly_stats";
    let first = "2025-02-12T02:00:00Z|12.345|12.345|0|";
    assert_eq!(place.lines(stats), [format!("{first}0|0|51.3|gw")]);
    let event = Event { kind: "pppoe_up".to_owned(), ..unnumbered(START + 5000, "late") };
    store.put_unnumbered(router, vec![event], NOW).await.unwrap();
    assert_eq!(store.roll_up(START + HOUR, 10).await.unwrap(), 1);
    assert_eq!(place.lines(stats), [format!("{first}1|0|51.3|gw")]);
    let pings = place.lines(
        "SELECT concat_ws('|', target, avg_rtt, p95_of_minutes, loss, sent, lost) FROM hourly_ping
         ORDER BY id",
    );
    assert_eq!(pings, ["8.8.8.8|12.345|12.345|1.7|0|0", "1.1.1.1|12.345|12.345|1.7|0|0"]);
}
