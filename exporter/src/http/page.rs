//! `/`: a small page for people, which needs nothing but itself.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::clock;
use crate::collectors::CollectError;
use crate::events::event::Moment;
use crate::exporter::Views;
use crate::outages;
use crate::probes::ping::Watched;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:40rem;\
    padding:0 1rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;\
    padding:.2rem .6rem .2rem 0;border-bottom:1px solid #8884}.up{color:#187a2f}\
    .down{color:#b3261e;font-weight:bold}@media(prefers-color-scheme:dark){body{background:#111;\
    color:#ddd}a{color:#8ab4f8}.up{color:#6fcf7f}.down{color:#ff8a80}}";

/// What fits on a phone.
const SHOWN_EVENTS: usize = 10;

pub(super) async fn show(State(views): State<Arc<Views>>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    (headers, page(&views)).into_response()
}

fn page(views: &Views) -> String {
    let config = views.config.now();
    let internet = match views.targets.internet_is_up(&config, clock::monotonic()) {
        Some(true) => "up",
        Some(false) => "down",
        None => "unknown",
    };
    let wan = views.wan_state().name();
    let time = clock::local_text(clock::unix_time(), &clock::local_zone(&views.roots));
    let light = match views.optical.result() {
        Ok(optical) => match (optical.receive_dbm, optical.signal_detected) {
            (Some(dbm), _) => format!("{dbm:.1} dBm"),
            (None, Some(false)) => "no light".to_owned(),
            (None, Some(true) | None) => "not told by the module".to_owned(),
        },
        Err(error) => absent(&error).to_owned(),
    };
    let cpu = match views.thermal.result() {
        Ok(thermal) => format!("{:.1} °C", thermal.celsius),
        Err(error) => absent(&error).to_owned(),
    };

    let rows: String = views.targets.all().iter().map(|watched| row(watched)).collect();
    let (outages, events) = (outages_of(views), events(views));
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <title>netmonitor: internet {internet}</title><style>{STYLE}</style>\
         <h1>netmonitor</h1>\
         <table><tr><th>Internet<td class={internet}>{internet}\
         <tr><th>WAN<td class={wan}>{wan}\
         <tr><th>Light received<td>{light}<tr><th>CPU<td>{cpu}<tr><th>Router's time<td>{time}</table>\
         <h2>Pings of the last minute</h2>\
         <table><tr><th>Target<th>Answers after<th>Lost{rows}</table>\
         <h2>Outages</h2>{outages}\
         <h2>Last events</h2>{events}\
         <p><a href=/metrics>/metrics</a> for Prometheus · <a href=/net/status>/net/status</a> as \
         JSON · <a href=/net/events>/net/events</a> · <a href=/healthz>/healthz</a><p>Version {} ({})</html>",
        crate::VERSION,
        crate::REVISION,
    )
}

/// The outage that goes on and the last ones that are over, or that there was none.
fn outages_of(views: &Views) -> String {
    let zone = clock::local_zone(&views.roots);
    let now = Moment { unix: clock::unix_time(), boot: Some(clock::since_boot()) };
    let when = |at: Moment| clock::local_text(now.back_to(at).unix, &zone);
    let (verdict, standing) =
        views.outages.with_outages(|detector, standing| (detector.verdict(), Arc::clone(standing)));
    if standing.open.is_none() && standing.past.is_empty() {
        return "<p>None recorded.".to_owned();
    }
    let mut rows = String::from("<table><tr><th>From<th>For<th>Why");
    // Writing to a String cannot fail.
    if let (Some((_, began)), Some(verdict)) = (&standing.open, verdict) {
        write!(rows, "<tr><td>{}<td class=down>now<td>", when(*began)).ok();
        escape_into(&mut rows, outages::words(verdict));
    }
    for ended in standing.past.iter().rev() {
        let lasted = outages::span(ended.duration(now));
        write!(rows, "<tr><td>{}<td>{lasted}<td>", when(ended.began)).ok();
        escape_into(&mut rows, outages::words(ended.verdict));
    }
    rows + "</table>"
}

/// The newest events, or that there was none.
fn events(views: &Views) -> String {
    let zone = clock::local_zone(&views.roots);
    let snapshot = views.events.snapshot();
    if snapshot.events.is_empty() {
        return "<p>None recorded.".to_owned();
    }
    let mut rows = String::from("<table><tr><th>When<th>What");
    for event in snapshot.events.iter().rev().take(SHOWN_EVENTS) {
        rows.push_str("<tr><td>");
        rows.push_str(&clock::local_text(event.at.unix, &zone));
        rows.push_str("<td>");
        escape_into(&mut rows, &event.message);
    }
    rows + "</table>"
}

/// Why there is no value, in two words.
fn absent(error: &CollectError) -> &'static str {
    match error {
        CollectError::NotAvailable(_) => "not on this device",
        CollectError::Failed(_) => "cannot be read",
    }
}

fn row(watched: &Watched) -> String {
    let mut row = String::from("<tr><td>");
    escape_into(&mut row, &watched.target.host);
    let minute = watched.with(|history| history.minute(clock::monotonic()));
    let rtt = minute.and_then(|minute| minute.rtt);
    let rtt = rtt.map_or("–".into(), |rtt| format!("{:.1} ms", rtt.mean.as_secs_f64() * 1000.0));
    let loss = minute.map_or("–".into(), |minute| format!("{:.1} %", minute.loss_percent));
    // Writing to a String cannot fail.
    write!(row, "<td>{rtt}<td>{loss}").ok();
    row
}

fn escape_into(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
}
