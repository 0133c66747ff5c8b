//! What the shell script before the exporter answers: whole answers, heads included, with
//! all that is wrong in them. Pure.
//!
//! Lines end in LF alone, no length is told (the connection's end is the answer's), the
//! list of events (oldest first) has commas too many and missing, numbers are strings,
//! times are local without a zone, and events have no numbers.

use std::fmt::Write;
use std::time::Duration;

use super::answers::{local_text, reconnects, tx_errors, zone};
use super::metrics::LIGHT_SENT;
use super::pings::{GATEWAY, TARGETS};
use super::state::State;

/// The answer that has everything.
pub(super) fn status(state: &mut State, now: Duration) -> Vec<u8> {
    state.settle(now);
    let (state, zone, line) = (&*state, zone(state), state.line());
    let shown = |value: Option<f64>| match value {
        Some(value) => format!("\"{value}\""),
        None => "\"N/A\"".to_owned(),
    };
    let pings = TARGETS[..GATEWAY].iter().enumerate().map(|(index, (target, _))| {
        let ping = state.readings.ping(index, &line);
        format!("      \"{target}\": {{\"rtt\": {}, \"loss\": \"{}\"}}", shown(ping.rtt), ping.loss)
    });
    let mut events = String::new();
    for (index, event) in state.queue.events().iter().enumerate() {
        // One too many or too few now and then, and one at the end.
        let commas = match index % 5 {
            1 => ",,",
            3 => "",
            _ => ",",
        };
        let time = local_text(event.at_ms, &zone);
        let (kind, message) = (&event.kind, &event.message);
        let fields = format!("\"time\":\"{time}\",\"type\":\"{kind}\",\"message\":\"{message}\"");
        writeln!(events, "    {{{fields}}}{commas}").ok();
    }
    let body = format!(
        "{{\n  \"timestamp\": \"{}\",\n  \"realtime\": {{\n    \"ping\": {{\n{}\n    }},\n    \
         \"wan_errors\": {{\"rx_errors\": \"0\", \"tx_errors\": \"{}\", \"rx_dropped\": \"0\", \
         \"tx_dropped\": \"0\"}},\n    \"optical_power\": {{\"rx\": {}, \"tx\": {}}},\n    \
         \"cpu_temp\": {},\n    \"wan_state\": \"{}\"\n  }},\n  \"events\": [\n{events}  ],\n  \
         \"summary\": {{\"pppoe_reconnect_count_24h\": \"{}\", \"wan_down_count_24h\": \"{}\"}}\n}}\n",
        local_text(state.clock_ms(now), &zone),
        pings.collect::<Vec<_>>().join(",\n"),
        tx_errors(state, now),
        shown(state.light()),
        shown(state.equipment.optics.then_some(LIGHT_SENT)),
        shown(state.equipment.temperature.then(|| state.readings.temperature())),
        state.wan().name(),
        reconnects(state, now),
        state.drops_of_day(now),
    );
    answer("200 OK", &body)
}

/// The answer for everything else.
pub(super) fn not_found() -> Vec<u8> {
    answer("404 Not Found", "{\"error\": \"Not Found\"}\n")
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    let head = "Content-Type: application/json\nAccess-Control-Allow-Origin: *\nConnection: close";
    format!("HTTP/1.1 {status}\n{head}\n\n{body}").into_bytes()
}
