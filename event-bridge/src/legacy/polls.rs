//! Which pings belong to which sample: the old client wrote both of a poll at nearly the same
//! moment. Pure; rows come in as they were written, polls go out in the order of the samples.
//!
//! A ping belongs to the nearest sample of those to come, if that is at most [`REACH`] away.
//! One without a sample, as a client that was killed between the two leaves it, becomes a
//! sample that knows nothing but pings. The order of the rows decides, not their times alone,
//! so that a clock that was set back or forth parts no poll.

use std::collections::VecDeque;

use super::rows::TimedPing;
use crate::record::{Millis, Sample, WanState};

/// Between the rows of one poll, on a slow disk.
const REACH: Millis = 5_000;

/// Samples looked at for a ping: some hours of polls, more than a clock is set back.
const LOOK_AHEAD: usize = 512;

/// What comes next.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Hand over more samples.
    Samples,
    /// Hand over more pings.
    Pings,
    /// A sample with its pings.
    Poll(Sample),
    /// One made for pings that had none.
    Loose(Sample),
    /// That was all.
    End,
}

/// Puts polls together.
#[derive(Debug, Default)]
pub(super) struct Polls {
    samples: VecDeque<Sample>,
    pings: VecDeque<TimedPing>,
    had_all_samples: bool,
    had_all_pings: bool,
    /// Of pings without a sample.
    loose: Option<Sample>,
    repeated: u64,
}

enum Place {
    /// With the next sample.
    Here,
    /// With one of those after it.
    Later,
    Nowhere,
}

impl Polls {
    /// `None`: there are no more.
    pub(super) fn add_samples(&mut self, samples: Option<Vec<Sample>>) {
        self.had_all_samples |= samples.is_none();
        self.samples.extend(samples.into_iter().flatten());
    }

    /// `None`: there are no more.
    pub(super) fn add_pings(&mut self, pings: Option<Vec<TimedPing>>) {
        self.had_all_pings |= pings.is_none();
        self.pings.extend(pings.into_iter().flatten());
    }

    /// Pings of a target that the same poll had already.
    pub(super) fn repeated(&self) -> u64 {
        self.repeated
    }

    pub(super) fn next(&mut self) -> Next {
        if self.samples.len() < LOOK_AHEAD && !self.had_all_samples {
            return Next::Samples;
        }
        loop {
            let Some(ping) = self.pings.front() else {
                if !self.had_all_pings {
                    return Next::Pings;
                }
                break;
            };
            let at = ping.at;
            let place = self.place(at);
            let is_another = |loose: &Sample| (at - loose.at).abs() > REACH || has(loose, ping);
            if self.loose.as_ref().is_some_and(is_another) {
                break;
            }
            match place {
                Place::Later => break,
                // What is loose was written before.
                Place::Here if self.loose.is_some() => break,
                Place::Here => {
                    let repeated = attach(self.samples.front_mut(), self.pings.pop_front());
                    self.repeated += repeated;
                }
                // In the order of their times, where the sample has its own pings.
                Place::Nowhere if self.loose.is_none() && self.has_pings() => break,
                Place::Nowhere => {
                    let loose = self.loose.get_or_insert_with(|| unknown(at));
                    let repeated = attach(Some(loose), self.pings.pop_front());
                    self.repeated += repeated;
                }
            }
        }
        match self.loose.take() {
            Some(loose) => Next::Loose(loose),
            None => self.samples.pop_front().map_or(Next::End, Next::Poll),
        }
    }

    fn has_pings(&self) -> bool {
        self.samples.front().is_some_and(|next| !next.pings.is_empty())
    }

    fn place(&self, at: Millis) -> Place {
        let distance = |sample: &Sample| sample.at.abs_diff(at);
        let is_near = |sample: &&Sample| distance(sample) <= REACH.unsigned_abs();
        let Some(next) = self.samples.front() else { return Place::Nowhere };
        let after = self.samples.get(1);
        if is_near(&next) && after.is_none_or(|after| distance(next) <= distance(after)) {
            return Place::Here;
        }
        let is_beyond = || self.samples.iter().all(|sample| sample.at < at);
        if self.samples.iter().skip(1).any(|sample| is_near(&sample)) || is_beyond() {
            return Place::Later;
        }
        Place::Nowhere
    }
}

/// Gives 1 if the sample has a ping of that target.
fn attach(sample: Option<&mut Sample>, ping: Option<TimedPing>) -> u64 {
    let (Some(sample), Some(TimedPing { ping, .. })) = (sample, ping) else { return 0 };
    if sample.pings.iter().any(|other| other.target == ping.target) {
        return 1;
    }
    sample.pings.push(ping);
    0
}

fn has(sample: &Sample, ping: &TimedPing) -> bool {
    sample.pings.iter().any(|other| other.target == ping.ping.target)
}

