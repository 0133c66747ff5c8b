//! Over sockets, as a bridge sees it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::super::ledger::Fate;
use super::*;
use crate::clock;
use crate::event_reader::{EventReader, Page};
use crate::http_client::Client;

fn quiet() -> Fleet {
    Fleet::start(Settings::quiet(1)).unwrap()
}

fn act(fleet: &Fleet, action: &str) {
    fleet.act(0, &action.parse().unwrap());
}

/// Everything until the connection ends.
fn raw(address: SocketAddr, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok();
    bytes
}

fn text(fleet: &Fleet, path: &str) -> String {
    String::from_utf8_lossy(&raw(fleet.address(), path)).into_owned()
}

fn status(fleet: &Fleet) -> serde_json::Value {
    serde_json::from_str(Client::connect(fleet.address()).unwrap().get("/net/status").unwrap())
        .unwrap()
}

fn is_refused(fleet: &Fleet) -> bool {
    TcpStream::connect(fleet.address()).is_err()
}

/// Asks again until it is so; what a router does at a moment, its own thread does.
#[track_caller]
fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let deadline = clock::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(clock::now() < deadline, "still not: {what}");
        clock::wait_until(clock::now() + Duration::from_millis(5));
    }
}

#[test]
fn a_whole_cycle_is_read_and_is_in_the_ledger() {
    let fleet = quiet();
    let mut reader = EventReader::connect(fleet.address(), 0).unwrap();
    act(&fleet, "event kernel_link_up x3");
    act(&fleet, "drop 100ms");
    assert!(reader.read_to(5).unwrap(), "down at once");
    assert!(reader.read_to(7).unwrap(), "up by a long poll");
    let mut again = EventReader::connect(fleet.address(), 0).unwrap();
    let first = again.page().unwrap();
    act(&fleet, "clock +3600s");
    let corrected = reader.page().unwrap();
    assert_eq!((corrected.revision, corrected.next_seq, corrected.missed), (1, 9, Some(0)));
    let mut again = EventReader::connect(fleet.address(), 0).unwrap();
    let second = again.page().unwrap();
    assert_eq!(second.events[0].unix_ms(), first.events[0].unix_ms() + 3_600_000);

    let shown = |page: &Page| -> Vec<_> {
        let events = page.events.iter();
        events.map(|event| (event.seq, event.ts, event.message.clone())).collect()
    };
    let rows = fleet.ledger();
    let kept: Vec<_> = rows.iter().map(|row| (row.seq, row.ts, row.message.clone())).collect();
    assert_eq!(shown(&second), kept);
    assert!(rows.iter().all(|row| row.stream == second.stream && row.must_be_known()));

    act(&fleet, "reboot 50ms");
    wait_for("back from its reboot", || fleet.ledger().len() == 9);
    wait_for("it listens", || !is_refused(&fleet));
    let mut after = EventReader::connect(fleet.address(), 8).unwrap();
    let page = after.page().unwrap();
    assert_ne!(page.stream, second.stream);
    assert_eq!((page.missed, page.events[0].kind.as_str()), (None, "router_boot"));
    let answer = status(&fleet);
    assert_eq!(answer["queue"]["stream"], page.stream);
    assert_eq!(answer["realtime"]["wan_state"], "up");
    assert_eq!(answer["events"][0]["seq"], 1);
    fleet.stop().unwrap();
}

#[test]
fn other_paths_are_answered() {
    let fleet = quiet();
    let mut client = Client::connect(fleet.address()).unwrap();
    assert_eq!(client.get("/healthz").unwrap(), "ok\n");
    assert!(client.get("/metrics").unwrap().contains("\nnetmonitor_wan_up{interface=\"wan\"} 1\n"));
    assert!(client.get("/").is_ok());
    assert!(text(&fleet, "/net/events?after=x").starts_with("HTTP/1.1 400 "));
    assert!(text(&fleet, "/no").starts_with("HTTP/1.1 404 "));
    let asked = fleet.asked()[0];
    assert_eq!((asked.status, asked.events, asked.others), (0, 1, 4));
}

#[test]
fn a_token_is_asked_for() {
    let token = Some("a \"secret\"".to_owned());
    let fleet = Fleet::start(Settings { token, ..Settings::quiet(1) }).unwrap();
    assert!(text(&fleet, "/healthz").starts_with("HTTP/1.1 200 "));
    let refused = text(&fleet, "/net/status");
    assert!(refused.starts_with("HTTP/1.1 401 ") && refused.contains("WWW-Authenticate: Bearer"));
    assert_eq!(fleet.asked()[0].refused, 1);
    let url = format!("http://{}", fleet.address());
    assert_eq!(
        fleet.routers_toml(),
        format!(
            "[[router]]\nname = \"router-0001\"\nurl = \"{url}\"\ntoken = \"a \\\"secret\\\"\"\n\n"
        )
    );
}

#[test]
fn who_is_offline_refuses_and_breaks_connections() {
    let fleet = quiet();
    let mut client = Client::connect(fleet.address()).unwrap();
    client.get("/net/status").unwrap();
    act(&fleet, "offline 300ms");
    wait_for("refused", || is_refused(&fleet));
    assert!(client.get("/net/status").is_err());
    act(&fleet, "event test");
    wait_for("answers again", || !is_refused(&fleet));
    assert_eq!(status(&fleet)["queue"]["next_seq"], 2);
}

