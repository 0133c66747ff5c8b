//! `doctor`: what was found on this device, source by source, what is missing, why, and
//! what the user can do.
//!
//! The first thing that goes into a bug report, so it holds no secret: no token, no
//! hardware address, no argument of a user's command.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::clock;
use crate::collectors::lcp_echo::LcpEcho;
use crate::collectors::sensor::{Latest, Sensor};
use crate::collectors::wan::{self, Sample, Wan};
use crate::collectors::{CollectError, optical, pppoe, thermal};
use crate::config::settings::SETTINGS;
use crate::config::{Config, Live, Loaded, Origin, Scope};
use crate::events::listener;
use crate::outages::Network;
use crate::probes::echo_socket::{self, EchoError, Permission};
use crate::probes::ping::{Pinger, Targets};
use crate::roots::Roots;
use crate::slow_io::SlowIo;

/// A name that cannot be looked up takes this long; addresses take PING_TIMEOUT.
const PING_PATIENCE: Duration = Duration::from_secs(8);

/// Lines of the report, each marked as good, absent or bad.
#[derive(Default)]
struct Report(String);

impl Report {
    fn section(&mut self, title: &str) {
        self.line(&format!("\n{title}"));
    }

    fn found(&mut self, what: &str, result: &str) {
        self.line(&format!("  ok       {what}: {result}"));
    }

    fn missing(&mut self, what: &str, reason: &str) {
        self.line(&format!("  absent   {what}: {reason}"));
    }

    fn failed(&mut self, what: &str, reason: &str) {
        self.line(&format!("  PROBLEM  {what}: {reason}"));
    }

    fn result(&mut self, what: &str, result: Result<String, CollectError>) {
        match result {
            Ok(text) => self.found(what, &text),
            Err(CollectError::NotAvailable(reason)) => self.missing(what, &reason),
            Err(CollectError::Failed(reason)) => self.failed(what, &reason),
        }
    }

    fn line(&mut self, text: &str) {
        // Writing to a String cannot fail.
        writeln!(self.0, "{text}").ok();
    }
}

/// The whole report, ready to print.
pub(crate) async fn report(roots: &Roots, loaded: &Loaded) -> String {
    let (_keep, live) = Live::new(loaded.config.clone());
    let mut report = Report::default();
    report.line(&format!("netmonitor-exporter {} ({})", crate::VERSION, crate::REVISION));
    system(&mut report, roots);
    settings(&mut report, loaded);
    let wan = wan(&mut report, roots, &live).await;
    pings(&mut report, roots, &live, &wan).await;
    let slow = SlowIo::new(roots.clone());
    sensors(&mut report, &slow, &live, wan).await;
    counters(&mut report, roots);
    events(&mut report, roots, &live.now());
    report.0
}

/// Which logs would be followed, and where events would be kept.
fn events(report: &mut Report, roots: &Roots, config: &Config) {
    report.section("Events");
    let sources = listener::chosen(config, roots);
    if sources.is_empty() {
        report.missing("log", "LOG_SOURCE names none, or all are left out by DISABLE");
    }
    for chosen in &sources {
        let (name, path) = (chosen.source().name(), chosen.path());
        match path.metadata() {
            Err(error) => report.failed(name, &format!("{}: {error}", path.display())),
            Ok(metadata) if metadata.is_dir() => {
                report.failed(name, &format!("{} is a folder", path.display()));
            }
            Ok(_) => report.found(name, &path.display().to_string()),
        }
    }
    let queue = &config.queue_file;
    match queue.parent().map(std::fs::metadata) {
        Some(Ok(folder)) if folder.is_dir() && is_writable(queue.parent()) => {
            report.found("queue", &queue.display().to_string());
        }
        _ => report
            .failed("queue", &format!("{} cannot be written: see QUEUE_FILE", queue.display())),
    }
}

fn is_writable(folder: Option<&Path>) -> bool {
    folder.is_some_and(|folder| rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok())
}

