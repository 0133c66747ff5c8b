//! The old Flask client's folder beside the installer.

use netmonitor_tests::systemd_machine::Machine;

use super::{QUIET, SCRIPTS, assert_has, install_bridge, install_exporter, run, well};

/// As its SQLAlchemy models make it (`event-bridge/src/legacy/source.rs`).
const SCHEMA: &str = "
CREATE TABLE network_status (
    id INTEGER NOT NULL, timestamp DATETIME, wan_state VARCHAR(10),
    rx_errors INTEGER, tx_errors INTEGER, rx_dropped INTEGER, tx_dropped INTEGER,
    optical_rx FLOAT, optical_tx FLOAT, cpu_temp FLOAT,
    pppoe_reconnect_count INTEGER, wan_down_count INTEGER, PRIMARY KEY (id));
CREATE TABLE ping_results (
    id INTEGER NOT NULL, timestamp DATETIME, target VARCHAR(50), rtt FLOAT, loss FLOAT,
    PRIMARY KEY (id));
CREATE TABLE network_events (
    id INTEGER NOT NULL, timestamp DATETIME, event_time DATETIME, event_type VARCHAR(50),
    message TEXT, PRIMARY KEY (id));
INSERT INTO network_status (timestamp, wan_state) VALUES ('2025-10-20 10:00:00', 'up');
INSERT INTO network_status (timestamp, wan_state) VALUES ('2025-10-20 10:02:00', 'up');";

/// In somebody's home, which no other user may enter.
const HOME: &str = "/home/somebody/it's old";

fn with_old_client() -> Machine {
    let machine = Machine::start().unwrap();
    std::fs::write(machine.shared().join("schema.sql"), SCHEMA).unwrap();
    let make = format!(
        "mkdir -p \"{HOME}/data\" \"{HOME}/logs\"; chmod 700 /home/somebody
         sqlite3 \"{HOME}/data/netmonitor.db\" </shared/schema.sql"
    );
    well(&machine, &make);
    machine
}

fn rows(machine: &Machine) -> String {
    let sql = "SELECT count(*) FROM network_status WHERE timestamp < '2026'";
    well(machine, &format!("sqlite3 /var/lib/netmonitor/netmonitor.db \"{sql}\""))
}

#[test]
fn it_is_named_with_the_command_that_takes_it_over() {
    let machine = with_old_client();
    let before = well(&machine, &format!("cksum \"{HOME}/data\"/*"));
    let output = run(
        &machine,
        &format!(
            "cd \"{HOME}\"
             {SCRIPTS}/install.sh bridge /opt/programs/netmonitor-bridge --router 127.0.0.1"
        ),
    );
    assert_eq!(output.status, 0, "{}", output.said);
    assert_has(
        &output.said,
        &[
            &format!("The database of the old Flask client is here: {HOME}/data/netmonitor.db"),
            &format!("No longer used: {HOME}/logs"),
        ],
    );
    // As it stands there.
    let command = output.said.lines().find(|line| line.contains("-ctl import-legacy")).unwrap();
    assert_has(&well(&machine, command), &["network_status             2           2"]);
    assert_eq!(rows(&machine), "2\n");
    assert_eq!(well(&machine, &format!("cksum \"{HOME}/data\"/*")), before);
}

#[test]
fn on_a_terminal_it_is_offered_and_taken_over_after_the_first_poll() {
    let machine = with_old_client();
    well(&machine, QUIET);
    assert_eq!(install_exporter(&machine).status, 0);
    let typed = format!(
        "{SCRIPTS}/install.sh bridge /opt/programs/netmonitor-bridge --router 127.0.0.1 \
         --old \"{HOME}\""
    );
    let output = machine.on_terminal(&typed, "y\n").unwrap();
    assert_eq!(output.status, 0, "{}", output.said);
    assert_has(&output.said, &["Do it now? [y/N] ", "network_status             2           2"]);
    assert_eq!(rows(&machine), "2\n");
    let output = machine.on_terminal(&typed, "\n").unwrap();
    assert_eq!(output.status, 0, "{}", output.said);
    assert!(!output.said.contains("rows (100 %)"), "{}", output.said);
}

#[test]
fn other_databases_are_none_of_its() {
    let machine = Machine::start().unwrap();
    well(&machine, "mkdir data; sqlite3 data/netmonitor.db 'CREATE TABLE notes (text)'");
    let output = install_bridge(&machine, "--router 127.0.0.1");
    assert_eq!(output.status, 0, "{}", output.said);
    assert!(!output.said.contains("old Flask client"), "{}", output.said);
    for make in [
        "netmonitor-bridge-ctl backup /root/data/netmonitor.db",
        "echo text >data/netmonitor.db",
        "rm data/netmonitor.db; mkdir data/netmonitor.db",
        "rmdir data/netmonitor.db",
    ] {
        well(&machine, make);
        let output = install_bridge(&machine, "");
        assert_eq!(output.status, 0, "{make}: {}", output.said);
        assert!(!output.said.contains("old Flask client"), "{make}: {}", output.said);
    }
    let output = install_bridge(&machine, "--old /root");
    assert_eq!(output.status, 1, "{}", output.said);
    assert_has(&output.said, &["--old /root: neither data/netmonitor.db nor netmonitor.db"]);
}
