//! `docs/normal-ranges.md` and its thresholds: those of the rules in `prometheus/rules/`, which the
//! dashboards have as well.

use std::collections::BTreeSet;

use netmonitor_tests::promql::comparisons;
use serde_json::Value;

use crate::document::{files, read, top};
use crate::started::tool;

const DOCUMENT: &str = "docs/normal-ranges.md";
/// Conditions besides a threshold: enough pings, no outage.
const BESIDES: [&str; 2] = [">= 60", "> 0"];

/// (alert, severity, comparisons)
fn rules() -> Vec<(String, String, Vec<String>)> {
    const CONVERT: &str =
        "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let paths = files().into_iter().filter(|path| path.starts_with("prometheus/rules/alerts-"));
    let mut rules = Vec::new();
    for path in paths {
        let output = tool("/usr/bin/python3").args(["-c", CONVERT]).arg(top().join(path)).output();
        let file: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
        let groups = file["groups"].as_array().unwrap().iter();
        for rule in groups.flat_map(|group| group["rules"].as_array().unwrap()) {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let comparisons = comparisons(&text(&rule["expr"]));
            rules.push((text(&rule["alert"]), text(&rule["labels"]["severity"]), comparisons));
        }
    }
    rules
}

/// Thresholds of a cell, in the unit of the metric: "above 1 %" is `> 0.01`. Whole words only.
fn thresholds(cell: &str) -> BTreeSet<String> {
    let words: Vec<_> = cell.split_whitespace().map(|word| word.trim_end_matches(',')).collect();
    let mut found = BTreeSet::new();
    for (at, word) in words.iter().enumerate() {
        let Ok(number) = word.replace('−', "-").parse::<f64>() else { continue };
        let unit = words.get(at + 1).copied().unwrap_or_default();
        let factor = match unit {
            "%" => 0.01,
            "ms" => 1e-3,
            "MB" => 1e6,
            _ => 1.0,
        };
        let sign = match words[..at].iter().rev().find(|word| ["above", "below"].contains(word)) {
            Some(&"above") => ">",
            Some(_) => "<",
            None => panic!("{cell}: neither above nor below {number}"),
        };
        found.insert(format!("{sign} {}", rounded(number * factor)));
    }
    found
}

/// So that 0.1 % and 1e-3 are the same text.
fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

fn of_rule(comparisons: &[String]) -> BTreeSet<String> {
    let is_state = |it: &&String| it.starts_with("==");
    let (thresholds, besides): (Vec<_>, Vec<_>) = comparisons
        .iter()
        .filter(|it| !is_state(it))
        .partition(|it| !BESIDES.contains(&it.as_str()));
    let normal = |it: &&String| {
        let (sign, number) = it.split_once(' ').unwrap();
        format!("{sign} {}", rounded(number.parse().unwrap()))
    };
    // Where nothing else is compared, it is the threshold.
    let thresholds = if thresholds.is_empty() { besides } else { thresholds };
    thresholds.iter().map(normal).collect()
}

#[test]
fn thresholds_are_those_of_the_rules() {
    let document = read(DOCUMENT);
    let rules = rules();
    let rows =
        document.lines().filter(|line| line.starts_with("| ") && line.contains("runbook.md#"));
    let mut told = BTreeSet::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, _, warning, critical, alert] = cells[..] else { panic!("{row}: five cells") };
        let alert = alert.split(['[', ']']).nth(1).unwrap();
        for (severity, cell) in [("warning", warning), ("critical", critical)] {
            let rule = rules.iter().find(|(name, of, _)| name == alert && of == severity);
            let expected = rule.map(|(_, _, comparisons)| of_rule(comparisons));
            // One row for near targets, one for far ones.
            let is_part = thresholds(cell).is_subset(&expected.clone().unwrap_or_default());
            assert!(is_part, "{DOCUMENT}: {alert}, {severity}: {cell}; the rule has {expected:?}");
            told.extend(thresholds(cell).into_iter().map(|it| (alert.to_owned(), severity, it)));
        }
    }
    for (alert, severity, comparisons) in rules.iter().filter(|rule| rule.1 != "info") {
        for threshold in of_rule(comparisons) {
            let severity = severity.as_str();
            let is_told =
                told.iter().any(|it| (it.0.as_str(), it.1, &it.2) == (alert, severity, &threshold));
            assert!(is_told, "{DOCUMENT} does not say that {alert} ({severity}) is {threshold}");
        }
    }
}

#[test]
fn thresholds_are_read_from_words() {
    let set = |of: &[&str]| of.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(thresholds("above 1 %"), set(&["> 0.01"]));
    assert_eq!(thresholds("below −28 dBm"), set(&["< -28"]));
    assert_eq!(thresholds("below 1 or above 5 dBm"), set(&["< 1", "> 5"]));
    assert_eq!(thresholds("above 300 ms"), set(&["> 0.3"]));
    assert_eq!(thresholds("no light at all"), set(&[]));
    let rule = |of: &[&str]| of_rule(&of.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
    assert_eq!(rule(&["> 0.01", ">= 60", "> 0"]), set(&["> 0.01"]));
    assert_eq!(rule(&["> 0"]), set(&["> 0"]));
    assert_eq!(rule(&["< 500e6"]), thresholds("below 500 MB"));
    assert_eq!(rule(&["== 0"]), set(&[]));
}
