//! What holds on every engine, on MariaDB.

use super::*;

/// Of tests that make up their own cases: each makes databases, which takes a server longer than a file.
const CASES: u32 = 4;

fn place() -> Place {
    Place::on(Engine::MariaDb)
}

#[path = "conformance/mod.rs"]
mod conformance;
