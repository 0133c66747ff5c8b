//! Reads scenarios: who the router is, what happens when, what is to be told.

use std::path::Path;
use std::time::Duration;

use crate::outages::detector::Totals;
use crate::outages::vocabulary::{Cause, Degradation};

/// One story.
pub(super) struct Scenario {
    pub(super) file: String,
    pub(super) name: String,
    /// `pppoe`, `dhcp`, and what else it has.
    pub(super) router: Vec<String>,
    /// In the order of time: seconds, and what happens.
    pub(super) steps: Vec<(f64, String)>,
    expected: Vec<Expected>,
}

/// What a scenario says is to be told.
#[derive(Debug, PartialEq)]
enum Expected {
    Outage { began: f64, ended: Option<f64>, cause: String, side: String, further: Vec<String> },
    Degraded(String),
}

/// One outage as its events tell it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) began: f64,
    pub(super) ended: Option<f64>,
    pub(super) cause: String,
    pub(super) side: String,
    pub(super) continues: Option<String>,
    pub(super) details: Vec<(String, String)>,
}

/// All that was told.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) told: Vec<Told>,
    pub(super) degraded: Vec<Degradation>,
    /// Facts of ends that contradict what happened.
    pub(super) slips: Vec<String>,
    /// Of the program that runs last.
    pub(super) totals: Option<Totals>,
    /// Seconds of the scenario, at its end.
    pub(super) lasted: f64,
}

pub(super) fn read(path: &Path) -> Vec<Scenario> {
    let file = path.file_name().unwrap().to_string_lossy();
    parse(&file, &std::fs::read_to_string(path).unwrap())
}

pub(super) fn parse(file: &str, text: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let place = || format!("{file} line {}: {line}", number + 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("scenario:") {
            scenarios.push(Scenario {
                file: file.to_owned(),
                name: name.trim().to_owned(),
                router: Vec::new(),
                steps: Vec::new(),
                expected: Vec::new(),
            });
            continue;
        }
        let scenario = scenarios.last_mut().unwrap_or_else(|| panic!("{}", place()));
        if let Some(router) = line.strip_prefix("router:") {
            scenario.router = router.split(',').map(|part| part.trim().to_owned()).collect();
        } else if let Some(expected) = line.strip_prefix("expect:") {
            scenario.expected.extend(expectation(expected.trim(), &place()));
        } else {
            let (time, action) = line.split_once(' ').unwrap_or_else(|| panic!("{}", place()));
            let at = seconds(time).unwrap_or_else(|| panic!("{}", place()));
            assert!(scenario.steps.last().is_none_or(|(before, _)| *before <= at), "{}", place());
            scenario.steps.push((at, action.trim().to_owned()));
        }
    }
    scenarios
}

/// `mm:ss` or `mm:ss.s`, `-mm:ss` for before the scenario
pub(super) fn seconds(time: &str) -> Option<f64> {
    let (sign, time) = time.strip_prefix('-').map_or((1.0, time), |time| (-1.0, time));
    let (minutes, seconds) = time.split_once(':')?;
    Some(sign * (minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?))
}

/// `no outage` · `outage 00:10 - 00:52 local_link house` · `outage 00:10 - … local_link house`
/// for one that goes on · `degraded dns`
fn expectation(text: &str, place: &str) -> Option<Expected> {
    if text == "no outage" {
        return None;
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["degraded", kind] => {
            assert!(Degradation::ALL.iter().any(|known| known.name() == kind), "{place}");
            Some(Expected::Degraded(kind.to_owned()))
        }
        ["outage", began, "-", ended, cause, side, ref further @ ..] => Some(Expected::Outage {
            began: seconds(began).unwrap_or_else(|| panic!("{place}")),
            ended: (ended != "…").then(|| seconds(ended).unwrap_or_else(|| panic!("{place}"))),
            cause: cause.to_owned(),
            side: side.to_owned(),
            further: further.iter().map(|word| (*word).to_owned()).collect(),
        }),
        _ => panic!("{place}"),
    }
}

impl Scenario {
    /// Is this cause what one of its outages, or its degradation, has?
    pub(super) fn expects(&self, cause: Cause) -> bool {
        self.expected.iter().any(|expected| match expected {
            Expected::Outage { cause: named, .. } => named == cause.name(),
            Expected::Degraded(kind) => kind == cause.name(),
        })
    }

    /// Begin and end are exact to one ping, and never worse than a second: the script names
    /// the ping. The one of two targets comes a third of a second after the other.
    fn exact(&self) -> f64 {
        let interval = self.router.iter().find_map(|part| part.strip_prefix("interval "));
        interval.map_or(1.0, |text| span(text).as_secs_f64()).clamp(0.5, 1.0)
    }

    /// # Errors
    /// What is different from what it says.
    pub(super) fn check(&self, outcome: &Outcome) -> Result<(), String> {
        if let Some(slip) = outcome.slips.first() {
            return Err(slip.clone());
        }
        let mut outages = Vec::new();
        for expected in &self.expected {
            match expected {
                Expected::Degraded(kind) => {
                    let found = outcome.degraded.iter().any(|found| found.name() == kind);
                    if !found {
                        return Err(format!("not found degraded: {kind}; {outcome:#?}"));
                    }
                }
                Expected::Outage { .. } => outages.push(expected),
            }
        }
        let all = || format!("expected {outages:#?}\ntold {:#?}", outcome.told);
        if outages.len() != outcome.told.len() {
            return Err(all());
        }
        let first = outcome.told.first().map(|told| told.id.clone());
        for (expected, told) in outages.iter().zip(&outcome.told) {
            if !expected.is(told, first.as_deref(), self.exact()) {
                return Err(all());
            }
        }
        Ok(())
    }
}

impl Expected {
    fn is(&self, told: &Told, first: Option<&str>, exact: f64) -> bool {
        let Self::Outage { began, ended, cause, side, further } = self else { return false };
        let is_near = |a: f64, b: f64| (a - b).abs() <= exact;
        let is_end = match (ended, told.ended) {
            (Some(expected), Some(told)) => is_near(*expected, told),
            (None, None) => true,
            _ => false,
        };
        let continues = further.iter().any(|word| word == "continues");
        let detail = |name: &str| told.details.iter().any(|(known, _)| known == name);
        is_near(*began, told.began)
            && is_end
            && *cause == told.cause
            && *side == told.side
            && continues == (told.continues.as_deref() == first && told.continues.is_some())
            && further.iter().any(|word| word == "unseen") == detail("unseen_seconds")
            && further.iter().any(|word| word == "restarted") == detail("restarted")
    }
}

impl Told {
    pub(super) fn detail(&self, name: &str) -> Option<&str> {
        self.details.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// `400 ms`, `30 s`
pub(super) fn span(text: &str) -> Duration {
    let (number, unit) = text.split_once(' ').unwrap_or_else(|| panic!("{text}: 400 ms, 3 s"));
    let number: f64 = number.parse().unwrap_or_else(|_| panic!("{text}: a number"));
    match unit {
        "ms" => Duration::from_secs_f64(number / 1000.0),
        "s" => Duration::from_secs_f64(number),
        _ => panic!("{text}: ms or s"),
    }
}
