//! `make run`: the real programs together on one machine. Each test has a network of its own
//! with nothing but loopback. Needs root.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod demo;
mod grafana;
mod started;

use std::path::PathBuf;

use started::{Stack, tool};

/// Nothing was started, and why.
#[track_caller]
fn refused(before: &str, settings: &[(&str, &str)], parts: &[&str]) {
    let end = Stack::start(before, settings).end();
    assert_eq!(end.code, Some(1), "{}", end.stderr);
    for part in parts {
        assert!(end.stderr.contains(part), "{part} is not in: {}", end.stderr);
    }
    assert_eq!(end.stdout, "");
}

fn secret(mode: u32, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{text}\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(&file, mode).unwrap();
    (folder, file)
}

#[test]
fn all_of_it_comes_up_and_goes() {
    let (_folder, token) = secret(0o600, "s3cret");
    let token = token.to_str().unwrap();
    let settings = [
        ("READ_TOKEN_FILE", token),
        ("API_TOKEN_FILE", token),
        // All others than the defaults, so that nothing is written down twice.
        ("NETMONITOR_API_PORT", "18321"),
        ("BRIDGE_PORT", "15000"),
        ("PROMETHEUS_PORT", "19090"),
        ("ALERTMANAGER_PORT", "19093"),
    ];
    let mut stack = Stack::start("", &settings);
    let table = stack.table();
    for (program, port) in
        [("exporter", 18321), ("bridge", 15000), ("prometheus", 19090), ("alertmanager", 19093)]
    {
        let row = table.lines().find(|row| row.starts_with(program)).unwrap();
        assert!(row.contains(" well ") && row.contains(&format!(":{port}/")), "{table}");
    }
    let up: Vec<&str> = table
        .lines()
        .filter(|row| row.contains("/metrics"))
        .map(|row| {
            assert_eq!(row.split_whitespace().nth(1), Some("up"), "{table}");
            row.split_whitespace().next().unwrap()
        })
        .collect();
    assert_eq!(up, ["alertmanager", "netmonitor", "netmonitor-bridge", "prometheus"], "{table}");
    stack.signal("INT");
    let end = stack.end();
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
}

#[test]
fn one_that_ends_is_named_and_the_others_end() {
    let mut stack = Stack::start("", &[]);
    stack.table();
    let pid = stack.process("netmonitor-bridge").to_string();
    assert!(tool("kill").args(["-s", "KILL", &pid]).status().unwrap().success());
    let end = stack.end();
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("run: bridge has ended with code 137"), "{}", end.stderr);
}

#[test]
fn nothing_outlives_a_script_that_is_killed() {
    let mut stack = Stack::start("", &[]);
    stack.table();
    assert!(stack.processes().len() >= 5, "{:?}", stack.processes());
    stack.signal("KILL");
    assert_eq!(stack.end().code, None);
}

#[test]
fn what_cannot_work_is_said_before_anything_starts() {
    refused(
        "for port in 9090 5000; do \
         env -u START_OF_A_TEST setpriv --pdeathsig KILL busybox nc -l -p $port >/dev/null 2>&1 & done; \
         until [ $(grep -cE ':(2382|1388) [0-9A-F]+:0000 0A' /proc/net/tcp6 /proc/net/tcp | \
         awk -F: '{ n += $2 } END { print n }') = 2 ]; do :; done;",
        &[],
        &["port 5000 (BRIDGE_PORT)", "port 9090 (PROMETHEUS_PORT)", "choose other ports"],
    );
    let absent = [("PROMETHEUS", "/nowhere"), ("ALERTMANAGER", "/nowhere")];
    refused("", &absent, &["missing: prometheus", "alertmanager", "apt-get install"]);
    refused("", &[("BRIDGE", "/nowhere")], &["/nowhere is not built: make build"]);
    refused("", &[("API_TOKEN_FILE", "/nowhere")], &["API_TOKEN_FILE: /nowhere is missing"]);
    let (_folder, token) = secret(0o644, "s3cret");
    let token = token.to_str().unwrap();
    refused("", &[("READ_TOKEN_FILE", token)], &["everybody can read", "chmod 600"]);
    // Only the bridge would get it.
    for (name, file) in
        [("READ_TOKEN", "give READ_TOKEN_FILE"), ("API_TOKEN", "give API_TOKEN_FILE")]
    {
        refused("", &[(name, "s3cret")], &[name, "a file that only you can read", file]);
    }
}

#[test]
fn a_file_that_is_no_database_of_ours_is_told_by_the_bridge() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.db");
    assert!(tool("sqlite3").arg(&file).arg("CREATE TABLE t(a)").status().unwrap().success());
    let end = Stack::start("", &[("SQLITE_DB", file.to_str().unwrap())]).end();
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("run: bridge has ended with code"), "{}", end.stderr);
    assert!(end.stderr.contains("SQLite file of another program"), "{}", end.stderr);
}
