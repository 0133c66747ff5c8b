//! Outages: when the internet was gone, why, and on whose side.
//!
//! One way: [`watch`] looks at all witnesses once a second ([`look`]), the interpreter of
//! the logs gives [`sign`]s; [`detector`] finds begin and end, [`case`] keeps the evidence,
//! [`judge`] names cause and side in the words of [`vocabulary`], [`report`] makes the
//! events. Everything but `watch` and `metrics` is pure.

mod case;
mod detector;
mod judge;
mod look;
mod memory;
pub(crate) mod metrics;
mod outage;
mod reach;
mod report;
pub(crate) mod saved_log;
#[cfg(test)]
mod scenarios;
mod sign;
pub(crate) mod vocabulary;
pub(crate) mod watch;
mod witnesses;

pub(crate) use detector::{Detector, Standing};
pub(crate) use judge::Verdict;
pub(crate) use look::{Look, Network};
#[cfg(feature = "fuzzing")]
pub(crate) use look::{Pinged, Port, Probe, Wan};
pub(crate) use report::{span, words};
pub(crate) use sign::Sign;
