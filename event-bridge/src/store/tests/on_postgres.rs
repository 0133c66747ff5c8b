//! What holds on every engine, on PostgreSQL.

use super::*;

/// Of tests that make up their own cases: each makes databases, which takes a server longer than a file.
const CASES: u32 = 4;

fn place() -> Place {
    Place::on(Engine::Postgres)
}

#[path = "conformance/mod.rs"]
mod conformance;
