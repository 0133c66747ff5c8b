//! Every question of the dashboards, put to a real Prometheus, a real bridge and a real store that
//! Prometheus writes to; they hold the two days of the demo. What is past cannot be written by
//! Prometheus, which sends nothing from before its start: the store is brought that as blocks.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;
use netmonitor_tests::bridge::{Bridge, Place};
use netmonitor_tests::demo::{Demo, Length};
use netmonitor_tests::engine::Engine;
use netmonitor_tests::http_client::Client;
use netmonitor_tests::kept_port::KeptPort;
use netmonitor_tests::running::Running;
use netmonitor_tests::victoria::Programs;
use netmonitor_tests::{built, clock};
use serde_json::{Value, json};

use super::compared::answers_are_the_same;
use super::files::{Dashboard, dashboards, list, run, text};
use super::models::python;

const SCRAPED_HOURS: u32 = 48;
/// What stays empty with the demo, and why.
const RIGHTLY_EMPTY: [(&str, &str); 5] = [
    ("monitoring: Alertmanager: messages, an hour", NO_ALERTMANAGER),
    ("monitoring: Alertmanager: attempts that failed, an hour", NO_ALERTMANAGER),
    ("monitoring: Last backup", "nobody has made one"),
    ("monitoring: Firing alerts about the monitoring", "nothing is wrong with it"),
    ("overview: Firing alerts", "nothing is wrong with the home at the moment"),
];
const NO_ALERTMANAGER: &str = "there is none in this test";

/// The demo, going on.
pub(super) struct World {
    demo: Demo,
    _routers: Running,
    bridge: Bridge,
    pub(super) prometheus: Engine,
    pub(super) store: Option<Store>,
}

/// VictoriaMetrics.
pub(super) struct Store {
    pub(super) engine: Engine,
    _port: KeptPort,
}

impl Store {
    fn start(programs: &Programs, demo: &Demo) -> Self {
        let port = KeptPort::new().unwrap();
        let engine = programs.start_store(port.address, &demo.path("store")).unwrap();
        programs.bring_past(&demo.path("prometheus"), port.address).unwrap();
        Self { engine, _port: port }
    }
}

impl World {
    fn start() -> Self {
        let names = "home,parents,cabin";
        let length = Length { scraped_hours: SCRAPED_HOURS, polled_hours: 72, names };
        let demo = Demo::prepare(length).unwrap();
        let store = Programs::fetched().map(|programs| Store::start(&programs, &demo));
        let routers = demo.start_routers().unwrap();
        let (routers_file, database) = (demo.path("routers.toml"), demo.path("netmonitor.db"));
        clock::until("the routers are listed", || Ok(routers_file.exists())).unwrap();
        let program = built::program("netmonitor-bridge").unwrap();
        let bridge = Place::of(&program, &routers_file, &database).start().unwrap();
        let address = store.as_ref().map(|store| store.engine.running.address);
        let prometheus = demo.start_prometheus(Some(&bridge.running), address).unwrap();
        Self { demo, _routers: routers, bridge, prometheus, store }
    }

    /// Whoever is asked then has something to say.
    fn wait_for_all(&self, engine: &Engine) {
        // Four scrapes of the bridge take a minute.
        clock::until_within(Duration::from_secs(180), "all is scraped, rules have run", || {
            // Where charts end that end on a whole step.
            let at = now() - 15;
            let is_there = |expr: &str| anyhow::Ok(!engine.query(expr, at)?.is_empty());
            Ok(is_there("count(up == 1) == 5 and count(up{router!=\"\"} == 1) == 3")?
                && is_there("ALERTS{alertname=\"Watchdog\"}")?
                && is_there("count(netmonitor_bridge_outage_start_timestamp_seconds) > 5")?
                && is_there("prometheus_rule_group_last_duration_seconds")?
                // Enough for rates.
                && is_there("count_over_time(netmonitor_bridge_wal_bytes[5m]) >= 3")?)
        })
        .unwrap();
    }

    /// Times as Grafana asks for them: the whole of them, and its newest hour.
    pub(super) fn times<'a>(&'a self, engine: &'a Engine, until: u64) -> [Asked<'a>; 2] {
        let begin = self.demo.present().unwrap() - u64::from(SCRAPED_HOURS) * 3600;
        let of = |begin, step| {
            let times = begin..until;
            Asked { world: self, engine, times, step, router: "home" }
        };
        [of(begin, 180), of(until - 3600, 15)]
    }
}

pub(super) fn now() -> u64 {
    clock::unix_ms() / 1000
}

/// A time that is looked at, for a router.
#[derive(Clone)]
pub(super) struct Asked<'a> {
    world: &'a World,
    engine: &'a Engine,
    times: Range<u64>,
    pub(super) step: u64,
    router: &'a str,
}

