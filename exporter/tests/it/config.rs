//! Reload by signal.

use crate::program::{Program, fixture, until};

#[test]
fn a_reload_takes_what_it_can_and_names_what_needs_a_restart() {
    let kept = tempfile::tempdir().unwrap();
    let queue = |name| format!("QUEUE_FILE=\"{}\"\n", kept.path().join(name).display());
    let before = ["PING_TARGETS=\"\"\n", &queue("old.json")].concat();
    let program = Program::start(&fixture("ath79-old"), &before);
    assert_eq!(program.get("/net/status").status, 200);
    let after = ["PING_TARGETS=\"127.0.0.1\"\nTOKEN=\"hunter2\"\n", &queue("new.json")].concat();
    program.change_settings(&after);
    until("the token is asked for", || program.get("/net/status").status == 401);
    until("the reload is reported", || program.log().contains("reload: done"));
    let log = program.log();
    assert!(log.contains("reload: QUEUE_FILE changed: restart for it to count"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

#[test]
fn a_bad_reload_keeps_the_running_settings() {
    let program = Program::start(&fixture("ath79-old"), "PING_TARGETS=\"\"\nTOKEN=\"hunter2\"\n");
    program.change_settings("TOKEN=\"$(cat /etc/passwd)\"\nLOG_LEVEL=\"loud\"\n");
    until("the reload is reported", || program.log().contains("the running ones stay in force"));
    assert_eq!(program.get("/net/status").status, 401, "the old token is still in force");
}

#[test]
fn disable_leaves_a_collector_out_and_a_reload_brings_it_back() {
    let settings = "PING_TARGETS=\"\"\nDISABLE=\"loadavg thermal\"\n";
    let program = Program::start(&fixture("filogic-pppoe"), settings);
    until("the WAN is read", || program.metrics().body.contains("netmonitor_wan_up"));
    let before = program.metrics().body;
    assert!(!before.contains("netmonitor_load1") && !before.contains("\"loadavg\""), "{before}");
    program.change_settings("PING_TARGETS=\"\"\n");
    until("both are back", || {
        let text = program.metrics().body;
        text.contains("netmonitor_load1") && text.contains("cpu_temperature_celsius{")
    });
}