fn system(report: &mut Report, roots: &Roots) {
    report.section("Device");
    let release = roots.read("/etc/openwrt_release").or_else(|_| roots.read("/etc/os-release"));
    let description = release.as_ref().ok().and_then(|text| {
        let value = |key| text.lines().find_map(|line| line.strip_prefix(key));
        value("DISTRIB_DESCRIPTION=").or_else(|| value("PRETTY_NAME="))
    });
    report.line(&format!(
        "  system   {}",
        description.unwrap_or("unknown").trim_matches(['"', '\''])
    ));
    let kernel = roots.read("/proc/sys/kernel/osrelease");
    let kernel = kernel.as_ref().map_or("unknown", |text| text.trim());
    report.line(&format!("  kernel   {kernel}, program for {}", std::env::consts::ARCH));
    match clock::is_synchronized(roots) {
        Some(true) => report.found("clock", "kept by a time service"),
        Some(false) => report.failed(
            "clock",
            "not synchronised: times of events may be wrong; on OpenWrt see System > Time",
        ),
        None => report.missing("clock", "the kernel does not say whether it is synchronised"),
    }
}

fn settings(report: &mut Report, loaded: &Loaded) {
    report.section("Settings (those that differ from the default)");
    for setting in &SETTINGS {
        let given = &loaded.given[setting.key];
        if given.origin != Origin::Default {
            report.line(&format!("  {}", given.describe(setting)));
        }
    }
    for warning in &loaded.warnings {
        report.failed("settings", warning);
    }
}

/// Asks for the WAN and keeps the answer for the sensors that depend on it.
async fn wan(report: &mut Report, roots: &Roots, live: &Live) -> Arc<Latest<Sample>> {
    report.section("WAN");
    match roots.program("ubus") {
        Some(path) => report.found("netifd", &format!("asked through {}", path.display())),
        None => report.missing("netifd", "no ubus on this device; the kernel is asked instead"),
    }
    // Where netifd has none to offer, the line below says what is watched instead.
    for candidate in wan::candidates(roots).await.unwrap_or_default() {
        report.line(&format!("  may be the WAN: {candidate}"));
    }
    let latest = Latest::of::<Wan>();
    let taken = clock::monotonic();
    let result = Wan::new(roots.clone(), live.clone(), Arc::default()).read().await;
    match &result {
        Err(error) => report.failed("WAN_IFACE", &error.to_string()),
        Ok(wan) => {
            let unknown = || "unknown".to_owned();
            let text = format!(
                "{} is {} by {}; device {}, addresses on {}, protocol {}",
                wan.interface,
                wan.state.name(),
                wan.source,
                wan.device.clone().unwrap_or_else(unknown),
                wan.l3_device.clone().unwrap_or_else(unknown),
                wan.proto.clone().unwrap_or_else(unknown),
            );
            match wan.device {
                Some(_) => report.found("WAN_IFACE", &text),
                None => report.failed(
                    "WAN_IFACE",
                    &format!("{text}; name the interface or device of your line in WAN_IFACE"),
                ),
            }
            for error in &wan.errors {
                report.failed("netifd", &format!("says {error}"));
            }
            match wan.gateway {
                Some(_) => report.found("gateway", "known, pinged if PING_GATEWAY=1"),
                None => report.missing("gateway", "no default route and no peer at this moment"),
            }
            let resolvers = wan.dns_servers.len();
            report.line(&format!("  resolvers of the provider: {resolvers}"));
        }
    }
    let sessions = pppoe::sessions(roots);
    for session in &sessions {
        report.found("PPPoE", &format!("session {} on {}", session.id, session.device));
    }
    if sessions.is_empty() {
        report.missing("PPPoE", "no session in /proc/net/pppoe");
    }
    latest.store(result, taken, clock::monotonic().saturating_duration_since(taken));
    latest
}

