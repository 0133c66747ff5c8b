//! Are the events that a bridge has stored those that its routers told?

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::fake_router::ledger::Row;
use crate::http_client::Client;
use crate::running::Running;

/// An event as the bridge shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Stored {
    router: String,
    #[serde(rename = "type")]
    kind: String,
    message: String,
}

/// All that it has.
///
/// # Errors
/// When it does not answer.
pub fn read(bridge: &Running) -> Result<Vec<Stored>> {
    #[derive(Deserialize)]
    struct Answer {
        records: Vec<Stored>,
    }
    let mut client = Client::connect(bridge.address)?;
    let body = client.get("/api/events?limit=10000000")?;
    Ok(serde_json::from_str::<Answer>(body).context("/api/events")?.records)
}

/// How the two differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Differences {
    /// Told, and not there.
    pub lost: usize,
    /// There more than once, each further time.
    pub doubled: usize,
    /// There, and nobody told it.
    pub invented: usize,
}

impl Differences {
    /// No two messages of a fake router are alike, so the message names the event.
    #[must_use]
    pub fn between(told: &[Row], stored: &[Stored]) -> Self {
        let mut times: HashMap<(&str, &str, &str), usize> = HashMap::new();
        for event in stored {
            *times.entry((&event.router, &event.kind, &event.message)).or_default() += 1;
        }
        let mut differences = Self::default();
        for row in told {
            match times.remove(&(&*row.router, &*row.kind, &*row.message)) {
                Some(times) => differences.doubled += times - 1,
                None => differences.lost += usize::from(row.must_be_known()),
            }
        }
        differences.invented = times.values().sum();
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_router::ledger::Fate;

    fn told(message: &str, fate: Fate) -> Row {
        Row {
            id: 0,
            router: "r".to_owned(),
            stream: "s".to_owned(),
            seq: 1,
            ts: 1.0,
            ts_before: Vec::new(),
            kind: "test".to_owned(),
            message: message.to_owned(),
            detail: Default::default(),
            fate,
        }
    }

    fn stored(message: &str) -> Stored {
        let text = |text: &str| text.to_owned();
        Stored { router: text("r"), kind: text("test"), message: text(message) }
    }

    #[test]
    fn each_event_is_wanted_once() {
        let told = [told("a", Fate::Read), told("b", Fate::Queued), told("c", Fate::Evicted)];
        let same = Differences::between(&told, &[stored("b"), stored("a")]);
        assert_eq!(same, Differences::default());
        let found = Differences::between(&told, &[stored("a"), stored("a"), stored("x")]);
        assert_eq!(found, Differences { lost: 1, doubled: 1, invented: 1 });
    }
}
