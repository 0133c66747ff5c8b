//! The queue's files when the disk is full, read-only or tampered with.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;

use crate::apart::Apart;
use crate::program::{Program, command, copy_of, tool, until};

/// A router with a small disk for nothing but the queue.
struct Router {
    apart: Apart,
    root: tempfile::TempDir,
    /// Where the disk is mounted, for the program only.
    disk: tempfile::TempDir,
    lines: std::cell::Cell<u32>,
}

impl Router {
    fn new() -> Self {
        let (root, disk) = (copy_of("ath79-old"), tempfile::tempdir().unwrap());
        fs::create_dir_all(root.path().join("var/log")).unwrap();
        let mount = "mount -t tmpfs -o size=64k,mode=755 netmonitor \"$0\"";
        let apart = Apart::new(mount, disk.path());
        Self { apart, root, disk, lines: 0.into() }
    }

    fn start(&self) -> Program {
        let settings = format!(
            "PING_TARGETS=\"\"\nDISABLE=\"ping\"\nWAN_IFACE=\"wan,eth1\"\n\
             LOG_SOURCE=\"file:/var/log/messages\"\nQUEUE_FILE=\"{}\"\n",
            self.disk.path().join("events.json").display()
        );
        Program::start_by(self.apart.enter(&command()), self.root.path(), &settings)
    }

    /// The queue file, or one beside it.
    fn file(&self, suffix: &str) -> PathBuf {
        self.apart.path(self.disk.path()).join(format!("events.json{suffix}"))
    }

    fn text(&self, suffix: &str) -> String {
        fs::read_to_string(self.file(suffix)).unwrap_or_default()
    }

    fn seqs_in_file(&self) -> Vec<u64> {
        let events: Vec<Value> = serde_json::from_str(&self.text("")).unwrap();
        events.iter().map(|event| event["seq"].as_u64().unwrap()).collect()
    }

    /// The WAN goes down, up, down …: one event each.
    fn next_line(&self) {
        let number = self.lines.replace(self.lines.get() + 1);
        let state = if number.is_multiple_of(2) { "down" } else { "up" };
        let path = self.root.path().join("var/log/messages");
        let mut log = OpenOptions::new().create(true).append(true).open(path).unwrap();
        let second = number % 60;
        writeln!(
            log,
            "Mar 14 07:05:{second:02} gw daemon.notice netifd: Interface 'wan' is now {state}"
        )
        .unwrap();
    }

    /// Until nothing is left to be written for what has happened so far.
    fn until_settled(&self) {
        until("the files are settled", || self.text(".state").contains("\"pending\":null"));
    }

    fn inside(&self, script: &str) -> bool {
        let mut sh = tool("sh");
        sh.args(["-c", script]).arg(self.disk.path());
        self.apart.enter(&sh).output().unwrap().status.success()
    }
}

fn page(program: &Program, query: &str) -> Value {
    program.get(&format!("/net/events{query}")).json()
}

fn stream(program: &Program) -> String {
    page(program, "")["stream"].as_str().unwrap().to_owned()
}

fn sample(program: &Program, series: &str) -> f64 {
    program.metrics().sample(&format!("netmonitor_{series}")).unwrap()
}

/// One that reads with a cursor, as the bridge does, over restarts and changes of stream.
#[derive(Default)]
struct Reader {
    stream: String,
    after: u64,
    /// What it was given, by stream and number.
    stored: BTreeMap<(String, u64), String>,
    /// In the order of arrival.
    types: Vec<String>,
}

impl Reader {
    /// Reads what is new; an event is never another one than it was.
    fn poll(&mut self, program: &Program) {
        let page = page(program, &format!("?stream={}&after={}", self.stream, self.after));
        let stream = page["stream"].as_str().unwrap().to_owned();
        for event in page["events"].as_array().unwrap() {
            let seq = event["seq"].as_u64().unwrap();
            let what = format!("{} {}", event["type"], event["ts"]);
            let known = self.stored.insert((stream.clone(), seq), what.clone());
            assert!(known.as_ref().is_none_or(|known| *known == what), "{seq}: {known:?}, {what}");
            if known.is_none() {
                self.types.push(event["type"].as_str().unwrap().to_owned());
            }
        }
        let of_another = !self.stream.is_empty() && stream != self.stream;
        assert_eq!(page["missed"], if of_another { Value::Null } else { 0.into() });
        self.after = page["next_seq"].as_u64().unwrap() - 1;
        self.stream = stream;
    }

