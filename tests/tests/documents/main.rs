//! The documents, followed to the letter. Each block of commands is run here, or names the test
//! that does it, or says what it needs; links lead somewhere, and names are those of the code.
//!
//! A mark on the line before a block says which, as "Write a document" in CONTRIBUTING.md explains.
//! Needs root.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alone;
mod chinese;
mod commands;
mod containers;
mod document;
mod home;
mod links;
#[path = "../deploy/machine.rs"]
#[allow(dead_code, reason = "a computer of another test, which uses more of it")]
mod machine;
mod marks;
mod names;
mod ranges;
mod router;
mod settings;
#[path = "../stack/started.rs"]
#[allow(dead_code, reason = "the stack of another test, which asks more of it")]
mod started;
