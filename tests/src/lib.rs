//! Whole-system tests, benchmarks and soak runs of the shipped programs.
//!
//! `bin/bench.rs` compares the exporter with `prometheus-node-exporter`, `bin/soak.rs`
//! watches it for an hour. Both start real programs on loopback ([`running`]), ask them
//! over HTTP ([`http_client`], [`load`]) and read from `/proc` what that costs
//! ([`usage`]). Nothing here is part of what is shipped.

pub mod clock;
pub mod cores;
pub mod elf;
pub mod exporter;
pub mod figures;
pub mod goals;
pub mod http_client;
pub mod load;
pub mod machine;
pub mod running;
pub mod samples;
pub mod scrape_cost;
pub mod table;
pub mod under_load;
pub mod usage;
