//! What a router's `/metrics` has: every family of `docs/metrics.md`, but for what the router
//! has not got. Pure.

use std::time::Duration;

use super::answers;
use super::exposition::{Samples, closed_list, flag};
use super::pings::TARGETS;
use super::queue::seconds;
use super::readings::{LOOK_UP_EVERY, Traffic};
use super::scenario::WanState;
use super::state::State;

/// From the start of the router to that of the exporter.
const START_SECONDS: u64 = 22;
/// The lower device of the WAN, its PPPoE device and the interface of both.
const DEVICE: &str = "eth1";
const SESSION: &str = "pppoe-wan";
const INTERFACE: &str = "interface=\"wan\"";
/// A gigabit.
const SPEED_BYTES: f64 = 125e6;
const RESOLVER: &str = "server=\"192.0.2.53\"";
/// Between LCP echo requests, lines of the log and scrapes.
const ECHO_EVERY: u64 = 5;
const LOG_LINE_EVERY: u64 = 30;
const SCRAPE_EVERY: u64 = 15;
/// What an optical module of class B+ has, in dBm.
const LIGHT_LIMITS: [(&str, f64); 4] =
    [("low_alarm", -28.5), ("low_warning", -27.0), ("high_warning", -8.0), ("high_alarm", -7.0)];
/// Light that is sent, in dBm.
pub(super) const LIGHT_SENT: f64 = 2.3;
/// The detector calls it a degradation from there on.
const MUCH_LOSS_PERCENT: u8 = 20;

/// All samples of a moment. Counters depend on the moment and not on who asks before.
pub(super) fn samples(state: &mut State, now: Duration) -> Samples {
    state.settle(now);
    let mut samples = Samples::default();
    let to = &mut samples;
    to.add("netmonitor_build_info", "version=\"0.0.0\",revision=\"fake\"", 1.0);
    wan(to, state, now);
    devices(to, state, now);
    if state.equipment.optics {
        optics(to, state);
    }
    pings(to, state);
    if state.equipment.lcp {
        lcp(to, state);
    }
    if state.equipment.dns {
        look_ups(to, state);
    }
    router(to, state, now);
    events(to, state, now);
    outages(to, state);
    exporter(to, state, now);
    samples
}

fn wan(to: &mut Samples, state: &State, now: Duration) {
    let (is_up, pppoe) = (state.wan() == WanState::Up, state.equipment.pppoe);
    if state.wan() != WanState::Unknown {
        to.add("netmonitor_wan_up", INTERFACE, flag(is_up));
    }
    if is_up {
        to.plain("netmonitor_wan_uptime_seconds", state.wan_uptime(now).as_secs_f64());
    }
    let proto = if pppoe { "pppoe" } else { "dhcp" };
    let labels = format!("{INTERFACE},device=\"{DEVICE}\",proto=\"{proto}\"");
    to.add("netmonitor_wan_info", labels, 1.0);
    if pppoe {
        to.add("netmonitor_pppoe_up", format!("interface=\"{SESSION}\""), flag(is_up));
    }
    to.is("netmonitor_internet_up", state.line().answers(0));
}

type Value = fn(&Traffic) -> u64;

fn devices(to: &mut Samples, state: &State, now: Duration) {
    let failed = answers::tx_errors(state, now);
    let device = Traffic { failed, ..state.readings.device };
    let mut devices = vec![(format!("device=\"{DEVICE}\""), device)];
    if state.equipment.pppoe && state.wan() == WanState::Up {
        devices.push((format!("device=\"{SESSION}\""), state.readings.session));
    }
    let values: [(_, Value); 8] = [
        ("netmonitor_interface_receive_bytes_total", |of| of.received),
        ("netmonitor_interface_receive_packets_total", |of| Traffic::packets(of.received)),
        ("netmonitor_interface_receive_errors_total", |of| of.damaged),
        ("netmonitor_interface_receive_dropped_total", |of| {
            Traffic::packets(of.received) / 900_000
        }),
        ("netmonitor_interface_transmit_bytes_total", |of| of.sent),
        ("netmonitor_interface_transmit_packets_total", |of| Traffic::packets(of.sent)),
        ("netmonitor_interface_transmit_errors_total", |of| of.failed),
        ("netmonitor_interface_transmit_dropped_total", |of| Traffic::packets(of.sent) / 400_000),
    ];
    for (family, value) in values {
        for (device, traffic) in &devices {
            to.add(family, device.clone(), value(traffic) as f64);
        }
    }
    let (device, downs) = (&devices[0].0, state.carrier_losses() as f64);
    let has_carrier = state.has_carrier();
    to.add("netmonitor_interface_carrier_up_total", device.clone(), downs + flag(has_carrier));
    to.add("netmonitor_interface_carrier_down_total", device.clone(), downs);
    to.add("netmonitor_interface_carrier", device.clone(), flag(has_carrier));
    if has_carrier {
        to.add("netmonitor_interface_speed_bytes", device.clone(), SPEED_BYTES);
    }
}

