//! May this host's clock be believed? What is deleted by a wrong clock is gone.

use crate::record::Millis;

/// A host that was off for longer should first hear a router say the same time.
const LONG_OFF: Millis = 48 * 3_600_000;
/// Between our clock and that of a router that keeps time: both are right to seconds.
const AGREEING: Millis = 5_000;
/// A step by more than this begins the matter anew; a time service moves less, and leaves less.
pub(crate) const STEP: Millis = 10_000;
/// So many answers must agree.
const ENOUGH: u32 = 2;

/// What speaks for the clock, and against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The newest that was stored before the clock was what it is now.
    newest: Option<Millis>,
    /// Answers in a row, of routers whose own clock is kept, that said our time.
    agreed: u32,
    /// The wall clock and the steady one, when they were last looked at.
    last: Option<(Millis, Millis)>,
}

impl Trust {
    /// With the time of the newest row that was stored before the start.
    #[must_use]
    pub fn new(newest: Option<Millis>) -> Self {
        Self { newest, agreed: 0, last: None }
    }

    /// The clocks now: has the wall clock been set? `steady` are milliseconds since any moment.
    pub fn look(&mut self, now: Millis, steady: Millis) {
        if let Some((wall_before, steady_before)) = self.last {
            let expected = wall_before + (steady - steady_before);
            if (now - expected).abs() > STEP {
                self.agreed = 0;
                self.newest = self.newest.max(Some(expected));
            }
        }
        self.last = Some((now, steady));
    }

    /// A router whose clock a time service keeps has said its time.
    pub fn heard(&mut self, now: Millis, router: Millis) {
        let is_near = now.abs_diff(router) <= AGREEING.unsigned_abs();
        self.agreed = if is_near { self.agreed.saturating_add(1) } else { 0 };
    }

    /// Why the clock is not to be believed; `None`: it is. `synchronised` is what the host
    /// says of its own clock, if it says anything.
    #[must_use]
    pub fn doubt(&self, now: Millis, synchronised: Option<bool>) -> Option<&'static str> {
        if self.agreed >= ENOUGH {
            None
        } else if synchronised == Some(false) {
            Some("no time service keeps this host's clock")
        } else if self.newest.is_some_and(|newest| now < newest) {
            Some("this host's clock is behind what is stored")
        } else if self.newest.is_some_and(|newest| now - newest > LONG_OFF) {
            Some("this host's clock is more than two days past what is stored")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_739_327_640_000;
    const DAY: Millis = 86_400_000;

    #[test]
    fn a_clock_is_doubted_until_two_answers_agree() {
        let doubtful = [
            (Some(NOW - 3 * DAY), Some(true)),
            (Some(NOW + 1), None),
            (Some(NOW - 1000), Some(false)),
            (None, Some(false)),
        ];
        for (newest, synchronised) in doubtful {
            let mut trust = Trust::new(newest);
            assert!(trust.doubt(NOW, synchronised).is_some(), "{newest:?}");
            trust.heard(NOW, NOW - 4000);
            assert!(trust.doubt(NOW, synchronised).is_some(), "one answer is not enough");
            trust.heard(NOW, NOW + 4000);
            assert_eq!(trust.doubt(NOW, synchronised), None);
            trust.heard(NOW, NOW + 6000);
            assert!(trust.doubt(NOW, synchronised).is_some(), "they contradict each other");
        }
        for newest in [None, Some(NOW - 1000), Some(NOW - 2 * DAY)] {
            assert_eq!(Trust::new(newest).doubt(NOW, Some(true)), None);
            assert_eq!(Trust::new(newest).doubt(NOW, None), None, "a container is not told");
        }
    }

    #[test]
    fn no_time_of_a_router_is_too_far_away() {
        let mut trust = Trust::new(None);
        for time in [Millis::MIN, Millis::MAX] {
            trust.heard(NOW, time);
            trust.heard(NOW, time);
            assert!(trust.doubt(NOW, Some(false)).is_some());
        }
    }

    #[test]
    fn a_clock_that_was_set_is_a_new_clock() {
        let mut trust = Trust::new(Some(NOW));
        trust.look(NOW, 0);
        trust.heard(NOW, NOW);
        trust.heard(NOW, NOW);
        trust.look(NOW + 60_500, 60_000);
        assert_eq!(trust.doubt(NOW + 60_500, Some(false)), None, "slewed, not set");
        trust.look(NOW + 30 * DAY, 120_000);
        assert!(trust.doubt(NOW + 30 * DAY, Some(true)).is_some());
        // Set right again by the same service.
        trust.look(NOW + 180_500, 180_000);
        assert!(trust.doubt(NOW + 180_500, Some(true)).is_some(), "behind what is stored");
        trust.heard(NOW + 181_000, NOW + 181_000);
        trust.heard(NOW + 182_000, NOW + 182_000);
        assert_eq!(trust.doubt(NOW + 182_000, Some(true)), None);
    }
}
