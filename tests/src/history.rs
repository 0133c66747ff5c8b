//! A database as the bridge has it after thirty days, written through its own store.

use std::path::Path;

use anyhow::Result;
use netmonitor_bridge::record::{Event, EventBatch, Millis, Ping, Sample, WanState};
use netmonitor_bridge::store::{RouterId, Store};
use serde_json::json;
use tokio::task::JoinSet;

use crate::clock;
use crate::random::Random;

/// A sample a minute.
pub const SAMPLES: u32 = 30 * 24 * 60;
/// Of each sample one ping each.
pub const TARGETS: [&str; 3] = ["8.8.8.8", "1.1.1.1", "223.5.5.5"];
/// Of each router.
pub const EVENTS: u32 = 5000;

/// Every so many events begin an outage, which the next one ends: 200 in thirty days.
const PER_OUTAGE: u64 = 25;
const HOURS_AT_ONCE: u64 = 1000;

const MINUTE_MS: Millis = 60_000;
const MESSAGE: &str =
    "PPPoE session on pppoe-wan established, address 203.0.113.7, peer 198.51.100.1";

/// Writes the thirty days before now of so many routers, in the order in which it would have
/// come, under the names that fake routers have.
///
/// # Errors
/// When it cannot be written.
pub fn write(database: &Path, routers: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let now = Millis::try_from(clock::unix_ms())?;
    runtime.block_on(async {
        let (store, _) = Store::open(database, now)?;
        let mut writing = JoinSet::new();
        for number in 1..=routers {
            let router = store.router(&format!("router-{number:04}")).await?;
            let random = Random::new(number as u64);
            writing.spawn(write_router(store.clone(), router, random, now));
        }
        while let Some(written) = writing.join_next().await {
            written??;
        }
        // As a bridge that runs has done it.
        while store.roll_up(now, HOURS_AT_ONCE).await? > 0 {}
        store.close().await;
        Ok(())
    })
}

async fn write_router(
    store: Store,
    router: RouterId,
    mut random: Random,
    now: Millis,
) -> Result<()> {
    let start = now - Millis::from(SAMPLES + 1) * MINUTE_MS;
    // As a router is polled somewhere in the minute, some milliseconds late.
    let phase = random.number(0..60_000);
    let mut told = 0;
    for minute in 0..SAMPLES {
        let at = start + Millis::from(minute) * MINUTE_MS;
        let late = Millis::try_from(phase + random.number(0..50))?;
        store.put_sample(router, sample(at + late, minute, &mut random)).await?;
        let due = u64::from(minute + 1) * u64::from(EVENTS) / u64::from(SAMPLES);
        while told < due {
            told += 1;
            store.put_events(router, batch(told, at), at + 300).await?;
        }
    }
    Ok(())
}

fn sample(at: Millis, minute: u32, random: &mut Random) -> Sample {
    let mut ping = |target: &str| Ping {
        target: target.to_owned(),
        rtt_ms: Some(8.0 + random.number(0..600) as f64 / 10.0),
        loss_percent: Some(if random.number(0..20) == 0 { 1.7 } else { 0.0 }),
        sent_total: Some(u64::from(minute) * 60),
        lost_total: Some(u64::from(minute) / 4),
    };
    Sample {
        at,
        wan_state: WanState::Up,
        pings: TARGETS.iter().map(|target| ping(target)).collect(),
        rx_errors: Some(u64::from(minute) / 100),
        tx_errors: Some(u64::from(minute) / 600),
        rx_dropped: Some(0),
        tx_dropped: Some(0),
        optical_rx_dbm: Some(-20.0 + random.number(0..80) as f64 / 100.0),
        optical_tx_dbm: Some(2.1),
        cpu_celsius: Some(45.0 + random.number(0..150) as f64 / 10.0),
        pppoe_reconnects_24h: Some(1),
        wan_downs_24h: Some(1),
    }
}

/// With one event, told within a second.
fn batch(seq: u64, at: Millis) -> EventBatch {
    let session = json!({ "interface": "wan", "device": "pppoe-wan" });
    let outage = |number: u64| json!({ "outage": format!("s-{number}"), "cause": "beyond_gateway", "side": "provider" });
    let (kind, detail) = match seq % PER_OUTAGE {
        0 => ("outage_start", outage(seq)),
        1 if seq > 1 => ("outage_end", outage(seq - 1)),
        _ => ("pppoe_up", session),
    };
    let event = Event {
        seq: Some(seq),
        at,
        kind: kind.to_owned(),
        message: MESSAGE.to_owned(),
        detail: Some(detail),
    };
    EventBatch {
        stream: "5ba0c1de5ba0c1de".to_owned(),
        revision: 0,
        events: vec![event],
        next_seq: seq + 1,
        missed: Some(0),
        unreadable: Vec::new(),
    }
}