impl Asked<'_> {
    /// As Grafana fills it in, with intervals as its data source for Prometheus makes them.
    fn filled(&self, text: &str) -> String {
        let (from, to) = (self.times.start * 1000, self.times.end * 1000);
        let iso = |second: u64| {
            Timestamp::from_second(i64::try_from(second).unwrap()).unwrap().to_string()
        };
        // Nobody has set customer and site, so "All" is all that there is to choose.
        text.replace("$router", self.router)
            .replace("$customer", ".*")
            .replace("$site", ".*")
            .replace("$type", "")
            .replace("$__rate_interval", &format!("{}s", (self.step + 15).max(60)))
            .replace("$__interval_ms", &(self.step * 1000).to_string())
            .replace("$__interval", &format!("{}s", self.step))
            .replace("${__timeFrom:date:iso}", &iso(self.times.start))
            .replace("${__timeTo:date:iso}", &iso(self.times.end))
            .replace("$__from", &from.to_string())
            .replace("$__to", &to.to_string())
    }

    pub(super) fn series(&self, target: &Value) -> Vec<Value> {
        // The data source makes a pattern of a variable that may have several values, also where a
        // panel is repeated for one of them.
        let targets = r"(223\\.5\\.5\\.5|8\\.8\\.8\\.8|gateway)";
        let expr = self.filled(&text(target, "expr").replace("$target", targets));
        if target["instant"] == true {
            self.engine.query(&expr, self.times.end).unwrap()
        } else {
            // Grafana puts both ends on whole steps.
            let on_step = |time: u64| time - time % self.step;
            let times = on_step(self.times.start)..on_step(self.times.end);
            self.engine.query_range(&expr, times, self.step).unwrap()
        }
    }

    /// What the plugin asks the bridge, as `rows.py` takes it.
    fn question(&self, target: &Value) -> Value {
        let parameters: Vec<_> = list(&target["url_options"], "params")
            .iter()
            .map(|one| {
                let value = self.filled(&text(one, "value").replace("$target", "223.5.5.5"));
                assert!(value.is_ascii() && !value.contains(['&', ' ', '$', '{']), "{value}");
                format!("{}={value}", text(one, "key"))
            })
            .collect();
        let path = format!("{}?{}", text(target, "url"), parameters.join("&"));
        // Without a host: the plugin puts the address of the data source before it, which is the only
        // one allowed (`provisioning.rs`).
        assert!(path.starts_with("/api/v1/"), "{path}");
        let mut client = Client::connect(self.world.bridge.running.address).unwrap();
        let body = client.get(&path).unwrap().to_owned();
        let columns: Vec<_> = list(target, "columns")
            .iter()
            .map(|column| json!([column["selector"], column["text"], column["type"]]))
            .collect();
        let (kind, root) = (&target["type"], &target["root_selector"]);
        json!({ "kind": kind, "root": root, "columns": columns, "body": body })
    }
}

/// Labels that a legend or a title puts in.
fn labels(format: &str) -> Vec<String> {
    let parts = format.split("{{").skip(1);
    parts.map(|part| part.split("}}").next().unwrap().trim().to_owned()).collect()
}

/// Lines in one picture that somebody can still tell apart.
const READABLE: usize = 16;

#[test]
fn every_question_has_an_answer() {
    let world = World::start();
    are_answered_by(&world, &world.prometheus);
    the_bridge_gives_rows(&world.times(&world.prometheus, now())[0]);
    if let Some(store) = &world.store {
        are_answered_by(&world, &store.engine);
        answers_are_the_same(&world);
    }
}

fn are_answered_by(world: &World, engine: &Engine) {
    world.wait_for_all(engine);
    let [whole, hour] = world.times(engine, now());
    let mut empty = BTreeSet::new();
    let mut count = 0;
    for board in dashboards() {
        for (place, target) in board.expressions() {
            // What has no past is seen from near only.
            let (far, near) = (whole.series(target), hour.series(target));
            let series = if far.is_empty() { near } else { far };
            for label in labels(text(target, "legendFormat")) {
                let has = |one: &Value| one["metric"][&label].is_string();
                // Of all targets that are scraped some are no routers.
                assert!(series.iter().any(has) || series.is_empty(), "{place}: no {label}");
            }
            let is_chart = target["instant"] != true && target["format"] != "heatmap";
            assert!(!is_chart || series.len() <= READABLE, "{place}: {} lines", series.len());
            if series.is_empty() {
                empty.insert(format!("{place}: {}", text(target, "expr")));
            }
            count += 1;
        }
        ask_variables(&board, &whole);
    }
    assert!(count > 100, "{count}");
    empty.retain(|place| !RIGHTLY_EMPTY.iter().any(|(listed, _)| place.starts_with(listed)));
    assert!(empty.is_empty(), "{empty:#?}");
    what_a_router_has_not_got_is_said(&whole);
    any_time_and_router_may_be_asked(&whole);
}

