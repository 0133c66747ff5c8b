//! Times of agents that write local time without a zone (the old shell agent), in UTC. Pure.
//!
//! The answer's own `timestamp` was written just now, so its difference from the bridge's
//! clock is the router's zone, if some zone has it; what is left then is seconds under way
//! and a clock that is a little off. The rules:
//!
//! 1. A difference within 7 min 30 s of an offset that some zone uses is that zone. (A
//!    quarter of an hour is always that near; only those in use tell a zone from a wrong
//!    clock.)
//! 2. Any other difference, also one beyond -12:00 and +14:00, is a wrong clock: the times
//!    are shifted by the whole difference and are approximate. A clock that is wrong by
//!    whole hours cannot be told from a zone.
//! 3. An answer without a readable `timestamp`: its times are taken as UTC, approximate.
//! 4. The offset of the answer holds for all its events. One of before a change to or from
//!    summer time that is first read after it is wrong by that hour; polled as it should
//!    be, an event is read within a minute. So the same event can get another time from a
//!    later answer, and readers must know it by the router's own words.
//! 5. A time with a zone (`Z`, `+08:00`) is taken as written, whatever the clocks say.
//! 6. Times of 1970 (written before the clock was set) or of 2100 stay what the router
//!    says, shifted like the others. Years before 1969 and after 9998 are no times.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::record::Millis;

/// Of the zones of the world, summer times included, in minutes east of UTC.
const OFFSETS_IN_USE: [i64; 40] = [
    -720, -660, -600, -570, -540, -480, -420, -360, -300, -240, -210, -180, -150, -120, -60, 0, 60,
    120, 180, 210, 240, 270, 300, 330, 345, 360, 390, 420, 480, 525, 540, 570, 600, 630, 660, 720,
    765, 780, 825, 840,
];
const MINUTE_MS: i64 = 60_000;
/// Half a quarter of an hour.
const NEAR_MS: u64 = 450_000;
/// 1969: midnight of 1970 in a zone east of Greenwich is still 1969 in UTC.
const FIRST_YEAR: i16 = 1969;
/// A year less than the last that can be written, so that no zone leads beyond.
const LAST_YEAR: i16 = 9998;
/// 1969-01-01T00:00:00Z.
const EARLIEST: Millis = -31_536_000_000;
/// 9999-01-01T00:00:00Z.
const LATEST: Millis = 253_370_764_800_000;
/// `2025-02-12T10:34:00.123456789+08:00[Asia/Shanghai]` and some.
const MAX_TIME_BYTES: usize = 80;

/// A time as an agent wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// With a zone, or as seconds since 1970.
    Utc(Millis),
    /// Without: milliseconds from 1970-01-01 00:00 on the router's own calendar.
    Local(Millis),
}

/// `2025-02-12 10:34:00`, or RFC 3339 with or without a zone. `None`: no time.
pub(super) fn parse_time(text: &str) -> Option<Written> {
    let text = text.trim();
    if text.len() > MAX_TIME_BYTES {
        return None;
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return within_bounds(time.as_millisecond()).map(Written::Utc);
    }
    let time: DateTime = text.parse().ok()?;
    if !(FIRST_YEAR..=LAST_YEAR).contains(&time.year()) {
        return None;
    }
    let time = TimeZone::UTC.to_timestamp(time).ok()?;
    Some(Written::Local(time.as_millisecond()))
}

/// Seconds since 1970; `None` for what is no time at all.
pub(crate) fn parse_seconds(seconds: f64) -> Option<Millis> {
    let millis = (seconds * 1000.0).round();
    // `as` saturates, and not-a-number becomes 0: hence the test before it.
    if millis.is_finite() { within_bounds(millis as Millis) } else { None }
}

fn within_bounds(time: Millis) -> Option<Millis> {
    (EARLIEST..LATEST).contains(&time).then_some(time)
}

/// From a router's local time to UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// The router's clock is right, in a zone so many minutes east of UTC.
    Zone {
        /// -720 to 840.
        east_minutes: i64,
    },
    /// No zone explains the difference.
    WrongClock {
        /// How much later the router's calendar is than UTC.
        ahead_ms: i64,
    },
    /// The router does not say what time it has.
    Unknown,
}

