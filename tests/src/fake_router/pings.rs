//! What became of a router's pings, one a second to each target. Pure: the fate of a second's
//! ping is by the router, the second and the line, whenever it is asked for.

use std::collections::VecDeque;

use super::exposition::Histogram;
use super::line::Line;
use super::part;

/// Whom the exporter pings when nothing is set, and in which scope.
pub(super) const TARGETS: [(&str, &str); 3] =
    [("223.5.5.5", "domestic"), ("8.8.8.8", "international"), ("gateway", "gateway")];
/// The last one; `/net/status` does not show it.
pub(super) const GATEWAY: usize = TARGETS.len() - 1;

/// `ping_longest_loss_seconds` looks back so far.
const LONGEST_LOSS_WITHIN: u64 = 300;
/// Steps over a percent sign's hundred, so that losses come irregularly and still add up.
const STRIDE: u64 = 37;

/// Of one target, since the program started.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) requests: u64,
    pub(super) lost: u64,
    pub(super) times: Histogram,
    /// Of the newest request; `None`: lost.
    pub(super) last_micros: Option<u64>,
    /// Losses in a row: the second of the last one, and how many.
    runs: VecDeque<(u64, u64)>,
}

impl Tally {
    fn lose(&mut self, second: u64) {
        self.lost += 1;
        self.last_micros = None;
        match self.runs.back_mut() {
            Some((end, length)) if *end + 1 == second => (*end, *length) = (second, *length + 1),
            _ => self.runs.push_back((second, 1)),
        }
    }

    fn answer(&mut self, micros: u64) {
        self.last_micros = Some(micros);
        self.times.add(micros);
    }

    /// The longest run of losses lately.
    pub(super) fn longest_loss(&self, second: u64) -> u64 {
        let since = second.saturating_sub(LONGEST_LOSS_WITHIN);
        let lately = self.runs.iter().filter(|(end, _)| *end > since);
        lately.map(|(end, length)| (*length).min(end - since)).max().unwrap_or(0)
    }
}

/// Of all targets.
#[derive(Debug)]
pub(super) struct Pings {
    seed: u64,
    pub(super) tallies: [Tally; TARGETS.len()],
}

impl Pings {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, tallies: Default::default() }
    }

    /// One ping to each.
    pub(super) fn count(&mut self, second: u64, line: &Line, loss_percent: u8) {
        let busy = line.busy(second);
        for target in 0..TARGETS.len() {
            let is_stray = (second * STRIDE + 31 * target as u64) % 100 < u64::from(loss_percent);
            let micros = (line.answers(target) && !is_stray)
                .then(|| (self.millis(target, second, busy) * 1000.0) as u64);
            let tally = &mut self.tallies[target];
            tally.requests += 1;
            match micros {
                Some(micros) => tally.answer(micros),
                None => tally.lose(second),
            }
            if let Some((end, _)) = tally.runs.front()
                && end + LONGEST_LOSS_WITHIN < second
            {
                tally.runs.pop_front();
            }
        }
    }

    /// The shortest time to a target.
    pub(super) fn least_millis(&self, target: usize) -> f64 {
        match target {
            GATEWAY => 1.5 + self.part(target as u64, 3.0),
            _ => 4.0 + self.part(target as u64, 26.0) + 150.0 * target as f64,
        }
    }

    /// Time to a target in that second, with a long tail; `busy` is 0 to 1.
    pub(super) fn millis(&self, target: usize, second: u64, busy: f64) -> f64 {
        let chance = self.part(1000 * (target as u64 + 1) + (second << 16), 1.0);
        let tail = chance.powi(12) * 40.0;
        let least = self.least_millis(target);
        let queued = if target == GATEWAY { 2.0 } else { 18.0 } * busy * (0.5 + chance);
        least * (1.0 + chance / 5.0) + queued + if chance > 0.9 { tail } else { 0.0 }
    }

    /// Between 0 and `width`, always the same for the same `what`.
    fn part(&self, what: u64, width: f64) -> f64 {
        part(self.seed, what, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(seconds: std::ops::Range<u64>, pings: &mut Pings, line: &Line, percent: u8) {
        seconds.for_each(|second| pings.count(second, line, percent));
    }

    #[test]
    fn losses_are_as_many_as_the_scenario_says() {
        let mut pings = Pings::new(5);
        counted(0..1000, &mut pings, &Line::default(), 3);
        assert!(pings.tallies.iter().all(|tally| (tally.requests, tally.lost) == (1000, 30)));
        assert!(pings.tallies[0].longest_loss(999) <= 2);
    }

    #[test]
    fn runs_of_losses_are_measured_and_forgotten() {
        let mut pings = Pings::new(5);
        let gone = Line { is_up: false, ..Line::default() };
        counted(1..41, &mut pings, &gone, 0);
        counted(41..100, &mut pings, &Line::default(), 0);
        assert_eq!(pings.tallies[1].longest_loss(100), 40);
        assert_eq!(pings.tallies[1].longest_loss(320), 20);
        counted(100..400, &mut pings, &Line::default(), 0);
        assert_eq!((pings.tallies[1].longest_loss(400), pings.tallies[1].runs.len()), (0, 0));
    }

    #[test]
    fn a_next_hop_may_go_on_answering() {
        let mut pings = Pings::new(5);
        let beyond = Line { has_internet: false, ..Line::default() };
        counted(0..10, &mut pings, &beyond, 0);
        let lost: Vec<_> = pings.tallies.iter().map(|tally| tally.lost).collect();
        assert_eq!(lost, [10, 10, 0]);
        assert!(pings.tallies[GATEWAY].last_micros.is_some());
    }
}
