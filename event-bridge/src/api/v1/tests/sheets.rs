//! Lists as CSV.

use super::*;

#[tokio::test]
async fn every_list_is_a_sheet_with_a_header() {
    let bridge = filled().await;
    for list in LISTS {
        let (head, body) = get(&bridge, &format!("/api/v1/{list}?format=csv"), "*/*").await;
        assert_eq!(head.status(), 200, "{list}");
        assert_eq!(head.headers()["content-type"], "text/csv; charset=utf-8; header=present");
        assert!(head.headers()["content-disposition"].to_str().unwrap().contains(list));
        assert!(body.ends_with("\r\n"), "{list}: {body}");
        let mut reader = csv::Reader::from_reader(body.as_bytes());
        let width = reader.headers().unwrap().len();
        assert!(width > 3, "{list}: {body}");
        assert!(reader.records().all(|line| line.unwrap().len() == width), "{list}: {body}");
    }
}

#[tokio::test]
async fn the_accept_header_decides_unless_the_format_is_named() {
    let bridge = filled().await;
    for (accept, query, is_csv) in [
        ("text/csv", "", true),
        ("text/csv;q=0.9, application/json;q=0.1", "", true),
        ("application/json, text/csv", "", false),
        ("*/*", "", false),
        ("text/csv", "?format=json", false),
        ("application/json", "?format=csv", true),
    ] {
        let (head, _) = get(&bridge, &format!("/api/v1/events{query}"), accept).await;
        let kind = head.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind.starts_with("text/csv"), is_csv, "{accept} {query}: {kind}");
        assert_eq!(head.headers()["vary"], "Accept");
    }
}

#[tokio::test]
async fn a_sheet_without_a_limit_has_everything() {
    let bridge = with_settings(|_| ());
    let events = (0..1500).map(|n| event(n + 1, HOUR_BEGIN + n as Millis, "test")).collect();
    told(&bridge, "home", events).await;
    let (_, body) = get(&bridge, "/api/v1/events?format=csv&bom=1", "*/*").await;
    assert!(body.starts_with("\u{feff}id,router,time,"), "{}", &body[..40]);
    assert_eq!(body.lines().count(), 1501);
    let (head, body) = get(&bridge, "/api/v1/events?format=csv&limit=1000", "*/*").await;
    assert_eq!(body.lines().count(), 1001);
    let next = head.headers()["x-next-cursor"].to_str().unwrap();
    let path = format!("/api/v1/events?format=csv&limit=1000&cursor={next}");
    let (head, body) = get(&bridge, &path, "*/*").await;
    assert_eq!(body.lines().count(), 501);
    assert!(!head.headers().contains_key("x-next-cursor"));
}

#[tokio::test]
async fn what_a_router_tells_is_no_formula() {
    let bridge = with_settings(|_| ());
    let evil = Event { message: "=1+1,\"x\"\nnext".to_owned(), ..event(1, HOUR_BEGIN, "@cmd") };
    told(&bridge, "home", vec![evil]).await;
    let (_, body) = get(&bridge, "/api/v1/events?format=csv", "*/*").await;
    let (_, rest) = body.split_once("Z,'@cmd,").unwrap();
    assert_eq!(rest, "\"'=1+1,\"\"x\"\"\nnext\",,s-home,1\r\n");
}
