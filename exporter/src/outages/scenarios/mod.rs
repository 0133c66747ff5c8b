//! What the detector must get right: `tests/fixtures/outages/*.txt`, a script of what
//! happened to a router and what is to be said about it. The format is in the README there.
//!
//! [`script`] reads them, [`world`] plays the router: log lines go through the real
//! parsers, everything else is looked at once a second.

mod script;
mod world;

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::case::Noted;
use super::detector::Detector;
use super::look::{Dns, Lcp, Light, Look, Pinged, Port, Probe, Wan};
use super::sign::Sign;
use super::vocabulary::Cause;
use crate::collectors::wan::State;
use crate::events::event::Moment;
use script::{Outcome, Scenario, Told};
use world::World;

fn scenarios() -> Vec<Scenario> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/outages"));
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    files.iter().flat_map(|file| script::read(file)).collect()
}

#[test]
fn every_scenario_is_judged_right() {
    let scenarios = scenarios();
    let mut wrong = Vec::new();
    for scenario in &scenarios {
        let outcome = World::play(scenario);
        if let Err(difference) = scenario.check(&outcome) {
            wrong.push(format!("{}: {}\n{difference}", scenario.file, scenario.name));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} wrong:\n\n{}",
        wrong.len(),
        scenarios.len(),
        wrong.join("\n\n")
    );
    assert!(scenarios.len() >= 40, "only {} scenarios", scenarios.len());
}

/// What the counters say of a scenario; they begin with the program.
fn wrong_total(scenario: &Scenario, outcome: &Outcome) -> Option<String> {
    let totals = outcome.totals.as_ref()?;
    let (outage, observed) = (totals.outage.as_secs_f64(), totals.observed.as_secs_f64());
    if outage > observed + 1.0 {
        return Some(format!("{outage} s without the internet, but only {observed} s observed"));
    }
    let does = |what: &str| scenario.steps.iter().any(|(_, action)| action.starts_with(what));
    let is_open = outcome.told.last().is_some_and(|told| told.ended.is_none());
    // Of an outage that goes on nobody is told how much of it was seen.
    let is_unseen = does("probes stop") || does("program pauses");
    if does("program starts") || does("router starts") || (is_open && is_unseen) {
        return None;
    }
    let seconds = |told: &Told, name| {
        told.detail(name).map_or(0.0, |seconds| seconds.parse::<f64>().unwrap())
    };
    let told = outcome.told.iter().map(|told| match told.ended {
        Some(_) => seconds(told, "duration_seconds") - seconds(told, "unseen_seconds"),
        None => outcome.lasted - told.began,
    });
    let told: f64 = told.sum();
    let is_wrong = (outage - told).abs() > 2.0 * outcome.told.len() as f64;
    is_wrong.then(|| format!("{outage} s without the internet, but outages say {told} s"))
}

