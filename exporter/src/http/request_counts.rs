//! How often what was asked for, and how it was answered.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;

use crate::exposition::{Encode, Exposition};

/// The paths that there are: the only values of the label `path`, whatever is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Path {
    Root,
    Health,
    Metrics,
    Status,
    Line,
    Events,
    Other,
}

impl Path {
    const ALL: [Self; 6] =
        [Self::Root, Self::Health, Self::Metrics, Self::Status, Self::Line, Self::Events];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Root => "/",
            Self::Health => "/healthz",
            Self::Metrics => "/metrics",
            Self::Status => "/net/status",
            Self::Line => "/net/line",
            Self::Events => "/net/events",
            Self::Other => "other",
        }
    }

    pub(crate) fn of(path: &str) -> Self {
        Self::ALL.into_iter().find(|known| known.text() == path).unwrap_or(Self::Other)
    }
}

/// Answers by path and code. Clones share their counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestCounts(Arc<Mutex<BTreeMap<(Path, u16), u64>>>);

impl RequestCounts {
    pub(crate) fn add(&self, path: Path, status: StatusCode) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((path, status.as_u16())).or_default() += 1;
    }
}

impl Encode for RequestCounts {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut family = out.counter("http_requests_total", "Requests answered, by path and code");
        for ((path, code), count) in counts {
            let labels = [("path", path.text()), ("code", &code.to_string())];
            family.sample(&labels, Some(count))?;
        }
        Ok(())
    }
}