fn optics(to: &mut Samples, state: &State) {
    let source = "source=\"eeprom\"";
    let readings = &state.readings;
    if let Some(received) = state.light() {
        to.add("netmonitor_optical_receive_power_dbm", source, received);
    }
    to.add("netmonitor_optical_transmit_power_dbm", source, LIGHT_SENT);
    to.is("netmonitor_optical_signal_detected", state.light().is_some());
    let celsius = 44.0 + readings.part(7, 6.0);
    to.plain("netmonitor_optical_temperature_celsius", celsius);
    to.plain("netmonitor_optical_voltage_volts", 3.27);
    to.plain("netmonitor_optical_bias_amperes", 0.0108);
    for (level, limit) in LIGHT_LIMITS {
        let labels = format!("level=\"{level}\"");
        to.add("netmonitor_optical_receive_power_threshold_dbm", labels, limit);
    }
}

fn pings(to: &mut Samples, state: &State) {
    let tallies = &state.readings.pings.tallies;
    let labels = TARGETS.map(|(target, scope)| format!("target=\"{target}\",scope=\"{scope}\""));
    for (labels, tally) in labels.iter().zip(tallies) {
        to.histogram("netmonitor_ping_rtt_seconds", labels, &tally.times);
    }
    let second = state.readings.second();
    for (family, value) in [
        ("netmonitor_ping_requests_total", tallies.each_ref().map(|tally| tally.requests)),
        ("netmonitor_ping_lost_total", tallies.each_ref().map(|tally| tally.lost)),
        ("netmonitor_ping_send_errors_total", [0; TARGETS.len()]),
        ("netmonitor_ping_late_replies_total", [0; TARGETS.len()]),
        ("netmonitor_ping_duplicate_replies_total", [0; TARGETS.len()]),
        (
            "netmonitor_ping_longest_loss_seconds",
            tallies.each_ref().map(|tally| tally.longest_loss(second)),
        ),
    ] {
        for (labels, value) in labels.iter().zip(value) {
            to.add(family, labels.clone(), value as f64);
        }
    }
    for (labels, tally) in labels.iter().zip(tallies) {
        if let Some(micros) = tally.last_micros {
            let family = "netmonitor_ping_last_rtt_seconds";
            to.add(family, labels.clone(), micros as f64 / 1e6);
        }
    }
}

/// The access server answers as long as the next hop does: it is that.
fn lcp(to: &mut Samples, state: &State) {
    let line = state.line();
    if line.is_up && line.has_gateway {
        let seconds = (2.0 + state.readings.part(8, 4.0)) / 1000.0;
        to.plain("netmonitor_lcp_echo_rtt_seconds", seconds);
    }
    let lost = state.readings.outage_seconds / (ECHO_EVERY * 4);
    to.plain("netmonitor_lcp_echo_lost_total", lost as f64);
}

fn look_ups(to: &mut Samples, state: &State) {
    let readings = &state.readings;
    to.histogram("netmonitor_dns_lookup_seconds", RESOLVER, &readings.look_ups);
    let (asked, failed) =
        (readings.observed_seconds / LOOK_UP_EVERY, readings.outage_seconds / LOOK_UP_EVERY);
    to.add("netmonitor_dns_lookups_total", RESOLVER, asked as f64);
    to.add("netmonitor_dns_failures_total", RESOLVER, failed as f64);
}

fn router(to: &mut Samples, state: &State, now: Duration) {
    let readings = &state.readings;
    let busy = state.line().busy(readings.second());
    if state.equipment.temperature {
        let sensor = "sensor=\"cpu-thermal\"";
        to.add("netmonitor_cpu_temperature_celsius", sensor, readings.temperature());
    }
    to.plain("netmonitor_conntrack_entries", (400.0 + busy * 2600.0).round());
    to.plain("netmonitor_conntrack_entries_limit", 65536.0);
    to.plain("netmonitor_memory_total_bytes", 1_036_189_696.0);
    let taken = 260e6 + busy * 60e6 + readings.part(9, 40e6);
    to.plain("netmonitor_memory_available_bytes", (1_036_189_696.0 - taken).round());
    to.plain("netmonitor_load1", ((0.08 + busy * 0.4) * 100.0).round() / 100.0);
    to.plain("netmonitor_time_seconds", seconds(state.clock_ms(now)));
    to.is("netmonitor_time_synced", state.is_clock_right());
    to.plain("netmonitor_boot_time_seconds", seconds(state.booted_ms()));
}

