//! Settings that cannot work are told before anything is made or opened.

use super::started::Place;

#[track_caller]
fn refused(name: &'static str, value: &str, parts: &[&str]) {
    let place = Place::new().with(name, value);
    let said = place.refuses();
    for part in parts.iter().chain(&[name]) {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    assert_eq!(said.matches("proxy: ").count(), 1, "{said}");
    assert_eq!(std::fs::read_dir(place.certificates()).unwrap().count(), 0);
}

#[test]
fn what_cannot_work_is_told() {
    for port in ["https", "0", "65536", "0443", "-1", "4 3", "99999999999999999999", "443\n444"] {
        refused("HTTPS_PORT", port, &["1 to 65535", "for example 443"]);
    }
    for seconds in ["a day", "-1", "63072001"] {
        refused("HSTS_SECONDS", seconds, &["for example 86400"]);
    }
    for address in [
        "grafana",
        "grafana:",
        ":3000",
        "grafana:0",
        "gra fana:1",
        "a;b:1",
        "a/b:1",
        "$x:1",
        "[::1]:1",
    ] {
        refused("GRAFANA_ADDRESS", address, &["for example grafana:3000"]);
        refused("BRIDGE_ADDRESS", address, &["for example bridge:5000"]);
    }
    for resolver in ["dns", "127.0.0", "127.0.0.256", "127.0.0.11; x", "127.0.0.1.", "::1"] {
        refused("RESOLVER", resolver, &["127.0.0.11"]);
    }
    for names in [
        "nas.lan,other.lan",
        "a_b",
        "nas..lan",
        "-nas",
        "nas.",
        "a.*.lan",
        "*",
        "*.",
        "300.1.1.1",
        "1.2.3",
        "fd00::x",
        "https://nas.lan",
        "nas.lan:443",
        "naß",
    ] {
        refused("TLS_NAMES", names, &[names, "for example: nas.lan"]);
    }
    refused("TLS_NAMES", " ", &["holds no name"]);
    // Only openssl knows them all.
    let place = Place::new().with("TLS_NAMES", "fd00:::::1");
    assert!(place.refuses().contains("openssl could not make a certificate for TLS_NAMES"));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let place =
        Place::new().with("HTTPS_PORT", "x").with("RESOLVER", "x").with("TLS_NAMES", "x_ y_");
    let said = place.refuses();
    let told: Vec<&str> =
        said.lines().filter_map(|line| line.strip_prefix("proxy: ")?.split(' ').next()).collect();
    assert_eq!(told, ["HTTPS_PORT", "RESOLVER", "TLS_NAMES", "TLS_NAMES"], "{said}");
}

/// As a file for compose has them that nobody has filled in.
#[test]
fn empty_settings_are_the_defaults() {
    let mut place = Place::new();
    for name in
        ["HTTPS_PORT", "TLS_NAMES", "GRAFANA_ADDRESS", "BRIDGE_ADDRESS", "RESOLVER", "HSTS_SECONDS"]
    {
        place.set(name, "");
    }
    let proxy = place.start();
    let written = std::fs::read_to_string(place.work().join("nginx.conf")).unwrap();
    for line in ["set $grafana grafana:3000;", "set $bridge bridge:5000;", "resolver 127.0.0.11 "] {
        assert!(written.contains(line), "{line}");
    }
    let answer = proxy.get_without_tls("/", &[]);
    assert_eq!(answer.header("location"), "https://nas.lan/");
    assert!(proxy.said().contains("made for localhost"));
}
