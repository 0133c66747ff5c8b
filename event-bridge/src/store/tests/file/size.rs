//! How much a month takes.

use super::*;
use crate::history::hour::{Hour, HourPings, Sum};

/// Issue 5: 30 days of one router, polled each minute.
const MAX_BYTES: u64 = 8_000_000;

/// Issue 6: a year of one router's hours.
const MAX_YEAR_BYTES: u64 = 5_000_000;

fn in_one_transaction(place: &Place) -> sql::Connection {
    let file = schema::open_to_write(&place.path).unwrap();
    file.execute_batch("PRAGMA synchronous = OFF").unwrap();
    let connection = sql::Connection::Sqlite(file);
    connection.begin().unwrap();
    connection
}

#[test]
fn a_year_of_hours_stays_under_5_mb() {
    let place = Place::new();
    let connection = in_one_transaction(&place);
    let router = writer::insert_router(&connection, "gw").unwrap();
    let mut first = sample(NOW);
    first.pings.push(Ping { target: "223.5.5.5".to_owned(), ..first.pings[0].clone() });
    samples::insert_sample(&connection, router, &first, None).unwrap();
    let sum = |hour: i64, count| Sum {
        sum: 450_000 + hour * 7 % 90_000,
        count,
        min: Some(7_000 + hour % 500),
        max: Some(60_000 + hour % 40_000),
    };
    for hour in 0..24 * 365 {
        let pings = HourPings {
            rtt: sum(hour, 60),
            rtt_p95: Some(30_000 + hour % 9000),
            loss: sum(hour, 60),
            sent: Some(3600),
            lost: Some(hour % 40),
        };
        let sums = Hour {
            samples: 60,
            samples_up: 60,
            observed: 3_600_000,
            outage: hour % 60_000,
            loss: sum(hour, 180),
            cpu: sum(hour, 60),
            optical_rx: sum(hour, 60),
            optical_tx: sum(hour, 60),
            errors: [Some(hour % 9), Some(0), Some(hour % 3), Some(0)],
            targets: (1..=3).map(|target| (target, pings.clone())).collect(),
            ..Hour::default()
        };
        crate::store::hours::insert_hour(&connection, router, 483_000 + hour, &sums).unwrap();
    }
    connection.commit().unwrap();
    drop(connection);
    let report = check(&place.path).unwrap();
    let of = |name: &str| report.tables.iter().find(|table| table.name == name).unwrap();
    assert_eq!((of("hours").rows, of("hour_pings").rows), (8760, 3 * 8760));
    let bytes = of("hours").bytes + of("hour_pings").bytes;
    assert!(bytes < MAX_YEAR_BYTES, "{bytes}");
}

#[test]
fn a_month_of_a_router_stays_under_8_mb() {
    let place = Place::new();
    let connection = in_one_transaction(&place);
    let router = writer::insert_router(&connection, "gw").unwrap();
    let mut random = 7_u64;
    let mut random = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % below
    };
    for minute in 0..43_200_u64 {
        let at = NOW + i64::try_from(minute * 60_000 + random(900)).unwrap();
        let pings = ["8.8.8.8", "1.1.1.1", "223.5.5.5"].map(|target| Ping {
            target: target.to_owned(),
            rtt_ms: Some(8.0 + random(600) as f64 / 10.0),
            loss_percent: Some(if random(20) == 0 { 1.7 } else { 0.0 }),
            sent_total: Some(minute * 60),
            lost_total: Some(minute / 4),
        });
        let sample = Sample {
            rx_errors: Some(minute / 100),
            cpu_celsius: Some(45.0 + random(150) as f64 / 10.0),
            optical_rx_dbm: Some(-20.0 + random(80) as f64 / 100.0),
            pings: pings.into(),
            ..sample(at)
        };
        samples::insert_sample(&connection, router, &sample, None).unwrap();
    }
    let session = "PPPoE session on pppoe-wan established, address 203.0.113.7, peer 198.51.100.1";
    let detail = serde_json::json!({"interface": "wan", "device": "pppoe-wan"});
    for seq in 1..5001 {
        let at = NOW + i64::try_from(seq * 518_400).unwrap();
        let event = Event { detail: Some(detail.clone()), ..event(seq, at, session) };
        let batch = EventBatch { events: vec![event], ..batch(seq..seq + 1, 0) };
        events::insert_batch(&connection, router, &batch, at + 300).unwrap();
    }
    connection.commit().unwrap();
    drop(connection);
    let report = check(&place.path).unwrap();
    println!("{report}");
    assert!(report.is_good());
    assert!(report.bytes < MAX_BYTES, "{report}");
    let rows = |name: &str| report.tables.iter().find(|table| table.name == name).unwrap().rows;
    assert_eq!((rows("samples"), rows("pings"), rows("events")), (43_200, 129_600, 5000));
}

#[test]
fn nothing_is_sorted_to_read_a_chunk() {
    let place = Place::new();
    let connection = schema::open_to_write(&place.path).unwrap();
    let mut statement = connection
        .prepare(
            "EXPLAIN QUERY PLAN SELECT 1 FROM samples AS s
             CROSS JOIN pings AS p ON p.sample = s.id CROSS JOIN targets AS t ON t.id = p.target
             WHERE s.router = 1 AND s.at >= 1 AND s.at <= 9 AND (s.at < 9 OR p.target < 3)
             ORDER BY s.at DESC, p.target DESC LIMIT 9",
        )
        .unwrap();
    let plan = statement.query_map([], |row| row.get(3)).unwrap();
    let plan: Vec<String> = plan.collect::<Result<_, _>>().unwrap();
    assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
}