fn unknown(at: Millis) -> Sample {
    Sample {
        at,
        wan_state: WanState::Unknown,
        rx_errors: None,
        tx_errors: None,
        rx_dropped: None,
        tx_dropped: None,
        optical_rx_dbm: None,
        optical_tx_dbm: None,
        cpu_celsius: None,
        pppoe_reconnects_24h: None,
        wan_downs_24h: None,
        pings: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::Ping;

    fn ping(at: Millis, target: &str) -> TimedPing {
        let target = target.to_owned();
        let (rtt_ms, loss_percent) = (Some(1.0), Some(0.0));
        let ping = Ping { target, rtt_ms, loss_percent, sent_total: None, lost_total: None };
        TimedPing { at, ping }
    }

    /// Hands over a few at a time, and gives the time and the targets of each poll.
    fn put_together(samples: &[Millis], pings: &[(Millis, &str)]) -> Vec<(Millis, String)> {
        let mut polls = Polls::default();
        let (mut samples, mut pings) = (samples.chunks(3), pings.chunks(2));
        let mut found = Vec::new();
        loop {
            match polls.next() {
                Next::Samples => polls.add_samples(
                    samples.next().map(|times| times.iter().map(|at| unknown(*at)).collect()),
                ),
                Next::Pings => polls.add_pings(
                    pings.next().map(|rows| rows.iter().map(|row| ping(row.0, row.1)).collect()),
                ),
                Next::Poll(poll) | Next::Loose(poll) => {
                    let targets = poll.pings.iter().map(|ping| ping.target.as_str());
                    found.push((poll.at, targets.collect()));
                }
                Next::End => return found,
            }
        }
    }

    #[track_caller]
    fn check(samples: &[Millis], pings: &[(Millis, &str)], expected: &[(Millis, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(at, t)| (*at, (*t).to_owned())).collect();
        assert_eq!(put_together(samples, pings), expected);
    }

    #[test]
    fn pings_go_with_the_sample_of_their_poll() {
        check(
            &[60_000, 120_000, 180_000],
            &[(60_001, "a"), (60_002, "b"), (119_000, "a"), (120_000, "b"), (180_003, "a")],
            &[(60_000, "ab"), (120_000, "ab"), (180_000, "a")],
        );
        // Polled each second: the nearest.
        check(
            &[1000, 2000, 3000],
            &[(1001, "a"), (1900, "a"), (2001, "b"), (3001, "a"), (3002, "a")],
            &[(1000, "a"), (2000, "ab"), (3000, "a")],
        );
    }

    #[test]
    fn pings_without_a_sample_make_one() {
        check(
            &[60_000, 240_000],
            &[(60_001, "a"), (120_000, "a"), (120_001, "b"), (180_000, "a"), (240_000, "a")],
            &[(60_000, "a"), (120_000, "ab"), (180_000, "a"), (240_000, "a")],
        );
        check(&[], &[(1, "a"), (2, "b"), (9_000, "a")], &[(1, "ab"), (9_000, "a")]);
        check(&[60_000], &[(66_000, "a")], &[(60_000, ""), (66_000, "a")]);
        check(&[60_000, 70_000], &[], &[(60_000, ""), (70_000, "")]);
    }

    #[test]
    fn a_clock_that_is_set_back_parts_no_poll() {
        check(
            &[960_000, 900_000, 60_000, 120_000, 990_000],
            &[(960_001, "a"), (900_001, "a"), (60_001, "a"), (120_001, "a"), (990_001, "a")],
            &[(960_000, "a"), (900_000, "a"), (60_000, "a"), (120_000, "a"), (990_000, "a")],
        );
        // Also when a ping is left over before it.
        check(
            &[60_000, 120_000, 990_000],
            &[(960_001, "a"), (60_001, "a"), (120_001, "a"), (990_001, "a")],
            &[(960_001, "a"), (60_000, "a"), (120_000, "a"), (990_000, "a")],
        );
    }

    proptest! {
        #[test]
        fn no_sample_and_no_ping_is_lost(
            samples in prop::collection::vec(0_i64..200_000, 0..40),
            pings in prop::collection::vec((0_i64..200_000, prop::sample::select(vec!["a", "b"])), 0..80),
        ) {
            let mut polls = Polls::default();
            polls.add_samples(Some(samples.iter().map(|at| unknown(*at)).collect()));
            polls.add_samples(None);
            polls.add_pings(Some(pings.iter().map(|row| ping(row.0, row.1)).collect()));
            polls.add_pings(None);
            let (mut had, mut kept) = (0, 0);
            loop {
                match polls.next() {
                    Next::Poll(poll) | Next::Loose(poll) => {
                        had += 1;
                        kept += poll.pings.len() as u64;
                    }
                    Next::End => break,
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            prop_assert!(had >= samples.len());
            prop_assert_eq!(kept + polls.repeated(), pings.len() as u64);
        }
    }
}
