//! Outages of a line that a test breaks, with real pings to hosts beyond it: begin and end
//! as the test's own clock saw them, cause and side, and trouble that is no outage.
//!
//! Nothing leaves the namespaces that [`line`] makes.

mod line;

use std::thread;

use serde_json::Value;

use crate::program::{Answer, Program, until};
use crate::router::events;
use line::{Done, INTERVAL, Line, TARGETS, wall_clock};

/// What is promised is a second. Besides, the first request that meets a change may leave
/// an interval after it. The rest is what a busy machine may take away.
const TOLERANCE: f64 = 1.0 + INTERVAL;

/// What is tried, and how.
type Case = (&'static str, fn(&Line));

/// Runs cases at the same time, since they mostly wait; each has a line and a thread of
/// its own.
fn side_by_side(cases: &[Case]) {
    thread::scope(|scope| {
        let started = cases.iter().map(|(name, case)| {
            let thread = thread::Builder::new().name((*name).to_owned());
            (name, thread.spawn_scoped(scope, || case(&Line::new())).unwrap())
        });
        let started: Vec<_> = started.collect();
        let failed =
            started.into_iter().filter_map(|(name, case)| case.join().is_err().then_some(name));
        let failed: Vec<_> = failed.collect();
        assert!(failed.is_empty(), "failed, as said above: {failed:?}");
    });
}

fn series(name: &str, target: &str) -> String {
    let scope = if target == "gateway" { target } else { "domestic" };
    format!("netmonitor_{name}{{target=\"{target}\",scope=\"{scope}\"}}")
}

fn value(metrics: &Answer, name: &str) -> f64 {
    metrics.sample(&format!("netmonitor_{name}")).unwrap_or_else(|| panic!("no {name}"))
}

fn until_value(program: &Program, series: &str, is_enough: impl Fn(f64) -> bool) {
    until(series, || program.metrics().sample(series).is_some_and(&is_enough));
}

/// Starts the program and waits until these have answered some pings.
fn start_watching(line: &Line, witnesses: &[&str]) -> Program {
    let program = line.start();
    for witness in witnesses {
        until_value(&program, &series("ping_rtt_seconds_count", witness), |count| count >= 5.0);
    }
    program
}

const EVERYBODY: [&str; 3] = [TARGETS[0], TARGETS[1], "gateway"];

fn outages(program: &Program) -> Vec<Value> {
    let is_outage = |event: &Value| event["type"].as_str().unwrap().starts_with("outage_");
    events(program).into_iter().filter(is_outage).collect()
}

/// Waits for so many events of outages.
fn until_outages(program: &Program, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    until(&format!("{count} events of outages"), || {
        found = outages(program);
        found.len() >= count
    });
    found
}

fn ts(event: &Value) -> f64 {
    event["ts"].as_f64().unwrap()
}

#[track_caller]
fn assert_at(event: &Value, done: Done) {
    let (after_begin, after_end) = (ts(event) - done.from, ts(event) - done.to);
    let is_right = after_begin >= -TOLERANCE && after_end <= TOLERANCE;
    assert!(is_right, "{after_begin:+.3} to {after_end:+.3} s off: {event}");
}

#[track_caller]
fn assert_near(value: f64, expected: f64) {
    assert!((value - expected).abs() < 0.2, "{value} instead of {expected}");
}

fn seconds(fact: &Value) -> f64 {
    fact.as_str().unwrap().parse().unwrap()
}

/// Something that ends the way to all targets, and what undoes it.
struct Fault {
    breaks: fn(&Line) -> Done,
    mends: fn(&Line) -> Done,
    cause: &'static str,
    side: &'static str,
    /// In the words of the page.
    words: &'static str,
}

/// The provider's gateway lives, and passes nothing on.
const BEYOND: Fault = Fault {
    breaks: |line| line.provider("ip rule add pref 100 iif line blackhole"),
    mends: |line| line.provider("ip rule del pref 100"),
    cause: "beyond_gateway",
    side: "provider",
    words: "nothing behind it",
};

/// Requests arrive, answers do not.
const ONE_WAY: Fault = Fault {
    breaks: |line| line.provider("for host in near far; do ip rule add iif $host blackhole; done"),
    mends: |line| line.provider("for host in near far; do ip rule del iif $host; done"),
    ..BEYOND
};

/// A packet takes two seconds, but for the first.
const TOO_LATE: Fault = Fault {
    breaks: |line| {
        let done = line.provider(
            "for host in near far; do \
             tc qdisc add dev $host root tbf rate 400bit burst 150 limit 500; done",
        );
        TARGETS.into_iter().for_each(|target| line.send_junk(target, 1));
        done
    },
    mends: |line| line.provider("for host in near far; do tc qdisc del dev $host root; done"),
    ..BEYOND
};

/// The line behind the modem is cut: the port keeps its carrier, and the router forgets
/// where the gateway is.
const NO_GATEWAY: Fault = Fault {
    breaks: |line| {
        let done = line.modem("ip link set line down");
        line.router("ip neigh flush dev wan0");
        done
    },
    mends: |line| line.modem("ip link set line up"),
    cause: "gateway",
    side: "unknown",
    words: "the next hop is silent",
};

/// The box that the WAN port leads to is off.
const NO_LINK: Fault = Fault {
    breaks: |line| line.modem("ip link set house down"),
    mends: |line| line.modem("ip link set house up"),
    cause: "local_link",
    side: "house",
    words: "the WAN port has no link",
};

impl Fault {
    /// Begins, and is told and shown.
    fn begin(&self, line: &Line, program: &Program) -> Value {
        let cut = (self.breaks)(line);
        let start = until_outages(program, 1).remove(0);
        assert_eq!(start["type"], "outage_start");
        assert_at(&start, cut);
        let metrics = program.metrics();
        assert_eq!(value(&metrics, "outage_active"), 1.0);
        assert_eq!(value(&metrics, &self.counter()), 0.0, "it is not over");
        let page = program.get("/").body;
        assert!(page.contains("<td class=down>now<td>"), "{page}");
        let glance = program.get("/net/line").json();
        assert_eq!(glance["outages"][0]["ongoing"], true, "{glance}");
        start
    }

    /// Ends, and is told, counted and shown as one outage.
    fn end(&self, line: &Line, program: &Program, start: &Value) -> Value {
        let mended = (self.mends)(line);
        let told = until_outages(program, 2);
        let end = &told[1];
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0], *start);
        assert_eq!(end["type"], "outage_end");
        assert_at(end, mended);
        let detail = &end["detail"];
        assert_eq!(detail["outage"], start["detail"]["outage"]);
        assert_eq!((&detail["cause"], &detail["side"]), (&self.cause.into(), &self.side.into()));
        let lasted = ts(end) - ts(start);
        assert_near(seconds(&detail["duration_seconds"]), lasted);

        let metrics = program.metrics();
        assert_eq!(value(&metrics, "outage_active"), 0.0);
        assert_eq!(value(&metrics, &self.counter()), 1.0);
        let labels = format!(
            "{{outage={},cause=\"{}\",side=\"{}\"}}",
            detail["outage"], self.cause, self.side
        );
        let shown = |name: &str| value(&metrics, &format!("{name}{labels}"));
        assert_near(shown("outage_start_timestamp_seconds"), ts(start));
        assert_near(shown("outage_end_timestamp_seconds"), ts(end));
        assert_near(shown("outage_duration_seconds"), lasted);
        let page = program.get("/").body;
        assert!(page.contains(self.words), "{page}");
        assert!(!page.contains("<td class=down>now<td>"), "{page}");
        let glance = program.get("/net/line").json();
        let [outage] = glance["outages"].as_array().unwrap().as_slice() else {
            panic!("{glance}");
        };
        assert_eq!((&outage["cause"], &outage["side"]), (&self.cause.into(), &self.side.into()));
        assert_eq!(outage["ongoing"], false);
        assert_near(outage["seconds"].as_f64().unwrap(), lasted);
        end.clone()
    }

    fn counter(&self) -> String {
        format!("outages_total{{cause=\"{}\",side=\"{}\"}}", self.cause, self.side)
    }

    /// From the start of the program to the end of the outage.
    fn check(&self, line: &Line) -> (Program, Value) {
        let started = wall_clock();
        let program = start_watching(line, &EVERYBODY);
        let start = self.begin(line, &program);
        let end = self.end(line, &program, &start);
        let metrics = program.metrics();
        let gone = value(&metrics, "outage_seconds_total");
        assert_near(gone, ts(&end) - ts(&start));
        let observed = value(&metrics, "observed_seconds_total");
        assert!(observed > gone && observed < wall_clock() - started, "{observed} s, {gone} s");
        (program, end)
    }
}

