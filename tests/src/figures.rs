//! Medians and percentiles. Pure.

use std::time::Duration;

/// The middle value, or the mean of the two in the middle; `None` of nothing.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

/// The smallest value that `percent` of all values do not exceed (nearest rank);
/// `None` of nothing.
#[must_use]
pub fn percentile(values: &[Duration], percent: usize) -> Option<Duration> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// As milliseconds.
#[must_use]
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Three digits are enough to compare.
#[must_use]
pub fn short(value: f64) -> String {
    let decimals = match value.abs() {
        magnitude if magnitude >= 100.0 => 0,
        magnitude if magnitude >= 10.0 => 1,
        magnitude if magnitude >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0]), Some(3.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]), Some(3.0));
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
        let of = |percent| percentile(&values, percent).map(|found| found.as_millis());
        assert_eq!(of(0), Some(1));
        assert_eq!(of(50), Some(100));
        assert_eq!(of(99), Some(198));
        assert_eq!(of(100), Some(200));
        assert_eq!(percentile(&values[..1], 99), Some(Duration::from_millis(200)));
        assert_eq!(percentile(&[], 99), None);
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [(12345.6, "12346"), (31.26, "31.3"), (5.0, "5.00"), (0.0525, "0.052")]
        {
            assert_eq!(short(value), text);
        }
    }
}
