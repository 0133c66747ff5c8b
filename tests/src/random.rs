//! Chance that can be repeated: the same seed gives the same run.
//!
//! `SplitMix64` (Steele, Lea and Flood, 2014): three lines, and more than good enough to
//! choose moments.

use std::ops::Range;
use std::time::Duration;

/// A stream of numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Begins where the seed says.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range; its start if it is empty.
    pub fn number(&mut self, range: Range<usize>) -> usize {
        let width = (range.end.saturating_sub(range.start)).max(1) as u64;
        range.start + (self.next() % width) as usize
    }

    /// A duration of the range, to the microsecond.
    pub fn duration(&mut self, range: Range<Duration>) -> Duration {
        let width = range.end.saturating_sub(range.start).as_micros().max(1);
        range.start + Duration::from_micros((u128::from(self.next()) % width) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_numbers() {
        let numbers = |seed| {
            let mut random = Random::new(seed);
            [(); 8].map(|()| random.number(10..20))
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
        assert!(numbers(3).iter().all(|number| (10..20).contains(number)));
    }

    #[test]
    fn an_empty_range_is_its_start() {
        let mut random = Random::new(7);
        assert_eq!(random.number(4..4), 4);
        let one = Duration::from_secs(1);
        assert_eq!(random.duration(one..one), one);
    }
}
