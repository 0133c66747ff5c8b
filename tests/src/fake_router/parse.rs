//! Reads scenarios. Pure; all problems are told at once, each with its line.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use anyhow::bail;

use super::scenario::{
    Action, Agent, ClockChange, Endpoint, Equipment, Fault, FaultKind, Lasts, Line, OtherPaths,
    Outage, Scenario, WanState, When, Who,
};
use super::strange::Strange;

/// Longer than any run; keeps sums of durations far from overflow.
const LONGEST: Duration = Duration::from_secs(366 * 86400);
const MAX_EVENTS_AT_ONCE: u32 = 100_000;
/// The exporter's largest.
const MAX_QUEUE: usize = 10_000;
/// What a router is away when it starts, if nothing is said.
const USUAL_REBOOT: Duration = Duration::from_secs(20);

type Parsed<T> = Result<T, String>;

impl FromStr for Scenario {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut who = Who::All;
        let mut scenario = Self::default();
        let mut problems = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let read = match section(line) {
                Some(read) => read.map(|section| who = section),
                None => when_and_actions(line).map(|(when, actions)| {
                    scenario.lines.push(Line { who: who.clone(), when, actions });
                }),
            };
            if let Err(problem) = read {
                problems.push(format!("line {number}: {problem}"));
            }
        }
        if !problems.is_empty() {
            bail!(problems.join("\n"));
        }
        Ok(scenario)
    }
}

impl FromStr for Action {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Vec<&str> = text.split_whitespace().collect();
        action(&words).map_err(anyhow::Error::msg)
    }
}

/// `[routers 1,5-9]`.
fn section(line: &str) -> Option<Parsed<Who>> {
    let inside = line.strip_prefix('[')?;
    let words: Vec<&str> = inside.strip_suffix(']').unwrap_or("").split_whitespace().collect();
    let who = match words[..] {
        ["all"] => Some(Who::All),
        ["every", nth] => {
            let digits = nth.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
            digits.parse().ok().filter(|nth| *nth > 0).map(Who::EveryNth)
        }
        ["routers", list] => list.split(',').map(numbers).collect::<Option<_>>().map(Who::Numbers),
        _ => None,
    };
    Some(who.ok_or_else(|| {
        format!("{line}: expected [all], [every 10th] or [routers 1,5-9], the first router is 1")
    }))
}

fn numbers(text: &str) -> Option<RangeInclusive<usize>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = first.parse().ok()?..=last.parse().ok()?;
    (!range.is_empty() && *range.start() > 0).then_some(range)
}

fn when_and_actions(line: &str) -> Parsed<(When, Vec<Action>)> {
    let mut parts = line.split(';').map(|part| part.split_whitespace().collect::<Vec<_>>());
    let words = parts.next().unwrap_or_default();
    let (when, first) = match words[..] {
        ["every", period, "until", until, ref rest @ ..] => {
            (every(period, Some(until), None)?, rest)
        }
        ["every", period, "since", ago, ref rest @ ..] => (every(period, None, Some(ago))?, rest),
        ["every", period, ref rest @ ..] => (every(period, None, None)?, rest),
        ["daily", at, ref rest @ ..] => {
            let (at, spread) = with_spread(at)?;
            (When::Daily { at: time_of_day(at)?, spread }, rest)
        }
        ["before", ago, ref rest @ ..] => {
            let (ago, spread) = with_spread(ago)?;
            (When::Before { ago: moment(ago)?, spread }, rest)
        }
        ["at", at, ref rest @ ..] | [at, ref rest @ ..] => {
            let (at, spread) = with_spread(at)?;
            (When::Once { at: moment(at)?, spread }, rest)
        }
        [] => return Err("nothing to do".to_owned()),
    };
    let mut actions = vec![action(first)?];
    for words in parts {
        actions.push(action(&words)?);
    }
    Ok((when, actions))
}

/// `04:30`, hours and minutes.
fn time_of_day(text: &str) -> Parsed<Duration> {
    let time = text.parse::<jiff::civil::Time>().ok().filter(|_| text.len() == "04:30".len());
    let time = time.ok_or_else(|| format!("daily {text}: expected HH:MM"))?;
    let minutes = u64::from(time.hour().unsigned_abs()) * 60;
    Ok(Duration::from_secs((minutes + u64::from(time.minute().unsigned_abs())) * 60))
}

fn every(period: &str, until: Option<&str>, since: Option<&str>) -> Parsed<When> {
    let (period, spread) = with_spread(period)?;
    let (until, since) = (until.map(moment).transpose()?, since.map(moment).transpose()?);
    let period = duration(period)?;
    if period < Duration::from_millis(10) {
        return Err("every: expected 10ms or more".to_owned());
    }
    Ok(When::Every { period, spread, until, since })
}

