//! `compose/proxy/`: nginx as the TLS front of the container stack, on loopback, before a real
//! bridge and somebody in Grafana's place. Needs root.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod asked;
mod behind;
mod certificate;
mod given;
mod names;
mod passed;
mod secured;
mod settings;
mod started;
