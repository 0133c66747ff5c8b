//! Outages as a saved log tells them: without pings, so the interface's own words are all
//! there is. Used by `replay --derived`; the detector and the judge are those of `run`.

use std::collections::VecDeque;
use std::time::Duration;

use super::detector::Detector;
use super::look::{Look, Port, Wan};
use super::sign::Sign;
use crate::collectors::wan::State;
use crate::events::event::{Moment, Told};

/// Times of lines that an outage may have begun or ended with.
const TIMES_KEPT: usize = 64;

/// Follows a saved log. `T` is how a line's time is shown.
pub(crate) struct SavedLog<T> {
    detector: Detector,
    state: State,
    /// The log's time of the line before; `None`: the next one cannot be compared with it.
    last: Option<Duration>,
    /// Sum of the steps from line to line.
    now: Duration,
    times: VecDeque<(Duration, T)>,
    begun: u64,
}

impl<T: Copy> SavedLog<T> {
    /// `state`: what is known of the WAN before the first line.
    pub(crate) fn new(state: State) -> Self {
        Self {
            detector: Detector::of_saved_log(state),
            state,
            last: None,
            now: Duration::ZERO,
            times: VecDeque::new(),
            begun: 0,
        }
    }

    /// The router started: nothing is up, and nothing is known of before.
    pub(crate) fn restart(&mut self) {
        *self = Self { begun: self.begun, ..Self::new(State::Down) };
    }

    /// The log's clock was set, or another clock goes on: the next line is at the time of
    /// the one before.
    pub(crate) fn clock_stepped(&mut self) {
        self.last = None;
    }

    /// Takes in the signs of a line of the log's time `at`; returns the outages that begin
    /// or end with it, and when.
    pub(crate) fn line(&mut self, at: Duration, shown: T, signs: &[Sign]) -> Vec<(Told, T)> {
        let mut told = Vec::new();
        // Lines may be a little out of order.
        self.now += self.last.map_or(Duration::ZERO, |last| at.saturating_sub(last));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
        // The last line of a moment says how its clock shows it.
        self.times.pop_back_if(|(time, _)| *time == self.now);
        self.times.push_back((self.now, shown));
        if self.times.len() > TIMES_KEPT {
            self.times.pop_front();
        }
        // What was, lasted until now.
        told.extend(self.look(shown));
        for sign in signs {
            self.detector.note(*sign, self.now);
            if sign.is_end() || *sign == Sign::NoLink {
                self.state = State::Down;
            } else if matches!(sign, Sign::WanUp | Sign::SessionUp) {
                self.state = State::Up;
            }
        }
        if !signs.is_empty() {
            told.extend(self.look(shown));
        }
        told
    }

    /// The log is over; what is up stays up.
    pub(crate) fn finish(&mut self, shown: T) -> Vec<(Told, T)> {
        self.now += Duration::from_secs(60);
        self.look(shown).into_iter().collect()
    }

    fn look(&mut self, shown: T) -> Option<(Told, T)> {
        let look = Look {
            at: self.now,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            is_by_wan: None,
            targets: Vec::new(),
            gateway: None,
            dns: None,
            lcp: None,
            wan: Wan {
                state: self.state,
                is_switched_off: false,
                faults: Vec::new(),
                is_gateway_in_house: None,
            },
            port: Port::default(),
            light: None,
            has_crash_record: false,
        };
        let clock = Moment { unix: self.now, boot: Some(self.now) };
        let number = self.begun + 1;
        let (told, at) = self.detector.look(look, clock, || format!("log-{number}"))?;
        self.begun = number;
        let known = self.times.iter().rev().find(|(time, _)| Some(*time) <= at.boot);
        Some((told, known.map_or(shown, |(_, shown)| *shown)))
    }
}
