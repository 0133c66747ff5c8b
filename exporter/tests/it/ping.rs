//! Real pings: what is answered, what is lost, and what is not allowed.

use std::process::Command;

use crate::program::{Program, command, copy_of, fixture, tool, until};

fn series(name: &str, target: &str) -> String {
    format!("netmonitor_{name}{{target=\"{target}\",scope=\"domestic\"}}")
}

#[test]
fn both_families_and_a_name_are_pinged() {
    let settings = "PING_TARGETS=\"127.0.0.1 ::1 localhost\"\nPING_INTERVAL=0.2\n";
    let program = Program::start(&fixture("ath79-old"), settings);
    for target in ["127.0.0.1", "::1", "localhost"] {
        until(target, || {
            let metrics = program.metrics();
            metrics.sample(&series("ping_requests_total", target)).is_some_and(|n| n >= 3.0)
                && metrics
                    .sample(&series("ping_rtt_seconds_count", target))
                    .is_some_and(|n| n >= 2.0)
        });
    }
    let metrics = program.metrics();
    assert_eq!(metrics.sample("netmonitor_internet_up"), Some(1.0));
    assert_eq!(metrics.sample("netmonitor_collector_success{collector=\"ping\"}"), Some(1.0));
}

#[test]
fn a_network_that_is_gone_loses_every_request_and_the_series_stay() {
    const FAR: &str = "198.51.100.1";
    let settings = format!("PING_TARGETS=\"127.0.0.1 {FAR}\"\nPING_INTERVAL=0.2\n");
    Program::isolated(&fixture("ath79-old"), &settings, |program| {
        let lost = series("ping_lost_total", FAR);
        until("three losses", || program.metrics().sample(&lost).is_some_and(|lost| lost >= 3.0));
        let metrics = program.metrics();
        let of_far = |name| metrics.sample(&series(name, FAR));
        assert_eq!(of_far("ping_requests_total"), of_far("ping_lost_total"));
        assert_eq!(of_far("ping_send_errors_total"), of_far("ping_lost_total"));
        assert_eq!(of_far("ping_last_rtt_seconds"), None);
        assert_eq!(metrics.sample("netmonitor_internet_up"), Some(1.0), "127.0.0.1 answers");
        assert_eq!(metrics.sample("netmonitor_collector_success{collector=\"ping\"}"), Some(1.0));
        let ping = &program.get("/net/status").json()["realtime"]["ping"][FAR];
        assert_eq!((&ping["loss"], &ping["rtt"]), (&100.0.into(), &serde_json::Value::Null));
    });
}

/// The program under another account, without any right of root.
fn unprivileged(binary: &std::path::Path) -> Command {
    let mut wrapped = tool("setpriv");
    wrapped.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs"]);
    wrapped.arg(binary);
    wrapped
}

#[test]
fn not_being_allowed_to_ping_is_told_apart_from_loss() {
    // The build folder may be closed to other accounts.
    let place = copy_of("ath79-old");
    let binary = place.path().join("exporter");
    std::fs::copy(command().get_program(), &binary).unwrap();
    let settings = "PING_TARGETS=\"127.0.0.1\"\nPING_INTERVAL=0.2\n";
    // A network of its own has the kernel's default: nobody may ping without the right.
    Program::isolated_by(&unprivileged(&binary), place.path(), settings, |program| {
        until("the refusal is noticed", || program.log().contains("ping 127.0.0.1: not allowed"));
        let metrics = program.metrics();
        let of_target = |name| metrics.sample(&series(name, "127.0.0.1"));
        assert_eq!(metrics.sample("netmonitor_collector_success{collector=\"ping\"}"), Some(0.0));
        assert_eq!(of_target("ping_requests_total"), Some(0.0));
        assert_eq!(of_target("ping_lost_total"), Some(0.0));
        assert_eq!(metrics.sample("netmonitor_internet_up"), None, "nothing is known");
    });
}
