//! `/net/line`: the line at a glance, for a page that asks again every few seconds.
//!
//! Small however many events are kept, which `/net/status` is not: its keys are those of the
//! old agent. Asked for by the subcommand `line`, and through it by LuCI's page.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::events::Shown;
use super::failure;
use super::legacy_status::{milliseconds, one_decimal, seconds};
use crate::clock;
use crate::collectors::optical;
use crate::collectors::pppoe;
use crate::events::event::Moment;
use crate::exporter::Views;
use crate::outages::Verdict;
use crate::outages::vocabulary::{Cause, Side};
use crate::probes::ping::Watched;

/// What somebody looks through before scrolling.
const SHOWN_EVENTS: usize = 20;

#[derive(Debug, Serialize)]
struct Line<'a> {
    version: &'static str,
    /// Local time of the router.
    time: String,
    internet: &'static str,
    wan: &'static str,
    /// `null` where the line does not dial.
    pppoe: Option<&'static str>,
    ping: Vec<Ping<'a>>,
    /// `null` without optics that can be read.
    light: Option<Light>,
    /// Degrees Celsius.
    cpu_temp: Option<f64>,
    /// Newest first, at most one goes on.
    outages: Vec<Outage>,
    /// Newest first.
    events: Vec<Shown<'a>>,
}

/// Of the last 60 s, as in `/net/status`.
#[derive(Debug, Serialize)]
struct Ping<'a> {
    target: &'a str,
    scope: &'static str,
    rtt: Option<f64>,
    loss: Option<f64>,
}

/// dBm.
#[derive(Debug, Serialize)]
struct Light {
    source: &'static str,
    rx: Option<f64>,
    tx: Option<f64>,
    signal: Option<bool>,
    /// Of the received power, set by the module's maker.
    low_alarm: Option<f64>,
    low_warning: Option<f64>,
    high_warning: Option<f64>,
    high_alarm: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Outage {
    /// Local time of the router.
    time: String,
    /// So far, of one that goes on.
    seconds: f64,
    ongoing: bool,
    cause: Cause,
    side: Side,
}

pub(super) async fn show(State(views): State<Arc<Views>>) -> Response {
    match body(&views) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => failure(StatusCode::INTERNAL_SERVER_ERROR, "the line could not be written"),
    }
}

fn body(views: &Views) -> serde_json::Result<String> {
    let config = views.config.now();
    let zone = clock::local_zone(&views.roots);
    let now = clock::unix_time();
    let snapshot = views.events.snapshot();
    let targets = views.targets.all();
    let state = |is_up: bool| if is_up { "up" } else { "down" };
    let internet = views.targets.internet_is_up(&config, clock::monotonic());
    let wan = views.wan.last_known();
    let device = config.pppoe_device.as_deref();
    let device = device.map(|device| pppoe::device(&views.roots, device, wan.as_deref()));
    let last = snapshot.events.iter().rev().take(SHOWN_EVENTS);
    serde_json::to_string(&Line {
        version: crate::VERSION,
        time: clock::local_text(now, &zone),
        internet: internet.map_or("unknown", state),
        wan: views.wan_state().name(),
        pppoe: device.filter(|device| device.is_present).map(|device| state(device.is_up)),
        ping: targets.iter().map(|watched| Ping::of(watched)).collect(),
        light: views.optical.sample().map(|sample| Light::of(&sample)),
        cpu_temp: views.thermal.sample().map(|thermal| one_decimal(thermal.celsius)),
        outages: outages(views),
        events: last.map(|event| Shown::of(event, &zone)).collect(),
    })
}

fn outages(views: &Views) -> Vec<Outage> {
    let zone = clock::local_zone(&views.roots);
    let now = Moment { unix: clock::unix_time(), boot: Some(clock::since_boot()) };
    let (verdict, standing) =
        views.outages.with_outages(|detector, standing| (detector.verdict(), Arc::clone(standing)));
    let outage = |began: Moment, verdict: Verdict| Outage {
        time: clock::local_text(now.back_to(began).unix, &zone),
        seconds: 0.0,
        ongoing: false,
        cause: verdict.cause,
        side: verdict.side,
    };
    let open = standing.open.as_ref().zip(verdict).map(|((_, began), verdict)| Outage {
        seconds: seconds(now.unix.saturating_sub(now.back_to(*began).unix)),
        ongoing: true,
        ..outage(*began, verdict)
    });
    let past = standing.past.iter().rev().map(|ended| Outage {
        seconds: seconds(ended.duration(now)),
        ..outage(ended.began, ended.verdict)
    });
    open.into_iter().chain(past).collect()
}

impl<'a> Ping<'a> {
    fn of(watched: &'a Watched) -> Self {
        let minute = watched.with(|history| history.minute(clock::monotonic()));
        Self {
            target: &watched.target.host,
            scope: watched.target.scope.label(),
            rtt: minute.and_then(|minute| minute.rtt).map(|rtt| milliseconds(rtt.mean)),
            loss: minute.map(|minute| one_decimal(minute.loss_percent)),
        }
    }
}

impl Light {
    fn of(sample: &optical::Sample) -> Self {
        let limits = sample.receive_thresholds;
        Self {
            source: sample.source,
            rx: sample.receive_dbm.map(one_decimal),
            tx: sample.transmit_dbm.map(one_decimal),
            signal: sample.signal_detected,
            low_alarm: limits.low_alarm.map(one_decimal),
            low_warning: limits.low_warning.map(one_decimal),
            high_warning: limits.high_warning.map(one_decimal),
            high_alarm: limits.high_alarm.map(one_decimal),
        }
    }
}