#[test]
fn an_outage_is_told_with_its_begin_its_end_and_its_cause() {
    side_by_side(&[
        ("cut behind the gateway", |line| {
            let (program, end) = BEYOND.check(line);
            assert_eq!(end["detail"]["carrier"], "kept");
            // So soon after it, the next one is told as a part of it.
            (BEYOND.breaks)(line);
            let next = until_outages(&program, 3).remove(2);
            assert_eq!(next["type"], "outage_start");
            assert_eq!(next["detail"]["continues"], end["detail"]["outage"]);
        }),
        ("one way only", |line| {
            let program = start_watching(line, &EVERYBODY);
            let start = ONE_WAY.begin(line, &program);
            let before = line.arrived();
            until("requests arrive", || {
                line.arrived().iter().zip(before).all(|(now, before)| *now > before)
            });
            assert_eq!(outages(&program).len(), 1, "it goes on");
            ONE_WAY.end(line, &program, &start);
        }),
        ("answers after their time", |line| {
            let (program, _) = TOO_LATE.check(line);
            for target in TARGETS {
                until_value(&program, &series("ping_late_replies_total", target), |late| {
                    late >= 1.0
                });
            }
        }),
        ("gateway dead as well", |line| {
            let (_, end) = NO_GATEWAY.check(line);
            assert_eq!(end["detail"]["carrier"], "kept");
        }),
        ("no link", |line| {
            NO_LINK.check(line);
        }),
        ("a gateway that never answers", |line| {
            line.provider("echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all");
            let silent =
                Fault { cause: "unknown", side: "unknown", words: "does not say", ..BEYOND };
            let program = start_watching(line, &TARGETS);
            let start = silent.begin(line, &program);
            silent.end(line, &program, &start);
        }),
    ]);
}

