//! Alertmanager's webhook, and what is listed of it.

use super::*;

/// A webhook with one alert, of this number.
pub(super) fn firing(name: &str, number: u32) -> Value {
    json!({
        "version": "4", "receiver": "bridge", "status": "firing", "notification_reason": "new",
        "alerts": [{
            "status": "firing", "fingerprint": format!("{number:016x}"),
            "labels": { "alertname": name, "router": "home", "severity": "critical" },
            "annotations": { "summary": "the line is down" },
            "startsAt": "2025-02-12T02:34:00.5Z", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "",
        }],
    })
}

pub(super) async fn post(
    bridge: &Bridge,
    body: &str,
    token: Option<&str>,
) -> (Response<()>, String) {
    let request = Request::post("/api/v1/alerts").header("content-type", "application/json");
    let request = match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    };
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let (parts, body) = bridge.ask(request).await.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn the_same_webhook_ten_times_is_stored_once_for_each_state() {
    let bridge = with_settings(|_| ());
    let mut told = firing("WanDown", 1);
    for time in 0..10 {
        let (head, body) = post(&bridge, &told.to_string(), None).await;
        let expected = format!("{{\"received\":1,\"stored\":{}}}", u8::from(time == 0));
        assert_eq!((head.status().as_u16(), body), (200, expected));
    }
    told["alerts"][0]["status"] = "resolved".into();
    told["alerts"][0]["endsAt"] = "2025-02-12T02:44:00Z".into();
    for _ in 0..10 {
        assert_eq!(post(&bridge, &told.to_string(), None).await.0.status(), 200);
    }
    let (rows, _) = page(&bridge, "/api/v1/alerts").await;
    assert_eq!(rows.len(), 2);
    let mut newest = rows[0].clone();
    for own in ["id", "received"] {
        newest.as_object_mut().unwrap().remove(own);
    }
    let expected = json!({
        "status": "resolved", "name": "WanDown", "router": "home",
        "severity": "critical", "starts_at": "2025-02-12T02:34:00.500Z",
        "ends_at": "2025-02-12T02:44:00.000Z", "fingerprint": "0000000000000001",
        "labels": { "alertname": "WanDown", "router": "home", "severity": "critical" },
        "annotations": { "summary": "the line is down" },
    });
    assert_eq!(newest, expected);
    assert_eq!(rows[1]["ends_at"], Value::Null);
}

#[tokio::test]
async fn alerts_are_filtered_and_paged() {
    let bridge = with_settings(|_| ());
    for number in 0..5 {
        let name = if number == 3 { "Loss" } else { "WanDown" };
        post(&bridge, &firing(name, number).to_string(), None).await;
    }
    for (query, count) in [
        ("name=Loss", 1),
        ("router=home", 5),
        ("router=other", 0),
        ("status=firing", 5),
        ("status=resolved", 0),
        ("from=1h", 5),
        ("to=1h", 0),
    ] {
        let (rows, _) = page(&bridge, &format!("/api/v1/alerts?{query}")).await;
        assert_eq!(rows.len(), count, "{query}");
    }
    let (first, next) = page(&bridge, "/api/v1/alerts?limit=3").await;
    let next = next.unwrap();
    let (rest, last) = page(&bridge, &format!("/api/v1/alerts?limit=3&cursor={next}")).await;
    assert_eq!((first.len(), rest.len(), last), (3, 2, None));
    assert_eq!((&first[0]["id"], &rest[1]["id"]), (&json!(5), &json!(1)));
}

#[tokio::test]
async fn what_is_no_webhook_is_refused_and_nothing_of_it_is_stored() {
    let bridge = with_settings(|_| ());
    let mut half = firing("WanDown", 1);
    let mut bad = half["alerts"][0].clone();
    bad.as_object_mut().unwrap().remove("startsAt");
    half["alerts"].as_array_mut().unwrap().push(bad);
    for body in ["", "{}", "[]", "{\"version\":\"4\"}", "\u{0}", &half.to_string()] {
        let (head, answer) = post(&bridge, body, None).await;
        assert_eq!(head.status(), 400, "{body}: {answer}");
        assert!(answer.contains("\"bad_body\""), "{answer}");
    }
    let (head, answer) = post(&bridge, &" ".repeat((1 << 20) + 1), None).await;
    assert_eq!(head.status(), 413, "{answer}");
    assert!(answer.contains("\"body_too_large\""), "{answer}");
    // One that does not say how long it is.
    let chunk = || Ok::<_, std::convert::Infallible>(vec![b' '; 1 << 16]);
    let endless = futures_util::stream::repeat_with(chunk);
    let request = Request::post("/api/v1/alerts").body(Body::from_stream(endless)).unwrap();
    assert_eq!(bridge.ask(request).await.status(), 413);
    assert_eq!(page(&bridge, "/api/v1/alerts").await.0.len(), 0);
}

#[tokio::test]
async fn writing_has_a_token_of_its_own() {
    let told = firing("WanDown", 1).to_string();
    let tokens = |read: Option<&str>, api: Option<&str>| {
        let (read, api) = (read.map(str::to_owned), api.map(str::to_owned));
        with_settings(move |config| (config.read_token, config.api_token) = (read, api))
    };
    for (read, api, given, status) in [
        (None, None, None, 200),
        (None, Some("w"), None, 401),
        (None, Some("w"), Some("w"), 200),
        (Some("r"), Some("w"), Some("r"), 401),
        (Some("r"), Some("w"), Some("w"), 200),
        (Some("r"), None, None, 401),
        (Some("r"), None, Some("r"), 200),
    ] {
        let bridge = tokens(read, api);
        let (head, body) = post(&bridge, &told, given).await;
        assert_eq!(head.status(), status, "{read:?} {api:?} {given:?}: {body}");
    }
    // Reading and polling need none of it.
    let bridge = tokens(None, Some("w"));
    assert_eq!(bridge.get("/api/v1/alerts").await.0, 200);
    assert_eq!(bridge.get("/api/fetch_now").await.0, 503, "nobody polls in this test");
}
