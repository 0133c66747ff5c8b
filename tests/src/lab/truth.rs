//! What the laboratory's script did: a line for each action, `FROM TO WHAT [MORE]`. Pure.
//!
//! Moments are seconds since the machine started, by a clock that nobody sets.

use anyhow::{Context, Result, bail};

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// It was not before.
    pub from: f64,
    /// It was not after.
    pub to: f64,
}

impl Span {
    /// Is the moment within?
    #[must_use]
    pub fn contains(self, moment: f64) -> bool {
        (self.from..=self.to).contains(&moment)
    }

    /// Seconds by which the moment lies outside.
    #[must_use]
    pub fn distance(self, moment: f64) -> f64 {
        (self.from - moment).max(moment - self.to).max(0.0)
    }
}

/// Something that was done, or that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// When.
    pub span: Span,
    /// Its name.
    pub what: String,
    /// What else was noted.
    pub more: String,
}

/// All of it, of one start of the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    acts: Vec<Act>,
}

/// A scenario and what was done in it.
#[derive(Debug, Clone, Copy)]
pub struct Scenario<'a> {
    /// Its name.
    pub name: &'a str,
    /// From the end of the one before to its own end: what is said late belongs to it.
    pub span: Span,
    all: &'a [Act],
}

impl Truth {
    /// Reads the script's notes.
    ///
    /// # Errors
    /// When a line is not as it writes them.
    pub fn parse(text: &str) -> Result<Self> {
        let acts: Result<_> = text
            .lines()
            .map(|line| act(line).with_context(|| format!("truth: {line:?}")))
            .collect();
        Ok(Self { acts: acts? })
    }

    /// The scenarios that were played to their end, in order.
    ///
    /// # Errors
    /// When one was not.
    pub fn scenarios(&self) -> Result<Vec<Scenario<'_>>> {
        let mut scenarios = Vec::new();
        let mut begun: Option<&Act> = None;
        let mut ended = 0.0;
        for act in &self.acts {
            match act.what.as_str() {
                "begin" => begun = Some(act),
                "end" => {
                    begun.filter(|begun| begun.more == act.more).context("an end without begin")?;
                    let span = Span { from: ended, to: act.span.to };
                    scenarios.push(Scenario { name: &act.more, span, all: &self.acts });
                    ended = act.span.to;
                    begun = None;
                }
                "gave-up" => bail!("the script waited in vain: {}", act.more),
                _ => {}
            }
        }
        match begun {
            Some(begun) => bail!("scenario {} has no end", begun.more),
            None => Ok(scenarios),
        }
    }

    /// What the wall clock showed when the machine started, as it went at that moment: a span,
    /// since it shows whole seconds.
    #[must_use]
    pub fn wall_of_start(&self, at: f64) -> Option<Span> {
        let is_known =
            |act: &&Act| act.what == "wall" || act.what == "clock-set" || act.what == "clock-back";
        let last = self.acts.iter().filter(is_known).rfind(|act| act.span.to <= at)?;
        let wall: f64 = last.more.parse().ok()?;
        Some(Span { from: wall - last.span.to, to: wall - last.span.from })
    }
}

fn act(line: &str) -> Result<Act> {
    let mut words = line.splitn(4, ' ');
    let mut second =
        || -> Result<f64> { words.next().context("no time")?.parse().context("not a time") };
    let span = Span { from: second()?, to: second()? };
    let what = words.next().context("nothing happened")?.to_owned();
    Ok(Act { span, what, more: words.next().unwrap_or_default().to_owned() })
}

impl Scenario<'_> {
    /// When something happened in it: `session-up` for the first time, `session-up#2` for the
    /// second. `machine-started` is the beginning of all.
    #[must_use]
    pub fn when(&self, what: &str) -> Option<Span> {
        if what == "machine-started" {
            return Some(Span { from: 0.0, to: 0.0 });
        }
        let (what, number) = match what.split_once('#') {
            Some((what, number)) => (what, number.parse().ok()?),
            None => (what, 1_usize),
        };
        let within = self.all.iter().filter(|act| self.span.contains(act.span.from));
        Some(within.filter(|act| act.what == what).nth(number.checked_sub(1)?)?.span)
    }

    /// How often a session in it got another address than the one before.
    #[must_use]
    pub fn new_addresses(&self) -> usize {
        let sessions: Vec<&Act> = self.all.iter().filter(|act| act.what == "session-up").collect();
        let changed = |pair: &&[&Act]| pair[0].more != pair[1].more;
        let within = |pair: &&[&Act]| self.span.contains(pair[1].span.from);
        sessions.windows(2).filter(changed).filter(within).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "6.30 6.31 wall 1000\n10 10 begin boot\n12.5 12.75 server-started\n\
                        20 20 session-up a\n25 25 end boot\n26 26 begin cable\n\
                        27 27.5 cable-pulled\n30 30.25 clock-set 2000\n35 35 session-up a\n\
                        38 38 session-up b\n40 40 end cable\n";

    fn truth(text: &str) -> Truth {
        Truth::parse(text).unwrap()
    }

    #[test]
    fn a_scenario_has_its_own_acts() {
        let truth = truth(TEXT);
        let scenarios = truth.scenarios().unwrap();
        let names: Vec<_> = scenarios.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names, ["boot", "cable"]);
        assert_eq!(scenarios[0].when("session-up"), Some(Span { from: 20.0, to: 20.0 }));
        assert_eq!(scenarios[1].when("session-up"), Some(Span { from: 35.0, to: 35.0 }));
        assert_eq!(scenarios[0].when("cable-pulled"), None);
        assert_eq!(scenarios[1].when("session-up#2"), Some(Span { from: 38.0, to: 38.0 }));
        assert_eq!(scenarios[1].when("session-up#3"), None);
        assert_eq!((scenarios[0].new_addresses(), scenarios[1].new_addresses()), (0, 1));
        assert_eq!(scenarios[1].span, Span { from: 25.0, to: 40.0 });
    }

    #[test]
    fn the_clock_goes_as_it_was_set_last() {
        let truth = truth(TEXT);
        assert_eq!(truth.wall_of_start(5.0), None);
        let before = truth.wall_of_start(29.0).unwrap();
        assert!((before.from - 993.69).abs() < 1e-9 && (before.to - 993.70).abs() < 1e-9);
        assert_eq!(truth.wall_of_start(40.0), Some(Span { from: 1969.75, to: 1970.0 }));
    }

    #[test]
    fn what_was_not_played_to_its_end_is_said() {
        for text in ["1 1 begin boot\n", "1 1 end boot\n", "1 1 begin boot\n2 2 gave-up up\n"] {
            assert!(truth(text).scenarios().is_err(), "{text}");
        }
        for text in ["x 1 begin boot\n", "1\n", "1 2\n"] {
            assert!(Truth::parse(text).is_err(), "{text}");
        }
    }
}
