//! What the exporter answers as JSON: `/net/status` and `/net/events`, as in `docs/http.md`.
//! Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde::Serialize;

use super::cursor::Cursor;
use super::ledger::Detail;
use super::metrics::LIGHT_SENT;
use super::pings::{GATEWAY, TARGETS};
use super::queue::{Kept, seconds};
use super::state::State;

#[derive(Serialize)]
struct Status<'a> {
    timestamp: String,
    realtime: Realtime,
    /// Newest first.
    events: Vec<Shown<'a>>,
    summary: Summary,
    queue: QueueState<'a>,
}

#[derive(Serialize)]
struct Realtime {
    ping: BTreeMap<&'static str, Ping>,
    wan_errors: WanErrors,
    optical_power: OpticalPower,
    cpu_temp: Option<f64>,
    wan_state: &'static str,
}

#[derive(Serialize)]
struct Ping {
    rtt: Option<f64>,
    loss: f64,
    min: Option<f64>,
    max: Option<f64>,
    sent_total: u64,
    lost_total: u64,
}

#[derive(Serialize)]
struct WanErrors {
    rx_errors: u64,
    tx_errors: u64,
    rx_dropped: u64,
    tx_dropped: u64,
}

#[derive(Serialize)]
struct OpticalPower {
    rx: Option<f64>,
    tx: Option<f64>,
}

#[derive(Serialize)]
struct Summary {
    pppoe_reconnect_count_24h: usize,
    wan_down_count_24h: usize,
}

#[derive(Serialize)]
struct QueueState<'a> {
    stream: &'a str,
    oldest_seq: u64,
    next_seq: u64,
    revision: u64,
    boot_id: String,
    started_at: f64,
}

#[derive(Serialize)]
struct Page<'a> {
    stream: &'a str,
    revision: u64,
    events: Vec<Shown<'a>>,
    next_seq: u64,
    oldest_seq: u64,
    missed: Option<u64>,
    boot_id: String,
    uptime: f64,
    time: f64,
    time_synced: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    time: String,
    #[serde(rename = "type")]
    kind: &'a str,
    message: &'a str,
    seq: u64,
    ts: f64,
    #[serde(skip_serializing_if = "Detail::is_empty")]
    detail: &'a Detail,
}

impl<'a> Shown<'a> {
    fn of(event: &'a Kept, zone: &TimeZone) -> Self {
        Self {
            time: local_text(event.at_ms, zone),
            kind: &event.kind,
            message: &event.message,
            seq: event.seq,
            ts: seconds(event.at_ms),
            detail: &event.detail,
        }
    }
}

/// A router's local time.
pub(super) fn zone(state: &State) -> TimeZone {
    let offset = Offset::from_seconds(state.zone_minutes * 60).unwrap_or(Offset::UTC);
    TimeZone::fixed(offset)
}

pub(super) fn local_text(ms: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_second(ms.div_euclid(1000)).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Errors of the WAN device: they grow slowly, and with every drop.
pub(super) fn tx_errors(state: &State, now: Duration) -> u64 {
    state.uptime(now).as_secs() / 600 + 3 * state.lost_sessions()
}

/// Packets that too little light has damaged.
pub(super) fn rx_errors(state: &State) -> u64 {
    state.readings.device.damaged
}

pub(super) fn reconnects(state: &State, now: Duration) -> usize {
    state.drops_of_day(now).saturating_sub(usize::from(state.is_session_down()))
}

/// The body of `/net/status`.
pub(super) fn status(state: &mut State, now: Duration) -> serde_json::Result<Vec<u8>> {
    state.settle(now);
    let (state, zone, line) = (&*state, zone(state), state.line());
    let pings = TARGETS[..GATEWAY].iter().enumerate().map(|(index, (target, _))| {
        let ping = state.readings.ping(index, &line);
        let (rtt, min, max, loss) = (ping.rtt, ping.min, ping.max, ping.loss);
        let (sent_total, lost_total) = (ping.sent_total, ping.lost_total);
        (*target, Ping { rtt, loss, min, max, sent_total, lost_total })
    });
    let queue = &state.queue;
    serde_json::to_vec(&Status {
        timestamp: local_text(state.clock_ms(now), &zone),
        realtime: Realtime {
            ping: pings.collect(),
            wan_errors: WanErrors {
                rx_errors: rx_errors(state),
                tx_errors: tx_errors(state, now),
                rx_dropped: 0,
                tx_dropped: 0,
            },
            optical_power: OpticalPower {
                rx: state.light(),
                tx: state.equipment.optics.then_some(LIGHT_SENT),
            },
            cpu_temp: state.equipment.temperature.then(|| state.readings.temperature()),
            wan_state: state.wan().name(),
        },
        events: queue.events().iter().rev().map(|event| Shown::of(event, &zone)).collect(),
        summary: Summary {
            pppoe_reconnect_count_24h: reconnects(state, now),
            wan_down_count_24h: state.drops_of_day(now),
        },
        queue: QueueState {
            stream: &queue.stream,
            oldest_seq: queue.oldest_seq(),
            next_seq: queue.next_seq,
            revision: queue.revision,
            boot_id: state.boot_id(),
            started_at: seconds(state.booted_ms()),
        },
    })
}

/// The body of `/net/events`.
pub(super) fn events(state: &State, cursor: &Cursor, now: Duration) -> serde_json::Result<Vec<u8>> {
    let (queue, zone) = (&state.queue, zone(state));
    let (page, missed) = queue.page(cursor);
    serde_json::to_vec(&Page {
        stream: &queue.stream,
        revision: queue.revision,
        events: page.map(|event| Shown::of(event, &zone)).collect(),
        next_seq: queue.next_seq,
        oldest_seq: queue.oldest_seq(),
        missed,
        boot_id: state.boot_id(),
        uptime: state.uptime(now).as_millis() as f64 / 1000.0,
        time: seconds(state.clock_ms(now)),
        time_synced: state.is_clock_right(),
    })
}
