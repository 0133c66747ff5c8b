//! What is typed, and what comes of it when it makes no sense.

use std::process::Output;

use crate::program::{Bridge, NOBODY, command};

fn run(arguments: &[&str]) -> Output {
    command().args(arguments).output().unwrap()
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

/// Wherever a list is read at a start.
#[test]
fn a_list_that_names_a_router_twice_is_refused_with_both_lines() {
    let folder = tempfile::tempdir().unwrap();
    let (list, database) =
        (folder.path().join("routers.toml"), folder.path().join("netmonitor.db"));
    let entry = |name: &str, at: &str| format!("[[router]]\nname = \"{name}\"\nurl = \"{at}\"\n");
    let entries = [
        entry("home", "http://192.0.2.1"),
        entry("home", "http://192.0.2.2"),
        entry("Home", "http://192.0.2.3"),
        entry("cabin", "http://192.0.2.1:80/"),
    ];
    std::fs::write(&list, entries.concat()).unwrap();
    for subcommand in ["run", "check-routers"] {
        let mut command = command();
        command.arg(subcommand).env("ROUTERS_FILE", &list).env("SQLITE_DB", &database);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{subcommand}: {said}");
        for part in [
            "routers.toml: line 4, router \"home\": the router of line 1 has this name too",
            "routers.toml: line 7, router \"Home\": this name differs from \"home\" of line 4 in",
            "routers.toml: line 10, router \"cabin\": url: that of router \"home\" of line 1,",
        ] {
            assert!(said.contains(part), "{subcommand}: {part}: {said}");
        }
        assert!(!database.exists(), "{subcommand}");
    }
}

#[test]
fn the_help_names_every_setting_and_subcommand() {
    let output = run(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    for part in [
        "--router-ip",
        "SQLITE_DB",
        "backup",
        "restore",
        "import-legacy",
        "check ",
        "check-routers",
    ] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn a_backup_of_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let output = run(&["backup", &file("copy.db"), "--sqlite-db", &file("missing.db")]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("there is no database") && said.contains("set SQLITE_DB"), "{said}");
    assert!(!folder.path().join("copy.db").exists() && !folder.path().join("missing.db").exists());
}

#[test]
fn a_copy_and_its_return_are_said() {
    let bridge = Bridge::start(NOBODY, &[]);
    let folder = bridge.folder();
    let file = |name: &str| folder.join(name).display().to_string();
    let said = |arguments: &[&str]| {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let (own, copy, other) = (file("netmonitor.db"), file("copy.db"), file("other.db"));
    assert_eq!(
        said(&["backup", &copy, "--sqlite-db", &own]),
        format!("{copy} is a copy of {own}\n")
    );
    assert!(said(&["check", "--sqlite-db", &copy]).contains(": whole, schema"));
    let restore = ["restore", &copy, "--sqlite-db", &other];
    assert_eq!(said(&restore), format!("{other} is what {copy} was\n"));
    assert!(said(&restore).contains("what was there is beside it"));
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().any(|name| name.to_string_lossy().starts_with("other.db.replaced-")));
}

#[test]
fn nobody_has_to_read_to_the_end() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command().arg("openapi").stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command().arg("openapi").stdout(full).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("cannot write to stdout"), "{said}");
}
