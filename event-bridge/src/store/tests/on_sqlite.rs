//! What holds on every engine, on a file.

use super::*;

/// Of tests that make up their own cases.
const CASES: u32 = 32;

fn place() -> Place {
    Place::new()
}

#[path = "conformance/mod.rs"]
mod conformance;
