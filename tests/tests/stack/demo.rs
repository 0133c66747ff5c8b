//! `make demo`: the same with routers that have a past.

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
