//! The answers of a store, held against those of the Prometheus that writes to it.

use std::collections::{BTreeMap, BTreeSet};

use netmonitor_tests::clock;
use netmonitor_tests::engine::Engine;
use netmonitor_tests::victoria::SITE;
use serde_json::{Value, json};

use super::files::{Dashboard, dashboards, list, text};
use super::live::{World, now};
use super::questions::rules;

/// Points of a chart that may be others: those beside a gap, a restart, the first sample of a series.
/// `docs/scaling.md` says why VictoriaMetrics sees these otherwise.
const FEW: f64 = 0.05;
/// As many may be in a chart with few points.
const FEW_OF_FEW: u32 = 4;
/// Points of what has only been there since this test began: all of its rates are of a first minute.
const NEW: usize = 20;
/// A value that counts as the same: digits that VictoriaMetrics keeps.
const NEAR: f64 = 1e-9;
/// The same of a rate: its window reaches back to the sample before, so is up to a fifth longer where
/// there is a sample each minute.
const NEAR_OF_RATES: f64 = 0.2;
/// Charts of single events. Prometheus overlooks those between the last sample before a window and the
/// first in it, and shows more than there were elsewhere; VictoriaMetrics counts each, the last of
/// a window in the next one as well.
const OF_EVENTS: [&str; 1] = ["line: DHCP and PPP events"];
/// What is newer is left out of the store's answers (`-search.latencyOffset`).
const LATENCY_S: u64 = 6;
/// All that is sent of the routers' last minute.
const SAMPLES: &str =
    "{__name__=~\"((target|server|device|router):)?netmonitor_.*|up\",router!=\"\"}[1m]";

/// By their labels, what they are at which moment (in milliseconds).
type Series = BTreeMap<BTreeMap<String, String>, BTreeMap<i64, f64>>;

fn series(answer: &[Value]) -> Series {
    let point = |point: &Value| {
        #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
        let time = (point[0].as_f64().unwrap() * 1000.0).round() as i64;
        (time, point[1].as_str().unwrap().parse().unwrap())
    };
    let one = |one: &Value| {
        // The name is lost in both by rules of their own, and the site is none here.
        let labels = one["metric"].as_object().unwrap().iter();
        let labels = labels.filter(|(name, _)| !["__name__", "site"].contains(&name.as_str()));
        let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        let points = match one["values"].as_array() {
            Some(points) => points.iter().map(point).collect(),
            None => BTreeMap::from([point(&one["value"])]),
        };
        // The store leaves out what is no number.
        let points = points.into_iter().filter(|(_, value): &(i64, f64)| !value.is_nan());
        (labels.collect(), points.collect::<BTreeMap<_, _>>())
    };
    answer.iter().map(one).filter(|(_, points)| !points.is_empty()).collect()
}

/// How many points are other in the store, of how many.
fn differences(prometheus: &Series, store: &Series, near: f64) -> (u32, u32) {
    let none = BTreeMap::new();
    let (mut other, mut points) = (0, 0);
    for labels in union(prometheus, store) {
        let [expected, found] = [prometheus, store].map(|all| all.get(labels).unwrap_or(&none));
        for time in union(expected, found) {
            points += 1;
            let is_same = match (expected.get(time), found.get(time)) {
                (Some(a), Some(b)) => a == b || (a - b).abs() <= near * a.abs().max(b.abs()),
                _ => false,
            };
            other += u32::from(!is_same);
        }
    }
    (other, points)
}

fn union<'a, K: Ord, V>(one: &'a BTreeMap<K, V>, other: &'a BTreeMap<K, V>) -> BTreeSet<&'a K> {
    one.keys().chain(other.keys()).collect()
}

/// Points of Prometheus that the store has neither there nor a step beside.
fn overlooked(prometheus: &Series, store: &Series, step_ms: i64) -> usize {
    let is_there = |labels: &BTreeMap<String, String>, time: i64| {
        let points = store.get(labels).into_iter();
        points.flat_map(|one| one.range(time - step_ms..=time + step_ms)).next().is_some()
    };
    let points = prometheus.iter().flat_map(|(labels, one)| one.keys().map(move |at| (labels, at)));
    points.filter(|(labels, at)| !is_there(labels, **at)).count()
}

