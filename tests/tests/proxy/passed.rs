//! What comes through the proxy, to and fro.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, Read, Write};
use std::path::Path;

use netmonitor_tests::bridge::{Bridge, Place as BridgePlace};
use netmonitor_tests::built;
use netmonitor_tests::kept_port::KeptPort;
use netmonitor_tests::running::{Piped, find_on_path};

use super::behind::{LARGE, StandIn};
use super::started::{Place, Proxy};

fn anywhere() -> std::net::SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// Our bridge with a router that is away.
fn bridge(folder: &Path) -> Bridge {
    let away = KeptPort::new().unwrap();
    let routers = folder.join("routers.toml");
    let text = format!("[[router]]\nname = \"home\"\nurl = \"http://{}\"\n", away.address);
    std::fs::write(&routers, text).unwrap();
    let program = built::program("netmonitor-bridge").unwrap();
    BridgePlace::of(&program, &routers, &folder.join("netmonitor.db")).start().unwrap()
}

#[test]
fn grafana_learns_who_asks_and_for_what() {
    let grafana = StandIn::start(anywhere());
    let place = Place::new().with("GRAFANA_ADDRESS", &grafana.address());
    let proxy = place.start();
    let host = format!("nas.lan:{}", place.https().port());
    let lies = [
        "X-Forwarded-For: 192.0.2.1",
        "X-Forwarded-Host: bank.example",
        "X-Forwarded-Proto: http",
        "X-Real-IP: 192.0.2.1",
        "Forwarded: for=192.0.2.1",
        "X-Forwarded-Prefix: /x",
        "X-Forwarded-Port: 1",
    ];
    let mut arguments = vec!["-H", "Cookie: grafana_session=1", "-H", "Origin: https://nas.lan"];
    arguments.extend(lies.iter().flat_map(|lie| ["-H", lie]));
    for version in ["--http1.1", "--http2"] {
        arguments.push(version);
        let answer = proxy.get("/d/over%20view?var-router=a%2Fb&x=%27", &arguments);
        let mut lines = answer.text().lines();
        assert_eq!(lines.next(), Some("GET /d/over%20view?var-router=a%2Fb&x=%27 HTTP/1.1"));
        let lines: Vec<&str> = lines.collect();
        for line in [
            &*format!("Host: {host}"),
            "Cookie: grafana_session=1",
            "X-Forwarded-For: 127.0.0.1",
            "X-Real-IP: 127.0.0.1",
            "X-Forwarded-Proto: https",
            &format!("X-Forwarded-Host: {host}"),
            &format!("X-Forwarded-Port: {}", place.https().port()),
            "Connection: close",
        ] {
            assert_eq!(
                lines.iter().filter(|other| **other == line).count(),
                1,
                "{line}: {lines:?}"
            );
        }
        let lower = answer.text().to_lowercase();
        assert!(lower.contains("origin: https://nas.lan"), "{lower}");
        for lie in ["192.0.2.1", "bank.example", "forwarded-prefix", "upgrade"] {
            assert!(!lower.contains(lie), "{lie}: {lower}");
        }
    }
}

#[test]
fn the_bridge_is_asked_without_prefix_and_cookies() {
    let bridge = StandIn::start(anywhere());
    let place = Place::new().with("BRIDGE_ADDRESS", &bridge.address());
    let proxy = place.start();
    for (path, passed) in [
        ("/bridge/", "/"),
        ("/bridge/api/v1/routers/a%20b/metrics?x=a%26b", "/api/v1/routers/a%20b/metrics?x=a%26b"),
        ("/bridge//metrics", "/metrics"),
        ("/bridge/bridge/", "/bridge/"),
    ] {
        let secret = ["-H", "Cookie: grafana_session=1", "-H", "Authorization: Bearer x"];
        let answer = proxy.get(path, &secret);
        assert!(
            answer.text().starts_with(&format!("GET {passed} HTTP/1.1\r\n")),
            "{}",
            answer.text()
        );
        let lower = answer.text().to_lowercase();
        assert!(lower.contains("x-forwarded-prefix: /bridge\r\n"), "{lower}");
        assert!(lower.contains("authorization: bearer x\r\n"), "{lower}");
        assert!(!lower.contains("cookie"), "{lower}");
    }
}

#[test]
fn the_bridge_works_below_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let bridge = bridge(folder.path());
    let place = Place::new().with("BRIDGE_ADDRESS", &bridge.running.address.to_string());
    let proxy = place.start();
    let answer = proxy.get("/bridge?x=1", &[]);
    assert_eq!((answer.status, answer.header("location")), (308, "/bridge/?x=1"));

    let page = proxy.get("/bridge/", &[]);
    assert!(page.text().contains("<h1>netmonitor bridge</h1>"), "{}", page.text());
    assert_eq!(page.headers("content-security-policy").len(), 1);
    let report = proxy.get("/bridge/api/v1/report?month=2026-10", &[]);
    assert_eq!(report.status, 200);
    let mut links = 0;
    for (folder, page) in [("/bridge/", &page), ("/bridge/api/v1/report", &report)] {
        for link in page.text().split("href=").skip(1) {
            let link = link.trim_start_matches('"').split(['"', '>']).next().unwrap();
            let link = link.replace("&amp;", "&");
            assert!(!link.starts_with('/') && !link.contains(':'), "{link}");
            assert_eq!(proxy.get(&format!("{folder}{link}"), &[]).status, 200, "{folder}{link}");
            links += 1;
        }
    }
    assert!(links >= 8, "only {links} links");
    let sheet = proxy.get("/bridge/api/v1/samples?format=csv", &[]);
    assert!(sheet.header("content-type").starts_with("text/csv"), "{sheet:?}");
    assert_eq!(proxy.get("/bridge/nowhere", &[]).status, 404);
}

