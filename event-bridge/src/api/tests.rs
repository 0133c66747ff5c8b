//! Every path against a real store: shapes that old clients rely on, and refusals.

mod report;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use axum::response::Response;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::clock;
use crate::record::{Event, EventBatch, Millis, Ping, Sample, WanState};
use crate::routers::client::Timeouts;
use crate::routers::{Router as Polled, Secret};

pub(super) struct Bridge {
    router: Router,
    pub(super) store: Store,
    _dir: tempfile::TempDir,
}

fn polled(name: &str, token: Option<&str>) -> Polled {
    Polled {
        name: name.to_owned(),
        // Nobody listens there.
        url: "http://127.0.0.1:9".to_owned(),
        token: token.map(|token| Secret::new(token.to_owned())),
        labels: BTreeMap::from([("site".to_owned(), "berlin".to_owned())]),
        poll_interval: Duration::from_secs(60),
    }
}

fn bridge(read_token: Option<&str>) -> Bridge {
    with_settings(|config| config.read_token = read_token.map(str::to_owned))
}

pub(super) fn with_settings(change: impl FnOnce(&mut Config)) -> Bridge {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("netmonitor.db");
    let (store, _) = Store::open(&database, clock::now()).unwrap();
    let mut config = Config {
        routers: Vec::new(),
        routers_file: None,
        database: (&database).into(),
        retention: crate::history::retention::Retention {
            rows_days: 30,
            hours_days: 730,
            max_bytes: None,
            at: jiff::civil::time(3, 0, 0, 0),
        },
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: None,
        read_token: None,
        api_token: None,
        cors_origin: Some("http://page.example".to_owned()),
        grafana_url: Some("http://grafana.example".to_owned()),
    };
    change(&mut config);
    let routers = vec![polled("home", None), polled("shed", Some("s3cret"))];
    let views = Views {
        config,
        routers: Routers::of(routers),
        store: store.clone(),
        client: Client::new(Timeouts::default(), clock::now).unwrap(),
        metrics: Metrics::new(),
        zone: TimeZone::posix("CST-8").unwrap(),
    };
    Bridge { router: router(Arc::new(views)), store, _dir: dir }
}

pub(super) fn sample(at: Millis, wan_state: WanState, loss: f64) -> Sample {
    let ping = |target: &str, rtt_ms| Ping {
        target: target.to_owned(),
        rtt_ms,
        loss_percent: Some(loss),
        sent_total: None,
        lost_total: None,
    };
    Sample {
        at,
        wan_state,
        rx_errors: Some(1),
        tx_errors: Some(2),
        rx_dropped: Some(3),
        tx_dropped: None,
        optical_rx_dbm: Some(-18.52),
        optical_tx_dbm: None,
        cpu_celsius: Some(52.8),
        pppoe_reconnects_24h: Some(4),
        wan_downs_24h: Some(5),
        pings: vec![ping("192.0.2.1", Some(6.2)), ping("198.51.100.1", None)],
    }
}

/// Two samples with two targets each, and three events, within the last minutes.
pub(super) async fn filled() -> Bridge {
    let bridge = bridge(None);
    let home = bridge.store.router("home").await.unwrap();
    let now = clock::now();
    for (age_s, state, loss) in [(120, WanState::Down, 100.0), (60, WanState::Up, 0.0)] {
        let sample = sample(now - age_s * 1000, state, loss);
        bridge.store.put_sample(home, sample).await.unwrap();
    }
    let kinds = ["wan_down", "pppoe_down", "wan_up"];
    let events = kinds.iter().zip(1..).map(|(kind, seq)| Event {
        seq: Some(seq),
        at: now - 90_000 + seq as i64,
        kind: (*kind).to_owned(),
        message: format!("{kind} <b>\"quoted\"</b>"),
        detail: (seq == 1).then(|| json!({ "interface": "wan" })),
    });
    let batch = EventBatch {
        stream: "s".to_owned(),
        revision: 0,
        events: events.collect(),
        next_seq: 4,
        missed: Some(0),
        unreadable: Vec::new(),
    };
    bridge.store.put_events(home, batch, now).await.unwrap();
    bridge
}

