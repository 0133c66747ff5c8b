//! What systemd itself thinks of the units.

use std::process::Command;

use netmonitor_tests::systemd_machine::Machine;

use super::{install_bridge, install_exporter, repository, run, well};

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

#[test]
fn systemd_finds_nothing_wrong_with_them() {
    let machine = Machine::start().unwrap();
    assert_eq!(install_bridge(&machine, "--router 192.0.2.1").status, 0);
    assert_eq!(install_exporter(&machine).status, 0);
    for unit in ["netmonitor-bridge", "netmonitor-exporter"] {
        let output = run(&machine, &format!("systemd-analyze verify --man=no {unit}.service"));
        assert_eq!((output.status, output.said.as_str()), (0, ""), "{unit}");
    }
}

#[test]
fn a_service_is_started_again_however_often_it_ends() {
    // More than systemd's own limit, which is 5 in 10 s.
    const TIMES: u32 = 8;
    let machine = Machine::start().unwrap();
    let drop_in = "/run/systemd/system/netmonitor-exporter.service.d";
    // The pause of 10 s is not what is tried.
    well(
        &machine,
        &format!("mkdir -p {drop_in}; printf '[Service]\\nRestartSec=0\\n' >{drop_in}/quick.conf"),
    );
    assert_eq!(install_exporter(&machine).status, 0);
    let restarts = "systemctl show --value --property NRestarts netmonitor-exporter";
    for time in 1..=TIMES {
        well(&machine, "systemctl kill --signal KILL --kill-who main netmonitor-exporter");
        netmonitor_tests::clock::until("it was started again", || {
            let output =
                machine.sh(&format!("{restarts}; systemctl is-active netmonitor-exporter"))?;
            Ok(output.said == format!("{time}\nactive\n"))
        })
        .unwrap();
    }
    well(&machine, "systemctl stop netmonitor-exporter");
    // Told to stop it has not failed.
    let state = run(&machine, "systemctl is-failed netmonitor-exporter");
    assert_eq!(state.said, "inactive\n");
}
