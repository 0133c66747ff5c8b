//! Whole scrapes and answers of devices that nobody here owns, one file each below
//! `tests/golden/`. `UPDATE_EXPECT=1` writes them anew; a change is read, not waved through.

use std::path::Path;

use crate::program::{Program, fixture, until};

/// Values that differ from run to run; they are masked, not left out.
const MOVING: [&str; 8] = [
    "netmonitor_collector_duration_seconds",
    "netmonitor_event_last_timestamp_seconds",
    "netmonitor_http_requests_total",
    "netmonitor_observed_seconds_total",
    "netmonitor_outage_seconds_total",
    "netmonitor_time_seconds",
    "netmonitor_time_synced",
    "netmonitor_wan_uptime_seconds",
];

fn masked(text: &str) -> String {
    text.lines().fold(String::new(), |all, line| {
        let moving = MOVING.iter().any(|name| line.starts_with(name));
        match line.rsplit_once(' ') {
            // Its labels are the build's own.
            Some(_) if line.starts_with("netmonitor_build_info{") => {
                all + "netmonitor_build_info{…} …\n"
            }
            Some((series, _)) if moving => all + series + " …\n",
            _ => all + line + "\n",
        }
    })
}

/// Compares once the sensors have been read: until then a scrape lacks them.
#[track_caller]
fn check(device: &str) {
    let program = Program::start(&fixture(device), "PING_TARGETS=\"\"\nDISABLE=\"ping\"\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(device);
    let golden = path.with_extension("prom");
    let read = |text: &str| {
        let sensors = ["link", "thermal", "optical"];
        let sensor = |name: &&str| text.contains(&format!("success{{collector=\"{name}\"}}"));
        sensors.iter().filter(|name| sensor(name)).count()
    };
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    // The count of requests is in the text, so there has to be one before.
    program.metrics();
    let mut text = String::new();
    until("the sensors are read", || {
        text = masked(&program.metrics().body);
        read(&text) >= read(&expected).max(1) || text == expected
    });
    expect_test::expect_file![golden].assert_eq(&text);

    let status = program.get("/net/status").json();
    let realtime = serde_json::to_string_pretty(&status["realtime"]).unwrap() + "\n";
    expect_test::expect_file![path.with_extension("status.json")].assert_eq(&realtime);
}

#[test]
fn filogic_router_with_pppoe() {
    check("filogic-pppoe");
}

#[test]
fn x86_router_with_an_sfp_module() {
    check("x86-igc-sfp");
}

#[test]
fn old_router_with_neither_sensors_nor_ubus() {
    check("ath79-old");
}

#[test]
fn gpon_stick_with_its_eeprom_as_a_file() {
    check("prx-stick");
}
