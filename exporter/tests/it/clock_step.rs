//! The router's clock is set while the program runs. libfaketime plays the wall clock of
//! this one process: the clocks that nobody sets stay what they are.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::apart::{Apart, copy_environment};
use crate::program::{Program, command, copy_of, read_answer, tool, until};

const HOUR: f64 = 3600.0;
const SIX_YEARS: f64 = 6.0 * 365.0 * 24.0 * HOUR;

/// A router whose clock a test sets, with a log daemon.
struct Router {
    apart: Apart,
    root: tempfile::TempDir,
    kept: tempfile::TempDir,
}

impl Router {
    fn new() -> Self {
        let (root, kept) = (copy_of("ath79-old"), tempfile::tempdir().unwrap());
        // libfaketime leaves files in shared memory.
        let apart = Apart::new("mount -t tmpfs netmonitor /dev/shm", root.path());
        let router = Self { apart, root, kept };
        let logread = router.root.path().join("sbin/logread");
        std::fs::create_dir(logread.parent().unwrap()).unwrap();
        let script = "#!/bin/sh\nexec tail -n +1 -f \"$(dirname \"$0\")/../ring\"\n";
        std::fs::write(&logread, script).unwrap();
        std::fs::set_permissions(&logread, executable()).unwrap();
        router.set_clock(0.0);
        router.append("");
        router
    }

    fn clock_file(&self) -> PathBuf {
        self.kept.path().join("clock")
    }

    /// Puts the program's clock so many seconds ahead of the true one.
    fn set_clock(&self, ahead: f64) {
        let new = self.kept.path().join("clock.new");
        std::fs::write(&new, format!("{ahead:+.6}\n")).unwrap();
        std::fs::rename(new, self.clock_file()).unwrap();
    }

    fn append(&self, lines: &str) {
        let ring = self.root.path().join("ring");
        let mut ring = OpenOptions::new().create(true).append(true).open(ring).unwrap();
        ring.write_all(lines.as_bytes()).unwrap();
    }

    /// A line of netifd, stamped by a clock that is so many seconds ahead; its stamp.
    fn log(&self, ahead: f64, text: &str) -> f64 {
        let at = now(ahead);
        let (date, millis) = (at.strftime("%a %b %e %H:%M:%S %Y"), at.as_millisecond());
        let (seconds, millis) = (millis / 1000, millis % 1000);
        self.append(&format!("{date} [{seconds}.{millis:03}] daemon.notice netifd: {text}\n"));
        at.as_millisecond() as f64 / 1000.0
    }

    fn queue(&self) -> PathBuf {
        self.kept.path().join("events.json")
    }

    fn start(&self) -> Program {
        let settings = format!(
            "PING_TARGETS=\"\"\nDISABLE=\"ping\"\nWAN_IFACE=\"wan,eth1\"\nLOG_SOURCE=\"logread\"\n\
             QUEUE_FILE=\"{}\"\n",
            self.queue().display()
        );
        let start = command();
        let mut faked = tool("env");
        faked
            .arg(format!("LD_PRELOAD={}", library().display()))
            .arg(format!("FAKETIME_TIMESTAMP_FILE={}", self.clock_file().display()))
            // Looked at whenever somebody asks for the time.
            .args(["FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1"])
            .arg(start.get_program());
        copy_environment(&start, &mut faked);
        Program::start_by(self.apart.enter(&faked), self.root.path(), &settings)
    }
}

fn executable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}

/// Debian keeps it in a folder named after the architecture.
fn library() -> PathBuf {
    std::fs::read_dir("/usr/lib")
        .unwrap()
        .map(|entry| entry.unwrap().path().join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists())
        .expect("make test installs faketime")
}

fn now(ahead: f64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs_f64(ahead)
}

fn page(program: &Program) -> Value {
    program.get("/net/events").json()
}

fn events(page: &Value) -> &Vec<Value> {
    page["events"].as_array().unwrap()
}