/// `05:00~30s`.
fn with_spread(text: &str) -> Parsed<(&str, Duration)> {
    match text.split_once('~') {
        Some((moment, spread)) => Ok((moment, duration(spread)?)),
        None => Ok((text, Duration::ZERO)),
    }
}

/// `05:00`, `1:05:00` or a duration.
fn moment(text: &str) -> Parsed<Duration> {
    if !text.contains(':') {
        return duration(text);
    }
    let wrong = || format!("{text}: expected MM:SS, H:MM:SS or a duration such as 90s");
    let mut seconds = 0_u64;
    for part in text.split(':') {
        let number: u32 = part.parse().map_err(|_| wrong())?;
        seconds = seconds.saturating_mul(60).saturating_add(number.into());
    }
    Some(Duration::from_secs(seconds)).filter(|moment| *moment <= LONGEST).ok_or_else(wrong)
}

/// `500ms`, `2.5s`, `5m`, `2h`.
fn duration(text: &str) -> Parsed<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => Some(0.001),
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    };
    let seconds = unit.and_then(|unit| Some(digits.parse::<f64>().ok()? * unit));
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| format!("{text}: expected a duration such as 500ms, 30s, 5m or 2h"))
}

fn action(words: &[&str]) -> Parsed<Action> {
    Ok(match *words {
        ["event", kind] => event(kind, "x1")?,
        ["event", kind, count] => event(kind, count)?,
        ["outage", lasts, cause, side] => outage(lasts, cause, side, None)?,
        ["outage", lasts, cause, side, ago] => outage(lasts, cause, side, Some(ago))?,
        ["drop", lasts] => Action::Drop(duration(lasts)?),
        ["loss", share, lasts] => loss(share, lasts)?,
        ["wan", state] => Action::Wan(wan_state(state)?),
        ["reboot"] => Action::Reboot(USUAL_REBOOT),
        ["reboot", lasts] => Action::Reboot(duration(lasts)?),
        ["offline", lasts] => Action::Offline(duration(lasts)?),
        ["new-stream"] => Action::NewStream(None),
        ["new-stream", name] => Action::NewStream(Some(name.to_owned())),
        ["seq-back", by] => Action::SeqBack(
            by.parse().map_err(|_| format!("seq-back {by}: expected a number of events"))?,
        ),
        ["clock", change] => Action::Clock(clock_change(change)?),
        ["zone", offset] => Action::Zone(zone(offset)?),
        ["evict", size] => Action::Evict(queue_size(size)?),
        ["shell-agent"] => Action::Agent(Agent::Shell(OtherPaths::Status)),
        ["shell-agent", "404"] => Action::Agent(Agent::Shell(OtherPaths::NotFound)),
        ["agent"] => Action::Agent(Agent::Exporter),
        ["has", ref words @ ..] => Action::Has(Equipment::of(words).ok_or_else(|| {
            format!("has {}: expected pppoe, optics, lcp, dns, temperature", words.join(" "))
        })?),
        ["light", dbm] => Action::Light { dbm: number(dbm)?, within: Duration::ZERO },
        ["light", dbm, within] => Action::Light { dbm: number(dbm)?, within: duration(within)? },
        ["heat", celsius] => Action::Heat(number(celsius)?),
        ["healthy"] => Action::Healthy,
        ["slow", delay, ref rest @ ..] => fault(FaultKind::Slow(duration(delay)?), rest)?,
        [name, ref rest @ ..] => match fault_kind(name) {
            Some(kind) => fault(kind, rest)?,
            None => {
                return Err(format!("{}: no such action, or not so; see --help", words.join(" ")));
            }
        },
        [] => return Err("no action".to_owned()),
    })
}

/// Of a measurement.
fn number(text: &str) -> Parsed<f64> {
    let number = text.parse().ok().filter(|number: &f64| number.abs() < 1000.0);
    number.ok_or_else(|| format!("{text}: expected a number such as -27.5"))
}

fn outage(lasts: &str, cause: &str, side: &str, ago: Option<&str>) -> Parsed<Action> {
    if ![cause, side].into_iter().all(is_word) {
        return Err(format!("outage {cause} {side}: expected words of docs/outages.md"));
    }
    let (cause, side) = (cause.to_owned(), side.to_owned());
    let (lasts, ago) = (duration(lasts)?, ago.map(duration).transpose()?);
    Ok(Action::Outage(Outage { lasts, cause, side, ago }))
}