fn ask_variables(board: &Dashboard, asked: &Asked<'_>) {
    for variable in board.variables().iter().filter(|one| one["type"] == "query") {
        let query = asked.filled(text(variable, "definition"));
        let inner = query.strip_prefix("label_values(").unwrap().strip_suffix(')').unwrap();
        let (selector, label) = inner.rsplit_once(", ").unwrap();
        let expr = format!("count by ({label}) ({selector})");
        let found = asked.engine.query(&expr, asked.times.end).unwrap();
        let is_value = |one: &&Value| one["metric"][label].is_string();
        let values = found.iter().filter(is_value).count();
        match text(variable, "name") {
            // Then it is out of the way, or a field that says "All".
            "customer" => assert_eq!(values, 0, "{}: {expr}", board.name),
            // What leaves for a store has that of the Prometheus that sends it.
            "site" => {
                let is_store = !std::ptr::eq(asked.engine, &asked.world.prometheus);
                assert_eq!(values, usize::from(is_store), "{}: {expr}", board.name);
            }
            _ => assert!(values >= 2, "{}: {expr}: {found:?}", board.name),
        }
    }
}

fn the_bridge_gives_rows(asked: &Asked<'_>) {
    let boards = dashboards();
    let targets: Vec<_> = boards
        .iter()
        .flat_map(|board| board.panels().into_iter().map(move |panel| (board.place(panel), panel)))
        .flat_map(|(place, panel)| {
            list(panel, "targets").iter().map(move |target| (place.clone(), target))
        })
        .filter(|(_, target)| target["url"].is_string())
        .collect();
    let questions: Vec<_> = targets.iter().map(|(_, target)| asked.question(target)).collect();
    assert!(questions.len() > 8, "{}", questions.len());
    let file = asked.world.demo.path("questions.json");
    std::fs::write(&file, Value::from(questions).to_string()).unwrap();
    let (is_content, said) = run(&python(), &["tests/grafana/rows.py", file.to_str().unwrap()]);
    assert!(is_content, "{said}");
    let answers: Vec<Value> = serde_json::from_str(&said).unwrap();
    for ((place, _), answer) in targets.iter().zip(&answers) {
        assert!(answer["rows"].as_u64() > Some(0), "{place}: no rows");
        assert_eq!(answer["wrong"], json!([]), "{place}");
    }
}

/// `parents` has neither optics nor PPPoE: what is empty says so, and the rest is there.
fn what_a_router_has_not_got_is_said(asked: &Asked<'_>) {
    let parents = Asked { router: "parents", ..asked.clone() };
    let (mut empty, mut full) = (0, 0);
    for board in dashboards().iter().filter(|board| ["overview", "line"].contains(&&*board.name)) {
        for panel in board.panels() {
            let is_empty =
                list(panel, "targets").iter().all(|target| parents.series(target).is_empty());
            let words = text(&panel["fieldConfig"]["defaults"], "noValue");
            if is_empty {
                let is_said = words.contains("not on this device")
                    || ["none", "no answer"].iter().any(|say| words.starts_with(say));
                assert!(is_said, "{}: {words}", board.place(panel));
                empty += 1;
            } else {
                full += 1;
            }
        }
    }
    assert!(empty >= 6 && full >= 15, "{empty} empty, {full} not");
}

/// What an empty panel may say about a router of which nothing is known, or which is off: never that
/// all is well.
fn is_honest(panel: &Value) -> bool {
    let words = text(&panel["fieldConfig"]["defaults"], "noValue");
    let about_events = ["none", "no event in this time", "no outage in this time"];
    words.contains("answer") || about_events.iter().any(|say| words.starts_with(say))
}

/// Nothing of it is an error: a time before there were data, and a router that nobody knows, as one
/// that is off for longer than the time that is looked at.
fn any_time_and_router_may_be_asked(asked: &Asked<'_>) {
    let long_ago = asked.times.start - 90 * 86_400..asked.times.start - 60 * 86_400;
    let before = Asked { times: long_ago, step: 3600, ..asked.clone() };
    let nobody = Asked { router: "nobody", ..asked.clone() };
    let mut wrong = Vec::new();
    for board in dashboards() {
        for (_, target) in board.expressions() {
            before.series(target);
        }
        let of_line = ["overview", "latency", "line", "outages"].contains(&board.name.as_str());
        let panels = board.panels().into_iter();
        for panel in panels.filter(|panel| of_line && panel["targets"][0]["expr"].is_string()) {
            let place = board.place(panel);
            let targets = list(panel, "targets").iter();
            let series: Vec<_> = targets.flat_map(|target| nobody.series(target)).collect();
            let is_right = if series.is_empty() {
                is_honest(panel)
            } else {
                // Alerts of no router concern all; the bridge knows that nobody has no outages.
                NOT_ABOUT_ONE.contains(&place.as_str())
            };
            if !is_right {
                let words = &panel["fieldConfig"]["defaults"]["noValue"];
                wrong.push(format!("{place}: {words}: {series:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

const NOT_ABOUT_ONE: [&str; 4] = [
    "overview: Alerts",
    "overview: Firing alerts",
    "outages: Outages",
    "outages: Without internet",
];
