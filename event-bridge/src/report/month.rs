//! A month of the calendar, in the zone of the host. Pure.

use std::ops::Range;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::record::Millis;

/// A month of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Month {
    year: i16,
    month: i8,
}

/// It is not written as `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected year and month, such as 2026-11")]
pub(crate) struct NoMonth;

impl FromStr for Month {
    type Err = NoMonth;

    fn from_str(text: &str) -> Result<Self, NoMonth> {
        let (year, month) = text.split_once('-').ok_or(NoMonth)?;
        let number = |text: &str, digits: usize| {
            let is_whole = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
            is_whole.then(|| text.parse::<i16>().ok()).flatten().ok_or(NoMonth)
        };
        let (year, month) = (number(year, 4)?, number(month, 2)?);
        // The year after must be one that the calendar has, too.
        if !(1..=12).contains(&month) || !(1..=9998).contains(&year) {
            return Err(NoMonth);
        }
        Ok(Self { year, month: month as i8 })
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl Month {
    /// The one that has this moment.
    pub(crate) fn of(at: Millis, zone: &TimeZone) -> Self {
        let date = super::figures::local(at, zone).date();
        Self { year: date.year(), month: date.month() }
    }

    pub(crate) fn year(self) -> i16 {
        self.year
    }

    /// 1 to 12.
    pub(crate) fn number(self) -> i8 {
        self.month
    }

    pub(crate) fn next(self) -> Self {
        match self.month {
            12 => Self { year: self.year + 1, month: 1 },
            month => Self { month: month + 1, ..self },
        }
    }

    pub(crate) fn previous(self) -> Self {
        match self.month {
            1 => Self { year: self.year - 1, month: 12 },
            month => Self { month: month - 1, ..self },
        }
    }

    /// From its first midnight to that of the next month.
    pub(crate) fn time(self, zone: &TimeZone) -> Range<Millis> {
        self.start(zone)..self.next().start(zone)
    }

    fn start(self, zone: &TimeZone) -> Millis {
        // Both are in the range of the calendar: see `from_str` and `of`.
        let first = Date::new(self.year, self.month, 1).unwrap_or(Date::MAX);
        // Where the clock jumps over midnight, the first moment after it.
        let start = first.to_zoned(zone.clone()).map(|start| start.timestamp());
        start.map_or(Millis::MAX, |start| start.as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = 3_600_000;

    #[test]
    fn months_are_years_and_numbers() {
        let month: Month = "2026-11".parse().unwrap();
        assert_eq!((month.year(), month.number(), month.to_string()), (2026, 11, "2026-11".into()));
        assert_eq!(month.next().next().to_string(), "2027-01");
        assert_eq!("2026-01".parse::<Month>().unwrap().previous().to_string(), "2025-12");
        let bad = ["", "2026", "2026-1", "2026-13", "2026-00", "26-11", "2026-11-01", "+026-11"];
        for bad in bad.iter().chain(&["2026/11", "2026-１1", "0000-01", "9999-12", " 2026-11"]) {
            assert_eq!(bad.parse::<Month>(), Err(NoMonth), "{bad}");
        }
    }

    #[test]
    fn months_of_a_changing_clock_have_an_hour_less_or_more() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let hours = |month: &str, zone: &TimeZone| {
            let time = month.parse::<Month>().unwrap().time(zone);
            (time.end - time.start) / HOUR
        };
        assert_eq!(hours("2026-03", &berlin), 31 * 24 - 1);
        assert_eq!(hours("2026-10", &berlin), 31 * 24 + 1);
        assert_eq!(hours("2026-02", &berlin), 28 * 24);
        assert_eq!(hours("2026-03", &TimeZone::UTC), 31 * 24);
        let time = "2026-07".parse::<Month>().unwrap().time(&berlin);
        assert_eq!(time.start % (24 * HOUR), 22 * HOUR);
        assert_eq!(Month::of(time.start, &berlin).to_string(), "2026-07");
        assert_eq!(Month::of(time.start - 1, &berlin).to_string(), "2026-06");
    }
}
