//! What is asked: variables that exist, rates over enough scrapes, metrics that somebody gives,
//! and the thresholds of the alerts.

use std::collections::BTreeSet;
use std::path::Path;

use netmonitor_tests::promql::{comparisons, metrics};
use serde_json::Value;

use super::files::{Dashboard, dashboards, list, read, run, text, yaml};
use super::layout::thresholds;

/// Of Grafana, and of the Infinity plugin.
const BUILT_IN: [&str; 11] = [
    "__all",
    "__rate_interval",
    "__interval",
    "__interval_ms",
    "__range",
    "__from",
    "__to",
    "__timeFrom",
    "__timeTo",
    "__url_time_range",
    "__value",
];

/// Names behind `$` or within `${…}`, without format.
fn variables(text: &str) -> BTreeSet<String> {
    let parts = text.split('$').skip(1);
    parts
        .map(|part| {
            let name = part.trim_start_matches('{');
            let end = name.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(name.len());
            name[..end].to_owned()
        })
        // Of label_replace, and the end of a pattern.
        .filter(|name| name.starts_with(|c: char| !c.is_ascii_digit()))
        .collect()
}

#[test]
fn every_variable_is_known_and_used() {
    for board in dashboards() {
        let own: BTreeSet<_> =
            board.variables().iter().map(|variable| text(variable, "name").to_owned()).collect();
        let used = variables(&board.json.to_string());
        let known = own.iter().map(String::as_str).chain(BUILT_IN).map(str::to_owned).collect();
        let unknown: Vec<_> = used.difference(&known).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", board.name);
        let unused: Vec<_> = own.difference(&used).filter(|name| *name != "datasource").collect();
        assert!(unused.is_empty(), "{}: {unused:?}", board.name);
        for variable in board.variables().iter().filter(|one| one["type"] == "query") {
            assert_eq!(variable["refresh"], 2, "{}: with the time", board.name);
            assert_eq!(variable["query"]["query"], variable["definition"], "{}", board.name);
        }
    }
}