/// Waits until the requests of eight seconds have met what was done to the line, and until
/// nothing but this is active; then nobody must have seen an outage.
fn assert_only(expected: &[&str], program: &Program) -> Answer {
    let requests = series("ping_requests_total", TARGETS[1]);
    let before = program.metrics().sample(&requests).unwrap();
    until_value(program, &requests, |now| now >= before + 8.0 / INTERVAL);
    until(&format!("{expected:?}"), || degradations(&program.metrics()) == expected);
    assert_eq!(outages(program), [Value::Null; 0]);
    let metrics = program.metrics();
    assert_eq!(value(&metrics, "outage_active"), 0.0);
    assert_eq!(value(&metrics, "outage_seconds_total"), 0.0);
    assert_eq!(value(&metrics, "internet_up"), 1.0);
    assert!(value(&metrics, "observed_seconds_total") > 0.0);
    metrics
}

fn degradations(metrics: &Answer) -> Vec<&str> {
    let is_active =
        |kind: &&str| value(metrics, &format!("degradation_active{{kind=\"{kind}\"}}")) == 1.0;
    ["target", "family", "dns", "loss", "unproven"].into_iter().filter(is_active).collect()
}

/// A queue for at most so many pings, which leave it as a share of them comes.
fn queue(to: &str, share: f64, packets: u32) -> String {
    let bytes = 98; // of a ping, with its Ethernet header
    let rate = share / INTERVAL * f64::from(bytes * 8);
    let (burst, limit) = (BURST * bytes, packets * bytes);
    format!("tc qdisc add dev {to} root tbf rate {rate:.0}bit burst {burst} limit {limit};")
}