fn events(to: &mut Samples, state: &State, now: Duration) {
    for (labels, count, _) in state.told.events() {
        to.add("netmonitor_events_total", labels, count as f64);
    }
    for (labels, _, last) in state.told.events() {
        if let Some(last) = last {
            to.add("netmonitor_event_last_timestamp_seconds", labels, seconds(last));
        }
    }
    to.plain("netmonitor_event_queue_length", state.queue.events().len() as f64);
    to.plain("netmonitor_events_evicted_total", state.queue.evicted as f64);
    to.plain("netmonitor_event_queue_write_errors_total", 0.0);
    let source = "source=\"logread\"";
    let lines = state.uptime(now).as_secs() / LOG_LINE_EVERY;
    to.add("netmonitor_log_source_up", source, 1.0);
    to.add("netmonitor_log_lines_total", source, lines as f64);
    to.add("netmonitor_log_lines_cut_total", source, 0.0);
    to.add("netmonitor_log_overruns_total", source, 0.0);
    to.add("netmonitor_log_source_restarts_total", source, 0.0);
}

fn outages(to: &mut Samples, state: &State) {
    let line = state.line();
    to.is("netmonitor_outage_active", line.is_outage);
    to.plain("netmonitor_outage_seconds_total", state.readings.outage_seconds as f64);
    to.plain("netmonitor_observed_seconds_total", state.readings.observed_seconds as f64);
    for (labels, count) in state.told.outages() {
        to.add("netmonitor_outages_total", labels, count as f64);
    }
    let over = || {
        let over = state.told.over().iter();
        over.map(|over| (format!("outage=\"{}\",{}", over.name, over.why), over))
    };
    for (labels, over) in over() {
        to.add("netmonitor_outage_start_timestamp_seconds", labels, seconds(over.began_ms));
    }
    for (labels, over) in over() {
        to.add("netmonitor_outage_end_timestamp_seconds", labels, seconds(over.ended_ms));
    }
    for (labels, over) in over() {
        let lasted = seconds(over.ended_ms - over.began_ms);
        to.add("netmonitor_outage_duration_seconds", labels, lasted);
    }
    let much_is_lost = line.answers(0) && state.readings.loss_percent() > MUCH_LOSS_PERCENT;
    for kind in closed_list("netmonitor_degradation_active") {
        let is_so = kind == "kind=\"loss\"" && much_is_lost;
        to.add("netmonitor_degradation_active", kind, flag(is_so));
    }
}

fn exporter(to: &mut Samples, state: &State, now: Duration) {
    let has = &state.equipment;
    let further = [
        ("collector=\"ping\"", true),
        ("collector=\"dns\"", has.dns),
        ("collector=\"lcp_echo\"", has.lcp),
        ("collector=\"optical\"", has.optics),
    ];
    let collectors: Vec<&str> = closed_list("netmonitor_collector_success")
        .into_iter()
        .filter(|labels| has.pppoe || *labels != "collector=\"pppoe\"")
        .filter(|labels| has.temperature || *labels != "collector=\"thermal\"")
        .chain(further.into_iter().filter(|(_, is_there)| *is_there).map(|(labels, _)| labels))
        .collect();
    for labels in &collectors {
        to.add("netmonitor_collector_success", *labels, 1.0);
    }
    for labels in &collectors {
        to.add("netmonitor_collector_duration_seconds", *labels, 0.000_2);
    }
    to.plain("netmonitor_sensor_hangs_total", 0.0);
    let up = state.uptime(now).as_secs();
    let path = "path=\"/metrics\",code=\"200\"";
    to.add("netmonitor_http_requests_total", path, (up / SCRAPE_EVERY) as f64);
    // Hundredths of a second, as the kernel counts.
    to.plain("process_cpu_seconds_total", (up / 4) as f64 / 100.0);
    to.plain("process_open_fds", 14.0);
    to.plain("process_max_fds", 1024.0);
    to.plain("process_resident_memory_bytes", 1_683_456.0);
    to.plain("process_virtual_memory_bytes", 3_375_104.0);
    to.plain("process_threads", 3.0);
    let started = seconds(state.booted_ms()) + START_SECONDS as f64;
    to.plain("process_start_time_seconds", started);
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
