//! `grafana/` without a server: what its files say, held against Grafana's own models and against
//! the metrics, rules and words that they show; and every question that they ask, put to a real
//! Prometheus and a real bridge that hold the demo.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod choice;
mod compared;
mod files;
mod layout;
mod live;
mod models;
mod provisioning;
mod questions;
mod words;
