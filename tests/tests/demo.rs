//! The data of `make demo` in the programs that it is for: a short past of two routers, the same
//! routers going on, the real Prometheus and the real bridge.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use netmonitor_tests::bridge::Place;
use netmonitor_tests::demo::{Demo, Length};
use netmonitor_tests::engine::Engine;
use netmonitor_tests::fake_router::ledger;
use netmonitor_tests::{built, clock};
use serde_json::Value;

const SCRAPED_HOURS: u32 = 2;
/// Windows of dashboards are at least four scrapes long, and must not see a hole.
const LONGEST_HOLE: f64 = 60.0;
/// Those of the PPPoE device begin anew after each drop.
const COUNTERS: [&str; 8] = [
    "netmonitor_observed_seconds_total",
    "netmonitor_outage_seconds_total",
    "netmonitor_ping_requests_total",
    "netmonitor_ping_lost_total",
    "netmonitor_ping_rtt_seconds_bucket",
    "netmonitor_events_total",
    "netmonitor_interface_receive_bytes_total{device=\"eth1\"}",
    "process_cpu_seconds_total{job=\"netmonitor\"}",
];
const RULES: &str = include_str!("../../prometheus/rules/recording.yml");

fn now() -> u64 {
    clock::unix_ms() / 1000
}

/// Times of a series' samples, by router.
fn times(prometheus: &Engine, series: &str) -> BTreeMap<String, Vec<f64>> {
    let found = prometheus.query(&format!("{series}[{}h]", SCRAPED_HOURS + 1), now()).unwrap();
    let row = |series: &Value| {
        let times = series["values"].as_array().unwrap().iter();
        let times = times.map(|value| value[0].as_f64().unwrap()).collect();
        (series["metric"]["router"].as_str().unwrap().to_owned(), times)
    };
    found.iter().map(row).collect()
}

/// Of a group that is not due before the first block ends, promtool records nothing at all.
#[test]
fn a_past_that_begins_just_before_a_block_has_recorded_series() {
    const HOUR: u64 = 3600;
    const BLOCK: u64 = 18 * HOUR;
    let block = (now() - 2 * HOUR) / BLOCK * BLOCK;
    let hours = (now() - block) / HOUR;
    let begins = block - 10;
    let length = u32::try_from(hours).unwrap();
    let length = Length { scraped_hours: length, polled_hours: length, names: "home" };
    Demo::prepare_at(length, begins + hours * HOUR).unwrap();
}

#[test]
fn past_and_present_are_one() {
    let names = "home,parents";
    let demo =
        Demo::prepare(Length { scraped_hours: SCRAPED_HOURS, polled_hours: 4, names }).unwrap();
    let routers = demo.start_routers().unwrap();
    let (list, database) = (demo.path("routers.toml"), demo.path("netmonitor.db"));
    let program = built::program("netmonitor-bridge").unwrap();
    clock::until("the routers are listed", || Ok(list.exists())).unwrap();
    let bridge = Place::of(&program, &list, &database).start().unwrap();
    let prometheus = demo.start_prometheus(Some(&bridge.running), None).unwrap();

    // While it is waiting for its first scrapes: every event once, whoever told it when.
    let told = || -> BTreeSet<_> {
        let rows = ledger::read(&demo.path("ledger")).unwrap();
        rows.into_iter().map(|row| (row.router, row.message)).collect()
    };
    clock::until("the bridge has all events", || {
        let stored: Vec<_> =
            bridge.events()?.into_iter().map(|event| (event.router, event.message)).collect();
        let once: BTreeSet<_> = stored.iter().cloned().collect();
        assert_eq!(once.len(), stored.len(), "one is there twice");
        Ok(once.is_superset(&told()))
    })
    .unwrap();
    let kinds: BTreeSet<_> = bridge.events().unwrap().into_iter().map(|event| event.kind).collect();
    assert!(["outage_end", "pppoe_up", "router_boot"].iter().all(|kind| kinds.contains(*kind)));

    let present = demo.present().unwrap();
    let observed = "netmonitor_observed_seconds_total";
    clock::until("all routers are scraped", || {
        let times = times(&prometheus, observed);
        let is_live =
            |times: &Vec<f64>| times.last().is_some_and(|last| *last > present as f64 + 5.0);
        Ok(times.len() == 2
            && times.values().all(is_live)
            && times.values().all(|times| times.len() > 200))
    })
    .unwrap();
    for (router, times) in times(&prometheus, observed) {
        let hole = times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        eprintln!("{router}: {} samples, the longest hole is {hole:.1} s", times.len());
        assert!(hole <= LONGEST_HOLE, "{router}: {hole} s");
    }
    for counter in COUNTERS {
        let resets = format!("resets({counter}[{}h]) > 0", SCRAPED_HOURS + 1);
        assert_eq!(prometheus.query(&resets, now()).unwrap(), Vec::<Value>::new(), "{counter}");
    }

    let recorded =
        prometheus.query("count by (__name__) ({__name__=~\".+:netmonitor_.+\"})", present);
    let recorded: BTreeSet<_> = recorded
        .unwrap()
        .iter()
        .map(|series| series["metric"]["__name__"].as_str().unwrap().to_owned())
        .collect();
    let rules = RULES.lines().filter_map(|line| line.trim().strip_prefix("- record: "));
    assert_eq!(recorded, rules.map(str::to_owned).collect());
    drop(routers);
}