    #[track_caller]
    fn until_types(&mut self, program: &Program, expected: &[&str]) {
        until("the reader has them", || {
            self.poll(program);
            self.types.len() >= expected.len()
        });
        assert_eq!(self.types, expected);
    }
}

/// Something keeps the program from writing, and goes away again.
fn check_trouble(cause: impl Fn(&Router), cure: impl Fn(&Router), reason: &str) {
    let (router, mut reader) = (Router::new(), Reader::default());
    let program = router.start();
    router.next_line();
    reader.until_types(&program, &["router_boot", "wan_down"]);
    router.until_settled();
    let durable = stream(&program);

    cause(&router);
    router.next_line();
    reader.until_types(&program, &["router_boot", "wan_down", "wan_up"]);
    let memory = stream(&program);
    assert_ne!(memory, durable, "a restart could use these numbers again");
    assert_eq!(page(&program, "")["oldest_seq"], 3, "the others were read under the old stream");
    let shown = program.get("/net/status").json();
    assert_eq!(shown["events"].as_array().unwrap().len(), 3, "people see all of them");
    router.next_line();
    reader.until_types(&program, &["router_boot", "wan_down", "wan_up", "wan_down"]);
    assert_eq!(stream(&program), memory);
    assert!(sample(&program, "event_queue_write_errors_total") >= 2.0);
    let log = program.log();
    assert_eq!(log.matches("are kept in memory").count(), 1, "{log}");
    assert!(log.contains(reason), "{log}");

    cure(&router);
    // Tried again with every event, and without one each half minute.
    router.next_line();
    reader.until_types(&program, &["router_boot", "wan_down", "wan_up", "wan_down", "wan_up"]);
    until("it is said", || program.log().contains("kept in their file again"));
    assert_eq!(stream(&program), memory);
    assert_eq!(router.seqs_in_file(), [1, 2, 3, 4, 5]);
    program.signal("KILL");
    program.ended();
    let program = router.start();
    assert_eq!(stream(&program), memory);
    router.next_line();
    let all = ["router_boot", "wan_down", "wan_up", "wan_down", "wan_up", "wan_down"];
    reader.until_types(&program, &all);
    assert_eq!(router.seqs_in_file(), [1, 2, 3, 4, 5, 6]);
}

/// Until not a byte more fits.
fn fill(router: &Router) {
    let mut filler = fs::File::create(router.file(".filler")).unwrap();
    while filler.write_all(&[0; 1024]).is_ok() {}
}

fn remount(router: &Router, how: &str) {
    // Not while a file is open for writing.
    until("the disk is mounted anew", || router.inside(&format!("mount -o remount,{how} \"$0\"")));
}

fn remove(router: &Router) {
    assert!(router.inside("rm -r \"$0/events.json\""));
}

#[test]
fn a_full_disk_costs_no_event() {
    let free = |router: &Router| fs::remove_file(router.file(".filler")).unwrap();
    check_trouble(fill, free, "No space left on device");
}

#[test]
fn a_disk_that_becomes_read_only_costs_no_event() {
    let cause = |router: &Router| remount(router, "ro");
    check_trouble(cause, |router| remount(router, "rw"), "Read-only file system");
}

#[test]
fn a_folder_or_a_pipe_in_the_place_of_the_queue_is_left_alone_and_costs_no_event() {
    for (make, what) in [("mkdir", "is a folder"), ("mkfifo", "is a pipe")] {
        let script = format!("rm \"$0/events.json\" && {make} \"$0/events.json\"");
        let cause = |router: &Router| assert!(router.inside(&script));
        check_trouble(cause, remove, what);
    }
}

#[test]
fn a_restart_on_a_full_disk_uses_no_number_twice() {
    let (router, mut reader) = (Router::new(), Reader::default());
    let program = router.start();
    router.next_line();
    reader.until_types(&program, &["router_boot", "wan_down"]);
    router.until_settled();
    let durable = stream(&program);
    fill(&router);
    router.next_line();
    reader.until_types(&program, &["router_boot", "wan_down", "wan_up"]);
    let mut streams = vec![durable, stream(&program)];
    program.signal("KILL");
    program.ended();

    // What was only in memory is told by the log once more, under a third stream.
    let program = router.start();
    let told = ["router_boot", "wan_down", "wan_up", "wan_up"];
    reader.until_types(&program, &told);
    streams.push(stream(&program));
    streams.dedup();
    assert_eq!(streams.len(), 3, "{streams:?}");
    fs::remove_file(router.file(".filler")).unwrap();
    router.next_line();
    reader.until_types(&program, &[&told[..], &["wan_down"]].concat());
    assert_eq!(router.seqs_in_file(), [1, 2, 3, 4]);
}

