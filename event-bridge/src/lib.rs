//! netmonitor-bridge: polls routers, keeps what they tell in SQLite, and answers as JSON.

pub mod cli;
pub mod history;
pub mod legacy;
pub mod progress;
pub mod record;
pub mod routers;
pub mod store;

mod api;
mod bridge;
mod clock;
mod config;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod keeper;
mod metrics;
mod own_process;
mod places;
mod report;
mod routers_check;
mod serving;

/// The commit that this was built from.
const REVISION: &str = match option_env!("BUILD_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};
