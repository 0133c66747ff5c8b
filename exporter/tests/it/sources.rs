//! Logs and programs that are followed, with all that befalls them, by the started program.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::program::{Program, tool, until};
use crate::router::{Router, netifd, types, until_types, write_program};

#[test]
fn a_file_is_followed_through_renaming_and_emptying() {
    let router = Router::with_log_file();
    let program = router.start();
    router.append(&netifd(1, "Interface 'wan' is now up"));
    until_types(&program, &["wan_up"]);
    let lines = |count: f64| {
        let read = || program.metrics().sample("netmonitor_log_lines_total{source=\"file\"}");
        until("the lines are read", || read() == Some(count));
    };

    std::fs::rename(router.log(), router.log().with_extension("0")).unwrap();
    router.append(&netifd(2, "Interface 'wan' is now down"));
    until_types(&program, &["wan_up", "wan_down"]);

    std::fs::write(router.log(), "").unwrap();
    until("the file is seen empty", || {
        router.append("x\n");
        let total = program.metrics().sample("netmonitor_log_lines_total{source=\"file\"}");
        total > Some(2.0)
    });
    router.append(&netifd(3, "Interface 'wan' is now up"));
    until_types(&program, &["wan_up", "wan_down", "wan_up"]);

    std::fs::remove_file(router.log()).unwrap();
    let before = program.metrics().sample("netmonitor_log_lines_total{source=\"file\"}").unwrap();
    router.append(&netifd(4, "Interface 'wan' is now down"));
    lines(before + 1.0);
    until_types(&program, &["wan_up", "wan_down", "wan_up", "wan_down"]);
}

#[test]
fn a_restart_reads_on_where_it_stopped() {
    let router = Router::with_log_file();
    router.append(&netifd(1, "Interface 'wan' is now up"));
    let program = router.start();
    until_types(&program, &["wan_up"]);
    let before = program.get("/net/events").json();
    program.signal("KILL");
    program.ended();

    // Rotated and written to while nobody was there.
    router.append(&netifd(2, "Interface 'wan' is now down"));
    std::fs::rename(router.log(), router.log().with_extension("0")).unwrap();
    router.append(&netifd(3, "Interface 'wan' is now up"));
    let program = router.start();
    until_types(&program, &["wan_up", "wan_down", "wan_up"]);
    let after = program.get("/net/events").json();
    assert_eq!(after["stream"], before["stream"]);
    assert_eq!(after["events"][0], before["events"][0]);
    assert_eq!(after["events"][1], before["events"][1]);
    program.signal("TERM");
    assert!(program.ended().success());
    let program = router.start();
    assert_eq!(types(&program), ["wan_up", "wan_down", "wan_up"], "at once, from the file");
}

/// A log daemon: prints its ring, then what is added to it, and ends when told to.
const RING: &str = "exec tail -n +1 -f \"$(dirname \"$0\")/../ring\"";

fn logd(second: u32, text: &str) -> String {
    let millis = 1_740_996_000_123_u64 + u64::from(second) * 1000;
    format!(
        "Mon Mar  3 10:00:{second:02} 2025 [{}.{:03}] daemon.notice netifd: {text}\n",
        millis / 1000,
        millis % 1000
    )
}

#[test]
fn the_ring_of_the_log_daemon_is_read_once_however_often_it_is_printed() {
    let router = Router::with_logread(RING);
    let ring = router.root.path().join("ring");
    let add = |lines: &str| {
        let mut ring = OpenOptions::new().create(true).append(true).open(&ring).unwrap();
        ring.write_all(lines.as_bytes()).unwrap();
    };
    add(&logd(1, "Interface 'wan' is now up"));
    add(&logd(2, "Interface 'lan' is now up"));
    let program = router.start();
    until_types(&program, &["wan_up"]);
    add(&logd(3, "Interface 'wan' is now down"));
    until_types(&program, &["wan_up", "wan_down"]);
    program.signal("TERM");
    assert!(program.ended().success());

    add(&logd(4, "Interface 'wan' is now up"));
    let program = router.start();
    until_types(&program, &["wan_up", "wan_down", "wan_up"]);

    // The daemon is restarted with an empty ring: all of it is new.
    std::fs::remove_file(&ring).unwrap();
    add(&logd(9, "Interface 'wan' is now down"));
    let old = followers(&program);
    for pid in &old {
        tool("kill").arg(pid.to_string()).status().unwrap();
    }
    until_types(&program, &["wan_up", "wan_down", "wan_up", "wan_down"]);
    assert!(
        program.metrics().sample("netmonitor_log_source_restarts_total{source=\"logread\"}")
            >= Some(1.0)
    );
}

