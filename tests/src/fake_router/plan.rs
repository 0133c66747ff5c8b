//! One router's part of a scenario, in the order of time. Pure: times come in and go out.

use std::collections::BTreeMap;
use std::time::Duration;

use super::scenario::{Action, Line, Outage, Scenario, When};
use crate::random::Random;

/// Between begin and end of an outage that is long over: somebody may read in between.
const TOLD_AT_ONCE: Duration = Duration::from_millis(20);

const DAY: Duration = Duration::from_secs(86_400);

/// What a router does at a moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Deed {
    Begin(Action),
    /// An outage is over, if the router has not started anew.
    OutageOver(Outage),
    /// A drop is over.
    SessionUp,
    /// A reboot is.
    PowerOn,
    /// It can be reached again.
    Reachable,
}

impl Deed {
    /// What ends the action, and after how long.
    fn end_of(action: &Action) -> Option<(Duration, Self)> {
        match action {
            Action::Outage(outage) => {
                let after = if outage.ago.is_some() { TOLD_AT_ONCE } else { outage.lasts };
                Some((after, Self::OutageOver(outage.clone())))
            }
            Action::Drop(lasts) => Some((*lasts, Self::SessionUp)),
            Action::Reboot(lasts) => Some((*lasts, Self::PowerOn)),
            Action::Offline(lasts) => Some((*lasts, Self::Reachable)),
            Action::Event { .. }
            | Action::Loss { .. }
            | Action::Wan(_)
            | Action::NewStream(_)
            | Action::SeqBack(_)
            | Action::Clock(_)
            | Action::Zone(_)
            | Action::Evict(_)
            | Action::Agent(_)
            | Action::Has(_)
            | Action::Light { .. }
            | Action::Heat(_)
            | Action::Fault(_)
            | Action::Healthy => None,
        }
    }
}

#[derive(Debug)]
enum Step {
    /// A line's action. Its next time is counted from `base`, before any spread.
    Line {
        index: usize,
        base: Duration,
    },
    /// Another action of a line that has begun.
    Also(Action),
    Deed(Deed),
}

/// What moments of a scenario are counted from, besides the start.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Calendar {
    /// From the midnight before the start to the start, local time.
    pub(super) since_midnight: Duration,
    /// From the start to the present.
    pub(super) past: Duration,
}

/// What is still to come.
#[derive(Debug)]
pub(super) struct Plan {
    lines: Vec<Line>,
    /// In the order of time, and of writing within a moment.
    steps: BTreeMap<(Duration, u64), Step>,
    written: u64,
    random: Random,
}

impl Plan {
    /// Of the router `number`; what of it is left to chance, `random` decides.
    pub(super) fn new(
        scenario: &Scenario,
        number: usize,
        random: Random,
        calendar: Calendar,
    ) -> Self {
        let lines = scenario.lines.iter().filter(|line| line.who.includes(number));
        let mut plan =
            Self { lines: lines.cloned().collect(), steps: BTreeMap::new(), written: 0, random };
        for index in 0..plan.lines.len() {
            let base = match plan.lines[index].when {
                When::Once { at, .. } => at,
                When::Before { ago, .. } => match calendar.past.checked_sub(ago) {
                    Some(at) => at,
                    None => continue,
                },
                When::Daily { at, .. } if at < calendar.since_midnight => {
                    at + DAY - calendar.since_midnight
                }
                When::Daily { at, .. } => at - calendar.since_midnight,
                When::Every { period, since, .. } => {
                    let first =
                        since.map_or(Duration::ZERO, |ago| calendar.past.saturating_sub(ago));
                    first + plan.random.duration(Duration::ZERO..period)
                }
            };
            plan.add_line(index, base);
        }
        plan
    }

    fn add_line(&mut self, index: usize, base: Duration) {
        let (spread, until) = match self.lines[index].when {
            When::Once { spread, .. }
            | When::Before { spread, .. }
            | When::Daily { spread, .. } => (spread, None),
            When::Every { spread, until, .. } => (spread, until),
        };
        let later = if spread.is_zero() {
            Duration::ZERO
        } else {
            self.random.duration(Duration::ZERO..spread)
        };
        if until.is_none_or(|until| base + later < until) {
            self.add(base + later, Step::Line { index, base });
        }
    }

    fn add(&mut self, at: Duration, step: Step) {
        self.written += 1;
        self.steps.insert((at, self.written), step);
    }

    /// Begins an action that is in no scenario, and plans its end.
    pub(super) fn begin(&mut self, now: Duration, action: &Action) -> Deed {
        if let Some((after, end)) = Deed::end_of(action) {
            self.add(now + after, Step::Deed(end));
        }
        Deed::Begin(action.clone())
    }

    /// The scenario is over; what has begun still ends.
    pub(super) fn forget_lines(&mut self) {
        self.steps.retain(|_, step| !matches!(step, Step::Line { .. }));
    }

