//! Whole-system tests, benchmarks and soak runs of the shipped programs.
//!
//! `bin/bench/` compares the exporter with `prometheus-node-exporter` and measures its event
//! listener and the bridge; `bin/faults/` kills the programs again and again ([`kill_storm`],
//! [`bridge_storm`]), takes their disk away and storms them; `bin/soak/` watches the exporter for
//! an hour. They start real programs on loopback ([`running`], [`exporter`], [`bridge`]), play a
//! router with a log ([`router`]), ask over HTTP ([`http_client`], [`load`], [`event_reader`]) and
//! read from `/proc` what a program uses ([`usage`], [`meter`]).
//!
//! `bin/fake-router/` plays the routers that a bridge asks ([`fake_router`]), also those of
//! `make demo`, whose data tests can have ([`demo`]) and ask for ([`engine`]). With [`alerting`] and
//! a [`receiver`] an outage of theirs becomes a message, whose customer and site are known
//! ([`labelled`]); with [`victoria`] their metrics go to a store.

pub mod alerting;
pub mod authority;
pub mod bridge;
pub mod bridge_storm;
pub mod built;
pub mod burst;
pub mod clock;
pub mod cores;
pub mod database_server;
pub mod demo;
pub mod derived;
pub mod elf;
pub mod engine;
pub mod event_reader;
pub mod exporter;
pub mod fake_router;
pub mod fake_routers_apart;
pub mod figures;
pub mod fleet_load;
pub mod flood;
pub mod goals;
pub mod history;
pub mod http_client;
pub mod kept_port;
pub mod kill_storm;
pub mod lab;
pub mod labelled;
pub mod load;
pub mod log_daemon;
pub mod machine;
pub mod meter;
pub mod openwrt_root;
pub mod promql;
pub mod random;
pub mod receiver;
pub mod router;
pub mod router_bundle;
pub mod router_log;
pub mod running;
pub mod samples;
pub mod scrape_cost;
pub mod small_disk;
pub mod sqlite_shell;
pub mod stored_events;
pub mod streamed;
pub mod systemd_machine;
pub mod table;
pub mod trickle;
pub mod under_load;
pub mod usage;
pub mod victoria;
pub mod visibility;
