//! Bridge and exporter as services of systemd.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod settings;
mod units;

use std::path::PathBuf;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}
