//! The log programs of small routers themselves: BusyBox's syslogd, klogd, logger and
//! logread, from Debian's package.
//!
//! Each test has mounts and shared memory of its own: its `/dev/log`, `/var/log` and ring
//! meet neither those of this machine nor those of another test.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::apart::{Apart, end};
use crate::program::{Program, command, copy_of, tool, until};

/// The folders of the router that its programs find in their usual places.
const SET_UP: &str = r#"
mkdir -p "$0/dev" "$0/run" "$0/sbin" "$0/var/log"
ln -s "$(command -v busybox)" "$0/sbin/logread"
for node in null zero urandom kmsg; do
  [ -e "/dev/$node" ] || continue
  : >"$0/dev/$node"
  mount --bind "/dev/$node" "$0/dev/$node"
done
for folder in dev run var/log; do
  mount --rbind "$0/$folder" "/$folder"
done
"#;

/// A router whose log is BusyBox's.
struct Router {
    apart: Apart,
    root: tempfile::TempDir,
    /// Beside the programs: it outlives them.
    kept: tempfile::TempDir,
}

impl Router {
    fn new() -> Self {
        let root = copy_of("ath79-old");
        let apart = Apart::new(SET_UP, root.path());
        Self { apart, root, kept: tempfile::tempdir().unwrap() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// One of BusyBox's programs, which keep the router's time.
    fn busybox(&self, applet: &str) -> Command {
        let mut busybox = tool("busybox");
        busybox.arg(applet);
        busybox.env("TZ", std::fs::read_to_string(self.path("etc/TZ")).unwrap().trim());
        self.apart.enter(&busybox)
    }

    /// Starts syslogd and waits until it can be written to.
    fn syslogd(&self, arguments: &[&str]) -> Daemon {
        std::fs::remove_file(self.path("dev/log")).ok();
        let daemon = Daemon(self.busybox("syslogd").arg("-n").args(arguments).spawn().unwrap());
        until("syslogd listens", || self.path("dev/log").exists());
        daemon
    }

    /// Starts klogd, when no other test's takes lines away from it.
    fn klogd(&self) -> (Daemon, MutexGuard<'static, ()>) {
        // The kernel gives each line to one reader.
        static ONLY_ONE: Mutex<()> = Mutex::new(());
        let only_one = ONLY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
        (Daemon(self.busybox("klogd").arg("-n").spawn().unwrap()), only_one)
    }

    fn log(&self, tag: &str, priority: &str, text: &str) {
        let mut logger = self.busybox("logger");
        assert!(logger.args(["-t", tag, "-p", priority, text]).status().unwrap().success());
    }

    /// Writes numbered test lines as fast as logger can; they are events, each for itself.
    fn start_burst(&self, numbers: std::ops::Range<usize>) -> Child {
        const SCRIPT: &str = "i=$0; while [ $i -lt $1 ]; do \
            logger -t netmonitor-test \"test event $i\" || exit 1; i=$((i + 1)); done";
        let (from, to) = (numbers.start.to_string(), numbers.end.to_string());
        self.busybox("sh").args(["-c", SCRIPT, &from, &to]).spawn().unwrap()
    }

    fn burst(&self, numbers: std::ops::Range<usize>) {
        assert!(self.start_burst(numbers).wait().unwrap().success());
    }

    /// As BusyBox names them where it is built to rotate: `.0` is the last one.
    fn rotate(&self) {
        let log = self.path("var/log/messages");
        std::fs::rename(log.with_extension("0"), log.with_extension("1")).ok();
        std::fs::rename(&log, log.with_extension("0")).unwrap();
    }

    fn until_new_file(&self) {
        until("syslogd has begun a new file", || {
            // A line that tells nothing.
            self.log("cron", "cron.info", "nothing");
            self.path("var/log/messages").exists()
        });
    }

    fn settings(&self, source: &str) -> String {
        format!(
            "PING_TARGETS=\"\"\nDISABLE=\"ping\"\nWAN_IFACE=\"wan,{WAN_DEVICE}\"\n\
             LOG_SOURCE=\"{source}\"\nMAX_EVENTS=\"1000\"\nQUEUE_FILE=\"{}\"\n",
            self.kept.path().join("events.json").display()
        )
    }

    fn start(&self, source: &str) -> Program {
        Program::start_by(self.apart.enter(&command()), self.root.path(), &self.settings(source))
    }

    fn test_event(&self, port: u16) -> Output {
        test_event(self.apart.enter(&command()), self.root.path(), port)
    }
}

/// Runs `test-event` for a program that answers on `port`.
fn test_event(mut command: Command, root: &Path, port: u16) -> Output {
    command.args(["test-event", "--listen", "127.0.0.1", "--api-port", &port.to_string()]);
    command.arg("--root").arg(root).output().unwrap()
}

/// No device of a machine that runs tests is called so: its kernel's log is read, too.
const WAN_DEVICE: &str = "nmwan0";

struct Daemon(Child);

impl Daemon {
    /// As its init script does; it clears up behind itself.
    fn stop(mut self) {
        assert!(tool("kill").arg(self.0.id().to_string()).status().unwrap().success());
        self.0.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

fn events(program: &Program) -> Vec<Value> {
    program.get("/net/events").json()["events"].as_array().unwrap().clone()
}

/// The identifiers of the test lines that became events, oldest first.
fn ids(program: &Program) -> Vec<String> {
    let of_test = |event: &Value| Some(event["detail"]["id"].as_str()?.to_owned());
    events(program).iter().filter_map(of_test).collect()
}

/// Every line once and in order: a repeated one would stand before the last one.
#[track_caller]
fn until_all(program: &Program, lines: usize) {
    let expected: Vec<String> = (0..lines).map(|number| number.to_string()).collect();
    let mut found = Vec::new();
    until(&format!("{lines} lines are events, each once; log: {}", program.log()), || {
        found = ids(program);
        found.len() >= lines
    });
    assert_eq!(found, expected);
}

#[track_caller]
fn until_type(program: &Program, kind: &str) -> Value {
    let mut found = None;
    until(kind, || {
        found = events(program).into_iter().find(|event| event["type"] == kind);
        found.is_some()
    });
    found.unwrap()
}

fn sample(program: &Program, series: &str) -> Option<f64> {
    program.metrics().sample(&format!("netmonitor_{series}"))
}

const INTO_FILE: [&str; 2] = ["-O", "/var/log/messages"];
const FILE: &str = "file:/var/log/messages";

#[test]
fn a_line_of_logger_goes_through_syslogds_file() {
    let router = Router::new();
    let _syslogd = router.syslogd(&INTO_FILE);
    let program = router.start(FILE);
    router.log("netifd", "daemon.notice", "Interface 'wan' is now down");
    let event = until_type(&program, "wan_down");
    // Its time is written without year and zone.
    let now = jiff::Timestamp::now().as_second() as f64;
    let ts = event["ts"].as_f64().unwrap();
    assert!((now - ts).abs() < 900.0, "{ts} is not now, {now}");
}

/// Debian's syslogd has no rotation of its own: it opens the file anew at the first line of
/// another second, and until then writes on into the renamed one.
#[test]
fn no_line_is_lost_or_told_twice_while_the_file_is_rotated() {
    let router = Router::new();
    let _syslogd = router.syslogd(&INTO_FILE);
    let program = router.start(FILE);
    for round in 0..4 {
        let (from, to) = (round * 60, (round + 1) * 60);
        let mut burst = router.start_burst(from..to);
        until("a part of it is read", || ids(&program).len() > from + 10);
        router.rotate();
        assert!(burst.wait().unwrap().success());
        until_all(&program, to);
        router.until_new_file();
    }
}

/// Writes lines from number `first` on, with rotations between them; returns the number of
/// the next one.
fn write_over_rotations(router: &Router, rotations: usize, first: usize) -> usize {
    let mut next = first;
    let mut burst = || {
        router.burst(next..next + 5);
        next += 5;
    };
    for _ in 0..rotations {
        burst();
        router.rotate();
        router.until_new_file();
    }
    burst();
    next
}

#[test]
fn a_file_that_is_rotated_while_the_program_is_held_up_is_read_to_its_end() {
    let router = Router::new();
    let _syslogd = router.syslogd(&INTO_FILE);
    let program = router.start(FILE);
    router.burst(0..5);
    until_all(&program, 5);
    program.signal("STOP");
    let lines = write_over_rotations(&router, 1, 5);
    program.signal("CONT");
    until_all(&program, lines);
}

/// The program is killed, the file rotated and written to, the program started.
#[track_caller]
fn check_rotations_meanwhile(rotations: usize) {
    let router = Router::new();
    let _syslogd = router.syslogd(&INTO_FILE);
    let program = router.start(FILE);
    router.burst(0..5);
    until_all(&program, 5);
    program.signal("KILL");
    program.ended();
    let lines = write_over_rotations(&router, rotations, 5);
    let program = router.start(FILE);
    until_all(&program, lines);
}

#[test]
fn a_file_that_is_rotated_while_nobody_reads_is_read_on_from_the_old_one() {
    check_rotations_meanwhile(1);
}

#[test]
fn a_file_that_is_rotated_twice_while_nobody_reads_is_read_on_from_the_old_ones() {
    check_rotations_meanwhile(2);
}

#[test]
fn the_ring_is_read_from_its_beginning_and_then_live() {
    let router = Router::new();
    let _syslogd = router.syslogd(&["-C64"]);
    router.log("netifd", "daemon.notice", "Interface 'wan' is now down");
    router.burst(0..10);
    let program = router.start("auto");
    until_all(&program, 10);
    until_type(&program, "wan_down");
    router.burst(10..20);
    until_all(&program, 20);
    assert_eq!(sample(&program, "log_source_up{source=\"logread\"}"), Some(1.0));
    let metrics = program.metrics().body;
    for other in ["file", "kmsg"] {
        assert!(!metrics.contains(&format!("log_source_up{{source=\"{other}\"}}")), "{metrics}");
    }
}

#[test]
fn a_restart_reads_the_ring_on_where_it_stopped() {
    let router = Router::new();
    let _syslogd = router.syslogd(&["-C64"]);
    router.burst(0..10);
    let mut lines = 10;
    for signal in ["TERM", "KILL", "TERM"] {
        let program = router.start("auto");
        until_all(&program, lines);
        router.burst(lines..lines + 3);
        until_all(&program, lines + 3);
        program.signal(signal);
        program.ended();
        router.burst(lines + 3..lines + 6);
        lines += 6;
    }
    let program = router.start("auto");
    until_all(&program, lines);
}

#[test]
fn a_log_daemon_that_is_started_anew_is_followed_again() {
    let router = Router::new();
    let mut syslogd = router.syslogd(&["-C64"]);
    let program = router.start("auto");
    for round in 0..3 {
        router.burst(round * 5..(round + 1) * 5);
        until_all(&program, (round + 1) * 5);
        syslogd.stop();
        until("its end is noticed", || {
            sample(&program, "log_source_restarts_total{source=\"logread\"}") > Some(round as f64)
        });
        syslogd = router.syslogd(&["-C64"]);
    }
    router.burst(15..20);
    until_all(&program, 20);
    assert_eq!(sample(&program, "log_source_up{source=\"logread\"}"), Some(1.0));
}

/// The ring stays in shared memory, and the next syslogd empties it under the eyes of who
/// reads it: BusyBox's logread passes over what the next one writes up to its own place.
#[test]
fn after_a_log_daemon_was_killed_the_lines_of_the_next_one_are_seen() {
    let router = Router::new();
    let syslogd = router.syslogd(&["-C64"]);
    let program = router.start("auto");
    router.burst(0..5);
    until_all(&program, 5);
    drop(syslogd);
    let _next = router.syslogd(&["-C64"]);
    let mut next = 5;
    until("a line of the next one is an event", || {
        router.burst(next..next + 1);
        next += 1;
        ids(&program).len() > 5
    });
    check_order(&program);
}

/// Each once at most, and in order.
#[track_caller]
fn check_order(program: &Program) {
    let numbers: Vec<usize> = ids(program).iter().map(|id| id.parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

#[test]
fn a_ring_that_has_overtaken_the_reader_costs_only_what_it_has_lost() {
    let router = Router::new();
    let _syslogd = router.syslogd(&["-C4"]);
    let program = router.start("auto");
    router.burst(0..5);
    until_all(&program, 5);
    program.signal("KILL");
    program.ended();
    router.burst(5..305);
    let program = router.start("auto");
    until("the last line is an event", || ids(&program).last().is_some_and(|id| id == "304"));
    check_order(&program);
    assert_eq!(ids(&program)[..5], ["0", "1", "2", "3", "4"]);
}

/// Words of users, as the kernel keeps them: they claim what only others can know.
const CLAIMS: [&str; 4] = [
    "netifd: Interface 'wan' is now down",
    "pppd[77]: Modem hangup",
    "nmwan0: Link is Down",
    "kernel: nmwan0: Link is Down",
];

/// Writes the claims to the kernel's log, and behind them a test line.
fn write_to_kernel(id: &str) -> std::io::Result<()> {
    let test = format!("netmonitor-test: test event {id}");
    for line in CLAIMS.into_iter().chain([test.as_str()]) {
        // One line a write, and only some from one who has opened it: the kernel's limit.
        // Without its end a line could go on, and nobody would see it yet.
        let line = format!("{line}\n");
        std::fs::OpenOptions::new().write(true).open("/dev/kmsg")?.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// The claims have given no event, the test line one.
#[track_caller]
fn check_claims(program: &Program, id: &str) {
    until("the test line is an event", || ids(program).iter().any(|found| found == id));
    let found = events(program);
    // This machine's log may hold the lines of earlier tests.
    let others: Vec<&Value> = found
        .iter()
        .filter(|event| event["type"] != "test" && event["type"] != "router_boot")
        .collect();
    assert_eq!(others, [&Value::Null; 0]);
    assert_eq!(ids(program).iter().filter(|found| *found == id).count(), 1);
}

/// Not every machine lets its kernel's log be written and read: a container's does not.
fn kernel_takes_lines(id: &str) -> bool {
    let readable = std::fs::File::open("/dev/kmsg").is_ok();
    match write_to_kernel(id) {
        Ok(()) if readable => true,
        outcome => {
            eprintln!(
                "NOT TESTED: this machine's /dev/kmsg cannot be used (write: {outcome:?}, \
                 readable: {readable})"
            );
            false
        }
    }
}

/// Of this run: the kernel keeps lines of earlier ones.
fn unique(name: &str) -> String {
    format!("{name}-{}", jiff::Timestamp::now().as_millisecond())
}

#[test]
fn what_users_write_to_the_kernels_log_is_not_believed() {
    let id = unique("direct");
    if !kernel_takes_lines(&id) {
        return;
    }
    let router = Router::new();
    let program = router.start("kmsg");
    check_claims(&program, &id);
    let live = unique("live");
    write_to_kernel(&live).unwrap();
    check_claims(&program, &live);
    program.signal("KILL");
    program.ended();
    let program = router.start("kmsg");
    let last = unique("last");
    write_to_kernel(&last).unwrap();
    check_claims(&program, &last);
    for id in [id, live] {
        assert_eq!(ids(&program).iter().filter(|found| **found == id).count(), 1, "{id}");
    }
}

#[test]
fn what_users_write_to_the_kernels_log_is_not_believed_from_klogd_either() {
    let id = unique("klogd");
    let router = Router::new();
    let _syslogd = router.syslogd(&INTO_FILE);
    let _klogd = router.klogd();
    if !kernel_takes_lines(&id) {
        return;
    }
    let program = router.start(FILE);
    check_claims(&program, &id);
    // The kernel's own word would have been believed.
    let log = std::fs::read_to_string(router.path("var/log/messages")).unwrap();
    let claim = log.lines().find(|line| line.ends_with("] nmwan0: Link is Down")).unwrap();
    assert!(claim.contains(" user."), "{claim}");
    let own = claim.replace(" user.", " kern.");
    let mut file =
        std::fs::OpenOptions::new().append(true).open(router.path("var/log/messages")).unwrap();
    writeln!(file, "{own}").unwrap();
    until_type(&program, "kernel_link_down");
}

/// Without logread `auto` reads the file and the kernel's log, and klogd brings each line
/// of the kernel into the file as well.
#[test]
fn a_line_that_klogd_brings_a_second_time_counts_once() {
    if !kernel_takes_lines(&unique("first")) {
        return;
    }
    let router = Router::new();
    std::fs::remove_file(router.path("sbin/logread")).unwrap();
    let _syslogd = router.syslogd(&INTO_FILE);
    let _klogd = router.klogd();
    until("syslogd has begun its file", || router.path("var/log/messages").exists());
    let program = router.start("auto");
    let lines_read = || sample(&program, "log_lines_total{source=\"kmsg\"}").unwrap_or_default();
    let mut before = 0.0;
    until("the kernel's log is read to its end", || {
        let last = std::mem::replace(&mut before, lines_read());
        last > 0.0 && last == before
    });
    let id = unique("twice");
    write_to_kernel(&id).unwrap();
    let written = (CLAIMS.len() + 1) as f64;
    until("the kernel has told it", || lines_read() >= before + written);
    until("klogd has passed it on", || {
        let log = std::fs::read(router.path("var/log/messages")).unwrap();
        String::from_utf8_lossy(&log).contains(&format!("test event {id}"))
    });
    router.burst(0..1);
    until("what was written behind it is an event", || ids(&program).iter().any(|id| id == "0"));
    check_claims(&program, &id);
}

#[test]
fn a_kernel_log_that_may_not_be_read_costs_nothing_else() {
    let device = copy_of("ath79-old");
    let node = device.path().join("dev/kmsg");
    std::fs::create_dir(node.parent().unwrap()).unwrap();
    let made = tool("mknod").args(["-m", "600"]).arg(&node).args(["c", "1", "11"]).status();
    assert!(made.unwrap().success());
    // The build folder may be closed to other accounts.
    let binary = device.path().join("exporter");
    std::fs::copy(command().get_program(), &binary).unwrap();
    let mut nobody = tool("setpriv");
    nobody.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs"]);
    nobody.arg(&binary);
    let settings = "PING_TARGETS=\"\"\nDISABLE=\"ping\"\nLOG_SOURCE=\"kmsg\"\n";
    let program = Program::start_by(nobody, device.path(), settings);
    until("the refusal is told", || program.log().contains("/dev/kmsg: cannot be opened"));
    until("it is tried again", || {
        sample(&program, "log_source_restarts_total{source=\"kmsg\"}") >= Some(2.0)
    });
    assert_eq!(sample(&program, "log_source_up{source=\"kmsg\"}"), Some(0.0));
    assert_eq!(program.get("/healthz").status, 200);
    assert_eq!(program.log().matches("kmsg").count(), 1, "{}", program.log());
}

/// Exit code, and what was said on both outputs.
fn outcome(output: &Output) -> (Option<i32>, String) {
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_test_event_goes_through_the_whole_chain() {
    let router = Router::new();
    for (daemon, source) in [(&INTO_FILE[..], FILE), (&["-C64"][..], "auto")] {
        let _syslogd = router.syslogd(daemon);
        let program = router.start(source);
        until("the log is followed", || {
            let text = program.metrics().body;
            text.lines().any(|line| line.contains("log_source_up{") && line.ends_with(" 1"))
        });
        for _ in 0..2 {
            let (code, said) = outcome(&router.test_event(program.port));
            let event = until_type(&program, "test");
            assert_eq!(code, Some(0), "{said}");
            assert!(said.starts_with("event ") && said.contains("/dev/log"), "{said}");
            let seq = said.split(' ').nth(1).unwrap().parse::<u64>().unwrap();
            let events = events(&program);
            let named = events.iter().find(|event| event["seq"] == seq).unwrap();
            assert_eq!(named["type"], "test");
            assert!(event["message"].is_string());
        }
    }
}

#[test]
fn without_syslogd_a_test_event_goes_through_the_kernels_log() {
    if !kernel_takes_lines(&unique("before")) {
        return;
    }
    let router = Router::new();
    let program = router.start("kmsg");
    let (code, said) = outcome(&router.test_event(program.port));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("event ") && said.contains("/dev/kmsg"), "{said}");
}

#[test]
fn a_test_event_says_where_the_chain_is_broken() {
    let router = Router::new();
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let (code, said) = outcome(&router.test_event(nobody.port()));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("http://{nobody} does not answer")), "{said}");

    // A device without any log.
    let device = copy_of("ath79-old");
    let program = Program::start(device.path(), "PING_TARGETS=\"\"\nDISABLE=\"ping\"\n");
    let (code, said) = outcome(&test_event(command(), device.path(), program.port));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("neither /dev/log nor /dev/kmsg takes a line"), "{said}");
}

#[test]
fn a_test_event_that_nobody_follows_is_told() {
    let router = Router::new();
    let _syslogd = router.syslogd(&INTO_FILE);
    let program = router.start("none");
    let (code, said) = outcome(&router.test_event(program.port));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("does not follow that log"), "{said}");
}
