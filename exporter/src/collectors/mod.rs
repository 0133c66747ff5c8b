//! What is read off the device: one file for each thing.
//!
//! A [`Collector`] is asked at every scrape and reads plain counters. A
//! [`sensor::Sensor`] may be slow or hang: it is read on its own clock, and its last
//! reading is a collector like the others.

use std::time::Duration;

use crate::command::CommandError;
use crate::exposition::Encode;
use crate::roots::{ReadError, Roots};
use crate::slow_io::NotRead;

pub(crate) mod conntrack;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
pub(crate) mod lcp_echo;
pub(crate) mod link;
pub(crate) mod loadavg;
pub(crate) mod memory;
pub(crate) mod netdev;
pub(crate) mod optical;
pub(crate) mod pppoe;
pub(crate) mod process;
pub(crate) mod sensor;
pub(crate) mod thermal;
pub(crate) mod time;
pub(crate) mod wan;

/// Everything that `DISABLE` can leave out: collectors, sensors, probes.
pub(crate) const NAMES: [&str; 14] = [
    "conntrack",
    "dns",
    "lcp_echo",
    "link",
    "loadavg",
    "memory",
    "netdev",
    "optical",
    "ping",
    "pppoe",
    "process",
    "thermal",
    "time",
    "wan",
];

/// Why a collector has nothing to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CollectError {
    /// This device has not got it; no fault, and its series are absent.
    #[error("not on this device: {0}")]
    NotAvailable(String),
    /// It is there, and reading it failed.
    #[error("{0}")]
    Failed(String),
}

impl From<ReadError> for CollectError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Missing { .. } => Self::NotAvailable(error.to_string()),
            ReadError::Failed { .. } => Self::Failed(error.to_string()),
        }
    }
}

impl From<NotRead> for CollectError {
    fn from(error: NotRead) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<CommandError> for CollectError {
    fn from(error: CommandError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A text of the device that is not what its format promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: expected {expected}, found \"{found}\"")]
pub(crate) struct ParseError {
    /// Which part of the text.
    pub(crate) field: &'static str,
    /// What belongs there.
    pub(crate) expected: &'static str,
    /// What is there, shortened.
    pub(crate) found: String,
}

impl ParseError {
    pub(crate) fn new(field: &'static str, expected: &'static str, found: &str) -> Self {
        Self { field, expected, found: found.trim_end().chars().take(40).collect() }
    }

    /// Says in which file it was found.
    pub(crate) fn at(self, path: &str) -> CollectError {
        CollectError::Failed(format!("{path}: {self}"))
    }
}

/// Something that is read when asked for.
pub(crate) trait Collector: Send + Sync {
    /// `conntrack`: also the word for `DISABLE`, the label and the file's name.
    fn name(&self) -> &'static str;

    /// The samples of this moment.
    fn collect(&self, roots: &Roots) -> Result<Box<dyn Encode>, CollectError>;

    /// Does it work? A collector may have samples to show and still be failing.
    fn is_healthy(&self) -> bool {
        true
    }

    /// How long the last reading took, where it was not taken just now.
    fn reading_took(&self) -> Option<Duration> {
        None
    }
}