    pub(super) fn next_due(&self) -> Option<Duration> {
        self.steps.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next deed whose time has come, and when that was.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<(Duration, Deed)> {
        let at = self.next_due().filter(|at| *at <= now)?;
        let (_, step) = self.steps.pop_first()?;
        let deed = match step {
            Step::Deed(deed) => deed,
            Step::Also(action) => self.begin(at, &action),
            Step::Line { index, base } => {
                let line = &self.lines[index];
                let (when, actions) = (line.when, line.actions.clone());
                match when {
                    When::Every { period, .. } => self.add_line(index, base + period),
                    When::Daily { .. } => self.add_line(index, base + DAY),
                    When::Once { .. } | When::Before { .. } => {}
                }
                let (first, others) = actions.split_first()?;
                others.iter().for_each(|action| self.add(at, Step::Also(action.clone())));
                self.begin(at, first)
            }
        };
        Some((at, deed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    /// Started at 23:50, and has run for half an hour.
    const CALENDAR: Calendar = Calendar {
        since_midnight: Duration::from_secs(86_400 - 600),
        past: Duration::from_secs(1800),
    };

    fn played(text: &str, number: usize, seed: u64, until: Duration) -> Vec<(Duration, Deed)> {
        let scenario = text.parse().unwrap();
        let mut plan = Plan::new(&scenario, number, Random::new(seed), CALENDAR);
        std::iter::from_fn(|| plan.take_due(until)).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[(u64, &str)]) {
        let found: Vec<_> = played(text, 1, 7, HOUR)
            .into_iter()
            .map(|(at, deed)| (at.as_secs(), format!("{deed:?}")))
            .collect();
        let found: Vec<_> = found.iter().map(|(at, deed)| (*at, deed.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn what_lasts_has_an_end() {
        check(
            "00:20 healthy\n00:10 offline 5s",
            &[(10, "Begin(Offline(5s))"), (15, "Reachable"), (20, "Begin(Healthy)")],
        );
        check("1s drop 2s", &[(1, "Begin(Drop(2s))"), (3, "SessionUp")]);
        check("1s reboot 2s", &[(1, "Begin(Reboot(2s))"), (3, "PowerOn")]);
    }

    #[test]
    fn a_moment_keeps_the_order_of_the_lines() {
        check(
            "5s evict 1\n5s healthy\n5s evict 2",
            &[(5, "Begin(Evict(1))"), (5, "Begin(Healthy)"), (5, "Begin(Evict(2))")],
        );
    }

    #[test]
    fn repeats_come_once_a_period_from_a_moment_of_chance_on() {
        let times = |seed| -> Vec<_> {
            played("every 10m healthy", 1, seed, HOUR).into_iter().map(|(at, _)| at).collect()
        };
        let one = times(1);
        assert_eq!(one.len(), 6);
        assert!(one[0] < Duration::from_secs(600));
        assert!(one.windows(2).all(|pair| pair[1] - pair[0] == Duration::from_secs(600)));
        assert_eq!(one, times(1));
        assert_ne!(one, times(2));
        assert_eq!(played("every 10m until 30:00 healthy", 1, 1, HOUR).len(), 3);
    }

    #[test]
    fn the_day_and_the_present_count() {
        check("before 10:00 healthy\nbefore 40:00 healthy", &[(1200, "Begin(Healthy)")]);
        let every = played("every 10m since 10:00 healthy", 1, 1, HOUR);
        assert_eq!((every.len(), every[0].0 > Duration::from_secs(1200)), (4, true));
        check("daily 00:05 healthy", &[(900, "Begin(Healthy)")]);
        check("daily 23:55 healthy", &[(300, "Begin(Healthy)")]);
        assert_eq!(played("daily 23:49 healthy", 1, 1, 3 * DAY).len(), 3);
    }

    #[test]
    fn a_line_may_do_several_things_in_order() {
        check(
            "5s evict 1; drop 1s; evict 2\n5s healthy",
            &[
                (5, "Begin(Evict(1))"),
                (5, "Begin(Healthy)"),
                (5, "Begin(Drop(1s))"),
                (5, "Begin(Evict(2))"),
                (6, "SessionUp"),
            ],
        );
    }

    #[test]
    fn a_spread_does_not_add_up() {
        let all = played("every 1m~50s healthy", 1, 3, HOUR);
        assert!((58..=60).contains(&all.len()), "{}", all.len());
        assert!(all.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }

    #[test]
    fn lines_are_for_whom_they_name() {
        let text = "[routers 2]\n1s healthy";
        assert!(played(text, 1, 1, HOUR).is_empty());
        assert_eq!(played(text, 2, 1, HOUR).len(), 1);
    }

    #[test]
    fn what_has_begun_ends_without_the_scenario() {
        let scenario = "1s drop 10s\n5s healthy".parse().unwrap();
        let mut plan = Plan::new(&scenario, 1, Random::new(1), CALENDAR);
        assert!(plan.take_due(Duration::from_secs(1)).is_some());
        plan.forget_lines();
        assert_eq!(plan.take_due(HOUR), Some((Duration::from_secs(11), Deed::SessionUp)));
        assert_eq!(plan.next_due(), None);
    }
}
