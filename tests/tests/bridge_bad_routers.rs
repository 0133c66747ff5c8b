//! The bridge polls a good router and one of each bad kind. The good one is polled all the
//! while; of the bad ones nothing false is stored, each is said to be bad with the reason,
//! and none makes memory grow.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::ScopedJoinHandle;

use anyhow::{Context, Result, ensure};
use netmonitor_tests::bridge::Place;
use netmonitor_tests::fake_router::fleet::{Fleet, Settings};
use netmonitor_tests::fake_router::scenario::Action;
use netmonitor_tests::{built, clock};
use serde_json::Value;

/// The first.
const GOOD: usize = 0;
/// What the router does, and what the bridge says of it.
const USELESS: [(&str, &str); 13] = [
    ("huge", "more than 8388608 bytes"),
    ("drip", "no whole answer within 10s"),
    ("hang", "no whole answer within 10s"),
    ("reset", "the answer broke off"),
    ("noise", "the answer broke off or is not HTTP"),
    ("garbage", "answered something that is not a JSON object"),
    ("html", "answered a web page"),
    ("gzip", "Content-Encoding gzip"),
    ("gzip-bomb", "Content-Encoding gzip"),
    ("redirect", "302: sent elsewhere"),
    ("401", "401: it asks for a token"),
    ("503", "503: the agent failed"),
    ("offline 1h", "cannot connect"),
];
/// These are read, as far as there is something to read.
const ODD: [&str; 8] = [
    "deep",
    "long",
    "numbers",
    "twice",
    "new-stream THE-GOOD-ONE",
    "seq-back 3",
    "clock 1970-01-01T00:10:00",
    "clock 2100-01-01",
];
/// Some 30 MB of a debug build, and an answer of each router at a time: the largest that is
/// read has 8 MB, the others next to nothing.
const MAX_MEMORY_KB: u64 = 128 << 10;

fn name(router: usize) -> String {
    format!("router-{:04}", router + 1)
}

/// The good one each second; the others when they are asked for, and now and then.
fn settings(fleet: &Fleet) -> String {
    let mut text = String::new();
    for (router, url) in fleet.urls().iter().enumerate() {
        let pause = if router == GOOD { 1 } else { 30 };
        let name = name(router);
        writeln!(text, "[[router]]\nname = \"{name}\"\nurl = \"{url}\"\npoll_interval = {pause}")
            .ok();
    }
    text
}

