//! A restore over what is there: the proxy's authority, volumes without settings, a service that
//! does not run, and files that cannot be read.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::machine::{Machine, in_each_shell, tool};

/// Somebody who may use the engine, and owns the folder.
const SOMEBODY: [&str; 4] = ["/usr/bin/setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"];

fn start(machine: &Machine) -> String {
    machine.well(&["--router", "192.168.1.1"]);
    let copy = machine.home().join("copy").display().to_string();
    machine.notes();
    copy
}

/// Of the first note with this part.
#[track_caller]
fn first(notes: &[String], part: &str) -> usize {
    let found = notes.iter().position(|note| note.contains(part));
    found.unwrap_or_else(|| panic!("{part}: {notes:#?}"))
}

/// Phones trust it; a new one would have to be carried to all of them.
#[test]
fn the_authority_of_the_proxy_comes_back() {
    in_each_shell(|machine| {
        machine.well(&["--router", "192.168.1.1", "--tls"]);
        let copy = machine.home().join("copy").display().to_string();
        machine.well(&["backup", &copy]);
        assert!(fs::exists(format!("{copy}/proxy.tar.gz")).unwrap());
        machine.well(&["uninstall", "--data", "--yes"]);
        machine.well(&["restore", &copy, "--yes"]);
        let unpacked = fs::read_to_string(machine.engine("unpacked-id-proxy")).unwrap();
        assert_eq!(unpacked, "an archive of id-proxy:/certificates/.");
    });
}

/// What was uninstalled without --data, or whose .env was lost.
#[test]
fn old_volumes_go_even_where_there_are_no_settings() {
    in_each_shell(|machine| {
        let copy = start(&machine);
        machine.well(&["backup", &copy]);
        fs::remove_file(machine.path(".env")).unwrap();
        machine.notes();
        let output = machine.well(&["restore", &copy, "--yes"]);
        let notes = machine.notes();
        assert!(first(&notes, " down --volumes") < first(&notes, " up --no-start"), "{notes:#?}");
        assert!(output.stderr.contains("if there is anything: .env is missing"), "{output:?}");
        assert_eq!(machine.list("backups"), [""; 0]);
    });
}

#[test]
fn without_a_copy_of_what_is_there_it_says_why() {
    in_each_shell(|machine| {
        let copy = start(&machine);
        machine.well(&["backup", &copy]);
        fs::remove_file(machine.engine("running/grafana")).unwrap();
        let output = machine.well(&["restore", &copy, "--yes"]);
        let said = "no copy can be made of what is there now, if there is anything: grafana \
                    does not run";
        assert!(output.stderr.contains(said), "{output:?}");
        assert_eq!(machine.list("backups"), [""; 0]);
    });
}

#[test]
fn a_secret_that_cannot_be_read_is_noticed_before_anything_stops() {
    in_each_shell(|machine| {
        start(&machine);
        let machine = machine.through(&SOMEBODY);
        for folder in ["home server", "engine"] {
            let mut give = tool("chown");
            give.args(["-R", "1000:1000"]).arg(machine.home().join(folder));
            assert!(give.status().unwrap().success());
        }
        // As it may have been given to a container's user alone.
        let file = "secrets/key";
        let give_to = |user| {
            machine.write(file, "another user's\n");
            std::os::unix::fs::chown(machine.path(file), Some(user), Some(user)).unwrap();
            fs::set_permissions(machine.path(file), PermissionsExt::from_mode(0o600)).unwrap();
        };
        give_to(2000);
        machine.refuses(1, &["backup"], &[file, "cannot be read: run this with sudo"]);
        give_to(0);
        machine.refuses(1, &["backup"], &["secrets belongs to another user: run this with sudo"]);
        let notes = machine.notes();
        let is_change = |note: &String| note.contains(" stop ") || note.contains(" run ");
        assert!(!notes.iter().any(is_change), "{notes:#?}");
    });
}
