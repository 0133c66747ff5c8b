//! The started program, as a user types it and as clients ask it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_parameters;
mod bad_requests;
mod check_routers;
mod cli;
mod crowds;
mod history;
mod import_legacy;
mod legacy_shapes;
mod old_clients;
mod program;
mod router;
mod wire;