impl Shift {
    /// From what the router wrote as the time of its answer, and the bridge's clock then.
    #[must_use]
    pub(super) fn infer(timestamp: Option<Written>, now: Millis) -> Self {
        let local = match timestamp {
            Some(Written::Local(local)) => local,
            // It writes zones, so what it writes without one is UTC as much as anything.
            Some(Written::Utc(_)) | None => return Self::Unknown,
        };
        let ahead_ms = local.saturating_sub(now);
        let is_near =
            |offset: &i64| ahead_ms.saturating_sub(offset * MINUTE_MS).unsigned_abs() <= NEAR_MS;
        match OFFSETS_IN_USE.into_iter().find(is_near) {
            Some(east_minutes) => Self::Zone { east_minutes },
            None => Self::WrongClock { ahead_ms },
        }
    }

    /// The UTC time of what the router wrote. Never leaves the years that can be written.
    pub(super) fn apply(self, written: Written) -> Millis {
        let (local, ahead) = match (written, self) {
            (Written::Utc(time), _) => (time, 0),
            (Written::Local(local), Self::Zone { east_minutes }) => {
                (local, east_minutes.saturating_mul(MINUTE_MS))
            }
            (Written::Local(local), Self::WrongClock { ahead_ms }) => (local, ahead_ms),
            (Written::Local(local), Self::Unknown) => (local, 0),
        };
        local.saturating_sub(ahead).clamp(EARLIEST, LATEST)
    }