/// So many pings leave a queue at once; fewer lose a bit of its rate with each delay.
const BURST: u32 = 2;

#[test]
fn partial_trouble_is_no_outage() {
    side_by_side(&[
        ("late, but in time", |line| {
            let program = start_watching(line, &EVERYBODY);
            // As slow as the pings come: what waits before them goes on waiting.
            line.provider(&(queue("near", 1.0, 10) + &queue("far", 1.0, 10)));
            for target in TARGETS {
                line.send_junk(target, BURST + 3);
            }
            let metrics = assert_only(&[], &program);
            for target in TARGETS {
                let of_all = |what| metrics.sample(&series(what, target)).unwrap();
                let mean = of_all("ping_rtt_seconds_sum") / of_all("ping_rtt_seconds_count");
                assert!(mean > 0.1, "{mean}");
            }
        }),
        ("three of ten lost on the way to one target", |line| {
            let program = start_watching(line, &EVERYBODY);
            line.provider(&queue("near", 0.7, 1));
            let metrics = assert_only(&["loss"], &program);
            let [near, far] =
                TARGETS.map(|target| metrics.sample(&series("ping_lost_total", target)).unwrap());
            assert!(far < near / 2.0, "{near} {far}");
        }),
        ("three of ten lost on the way to all", |line| {
            let program = start_watching(line, &EVERYBODY);
            line.provider(&(queue("near", 0.7, 1) + &queue("far", 0.7, 1)));
            assert_only(&["loss"], &program);
        }),
        ("one target gone", |line| {
            let program = start_watching(line, &EVERYBODY);
            line.provider("ip route add blackhole 192.0.2.1/32");
            assert_only(&["target"], &program);
            line.provider("ip route del blackhole 192.0.2.1/32");
            // Its losses are still a share of its last requests.
            until("it answers", || degradations(&program.metrics()) != ["target"]);
        }),
        ("a gateway that falls silent", |line| {
            let program = start_watching(line, &EVERYBODY);
            line.provider("echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all");
            assert_only(&[], &program);
        }),
    ]);
}

/// Ends the program within an outage, starts it anew and mends the line.
fn check_restart(line: &Line, has_lasted: f64, signal: &str) {
    let program = start_watching(line, &EVERYBODY);
    let start = BEYOND.begin(line, &program);
    until_value(&program, "netmonitor_outage_seconds_total", |gone| gone >= has_lasted);
    let left = wall_clock();
    program.signal(signal);
    program.ended();

    let program = line.start();
    assert_eq!(outages(&program), std::slice::from_ref(&start));
    assert_eq!(value(&program.metrics(), "outage_active"), 1.0);
    until_value(&program, &series("ping_lost_total", TARGETS[0]), |lost| lost >= 1.0);
    let unseen = wall_clock() - left;
    let end = BEYOND.end(line, &program, &start);
    let told = end["detail"].get("unseen_seconds").map_or(0.0, seconds);
    assert!(told <= unseen + TOLERANCE, "unseen for {unseen} s: {end}");
}

#[test]
fn an_outage_goes_on_over_a_restart_of_the_program() {
    side_by_side(&[
        // What was seen is written now and then, and when the program is stopped.
        ("killed at once", |line| check_restart(line, 0.0, "KILL")),
        ("stopped later", |line| check_restart(line, 12.0, "TERM")),
    ]);
}
