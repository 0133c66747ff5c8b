//! What belongs to which version: whose program makes a copy, which rules run, and whether all
//! images are there before data goes.

use std::fs;

use crate::machine::{Machine, in_each_shell};

fn start(machine: &Machine) {
    machine.well(&["--router", "192.168.1.1"]);
    machine.notes();
}

fn value_of(machine: &Machine, name: &str) -> String {
    let settings = machine.read(".env");
    let value = settings.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
    value.unwrap_or_else(|| panic!("{name} is not in {settings}")).to_owned()
}

/// A newer one would bring the database up to date, and the one that runs could not go back.
#[test]
fn the_copy_is_made_by_the_program_that_runs() {
    in_each_shell(|machine| {
        start(&machine);
        machine.well(&["upgrade", "--no-pull"]);
        let notes = machine.notes();
        let makes_copy = |note: &&String| note.contains("backup /backup/netmonitor.db");
        let copies: Vec<_> = notes.iter().filter(makes_copy).collect();
        let [copy] = copies[..] else { panic!("{notes:#?}") };
        assert!(copy.starts_with("docker run "), "{copy}");
        for part in [" --volumes-from id-bridge ", " image-of-id-bridge backup "] {
            assert!(copy.contains(part), "{part}: {copy}");
        }
    });
}

#[test]
fn changed_rules_and_receivers_are_a_new_revision_and_nothing_else_is() {
    in_each_shell(|machine| {
        start(&machine);
        let mut before = value_of(&machine, "CONFIG_REVISION");
        assert_eq!(before.len(), 12, "{before}");
        machine.well(&["start"]);
        machine.write("routers/mine.toml", "");
        machine.well(&["start"]);
        assert_eq!(value_of(&machine, "CONFIG_REVISION"), before);
        let rules = fs::read_dir(machine.path("../prometheus/rules")).unwrap().flatten();
        let rules = rules.map(|entry| entry.file_name().into_string().unwrap()).min().unwrap();
        for file in [
            &format!("../prometheus/rules/{rules}"),
            "../prometheus/alertmanager.yml",
            "../prometheus/configure.sh",
            "receivers/mine.yml",
        ] {
            let text = fs::read_to_string(machine.path(file)).unwrap_or_default();
            machine.write(file, &format!("{text}# changed\n"));
            machine.well(&["start"]);
            let now = value_of(&machine, "CONFIG_REVISION");
            assert_ne!(now, before, "{file}");
            before = now;
        }
    });
}

#[test]
fn an_image_of_others_that_is_missing_is_pulled_before_data_goes() {
    in_each_shell(|machine| {
        start(&machine);
        let copy = machine.home().join("copy").display().to_string();
        machine.well(&["backup", &copy]);
        machine.notes();
        machine.play("fail", "image inspect prom/prometheus");
        machine.well(&["restore", &copy, "--yes"]);
        let notes = machine.notes();
        let first = |part: &str| {
            let found = notes.iter().position(|note| note.contains(part));
            found.unwrap_or_else(|| panic!("{part}: {notes:#?}"))
        };
        assert!(first("docker pull prom/prometheus:") < first(" down --volumes"), "{notes:#?}");

        fs::remove_dir_all(machine.path("backups")).unwrap();
        machine.play("fail", "image inspect prom/prometheus\ndocker pull\n^pull");
        machine.refuses(1, &["restore", &copy, "--yes"], &["cannot be had, see above"]);
        assert!(!machine.notes().iter().any(|note| note.contains(" down")));
    });
}
