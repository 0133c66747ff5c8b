//! What a backup must bring back.

use anyhow::{Context, Result, ensure};
use netmonitor_tests::clock;
use serde_json::Value;

use super::engine::Engine;
use super::home::Home;

/// What is kept, as its programs show it.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Seconds since 1970.
    at: u64,
    events: Value,
    outages: Value,
    /// How often Prometheus scraped the router until then.
    scrapes: Value,
    silences: Vec<String>,
    grafana: String,
    secrets: Vec<String>,
}

impl Kept {
    /// As of now.
    pub(crate) fn of(home: &Home, engine: &Engine) -> Result<Self> {
        Self::at(home, engine, clock::unix_ms() / 1000)
    }

    fn at(home: &Home, engine: &Engine, at: u64) -> Result<Self> {
        let scrapes = format!("count_over_time(up{{job=\"netmonitor\"}}[1h] @ {at})");
        let silences = home.alertmanager("/api/v2/silences")?;
        let silences = silences.as_array().context("no list")?.iter();
        let silences = silences.map(|silence| silence["comment"].to_string()).collect();
        let secret = |name: &str| std::fs::read_to_string(home.path(&format!("secrets/{name}")));
        let mut samples = home.samples(&scrapes)?;
        Ok(Self {
            at,
            events: home.bridge("/api/v1/events?limit=1000")?["items"].take(),
            outages: home.bridge("/api/v1/outages?limit=1000")?["items"].take(),
            scrapes: samples[0]["value"][1].take(),
            silences,
            grafana: engine.content("grafana", "/var/lib/grafana/grafana.db")?,
            secrets: vec![secret("grafana_password")?, secret("api_token")?],
        })
    }

    /// Is what was there before all there now?
    pub(crate) fn is_all_in(&self, home: &Home, engine: &Engine) -> Result<()> {
        ensure!(self.scrapes.is_string(), "nothing was scraped before: {self:?}");
        ensure!(!self.silences.is_empty(), "no silence before: {self:?}");
        let now = Self::at(home, engine, self.at)?;
        ensure!(now.events == self.events, "events: {:#} before: {:#}", now.events, self.events);
        ensure!(
            now.outages == self.outages,
            "outages: {:#} before: {:#}",
            now.outages,
            self.outages
        );
        let others = |kept: &Self| {
            format!("{:?} {:?} {} {:?}", kept.scrapes, kept.silences, kept.grafana, kept.secrets)
        };
        ensure!(others(&now) == others(self), "{} before: {}", others(&now), others(self));
        Ok(())
    }
}
