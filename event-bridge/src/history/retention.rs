//! What may be deleted, and when. The clock rules are in [`super::trust`].

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::hour::HOUR;
use crate::record::Millis;

const DAY: Millis = 24 * HOUR;

/// What one run deletes at most: a wrong clock that was believed costs no more.
pub const MOST_AT_ONCE: Millis = 2 * DAY;

/// However small the file is to be, so much is kept.
const LEAST_KEPT: Millis = DAY;

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Samples, pings, events, gaps.
    pub rows_days: u32,
    /// Hours, outages, alerts.
    pub hours_days: u32,
    /// Of the database, bytes; `None`: no bound.
    pub max_bytes: Option<u64>,
    /// Local time of the clean-up.
    pub at: Time,
}

/// Up to here what is stored may go: whole hours, so that each hour was added up as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Samples, pings, events, gaps.
    pub rows: Millis,
    /// Hours, outages, alerts.
    pub hours: Millis,
}

impl Retention {
    /// By age; `oldest` is the oldest row that is stored.
    #[must_use]
    pub fn by_age(&self, now: Millis, oldest: Option<Millis>) -> Cut {
        let kept = |days: u32| whole_hour(now - Millis::from(days) * DAY);
        let most = oldest.map_or(Millis::MAX, |oldest| whole_hour(oldest + MOST_AT_ONCE));
        Cut { rows: kept(self.rows_days).min(most), hours: kept(self.hours_days) }
    }

    /// By size: the oldest hour goes, if the file is too large; `None`: nothing has to go.
    #[must_use]
    pub fn by_size(&self, now: Millis, oldest: Option<Millis>, bytes: u64) -> Option<Millis> {
        let oldest = oldest.filter(|_| self.max_bytes.is_some_and(|max| bytes > max))?;
        let cut = whole_hour(oldest) + HOUR;
        (cut <= whole_hour(now) - LEAST_KEPT).then_some(cut)
    }

    /// The first clean-up after `last`. A time that a change of the clock leaves out is that
    /// much later on such a day.
    #[must_use]
    pub fn next(&self, last: Millis, zone: &TimeZone) -> Millis {
        let last = Timestamp::from_millisecond(last).unwrap_or(Timestamp::UNIX_EPOCH);
        let today = last.to_zoned(zone.clone()).date();
        [0, 1, 2]
            .into_iter()
            .filter_map(|days| today.checked_add(days.days()).ok())
            .filter_map(|date| date.to_datetime(self.at).to_zoned(zone.clone()).ok())
            .map(|at| at.timestamp())
            .find(|at| *at > last)
            .map_or(last.as_millisecond() + DAY, Timestamp::as_millisecond)
    }
}

fn whole_hour(at: Millis) -> Millis {
    at - at.rem_euclid(HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-28 12:00 UTC: the night after, clocks go forward in Berlin.
    const NOW: Millis = 1_774_699_200_000;

    fn retention() -> Retention {
        let at = Time::constant(2, 30, 0, 0);
        Retention { rows_days: 30, hours_days: 730, max_bytes: Some(1000), at }
    }

    #[test]
    fn at_most_two_days_go_at_once_in_whole_hours() {
        let cut = retention().by_age(NOW + 1, Some(NOW - 31 * DAY));
        assert_eq!(cut, Cut { rows: NOW - 30 * DAY, hours: NOW - 730 * DAY });
        let oldest = NOW - 100 * DAY;
        assert_eq!(retention().by_age(NOW, Some(oldest + 5)).rows, oldest + 2 * DAY);
    }

    #[test]
    fn the_oldest_hour_goes_when_the_file_is_too_large() {
        let oldest = Some(NOW - 10 * DAY + 5);
        assert_eq!(retention().by_size(NOW, oldest, 1001), Some(NOW - 10 * DAY + HOUR));
        assert_eq!(retention().by_size(NOW, oldest, 1000), None);
        assert_eq!(retention().by_size(NOW, Some(NOW - DAY), 1001), None, "a day is kept");
        assert_eq!(retention().by_size(NOW, None, 1001), None);
        assert_eq!(Retention { max_bytes: None, ..retention() }.by_size(NOW, oldest, 9999), None);
    }

    #[test]
    fn the_clean_up_is_once_a_day_by_the_local_clock() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let next = |last| Timestamp::from_millisecond(retention().next(last, &berlin)).unwrap();
        let days: Vec<String> = (0..3)
            .scan(NOW, |last, _| {
                let at = next(*last);
                *last = at.as_millisecond();
                Some(at.to_string())
            })
            .collect();
        // 02:30 does not exist on the 29th.
        assert_eq!(days, ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"]);
    }
}
