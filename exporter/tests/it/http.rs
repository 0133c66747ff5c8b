//! Paths, methods, tokens, and clients that mean no good.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::program::{Program, fixture, read_answer, tool, until};

const QUIET: &str = "PING_TARGETS=\"\"\nDISABLE=\"ping\"\n";

fn start(settings: &str) -> Program {
    Program::start(&fixture("ath79-old"), &format!("{QUIET}{settings}"))
}

#[test]
fn each_path_answers_with_its_kind() {
    let program = start("");
    for (path, status, kind) in [
        ("/healthz", 200, "text/plain"),
        ("/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"),
        ("/net/status", 200, "application/json"),
        ("/net/line", 200, "application/json"),
        ("//net/status", 200, "application/json"),
        ("/", 200, "text/html; charset=utf-8"),
        ("/nothing", 404, "application/json"),
        ("/net", 404, "application/json"),
    ] {
        let answer = program.get(path);
        assert_eq!(answer.status, status, "{path}");
        assert!(
            answer.headers.contains(&format!("content-type: {kind}")),
            "{path}: {}",
            answer.headers
        );
    }
    assert_eq!(program.get("/healthz").body.trim(), "ok");
    assert!(program.get("/nothing").json()["error"].is_string());
}

#[test]
fn open_metrics_goes_to_who_asks_for_it() {
    let program = start("");
    let answer = program.ask(
        "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n\r\n",
    );
    assert!(answer.headers.contains("content-type: application/openmetrics-text; version=1.0.0"));
    assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
}

#[test]
fn methods_other_than_get_and_head() {
    let program = start("");
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let answer = program
            .ask(&format!("{method} /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.headers.contains("allow: get,head"), "{}", answer.headers);
        assert!(answer.json()["error"].is_string());
    }
    let head = program.ask("HEAD /net/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let program = start("");
    let answer = program.ask("GET /healthz HTTP/1.0\r\n\r\n");
    assert_eq!((answer.status, answer.body.trim()), (200, "ok"));
}

#[test]
fn bodies_are_refused_unread() {
    let program = start("");
    let answer = program.ask(
        "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(answer.status, 413);
}

#[test]
fn a_token_is_asked_for_everywhere_but_at_healthz() {
    let program = start("TOKEN=\"hunter2\"\n");
    for path in ["/", "/metrics", "/net/status", "/nothing"] {
        let answer = program.get(path);
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.headers.contains("www-authenticate: bearer"), "{}", answer.headers);
        assert!(answer.headers.contains("www-authenticate: basic"), "{}", answer.headers);
    }
    assert_eq!(program.get("/healthz").status, 200);
    // base64 of ":hunter2"
    for header in ["Bearer hunter2", "Basic Omh1bnRlcjI="] {
        let answer = program.ask(&format!(
            "GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: {header}\r\nConnection: close\r\n\r\n"
        ));
        assert_eq!(answer.status, 200, "{header}");
    }
}

#[test]
fn an_address_outside_the_list_is_refused() {
    let settings = format!("{QUIET}ALLOWED_IPS=\"192.0.2.0/28\"\n");
    Program::isolated(&fixture("ath79-old"), &settings, |program| {
        let asked_from = |address: &str| {
            let added = tool("ip").args(["address", "add", address, "dev", "lo"]).status();
            assert!(added.unwrap().success());
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            let address: Ipv4Addr = address.parse().unwrap();
            socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
            socket.connect(&SocketAddr::from(([127, 0, 0, 1], program.port)).into()).unwrap();
            let mut stream = TcpStream::from(socket);
            stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
            read_answer(&mut stream)
        };
        assert_eq!(asked_from("192.0.2.9").status, 200);
        let refused = asked_from("192.0.2.99");
        assert_eq!(refused.status, 403);
        assert!(refused.json()["error"].as_str().unwrap().contains("ALLOWED_IPS"));
        assert_eq!(program.get("/healthz").status, 200, "loopback is always allowed");
    });
}

#[test]
fn wrong_tokens_by_the_thousand_change_nothing() {
    let program = start("TOKEN=\"hunter2\"\n");
    let mut stream = program.connect();
    let mut received = [0; 4096];
    for guess in 0..2000 {
        let request = format!("GET /metrics HTTP/1.1\r\nAuthorization: Bearer {guess}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let length = stream.read(&mut received).unwrap();
        assert!(received[..length].starts_with(b"HTTP/1.1 401 "), "{guess}");
    }
    let answer = program
        .ask("GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hunter2\r\nConnection: close\r\n\r\n");
    let series = "netmonitor_http_requests_total{path=\"/metrics\",code=\"401\"}";
    assert_eq!(answer.sample(series), Some(2000.0));
}

#[test]
fn endless_and_missing_headers() {
    let program = start("");
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1_000_000));
    assert_eq!(program.ask(&long).status, 431);
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(1000));
    assert_eq!(program.ask(&many).status, 431);
    let none = program.ask("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_eq!(none.status, 200, "the Host header is not needed");
    for nonsense in ["\r\n\r\n\r\n\r\nx\r\n\r\n", "GET\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\r\n\r\n"] {
        assert_eq!(program.ask(nonsense).status, 400, "{nonsense:?}");
    }
    assert_eq!(program.get("/healthz").status, 200);
}

#[test]
fn a_thousand_idle_connections_and_half_requests_leave_room_for_a_good_client() {
    let program = start("");
    let mut held: Vec<TcpStream> = Vec::new();
    for i in 0..1000 {
        let mut stream = program.connect();
        if i % 2 == 0 {
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: ").ok();
        }
        held.push(stream);
        if i % 100 == 0 {
            assert_eq!(program.get("/healthz").status, 200, "after {i}");
        }
    }
    assert_eq!(program.get("/metrics").status, 200);
    let open = std::fs::read_dir(format!("/proc/{}/fd", program.pid())).unwrap().count();
    assert!(open < 64 + 20, "{open} open files");
}

#[test]
fn a_request_that_never_ends_is_closed() {
    let program = start("");
    let mut stream = program.connect();
    stream.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"", "closed without an answer, before the client gave up");
}

