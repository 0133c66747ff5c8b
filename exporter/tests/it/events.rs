//! From a line in a log to an event that readers see, with the started program.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::TcpStream;

use serde_json::Value;

use crate::program::{Program, read_answer, tool, until};
use crate::router::{Router, events, netifd, until_types};

#[test]
fn a_line_becomes_an_event_that_every_view_shows() {
    let router = Router::with_log_file();
    router.append("");
    let program = router.start();
    router.append(&netifd(1, "Interface 'wan' is now down"));
    router.append(&netifd(2, "Interface 'wan' is now down"));
    router.append(&netifd(3, "Interface 'wan' is now up"));
    until_types(&program, &["wan_down", "wan_up"]);

    let page = program.get("/net/events").json();
    assert_eq!(page["next_seq"], 4, "boot, down, up: {page}");
    assert_eq!(page["oldest_seq"], 1);
    assert_eq!(page["missed"], 0);
    let down = &page["events"][1];
    assert_eq!(down["seq"], 2);
    assert!(down["time"].as_str().unwrap().ends_with("-03-14 07:05:01"), "{down}");
    assert!(down["ts"].as_f64().unwrap() > 1.7e9);
    assert!(!down["message"].as_str().unwrap().is_empty());

    let status = program.get("/net/status").json();
    assert_eq!(status["events"][0]["type"], "wan_up", "newest first");
    assert_eq!(status["queue"]["stream"], page["stream"]);
    let file = std::fs::read_to_string(router.queue()).unwrap();
    let old_client: Vec<Value> = serde_json::from_str(&file).unwrap();
    assert_eq!(old_client.len(), 3);
    assert_eq!(old_client[1]["type"], "wan_down");

    let metrics = program.metrics();
    let sample = |name: &str| metrics.sample(&format!("netmonitor_{name}"));
    assert_eq!(sample("events_total{type=\"wan_down\"}"), Some(1.0));
    assert_eq!(sample("events_total{type=\"pppoe_padt\"}"), Some(0.0));
    assert_eq!(sample("event_queue_length"), Some(3.0));
    assert_eq!(sample("log_lines_total{source=\"file\"}"), Some(3.0));
    assert_eq!(sample("log_source_up{source=\"file\"}"), Some(1.0));
    assert!(program.get("/").body.contains("WAN"), "the page lists them");
}

#[test]
fn a_long_poll_returns_when_there_is_something_new() {
    let router = Router::with_log_file();
    router.append("");
    let program = router.start();
    until("the boot is told", || program.get("/net/events").json()["next_seq"] == 2);
    let stream = program.get("/net/events").json()["stream"].as_str().unwrap().to_owned();
    let mut poll = long_poll(&program, &format!("stream={stream}&after=1&revision=0"));
    router.append(&netifd(1, "Interface 'wan' is now down"));
    let page = read_answer(&mut poll).json();
    assert_eq!(page["events"][0]["type"], "wan_down");
    assert_eq!(page["next_seq"], 3);
    let other = program.get("/net/events?stream=other&after=77&wait=60").json();
    assert_eq!(other["missed"], Value::Null, "another stream's reader is answered at once");
    assert_eq!(other["events"].as_array().unwrap().len(), 2);
    let known = program.get(&format!("/net/events?stream={stream}&after=2&revision=5&wait=60"));
    assert_eq!(known.json()["revision"], 0, "another revision as well");
    let limited = program.get(&format!("/net/events?stream={stream}&limit=1")).json();
    assert_eq!(limited["events"].as_array().unwrap().len(), 1);
    for bad in ["after=x", "wait=-1", "limit=many"] {
        let answer = program.get(&format!("/net/events?{bad}"));
        assert_eq!(answer.status, 400, "{bad}");
        assert!(answer.json()["error"].as_str().unwrap().contains("expected"));
    }
}

/// Sends a request for events that waits, and returns once the program has read it.
fn long_poll(program: &Program, query: &str) -> TcpStream {
    let mut stream = program.connect();
    write!(stream, "GET /net/events?{query}&wait=60 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let (client, server) = (stream.local_addr().unwrap().port(), program.port);
    until("the poll has begun", || {
        // Nothing on the way, and nothing that the program still has to fetch.
        queue(client, server) == Some((0, 0)) && queue(server, client) == Some((0, 0))
    });
    stream
}

/// Bytes to send and to be read, of a connection that was accepted: proc(5), `/proc/net/tcp`.
fn queue(local: u16, remote: u16) -> Option<(u64, u64)> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let (local, remote) = (format!(":{local:04X}"), format!(":{remote:04X}"));
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (inode, established) = (*fields.get(9)?, fields[3] == "01");
        if !(fields[1].ends_with(&local) && fields[2].ends_with(&remote)) {
            return None;
        }
        let (send, receive) = fields[4].split_once(':')?;
        let bytes = |hex| u64::from_str_radix(hex, 16).unwrap();
        (established && inode != "0").then(|| (bytes(send), bytes(receive)))
    })
}