#[test]
fn wrong_answers_are_as_wrong_as_they_say() {
    let fleet = quiet();
    let answer = |action: &str| {
        act(&fleet, "healthy");
        act(&fleet, action);
        text(&fleet, "/net/status")
    };
    let half = answer("half x1");
    let (head, body) = half.split_once("\r\n\r\n").unwrap();
    let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.lines().next());
    let length: usize = length.unwrap().parse().unwrap();
    assert!(body.len() > length / 3 && body.len() < length, "{half}");
    assert!(answer("html").contains("<form>"));
    assert!(answer("garbage").contains("Content-Length: 4096\r\n"));
    assert!(!answer("noise").starts_with("HTTP"));
    assert!(answer("gzip").contains("\r\nContent-Encoding: gzip\r\n"));
    assert!(answer("deep").contains("{\"deep\":[[[[[["));
    assert!(answer("numbers").contains("\"cpu_temp\":1e400,"));
    assert!(answer("redirect").contains("\r\nLocation: ../elsewhere/net/status\r\n"));
    assert!(answer("401").starts_with("HTTP/1.1 401 "));
    assert!(answer("503").starts_with("HTTP/1.1 503 "));
    assert_eq!(answer("reset"), "");
    let began = clock::now();
    assert!(answer("slow 200ms").starts_with("HTTP/1.1 200 "));
    assert!(clock::now() - began >= Duration::from_millis(200));
}

/// What is there after so many bytes, of an answer that goes on.
fn beginning(fleet: &Fleet, bytes: usize) -> Vec<u8> {
    let mut stream = TcpStream::connect(fleet.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET /net/status HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut read = vec![0; bytes];
    stream.read_exact(&mut read).unwrap();
    read
}

#[test]
fn endless_answers_do_not_hold_up_others() {
    let fleet = quiet();
    act(&fleet, "huge x1");
    assert!(beginning(&fleet, 5_000_000).ends_with(b"   "));
    act(&fleet, "gzip-bomb x1");
    beginning(&fleet, 1_000_000);
    act(&fleet, "drip x1");
    assert_eq!(beginning(&fleet, 2), b"HT");
    act(&fleet, "hang x1");
    let mut hanging = TcpStream::connect(fleet.address()).unwrap();
    write!(hanging, "GET /net/status HTTP/1.1\r\n\r\n").unwrap();
    wait_for("it hangs", || fleet.asked()[0].status == 4);
    assert_eq!(status(&fleet)["realtime"]["wan_state"], "up");
}

#[test]
fn the_old_agent_answers_as_badly_as_it_did() {
    let fleet = quiet();
    for action in ["zone +08:00", "shell-agent", "event test x5"] {
        act(&fleet, action);
    }
    let answer = text(&fleet, "/net/status");
    let (head, body) = answer.split_once("\n\n").unwrap();
    assert!(!answer.contains('\r') && !head.contains("Length"));
    assert!(body.contains("\"loss\": \"0\"") && body.contains("},,\n"));
    assert!(body.contains("}\n    {") && body.contains("},\n  ]"));
    assert!(!body.contains("seq") && !body.contains("queue"));
    assert!(text(&fleet, "/net/events?wait=5").contains("\"wan_state\""));
    act(&fleet, "shell-agent 404");
    assert!(text(&fleet, "/net/events?wait=5").starts_with("HTTP/1.1 404 "));
    wait_for("known to be read", || fleet.ledger().iter().all(|row| row.fate == Fate::Read));
}

#[test]
fn many_routers_share_a_port_if_they_must() {
    let scenario = "[routers 2]\n0s event test".parse().unwrap();
    let settings = Settings { scenario, layout: Layout::OnePort, ..Settings::quiet(3) };
    let fleet = Fleet::start(settings).unwrap();
    let url = &fleet.urls()[1];
    assert_eq!(*url, format!("http://{}/r/2", fleet.address()));
    let mut client = Client::connect(fleet.address()).unwrap();
    assert!(client.get("/r/2/net/events?wait=0").unwrap().contains("\"seq\":1,"));
    assert!(client.get("/r/1/net/events").unwrap().contains("\"events\":[]"));
    for path in ["/r/0/net/status", "/r/4/net/status", "/net/status"] {
        assert!(text(&fleet, path).starts_with("HTTP/1.1 404 "), "{path}");
    }
    fleet.act(0, &"offline 60s".parse().unwrap());
    assert_eq!(text(&fleet, "/r/1/net/status"), "");
    assert!(text(&fleet, "/r/2/net/status").starts_with("HTTP/1.1 200 "));
}

#[test]
fn the_ledgers_file_is_there_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let settings = || Settings { ledger: Some(path.clone()), ..Settings::quiet(2) };
    let fleet = Fleet::start(settings()).unwrap();
    act(&fleet, "event test x2");
    let first = fleet.ledger();
    fleet.stop().unwrap();
    let fleet = Fleet::start(settings()).unwrap();
    fleet.act(1, &"event test".parse().unwrap());
    let rows = fleet.ledger();
    drop(fleet);
    assert_eq!(super::super::ledger::read(&path).unwrap(), rows);
    let fates: Vec<_> = rows.iter().map(|row| row.fate).collect();
    assert_eq!(fates, [Fate::Killed, Fate::Killed, Fate::Queued]);
    assert_ne!(rows[0].stream, rows[2].stream);
    assert_eq!(first[0].message, rows[0].message);
}
