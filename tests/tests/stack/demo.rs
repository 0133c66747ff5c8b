//! `make demo`: the same with routers that have a past.

use std::path::Path;

use netmonitor_tests::{built, clock};

use super::refused;
use super::started::{LAST_LINE, Stack};

/// A past that is soon made.
const SHORT: [(&str, &str); 3] = [("SCRAPED_HOURS", "2"), ("POLLED_HOURS", "2"), ("NAMES", "home")];

#[test]
fn a_demo_that_is_stopped_while_it_is_made_leaves_nothing() {
    let fake_router = built::program("fake-router").unwrap();
    let mut demo = vec![("FAKE_ROUTERS", fake_router.to_str().unwrap())];
    // The last one is there for a while, to be asked for what it would have recorded.
    for (program, settings) in
        [("fake-router", [].as_slice()), ("promtool", &SHORT), ("prometheus", &SHORT)]
    {
        demo.extend(settings);
        for signal in ["INT", "TERM", "KILL"] {
            let stack = Stack::start("", &demo);
            let runs = |name: &str| stack.processes().iter().any(|(_, program)| program == name);
            clock::until(&format!("{program} runs"), || Ok(runs(program))).unwrap();
            stack.signal(signal);
            let end = stack.end();
            assert_eq!(end.code, (signal != "KILL").then_some(0), "{program}: {}", end.stderr);
            assert!(!end.stdout.contains(LAST_LINE), "{program}");
            if settings.is_empty() {
                let days = end.stdout.split_whitespace().find_map(|word| word.parse::<u32>().ok());
                // Last month, and what has been of this one.
                assert!((35..=62).contains(&days.unwrap()), "{}", end.stdout);
            }
        }
    }
}

/// Where somebody listens in the network of a process; IPv6 as the kernel writes it.
fn listening(process: u32) -> Vec<String> {
    let table =
        |name: &str| std::fs::read_to_string(format!("/proc/{process}/net/{name}")).unwrap();
    let tables = [table("tcp"), table("tcp6")].concat();
    let rows = tables.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    let rows = rows.filter(|row| row.get(3) == Some(&"0A"));
    rows.map(|row| row[1].to_owned()).collect()
}

#[test]
fn a_demo_keeps_to_itself_and_makes_room_for_the_next() {
    let fake_router = built::program("fake-router").unwrap();
    let mut demo = vec![("FAKE_ROUTERS", fake_router.to_str().unwrap())];
    demo.extend(SHORT);
    let data = tempfile::tempdir().unwrap();
    let mut first = Stack::start_in(data.path(), "", &demo);
    let said = first.table();
    assert!(said.contains("playing 0 days") && said.contains("\nrouters  "), "{said}");
    let places = listening(first.process("netmonitor-bridge"));
    assert_eq!(places.len(), 4, "{places:?}");
    // 127.0.0.1, and no IPv6.
    assert!(places.iter().all(|place| place.starts_with("0100007F:")), "{places:?}");

    let second = Stack::start_in(data.path(), "", &demo).end();
    assert!(second.stderr.contains("is in use"), "{}", second.stderr);
    assert!(data.path().join("netmonitor.db").exists());
    first.signal("INT");
    assert_eq!(first.end().code, Some(0));

    let third = Stack::start_in(data.path(), "", &demo);
    clock::until("the old one is deleted", || Ok(!data.path().join("config").exists())).unwrap();
    third.signal("INT");
    assert_eq!(third.end().code, Some(0));
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