impl Bridge {
    pub(super) async fn ask(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Of the bridge itself, without labels.
    async fn metric(&self, name: &str) -> f64 {
        let (_, metrics) = self.get("/metrics").await;
        let metrics = metrics.as_str().unwrap();
        let name = format!("netmonitor_bridge_{name} ");
        let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
        value.unwrap_or_else(|| panic!("{name}: {metrics}")).parse().unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.ask(Request::get(path).body(Body::empty()).unwrap()).await;
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        (status, body)
    }
}

#[track_caller]
pub(super) fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_history_has_samples_pings_events_and_the_router() {
    let bridge = filled().await;
    let (status, body) = bridge.get("/api/history").await;
    assert_eq!(status, 200);
    assert_eq!(body["status"], "success");
    assert_eq!(body["total"], 2);
    assert_eq!(body["router"], json!({ "ip": "127.0.0.1", "port": 9 }));
    let record = &body["records"][0];
    assert_eq!(record["wan_state"], "up", "newest first");
    assert_eq!(record["optical_power"], json!({ "rx": -18.52, "tx": null }));
    assert_eq!(record["cpu_temp"], 52.8);
    let errors = json!({ "rx_errors": 1, "tx_errors": 2, "rx_dropped": 3, "tx_dropped": null });
    assert_eq!(record["wan_errors"], errors);
    let counts = json!({ "pppoe_reconnect_count_24h": 4, "wan_down_count_24h": 5 });
    assert_eq!(record["summary"], counts);
    assert!(record["timestamp"].as_str().unwrap().ends_with("+08:00"));
    assert!(record["id"].as_i64().unwrap() > 0);
    assert_eq!(body["ping"].as_array().unwrap().len(), 4);
    assert_eq!(keys(&body["ping"][0]), ["id", "loss", "router", "rtt", "target", "timestamp"]);
    assert_eq!(body["events"][0]["type"], "wan_up");
    assert_eq!(body["events"][2]["detail"], json!({ "interface": "wan" }));

    let (_, body) = bridge.get("/api/history?limit=1&offset=1").await;
    assert_eq!((body["total"].as_u64(), body["records"].as_array().unwrap().len()), (Some(2), 1));
    assert_eq!(body["records"][0]["wan_state"], "down");
    let (_, body) = bridge.get("/api/history?hours=0.02").await;
    assert_eq!(body["total"], 1, "72 s back");
}

#[tokio::test]
async fn pings_and_events_are_filtered() {
    let bridge = filled().await;
    let count = |body: &Value| body["records"].as_array().unwrap().len();
    let (_, body) = bridge.get("/api/ping_history?target=192.0.2.1").await;
    assert_eq!(count(&body), 2);
    assert_eq!(
        (&body["records"][0]["rtt"], &body["records"][1]["loss"]),
        (&json!(6.2), &json!(100.0))
    );
    let (_, body) = bridge.get("/api/events?type=pppoe_down").await;
    assert_eq!((body["status"].as_str(), count(&body)), (Some("success"), 1));
    assert_eq!(body["records"][0]["message"], "pppoe_down <b>\"quoted\"</b>");
    let (_, body) = bridge.get("/api/events?limit=2").await;
    assert_eq!(count(&body), 2);
    let (_, body) = bridge.get("/api/events?router=shed").await;
    assert_eq!(count(&body), 0);
    let (_, body) = bridge.get("/api/events?type='%20OR%201=1--").await;
    assert_eq!(count(&body), 0, "a word like any other");
}

#[tokio::test]
async fn a_summary_has_the_mean_loss() {
    let bridge = filled().await;
    let (status, body) = bridge.get("/api/stats/summary?hours=24").await;
    assert_eq!(status, 200);
    let expected = json!({ "status": "success", "summary": {
        "total_records": 2, "wan_availability": 50.0, "packet_loss_rate": 50.0,
        "avg_cpu_temp": 52.8, "pppoe_events": 1, "wan_events": 2, "monitoring_hours": 24,
    }});
    assert_eq!(body, expected);
    let (_, body) = bridge.get("/api/stats/summary?router=shed").await;
    assert_eq!(body["summary"]["avg_cpu_temp"], Value::Null);
    assert_eq!(body["summary"]["total_records"], 0);
}

#[tokio::test]
async fn nonsense_is_refused_with_a_reason() {
    let bridge = filled().await;
    for path in [
        "/api/history?hours=-1",
        "/api/history?hours=abc",
        "/api/history?limit=1e9",
        "/api/history?limit=abc",
        "/api/history?offset=-1",
        "/api/ping_history?limit=99999999999999999999",
        "/api/events?limit=-5",
        "/api/stats/summary?hours=NaN",
    ] {
        let (status, body) = bridge.get(path).await;
        assert_eq!(status, 400, "{path}: {body}");
        assert_eq!(keys(&body), ["error"], "{path}");
    }
    for path in ["/api/history?router=nobody", "/api/v1nowhere", "/nowhere"] {
        let (status, body) = bridge.get(path).await;
        assert_eq!((status, keys(&body)), (404, vec!["error"]), "{path}");
    }
    let (status, body) = bridge.get("/api/v1/routers/nobody/metrics").await;
    assert_eq!((status, &body["code"]), (404, &json!("not_found")));
    let answer = bridge.ask(Request::delete("/api/events").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), 405);
}

