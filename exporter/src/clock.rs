//! The clocks: the only place that asks what time it is.
//!
//! Everything below gets `now` as an argument, so that tests can choose it. Durations
//! are measured on the monotonic clock; the wall clock is for people, since a router
//! without a battery boots with a wrong one.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::roots::Roots;

/// Now, for measuring durations.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
#[must_use]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// Seconds since 1970 by the wall clock, which may be wrong.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
#[must_use]
pub(crate) fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Since the router started, sleep included: the clock that nobody sets.
#[must_use]
pub(crate) fn since_boot() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(now.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

/// OpenWrt writes this file when its time service has found the time (dnsmasq waits for
/// it before it believes signatures).
#[cfg(not(target_pointer_width = "64"))]
const TIME_IS_VALID: &str = "/var/state/dnsmasqsec";

/// Is the kernel's clock kept by a time service? (`STA_UNSYNC` of `adjtimex`.)
///
/// `None` where the kernel does not say.
#[cfg(target_pointer_width = "64")]
#[must_use]
pub(crate) fn is_synchronized(_: &Roots) -> Option<bool> {
    let mut timex = rtime_clock::adjtime::Timex::new();
    rtime_clock::adjtime::adjtimex(&mut timex).ok()?;
    Some(timex.0.status & libc::STA_UNSYNC == 0)
}

/// Has the time been found since the router started? `None` where nobody says: no safe
/// wrapper of `adjtimex` compiles for 32-bit targets.
#[cfg(not(target_pointer_width = "64"))]
#[must_use]
pub(crate) fn is_synchronized(roots: &Roots) -> Option<bool> {
    roots.has(TIME_IS_VALID).then_some(true)
}

/// The router's local time zone: OpenWrt keeps it as a POSIX rule in `/etc/TZ`, other
/// systems as `/etc/localtime` or in the variable `TZ`.
#[must_use]
pub(crate) fn local_zone(roots: &Roots) -> TimeZone {
    let openwrt = roots.read("/etc/TZ").ok().and_then(|rule| TimeZone::posix(rule.trim()).ok());
    openwrt.unwrap_or_else(TimeZone::system)
}

/// `2025-02-12 10:34:00`, as old clients read it.
#[must_use]
pub(crate) fn local_text(unix_time: Duration, zone: &TimeZone) -> String {
    let seconds = i64::try_from(unix_time.as_secs()).unwrap_or(i64::MAX);
    let at = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    let at = zone.to_datetime(at);
    format!("{} {:.0}", at.date(), at.time())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openwrts_zone_rule_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        std::fs::write(dir.path().join("etc/TZ"), "CST-8\n").unwrap();
        let zone = local_zone(&Roots::new(dir.path()));
        assert_eq!(local_text(Duration::from_secs(1_739_327_640), &zone), "2025-02-12 10:34:00");
    }

    #[test]
    fn the_end_of_time_is_shown_in_whole_seconds() {
        assert_eq!(local_text(Duration::MAX, &TimeZone::UTC), "9999-12-30 22:00:00");
    }

    #[test]
    fn summer_time_of_a_rule_is_followed() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        assert_eq!(local_text(Duration::from_secs(1_751_328_000), &zone), "2025-07-01 02:00:00");
    }
}