    /// Is the time that [`Self::apply`] gives for it a guess?
    pub(super) fn is_approximate(self, written: Written) -> bool {
        matches!(written, Written::Local(_)) && !matches!(self, Self::Zone { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn utc(text: &str) -> Millis {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    /// The bridge's clock says `now`, the answer `timestamp`, an event in it `event`.
    #[track_caller]
    fn check(now: &str, timestamp: &str, event: &str, expected: &str, is_approximate: bool) {
        let shift = Shift::infer(parse_time(timestamp), utc(now));
        let written = parse_time(event).unwrap();
        let found = Timestamp::from_millisecond(shift.apply(written)).unwrap().to_string();
        let message = format!("{now}, {timestamp}: {shift:?}");
        assert_eq!(
            (found.as_str(), shift.is_approximate(written)),
            (expected, is_approximate),
            "{message}"
        );
    }

    #[test]
    fn a_zone_is_found_from_the_answers_own_time() {
        for (timestamp, event) in [
            ("2025-02-12 02:34:00", "2025-02-12 02:30:00"), // UTC
            ("2025-02-12 10:34:00", "2025-02-12 10:30:00"), // Shanghai
            ("2025-02-12 08:04:00", "2025-02-12 08:00:00"), // India
            ("2025-02-12 08:19:00", "2025-02-12 08:15:00"), // Nepal
            ("2025-02-11 23:04:00", "2025-02-11 23:00:00"), // Newfoundland
            ("2025-02-12 16:19:00", "2025-02-12 16:15:00"), // Chatham, summer
            ("2025-02-12 16:34:00", "2025-02-12 16:30:00"), // Line Islands
            ("2025-02-11 14:34:00", "2025-02-11 14:30:00"), // Baker Island
            ("2025-02-12T02:34:00Z", "2025-02-12 02:30:00"),
        ] {
            let is_approximate = timestamp.ends_with('Z');
            check("2025-02-12T02:34:01Z", timestamp, event, "2025-02-12T02:30:00Z", is_approximate);
        }
    }

    #[test]
    fn up_to_seven_and_a_half_minutes_belong_to_the_way_and_the_clock() {
        let event = "2025-02-12 10:30:00";
        let check_at = |timestamp, expected, is_approximate| {
            check("2025-02-12T02:34:00Z", timestamp, event, expected, is_approximate);
        };
        check_at("2025-02-12 10:41:30", "2025-02-12T02:30:00Z", false);
        check_at("2025-02-12 10:26:30", "2025-02-12T02:30:00Z", false);
        // No zone has +08:15: the clock is 20 minutes fast, and the event 24 minutes old.
        check_at("2025-02-12 10:54:00", "2025-02-12T02:10:00Z", true);
        check_at("2025-02-12 10:41:31", "2025-02-12T02:22:29Z", true);
    }

    #[test]
    fn a_wrong_clock_shifts_by_the_whole_difference() {
        let now = "2025-02-12T02:34:00Z";
        check(now, "1970-01-01 00:05:00", "1970-01-01 00:01:00", "2025-02-12T02:30:00Z", true);
        check(now, "2100-01-01 00:05:00", "2100-01-01 00:01:00", "2025-02-12T02:30:00Z", true);
        check(now, "2025-02-12 17:34:00", "2025-02-12 17:30:00", "2025-02-12T02:30:00Z", true);
        check(now, "2025-02-11 13:34:00", "2025-02-11 13:30:00", "2025-02-12T02:30:00Z", true);
        check(now, "half past ten", "2025-02-12 02:30:00", "2025-02-12T02:30:00Z", true);
        // The clock was set after the event: what the router says, in the zone of now.
        check(now, "2025-02-12 10:34:00", "1970-01-01 00:01:00", "1969-12-31T16:01:00Z", false);
        check(now, "2025-02-12 10:34:00", "2100-01-01 08:00:00", "2100-01-01T00:00:00Z", false);
    }

    #[test]
    fn a_change_to_summer_time_between_event_and_answer_moves_the_event_by_an_hour() {
        // Berlin, 2025-03-30: 01:59:59+01:00 is followed by 03:00:00+02:00.
        let event = "2025-03-30 01:58:00";
        check("2025-03-30T00:59:00Z", "2025-03-30 01:59:00", event, "2025-03-30T00:58:00Z", false);
        check("2025-03-30T01:01:00Z", "2025-03-30 03:01:00", event, "2025-03-29T23:58:00Z", false);
        // And back, 2025-10-26: 02:59:59+02:00, then 02:00:00+01:00.
        let event = "2025-10-26 02:58:00";
        check("2025-10-26T00:59:00Z", "2025-10-26 02:59:00", event, "2025-10-26T00:58:00Z", false);
        check("2025-10-26T01:01:00Z", "2025-10-26 02:01:00", event, "2025-10-26T01:58:00Z", false);
    }

    #[test]
    fn times_are_read_in_the_forms_that_agents_use() {
        #[track_caller]
        fn check(text: &str, expected: Option<Written>) {
            assert_eq!(parse_time(text), expected, "{text}");
        }
        let time = utc("2025-02-12T10:34:00Z");
        check("2025-02-12 10:34:00", Some(Written::Local(time)));
        check(" 2025-02-12T10:34:00\n", Some(Written::Local(time)));
        check("2025-02-12T10:34:00Z", Some(Written::Utc(time)));
        check("2025-02-12T18:34:00+08:00", Some(Written::Utc(time)));
        check("2025-02-12 10:34:00.250", Some(Written::Local(time + 250)));
        for bad in ["", "N/A", "10:34:00", "2025-13-12 10:34:00", "0001-01-01 00:00:00"] {
            check(bad, None);
        }
        check("9999-12-31 23:59:59", None);
        check(&"2".repeat(1000), None);
    }

    #[test]
    fn seconds_that_are_no_time_are_none() {
        assert_eq!(parse_seconds(1_739_327_400.512), Some(1_739_327_400_512));
        assert_eq!(parse_seconds(30.0), Some(30_000), "before the clock was set");
        assert_eq!(parse_seconds(4_102_444_800.0), Some(4_102_444_800_000), "2100");
        for bad in [f64::NAN, f64::INFINITY, 1e300, -1e300, -1e9, 1e12] {
            assert_eq!(parse_seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn offsets_are_in_order_and_quarters() {
        assert!(OFFSETS_IN_USE.is_sorted());
        assert!(OFFSETS_IN_USE.iter().all(|offset| offset % 15 == 0));
    }

    proptest! {
        #[test]
        fn any_text_and_any_clock_give_a_time_that_can_be_written(
            text in "\\PC{0,40}|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}",
            now in any::<i64>(), ahead_ms in any::<i64>(), east_minutes in any::<i64>(),
        ) {
            let Some(written) = parse_time(&text) else { return Ok(()) };
            let shifts = [
                Shift::infer(Some(written), now),
                Shift::WrongClock { ahead_ms },
                Shift::Zone { east_minutes },
            ];
            for shift in shifts {
                let time = Timestamp::from_millisecond(shift.apply(written));
                prop_assert!((1968..=9999).contains(&TimeZone::UTC.to_datetime(time.unwrap()).year()));
            }
        }
    }
}