#[tokio::test]
async fn a_router_that_does_not_answer_is_said_so() {
    let bridge = filled().await;
    let (status, body) = bridge.get("/api/status").await;
    assert_eq!((status, keys(&body)), (503, vec!["error"]));
    let (status, body) = bridge.get("/api/v1/routers/shed/metrics").await;
    assert_eq!((status, &body["code"]), (502, &json!("router_failed")));
    assert!(!body.to_string().contains("s3cret"));
}

#[tokio::test]
async fn a_router_that_is_polled_no_more_keeps_its_history() {
    let bridge = filled().await;
    let old = bridge.store.router("old").await.unwrap();
    let sample = sample(clock::now() - 1000, WanState::Up, 0.0);
    bridge.store.put_sample(old, sample).await.unwrap();
    let (status, body) = bridge.get("/api/history?router=old").await;
    assert_eq!((status, &body["total"]), (200, &json!(1)));
    assert_eq!(body["router"], json!({ "ip": null, "port": null }));
    assert_eq!(bridge.get("/api/status?router=old").await.0, 404);
}

#[tokio::test]
async fn prometheus_finds_every_router_and_no_token() {
    let bridge = filled().await;
    let request = Request::get("/api/v1/sd").header(header::HOST, "nas.lan:5000");
    let answer = bridge.ask(request.body(Body::empty()).unwrap()).await;
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let groups: Value = serde_json::from_slice(&bytes).unwrap();
    let label = |at: usize, name: &str| groups[at]["labels"][name].as_str().unwrap().to_owned();
    assert_eq!(groups[0]["targets"], json!(["127.0.0.1:9"]));
    assert_eq!(label(0, "__metrics_path__"), "/metrics");
    assert_eq!((label(0, "router"), label(0, "site")), ("home".into(), "berlin".into()));
    assert_eq!(groups[1]["targets"], json!(["nas.lan:5000"]));
    assert_eq!(label(1, "__metrics_path__"), "/api/v1/routers/shed/metrics");
    assert_eq!(label(1, "instance"), "127.0.0.1");
    assert!(!groups.to_string().contains("s3cret"));
}

