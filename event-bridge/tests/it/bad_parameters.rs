//! Parameters that make no sense, or mean harm: refused with a reason, or words like any
//! other. The program goes on, and what is stored stays as it was.

use crate::history::{self, EVENTS, PINGS, SAMPLES};
use crate::program::{Bridge, NOBODY};

const LISTS: [&str; 3] = ["/api/history", "/api/ping_history", "/api/events"];
const TIMED: [&str; 3] = ["/api/history", "/api/ping_history", "/api/stats/summary"];

/// What must not change: the rows of the test, and all tables and views.
fn stored(bridge: &Bridge) -> [i64; 4] {
    let count = |table: &str| bridge.stored(&format!("SELECT count(*) FROM {table}"));
    [count("samples"), count("pings"), count("events"), count("sqlite_master")]
}

#[track_caller]
fn assert_untouched(bridge: &Bridge, before: [i64; 4]) {
    assert_eq!(stored(bridge), before);
    assert_eq!(before[..3], [SAMPLES, PINGS, EVENTS]);
    let answer = bridge.get("/api/events");
    assert_eq!((answer.status, answer.json()["records"].as_array().unwrap().len()), (200, 50));
}

#[test]
fn numbers_that_are_none_or_out_of_bounds_are_refused_with_their_name() {
    let bridge = Bridge::filled(history::usual, NOBODY, &[]);
    let before = stored(&bridge);
    let refused = |path: &str, name: &str, values: &[&str]| {
        for value in values {
            let target = format!("{path}?{name}={value}");
            let reason = bridge.get(&target).assert_refused(400, &target);
            assert!(reason.starts_with(&format!("{name}: ")), "{target}: {reason}");
        }
    };
    let no_numbers = ["abc", "-1", "-5", "NaN", "%27%20OR%201=1%20--", "%00", "%ff", "0x10", "1,5"];
    for path in TIMED {
        refused(path, "hours", &no_numbers);
        refused(path, "hours", &["0", "1e999", "inf", "-inf", "1e300", "99999999"]);
    }
    for path in LISTS {
        for name in ["limit", "offset"] {
            refused(path, name, &no_numbers);
            refused(path, name, &["1e9", "1.5", "99999999999999999999"]);
        }
        refused(path, "limit", &["10000001", "9223372036854775808"]);
        refused(path, "offset", &["9223372036854775808"]);
    }
    assert_untouched(&bridge, before);
}

#[test]
fn numbers_at_their_bounds_are_answered() {
    let bridge = Bridge::filled(history::usual, NOBODY, &[]);
    let count = |target: &str| {
        let answer = bridge.get(target);
        assert_eq!(answer.status, 200, "{target}");
        answer.json()["records"].as_array().unwrap().len() as i64
    };
    for path in LISTS {
        assert_eq!(count(&format!("{path}?limit=0")), 0, "{path}");
        assert_eq!(count(&format!("{path}?offset=9223372036854775807")), 0, "{path}");
        assert_eq!(count(&format!("{path}?limit=1&offset=1&hours=87840")), 1, "{path}");
        assert!(count(&format!("{path}?limit=")) > 1, "{path}: empty is the default");
    }
    assert_eq!(count("/api/history?limit=10000000"), SAMPLES);
    assert_eq!(count("/api/ping_history?limit=10000000"), PINGS);
    assert_eq!(count("/api/events?limit=10000000"), EVENTS);
    assert_eq!(count("/api/history?hours=1e-300"), 0);
    assert_eq!(count("/api/events?limit=2&limit=3"), 2, "the first counts");
    assert_eq!(count("/api/events?limit=2&nonsense=%ff&&=&x"), 2, "others are not looked at");
}

#[test]
fn unknown_targets_and_types_have_no_rows_and_unknown_routers_are_said_so() {
    let bridge = Bridge::filled(history::usual, NOBODY, &[]);
    for target in ["/api/ping_history?target=203.0.113.1", "/api/events?type=nothing"] {
        let answer = bridge.get(target);
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(answer.json()["records"].as_array().unwrap().len(), 0, "{target}");
    }
    for path in LISTS.iter().chain(&TIMED).chain(&["/api/status", "/api/fetch_now"]) {
        let target = format!("{path}?router=nobody");
        let reason = bridge.get(&target).assert_refused(404, &target);
        assert!(reason.contains("\"nobody\""), "{reason}");
    }
    for path in ["/api/v1/routers/nobody/metrics", "/api/v1/routers/%ff%00/metrics"] {
        bridge.get(path).assert_refused(404, path);
    }
}

/// Every word in every parameter of every path: an answer of the list's own shape or a
/// refusal, never a failure of ours, and no row that was not asked for.
#[test]
fn words_that_mean_harm_are_words() {
    let bridge = Bridge::filled(history::usual, NOBODY, &[]);
    let before = stored(&bridge);
    let long = "x".repeat(5000);
    let words = [
        "%27%20OR%201=1%20--",
        "%22;%20DROP%20TABLE%20events;%20--",
        "%27;DELETE%20FROM%20samples;--",
        "1)%20UNION%20SELECT%20sql,1,1,1,1,1%20FROM%20sqlite_master%20--",
        "%25",
        "_",
        "wan_%",
        "%00",
        "wan_down%00",
        "%ff%fe",
        "%C0%AE",
        "%",
        "%zz",
        "..%2f..%2fetc%2fpasswd",
        "%3Cscript%3E",
        "{}",
        "%F0%9F%92%A9",
        &long,
    ];
    let paths = ["/api/status", "/api/stats/summary", "/api/fetch_now", "/health", "/", "/metrics"];
    for path in LISTS.iter().chain(&paths) {
        for name in ["router", "target", "type", "hours", "limit", "offset", "x"] {
            for word in words {
                let target = format!("{path}?{name}={word}");
                let answer = bridge.get(&target);
                let selects = matches!(
                    (*path, name),
                    ("/api/ping_history", "target") | ("/api/events", "type")
                );
                match answer.status {
                    200 if selects => {
                        let body = answer.json();
                        assert_eq!(body["records"].as_array().unwrap().len(), 0, "{target}");
                    }
                    200 => assert!(name != "router" || !path.starts_with("/api"), "{target}"),
                    400 | 404 => drop(answer.assert_refused(answer.status, &target)),
                    // Its only router does not answer, and may not be asked so often.
                    429 | 503 => assert!(matches!(*path, "/api/status" | "/api/fetch_now")),
                    status => panic!("{target}: {status}"),
                }
            }
        }
    }
    for word in words {
        for path in [format!("/api/{word}"), format!("/api/v1/routers/{word}/metrics")] {
            let answer = bridge.get(&path);
            answer.assert_refused(404, &path);
        }
    }
    assert_untouched(&bridge, before);
}
