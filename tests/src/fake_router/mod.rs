//! Plays routers: one or thousands, from a scenario ([`scenario`]), each answering as the
//! exporter does (`docs/http.md`), as the shell agent before it did, or wrongly.
//!
//! For tests, benchmarks and demos of the bridge. `bin/fake-router/` starts them as a
//! program; in a test, [`fleet::Fleet::start`] does, and [`fleet::Fleet::act`] does more
//! than a scenario says. What they produced is in the ledger ([`ledger`]) before anybody
//! can read it, and what the bridge has stored must be the same.
//!
//! Everything runs in one thread. A port for each router is the usual way: it costs two
//! file descriptors, a bridge sees thousands of hosts as it would, and a router that is
//! away refuses connections. Wrong answers are why nothing here uses an HTTP library.

mod answers;
pub mod arrivals;
mod connection;
mod cursor;
mod equipment;
mod evidence;
mod exposition;
mod faults;
mod faulty;
pub mod fleet;
mod gzip;
mod kept_samples;
pub mod ledger;
mod light;
mod line;
mod metrics;
mod openmetrics;
mod parse;
pub mod past;
mod pings;
mod plan;
mod queue;
mod readings;
mod request;
mod router;
pub mod scenario;
mod settings;
mod shell_agent;
mod state;
mod strange;
mod told;

use crate::random::Random;

/// A number that looks like chance, always the same for the same values.
fn chance(values: &[u64]) -> u64 {
    values.iter().fold(0, |mixed, value| Random::new(mixed ^ value).number(0..usize::MAX) as u64)
}

/// Between 0 and `width`, always the same for the same `what` of a router.
fn part(seed: u64, what: u64, width: f64) -> f64 {
    (chance(&[seed, what]) % 10_000) as f64 / 10_000.0 * width
}
