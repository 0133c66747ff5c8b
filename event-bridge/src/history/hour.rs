//! What an hour adds up to.

use crate::record::Millis;

/// A sample vouches for the time since the one before it, if that is not longer ago: a
/// restart of the bridge is no hole. Whoever polls less often observes nothing in between.
pub const VOUCHED: Millis = 600_000;

/// One hour.
pub const HOUR: Millis = 3_600_000;
