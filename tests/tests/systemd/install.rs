//! `install.sh` on a computer with systemd.

use netmonitor_tests::systemd_machine::Machine;

use super::{QUIET, SCRIPTS, assert_has, install_bridge, install_exporter, run, well, with_both};

fn process(machine: &Machine, service: &str) -> String {
    well(machine, &format!("systemctl show --value --property MainPID {service}"))
}

#[test]
fn both_are_installed_started_and_shown() {
    let machine = Machine::start().unwrap();
    let exporter = install_exporter(&machine);
    assert_eq!(exporter.status, 0, "{}", exporter.said);
    assert_has(
        &exporter.said,
        &["netmonitor-exporter 0", "here http://localhost:8321/", "netmonitor-exporter doctor"],
    );
    let bridge = install_bridge(&machine, "--router 127.0.0.1");
    assert_eq!(bridge.status, 0, "{}", bridge.said);
    assert_has(
        &bridge.said,
        &["here http://localhost:5000/", "/var/lib/netmonitor/netmonitor.db", "-ctl check"],
    );
    for service in ["netmonitor-bridge", "netmonitor-exporter"] {
        let state = well(&machine, &format!("systemctl is-enabled {service}"));
        assert_eq!(state, "enabled\n");
    }
    // Tokens are for root and the service.
    let stat = "stat -c '%a %U %G %n' /etc/netmonitor /etc/netmonitor/bridge.env \
                /etc/netmonitor.conf /var/lib/netmonitor";
    let expected = "750 root netmonitor /etc/netmonitor\n\
                    640 root netmonitor /etc/netmonitor/bridge.env\n\
                    640 root netmonitor-exporter /etc/netmonitor.conf\n\
                    700 netmonitor netmonitor /var/lib/netmonitor\n";
    assert_eq!(well(&machine, stat), expected);
}

#[test]
fn the_second_time_restarts_only_if_something_changed() {
    let machine = with_both();
    let services = ["netmonitor-bridge", "netmonitor-exporter"];
    let before = services.map(|service| process(&machine, service));
    for output in [install_bridge(&machine, ""), install_exporter(&machine)] {
        assert_eq!(output.status, 0, "{}", output.said);
        assert_has(&output.said, &["settings are kept", "runs, and nothing has changed"]);
    }
    assert_eq!(services.map(|service| process(&machine, service)), before);
    well(&machine, "cp /opt/programs/netmonitor-* /tmp; echo >>/tmp/netmonitor-bridge");
    well(&machine, &format!("{SCRIPTS}/install.sh bridge /tmp/netmonitor-bridge"));
    assert_ne!(process(&machine, services[0]), before[0]);
    assert_eq!(process(&machine, services[1]), before[1]);
    well(&machine, "systemctl stop netmonitor-exporter");
    assert_eq!(install_exporter(&machine).status, 0);
    well(&machine, "systemctl is-active netmonitor-exporter");
}

#[test]
fn bad_settings_are_said_before_anything_is_started() {
    let machine = with_both();
    let before = process(&machine, "netmonitor-bridge");
    well(&machine, "echo BRIDGE_PORT=70000 >>/etc/netmonitor/bridge.env");
    well(&machine, "echo PING_INTERVAL=never >>/etc/netmonitor.conf");
    well(&machine, "cp /opt/programs/netmonitor-bridge /tmp; echo >>/tmp/netmonitor-bridge");
    let bridge = run(&machine, &format!("{SCRIPTS}/install.sh bridge /tmp/netmonitor-bridge"));
    assert_eq!(bridge.status, 1, "{}", bridge.said);
    assert_has(&bridge.said, &["BRIDGE_PORT \"70000\"", "mend /etc/netmonitor/bridge.env"]);
    let exporter = install_exporter(&machine);
    assert_eq!(exporter.status, 1, "{}", exporter.said);
    assert_has(&exporter.said, &["/etc/netmonitor.conf line 4: PING_INTERVAL", "start again"]);
    // What runs goes on, with its own program.
    assert_eq!(process(&machine, "netmonitor-bridge"), before);
    well(&machine, "cmp /opt/programs/netmonitor-bridge /usr/local/bin/netmonitor-bridge");
}

#[test]
fn a_service_that_does_not_come_up_is_said_with_its_log() {
    let machine = with_both();
    well(&machine, "systemctl stop netmonitor-bridge");
    // The exporter's.
    well(&machine, "echo BRIDGE_PORT=8321 >>/etc/netmonitor/bridge.env");
    let output = install_bridge(&machine, "");
    assert_eq!(output.status, 1, "{}", output.said);
    assert_has(
        &output.said,
        &[
            "The last lines of its log:",
            "cannot listen on 0.0.0.0:8321",
            "does not answer: mend what the log says",
        ],
    );
}

