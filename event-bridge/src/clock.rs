//! The clocks: the only place that asks what time it is.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::record::Millis;

/// Now, by this host's clock.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// Now, for measuring durations.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// Now, by the clock that timers run on, which tests may move.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(crate) fn timer() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Does a time service keep this host's clock? `None`: it cannot be told, as in most
/// containers.
pub(crate) fn is_synchronised() -> Option<bool> {
    kernel_is_synchronised()
}

#[cfg(target_pointer_width = "64")]
fn kernel_is_synchronised() -> Option<bool> {
    const STA_UNSYNC: i32 = 0x40; // linux/timex.h
    let mut timex = rtime_clock::adjtime::Timex::new();
    rtime_clock::adjtime::adjtimex(&mut timex).ok()?;
    Some(timex.0.status & STA_UNSYNC == 0)
}

/// The wrapper of `adjtimex` compiles for 64-bit only.
#[cfg(not(target_pointer_width = "64"))]
fn kernel_is_synchronised() -> Option<bool> {
    None
}

/// `2025-02-12T10:34:00+08:00`: ISO 8601 with the offset of the zone at that time.
pub(crate) fn iso(at: Millis, zone: &TimeZone) -> String {
    let last = Timestamp::MAX.as_second();
    let at = Timestamp::from_second(at.div_euclid(1000).min(last)).unwrap_or(Timestamp::MIN);
    at.display_with_offset(zone.to_offset(at)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_offset() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        assert_eq!(iso(1_751_328_000_999, &zone), "2025-07-01T02:00:00+02:00");
        assert_eq!(iso(1_739_327_640_000, &TimeZone::UTC), "2025-02-12T02:34:00+00:00");
        assert_eq!(iso(i64::MAX, &TimeZone::UTC), "9999-12-30T22:00:00+00:00");
    }
}
