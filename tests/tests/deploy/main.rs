//! `compose/` without an engine: what compose.yaml says, as the real Compose reads it; and what
//! deploy.sh does, with a stand-in for `docker` (`tests/fixtures/docker/`). Needs root.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod copies;
mod engine;
mod machine;
mod model;
mod old_client;
mod restore;
mod settings;
mod start;
mod terminal;
mod variables;
mod versions;