#[test]
fn text_is_compressed_for_those_who_ask() {
    let grafana = StandIn::start(anywhere());
    let place = Place::new().with("GRAFANA_ADDRESS", &grafana.address());
    let proxy = place.start();
    let plain = proxy.get("/text", &[]);
    assert_eq!(plain.headers("content-encoding"), [""; 0]);
    let small = proxy.get("/text", &["-H", "Accept-Encoding: gzip"]);
    assert_eq!(
        (small.header("content-encoding"), small.header("vary")),
        ("gzip", "Accept-Encoding")
    );
    assert!(small.body.len() * 4 < plain.body.len());
    let unpacked = proxy.get("/text", &["--compressed"]);
    assert_eq!(unpacked.body, plain.body);
}

#[test]
fn websockets_come_through() {
    let grafana = StandIn::start(anywhere());
    let place = Place::new().with("GRAFANA_ADDRESS", &grafana.address());
    let proxy = place.start();
    let program = find_on_path("openssl").unwrap();
    let to = place.https().to_string();
    let mut arguments: Vec<OsString> = vec!["s_client".into(), "-CAfile".into()];
    arguments.push(place.certificate("authority.crt").into());
    arguments.extend(["-servername", "nas.lan", "-quiet", "-verify_quiet"].map(Into::into));
    arguments
        .extend(["-verify_return_error", "-alpn", "http/1.1", "-connect", &to].map(Into::into));
    let mut socket = Piped::start(program.as_os_str(), &arguments, None).unwrap();
    let request = "GET /api/live/ws HTTP/1.1\r\nHost: nas.lan\r\nUpgrade: WebSocket\r\n\
        Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n";
    socket.input.write_all(request.as_bytes()).unwrap();
    let mut head = String::new();
    while socket.output.read_line(&mut head).unwrap() > 2 {}
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}; {}", proxy.said());
    for frame in [[0x81_u8, 2, b'h', b'i'], [0x82, 2, 0, 0xff]] {
        socket.input.write_all(&frame).unwrap();
        socket.input.flush().unwrap();
        let mut echo = [0; 4];
        socket.output.read_exact(&mut echo).unwrap();
        assert_eq!(echo, frame);
    }
}

#[track_caller]
fn unanswered(proxy: &Proxy<'_>, path: &str, arguments: &[&str], part: &str, service: &str) {
    let answer = proxy.get(path, arguments);
    assert_eq!(answer.status, 502);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let text = answer.text();
    for part in [
        &*format!("<h1>{part} does not answer</h1>"),
        "docker compose ps",
        &format!("docker compose logs --tail 50 {service}\n"),
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("<!--"), "{text}");
}

#[test]
fn who_does_not_answer_is_named_and_found_again() {
    let (grafana, bridge) = (KeptPort::new().unwrap(), KeptPort::new().unwrap());
    let place = Place::new()
        .with("GRAFANA_ADDRESS", &grafana.address.to_string())
        .with("BRIDGE_ADDRESS", &bridge.address.to_string());
    let proxy = place.start();
    for _ in 0..2 {
        unanswered(&proxy, "/", &[], "Grafana", "grafana");
        unanswered(&proxy, "/api/live/ws", &[], "Grafana", "grafana");
        unanswered(&proxy, "/bridge/api/v1/alerts", &["-d", "{}"], "The bridge", "bridge");
        let grafana = StandIn::start(grafana.address);
        assert_eq!(proxy.get("/", &[]).status, 200);
        // One does not take the other with it.
        unanswered(&proxy, "/bridge/", &[], "The bridge", "bridge");
        let bridge = StandIn::start(bridge.address);
        assert_eq!(proxy.get("/bridge/", &[]).status, 200);
        // Who answers, and badly, is heard.
        assert_eq!(proxy.get("/broken", &[]).text(), "its own words");
        drop((grafana, bridge));
    }
}

/// A download whose reader is slow, and a large upload.
#[test]
fn large_bodies_leave_nothing_behind() {
    let grafana = StandIn::start(anywhere());
    let place = Place::new().with("GRAFANA_ADDRESS", &grafana.address());
    let proxy = place.start();
    let files = || {
        let mut command = super::started::tool("find");
        let output = command.arg(place.work()).args(["-type", "f"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let before = files();
    let program = find_on_path("curl").unwrap();
    let url = format!("https://{}/large", place.https());
    let authority = place.certificate("authority.crt");
    let arguments: [&OsStr; 4] =
        ["-sS".as_ref(), "--cacert".as_ref(), authority.as_ref(), url.as_ref()];
    let arguments = arguments.map(Into::into);
    let mut download = Piped::start(program.as_os_str(), &arguments, None).unwrap();
    let mut some = [0; 1 << 16];
    download.output.read_exact(&mut some).unwrap();
    assert_eq!(files(), before);
    let rest = std::io::copy(&mut download.output, &mut std::io::sink()).unwrap();
    assert_eq!(usize::try_from(rest).unwrap() + some.len(), LARGE);
    // Such files have no name; nginx tells of them.
    assert!(!proxy.said().contains("temporary file"), "{}", proxy.said());

    let upload = place.secret("upload");
    std::fs::write(&upload, vec![0; 9 << 20]).unwrap();
    let answer = proxy.get("/", &["--data-binary", &format!("@{}", upload.display())]);
    assert!(answer.text().contains("Content-Length: 9437184"), "{}", answer.text());
    assert_eq!(files(), before);
}