/// A rate needs some scrapes: `$__rate_interval` has at least four. What is counted over an hour or
/// a day says so in its title; 15 minutes hold three of what is recorded every five.
#[test]
fn windows_hold_enough_scrapes() {
    let mut count = 0;
    for board in dashboards() {
        for (place, target) in board.expressions() {
            for part in text(target, "expr").split('[').skip(1) {
                let window = part.split(']').next().unwrap();
                if text(target, "refId") == "Anno" {
                    // Of a gauge, over its own step.
                    assert_eq!(window, "$__interval", "{place}");
                    continue;
                }
                assert!(
                    ["$__rate_interval", "1h", "24h", "15m"].contains(&window),
                    "{place}: {window}"
                );
                count += 1;
            }
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn counters_are_not_shown_as_they_are() {
    for board in dashboards() {
        for (place, target) in board.expressions() {
            let expr = text(target, "expr");
            for metric in metrics(expr).iter().filter(|metric| metric.ends_with("_total")) {
                for before in
                    expr.split(metric.as_str()).collect::<Vec<_>>().split_last().unwrap().1
                {
                    let is_rate = ["rate(", "increase("].iter().any(|call| before.ends_with(call));
                    assert!(is_rate, "{place}: {metric}");
                }
            }
        }
    }
}

/// Names of the recorded series, and the alerts.
pub(super) fn rules() -> Vec<Value> {
    let files = ["recording", "alerts-line", "alerts-monitoring"];
    let groups = files.map(|file| yaml(&format!("prometheus/rules/{file}.yml")));
    let groups = groups.iter().flat_map(|file| list(file, "groups"));
    groups.flat_map(|group| list(group, "rules").to_vec()).collect()
}

#[test]
fn every_metric_is_given_by_somebody() {
    let exporter = read("docs/metrics.md");
    let bridge =
        ["event-bridge/src/metrics.rs", "event-bridge/src/api/state.rs"].map(read).concat();
    let rules = rules();
    let recorded: BTreeSet<_> = rules.iter().map(|rule| text(rule, "record")).collect();
    for board in dashboards() {
        for (place, target) in board.expressions() {
            // Bounds and steps of the time are numbers.
            let expr = text(target, "expr").replace("$__", "0");
            for metric in metrics(&expr) {
                let family = ["_bucket", "_sum", "_count"]
                    .iter()
                    .find_map(|suffix| metric.strip_suffix(suffix))
                    .unwrap_or(&metric);
                let is_known = match metric.strip_prefix("netmonitor_bridge_") {
                    Some(own) => {
                        let own = own.trim_end_matches("_total").trim_end_matches("_bucket");
                        bridge.contains(&format!("\"{own}\""))
                            || own.strip_prefix("outage_").is_some_and(|_| bridge.contains(own))
                    }
                    None => {
                        exporter.contains(&format!("| `{family}` |"))
                            || recorded.contains(metric.as_str())
                            || is_of_others(&metric)
                    }
                };
                assert!(is_known, "{place}: {metric}");
            }
        }
    }
}

/// A site sends no more than that to a store, which must answer all the same.
#[test]
fn a_store_is_sent_what_is_asked() {
    const MATCHES: &str = "import re, sys
print(*[name for name in sys.argv[2:] if not re.fullmatch(sys.argv[1], name)])";
    let example = yaml("prometheus/examples/remote-write.yml");
    let kept = &example["remote_write"][0]["write_relabel_configs"][0];
    assert_eq!((text(kept, "action"), &kept["source_labels"][0]), ("keep", &"__name__".into()));
    let rules = rules();
    let of_rules = rules.iter().map(|rule| text(rule, "expr").to_owned());
    let boards = dashboards();
    let of_boards = boards.iter().flat_map(Dashboard::expressions);
    let of_boards = of_boards.map(|(_, target)| text(target, "expr").replace("$__", "0"));
    let asked: BTreeSet<_> = of_boards.chain(of_rules).flat_map(|expr| metrics(&expr)).collect();
    assert!(asked.len() > 60, "{asked:?}");
    let mut arguments = vec!["-c", MATCHES, text(kept, "regex")];
    // Of Prometheus itself, of which a store gets little.
    arguments.extend(["go_goroutines", "prometheus_tsdb_wal_fsync_duration_seconds_sum"]);
    arguments.extend(asked.iter().map(String::as_str));
    let (_, said) = run(Path::new("python3"), &arguments);
    assert_eq!(said.trim(), arguments[3..5].join(" "));
}

/// What Prometheus makes itself, and what it and Alertmanager tell about themselves.
fn is_of_others(metric: &str) -> bool {
    let own = ["up", "ALERTS", "scrape_duration_seconds"].contains(&metric);
    own || ["prometheus_", "alertmanager_"].iter().any(|prefix| metric.starts_with(prefix))
}

/// One that an expression asks for, by the name of its family.
fn families(expr: &str) -> BTreeSet<String> {
    let family = |metric: &str| {
        // level:metric:operation
        let name = metric.split(':').nth(1).unwrap_or(metric).to_owned();
        let ends = ["_bucket", "_sum", "_count", "_total"];
        ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name).to_owned()
    };
    metrics(expr).iter().map(|metric| family(metric)).collect()
}

/// What a panel marks orange or red is what alerts fire at: numbers in expressions of rules about
/// the same metric.
#[test]
fn thresholds_are_those_of_the_alerts() {
    let alerts: Vec<_> = rules().into_iter().filter(|rule| !rule["alert"].is_null()).collect();
    let mut count = 0;
    for board in dashboards() {
        for panel in board.panels() {
            let asked: BTreeSet<_> = list(panel, "targets")
                .iter()
                .flat_map(|target| families(text(target, "expr")))
                .chain(of_the_bridge(panel))
                .collect();
            let levels = alerts
                .iter()
                .filter(|alert| {
                    let of_alert = families(text(alert, "expr"));
                    asked.iter().any(|family| of_alert.iter().any(|one| alike(one, family)))
                })
                .flat_map(|alert| comparisons(text(alert, "expr")));
            let levels: Vec<f64> =
                levels.filter_map(|level| level.split_once(' ')?.1.parse().ok()).collect();
            let steps = thresholds(panel).into_iter().flat_map(|one| list(one, "steps"));
            for level in steps.filter_map(|step| step["value"].as_f64()) {
                // Above none, above ten: the first whole number that is.
                let is_of_alert = levels.iter().any(|one| *one == level || *one + 1.0 == level);
                let place = board.place(panel);
                assert!(is_of_alert || OURS.contains(&level), "{place}: {level} of {levels:?}");
                count += usize::from(is_of_alert && !OURS.contains(&level));
            }
        }
    }
    assert!(count > 30, "{count}");
}

/// States; shares of availability; how many a day; a gigabit.
const OURS: [f64; 7] = [0.0, 1.0, 2.0, 4.0, 0.99, 0.999, 999e6];

/// The loss of a ping is about its requests, however the rule writes it.
fn alike(one: &str, other: &str) -> bool {
    let stem = |name: &str| {
        let ends = ["_requests", "_lost", "_loss"];
        ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
    };
    one == other || stem(one) == stem(other) || one.starts_with(&format!("{other}_"))
}

/// Metrics that columns of the bridge's hours are made from.
fn of_the_bridge(panel: &Value) -> Vec<String> {
    let columns = list(panel, "targets").iter().flat_map(|target| list(target, "columns"));
    columns
        .filter_map(|column| match text(column, "selector") {
            "avg_optical_rx_dbm" => Some("netmonitor_optical_receive_power_dbm"),
            "avg_optical_tx_dbm" => Some("netmonitor_optical_transmit_power_dbm"),
            "avg_cpu_celsius" => Some("netmonitor_cpu_temperature_celsius"),
            "rx_errors" => Some("netmonitor_interface_receive_errors"),
            _ => None,
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn names_in_text_are_found() {
    let expected = ["router", "__rate_interval", "target"].map(str::to_owned);
    let text = "a{router=\"$router\"}[$__rate_interval] \"$1\" ${target:regex}";
    assert_eq!(variables(text), BTreeSet::from(expected));
    let asked = "rate(netmonitor_ping_lost_total[5m]) / target:netmonitor_ping_loss:ratio_rate5m";
    let expected = ["netmonitor_ping_lost", "netmonitor_ping_loss"].map(str::to_owned);
    assert_eq!(families(asked), BTreeSet::from(expected));
}

/// A dashboard is asked for one router.
#[test]
fn every_question_is_about_the_router_chosen() {
    let is_whole = |board: &Dashboard| board.name == "fleet" || board.name == "monitoring";
    for board in dashboards().iter().filter(|board| !is_whole(board)) {
        for (place, target) in board.expressions() {
            let expr = text(target, "expr");
            // Where several bridges write to one store, some name may be there twice.
            let is_about = [
                r#"customer=~"$customer",site=~"$site",router="$router""#,
                r#"customer=~"$customer|",site=~"$site|",router=~"$router|""#,
            ];
            assert!(is_about.iter().any(|selector| expr.contains(selector)), "{place}");
            let count = |part: &str| expr.matches(part).count();
            assert_eq!(count("router=\"$router"), count("site=~\"$site\",router"), "{place}");
        }
        let targets = board.panels().into_iter().flat_map(|panel| list(panel, "targets"));
        for target in targets.filter(|target| !target["url"].is_null()) {
            let of_router = list(&target["url_options"], "params").iter();
            assert!(of_router.clone().any(|one| one["value"] == "$router"), "{}", board.name);
        }
    }
}

/// The data source makes a pattern of its values; one that is compared as it stands finds nothing.
#[test]
fn variables_of_several_values_are_matched_as_patterns() {
    let mut count = 0;
    for board in dashboards() {
        let several = board.variables().iter().filter(|variable| variable["multi"] == true);
        let several: Vec<_> = several.map(|variable| text(variable, "name")).collect();
        for (place, target) in board.expressions() {
            for name in &several {
                let expr = text(target, "expr");
                for (at, _) in expr.match_indices(&format!("\"${name}\"")) {
                    assert!(expr[..at].ends_with("=~"), "{place}: {name}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 8, "{count}");
}

/// Near and far targets have limits of their own.
#[test]
fn a_limit_for_round_trip_times_is_that_of_the_scope() {
    let mut scopes = BTreeSet::new();
    for board in dashboards() {
        for panel in board.panels().into_iter().filter(|panel| panel["type"] != "table") {
            let exprs: Vec<_> =
                list(panel, "targets").iter().map(|one| text(one, "expr")).collect();
            if !exprs.iter().any(|expr| expr.contains("rtt_seconds")) {
                continue;
            }
            let steps = thresholds(panel).into_iter().flat_map(|one| list(one, "steps"));
            for scope in steps.filter_map(|step| match step["value"].as_f64()? {
                0.1 => Some("domestic"),
                0.3 => Some("international"),
                _ => None,
            }) {
                let selector = format!("scope=\"{scope}\"");
                let fits = exprs.iter().all(|expr| expr.contains(&selector));
                assert!(fits, "{}: {exprs:?}", board.place(panel));
                scopes.insert(scope);
            }
        }
    }
    assert_eq!(scopes, BTreeSet::from(["domestic", "international"]));
}
