//! The started program, as a user types it.

use std::process::{Command, Output};

#[expect(clippy::disallowed_methods, reason = "the program under test is started here")]
fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netmonitor-bridge"));
    command.args(arguments).env_clear().output().expect("the program is built with this test")
}

#[test]
fn settings_that_make_no_sense_open_nothing() {
    let output = run(&["--poll-interval", "0", "--bridge-port", "x"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    for part in ["--poll-interval \"0\"", "--bridge-port \"x\"", "no router: set ROUTER_IP"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn the_help_names_every_setting_and_subcommand() {
    let output = run(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    for part in ["--router-ip", "SQLITE_DB", "backup", "restore", "check", "healthcheck"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn a_backup_of_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let output = run(&["backup", &file("copy.db"), "--sqlite-db", &file("missing.db")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!folder.path().join("copy.db").exists() && !folder.path().join("missing.db").exists());
}