#[test]
fn several_requests_share_a_connection() {
    let program = start("");
    let mut stream = program.connect();
    stream
        .write_all(
            b"GET /healthz HTTP/1.1\r\n\r\nGET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
        )
        .unwrap();
    let answers = read_answer(&mut stream);
    assert_eq!(answers.body.matches("HTTP/1.1 200 OK").count(), 1, "the second: {}", answers.body);
}

#[test]
fn the_page_shows_the_state_and_needs_nothing_else() {
    let program = start("");
    until("the WAN is read", || program.metrics().body.contains("netmonitor_wan_up"));
    let page = program.get("/").body;
    assert!(page.contains("<th>WAN<td class=up>up"), "{page}");
    assert!(!page.contains("http://") && !page.contains("<script"), "{page}");
}

#[test]
fn the_status_has_the_keys_that_old_clients_read() {
    let program = Program::start(&fixture("filogic-pppoe"), "PING_TARGETS=\"127.0.0.1\"\n");
    until("a ping came back", || {
        program.get("/net/status").json()["realtime"]["ping"]["127.0.0.1"]["rtt"].is_number()
    });
    let status = program.get("/net/status").json();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let mut top = keys(&status);
    top.sort();
    assert_eq!(top, ["events", "queue", "realtime", "summary", "timestamp"]);
    let ping = &status["realtime"]["ping"]["127.0.0.1"];
    assert_eq!(ping["loss"], 0.0);
    for key in ["rtt", "min", "max", "sent_total", "lost_total"] {
        assert!(ping[key].is_number(), "{key} in {ping}");
    }
    assert!(!status["realtime"]["ping"].as_object().unwrap().contains_key("gateway"));
    let summary = keys(&status["summary"]);
    assert_eq!(summary, ["pppoe_reconnect_count_24h", "wan_down_count_24h"]);
    for key in ["stream", "oldest_seq", "next_seq", "revision", "boot_id", "started_at"] {
        assert!(!status["queue"][key].is_null(), "{key}");
    }
}
