//! `/api/v1/report` as it is asked for; what it says is tested in `report`.

use super::*;

/// A month that is over, with an outage of a router that is polled no more.
const MONTH: &str = "2026-03";
const START: Millis = 1_773_000_000_000;

async fn with_history(name: &str) -> Bridge {
    let bridge = bridge(None);
    let router = bridge.store.router(name).await.unwrap();
    let event = |seq, at, kind: &str| Event {
        seq: Some(seq),
        at,
        kind: kind.to_owned(),
        message: kind.to_owned(),
        detail: Some(json!({
            "outage": "s-1", "cause": "gateway", "side": "provider", "duration_seconds": "90.000",
            "carrier": "kept",
        })),
    };
    let events = vec![event(1, START, "outage_start"), event(2, START + 90_000, "outage_end")];
    let batch = EventBatch {
        stream: "s".to_owned(),
        revision: 0,
        events,
        next_seq: 3,
        missed: Some(0),
        unreadable: Vec::new(),
    };
    bridge.store.put_events(router, batch, START).await.unwrap();
    for minute in -20..40 {
        let poll = Sample { pings: Vec::new(), ..sample(START, WanState::Up, 0.0) };
        let poll = Sample { at: START + minute * 60_000, ..poll };
        bridge.store.put_sample(router, poll).await.unwrap();
    }
    bridge
}

impl Bridge {
    async fn report(&self, query: &str, language: &str) -> (u16, String, String) {
        let request = Request::get(format!("/api/v1/report?{query}"))
            .header(header::ACCEPT_LANGUAGE, language)
            .body(Body::empty())
            .unwrap();
        let answer = self.ask(request).await;
        let status = answer.status().as_u16();
        let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, kind, String::from_utf8(bytes.to_vec()).unwrap())
    }
}

#[tokio::test]
async fn a_report_is_a_page_rows_or_values() {
    let bridge = with_history("old").await;
    let ask = |format: &str| format!("router=old&month={MONTH}{format}");
    let (status, kind, page) = bridge.report(&ask(""), "").await;
    assert_eq!((status, kind.as_str()), (200, "text/html; charset=utf-8"));
    assert!(page.contains("March 2026") && page.contains("1\u{a0}min 30\u{a0}s"), "{page}");
    let (status, kind, rows) = bridge.report(&ask("&format=csv"), "").await;
    assert_eq!((status, rows.lines().count()), (200, 2));
    assert!(kind.starts_with("text/csv"), "{kind}");
    let (_, kind, values) = bridge.report(&ask("&format=json"), "").await;
    assert_eq!(kind, "application/json");
    let values: Value = serde_json::from_str(&values).unwrap();
    assert_eq!(values["outages"][0]["counted_seconds"], 90.0);
    assert_eq!(values["outages"][0]["evidence"]["carrier"], "kept");
    assert_eq!(values["outages"][0]["readings_before"]["received_light_dbm"], -18.52);
    assert_eq!(values["availability"]["observed_seconds"], 59.0 * 60.0);
    assert_eq!(values["gaps"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_language_is_that_asked_for_or_that_of_the_browser() {
    let bridge = with_history("old").await;
    let query = format!("router=old&month={MONTH}");
    for (accepted, language) in [
        ("", "en"),
        ("de, fr;q=0.5", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("en-GB, zh;q=0.9", "en"),
        ("de, en;q=0.1, zh;q=0.7", "zh-Hans"),
        ("zh;q=x, zh;q=7, ;;, =", "en"),
    ] {
        let (_, _, page) = bridge.report(&query, accepted).await;
        assert!(page.contains(&format!("<html lang=\"{language}\">")), "{accepted}");
    }
    let (_, _, page) = bridge.report(&format!("{query}&lang=zh"), "en").await;
    assert!(page.contains("网络中断报告"), "{page}");
}

#[tokio::test]
async fn what_makes_no_sense_is_a_problem() {
    let bridge = with_history("old").await;
    for (query, status, word) in [
        ("", 400, "several"),
        ("router=nobody", 404, "nobody"),
        ("router=netmonitor-bridge", 404, "netmonitor-bridge"),
        ("router=home&month=2026-13", 400, "month"),
        ("router=home&month=%00", 400, "month"),
        ("router=home&month=9000-01", 400, "not begun"),
        ("router=home&lang=de", 400, "lang"),
        ("router=home&format=pdf", 400, "format"),
        ("router=%ff", 400, "router"),
    ] {
        let (found, kind, body) = bridge.report(query, "").await;
        assert_eq!((found, kind.as_str()), (status, "application/problem+json"), "{query}");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["status"], status);
        assert!(problem["detail"].as_str().unwrap().contains(word), "{query}: {body}");
    }
}

#[tokio::test]
async fn the_current_month_and_one_of_which_nothing_is_known_are_reports_too() {
    let bridge = filled().await;
    // Its last poll vouches until now.
    let (status, _, body) = bridge.report("router=home&format=json", "").await;
    let values: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, values["router"].as_str()), (200, Some("home")));
    assert!(values["availability"]["observed_seconds"].as_f64().unwrap() >= 60.0, "{values}");
    for query in ["router=home&month=1999-01", "router=shed"] {
        let (status, _, page) = bridge.report(query, "").await;
        assert_eq!(status, 200);
        assert!(page.contains("Nothing was recorded"), "{page}");
    }
}

#[tokio::test]
async fn words_that_mean_harm_are_words() {
    let bridge = with_history("old").await;
    let long = "x".repeat(5000);
    let words = [
        "%27%20OR%201=1%20--",
        "%22;%20DROP%20TABLE%20drops;%20--",
        "%00",
        "%ff%fe",
        "%",
        "%zz",
        "..%2f..%2fetc%2fpasswd",
        "%3Cscript%3E",
        "{}",
        "%F0%9F%92%A9",
        "-1",
        "2026-11-31",
        &long,
    ];
    for name in ["router", "month", "lang", "format"] {
        for word in words {
            let rest = if name == "router" { "" } else { "&router=old" };
            let (status, kind, body) = bridge.report(&format!("{name}={word}{rest}"), word).await;
            assert!(matches!(status, 400 | 404), "{name}={word}: {status}");
            assert_eq!(kind, "application/problem+json");
            assert!(!body.contains("<script") || name == "router", "{body}");
        }
    }
}