/// What a start makes of files that somebody has changed meanwhile.
struct Start {
    same_stream: bool,
    /// In the queue after one more line.
    seqs: &'static [u64],
    set_aside: &'static [&'static str],
}

/// All is lost but the log, which is read again.
const ANEW: &[u64] = &[1, 2, 3];
const EMPTY: Start = Start { same_stream: true, seqs: &[3], set_aside: &[] };

#[track_caller]
fn check_start(tamper: &str, expected: &Start) {
    let router = Router::new();
    let program = router.start();
    router.next_line();
    until("the event is there", || page(&program, "")["next_seq"] == 3);
    let before = stream(&program);
    program.signal("TERM");
    assert!(program.ended().success());

    assert!(router.inside(&format!("cd \"$0\" && {tamper}")), "{tamper}");
    let program = router.start();
    router.next_line();
    until("the next event is there", || page(&program, "")["next_seq"] == 4);
    assert_eq!(stream(&program) == before, expected.same_stream, "{tamper}");
    assert_eq!(router.seqs_in_file(), expected.seqs, "{tamper}");
    let log = program.log();
    for suffix in ["", ".state"] {
        let is_set_aside = router.file(&format!("{suffix}.bad")).exists();
        assert_eq!(is_set_aside, expected.set_aside.contains(&suffix), "{tamper} {suffix}");
        let is_told = log.contains(&format!("set aside as {}", aside(&router, suffix)));
        assert_eq!(is_told, is_set_aside, "{tamper}: {log}");
    }
}

fn aside(router: &Router, suffix: &str) -> String {
    format!("{}/events.json{suffix}.bad", router.disk.path().display())
}

#[test]
fn a_queue_file_that_was_emptied_or_removed_is_an_empty_queue_of_the_same_stream() {
    for tamper in [": > events.json", "echo '[]' > events.json", "rm events.json"] {
        check_start(tamper, &EMPTY);
    }
}

#[test]
fn a_queue_file_that_cannot_be_read_is_set_aside() {
    for tamper in ["echo garbage > events.json", "head -c 60 events.json > x; mv x events.json"] {
        check_start(tamper, &Start { set_aside: &[""], ..EMPTY });
    }
}

#[test]
fn without_a_state_file_that_can_be_read_the_stream_is_new() {
    for tamper in ["echo garbage > events.json.state", ": > events.json.state"] {
        check_start(tamper, &Start { same_stream: false, seqs: ANEW, set_aside: &["", ".state"] });
    }
    let gone = Start { same_stream: false, seqs: ANEW, set_aside: &[""] };
    check_start("rm events.json.state", &gone);
    let reboot = Start { same_stream: false, seqs: ANEW, set_aside: &[] };
    check_start("rm events.json events.json.state", &reboot);
}

#[test]
fn what_is_done_to_the_files_of_a_running_program_is_mended_by_its_next_write() {
    for file in ["events.json", "events.json.state"] {
        for tamper in [": >", "echo '[]' >", "echo garbage >", "rm"] {
            let router = Router::new();
            let program = router.start();
            router.next_line();
            until("the event is there", || page(&program, "")["next_seq"] == 3);
            let before = stream(&program);
            assert!(router.inside(&format!("{tamper} \"$0/{file}\"")));
            router.next_line();
            until("the next event is there", || page(&program, "")["next_seq"] == 4);
            assert_eq!(stream(&program), before, "{tamper} {file}");
            assert_eq!(router.seqs_in_file(), [1, 2, 3], "{tamper} {file}");
            program.signal("KILL");
            program.ended();
            let program = router.start();
            let found = page(&program, "");
            assert_eq!(found["stream"], before, "{tamper} {file}");
            assert_eq!(found["next_seq"], 4, "{tamper} {file}");
            assert_eq!(found["events"].as_array().unwrap().len(), 3, "{tamper} {file}");
        }
    }
}

#[test]
fn a_queue_that_was_emptied_under_the_program_stays_empty_over_a_stop() {
    let router = Router::new();
    let program = router.start();
    router.next_line();
    until("the event is there", || page(&program, "")["next_seq"] == 3);
    router.until_settled();
    let before = stream(&program);
    assert!(router.inside(": > \"$0/events.json\""));
    program.signal("TERM");
    assert!(program.ended().success());
    let program = router.start();
    let found = page(&program, "");
    assert_eq!(found["stream"], before);
    assert_eq!(
        (found["next_seq"].as_u64(), found["events"].as_array().unwrap().len()),
        (Some(3), 0)
    );
}
