//! Labels of `ROUTERS_FILE` on their way: the real bridge hands them to the real Prometheus by
//! `http_sd`, and the shipped rules and the real Alertmanager to whoever is told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use netmonitor_tests::clock;
use netmonitor_tests::labelled::Labelled;
use serde_json::Value;

const ACME: &str = "customer = \"acme\"\nsite = \"berlin\"\nfloor = \"2\"";
const MOVED: &str = "customer = \"acme\"\nsite = \"hamburg\"\nfloor = \"2\"";
/// What a label may hold beside plain words.
const ODD: &str = "customer = \"Müller \\\"& Söhne\\\" \\\\ (Köln)\"\nsite = \"köln\"";
const ODD_CUSTOMER: &str = "Müller \"& Söhne\" \\ (Köln)";
const NONE: &str = "";
/// Of the exporter more than a hundred, then those of the bridge, of rules, of Prometheus.
const LEAST_SERIES: usize = 120;

/// Labels of all series that there are of a router now.
fn series(world: &Labelled, router: &str) -> Vec<BTreeMap<String, String>> {
    let found = world.alerting.query(&format!("{{router=\"{router}\"}}")).unwrap();
    let labels = |one: &Value| serde_json::from_value(one["metric"].clone()).unwrap();
    found.iter().map(labels).collect()
}

/// Of each family that is told by somebody else.
fn is_complete(series: &[BTreeMap<String, String>]) -> bool {
    let names: BTreeSet<_> = series.iter().map(|labels| labels["__name__"].as_str()).collect();
    let families = [
        "up",
        "netmonitor_ping_requests_total",
        "netmonitor_bridge_polls_total",
        "target:netmonitor_ping_loss:ratio_rate5m",
        "router:netmonitor_availability:ratio1d",
    ];
    series.len() >= LEAST_SERIES && families.iter().all(|name| names.contains(name))
}

/// All of it has these labels, and what the exporter itself tells has kept its own.
fn check(world: &Labelled, router: &str, given: &[(&str, &str)]) {
    clock::until("all is told of the router", || Ok(is_complete(&series(world, router)))).unwrap();
    for labels in series(world, router) {
        for name in ["customer", "site", "floor"] {
            let expected = given.iter().find(|(label, _)| *label == name).map(|(_, value)| *value);
            assert_eq!(labels.get(name).map(String::as_str), expected, "{name}: {labels:?}");
        }
        let renamed = labels.keys().find(|name| name.starts_with("exported_"));
        // The bridge's own scrape names the router it tells of, and is no router itself.
        assert_eq!(renamed, None, "{labels:?}");
    }
}

#[test]
fn every_series_and_message_of_a_router_has_its_labels() {
    for token in [None, Some("a-secret")] {
        let world = Labelled::start(&[ACME, ODD, NONE], token).unwrap();
        check(&world, "router-0001", &[("customer", "acme"), ("site", "berlin"), ("floor", "2")]);
        check(&world, "router-0002", &[("customer", ODD_CUSTOMER), ("site", "köln")]);
        check(&world, "router-0003", &[]);
        if token.is_none() {
            messages_say_whose_router_it_is(&world);
        }
    }
}

/// And nothing more of a router without labels.
fn messages_say_whose_router_it_is(world: &Labelled) {
    for (index, expected) in [
        (0, &[("customer", "acme"), ("router", "router-0001"), ("site", "berlin")][..]),
        (2, &[("router", "router-0003")]),
    ] {
        let outage = "outage 15s beyond_gateway provider".parse();
        world.fleet.act(index, &outage.unwrap_or_else(|error| panic!("{error}")));
        let expected: BTreeMap<_, _> = expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        clock::until_within(Duration::from_secs(60), "the message is there", || {
            Ok(world.phone.messages().iter().any(|message| {
                message.group == expected
                    && message.alerts.iter().all(|alert| {
                        expected.iter().all(|label| alert.labels.get(label.0) == Some(label.1))
                    })
                    && message.has("InternetDown", "firing")
            }))
        })
        .unwrap_or_else(|error| panic!("{error}: {:?}", world.phone.messages()));
    }
}

#[test]
fn a_list_that_changes_is_taken_over_by_prometheus_and_one_with_a_mistake_is_not() {
    let world = Labelled::start(&[ACME, NONE], None).unwrap();
    let is_there = |expr: &str| Ok(!world.alerting.query(expr)?.is_empty());
    world.relabel(&[MOVED, NONE]).unwrap();
    clock::until("the router has moved", || {
        Ok(is_there("up{site=\"hamburg\"} == 1")?
            && is_there("netmonitor_bridge_polls_total{site=\"hamburg\",result=\"success\"} > 0")?
            && !is_there("{router=\"router-0001\",site=\"berlin\",__name__!~\"ALERTS.*|.+:.+\"}")?)
    })
    .unwrap();
    // What is right in it is not taken over either.
    let reloaded = "netmonitor_bridge_routers_file_last_reload_successful";
    for mistake in ["job = \"x\"", "device = \"x\"", "site = \"\"", "__name__ = \"up\""] {
        world.relabel(&["site = \"bremen\"", mistake]).unwrap();
        let failed = format!("{reloaded} == 0");
        clock::until("it is told", || is_there(&failed)).unwrap();
        assert!(!is_there("{site=\"bremen\"}").unwrap(), "{mistake}");
        let known =
            world.alerting.query("up{site=\"hamburg\"} == 1 or up{router!=\"\",site=\"\"} == 1");
        assert_eq!(known.unwrap().len(), 2, "{mistake}: as before");
        world.relabel(&[MOVED, NONE]).unwrap();
        let mended = format!("{reloaded} == 1");
        clock::until("it is read again", || is_there(&mended)).unwrap();
    }
}
