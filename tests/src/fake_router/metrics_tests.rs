//! The fake `/metrics` against the document of the real one, and against promtool.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use super::*;
use crate::fake_router::equipment::Equipment;
use crate::fake_router::exposition::{FAMILIES, Sample};
use crate::fake_router::ledger::Ledger;
use crate::fake_router::plan::{Calendar, Deed, Plan};
use crate::fake_router::scenario::{Action, Scenario};
use crate::fake_router::state::Identity;
use crate::random::Random;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn router() -> State {
    let (name, started_ms) = ("router-0003".to_owned(), 1_700_000_000_000);
    let identity = Identity { number: 3, name, seed: 1, started_ms, zone_minutes: 0 };
    let mut state = State::new(identity, Arc::new(Mutex::new(Ledger::default())));
    state.equipment =
        Equipment { pppoe: true, optics: true, lcp: true, dns: true, temperature: true };
    state
}

/// Plays an action and its end.
fn play(state: &mut State, from: u64, action: &str, lasts: u64) {
    let action: Action = action.parse().unwrap();
    let mut plan = Plan::new(&Scenario::default(), 3, Random::new(1), Calendar::default());
    let begin = plan.begin(secs(from), &action);
    state.perform(secs(from), begin);
    while let Some((at, deed)) = plan.take_due(secs(from + lasts)) {
        state.perform(at, deed);
    }
}

fn value(state: &mut State, now: u64, family: &str, labels: &str) -> Option<f64> {
    let all = samples(state, secs(now)).0;
    let of = |sample: &&Sample| {
        sample.family == family && sample.suffix.is_empty() && sample.labels.contains(labels)
    };
    all.iter().find(of).map(|sample| sample.value)
}

/// The names of a sample's labels, in alphabetical order.
fn label_names(labels: &str) -> Vec<&str> {
    let mut names: Vec<_> =
        labels.split("\",").filter_map(|label| Some(label.split_once('=')?.0)).collect();
    names.retain(|name| *name != "le");
    names.sort_unstable();
    names
}

#[test]
fn every_metric_of_the_document_is_there_with_its_labels() {
    let mut state = router();
    play(&mut state, 10, "outage 5s dhcp provider", 5);
    let all = samples(&mut state, secs(60)).0;
    let names: BTreeSet<_> = all.iter().map(|sample| sample.family).collect();
    let expected: BTreeSet<_> = FAMILIES.keys().copied().collect();
    assert_eq!(names, expected);
    for sample in &all {
        let family = &FAMILIES[sample.family];
        assert_eq!(label_names(&sample.labels), family.labels, "{sample:?}");
        assert_eq!(!sample.suffix.is_empty(), family.kind == "histogram", "{sample:?}");
    }
    let series: BTreeSet<_> =
        all.iter().map(|sample| (sample.family, sample.suffix, &sample.labels)).collect();
    assert_eq!(series.len(), all.len(), "a series is there twice");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a reader of what we write, for a test")]
fn promtool_finds_nothing() {
    let mut state = router();
    play(&mut state, 10, "outage 5s dhcp provider", 5);
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped());
    let mut promtool = promtool.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let text = samples(&mut state, secs(60)).text();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!((output.status.success(), said.as_str()), (true, ""));
}

#[test]
fn what_a_router_lacks_is_absent() {
    let mut state = router();
    state.equipment = Equipment::default();
    let all = samples(&mut state, secs(60)).0;
    let absent = ["_optical_", "_pppoe_", "_lcp_", "_dns_", "_cpu_temperature_"];
    let is_of = |part: &&str| all.iter().any(|sample| sample.family.contains(part));
    assert_eq!(absent.iter().find(|part| is_of(part)), None);
    assert_eq!(value(&mut state, 60, "netmonitor_wan_info", "proto=\"dhcp\""), Some(1.0));
    assert!(!all.iter().any(|sample| sample.labels.contains("pppoe-wan")));
}

#[test]
fn an_outage_is_seen_while_it_lasts_and_afterwards() {
    let mut state = router();
    let deed = Deed::Begin("outage 100s optical_signal line".parse().unwrap());
    state.perform(secs(100), deed);
    for (family, labels, expected) in [
        ("netmonitor_outage_active", "", Some(1.0)),
        ("netmonitor_internet_up", "", Some(0.0)),
        ("netmonitor_ping_lost_total", "8.8.8.8", Some(50.0)),
        ("netmonitor_ping_longest_loss_seconds", "gateway", Some(50.0)),
        ("netmonitor_ping_last_rtt_seconds", "8.8.8.8", None),
        ("netmonitor_optical_signal_detected", "", Some(0.0)),
        ("netmonitor_optical_receive_power_dbm", "", None),
        ("netmonitor_interface_carrier", "eth1", Some(0.0)),
        ("netmonitor_outage_seconds_total", "", Some(50.0)),
        ("netmonitor_outage_duration_seconds", "", None),
    ] {
        assert_eq!(value(&mut state, 150, family, labels), expected, "{family}");
    }
    let outage = match "outage 100s optical_signal line".parse().unwrap() {
        Action::Outage(outage) => outage,
        other => panic!("{other:?}"),
    };
    state.perform(secs(200), Deed::OutageOver(outage));
    for (family, labels, expected) in [
        ("netmonitor_outage_active", "", 0.0),
        ("netmonitor_internet_up", "", 1.0),
        ("netmonitor_outage_seconds_total", "", 100.0),
        ("netmonitor_observed_seconds_total", "", 300.0),
        ("netmonitor_outages_total", "cause=\"optical_signal\",side=\"line\"", 1.0),
        ("netmonitor_outage_duration_seconds", "cause=\"optical_signal\"", 100.0),
        ("netmonitor_outage_start_timestamp_seconds", "side=\"line\"", 1_700_000_100.0),
        ("netmonitor_outage_end_timestamp_seconds", "side=\"line\"", 1_700_000_200.0),
        ("netmonitor_events_total", "outage_end", 1.0),
        ("netmonitor_interface_carrier_down_total", "eth1", 1.0),
        ("netmonitor_interface_carrier_up_total", "eth1", 2.0),
    ] {
        assert_eq!(value(&mut state, 300, family, labels), Some(expected), "{family}");
    }
}

#[test]
fn a_drop_takes_session_and_interface_down() {
    let mut state = router();
    state.perform(secs(10), Deed::Begin("drop 30s".parse().unwrap()));
    for family in ["netmonitor_wan_up", "netmonitor_pppoe_up", "netmonitor_internet_up"] {
        assert_eq!(value(&mut state, 20, family, ""), Some(0.0), "{family}");
    }
    let received = "netmonitor_interface_receive_bytes_total";
    assert_eq!(value(&mut state, 20, received, "pppoe-wan"), None);
    state.perform(secs(40), Deed::SessionUp);
    assert_eq!(value(&mut state, 40, received, "pppoe-wan"), Some(0.0));
    assert_eq!(value(&mut state, 50, "netmonitor_wan_uptime_seconds", ""), Some(10.0));
}
