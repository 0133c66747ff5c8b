//! The event listener: every line that matters, once, with the right time.
//!
//! `sources/` follow the logs and hand over lines; `parse/` says what a line means
//! (pure); `interpreter.rs` knows which session belongs to the WAN and what an outage has
//! told already; `queue/` numbers events, keeps them in a file and shows them. `replay.rs`
//! runs the same code over a saved log.

mod announcements;
pub(crate) mod event;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
pub(crate) mod intake;
pub(crate) mod interpreter;
mod kernel_echoes;
pub(crate) mod kind;
mod lines;
pub(crate) mod listener;
mod log_clock;
pub(crate) mod metrics;
pub(crate) mod names;
pub(crate) mod parse;
mod positions;
pub(crate) mod queue;
mod recovery;
pub(crate) mod replay;
mod sessions;
pub(crate) mod sources;
pub(crate) mod suppression;
mod timeline;
