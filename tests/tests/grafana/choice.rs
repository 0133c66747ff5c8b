//! Customer, site and router above a dashboard: put to a real Prometheus whose routers have such
//! labels from a real bridge, some of them none. A house where nobody has any is in `live.rs`.

use std::collections::{BTreeMap, BTreeSet};

use netmonitor_tests::clock;
use netmonitor_tests::labelled::Labelled;
use serde_json::Value;

use super::files::{Dashboard, dashboards, list, text};

const ODD: &str = "Müller & Söhne (Köln) [1+1]";
const ROUTERS: [&str; 4] = ["router-0001", "router-0002", "router-0003", "router-0004"];

/// Of a variable with several values: none of them is "All".
type Chosen<'a> = BTreeMap<&'a str, Vec<&'a str>>;

fn chosen<'a>(values: &[(&'a str, &[&'a str])]) -> Chosen<'a> {
    values.iter().map(|(name, values)| (*name, values.to_vec())).collect()
}

/// A value as the data source makes a pattern of it, within a string of PromQL.
fn escaped(value: &str) -> String {
    let special = |c: char| r"\^$.*+?()[]{}|'".contains(c);
    let escape = |c: char| if special(c) { format!(r"\\{c}") } else { c.to_string() };
    value.chars().map(escape).collect()
}

/// As Grafana fills it in for an hour.
fn filled(board: &Dashboard, expr: &str, chosen: &Chosen<'_>) -> String {
    let mut filled = expr.to_owned();
    for variable in board.variables() {
        let name = text(variable, "name");
        let value = match chosen.get(name).map(Vec::as_slice) {
            Some([one]) if variable["multi"] == true => escaped(one),
            Some([one]) => (*one).to_owned(),
            Some(several) => {
                let all: Vec<_> = several.iter().map(|one| escaped(one)).collect();
                format!("({})", all.join("|"))
            }
            // Of targets it would be the list of all of them.
            None if name == "target" => ".*".to_owned(),
            None => text(variable, "allValue").to_owned(),
        };
        filled = filled.replace(&format!("${name}"), &value);
    }
    let now = clock::unix_ms();
    filled
        .replace("$__rate_interval", "60s")
        .replace("$__interval_ms", "15000")
        .replace("$__interval", "15s")
        .replace("$__from", &(now - 3_600_000).to_string())
        .replace("$__to", &now.to_string())
}

/// What there is to choose.
fn values(world: &Labelled, board: &Dashboard, name: &str, chosen: &Chosen<'_>) -> Vec<String> {
    let variable = board.variables().iter().find(|one| one["name"] == name).unwrap();
    let query = text(variable, "definition");
    let inner = query.strip_prefix("label_values(").unwrap().strip_suffix(')').unwrap();
    let (selector, label) = inner.rsplit_once(", ").unwrap();
    let expr = format!("count by ({label}) ({})", filled(board, selector, chosen));
    let found = world.alerting.query(&expr).unwrap();
    let mut values: Vec<_> =
        found.iter().filter_map(|one| one["metric"][label].as_str()).map(str::to_owned).collect();
    values.sort();
    values
}

/// The new ones first: each narrows those after it.
fn has_router(board: &Dashboard) -> bool {
    let names: Vec<_> = board.variables().iter().map(|one| text(one, "name")).collect();
    assert_eq!(names[..2], ["customer", "site"], "{}", board.name);
    for variable in &board.variables()[..2] {
        let is_all = variable["current"]["value"][0] == "$__all" && variable["allValue"] == ".*";
        assert!(is_all && variable["includeAll"] == true, "{}: all at first", board.name);
        // The menu of controls; where it is about many routers, in sight.
        let hide = if board.name == "fleet" { Value::Null } else { 3.into() };
        assert_eq!(variable["hide"], hide, "{}", board.name);
    }
    assert_eq!(names[2] == "router", board.name != "fleet", "{}", board.name);
    board.name != "fleet"
}

fn each_choice_narrows_the_next(world: &Labelled, board: &Dashboard) {
    let has_router = has_router(board);
    let (both, acme) = ([ODD, "acme"], ["acme"]);
    for (customers, sites, expected_sites, expected) in [
        (None, None, &["berlin", "köln", "potsdam"][..], &ROUTERS[..]),
        (Some(&acme[..]), None, &["berlin", "potsdam"], &ROUTERS[..2]),
        (Some(&acme), Some(&["potsdam"][..]), &["berlin", "potsdam"], &ROUTERS[1..2]),
        (Some(&[ODD]), None, &["köln"], &ROUTERS[2..3]),
        (Some(&both), None, &["berlin", "köln", "potsdam"], &ROUTERS[..3]),
        (
            None,
            Some(&["köln", "berlin"]),
            &["berlin", "köln", "potsdam"],
            &["router-0001", "router-0003"],
        ),
    ] {
        let choice = [("customer", customers), ("site", sites)];
        let choice: Vec<_> = choice.into_iter().filter_map(|(n, v)| Some((n, v?))).collect();
        let choice = chosen(&choice);
        assert_eq!(values(world, board, "customer", &choice), both, "{}", board.name);
        assert_eq!(
            values(world, board, "site", &choice),
            expected_sites,
            "{}: {choice:?}",
            board.name
        );
        if has_router {
            assert_eq!(
                values(world, board, "router", &choice),
                expected,
                "{}: {choice:?}",
                board.name
            );
        }
    }
}

/// A choice takes nothing away from a router that fits, and leaves nothing of one that does not.
fn panels_follow(world: &Labelled, board: &Dashboard) -> usize {
    let router = ("router", &ROUTERS[2..3]);
    let all = chosen(&[router]);
    let exact = chosen(&[("customer", &[ODD]), ("site", &["köln"]), router]);
    let wrong = chosen(&[("customer", &["acme"]), ("site", &["berlin"]), router]);
    let mut full = 0;
    for (place, target) in board.expressions() {
        let expr = text(target, "expr");
        let ask = |choice| filled(board, expr, choice);
        let found = |expr: &str| world.alerting.query(expr).unwrap();
        if board.name != "fleet" {
            // In one question, so that both are asked at the same moment.
            for (one, other) in [(&all, &exact), (&exact, &all)] {
                let expr = format!("({}) unless ({})", ask(one), ask(other));
                assert_eq!(found(&expr), [Value::Null; 0], "{place}");
            }
        }
        full += usize::from(!found(&ask(&exact)).is_empty());
        // Others give a 0, or concern all.
        let is_of_router = expr.contains("$site")
            && !expr.contains("vector(0)")
            && !expr.contains("$site|")
            && !expr.contains("up{job=");
        if is_of_router {
            for one in found(&ask(&wrong)) {
                assert_eq!(board.name, "fleet", "{place}: {one}");
                assert_ne!(one["metric"]["router"], ROUTERS[2], "{place}");
            }
        }
    }
    full
}

/// A row for each router that is chosen, with the labels that it has.
fn the_fleet_is_that_of_the_customer(world: &Labelled, board: &Dashboard) {
    let table = board.panels().into_iter().find(|panel| panel["type"] == "table").unwrap();
    let columns = list(table, "targets");
    assert_eq!(columns.len(), 10);
    let rows = |column: &Value, choice: &Chosen<'_>| -> BTreeSet<Vec<String>> {
        let found = world.alerting.query(&filled(board, text(column, "expr"), choice)).unwrap();
        let cell = |one: &Value, label: &str| text(&one["metric"], label).to_owned();
        let row =
            |one: &Value| ["customer", "site", "router"].map(|label| cell(one, label)).to_vec();
        assert!(found.iter().all(|one| one["metric"].as_object().unwrap().len() <= 3), "{found:?}");
        found.iter().map(row).collect()
    };
    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let acme =
        BTreeSet::from([row(["acme", "berlin", ROUTERS[0]]), row(["acme", "potsdam", ROUTERS[1]])]);
    let others = [row([ODD, "köln", ROUTERS[2]]), row(["", "", ROUTERS[3]])];
    let all: BTreeSet<_> = acme.iter().cloned().chain(others).collect();
    let mut full = 0;
    for column in columns {
        let title = text(column, "refId");
        let of_all = rows(column, &chosen(&[]));
        let of_acme: BTreeSet<_> = of_all.intersection(&acme).cloned().collect();
        assert_eq!(rows(column, &chosen(&[("customer", &["acme"])])), of_acme, "{title}");
        // What a router has not got, such as light, is the same for all of these.
        assert!(of_all == all || of_all.is_empty(), "{title}: {of_all:?}");
        full += usize::from(of_all == all);
    }
    assert!(full >= 8, "{full} columns");
}

#[test]
fn who_has_customers_and_sites_chooses_among_them() {
    let world = Labelled::start(
        &[
            "customer = \"acme\"\nsite = \"berlin\"",
            "customer = \"acme\"\nsite = \"potsdam\"\nfloor = \"3\"",
            &format!("customer = \"{ODD}\"\nsite = \"köln\""),
            "",
        ],
        None,
    )
    .unwrap();
    clock::until("rules have run, and rates are known", || {
        let there = |expr: &str| Ok::<_, anyhow::Error>(world.alerting.query(expr)?.len() == 4);
        Ok(there("router:netmonitor_availability:ratio30d")?
            && there("router:netmonitor_availability:ratio1d")?
            && there("count by (router) (target:netmonitor_ping_rtt_seconds:mean_rate5m)")?
            && there("count by (router) (rate(netmonitor_bridge_polls_total[60s]))")?)
    })
    .unwrap();
    let mut full = 0;
    for board in dashboards() {
        each_choice_narrows_the_next(&world, &board);
        full += panels_follow(&world, &board);
        if board.name == "fleet" {
            the_fleet_is_that_of_the_customer(&world, &board);
        }
    }
    assert!(full > 80, "only {full} questions had an answer");
}
