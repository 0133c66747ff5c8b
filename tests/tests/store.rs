//! The metrics of a site in a store: the real Prometheus on the shipped configuration, with what
//! `prometheus/examples/remote-write.yml` adds to it and every duration divided by [`FACTOR`], writes
//! to a real VictoriaMetrics, which is away for a while; and a real vmalert evaluates the shipped
//! rules there. What dashboards see of it is shown in `tests/grafana/`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use netmonitor_tests::alerting::{self, Alerting, Derived};
use netmonitor_tests::bridge::{Bridge, Place};
use netmonitor_tests::engine::Engine;
use netmonitor_tests::fake_router::fleet::{Fleet, Settings};
use netmonitor_tests::http_client::Client;
use netmonitor_tests::kept_port::KeptPort;
use netmonitor_tests::victoria::{EVALUATED_BY, Programs};
use netmonitor_tests::{built, clock};
use serde_json::Value;
use tempfile::TempDir;

/// A scrape each 750 ms; `min_backoff` (1 s) can be divided by it.
const FACTOR: u64 = 20;
const ROUTERS: usize = 10;
/// Besides: bridge, Alertmanager, Prometheus itself.
const TARGETS: usize = ROUTERS + 3;
/// Of all samples; a part is sent. More than what sends holds in memory (2,500 for each of at most
/// four shards): the rest is read from Prometheus' own log afterwards.
const MISSED: f64 = 30_000.0;
/// What is sent of the routers, by names that the example's filter lets through.
const SENT: &str =
    "{__name__=~\"netmonitor_.*|.+:netmonitor_.*|up\",router!=\"\",evaluated_by=\"\"}";
/// With all that happens here, and the patience for it.
const WINDOW: &str = "[10m]";

fn now() -> u64 {
    clock::unix_ms() / 1000
}

/// A site.
struct Site {
    fleet: Arc<Fleet>,
    _bridge: Bridge,
    alerting: Alerting,
    folder: TempDir,
}

impl Site {
    fn start(store: &KeptPort) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fleet = Arc::new(Fleet::start(Settings::quiet(ROUTERS)).unwrap());
        let (routers, database) = (folder.path().join("routers.toml"), folder.path().join("db"));
        std::fs::write(&routers, fleet.routers_toml()).unwrap();
        let program = built::program("netmonitor-bridge").unwrap();
        let bridge = Place::of(&program, &routers, &database).start().unwrap();
        let of = Derived {
            bridge: bridge.running.address,
            person: "  - name: person\n",
            factor: FACTOR,
            store: Some(store.address),
        };
        let programs = alerting::Programs::installed().unwrap();
        let mut alerting = of.start(&programs, folder.path()).unwrap();
        alerting.wait_for_targets(TARGETS).unwrap();
        Self { fleet, _bridge: bridge, alerting, folder }
    }

    fn prometheus(&self) -> &Engine {
        &self.alerting.prometheus
    }
}

/// The sum of what is found, 0 if nothing is.
fn number(engine: &Engine, expr: &str) -> f64 {
    let found = engine.query(expr, now()).unwrap();
    found.iter().map(|one| one["value"][1].as_str().unwrap().parse::<f64>().unwrap()).sum()
}

/// Times, in milliseconds, and values of all samples up to then, by their labels; without the marks
/// of series that end, which Prometheus does not show.
fn samples(engine: &Engine, until: u64) -> BTreeMap<BTreeMap<String, String>, Vec<(i64, f64)>> {
    let answer = engine.query(&format!("{SENT}{WINDOW}"), until).unwrap();
    let sample = |sample: &Value| {
        #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
        let time = (sample[0].as_f64().unwrap() * 1000.0).round() as i64;
        (time, sample[1].as_str().unwrap().parse::<f64>().unwrap())
    };
    let one = |one: &Value| {
        let labels = one["metric"].as_object().unwrap().iter();
        let labels = labels.filter(|(name, _)| *name != "site");
        let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        let values = one["values"].as_array().unwrap().iter().map(sample);
        (labels.collect(), values.filter(|(_, value)| !value.is_nan()).collect::<Vec<_>>())
    };
    answer.iter().map(one).filter(|(_, samples)| !samples.is_empty()).collect()
}

