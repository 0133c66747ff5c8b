//! How long to leave a router alone that did not answer.
//!
//! Pauses double from one second, so that a router that restarts is seen again soon, up to
//! a minute, or to the router's own POLL_INTERVAL where that is longer: who wants to be
//! asked each five minutes does not want to be asked more often for being away. A shorter
//! POLL_INTERVAL does not lower the cap: a thousand dead routers polled each second would
//! otherwise cost a thousand connects a second for nothing, and nothing is lost by a
//! minute, since a router that is back hands over its queue.

use std::time::Duration;

/// Longer than a lost packet, shorter than anybody's patience.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// A gap in observation ends at most this long after the router is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The pauses of one router.
#[derive(Debug, Clone)]
pub struct Backoff {
    step: Duration,
    cap: Duration,
}

impl Backoff {
    /// For a router that is polled each `poll_interval`.
    #[must_use]
    pub fn new(poll_interval: Duration) -> Self {
        Self::up_to(LONGEST_PAUSE.max(poll_interval))
    }

    /// With pauses of at most `cap`.
    #[must_use]
    pub fn up_to(cap: Duration) -> Self {
        Self { step: FIRST_PAUSE, cap }
    }

    /// The pause after one more failure; `chance` is 0 to 1, anew each time.
    ///
    /// Between half of the step and all of it: routers that went away together (a power
    /// cut) do not come back together, and no pause is so short that it hammers.
    pub fn pause(&mut self, chance: f64) -> Duration {
        let step = self.step;
        self.step = step.saturating_mul(2).min(self.cap);
        let chance = if chance.is_finite() { chance.clamp(0.0, 1.0) } else { 1.0 };
        step.mul_f64(0.5 + chance / 2.0)
    }

    /// [`Self::pause`] by chance.
    pub fn next_pause(&mut self) -> Duration {
        self.pause(chance())
    }

    /// It answered: the next failure begins anew.
    pub fn reset(&mut self) {
        self.step = FIRST_PAUSE;
    }
}

/// A number from 0 to 1 by chance, also for spreading first polls; 0.5 without a source.
#[must_use]
pub fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(poll_interval: u64, chance: f64, expected: &[f64]) {
        let mut backoff = Backoff::new(Duration::from_secs(poll_interval));
        let pauses: Vec<f64> =
            expected.iter().map(|_| backoff.pause(chance).as_secs_f64()).collect();
        assert_eq!(pauses, expected, "each {poll_interval} s, chance {chance}");
    }

    #[test]
    fn pauses_double_up_to_a_minute_or_a_longer_interval() {
        check(60, 1.0, &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
        check(10, 1.0, &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
        check(100, 1.0, &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 100.0, 100.0]);
        check(60, 0.0, &[0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
        check(60, f64::NAN, &[1.0, 2.0]);
    }

    #[test]
    fn an_answer_starts_anew() {
        let mut backoff = Backoff::new(Duration::from_secs(60));
        for _ in 0..20 {
            backoff.pause(1.0);
        }
        backoff.reset();
        assert_eq!(backoff.pause(1.0), Duration::from_secs(1));
    }

    proptest! {
        #[test]
        fn no_pause_is_below_half_a_second_or_above_the_cap(
            interval in 0u64..100_000, chances in prop::collection::vec(any::<f64>(), 1..100)
        ) {
            let mut backoff = Backoff::new(Duration::from_secs(interval));
            for chance in chances {
                let pause = backoff.pause(chance);
                prop_assert!(pause >= FIRST_PAUSE / 2);
                prop_assert!(pause <= Duration::from_secs(interval.max(60)));
            }
        }
    }

    #[test]
    fn chance_is_a_share() {
        assert!((0.0..=1.0).contains(&chance()));
    }
}
