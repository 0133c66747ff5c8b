//! The programs that cargo has built beside a test.
//!
//! `cargo test --workspace` builds them first; with `-p netmonitor-tests` alone, they are
//! those built last, or missing.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

/// `target/debug/NAME`, seen from `target/debug/deps/TEST-…`.
///
/// # Errors
/// When it is not there.
pub fn program(name: &str) -> Result<PathBuf> {
    let ourselves = std::env::current_exe()?;
    let folder = ourselves.ancestors().nth(2).context("this test is in no target folder")?;
    let binary = folder.join(name);
    ensure!(binary.is_file(), "{} is missing: cargo test --workspace", binary.display());
    Ok(binary)
}