/// Everything that Prometheus has is in the store, once; from when it is.
fn the_same_is_there(prometheus: &Engine, store: &Engine, until: u64) -> Vec<i64> {
    let count = |engine: &Engine| samples(engine, until).values().map(Vec::len).sum::<usize>();
    clock::until("the store has as much as Prometheus", || Ok(count(store) >= count(prometheus)))
        .unwrap();
    let (expected, found) = (samples(prometheus, until), samples(store, until));
    let names: Vec<_> = expected.keys().filter(|labels| !found.contains_key(*labels)).collect();
    assert!(names.is_empty(), "not in the store: {names:?}");
    for (labels, samples) in &expected {
        let is_same = |((at, value), (found_at, found)): (&(i64, f64), &(i64, f64))| {
            at == found_at && (value - found).abs() <= 1e-9 * value.abs()
        };
        let found = &found[labels];
        let is_all = samples.len() == found.len() && samples.iter().zip(found).all(is_same);
        assert!(is_all, "{labels:?}: {found:?} instead of {samples:?}");
    }
    expected.values().flatten().map(|(at, _)| *at).collect()
}

#[test]
fn a_store_that_was_away_gets_everything() {
    let Some(programs) = Programs::fetched() else { return };
    let port = KeptPort::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = programs.start_store(port.address, folder.path()).unwrap();
    let site = Site::start(&port);
    let prometheus = site.prometheus();
    let patience = Duration::from_secs(120);
    clock::until("what is scraped arrives", || {
        Ok(number(&store, "count(count_over_time(up[5m]) >= 3)") == TARGETS as f64)
    })
    .unwrap();

    store.running.end().unwrap();
    let gone = now() + 1;
    let scraped = "sum(prometheus_tsdb_head_samples_appended_total)";
    let before = number(prometheus, scraped);
    clock::until_within(patience, "much is scraped, and cannot be sent", || {
        let is_tried = number(prometheus, "prometheus_remote_storage_samples_retried_total") > 0.0;
        Ok(is_tried && number(prometheus, scraped) > before + MISSED)
    })
    .unwrap();
    let back = now();
    let store = programs.start_store(port.address, folder.path()).unwrap();
    let sent = the_same_is_there(prometheus, &store, back);
    let is_missed = |at: &i64| (gone * 1000..back * 1000).contains(&u64::try_from(*at).unwrap());
    let missed = sent.iter().filter(|at| is_missed(at)).count();
    assert!(missed as f64 > MISSED / 2.0, "{missed}");
    assert_eq!(number(prometheus, "prometheus_remote_storage_samples_failed_total"), 0.0);
    rules_are_evaluated_there(&programs, &site, &store);
}

fn rules_are_evaluated_there(programs: &Programs, site: &Site, store: &Engine) {
    let rules = site.folder.path().join(alerting::CONFIGURATION).join("rules");
    let addresses = [store.running.address, site.alerting.alertmanager.address];
    let interval = Duration::from_secs(15) / u32::try_from(FACTOR).unwrap();
    let _vmalert = programs.start_rules(&rules, addresses, interval).unwrap();
    let outage = "outage 10m beyond_gateway provider".parse().unwrap();
    site.fleet.act(0, &outage);

    let recorded = |engine: &Engine, by: &str| {
        let expr = format!("count by (__name__) ({{__name__=~\".+:netmonitor_.+\",{by}}})");
        let found = engine.query(&expr, now()).unwrap();
        found.iter().map(|one| one["metric"]["__name__"].to_string()).collect::<BTreeSet<_>>()
    };
    clock::until("all is recorded that Prometheus records", || {
        let (expected, found) = (
            recorded(site.prometheus(), &format!("{EVALUATED_BY}=\"\"")),
            recorded(store, &format!("{EVALUATED_BY}=\"vmalert\"")),
        );
        Ok(expected.len() > 12 && found.is_superset(&expected))
    })
    .unwrap();
    // Not by a message: what Prometheus fires may mute it.
    clock::until("Alertmanager hears of an outage from vmalert", || {
        let mut client = Client::connect(site.alerting.alertmanager.address)?;
        let alerts: Vec<Value> = serde_json::from_str(client.get("/api/v2/alerts")?)?;
        let is_it = |labels: &Value| {
            labels["alertname"] == "InternetDown" && labels[EVALUATED_BY] == "vmalert"
        };
        Ok(alerts.iter().any(|alert| is_it(&alert["labels"])))
    })
    .unwrap();
    let firing = format!(
        "ALERTS{{alertstate=\"firing\",alertname=\"InternetDown\",{EVALUATED_BY}=\"vmalert\"}}"
    );
    clock::until("it is in the store", || Ok(number(store, &firing) == 1.0)).unwrap();
}