#[test]
fn counters_and_outages_say_the_same() {
    let wrong: Vec<String> = scenarios()
        .iter()
        .filter_map(|scenario| {
            let wrong = wrong_total(scenario, &World::play(scenario))?;
            Some(format!("{}: {}\n{wrong}", scenario.file, scenario.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_cause_has_two_scenarios() {
    let scenarios = scenarios();
    for cause in Cause::ALL {
        let with_cause = scenarios.iter().filter(|scenario| scenario.expects(*cause)).count();
        assert!(with_cause >= 2, "{}: {with_cause}", cause.name());
    }
}

#[test]
fn a_day_of_ordinary_noise_is_no_outage() {
    let scenario = script::parse(
        "noise",
        "scenario: a day of noise\nrouter: dhcp, dns, lcp\n00:00 loss 1 %\n00:00 jitter 400 ms\n",
    )
    .remove(0);
    let mut world = World::new(&scenario);
    for second in 0..86_400_u64 {
        // Leases are renewed, LAN ports and others' sessions come and go.
        let line = match second % 900 {
            7 => {
                "netifd: wan (9): udhcpc: lease of 192.0.2.7 obtained from 192.0.2.1, lease time 1800"
            }
            101 => "kernel: r8152 4-1:1.0 eth3: carrier off",
            140 => "netifd: Interface 'lan' has link connectivity loss",
            222 => "netifd: Interface 'wan_6' is now down",
            223 => "netifd: Interface 'wan_6' is now up",
            301 => "pppd[88]: Using interface l2tp-office",
            302 => "pppd[88]: Modem hangup",
            _ => "",
        };
        if !line.is_empty() {
            world.log(line);
        }
        world.second();
    }
    assert_eq!(world.outcome().told, Vec::<Told>::new());
}

#[test]
fn five_hundred_outages_a_day_are_all_told_and_cost_no_memory() {
    let scenario = script::parse("many", "scenario: many\nrouter: pppoe\n").remove(0);
    let mut world = World::new(&scenario);
    let mut saved = Vec::new();
    for _ in 0..500 {
        world.act("line fails");
        (0..12).for_each(|_| world.second());
        world.act("line works");
        (0..160).for_each(|_| world.second());
        saved.push(world.saved().to_string().len());
    }
    let told = world.outcome().told;
    let over = told.iter().filter(|told| told.ended.is_some()).count();
    assert_eq!((told.len(), over), (500, 500));
    // Each is less than three minutes after the one before: all name the first.
    assert!(told[1..].iter().all(|later| later.continues.as_ref() == Some(&told[0].id)));
    assert!(saved[499] <= saved[20] + 64, "{} then {}", saved[20], saved[499]);
}

#[test]
fn an_outage_that_does_not_end_keeps_its_evidence_small() {
    let scenario = script::parse("long", "scenario: long\nrouter: pppoe\n").remove(0);
    let mut world = World::new(&scenario);
    world.act("line fails");
    world.act("wan down");
    for _ in 0..7200 {
        world.log("pppd[77]: Timeout waiting for PADO packets");
        world.log("netifd: Interface 'wan' is now down");
        world.second();
    }
    assert!(world.saved().to_string().len() < 8 * 1024, "{}", world.saved());
    assert_eq!(world.outcome().told.len(), 1);
}

fn probe() -> impl Strategy<Value = Probe> {
    (0..400_u64, prop::option::of(0..3000_u64)).prop_map(|(sent, rtt)| {
        let sent = Duration::from_secs(sent);
        let answered = rtt.map(|rtt| sent + Duration::from_millis(rtt));
        Probe { sent, answered, was_sent: !sent.as_secs().is_multiple_of(3) }
    })
}

fn pinged(host: &'static str) -> impl Strategy<Value = Pinged> {
    prop::collection::vec(probe(), 0..4).prop_map(move |probes| Pinged {
        host: host.to_owned(),
        address: host.parse().ok(),
        probes,
    })
}

fn look() -> impl Strategy<Value = Look> {
    let targets = (pinged("192.0.2.1"), pinged("2001:db8::1"), any::<bool>());
    let gateway = prop::option::of(pinged("203.0.113.1"));
    let wan = (0..3_usize, any::<bool>(), prop::collection::vec(0..Sign::ALL.len(), 0..2));
    let port = (any::<Option<bool>>(), prop::option::of(0..4_u64), any::<Option<bool>>());
    let asked = (prop::option::of((0..400_u64, any::<bool>())), prop::option::of(0..400_u64));
    let light = prop::option::of((0..400_u64, prop::option::of(-40.0..0.0), any::<bool>()));
    (0..400_u64, targets, gateway, wan, port, asked, light).prop_map(
        |(at, (a, b, both), gateway, wan, port, (dns, lcp), light)| Look {
            at: Duration::from_secs(at),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            is_by_wan: port.0,
            targets: if both { vec![a, b] } else { Vec::new() },
            gateway,
            dns: dns.map(|(at, is_answered)| Dns { at: Duration::from_secs(at), is_answered }),
            lcp: lcp.map(|at| Lcp {
                replied: Some(Duration::from_secs(at)),
                interval: Duration::from_secs(1),
            }),
            wan: Wan {
                state: [State::Up, State::Down, State::Unknown][wan.0],
                is_switched_off: wan.1,
                faults: wan.2.into_iter().map(|at| Sign::ALL[at]).collect(),
                is_gateway_in_house: port.0,
            },
            port: Port { carrier: port.0, losses: port.1, is_on: port.2 },
            light: light.map(|(read, received_dbm, is_there)| Light {
                read: Duration::from_secs(read),
                received_dbm,
                is_there,
                is_sending: port.2,
                needed_dbm: -28.0,
            }),
            has_crash_record: both,
        },
    )
}

proptest! {
    #[test]
    fn contradictory_evidence_in_any_order_does_no_harm(
        looks in prop::collection::vec((look(), 0..Sign::ALL.len(), 0..400_u64), 0..60),
        restart in 0..60_usize,
    ) {
        let mut detector = Detector::default();
        let mut open: Option<Moment> = None;
        for (index, (look, sign, at)) in looks.into_iter().enumerate() {
            detector.note(Sign::ALL[sign], Duration::from_secs(at));
            let clock = Moment { unix: Duration::from_secs(1_900_000_000) + look.at, boot: Some(look.at) };
            if let Some((told, at)) = detector.look(look, clock, || format!("s-{index}")) {
                match told.kind.name() {
                    "outage_start" => prop_assert!(open.replace(at).is_none(), "one at a time"),
                    _ => prop_assert!(open.take().is_some_and(|began| began.boot <= at.boot)),
                }
            }
            if index == restart {
                let saved = detector.save();
                detector = Detector::restore(&saved);
                prop_assert_eq!(detector.save(), saved);
            }
        }
        prop_assert!(detector.save().to_string().len() < 16 * 1024);
    }

    #[test]
    fn any_saved_state_is_read_or_left(text in "[\\[\\]{}\":,a-z0-9_]{0,200}") {
        if let Ok(value) = serde_json::from_str(&text) {
            Detector::restore(&value).save();
            Detector::restore_after_boot(&value, None).save();
        }
    }
}

#[test]
fn signs_keep_the_order_in_which_they_were_said() {
    let mut case = super::case::Case::new(Duration::from_secs(5), Duration::from_secs(1), false);
    let at = Duration::from_secs(5);
    for order in [3, 1, 2] {
        case.note(Noted { sign: Sign::ALL[order as usize], at, order });
    }
    let orders: Vec<u32> = case.signs.iter().map(|noted| noted.order).collect();
    assert_eq!(orders, [1, 2, 3]);
}
