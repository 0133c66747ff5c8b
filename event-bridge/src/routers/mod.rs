//! Routers: asked over HTTP, and what they answer turned into [`crate::record`]s.
//!
//! `client` asks and never waits without an end; `status_answer` and `events_answer` read
//! what came, through `lenient`, `fields` and `zone`, which are pure. Nothing here stores
//! anything, and nothing here is believed without a bound.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

pub mod backoff;
pub mod client;
#[cfg(test)]
mod client_tests;
pub mod events_answer;
pub mod fetch_error;
mod fields;
pub(crate) mod fleet;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod lenient;
mod names;
pub(crate) mod poller;
pub mod status_answer;
pub(crate) mod watched;
pub mod zone;

pub use fields::{APPROXIMATE, ROUTER_TIME};
pub(crate) use fields::{MAX_KIND_CHARS, MAX_MESSAGE_CHARS, count, line, number};
pub(crate) use status_answer::MAX_TARGET_CHARS;

/// One router, as the settings name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Router {
    /// In answers, metrics and messages.
    pub name: String,
    /// Where its agent listens, for example `http://192.168.1.1:8321`.
    pub url: String,
    /// What its agent asks for.
    pub token: Option<Secret>,
    /// Handed to Prometheus.
    pub labels: BTreeMap<String, String>,
    /// From one `/net/status` to the next.
    pub poll_interval: Duration,
}

/// Text that must not be shown, logged or stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` to itself.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one place that sends or compares it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown_with_its_router() {
        let router = Router {
            name: "home".to_owned(),
            url: "http://192.168.1.1:8321".to_owned(),
            token: Some(Secret::new("hunter2".to_owned())),
            labels: BTreeMap::new(),
            poll_interval: Duration::from_secs(60),
        };
        let shown = format!("{router:?}");
        assert!(shown.contains("home") && !shown.contains("hunter2"), "{shown}");
    }
}
