//! Scenarios as they are written, right and wrong ones.

use super::*;
use crate::fake_router::scenario::{DEFAULT, FORMAT};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[track_caller]
fn check_when(line: &str, expected: When) {
    let (when, actions) = when_and_actions(line).unwrap();
    assert_eq!((when, actions), (expected, vec![Action::Healthy]), "{line}");
}

#[test]
fn moments_are_read() {
    let once = |at, spread| When::Once { at: secs(at), spread: secs(spread) };
    check_when("00:10 healthy", once(10, 0));
    check_when("at 1:05:00 healthy", once(3900, 0));
    check_when("at 90s~30s healthy", once(90, 30));
    check_when("5m healthy", once(300, 0));
    check_when("daily 04:30 healthy", When::Daily { at: secs(16_200), spread: secs(0) });
    check_when("before 26:00:00~5m healthy", When::Before { ago: secs(93_600), spread: secs(300) });
    let every = |period, spread, until| When::Every { period, spread, until, since: None };
    check_when("every 500ms healthy", every(Duration::from_millis(500), secs(0), None));
    check_when("every 60s~10s until 10:00 healthy", every(secs(60), secs(10), Some(secs(600))));
}

#[track_caller]
fn check(text: &str, expected: Action) {
    assert_eq!(text.parse::<Action>().unwrap(), expected, "{text}");
}

#[test]
fn actions_are_read() {
    check("event pppoe_down", Action::Event { kind: "pppoe_down".to_owned(), count: 1 });
    check("event test x50", Action::Event { kind: "test".to_owned(), count: 50 });
    check("drop 30s", Action::Drop(secs(30)));
    check("loss 20% 1m", Action::Loss { percent: 20, lasts: secs(60) });
    check("wan unknown", Action::Wan(WanState::Unknown));
    check("reboot", Action::Reboot(secs(20)));
    check("reboot 5s", Action::Reboot(secs(5)));
    check("new-stream abc", Action::NewStream(Some("abc".to_owned())));
    check("seq-back 3", Action::SeqBack(3));
    check("clock +3600s", Action::Clock(ClockChange::By(3_600_000)));
    check("clock -1.5s", Action::Clock(ClockChange::By(-1500)));
    check("clock 1970-01-01T00:10:00", Action::Clock(ClockChange::To(600_000)));
    check("clock 2100-01-01", Action::Clock(ClockChange::To(4_102_444_800_000)));
    check("zone -03:30", Action::Zone(-210));
    check("evict 200", Action::Evict(200));
    check("shell-agent", Action::Agent(Agent::Shell(OtherPaths::Status)));
    check("shell-agent 404", Action::Agent(Agent::Shell(OtherPaths::NotFound)));
}

#[test]
fn faults_have_a_place_and_an_end() {
    let fault = |kind, endpoint, lasts| Action::Fault(Fault { kind, endpoint, lasts });
    check("half", fault(FaultKind::Half, None, Lasts::ForGood));
    check("half events x3", fault(FaultKind::Half, Some(Endpoint::Events), Lasts::Answers(3)));
    check(
        "401 30s status",
        fault(FaultKind::Unauthorized, Some(Endpoint::Status), Lasts::For(secs(30))),
    );
    check("slow 5s 1m", fault(FaultKind::Slow(secs(5)), None, Lasts::For(secs(60))));
}

#[test]
fn a_line_may_have_several_actions() {
    let (_, actions) = when_and_actions("5s drop 2s; healthy").unwrap();
    assert_eq!(actions, [Action::Drop(secs(2)), Action::Healthy]);
    assert!(
        when_and_actions("5s drop 2s;").is_err() && when_and_actions("daily 4 healthy").is_err()
    );
    check("light -27.5 1h", Action::Light { dbm: -27.5, within: secs(3600) });
    check("heat 82", Action::Heat(82.0));
}

#[test]
fn sections_choose_routers() {
    let scenario: Scenario =
        "0s healthy\n[routers 1,5-9] # few\n1s healthy\n[every 10th]\n2s healthy".parse().unwrap();
    let doing = |number| -> Vec<bool> {
        scenario.lines.iter().map(|line| line.who.includes(number)).collect()
    };
    assert_eq!(doing(1), [true, true, false]);
    assert_eq!(doing(4), [true, false, false]);
    assert_eq!(doing(7), [true, true, false]);
    assert_eq!(doing(20), [true, false, true]);
}

#[test]
fn all_problems_are_told_with_their_lines() {
    let error = "00:10 dorp 30s\n\nevery 0s healthy\n[some]\nat noon healthy # x\n1s"
        .parse::<Scenario>()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1: dorp 30s: no such action, or not so; see --help\n\
         line 3: every: expected 10ms or more\n\
         line 4: [some]: expected [all], [every 10th] or [routers 1,5-9], the first router is 1\n\
         line 5: noon: expected a duration such as 500ms, 30s, 5m or 2h\n\
         line 6: no action"
    );
}

#[test]
fn wrong_actions_are_refused() {
    let wrong = [
        "",
        "event",
        "event WAN",
        "event a x0",
        "event a 3",
        "drop",
        "drop soon",
        "drop -1s",
        "drop 1e99s",
        "loss 101% 1s",
        "loss 5 1s",
        "wan sideways",
        "clock noon",
        "clock +",
        "zone 8",
        "zone +15:00",
        "zone +é:00",
        "evict 0",
        "evict 10001",
        "slow",
        "half sideways",
        "healthy now",
        "seq-back x",
        "drop 1é",
        "has wings",
        "light dim",
        "heat 1e9",
    ];
    for text in wrong {
        assert!(text.parse::<Action>().is_err(), "{text}");
    }
}

#[test]
fn the_default_is_a_scenario() {
    assert!(DEFAULT.parse::<Scenario>().unwrap().lines.len() > 10);
}

#[test]
fn every_documented_action_is_known() {
    let actions = FORMAT.split("ACTION:").skip(1).flat_map(str::lines).skip(1);
    let mut known = 0;
    for line in actions.filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let name = line.split_whitespace().next().unwrap();
        let example = match name {
            "event" => "event test",
            "outage" => "outage 30s dhcp line 3h",
            "drop" | "offline" | "slow" => &format!("{name} 3s"),
            "loss" => "loss 20% 60s",
            "wan" => "wan up",
            "seq-back" => "seq-back 10",
            "clock" => "clock right",
            "zone" => "zone +08:00",
            "evict" => "evict 200",
            "light" => "light -27.5 10h",
            "heat" => "heat 82",
            name => name,
        };
        assert!(example.parse::<Action>().is_ok(), "{example}");
        known += 1;
    }
    assert_eq!(known, 35);
}