/// Why the store's answer is not the one of Prometheus, if so.
fn fault(place: &str, target: &Value, answers: [&Series; 2], step: u64) -> Option<String> {
    let [prometheus, store] = answers;
    if OF_EVENTS.iter().any(|listed| place.starts_with(listed)) {
        let step_ms = i64::try_from(step * 1000).unwrap();
        let overlooked = overlooked(prometheus, store, step_ms);
        return (overlooked > 0).then(|| format!("{overlooked} points are overlooked"));
    }
    let is_rate = ["rate(", "increase("].iter().any(|call| text(target, "expr").contains(call));
    let is_chart = target["instant"] != true;
    let is_new = |all: &Series| all.values().all(|points| points.len() <= NEW);
    if is_chart && is_rate && is_new(prometheus) && is_new(store) {
        // Where Prometheus waits for a second sample, the store may have begun.
        let missing: Vec<_> = prometheus.keys().filter(|one| !store.contains_key(*one)).collect();
        return (!missing.is_empty()).then(|| format!("{missing:?} are missing"));
    }
    let (other, points) =
        differences(prometheus, store, if is_rate { NEAR_OF_RATES } else { NEAR });
    let is_few = f64::from(other) <= FEW * f64::from(points) || other <= FEW_OF_FEW;
    let is_right = other == 0 || is_chart && is_few;
    (!is_right).then(|| format!("{other} of {points} points are others"))
}

/// Every question of the dashboards and every rule, about times of which the store has all.
pub(super) fn answers_are_the_same(world: &World) {
    let (prometheus, store) = (&world.prometheus, &world.store.as_ref().unwrap().engine);
    let until = now() - LATENCY_S;
    clock::until("the store has what Prometheus has", || {
        let count = |engine: &Engine| {
            let answer = engine.query(SAMPLES, until)?;
            let samples = answer.iter().flat_map(|one| list(one, "values"));
            // A series that ends has a mark, which Prometheus does not show.
            anyhow::Ok(samples.filter(|sample| sample[1] != "NaN").count())
        };
        let (sent, there) = (count(prometheus)?, count(store)?);
        Ok(sent > 1000 && sent == there)
    })
    .unwrap();
    let of = |site: String| store.query(&format!("count({{{site}}})"), until).unwrap();
    assert!(of(format!("site!='{SITE}'")).is_empty() && !of(format!("site='{SITE}'")).is_empty());
    let times = world.times(prometheus, until).into_iter().zip(world.times(store, until));
    let times: Vec<_> = times.collect();
    let boards = dashboards();
    let of_boards = boards.iter().flat_map(Dashboard::expressions);
    let of_boards = of_boards.map(|(place, target)| (place, target.clone()));
    let of_rules = rules().into_iter().map(|rule| ("rules".to_owned(), rule));
    let (mut count, mut wrong) = (0, Vec::new());
    for (place, target) in of_boards.chain(of_rules) {
        let expr = text(&target, "expr");
        for (prometheus, store) in &times {
            let mut answers = [prometheus, store].map(|asked| series(&asked.series(&target)));
            if expr.starts_with("topk(1,") {
                // Of several that are alike each chooses one.
                answers = answers
                    .map(|all| all.into_values().map(|one| (BTreeMap::new(), one)).collect());
            }
            let fault = fault(&place, &target, answers.each_ref(), prometheus.step);
            wrong.extend(fault.map(|fault| format!("{place}: {fault}: {expr}")));
            count += 1;
        }
    }
    assert!(count > 300, "{count}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_other_is_found() {
    let answer = |values: Value| {
        let labels = json!({"__name__": "x", "site": "a", "router": "home"});
        series(&[json!({ "metric": labels, "values": values })])
    };
    let expected = answer(json!([[1, "5"], [2, "NaN"], [3, "0"], [4, "100"]]));
    let check = |values: Value, other: u32, points: u32| {
        assert_eq!(
            differences(&expected, &answer(values.clone()), 0.01),
            (other, points),
            "{values}"
        );
    };
    check(json!([[1, "5"], [3, "0"], [4, "100.5"]]), 0, 3);
    check(json!([[1, "5"], [3, "0.001"], [4, "100"]]), 1, 3);
    check(json!([[1, "5"], [4, "102"]]), 2, 3);
    check(json!([[1, "5"], [3, "0"], [4, "100"], [5, "100"]]), 1, 4);
    assert_eq!(differences(&expected, &Series::new(), 0.01), (3, 3));
    let store = answer(json!([[2, "1"]]));
    assert_eq!([0, 1000, 2000].map(|step| overlooked(&expected, &store, step)), [3, 1, 0]);
    let one = answer(json!([[1, "5"]]));
    let chart = fault("a", &json!({}), [&one, &Series::new()], 15);
    let number = fault("a", &json!({"instant": true}), [&one, &Series::new()], 15);
    let rate = fault("a", &json!({"expr": "rate(a[5m])"}), [&one, &Series::new()], 15);
    assert!(chart.is_none() && number.is_some() && rate.is_some());
}
