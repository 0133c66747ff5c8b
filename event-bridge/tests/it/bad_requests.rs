//! Requests that no client should send: wrong methods, endless heads and bodies, halves.

use std::io::{Read, Write};
use std::net::TcpStream;

use socket2::{Domain, Socket, Type};

use crate::history;
use crate::program::{Answer, Bridge, NOBODY, until};

/// Debug builds begin at some 30 MB; whatever is sent here must not add as much again.
const MAX_MEMORY_KB: u64 = 96 << 10;

fn assert_well(bridge: &Bridge) {
    let answer = bridge.get("/health");
    assert_eq!((answer.status, &answer.json()["status"]), (200, &"healthy".into()));
    let peak = bridge.peak_memory_kb();
    assert!(peak < MAX_MEMORY_KB, "{peak} kB");
}

#[test]
fn other_methods_are_refused_and_name_those_that_are_taken() {
    let bridge = Bridge::start(NOBODY, &[]);
    for path in ["/api/history", "/api/events", "/health", "/api/fetch_now", "/", "/metrics"] {
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let answer = bridge.ask(request);
            answer.assert_refused(405, path);
            assert!(answer.head.contains("\r\nallow: get,head"), "{}", answer.head);
        }
    }
    let post = "POST /api/history HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    bridge.ask(post).assert_refused(405, post);
}

#[test]
fn bodies_are_refused_unread() {
    let bridge = Bridge::start(NOBODY, &[]);
    let many = vec![b'x'; 16 << 20];
    for path in ["/api/events", "/api/fetch_now", "/nowhere"] {
        for method in ["POST", "GET", "PUT"] {
            let head = format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
                many.len()
            );
            // It is told before it has sent anything, and after it has.
            let mut stream = bridge.connect();
            stream.write_all(head.as_bytes()).unwrap();
            let at_once = Answer::read(&mut stream);
            at_once.assert_refused(413, &head);
            drop(stream);
            bridge.ask([head.as_bytes(), &many].concat());
        }
    }
    // Without a length, and without an end.
    let head = "POST /api/history HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut stream = bridge.connect();
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
    let mut sent = 0;
    while sent < 256 << 20 && stream.write_all(&chunk).is_ok() {
        sent += chunk.len();
    }
    assert!(sent < 64 << 20, "{sent} bytes were taken");
    Answer::read(&mut stream).assert_refused(405, head);
    assert_well(&bridge);
}

#[test]
fn heads_without_end_are_refused() {
    let bridge = Bridge::start(NOBODY, &[]);
    let long = "x".repeat(1_000_000);
    let query = format!("GET /api/events?type={long} HTTP/1.1\r\nHost: x\r\n\r\n");
    let header = format!("GET /api/events HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n");
    let headers = format!("GET /api/events HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(100_000));
    for request in [query, header, headers] {
        let status = bridge.ask(&request).status;
        assert!(matches!(status, 414 | 431), "{status}");
    }
    // As long as it may be: the parameter is too long, and that is said.
    let fits = format!("/api/events?type={}", "x".repeat(20_000));
    bridge.get(&fits).assert_refused(400, "20 kB");
    assert_well(&bridge);
}

#[test]
fn what_is_no_request_is_refused() {
    let bridge = Bridge::start(NOBODY, &[]);
    for nonsense in [
        b"\r\n\r\n\r\n\r\nx\r\n\r\n".as_slice(),
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /api/events\x00 HTTP/1.1\r\n\r\n",
        b"GET /api/events HTTP/9.9\r\n\r\n",
        b"GET /api/events HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET /api/events HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /api/events HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    ] {
        let status = bridge.ask(nonsense).status;
        assert_eq!(status, 400, "{}", String::from_utf8_lossy(nonsense));
    }
    assert_well(&bridge);
}

#[test]
fn halves_of_requests_hold_nothing_once_they_have_gone() {
    let bridge = Bridge::start(NOBODY, &[]);
    let before = bridge.open_files();
    let whole = b"GET /api/history?hours=24 HTTP/1.1\r\nHost: x\r\n\r\n";
    let halves: Vec<_> = (0..whole.len())
        .map(|length| {
            let mut stream = bridge.connect();
            stream.write_all(&whole[..length]).unwrap();
            stream
        })
        .collect();
    assert_well(&bridge);
    drop(halves);
    // What it has opened for its own ends by now: readers of the database, polls.
    until("their places are free", || bridge.open_files() < before + whole.len() / 3);
}

/// Each asks for 10 MB, takes a byte and no more.
#[test]
fn readers_that_do_not_read_cost_no_memory() {
    const READERS: usize = 10;
    const MESSAGE_BYTES: usize = 1000;
    const ROWS: i64 = 8_000;
    let message = format!("hex(zeroblob({}))", MESSAGE_BYTES / 2);
    let bridge = Bridge::filled(|database| history::events(database, ROWS, &message), NOBODY, &[]);
    let request = b"GET /api/events?limit=10000000 HTTP/1.1\r\nHost: x\r\n\r\n";
    let slow: Vec<_> = (0..READERS)
        .map(|_| {
            // Else the kernel takes some MB of each in its place.
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            socket.connect(&bridge.address.into()).unwrap();
            let mut stream = TcpStream::from(socket);
            stream.write_all(request).unwrap();
            stream.read_exact(&mut [0]).unwrap();
            stream
        })
        .collect();
    let answer = bridge.get("/api/events?limit=10000000");
    assert!(answer.body.len() > ROWS as usize * MESSAGE_BYTES, "others have all");
    assert!(answer.body.ends_with(b"]}"));
    assert_well(&bridge);
    drop(slow);
}