/// The children of the program.
fn followers(program: &Program) -> Vec<u32> {
    let path = format!("/proc/{0}/task/{0}/children", program.pid());
    let text = std::fs::read_to_string(path).unwrap();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

#[test]
fn a_child_never_outlives_the_program() {
    let router = Router::with_logread("echo started; exec sleep 1000");
    for signal in ["KILL", "TERM"] {
        let program = router.start();
        let mut child = None;
        until("logread runs", || {
            child = followers(&program).first().copied();
            let name = child.map(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")));
            name.is_some_and(|name| name.is_ok_and(|name| name == "sleep\n"))
        });
        program.signal(signal);
        program.ended();
        let stat = format!("/proc/{}/stat", child.unwrap());
        until("the child is gone", || {
            std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "))
        });
    }
}

#[test]
fn bad_logreads_are_tried_again_and_cost_nothing() {
    let cases = [
        ("exit 3", 0.0),
        ("head -c 300000 /dev/urandom", 0.0),
        // A program that says nothing is not believed at once.
        ("exec sleep 1000", 0.0),
        (
            "while :; do echo \"Interface 'wan' is now down\"; done | head -n 5000; exec sleep 1000",
            1.0,
        ),
        ("head -c 1000000 /dev/zero | tr '\\0' x; exec sleep 1000", 1.0),
    ];
    for (script, up) in cases {
        let router = Router::with_logread(script);
        let program = router.start();
        until(script, || {
            let metrics = program.metrics();
            let sample = |name: &str| {
                metrics.sample(&format!("netmonitor_log_{name}{{source=\"logread\"}}"))
            };
            let is_settled = up > 0.0
                || script.contains("sleep")
                || sample("source_restarts_total") >= Some(2.0);
            is_settled && sample("source_up") == Some(up)
        });
        assert_eq!(types(&program), [""; 0], "{script}");
        assert_eq!(program.get("/healthz").status, 200);
    }
}

#[test]
fn a_logread_that_is_missing_is_said_once() {
    let router = Router::with("logread");
    let program = router.start();
    until("it is said", || program.log().contains("logread"));
    assert_eq!(program.metrics().sample("netmonitor_log_source_up{source=\"logread\"}"), Some(0.0));
    let log = program.log();
    assert_eq!(log.matches("logread").count(), 1, "{log}");
}

#[test]
fn what_is_no_log_file_is_refused_and_waited_for() {
    for make in ["mkfifo \"$0\"", "mkdir \"$0\"", "ln -s \"$0\" \"$0\""] {
        let router = Router::with_log_file();
        let made = tool("sh").args(["-c", make]).arg(router.log()).status();
        assert!(made.unwrap().success());
        let program = router.start();
        until("it is said", || program.log().contains("messages:"));
        let up = || program.metrics().sample("netmonitor_log_source_up{source=\"file\"}");
        assert_eq!(up(), Some(0.0), "{make}");
        tool("rm").arg("-rf").arg(router.log()).status().unwrap();
        router.append(&netifd(1, "Interface 'wan' is now up"));
        until_types(&program, &["wan_up"]);
        assert_eq!(up(), Some(1.0));
    }
}

/// netifd's announcements as a program that prints what is added to a file.
fn with_ubus(router: &Router) -> PathBuf {
    let announcements = router.root.path().join("announcements");
    std::fs::write(&announcements, "").unwrap();
    let program = router.root.path().join("bin/ubus");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    let script = format!(
        "[ \"$*\" = \"listen network.interface\" ] || exit 4\nexec tail -n +1 -f {}",
        announcements.display()
    );
    write_program(&program, &script);
    announcements
}

fn announce(file: &Path, action: &str) {
    let line =
        format!("{{ \"network.interface\": {{\"action\":\"{action}\",\"interface\":\"wan\"}} }}\n");
    OpenOptions::new().append(true).open(file).unwrap().write_all(line.as_bytes()).unwrap();
}

#[test]
fn netifds_announcements_count_where_no_log_tells_the_same() {
    let router = Router::with_log_file();
    router.append("");
    let announcements = with_ubus(&router);
    let program = router.start();
    router.append(&netifd(1, "Interface 'wan' is now up"));
    until_types(&program, &["wan_up"]);
    // Both tell of the same fall, the announcement twice, as netifd does.
    announce(&announcements, "ifdown");
    announce(&announcements, "ifdown");
    router.append(&netifd(2, "Interface 'wan' is now down"));
    until_types(&program, &["wan_up", "wan_down"]);
    router.append(&netifd(3, "Interface 'wan' is now up"));
    until_types(&program, &["wan_up", "wan_down", "wan_up"]);
    // The log stays silent about this one.
    announce(&announcements, "ifdown");
    until_types(&program, &["wan_up", "wan_down", "wan_up", "wan_down"]);
    assert_eq!(program.metrics().sample("netmonitor_log_source_up{source=\"ubus\"}"), Some(1.0));
}

#[test]
fn a_reload_follows_other_logs() {
    let router = Router::with_log_file();
    router.append("");
    let program = router.start();
    let up = |source: &str| {
        let series = format!("netmonitor_log_source_up{{source=\"{source}\"}}");
        program.metrics().sample(&series)
    };
    until("the file is followed", || up("file") == Some(1.0));
    program.change_settings("PING_TARGETS=\"\"\nLOG_SOURCE=\"kmsg\"\n");
    until("the file is left alone", || up("file").is_none() && up("kmsg") == Some(0.0));
    program.change_settings("PING_TARGETS=\"\"\nLOG_SOURCE=\"file:/var/log/messages\"\n");
    until("it is followed again", || up("file") == Some(1.0) && up("kmsg").is_none());
    router.append(&netifd(1, "Interface 'wan' is now up"));
    until_types(&program, &["wan_up"]);
}

#[test]
fn a_ring_that_stalls_half_way_is_still_read_once() {
    let router = Router::with_logread(RING);
    let ring = router.root.path().join("ring");
    let states = ["up", "down"].into_iter().cycle().zip(1..=6);
    let line = |state, second| logd(second, &format!("Interface 'wan' is now {state}"));
    let lines: Vec<String> = states.map(|(state, second)| line(state, second)).collect();
    std::fs::write(&ring, lines.concat()).unwrap();
    let program = router.start();
    until("all are told", || types(&program).len() == 6);
    program.signal("TERM");
    assert!(program.ended().success());
    let stalling =
        "ring=\"$(dirname \"$0\")/../ring\"; head -n 2 $ring; sleep 1; exec tail -n +3 -f $ring";
    write_program(&router.root.path().join("sbin/logread"), stalling);
    let program = router.start();
    let mut log = OpenOptions::new().append(true).open(&ring).unwrap();
    log.write_all(line("up", 7).as_bytes()).unwrap();
    until("the new line is told", || types(&program).len() == 7);
    assert_eq!(types(&program)[5..], ["wan_down", "wan_up"]);
}

#[test]
fn a_busy_log_that_has_forgotten_the_place_is_not_waited_for_for_ever() {
    let router = Router::with_logread(RING);
    let ring = router.root.path().join("ring");
    std::fs::write(&ring, [logd(1, "Interface 'wan' is now up"), logd(2, "x")].concat()).unwrap();
    let program = router.start();
    until_types(&program, &["wan_up"]);
    program.signal("TERM");
    assert!(program.ended().success());
    let busy = format!(
        "printf '%s\\n' \"{}\"; while :; do echo 'Mon Mar  3 10:00:09 2025 daemon.info x: y'; \
         sleep 0.05; done",
        logd(5, "Interface 'wan' is now down").trim_end()
    );
    write_program(&router.root.path().join("sbin/logread"), &busy);
    let program = router.start();
    until_types(&program, &["wan_up", "wan_down"]);
}

#[test]
fn files_rotated_twice_or_emptied_while_nobody_read_lose_nothing() {
    let router = Router::with_log_file();
    router.append(&netifd(1, "Interface 'wan' is now up"));
    let program = router.start();
    until_types(&program, &["wan_up"]);
    program.signal("TERM");
    assert!(program.ended().success());
    let old = |suffix: &str| router.log().with_extension(suffix);
    router.append(&netifd(2, "Interface 'wan' is now down"));
    std::fs::rename(router.log(), old("1")).unwrap();
    router.append(&netifd(3, "Interface 'wan' is now up"));
    std::fs::rename(router.log(), old("0")).unwrap();
    router.append(&netifd(4, "Interface 'wan' is now down"));
    let program = router.start();
    until_types(&program, &["wan_up", "wan_down", "wan_up", "wan_down"]);
    program.signal("TERM");
    assert!(program.ended().success());

    // The same file, emptied and longer than before.
    let lines = [netifd(5, "Interface 'wan' is now up"), netifd(6, "x").repeat(10)];
    std::fs::write(router.log(), lines.concat()).unwrap();
    let program = router.start();
    until_types(&program, &["wan_up", "wan_down", "wan_up", "wan_down", "wan_up"]);
}

#[test]
fn a_log_that_is_gone_is_told() {
    let router = Router::with_log_file();
    router.append("");
    let program = router.start();
    let up = || program.metrics().sample("netmonitor_log_source_up{source=\"file\"}");
    until("it is followed", || up() == Some(1.0));
    std::fs::remove_file(router.log()).unwrap();
    until("it is down", || up() == Some(0.0));
    until_types(&program, &["log_source_lost"]);
    router.append(&netifd(1, "Interface 'wan' is now up"));
    until_types(&program, &["log_source_lost", "wan_up"]);
    until("that is said", || program.log().contains("is read again"));
}

#[test]
fn a_log_named_twice_is_read_once() {
    let mut router = Router::with_log_file();
    router.source = "file:/var/log/messages,kmsg,file:/var/log/messages";
    let program = router.start();
    router.append(&netifd(1, "Interface 'wan' is now up"));
    until_types(&program, &["wan_up"]);
    router.append(&netifd(2, "Interface 'wan' is now down"));
    until_types(&program, &["wan_up", "wan_down"]);
    assert_eq!(program.metrics().sample("netmonitor_log_lines_total{source=\"file\"}"), Some(2.0));
}
