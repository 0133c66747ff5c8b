//! The tests of `tests/luci/`, which drive the pages in Chromium against a stub of LuCI.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use netmonitor_tests::built;

use crate::source;

/// Runs tests by their names, or all that need no router.
pub(crate) fn run(names: &[&str], files: &[(&str, &Path)]) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the tests' own tools")]
    let mut command = Command::new(source("tests/luci/test.sh"));
    command.args(names).envs(files.iter().copied());
    command.env("NETMONITOR_EXPORTER", built::program("netmonitor-exporter")?);
    let output = command.output().context("tests/luci/test.sh")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn the_pages_show_every_state_and_take_nothing_bad() -> Result<()> {
    run(&[], &[])
}