#[test]
fn a_reload_takes_good_settings_and_refuses_bad_ones() {
    let machine = with_both();
    let log = "journalctl --no-pager --output cat --unit netmonitor-exporter";
    well(&machine, "sed -i s/127.0.0.1/127.0.0.2/ /etc/netmonitor.conf");
    well(&machine, "systemctl reload netmonitor-exporter");
    let asked = "curl -s localhost:8321/metrics";
    netmonitor_tests::clock::until("the other target is pinged", || {
        Ok(machine.sh(asked)?.said.contains("target=\"127.0.0.2\""))
    })
    .unwrap();
    well(&machine, "echo 'PING_TARGETS=\"$HOST\"' >>/etc/netmonitor.conf");
    assert_eq!(run(&machine, "systemctl reload netmonitor-exporter").status, 1);
    assert_has(&well(&machine, log), &["/etc/netmonitor.conf line 4: \"$\""]);
    well(&machine, "systemctl is-active netmonitor-exporter");
    well(&machine, "systemctl reload netmonitor-bridge");
    well(&machine, "netmonitor-bridge-ctl healthcheck");
}

#[test]
fn an_exporter_that_is_switched_off_is_installed_all_the_same() {
    let machine = Machine::start().unwrap();
    well(&machine, &format!("{QUIET}echo ENABLED=0 >>/etc/netmonitor.conf"));
    let output = install_exporter(&machine);
    assert_eq!(output.status, 0, "{}", output.said);
    assert_has(&output.said, &["is installed, and does nothing: ENABLED=0"]);
}

#[test]
fn the_router_is_asked_for_on_a_terminal_only() {
    let machine = Machine::start().unwrap();
    let output = install_bridge(&machine, "");
    assert_eq!(output.status, 1, "{}", output.said);
    assert_has(&output.said, &["which router? install.sh bridge --router 192.168.1.1"]);
    well(&machine, "! test -e /etc/netmonitor");
    let typed = format!("{SCRIPTS}/install.sh bridge /opt/programs/netmonitor-bridge");
    let output = machine.on_terminal(&typed, "192.0.2.7\n").unwrap();
    assert_eq!(output.status, 0, "{}", output.said);
    let line = well(&machine, "grep ^ROUTER_IP /etc/netmonitor/bridge.env");
    assert_eq!(line, "ROUTER_IP=192.0.2.7\n");
    // Also in the environment.
    well(&machine, &format!("{SCRIPTS}/uninstall.sh bridge --purge"));
    well(&machine, &format!("export ROUTER_IP=192.0.2.8\n{typed}"));
    let line = well(&machine, "grep ^ROUTER_IP /etc/netmonitor/bridge.env");
    assert_eq!(line, "ROUTER_IP=192.0.2.8\n");
}

#[test]
fn a_computer_without_systemd_is_told_so() {
    let machine = Machine::start().unwrap();
    let without = "mkdir /tmp/bin; ln -s /bin/* /sbin/* /usr/bin/* /usr/sbin/* /tmp/bin 2>/dev/null
        rm /tmp/bin/systemctl; PATH=/tmp/bin";
    let install = format!("{SCRIPTS}/install.sh bridge /opt/programs/netmonitor-bridge");
    let output = run(&machine, &format!("{without} {install}"));
    assert_eq!(output.status, 1, "{}", output.said);
    assert_has(&output.said, &["this computer has no systemd (there is no systemctl)"]);
    let output = run(&machine, &format!("umount -l /run; {install}"));
    assert_eq!(output.status, 1, "{}", output.said);
    assert_has(&output.said, &["systemd does not run here"]);
}

#[test]
fn another_program_is_refused() {
    let machine = Machine::start().unwrap();
    let check = |program: &str, part: &str| {
        let output = run(&machine, &format!("{SCRIPTS}/install.sh exporter {program}"));
        assert_eq!(output.status, 1, "{}", output.said);
        assert_has(&output.said, &[part]);
    };
    check("/opt/programs/netmonitor-bridge", "and not netmonitor-exporter");
    check("/etc/passwd", "/etc/passwd is not executable");
    well(&machine, "echo damaged >/tmp/program; chmod +x /tmp/program");
    check("/tmp/program", "/tmp/program does not run on this computer");
    check("/tmp/none", "/tmp/none: there is no such file");
    well(&machine, "! test -e /etc/netmonitor.conf");
}
