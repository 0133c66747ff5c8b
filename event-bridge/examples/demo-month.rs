//! Fills a new database with a believable month of one router, to look at the report and the
//! paths without waiting for one: `cargo run -p netmonitor-bridge --example demo-month -- FILE
//! [2026-10]`. Without a month it is the last one. Everything is made up, and the same each
//! time.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use netmonitor_bridge::record::{Event, EventBatch, Millis, Ping, Sample, WanState};
use netmonitor_bridge::store::{RouterId, Store};
use serde_json::{Map, Value};

const SECOND: Millis = 1000;
const MINUTE: Millis = 60 * SECOND;
const DAY: Millis = 24 * 60 * MINUTE;

/// A drop: day of the month (0: the last before it), time of day, seconds, cause, side, and
/// what speaks for it.
type Story = (i64, &'static str, f64, &'static str, &'static str, Facts);
type Facts = &'static [(&'static str, &'static str)];

const SESSION_ENDED: Facts = &[
    ("signs", "ended_by_provider +0.0 s, session_over +0.1 s, wan_lost +0.4 s"),
    ("carrier", "kept"),
    ("gateway", "answered 0 of 10, silent +0.3 s"),
    ("lcp_echo", "answered 0 of 4, silent +0.3 s"),
    ("light_before", "-19.87 dBm"),
    ("light_within", "-19.86 dBm"),
    ("light_after", "-19.87 dBm"),
];
const SERVER_SILENT: Facts = &[
    ("signs", "echo_timeout +20.3 s, session_over +20.4 s"),
    ("carrier", "kept"),
    ("gateway", "answered 0 of 10, silent +0.0 s"),
    ("lcp_echo", "answered 0 of 4, silent +0.2 s"),
    ("light_before", "-19.91 dBm"),
    ("light_within", "-19.90 dBm"),
    ("light_after", "-19.92 dBm"),
];
const BEHIND_IT: Facts = &[
    ("carrier", "kept"),
    ("gateway", "answered 10 of 10"),
    ("lcp_echo", "answered 4 of 4"),
    ("dns", "answered 0 of 3, silent +1.1 s"),
    ("light_before", "-19.88 dBm"),
    ("light_within", "-19.88 dBm"),
];
const FIBRE: Facts = &[
    ("signs", "carrier_lost +0.1 s, session_over +0.4 s, wan_down +0.5 s"),
    ("carrier", "lost +0.1 s"),
    ("wan_down", "+0.5 s"),
    ("gateway", "answered 0 of 10, silent +0.0 s"),
    ("lcp_echo", "answered 0 of 4, silent +0.0 s"),
    ("light_before", "-27.61 dBm"),
    ("light_within", "none"),
    ("light_after", "-19.42 dBm"),
];
const CABLE: Facts = &[
    ("signs", "carrier_lost +0.0 s, session_over +0.3 s, wan_down +0.3 s"),
    ("carrier", "lost +0.0 s"),
    ("gateway", "answered 0 of 10, silent +0.0 s"),
];
const REDIAL: Facts = &[
    ("signs", "scheduled -0.6 s, switched_off -0.1 s, ended_here +0.0 s, session_over +0.1 s"),
    ("carrier", "kept"),
];
const NO_ANSWER: Facts = &[
    ("signs", "session_over +0.2 s, no_access_server +9.1 s"),
    ("carrier", "kept"),
    ("gateway", "answered 0 of 10, silent +0.0 s"),
];
const NEXT_HOP: Facts = &[
    ("carrier", "kept"),
    ("gateway", "answered 0 of 4, silent +0.0 s"),
    ("light_before", "-19.90 dBm"),
    ("light_within", "-19.91 dBm"),
];

/// By time; those at most three minutes apart become one outage.
const STORIES: [Story; 19] = [
    (0, "23:51:40", 1040.0, "access_server_silent", "provider", SERVER_SILENT),
    (3, "02:14:07", 247.3, "provider_terminated", "provider", SESSION_ENDED),
    (5, "19:32:11", 48.1, "beyond_gateway", "provider", BEHIND_IT),
    (8, "07:03:22", 71.0, "router_restart", "house", &[("restarted", "yes")]),
    (11, "20:14:55", 36.9, "access_server_silent", "provider", SERVER_SILENT),
    (11, "20:16:40", 212.4, "access_server_silent", "provider", SERVER_SILENT),
    (11, "20:22:03", 9.7, "gateway", "provider", NEXT_HOP),
    (14, "15:10:36", 33.2, "gateway", "provider", NEXT_HOP),
    (16, "21:47:19", 12.6, "beyond_gateway", "provider", BEHIND_IT),
    (20, "06:41:20", 8273.5, "optical_signal", "line", FIBRE),
    (22, "12:30:44", 94.8, "local_link", "house", CABLE),
    (24, "04:00:05", 6.2, "planned_redial", "house", REDIAL),
    (26, "23:12:50", 664.0, "discovery", "unknown", NO_ANSWER),
    (27, "19:58:02", 4.4, "gateway", "provider", NEXT_HOP),
    (27, "20:31:37", 21.5, "beyond_gateway", "provider", BEHIND_IT),
    (27, "20:44:10", 15.3, "beyond_gateway", "provider", BEHIND_IT),
    (27, "22:05:58", 3.6, "gateway", "provider", NEXT_HOP),
    (28, "03:22:41", 129.9, "provider_terminated", "provider", SESSION_ENDED),
    (28, "20:09:14", 57.0, "beyond_gateway", "provider", BEHIND_IT),
];

/// Nobody watched: day, begin and end as minutes of the day; the bridge was off, or the router
/// did not answer it.
const OFF: (i64, Millis, Millis) = (14, 13 * 60 + 5, 17 * 60 + 42);
const UNREACHABLE: (i64, Millis, Millis) = (23, 9 * 60 + 10, 9 * 60 + 31);

#[derive(Clone)]
struct Drop {
    story: Story,
    start: Millis,
    until: Millis,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: demo-month FILE [YEAR-MONTH]";
    let file = arguments.next().context(usage)?;
    ensure!(!Path::new(&file).exists(), "{file} is there already; name a new file");
    let zone = TimeZone::system();
    let now = Timestamp::now();
    let month = match arguments.next() {
        Some(month) => format!("{month}-01").parse::<Date>().context(usage)?,
        None => now.to_zoned(zone.clone()).date().first_of_month() - 1.month(),
    };
    // In the zone of the report, so that the times of day are what they are to be.
    let millis = |date: Date| -> Result<Millis> {
        Ok(date.to_zoned(zone.clone())?.timestamp().as_millisecond())
    };
    let start: Millis = millis(month)?;
    let until = (millis(month + 1.month())? + 20 * MINUTE).min(now.as_millisecond());
    let (store, _) = Store::open(Path::new(&file), start)?;
    let router = store.router("home").await?;
    let drops: Vec<Drop> = STORIES.iter().map(|story| drop(story, start)).collect::<Result<_>>()?;
    let drops: Vec<Drop> = drops.into_iter().filter(|drop| drop.until < until).collect();
    tell(&store, router, &drops).await?;
    let minutes: Vec<Millis> = (start - 30 * MINUTE..until)
        .step_by(MINUTE as usize)
        .filter(|at| is_watched(start, *at))
        .collect();
    for some in minutes.chunks(1000) {
        let samples = some.iter().map(|at| sample(start, *at, &drops));
        try_join_all(samples.map(|sample| store.put_sample(router, sample))).await?;
    }
    let (day, from, to) = UNREACHABLE;
    let at = |minute: Millis| start + (day - 1) * DAY + minute * MINUTE;
    if at(to) < until {
        store.put_gap(router, at(from), at(to)).await?;
    }
    while store.roll_up(until + DAY, 200).await? > 0 {}
    store.close().await;
    println!(
        "{file}: {} to {}",
        Timestamp::from_millisecond(start)?,
        Timestamp::from_millisecond(until)?
    );
    println!("/api/v1/report?month={:04}-{:02}", month.year(), month.month());
    Ok(())
}

fn drop(story: &Story, start: Millis) -> Result<Drop> {
    let (day, time, seconds, ..) = *story;
    let time: jiff::civil::Time = time.parse()?;
    let second = Millis::from(time.hour()) * 3600
        + Millis::from(time.minute()) * 60
        + Millis::from(time.second());
    let start = start + (day - 1) * DAY + second * SECOND;
    Ok(Drop { story: *story, start, until: start + (seconds * 1000.0) as Millis })
}

fn is_watched(start: Millis, at: Millis) -> bool {
    let minute = (at - start) / MINUTE;
    let is_in = |(day, from, to): (i64, Millis, Millis)| {
        ((day - 1) * 24 * 60 + from..(day - 1) * 24 * 60 + to).contains(&minute)
    };
    !is_in(OFF) && !is_in(UNREACHABLE)
}

/// The events of the drops, as a router tells them.
async fn tell(store: &Store, router: RouterId, drops: &[Drop]) -> Result<()> {
    let mut events = Vec::new();
    for (drop, number) in drops.iter().zip(1_u64..) {
        let (_, _, _, cause, side, facts) = drop.story;
        let lasted = format!("{:.3}", (drop.until - drop.start) as f64 / 1000.0);
        let mut detail: Map<String, Value> = Map::new();
        let name = format!("demo-{number}");
        for (key, value) in [("outage", name.as_str()), ("cause", cause), ("side", side)] {
            detail.insert(key.to_owned(), value.into());
        }
        events.push((drop.start, "outage_start", "The internet is gone", detail.clone()));
        detail.insert("duration_seconds".to_owned(), lasted.into());
        for (key, value) in facts {
            detail.insert((*key).to_owned(), (*value).into());
        }
        events.push((drop.until, "outage_end", "The internet is back", detail));
    }
    let events: Vec<Event> = events
        .into_iter()
        .zip(1_u64..)
        .map(|((at, kind, message, detail), seq)| Event {
            seq: Some(seq),
            at,
            kind: kind.to_owned(),
            message: message.to_owned(),
            detail: Some(Value::Object(detail)),
        })
        .collect();
    let received = events.last().map_or(0, |event| event.at);
    let batch = EventBatch {
        stream: "demo".to_owned(),
        revision: 0,
        next_seq: events.len() as u64 + 1,
        events,
        missed: Some(0),
        unreadable: Vec::new(),
    };
    store.put_events(router, batch, received).await?;
    Ok(())
}

/// The minute before `at`.
fn sample(start: Millis, at: Millis, drops: &[Drop]) -> Sample {
    let minute = at.div_euclid(MINUTE);
    let down: Millis =
        drops.iter().map(|drop| (drop.until.min(at) - drop.start.max(at - MINUTE)).max(0)).sum();
    let is_in = |drop: &&Drop| drop.start <= at && at < drop.until;
    let cause = drops.iter().find(is_in).map(|drop| drop.story.3);
    let has_session = matches!(cause, None | Some("beyond_gateway" | "gateway"));
    let hour = (at - start).rem_euclid(DAY) as f64 / (60 * MINUTE) as f64;
    // Busy evenings.
    let evening = 4.0 * (-((hour - 20.5) / 1.8).powi(2)).exp();
    let lost = down as f64 / MINUTE as f64 * 100.0;
    let ping = |target: &str, rtt: f64, salt: i64| {
        let noise = noise(minute, salt);
        let stray = if noise > 0.995 - evening / 400.0 { 1.7 } else { 0.0 };
        let rtt = (lost < 99.0).then_some(rtt + evening * (0.5 + noise) + 0.8 * noise);
        Ping {
            target: target.to_owned(),
            rtt_ms: rtt,
            loss_percent: Some(lost.max(stray)),
            sent_total: None,
            lost_total: None,
        }
    };
    Sample {
        at,
        wan_state: if has_session { WanState::Up } else { WanState::Down },
        rx_errors: Some(0),
        tx_errors: Some(0),
        rx_dropped: Some(0),
        tx_dropped: Some(0),
        optical_rx_dbm: light(start, at, cause),
        optical_tx_dbm: Some(2.1),
        cpu_celsius: Some(51.0 + 3.0 * noise(minute / 30, 3)),
        pppoe_reconnects_24h: Some(0),
        wan_downs_24h: Some(0),
        pings: vec![ping("198.51.100.1", 8.3, 1), ping("192.0.2.1", 11.6, 2)],
    }
}

/// A splice gives way in the three days before the fibre is dark; then it is mended.
fn light(start: Millis, at: Millis, cause: Option<&str>) -> Option<f64> {
    if cause == Some("optical_signal") {
        return None;
    }
    let days = (at - start) as f64 / DAY as f64;
    let level = match days {
        days if days < 16.3 => -19.9,
        days if days < 19.279 => -19.9 - 7.7 * ((days - 16.3) / 2.979).powi(2),
        _ => -19.4,
    };
    Some(level + 0.06 * noise(at.div_euclid(MINUTE), 4))
}

/// 0 to 1, the same for the same numbers.
fn noise(minute: i64, salt: i64) -> f64 {
    let mut bits = (minute as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (salt as u64) << 17;
    bits = (bits ^ bits >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((bits ^ bits >> 29) >> 11) as f64 / (1_u64 << 53) as f64
}