#[test]
fn stopping_answers_who_waits() {
    let router = Router::with_log_file();
    router.append("");
    let program = router.start();
    until("the boot is told", || program.get("/net/events").json()["next_seq"] == 2);
    let mut stream = long_poll(&program, "after=1");
    program.signal("TERM");
    let answer = read_answer(&mut stream);
    assert_eq!(answer.status, 200);
    assert!(program.ended().success());
}

#[test]
fn words_of_others_leave_the_json_valid() {
    let router = Router::with_log_file();
    router.append("");
    let program = router.start();
    let mut lines = Vec::new();
    lines.extend(
        b"Mar 14 07:05:01 gw daemon.info pppd[77]: Remote message: say \"\\no\" \xff\xfe\n",
    );
    lines.extend(
        b"Mar 14 07:05:02 gw daemon.err \x1b[31mpppd[77]: PAP authentication\x1b[0m failed\x00\n",
    );
    lines.extend(b"Mar 14 07:05:03 gw user.notice evil: netifd: Interface 'wan' is now down\n");
    lines.extend(b"Mar 14 07:05:03 gw daemon.err netmonitor-exporter[1]: pppd[77]: Modem hangup\n");
    let mut log = OpenOptions::new().append(true).open(router.log()).unwrap();
    log.write_all(&lines).unwrap();
    until_types(&program, &["pppoe_auth_fail"]);
    let file = std::fs::read_to_string(router.queue()).unwrap();
    serde_json::from_str::<Vec<Value>>(&file).unwrap();
    program.get("/net/status").json();
}

#[test]
fn ten_thousand_events_leave_the_newest_and_right_counts() {
    let router = Router::with_log_file();
    router.append("");
    let program = router.start();
    until("the boot is told", || program.get("/net/events").json()["next_seq"] == 2);
    // Of now: the counts are of the last day.
    let stamp = tool("date").args(["-u", "+%b %e %H:%M:%S"]).output().unwrap();
    let stamp = String::from_utf8(stamp.stdout).unwrap();
    let line = |state| {
        format!("{} gw daemon.notice netifd: Interface 'wan' is now {state}\n", stamp.trim_end())
    };
    router.append(&[line("down"), line("up")].concat().repeat(5000));
    until("all are told", || program.get("/net/events?after=10000").json()["next_seq"] == 10_002);
    let page = program.get("/net/events?after=1").json();
    assert_eq!(page["events"].as_array().unwrap().len(), 200);
    assert_eq!(page["oldest_seq"], 9802);
    assert_eq!(page["missed"], 9800);
    assert_eq!(page["events"][199]["type"], "wan_up");
    let status = program.get("/net/status").json();
    assert_eq!(status["summary"]["wan_down_count_24h"], 5000);
    assert_eq!(status["events"].as_array().unwrap().len(), 200);
    let metrics = program.metrics();
    assert_eq!(metrics.sample("netmonitor_events_evicted_total"), Some(9801.0));
    assert_eq!(metrics.sample("netmonitor_events_total{type=\"wan_up\"}"), Some(5000.0));
}

#[test]
fn a_clock_that_was_set_between_two_runs_is_noticed() {
    let router = Router::with_log_file();
    router.append("");
    let program = router.start();
    until("the boot is told", || program.get("/net/events").json()["next_seq"] == 2);
    let before = program.get("/net/events").json()["events"][0]["ts"].as_f64().unwrap();
    program.signal("TERM");
    assert!(program.ended().success());
    // As if the clock had been an hour behind in the first run.
    let state = router.queue().with_extension("json.state");
    let mut json: Value = serde_json::from_slice(&std::fs::read(&state).unwrap()).unwrap();
    let clock = json["memo"]["clock"][0].as_u64().unwrap();
    json["memo"]["clock"][0] = (clock - 3600).into();
    std::fs::write(&state, json.to_string()).unwrap();
    let file = std::fs::read_to_string(router.queue()).unwrap();
    let wrong = file.replace(&format!("\"ts\":{before}"), &format!("\"ts\":{}", before - 3600.0));
    assert_ne!(file, wrong);
    std::fs::write(router.queue(), wrong).unwrap();
    let program = router.start();
    until_types(&program, &["time_stepped"]);
    let page = program.get("/net/events").json();
    assert_eq!(page["revision"], 1);
    let after = page["events"][0]["ts"].as_f64().unwrap();
    assert!((after - before).abs() < 1.0, "{before} {after}");
}

#[test]
fn a_link_that_is_back_is_the_recovery_where_nothing_else_is_said() {
    let router = Router::with_log_file();
    router.append("");
    let program = router.start();
    router.append(&netifd(0, "Interface 'wan' is now up"));
    router.append(&netifd(1, "Interface 'wan' has link connectivity loss"));
    router.append(&netifd(5, "Interface 'wan' has link connectivity "));
    until_types(&program, &["wan_up", "wan_down", "wan_up"]);
    let times: Vec<String> =
        events(&program).iter().map(|event| event["time"].as_str().unwrap().to_owned()).collect();
    assert!(times[2].ends_with("07:05:05"), "{times:?}");
}
