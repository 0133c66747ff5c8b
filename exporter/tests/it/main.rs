//! The shipped program, started and asked as its users do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod apart;
mod cli;
mod clock_step;
mod config;
mod corpus;
mod docs;
mod events;
mod faults;
mod full_disk;
mod golden;
mod http;
mod lcp_echo;
mod openwrt;
mod outages;
mod ping;
mod program;
mod prometheus;
mod router;
mod sources;
mod syslog;
mod wire;
