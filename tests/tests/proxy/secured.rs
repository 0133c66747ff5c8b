//! HTTPS and nothing else, and what browsers are told to keep to.

use super::asked::Answer;
use super::behind::StandIn;
use super::started::{Place, Proxy, tool};

#[test]
fn http_leads_to_https_with_host_and_path() {
    let mut place = Place::new();
    let port = place.https().port();
    let proxy = place.start();
    for (path, arguments) in [
        ("/", &[][..]),
        ("/d/overview?var-router=a%20b&x=1", &["-X", "POST", "-d", "1"]),
        ("/bridge/", &["--http1.0"]),
    ] {
        let answer = proxy.get_without_tls(path, arguments);
        assert_eq!(answer.status, 308, "{path}");
        assert_eq!(answer.header("location"), format!("https://nas.lan:{port}{path}"));
        assert_eq!(answer.header("cache-control"), "no-cache");
    }
    // Plain HTTP at the port of HTTPS.
    let url = format!("http://nas.lan:{port}/x?y");
    let answer = proxy.ask(&url, "/dev/null".as_ref(), &[]);
    assert_eq!(
        (answer.status, answer.header("location")),
        (308, &*format!("https://nas.lan:{port}/x?y"))
    );
    drop(proxy);
    place.set("HTTPS_PORT", "443");
    let answer = place.start().get_without_tls("/x", &["-H", "Host: 192.168.1.10:8080"]);
    assert_eq!(answer.header("location"), "https://192.168.1.10/x");
}

/// Of a handshake as `arguments` ask for it: has it come about, and what was said.
fn handshake(proxy: &Proxy<'_>, arguments: &[&str]) -> (bool, String) {
    let mut command = tool("openssl");
    command.args(["s_client", "-connect", &proxy.place.https().to_string(), "-brief"]);
    let output = command.args(arguments).stdin(std::process::Stdio::null()).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn tls_is_1_2_or_1_3() {
    let place = Place::new();
    let proxy = place.start();
    for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let (fine, said) = handshake(&proxy, &[version]);
        assert!(fine && said.contains(&format!("Protocol version: {name}\n")), "{said}");
    }
    // Offered by the client, and refused by the server.
    for version in ["-tls1", "-tls1_1"] {
        let (fine, said) = handshake(&proxy, &[version, "-cipher", "ALL@SECLEVEL=0"]);
        assert!(!fine && said.contains("alert protocol version"), "{said}");
    }
    for cipher in ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA"] {
        let (fine, said) = handshake(&proxy, &["-tls1_2", "-cipher", cipher]);
        assert!(!fine && said.contains("alert handshake failure"), "{said}");
    }
    assert_eq!(proxy.get("/", &["--http1.1"]).version, "1.1");
    assert_eq!(proxy.get("/", &[]).version, "2");
}

const ALWAYS: [(&str, &str); 5] = [
    ("strict-transport-security", "max-age=86400"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "SAMEORIGIN"),
    ("referrer-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
];

#[track_caller]
fn has(answer: &Answer, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(answer.header(name), *value, "{name}");
    }
    assert_eq!(answer.header("server"), "nginx");
}

#[test]
fn every_answer_has_every_header_once() {
    let grafana = StandIn::start(([127, 0, 0, 1], 0).into());
    let place = Place::new().with("GRAFANA_ADDRESS", &grafana.address());
    let proxy = place.start();
    let upload = place.secret("upload");
    std::fs::write(&upload, vec![0; 11 << 20]).unwrap();
    let upload = format!("@{}", upload.display());
    for (path, status, arguments) in [
        ("/", 200, &[][..]),
        ("/missing", 404, &[]),
        ("/broken", 502, &[]),
        ("/silent", 502, &[]),
        ("/bridge/", 502, &[]),
        ("/bridge", 308, &[]),
        ("/.proxy/unanswered", 404, &[]),
        ("/", 413, &["--data-binary", &upload]),
        ("/", 405, &["-X", "TRACE"]),
    ] {
        let answer = proxy.get(path, arguments);
        assert_eq!(answer.status, status, "{path}");
        has(&answer, &ALWAYS);
    }
    // What an answer has stays, but for what it cannot know better.
    has(
        &proxy.get("/own-headers", &[]),
        &[
            ALWAYS[0],
            ALWAYS[1],
            ("x-frame-options", "deny"),
            ("referrer-policy", "no-referrer"),
            ("permissions-policy", "usb=()"),
        ],
    );
    for path in ["/", "/healthz"] {
        let answer = proxy.get_without_tls(path, &[]);
        has(&answer, &ALWAYS[1..]);
        assert_eq!(answer.headers("strict-transport-security"), [""; 0]);
    }
    drop(proxy);
    let place = place.with("HSTS_SECONDS", "0");
    has(&place.start().get("/", &[]), &[("strict-transport-security", "max-age=0")]);
}
