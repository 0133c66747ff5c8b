//! Everything that goes wrong under `/api/v1` is a problem as of RFC 9457.

use axum::http::Method;

use super::*;

#[track_caller]
fn assert_problem(head: &Response<()>, body: &str, status: u16, code: &str, asked: &str) {
    assert_eq!(head.status(), status, "{asked}: {body}");
    assert_eq!(head.headers()["content-type"], "application/problem+json", "{asked}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(keys(&body), ["code", "detail", "instance", "status", "title", "type"], "{asked}");
    assert_eq!((&body["status"], &body["code"]), (&json!(status), &json!(code)), "{asked}");
}

#[tokio::test]
async fn parameters_that_make_no_sense_are_refused() {
    let bridge = filled().await;
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=1e2",
        "from=yesterday",
        "to=-1",
        "from=2025-02-30T00:00:00Z",
        "from=1h&to=2h",
        "format=xml",
        "bom=yes",
        "cursor=AAAA",
        "router=%00",
        "from=99999999999999999999",
    ] {
        for list in ["events", "samples", "pings", "hourly", "outages", "alerts"] {
            let path = format!("/api/v1/{list}?{query}");
            let (head, body) = get(&bridge, &path, "*/*").await;
            assert_problem(&head, &body, 400, "bad_parameter", &path);
            let name = query.split('=').next().unwrap();
            assert!(body.contains(&format!("\"detail\":\"{name}: ")), "{path}: {body}");
        }
    }
    let (head, body) = get(&bridge, "/api/v1/alerts?status=odd", "*/*").await;
    assert_problem(&head, &body, 400, "bad_parameter", "status");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let bridge = filled().await;
    for path in [
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v1/events/",
        "/api/v1/events?router=nobody",
        "/api/v1/outages/99",
        "/api/v1/outages/x",
        "/api/v1/outages/-1",
        "/api/v1/outages/99999999999999999999",
        "/api/v1/outages/%ff",
        "/api/v1/routers/nobody/metrics",
    ] {
        let (head, body) = get(&bridge, path, "text/csv").await;
        assert_problem(&head, &body, 404, "not_found", path);
    }
    for (method, path) in [
        (Method::DELETE, "/api/v1/alerts"),
        (Method::POST, "/api/v1/events"),
        (Method::PUT, "/api/v1/sd"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let (parts, body) = bridge.ask(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(parts.headers.contains_key("allow"), "{path}");
        let head = Response::from_parts(parts, ());
        assert_problem(&head, &body, 405, "method_not_allowed", path);
    }
}

#[tokio::test]
async fn a_token_that_is_missing_is_a_problem() {
    let bridge = with_settings(|config| config.read_token = Some("t0ken".to_owned()));
    for path in ["/api/v1/events", "/api/v1/nothing", "/api/v1/sd"] {
        let (head, body) = get(&bridge, path, "*/*").await;
        assert_problem(&head, &body, 401, "token_needed", path);
        assert!(head.headers().contains_key("www-authenticate"));
    }
}

#[tokio::test]
async fn a_body_where_none_is_taken_is_a_problem() {
    let bridge = filled().await;
    let request = Request::get("/api/v1/events").body(Body::from("x".repeat(2000))).unwrap();
    let (parts, body) = bridge.ask(request).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let head = Response::from_parts(parts, ());
    assert_problem(&head, &String::from_utf8_lossy(&body), 413, "body_too_large", "2 kB");
}

#[tokio::test]
async fn a_store_that_has_ended_is_a_problem() {
    let bridge = filled().await;
    let hooked = super::alerts::firing("WanDown", 1);
    bridge.store.close().await;
    let (head, body) = super::alerts::post(&bridge, &hooked.to_string(), None).await;
    assert_problem(&head, &body, 503, "store_unavailable", "alerts");
}
