//! Durations counted in buckets.

use std::time::Duration;

use crate::exposition::{Family, Labels};

/// Upper bounds, in milliseconds: from the next room to the other side of the world.
const BOUNDS_MS: [u32; 15] = [1, 2, 5, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000];

/// A histogram of round-trip times.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies {
    /// Each bucket by itself; the last is for what is slower than every bound.
    counts: [u64; BOUNDS_MS.len() + 1],
    sum: Duration,
}

impl Latencies {
    pub(crate) fn observe(&mut self, took: Duration) {
        let bucket =
            BOUNDS_MS.partition_point(|bound| took > Duration::from_millis((*bound).into()));
        self.counts[bucket] += 1;
        self.sum += took;
    }

    pub(crate) fn encode(
        &self,
        family: &mut Family<'_, '_>,
        labels: Labels<'_>,
    ) -> std::fmt::Result {
        let mut buckets = [(f64::INFINITY, 0); BOUNDS_MS.len() + 1];
        for (index, bucket) in buckets.iter_mut().enumerate() {
            let bound = BOUNDS_MS.get(index).map_or(f64::INFINITY, |ms| f64::from(*ms) / 1000.0);
            *bucket = (bound, self.counts[index]);
        }
        family.observations(labels, self.sum.as_secs_f64(), &buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let mut latencies = Latencies::default();
        for micros in [0, 1000, 1001, 1_000_000, 1_000_001] {
            latencies.observe(Duration::from_micros(micros));
        }
        assert_eq!(latencies.counts[0], 2, "le 1 ms takes 0 and 1 ms");
        assert_eq!(latencies.counts[1], 1);
        assert_eq!(latencies.counts[14], 1, "le 1 s takes 1 s");
        assert_eq!(latencies.counts[15], 1);
    }
}
