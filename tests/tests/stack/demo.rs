//! `make demo`: the same with routers that have a past.

use std::path::Path;

use netmonitor_tests::{built, clock};

use super::refused;
use super::started::{LAST_LINE, Stack};

#[test]
fn a_demo_that_is_stopped_while_it_is_made_leaves_nothing() {
    let fake_router = built::program("fake-router").unwrap();
    let demo = [("FAKE_ROUTERS", fake_router.to_str().unwrap())];
    for signal in ["INT", "TERM", "KILL"] {
        let stack = Stack::start("", &demo);
        let is_played = |(_, name): &(u32, String)| name == "fake-router";
        clock::until("the past is played", || Ok(stack.processes().iter().any(is_played))).unwrap();
        stack.signal(signal);
        let end = stack.end();
        assert_eq!(end.code, (signal != "KILL").then_some(0), "{}", end.stderr);
        assert!(!end.stdout.contains(LAST_LINE));
    }
}

#[test]
fn what_a_demo_needs_is_said_before_it_is_made() {
    let demo = ("FAKE_ROUTERS", "/bin/true");
    refused("", &[demo, ("PROMTOOL", "/nowhere")], &["missing: promtool", "apt-get install"]);
    refused("", &[("FAKE_ROUTERS", "/nowhere")], &["/nowhere is not built: make demo"]);
    refused("", &[demo, ("ROUTER", "192.0.2.1")], &["no room for ROUTER"]);
}

/// What is there, by name.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_demo_that_is_refused_deletes_nothing() {
    let demo = [("FAKE_ROUTERS", "/bin/true")];
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("fleet"), "--names\nhome\n").unwrap();
    std::fs::write(folder.path().join("netmonitor.db"), "kept").unwrap();
    let refused = |before: &str, why: &str| {
        let end = Stack::start_in(folder.path(), before, &demo).end();
        assert_eq!(end.code, Some(1), "{}", end.stderr);
        assert!(end.stderr.contains(why), "{}", end.stderr);
        assert_eq!(files(folder.path()), ["fleet", "netmonitor.db"]);
    };
    refused(
        "env -u START_OF_A_TEST setpriv --pdeathsig KILL busybox nc -l -p 5000 >/dev/null 2>&1 & \
         until grep -qE ':1388 [0-9A-F]+:0000 0A' /proc/net/tcp6 /proc/net/tcp; do :; done;",
        "port 5000 (BRIDGE_PORT)",
    );
    // Another one runs there, with ports of its own.
    refused("exec 7<\"$DATA\"; flock 7;", "is in use");
    std::fs::write(folder.path().join("fleet"), "a list of ships\n").unwrap();
    refused("", "holds something else");
}
