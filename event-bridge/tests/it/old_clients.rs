//! Programs that were written for the old Flask bridge, and how their libraries write
//! requests: Python's, those of Node.js, browsers, curl. All get the answers they know.

use std::io::{BufReader, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::history::{self, EVENTS};
use crate::legacy_shapes as shapes;
use crate::program::{Answer, Bridge, tool};
use crate::router::{example, playing};

/// What the library sends besides the first line and the host.
struct Client {
    name: &'static str,
    headers: &'static str,
    /// Of a request to poll now: the method, and further headers with the body.
    fetch: (&'static str, &'static str),
}

const CLIENTS: [Client; 7] = [
    Client {
        name: "requests",
        headers: "User-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\n\
                  Accept: */*\r\nConnection: keep-alive\r\n",
        fetch: ("POST", "Content-Length: 0\r\n\r\n"),
    },
    Client {
        name: "requests with json={}",
        headers: "User-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate, br\r\n\
                  Accept: */*\r\nConnection: keep-alive\r\n",
        fetch: ("POST", "Content-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"),
    },
    Client {
        name: "axios",
        headers: "Accept: application/json, text/plain, */*\r\nUser-Agent: axios/1.7.7\r\n\
                  Accept-Encoding: gzip, compress, deflate, br\r\nConnection: keep-alive\r\n",
        fetch: (
            "POST",
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n",
        ),
    },
    Client {
        name: "fetch of Node.js",
        headers: "connection: keep-alive\r\naccept: */*\r\naccept-language: *\r\n\
                  sec-fetch-mode: cors\r\nuser-agent: node\r\naccept-encoding: gzip, deflate\r\n",
        fetch: (
            "POST",
            "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n\
             2\r\n{}\r\n0\r\n\r\n",
        ),
    },
    Client {
        name: "http of Node.js",
        headers: "Connection: keep-alive\r\n",
        fetch: ("GET", "\r\n"),
    },
    Client {
        name: "a browser's fetch",
        headers: "Connection: keep-alive\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\
                  Accept: */*\r\nOrigin: http://page.example\r\nReferer: http://page.example/\r\n\
                  Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n\
                  Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: de,en;q=0.5\r\n\
                  Cookie: session=abc; theme=dark\r\nIf-None-Match: \"x\"\r\n",
        fetch: ("POST", "Content-Length: 0\r\n\r\n"),
    },
    Client {
        name: "curl",
        headers: "User-Agent: curl/7.88.1\r\nAccept: */*\r\n",
        fetch: (
            "POST",
            "Content-Length: 4\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\na=b\n",
        ),
    },
];

fn start(more: &[&str]) -> Bridge {
    Bridge::filled(history::usual, &playing("exporter-status.json", None), more)
}

/// One connection that stays open.
struct Session {
    connection: BufReader<TcpStream>,
    headers: &'static str,
}

impl Session {
    fn of(bridge: &Bridge, headers: &'static str) -> Self {
        Self { connection: BufReader::new(bridge.connect()), headers }
    }

    fn ask(&mut self, method: &str, target: &str, rest: &str) -> Answer {
        let headers = self.headers;
        let request =
            format!("{method} {target} HTTP/1.1\r\nHost: nas.lan:5000\r\n{headers}{rest}");
        self.connection.get_mut().write_all(request.as_bytes()).unwrap();
        Answer::next(&mut self.connection, method)
    }

    #[track_caller]
    fn get(&mut self, target: &str) -> Value {
        let answer = self.ask("GET", target, "\r\n");
        assert_eq!(answer.status, 200, "{target}");
        answer.json()
    }
}

/// The shapes of all paths; `get` asks for one.
fn check_all(mut get: impl FnMut(&str) -> Value) {
    shapes::health(&get("/health"));
    let status: Value = serde_json::from_slice(&example("exporter-status.json")).unwrap();
    assert_eq!(get("/api/status"), status);

    let (lengths, total) = shapes::history(&get("/api/history?hours=24&limit=100"));
    assert_eq!(lengths, [100, 500, 100]);
    let (lengths, of_all) = shapes::history(&get("/api/history"));
    assert_eq!((lengths, of_all >= total), ([100, 500, 100], true), "these are the defaults");
    let (lengths, _) = shapes::history(&get("/api/history?hours=24&limit=1000&offset=100"));
    assert!(lengths[0] >= 300 && lengths[1..] == [500, 100], "{lengths:?}");

    let pings = |body: &Value| shapes::list(body, shapes::pings);
    assert_eq!(pings(&get("/api/ping_history?hours=24")), 500);
    let of_target = get("/api/ping_history?hours=24&target=192.0.2.1");
    assert_eq!(pings(&of_target), history::SAMPLES as usize);
    let targets = of_target["records"].as_array().unwrap().iter();
    assert!(targets.clone().all(|ping| ping["target"] == "192.0.2.1"));
    let v6 = get("/api/ping_history?target=2001%3Adb8%3A%3A53&hours=24.0&limit=7");
    assert_eq!(pings(&v6), 7);

    let events = |body: &Value| shapes::list(body, shapes::events);
    assert_eq!(events(&get("/api/events")), 50);
    assert_eq!(events(&get("/api/events?limit=50&type=")), 50, "an empty type is none");
    let of_type = get("/api/events?limit=500&type=pppoe_up");
    assert!(events(&of_type) >= EVENTS as usize / 2);
    assert!(of_type["records"].as_array().unwrap().iter().all(|e| e["type"] == "pppoe_up"));

    let summary = get("/api/stats/summary?hours=24");
    shapes::summary(&summary);
    let of = |key: &str| summary["summary"][key].as_f64().unwrap();
    // A sample of the router itself may have come in between.
    assert!((74.0..76.0).contains(&of("wan_availability")), "{summary}");
    assert!((49.0..51.0).contains(&of("packet_loss_rate")), "{summary}");
    assert_eq!(of("monitoring_hours"), 24.0);
    shapes::summary(&get("/api/stats/summary"));
}

#[test]
fn every_library_gets_the_answers_it_knows() {
    for client in &CLIENTS {
        let bridge = start(&[]);
        let mut session = Session::of(&bridge, client.headers);
        check_all(|target| session.get(target));
        let (method, rest) = client.fetch;
        let fetched = session.ask(method, "/api/fetch_now", rest);
        assert_eq!(fetched.status, 200, "{}", client.name);
        shapes::fetched(&fetched.json());
        let again = session.ask(method, "/api/fetch_now", rest);
        again.assert_refused(429, client.name);
        let missing = session.ask("GET", "/api/nothing", "\r\n");
        missing.assert_refused(404, client.name);
        shapes::health(&session.get("/health"));
    }
}

#[test]
fn the_library_of_python_itself_reads_every_answer() {
    const SCRIPT: &str = "
import json, sys, urllib.error, urllib.request
for line in sys.stdin:
    method, url = line.split()
    data = b'{}' if method == 'POST' else None
    headers = {'Content-Type': 'application/json'} if data else {}
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            print(answer.status, json.dumps(json.load(answer)))
    except urllib.error.HTTPError as refused:
        print(refused.code, json.dumps(json.load(refused)))
    sys.stdout.flush()
";
    use std::io::BufRead;
    use std::process::Stdio;
    let bridge = start(&[]);
    let mut python = tool("/usr/bin/python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut say, mut heard) =
        (python.stdin.take().unwrap(), BufReader::new(python.stdout.take().unwrap()));
    let mut ask = |method: &str, target: &str| -> (String, Value) {
        writeln!(say, "{method} http://{}{target}", bridge.address).unwrap();
        let mut line = String::new();
        heard.read_line(&mut line).unwrap();
        let (status, body) = line.split_once(' ').unwrap();
        (status.to_owned(), serde_json::from_str(body).unwrap())
    };
    check_all(|target| {
        let (status, body) = ask("GET", target);
        assert_eq!(status, "200", "{target}");
        body
    });
    shapes::fetched(&ask("POST", "/api/fetch_now").1);
    for (target, status) in [("/api/events?limit=x", "400"), ("/api/history/", "404")] {
        let (found, body) = ask("GET", target);
        assert_eq!(found, status, "{target}");
        assert!(body["error"].is_string(), "{body}");
    }
    drop(say);
    assert!(python.wait().unwrap().success());
}

#[test]
fn clients_of_http_1_0_read_to_the_end() {
    let bridge = start(&[]);
    check_all(|target| {
        let answer = bridge.ask(format!("GET {target} HTTP/1.0\r\n\r\n"));
        assert_eq!(answer.status, 200, "{target}");
        assert!(!answer.head.contains("chunked"), "{}", answer.head);
        answer.json()
    });
}

#[test]
fn heads_are_those_of_the_answers() {
    let bridge = start(&[]);
    let mut session = Session::of(&bridge, "");
    for target in ["/health", "/api/history", "/api/events", "/api/stats/summary", "/api/status"] {
        let head = session.ask("HEAD", target, "\r\n");
        assert_eq!(head.status, 200, "{target}");
        assert!(head.head.contains("\r\ncontent-type: application/json"), "{}", head.head);
        assert_eq!(
            session.ask("GET", target, "\r\n").status,
            200,
            "{target}: nothing is left over"
        );
    }
}

/// Answers are read in a browser only by the page of the settings; what it may send is what
/// libraries send.
#[test]
fn a_page_elsewhere_may_read_and_poll() {
    let bridge = start(&["--cors-origin", "http://page.example"]);
    let mut session = Session::of(&bridge, "Origin: http://page.example\r\n");
    let allowed = "\r\naccess-control-allow-origin: http://page.example";
    let asked = "Access-Control-Request-Method: POST\r\n\
                 Access-Control-Request-Headers: content-type\r\n\r\n";
    let preflight =
        session.ask("OPTIONS", "/api/fetch_now", &format!("Content-Length: 0\r\n{asked}"));
    assert_eq!(preflight.status, 204, "{preflight:?}");
    assert!(preflight.head.contains(allowed), "{}", preflight.head);
    let headers =
        preflight.head.lines().find_map(|line| line.strip_prefix("access-control-allow-headers: "));
    assert!(headers.unwrap().split(", ").any(|name| name == "content-type"), "{headers:?}");
    for (method, target, status) in [
        ("GET", "/api/history?hours=24&limit=100", 200),
        ("POST", "/api/fetch_now", 200),
        ("POST", "/api/fetch_now", 429),
        ("GET", "/api/history?hours=x", 400),
        ("GET", "/api/nothing", 404),
    ] {
        let answer = session.ask(method, target, "Content-Length: 0\r\n\r\n");
        assert_eq!(answer.status, status, "{target}");
        assert!(answer.head.contains(allowed), "{target}: {}", answer.head);
    }

    let bridge = start(&[]);
    let mut session = Session::of(&bridge, "Origin: http://page.example\r\n");
    let answer = session.ask("GET", "/health", "\r\n");
    assert!(!answer.head.contains("access-control"), "off by default: {}", answer.head);
}
