//! What the exporter said at the end of a scenario.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Its answers, all of one moment.
#[derive(Debug, Clone)]
pub struct Saved {
    /// `/net/events`, from the first on.
    pub events: Page,
    /// `/net/status`.
    pub status: Status,
    /// `/metrics`, as text.
    pub metrics: String,
}

/// `/net/events`
#[derive(Debug, Clone, Deserialize)]
pub struct Page {
    /// Whose numbers these are.
    pub stream: String,
    /// Of the event to come.
    pub next_seq: u64,
    /// Those that were evicted.
    pub missed: u64,
    /// Names the start of the machine.
    pub boot_id: String,
    /// Seconds since the machine started.
    pub uptime: f64,
    /// The same moment by the wall clock, seconds since 1970.
    pub time: f64,
    /// Oldest first.
    pub events: Vec<Event>,
}

/// An event.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    /// Its number.
    pub seq: u64,
    /// Seconds since 1970.
    pub ts: f64,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Further facts.
    #[serde(default)]
    pub detail: BTreeMap<String, String>,
}

/// `/net/status`
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    /// What is true now.
    pub realtime: Realtime,
}

/// Of [`Status`].
#[derive(Debug, Clone, Deserialize)]
pub struct Realtime {
    /// `up`, `down` or `unknown`.
    pub wan_state: String,
}

impl Saved {
    /// Reads what the script has kept in a folder.
    ///
    /// # Errors
    /// When something is missing or makes no sense.
    pub fn read(folder: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        Self::parse(&read("events")?, &read("status")?, read("metrics")?)
            .with_context(|| folder.display().to_string())
    }

    /// From the three answers.
    ///
    /// # Errors
    /// When one makes no sense.
    pub fn parse(events: &str, status: &str, metrics: String) -> Result<Self> {
        let events = serde_json::from_str(events).context("/net/events")?;
        let status = serde_json::from_str(status).context("/net/status")?;
        Ok(Self { events, status, metrics })
    }

    /// Since the machine started, by the clock as the answer has it.
    #[must_use]
    pub fn uptime_of(&self, ts: f64) -> f64 {
        ts - self.wall_of_start()
    }

    /// What the wall clock showed when the machine started, as it goes now.
    #[must_use]
    pub fn wall_of_start(&self) -> f64 {
        self.events.time - self.events.uptime
    }

    /// The sum of a metric's series whose labels hold this, such as `target="192`.
    #[must_use]
    pub fn metric(&self, name: &str, labels: &str) -> Option<f64> {
        let lines = self.metrics.lines().filter_map(|line| line.strip_prefix(name));
        let values = lines.filter_map(|rest| match rest.split_once('}') {
            Some((found, value)) if found.starts_with('{') && found.contains(labels) => Some(value),
            None if labels.is_empty() && rest.starts_with(' ') => Some(rest),
            _ => None,
        });
        values
            .filter_map(|value| value.trim().parse::<f64>().ok())
            .fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_chosen_by_their_labels() {
        let events = r#"{"stream": "a", "next_seq": 1, "missed": 0, "boot_id": "b", "uptime": 10.5,
                         "time": 1010.5, "events": [], "revision": 0}"#;
        let status = r#"{"realtime": {"wan_state": "up"}, "events": []}"#;
        let metrics = "# HELP lost_total x\nlost_total{target=\"192.0.2.1\"} 2\n\
                       lost_total{target=\"192.0.2.2\"} 3\nlost_total_more 9\nactive 1\n";
        let saved = Saved::parse(events, status, metrics.to_owned()).unwrap();
        assert_eq!(saved.metric("lost_total", ""), Some(5.0));
        assert_eq!(saved.metric("lost_total", "192.0.2.2"), Some(3.0));
        assert_eq!(saved.metric("lost_total", "203.0.113.1"), None);
        assert_eq!(saved.metric("active", ""), Some(1.0));
        assert_eq!(saved.metric("active", "kind"), None);
        assert!((saved.uptime_of(1005.0) - 5.0).abs() < 1e-9);
    }
}