fn types(page: &Value) -> Vec<&str> {
    events(page).iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[track_caller]
fn until_types(program: &Program, expected: &[&str]) -> Value {
    let mut found = Value::Null;
    until(&format!("{expected:?}"), || {
        found = page(program);
        types(&found) == expected
    });
    found
}

/// Both clocks are read one after the other, and files keep milliseconds.
#[track_caller]
fn assert_near(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap();
    assert!((value - expected).abs() < 0.5, "{value} instead of {expected}");
}

#[test]
fn events_move_with_the_clock_under_the_same_numbers() {
    let router = Router::new();
    let program = router.start();
    router.log(0.0, "Interface 'wan' is now down");
    let mut known = until_types(&program, &["router_boot", "wan_down"]);
    let true_times: Vec<f64> =
        events(&known).iter().map(|event| event["ts"].as_f64().unwrap()).collect();
    assert!((true_times[1] - now(0.0).as_second() as f64).abs() < 60.0, "{known}");

    let mut before = 0.0;
    // Forward, back by two hours, and to where the router has not been built yet.
    for ahead in [HOUR, -HOUR, SIX_YEARS] {
        let revision = known["revision"].as_u64().unwrap();
        let waiting = format!(
            "/net/events?stream={}&after={}&revision={revision}&wait=60",
            known["stream"].as_str().unwrap(),
            known["next_seq"].as_u64().unwrap() - 1
        );
        let mut poll = program.connect();
        let request = format!("GET {waiting} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        poll.write_all(request.as_bytes()).unwrap();
        let set_at = now(ahead).as_millisecond() as f64 / 1000.0;
        router.set_clock(ahead);
        // Patience ends long before the poll would by itself.
        let told = read_answer(&mut poll).json();
        assert_eq!(told["revision"], revision + 1, "the poll returns for the new times");
        assert_eq!(types(&told), ["time_stepped"]);
        let seconds = events(&told)[0]["detail"]["seconds"].as_str().unwrap();
        assert_near(&seconds.parse::<f64>().unwrap().into(), ahead - before);
        let (ts, told_at) = (events(&told)[0]["ts"].as_f64(), told["time"].as_f64());
        assert!(ts >= Some(set_at - 0.5) && ts <= told_at, "{ts:?} in {set_at}..{told_at:?}");

        let corrected = page(&program);
        assert_eq!(corrected["revision"], revision + 1, "once for a step");
        assert_eq!(corrected["stream"], known["stream"]);
        assert_eq!(events(&corrected).len(), events(&known).len() + 1);
        for (new, old) in events(&corrected).iter().zip(events(&known)) {
            assert_eq!((&new["seq"], &new["type"]), (&old["seq"], &old["type"]));
            assert_near(&new["ts"], old["ts"].as_f64().unwrap() + ahead - before);
        }
        for (event, time) in events(&corrected).iter().zip(&true_times) {
            assert_near(&event["ts"], time + ahead);
        }
        let file: Vec<Value> =
            serde_json::from_str(&std::fs::read_to_string(router.queue()).unwrap()).unwrap();
        for (written, shown) in file.iter().zip(events(&corrected)) {
            assert_eq!((&written["seq"], &written["ts"]), (&shown["seq"], &shown["ts"]));
            assert_eq!(written["time"], shown["time"]);
        }
        let summary = program.get("/net/status").json()["summary"].clone();
        assert_eq!(summary["wan_down_count_24h"], 1, "the drop moves with the clock");
        (known, before) = (corrected, ahead);
    }

    let stamp = router.log(SIX_YEARS, "Interface 'wan' is now up");
    let stepped = ["time_stepped"; 3];
    let all = [&["router_boot", "wan_down"], &stepped[..], &["wan_up"]].concat();
    let last = until_types(&program, &all);
    assert_near(&events(&last)[5]["ts"], stamp);
    program.signal("TERM");
    assert!(program.ended().success());
    let program = router.start();
    let again = page(&program);
    assert_eq!((&again["events"], &again["revision"]), (&last["events"], &last["revision"]));
}

#[test]
fn what_ntp_does_every_day_is_no_step() {
    let router = Router::new();
    let program = router.start();
    router.log(0.0, "Interface 'wan' is now down");
    until_types(&program, &["router_boot", "wan_down"]);
    router.set_clock(1.0);
    // The clock is looked at with every event.
    router.log(1.0, "Interface 'wan' is now up");
    let page = until_types(&program, &["router_boot", "wan_down", "wan_up"]);
    assert_eq!(page["revision"], 0);
}

/// Without a battery and without anything to guess the time from, the kernel's wall clock
/// begins in 1970, with the clock that counts from the start: whoever reads it first finds
/// it a little behind.
#[test]
fn a_router_that_starts_in_1970_gets_the_right_times_later() {
    let router = Router::new();
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    // More than what the file leaves out.
    let ahead = uptime - now(0.0).as_millisecond() as f64 / 1000.0 - 0.02;
    router.set_clock(ahead);
    let program = router.start();
    router.log(ahead, "Interface 'wan' is now down");
    let before = until_types(&program, &["router_boot", "wan_down"]);
    assert!(before["time"].as_f64().unwrap() < 1e9, "{before}");
    router.set_clock(0.0);
    let after = until_types(&program, &["router_boot", "wan_down", "time_stepped"]);
    assert_eq!(after["revision"], 1);
    for (new, old) in events(&after).iter().zip(events(&before)) {
        assert_near(&new["ts"], old["ts"].as_f64().unwrap() - ahead);
    }
}
