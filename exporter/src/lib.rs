//! netmonitor-exporter: watches the WAN of a router and shows what it finds as
//! Prometheus metrics and JSON.
//!
//! Data flows one way: the device (`roots`, `slow_io`, `command`) → pure parsers →
//! state (`collectors`, `probes`, `events`) → views (`scrape`, `http`). `main.rs` calls [`cli`],
//! which calls [`exporter`]. ARCHITECTURE.md has the map.

pub mod cli;
pub mod config;
pub mod exporter;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod roots;

mod clock;
mod collectors;
mod command;
mod doctor;
mod events;
mod exposition;
mod http;
mod listen;
mod outages;
mod probes;
mod running;
mod scrape;
mod slow_io;
mod status;
mod tally;
mod telemetry;
mod test_event;
mod text_format;

/// Of the release.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Of the source, where the build names it.
pub const REVISION: &str = match option_env!("BUILD_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};