#[tokio::test]
async fn the_read_token_is_asked_for_everywhere_but_at_the_probes() {
    let bridge = bridge(Some("t0ken"));
    for path in ["/", "/health", "/api/events", "/api/v1/sd", "/metrics", "/nowhere"] {
        let refused = bridge.ask(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(refused.status(), 401, "{path}");
        assert!(refused.headers().contains_key(header::WWW_AUTHENTICATE));
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(bridge.get(path).await.0, 200, "{path}");
    }
    // `:t0ken` in base 64.
    for authorization in ["Bearer t0ken", "Basic OnQwa2Vu"] {
        let request = Request::get("/api/events").header(header::AUTHORIZATION, authorization);
        let answer = bridge.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), 200, "{authorization}");
    }
}

#[tokio::test]
async fn the_page_and_the_metrics_are_there() {
    let bridge = filled().await;
    let (status, page) = bridge.get("/").await;
    let page = page.as_str().unwrap();
    assert_eq!(status, 200);
    for part in ["<td>home<td", "<td>shed<td", "everything is stored", "http://grafana.example"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // A proxy may have it below a path: `/bridge/`.
    assert!(page.contains("href=api/history") && !page.contains("href=/"), "{page}");
    let (_, health) = bridge.get("/health").await;
    assert_eq!(health["status"], "healthy");
    let (_, metrics) = bridge.get("/metrics").await;
    let metrics = metrics.as_str().unwrap();
    for name in [
        "build_info",
        "database_bytes",
        "database_set_aside_total",
        "poll_duration_seconds",
        "wal_bytes",
        "write_queue_length",
    ] {
        assert!(metrics.contains(&format!("netmonitor_bridge_{name}")), "{name}: {metrics}");
    }
    assert!(
        metrics.contains("# TYPE netmonitor_bridge_events_stored_total counter\n"),
        "{metrics}"
    );
    let value = |name: &str| -> f64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name}: {metrics}")).parse().unwrap()
    };
    assert!(value("netmonitor_bridge_disk_free_bytes") > 0.0);
    assert!(!metrics.contains("database_limit_bytes"), "there is no MAX_DB_SIZE: {metrics}");
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
    assert!(value("process_cpu_seconds_total") >= 0.0);
    assert!(value("process_open_fds") < value("process_max_fds"));
    let started = value("process_start_time_seconds");
    let now = jiff::Timestamp::now().as_second() as f64;
    assert!((now - 86_400.0..now + 1.0).contains(&started), "{started}, now {now}");
}

#[tokio::test]
async fn the_limit_of_the_database_is_that_of_the_clean_up() {
    let bridge = with_settings(|config| config.retention.max_bytes = Some(5_000_000));
    // Opened, and nothing written yet.
    let empty = bridge.metric("database_used_bytes").await;
    let extent = bridge.store.extent().await.unwrap();
    assert_eq!(empty, extent.used_bytes as f64);
    assert_eq!(bridge.metric("database_limit_bytes").await, 5_000_000.0);
    let home = bridge.store.router("home").await.unwrap();
    for minute in 0..500 {
        let sample = sample(minute * 60_000, WanState::Up, 0.0);
        bridge.store.put_sample(home, sample).await.unwrap();
    }
    let filled = bridge.metric("database_used_bytes").await;
    assert!(filled > empty, "{filled}, empty {empty}");
    // What is deleted is free: the file stays as large, and is less used.
    while bridge.store.roll_up(clock::now(), 100).await.unwrap() > 0 {}
    while bridge.store.delete_rows(480 * 60_000, 100).await.unwrap() > 0 {}
    let used = bridge.metric("database_used_bytes").await;
    assert_eq!(used, bridge.store.extent().await.unwrap().used_bytes as f64);
    assert!(used < filled, "{used}, filled {filled}");
}

#[tokio::test]
async fn a_browser_may_read_for_the_page_of_the_settings() {
    let bridge = filled().await;
    let answer = bridge.ask(Request::options("/api/events").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "http://page.example");
}