/// Status and body, however long it takes.
fn ask(bridge: SocketAddr, target: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(bridge)?;
    stream.set_read_timeout(Some(clock::PATIENCE))?;
    write!(stream, "GET {target} HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let (_, body) = answer.split_once("\r\n\r\n").context("no end of the head")?;
    Ok((status.context("no status")?, body.to_owned()))
}

fn records(bridge: SocketAddr, path: &str, router: usize) -> Result<Vec<Value>> {
    let (status, body) = ask(bridge, &format!("{path}?limit=100000&router={}", name(router)))?;
    ensure!(status == 200, "{status}: {body}");
    let body: Value = serde_json::from_str(&body)?;
    Ok(body["records"].as_array().context("no records")?.clone())
}

fn act(fleet: &Fleet, router: usize, action: &str) -> Result<()> {
    let action: Action = action.parse().map_err(|error| anyhow::anyhow!("{action}: {error}"))?;
    fleet.act(router, &action);
    Ok(())
}

/// Messages and types that the router has told.
fn told(fleet: &Fleet, router: usize) -> BTreeMap<String, (String, f64)> {
    let rows = fleet.ledger().into_iter().filter(|row| row.router == name(router));
    rows.map(|row| (row.message, (row.kind, row.ts))).collect()
}

/// Every stored event was told, once; what the bridge itself has to say of losses aside.
fn assert_nothing_false(fleet: &Fleet, bridge: SocketAddr, router: usize) -> Result<()> {
    let (told, mut seen) = (told(fleet, router), BTreeSet::new());
    for event in records(bridge, "/api/events", router)? {
        let (kind, message) = (event["type"].as_str(), event["message"].as_str());
        let message = message.context("no message")?.to_owned();
        if kind != Some("events_lost") {
            let (expected, _) = told.get(&message).with_context(|| format!("false: {event}"))?;
            ensure!(kind == Some(expected), "{event}");
            ensure!(seen.insert(message), "twice: {event}");
        }
    }
    Ok(())
}

/// Has every event the time that its router gives it?
fn has_right_times(fleet: &Fleet, bridge: SocketAddr, router: usize) -> Result<bool> {
    let stored = records(bridge, "/api/events", router)?;
    let time = |message: &str| -> Option<f64> {
        let event = stored.iter().find(|event| event["message"] == *message)?;
        let time: jiff::Timestamp = event["event_time"].as_str()?.parse().ok()?;
        Some(time.as_second() as f64)
    };
    Ok(told(fleet, router)
        .iter()
        .all(|(message, (_, ts))| time(message).is_some_and(|time| (time - ts).abs() < 1.5)))
}

/// Its samples are of now, whatever time the router has.
fn assert_samples_are_of_now(bridge: SocketAddr, router: usize) -> Result<Vec<Value>> {
    let samples = records(bridge, "/api/history", router)?;
    ensure!(!samples.is_empty(), "{}: nothing was stored", name(router));
    for sample in &samples {
        let time: jiff::Timestamp = sample["timestamp"].as_str().context("no time")?.parse()?;
        let age_s = clock::unix_ms() as i64 / 1000 - time.as_second();
        ensure!((0..600).contains(&age_s), "{sample}");
    }
    Ok(samples)
}

/// What the series of this router add up to, those whose labels are wanted.
fn metric(
    bridge: SocketAddr,
    name: &str,
    router: usize,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<f64> {
    let (_, text) = ask(bridge, "/metrics")?;
    let start = format!("netmonitor_bridge_{name}{{router=\"{}\"", self::name(router));
    let series: Vec<&str> = text.lines().filter(|line| line.starts_with(&start)).collect();
    ensure!(!series.is_empty(), "no {start}: {text}");
    let wanted = series.iter().filter_map(|line| line.rsplit_once(' '));
    let values = wanted.filter(|(labels, _)| is_wanted(labels)).map(|(_, value)| value.parse());
    Ok(values.collect::<Result<Vec<f64>, _>>()?.iter().sum())
}

fn is_success(labels: &str) -> bool {
    labels.contains("result=\"success\"")
}

/// What the page says of the router.
fn row(page: &str, router: usize) -> Result<&str> {
    let start = format!("<td>{}<td", name(router));
    page.split("<tr>").find(|row| row.starts_with(&start)).context("no row")
}

/// Asks for a poll of each bad router, all at once; what comes is checked.
fn poll_all(bridge: SocketAddr) -> Result<()> {
    let poll = |router: usize| ask(bridge, &format!("/api/fetch_now?router={}", name(router)));
    std::thread::scope(|scope| {
        let polls: Vec<ScopedJoinHandle<'_, Result<()>>> = (0..USELESS.len() + ODD.len())
            .map(|index| {
                scope.spawn(move || {
                    let (status, body) = poll(index + 1)?;
                    let body: Value = serde_json::from_str(&body)?;
                    let Some((action, reason)) = USELESS.get(index) else {
                        ensure!(status == 200, "{}: {body}", ODD[index - USELESS.len()]);
                        return Ok(());
                    };
                    let error = body["error"].as_str().unwrap_or_default();
                    ensure!(status == 503 && error.contains(reason), "{action}: {status} {body}");
                    Ok(())
                })
            })
            .collect();
        polls.into_iter().try_for_each(|poll| match poll.join() {
            Ok(checked) => checked,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

#[test]
fn bad_routers_harm_nobody() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fleet = Fleet::start(Settings::quiet(1 + USELESS.len() + ODD.len()))?;
    let odd = |at: usize| 1 + USELESS.len() + at;
    std::fs::write(folder.path().join("routers.toml"), settings(&fleet))?;
    let mut good = netmonitor_tests::http_client::Client::connect(fleet.address())?;
    let good: Value = serde_json::from_str(good.get("/net/status")?)?;
    let stream = good["queue"]["stream"].as_str().context("no stream")?;
    for (index, (action, _)) in USELESS.iter().enumerate() {
        act(&fleet, index + 1, action)?;
    }
    for (index, action) in ODD.iter().enumerate() {
        // The others are odd from what was read on.
        if !action.starts_with("clock") && !action.starts_with("seq-back") {
            act(&fleet, odd(index), &action.replace("THE-GOOD-ONE", stream))?;
        }
    }
    for router in 0..odd(ODD.len()) {
        act(&fleet, router, "event pppoe_down x5")?;
    }

    let file = |name: &str| folder.path().join(name);
    let program = built::program("netmonitor-bridge")?;
    let (routers, database) = (file("routers.toml"), file("netmonitor.db"));
    let place = Place::of(&program, &routers, &database);
    let mut running = place.start()?.running;
    let bridge = running.address;
    poll_all(bridge)?;
    running.check_alive()?;
    // It was polled while others kept the bridge waiting.
    let samples = records(bridge, "/api/history", GOOD)?;
    ensure!(samples.len() >= 3, "only {} samples of the good router", samples.len());
    act(&fleet, GOOD, "event wan_down")?;
    clock::until("the good one's event", || {
        let events = records(bridge, "/api/events", GOOD)?;
        Ok(events.iter().any(|event| event["type"] == "wan_down"))
    })?;

    check_useless(&fleet, bridge)?;
    check_odd(&fleet, bridge, odd)?;
    for router in 0..odd(ODD.len()) {
        assert_nothing_false(&fleet, bridge, router)?;
    }
    running.check_alive()?;
    let peak = running.usage.peak_rss_kb()?;
    ensure!(peak < MAX_MEMORY_KB, "{peak} kB");
    Ok(())
}

/// Said to be bad with the reason, counted, and nothing stored.
fn check_useless(fleet: &Fleet, bridge: SocketAddr) -> Result<()> {
    let (_, page) = ask(bridge, "/")?;
    ensure!(row(&page, GOOD)?.contains("class=up>up"), "{page}");
    for (index, (action, reason)) in USELESS.iter().enumerate() {
        let router = index + 1;
        ensure!(row(&page, router)?.contains(reason), "{action}: {page}");
        ensure!(metric(bridge, "polls_total", router, |labels| !is_success(labels))? >= 1.0);
        let nothing = ["/api/history", "/api/ping_history", "/api/events"];
        for path in nothing {
            ensure!(records(bridge, path, router)?.is_empty(), "{action}: {path}");
        }
    }
    let followed: u64 = fleet.asked().iter().map(|asked| asked.followed).sum();
    assert_eq!(followed, 0, "redirects are not followed");
    Ok(())
}

/// Stored as far as it is true: of now, with the events that were told.
fn check_odd(fleet: &Fleet, bridge: SocketAddr, odd: impl Fn(usize) -> usize) -> Result<()> {
    for (index, action) in ODD.iter().enumerate() {
        let router = odd(index);
        clock::until(action, || {
            let stored = records(bridge, "/api/events", router)?;
            Ok(stored.iter().filter(|event| event["type"] == "pppoe_down").count() >= 5)
        })?;
        ensure!(metric(bridge, "polls_total", router, is_success)? >= 1.0, "{action}");
        let sample = assert_samples_are_of_now(bridge, router)?.remove(0);
        ensure!(sample["wan_state"] == "up", "{action}: {sample}");
        if *action == "numbers" {
            for (part, key) in [("wan_errors", "tx_errors"), ("optical_power", "rx")] {
                ensure!(sample[part][key].is_null(), "{sample}");
            }
            ensure!(sample["cpu_temp"].is_null(), "{sample}");
            let pings = records(bridge, "/api/ping_history", router)?;
            ensure!(!pings.is_empty(), "no targets");
            ensure!(pings.iter().all(|ping| ping["rtt"].is_null() && ping["loss"].is_null()));
        }
        if matches!(*action, "numbers" | "deep") {
            ensure!(metric(bridge, "values_skipped_total", router, |_| true)? >= 1.0, "{action}");
        }
        if action.starts_with("clock") || action.starts_with("seq-back") {
            act(fleet, router, action)?;
            act(fleet, router, "event wan_down")?;
        }
        if action.starts_with("clock") {
            // What a router says of its own events is kept as it says it.
            clock::until(action, || has_right_times(fleet, bridge, router))?;
        }
    }
    Ok(())
}
