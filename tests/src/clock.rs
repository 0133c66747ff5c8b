//! The clock: the only place here that asks what time it is, and the one that waits for
//! a planned moment.

use std::time::Instant;

/// Now, for measuring durations.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Returns at `moment`, or at once when it has passed.
///
/// For load that follows a timetable. Never for "it should be ready by then".
pub fn wait_until(moment: Instant) {
    std::thread::sleep(moment.saturating_duration_since(now()));
}
