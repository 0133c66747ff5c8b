//! The clock: the only place here that asks what time it is, and the one that waits for
//! a planned moment.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use rustix::time::{ClockId, clock_gettime};

/// Now, for measuring durations.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since 1970, for lines of a log.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
#[must_use]
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Since the machine was started: what the kernel stamps its own lines with.
#[must_use]
pub fn since_boot() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

/// Returns at `moment`, or at once when it has passed.
///
/// For load that follows a timetable. Never for "it should be ready by then".
pub fn wait_until(moment: Instant) {
    std::thread::sleep(moment.saturating_duration_since(now()));
}

/// Longer than anything that is waited for takes on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Returns when it is true.
///
/// # Errors
/// When it is not in time, or what looks fails.
pub fn until(what: &str, is_true: impl FnMut() -> Result<bool>) -> Result<()> {
    until_within(PATIENCE, what, is_true)
}

/// The same, for what takes its time by itself.
///
/// # Errors
/// As [`until`].
pub fn until_within(
    patience: Duration,
    what: &str,
    mut is_true: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let deadline = now() + patience;
    while !is_true().with_context(|| what.to_owned())? {
        ensure!(now() < deadline, "not in time: {what}");
        wait_until(now() + LOOK_AGAIN);
    }
    Ok(())
}