fn is_word(text: &str) -> bool {
    let is_name = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    text.chars().all(|letter| is_name(letter) || letter == '_')
}

fn event(kind: &str, count: &str) -> Parsed<Action> {
    if !is_word(kind) {
        return Err(format!("event {kind}: a type is of lower-case letters, digits and _"));
    }
    let count = times(count).filter(|count| *count <= MAX_EVENTS_AT_ONCE);
    let count = count.ok_or_else(|| format!("event: expected x1 to x{MAX_EVENTS_AT_ONCE}"))?;
    Ok(Action::Event { kind: kind.to_owned(), count })
}

/// `x3`.
fn times(text: &str) -> Option<u32> {
    text.strip_prefix('x')?.parse().ok().filter(|times| *times > 0)
}

fn loss(share: &str, lasts: &str) -> Parsed<Action> {
    let percent = share.strip_suffix('%').and_then(|digits| digits.parse().ok());
    let percent = percent.filter(|percent| *percent <= 100);
    let percent = percent.ok_or_else(|| format!("loss {share}: expected 0% to 100%"))?;
    Ok(Action::Loss { percent, lasts: duration(lasts)? })
}

fn wan_state(text: &str) -> Parsed<WanState> {
    let states = [WanState::Up, WanState::Down, WanState::Unknown];
    let state = states.into_iter().find(|state| state.name() == text);
    state.ok_or_else(|| format!("wan {text}: expected up, down or unknown"))
}

fn clock_change(text: &str) -> Parsed<ClockChange> {
    let millis = |text| duration(text).map(|by| i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
    if let Some(later) = text.strip_prefix('+') {
        return millis(later).map(ClockChange::By);
    }
    if let Some(earlier) = text.strip_prefix('-') {
        return millis(earlier).map(|by| ClockChange::By(-by));
    }
    if text == "right" {
        return Ok(ClockChange::Right);
    }
    let date = text.parse::<jiff::civil::DateTime>();
    let date = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC));
    date.map(|date| ClockChange::To(date.timestamp().as_millisecond())).map_err(|_| {
        format!("clock {text}: expected +3600s, -90s, right, 2100-01-01 or 1970-01-01T00:10:00")
    })
}

/// `+08:00`, in minutes.
fn zone(text: &str) -> Parsed<i32> {
    let offset = || {
        let digits = text.strip_prefix(['+', '-'])?;
        let (hours, minutes) = digits.split_once(':')?;
        let minutes = hours.parse::<u8>().ok()? as i32 * 60 + minutes.parse::<u8>().ok()? as i32;
        (minutes <= 14 * 60).then_some(if text.starts_with('-') { -minutes } else { minutes })
    };
    offset().ok_or_else(|| format!("zone {text}: expected +08:00 or -03:30"))
}

fn queue_size(text: &str) -> Parsed<usize> {
    let size = text.parse().ok().filter(|size| (1..=MAX_QUEUE).contains(size));
    size.ok_or_else(|| format!("evict {text}: expected 1 to {MAX_QUEUE}"))
}

fn fault_kind(name: &str) -> Option<FaultKind> {
    Some(match name {
        "half" => FaultKind::Half,
        "drip" => FaultKind::Drip,
        "hang" => FaultKind::Hang,
        "reset" => FaultKind::Reset,
        "noise" => FaultKind::Noise,
        "garbage" => FaultKind::Garbage,
        "html" => FaultKind::Html,
        "gzip" => FaultKind::Gzip,
        "gzip-bomb" => FaultKind::GzipBomb,
        "huge" => FaultKind::Huge,
        "redirect" => FaultKind::Redirect,
        "401" => FaultKind::Unauthorized,
        "503" => FaultKind::Unavailable,
        "deep" => FaultKind::Strange(Strange::Deep),
        "long" => FaultKind::Strange(Strange::Long),
        "numbers" => FaultKind::Strange(Strange::Numbers),
        "twice" => FaultKind::Strange(Strange::Twice),
        _ => return None,
    })
}

fn fault(kind: FaultKind, words: &[&str]) -> Parsed<Action> {
    let mut fault = Fault { kind, endpoint: None, lasts: Lasts::ForGood };
    for word in words {
        match *word {
            "status" => fault.endpoint = Some(Endpoint::Status),
            "events" => fault.endpoint = Some(Endpoint::Events),
            "metrics" => fault.endpoint = Some(Endpoint::Metrics),
            _ => {
                let answers = times(word).map(Lasts::Answers);
                fault.lasts = match answers {
                    Some(answers) => answers,
                    None => Lasts::For(duration(word)?),
                };
            }
        }
    }
    Ok(Action::Fault(fault))
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
