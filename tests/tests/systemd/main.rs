//! Bridge and exporter as services of systemd: their units, `install.sh`, `uninstall.sh` and
//! `netmonitor-bridge-ctl`, with a real systemd. Needs root.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod by_hand;
mod files;
mod install;
mod old_client;
mod removal;
mod sandbox;
mod settings;
mod units;

use std::path::PathBuf;

use netmonitor_tests::systemd_machine::{Machine, Output};

/// In the machine.
const SCRIPTS: &str = "/opt/netmonitor/compose/systemd";

/// Nothing but loopback is there.
const QUIET: &str = r#"cat >/etc/netmonitor.conf <<'END'
PING_TARGETS="127.0.0.1"
PING_GATEWAY="0"
QUEUE_FILE="/run/netmonitor-exporter/events.json"
END
"#;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

#[track_caller]
fn run(machine: &Machine, script: &str) -> Output {
    machine.sh(script).unwrap()
}

/// What a script prints that must go well.
#[track_caller]
fn well(machine: &Machine, script: &str) -> String {
    let output = run(machine, script);
    assert_eq!(output.status, 0, "{script}: {}", output.said);
    output.said
}

#[track_caller]
fn install_bridge(machine: &Machine, more: &str) -> Output {
    run(machine, &format!("{SCRIPTS}/install.sh bridge /opt/programs/netmonitor-bridge {more}"))
}

#[track_caller]
fn install_exporter(machine: &Machine) -> Output {
    run(machine, &format!("{SCRIPTS}/install.sh exporter /opt/programs/netmonitor-exporter"))
}

/// A machine with both; the bridge asks the exporter beside it.
#[track_caller]
fn with_both() -> Machine {
    let machine = Machine::start().unwrap();
    well(&machine, QUIET);
    for output in [install_exporter(&machine), install_bridge(&machine, "--router 127.0.0.1")] {
        assert_eq!(output.status, 0, "{}", output.said);
    }
    machine
}

#[track_caller]
fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}