async fn pings(report: &mut Report, roots: &Roots, live: &Live, wan: &Arc<Latest<Sample>>) {
    report.section("Ping");
    match echo_socket::permission() {
        Ok(Permission::Datagram) => report.found("permission", "by net.ipv4.ping_group_range"),
        Ok(Permission::Raw) => report.found("permission", "by CAP_NET_RAW"),
        Err(EchoError::Forbidden) => {
            return report.failed(
                "permission",
                "not allowed; run as root, give the program CAP_NET_RAW, or put its group into \
                 the sysctl net.ipv4.ping_group_range",
            );
        }
        Err(EchoError::Unreachable) => report.failed("permission", "this system has no IPv4"),
    }
    let pinger = Pinger::new(roots.clone(), live.clone(), Arc::clone(wan));
    let targets = pinger.targets();
    tokio::select! {
        () = pinger.run() => {}
        () = targets.first_fates() => {}
        // One that is looked up for longer is reported as it is: without an answer.
        () = sleep(PING_PATIENCE) => {}
    }
    for watched in targets.all() {
        let host = &watched.target.host;
        let rtt = watched.with(|history| history.last_rtt());
        let milliseconds = rtt.map(|rtt| rtt.as_secs_f64() * 1000.0);
        match milliseconds {
            Some(rtt) => report.found(host, &format!("answers after {rtt:.1} ms")),
            None if watched.target.scope == Scope::Gateway => {
                report.missing(host, "no answer; many gateways do not answer pings");
            }
            None => report.failed(host, "no answer; if others answer, choose another target"),
        }
    }
    networks(report, &targets);
}

/// Silence of targets in two networks proves an outage by itself.
fn networks(report: &mut Report, targets: &Targets) {
    let all = targets.all();
    let far = all.iter().filter(|watched| watched.target.scope != Scope::Gateway);
    let answering = far.filter(|watched| watched.with(|history| history.last_rtt()).is_some());
    let addresses = answering.filter_map(|watched| watched.with(|history| history.address));
    match Network::count(addresses.map(Network::of)) {
        networks @ 2.. => report.found("networks", &format!("targets in {networks} answer")),
        _ => report.missing(
            "networks",
            "fewer than two answer: an outage needs a second witness, see docs/outages.md",
        ),
    }
}

async fn sensors(report: &mut Report, slow: &SlowIo, live: &Live, wan: Arc<Latest<Sample>>) {
    report.section("CPU temperature");
    let candidates = thermal::survey(slow).await;
    if candidates.is_empty() {
        report.missing("sensor", "this device has none; many older and virtual ones have not");
    }
    for (sensor, result) in candidates {
        report.result(&sensor, result.map(|celsius| format!("{celsius:.1} °C")));
    }
    let chosen = thermal::Thermal::new(slow.clone(), live.clone()).read().await;
    report.result(
        "shown",
        chosen.map(|sample| format!("{} at {:.1} °C", sample.sensor, sample.celsius)),
    );

    report.section("Optical power");
    for (source, result) in optical::survey(slow, live, &wan).await {
        report.result(&source, result);
    }

    report.section("LCP echo");
    let echo = LcpEcho::new(slow.for_another(), live.clone()).read().await;
    report.result(
        "ring of pppd",
        echo.map(|sample| {
            let state = if sample.is_open { "open" } else { "down" };
            format!("LCP is {state}, asked every {} s", sample.interval.as_secs())
        }),
    );
}

fn counters(report: &mut Report, roots: &Roots) {
    report.section("Counters");
    for (what, path, remedy) in [
        ("interfaces", "/proc/net/dev", "is /proc mounted?"),
        ("connections", "/proc/sys/net/netfilter/nf_conntrack_count", "no firewall module"),
        ("memory", "/proc/meminfo", "is /proc mounted?"),
        ("load", "/proc/loadavg", "is /proc mounted?"),
        ("start of the router", "/proc/stat", "is /proc mounted?"),
    ] {
        match roots.read(path) {
            Ok(_) => report.found(what, path),
            Err(error) => report.missing(what, &format!("{error} ({remedy})")),
        }
    }
}
