//! What systemd itself thinks of the units.

use std::process::Command;

use super::repository;

#[expect(clippy::disallowed_methods, reason = "tools of the system, for tests")]
fn security(unit: &str, threshold: u32) {
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(format!("--threshold={threshold}"))
        .arg(repository().join("compose/systemd").join(unit))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{unit} is exposed by more than {threshold}/10: {said}");
}

#[test]
fn the_bridge_is_hardly_exposed() {
    // 1.4: addresses to talk to, AF_UNIX, the clock's state, /proc/stat.
    security("netmonitor-bridge.service", 15);
}

#[test]
fn the_exporter_is_exposed_by_what_it_reads() {
    // 2.2: the same, and pings, the kernel's log, netlink.
    security("netmonitor-exporter.service", 23);
}
