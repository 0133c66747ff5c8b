//! Echo requests of the PPP session: how long the provider's access server takes to answer
//! them, and how many it does not answer.
//!
//! Source: the ring that pppd keeps in the file of its option `lcp-rtt-file`
//! (`LCP_RTT_FILE`; `ring.rs`). pppd asks, this only reads. Only an answer changes the
//! ring, so silence shows as a newest reply that stays the same; how long it has done so
//! is measured on the monotonic clock, since the ring's own times are wall clock.

#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod ring;

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::CollectError;
use super::sensor::Sensor;
use crate::clock;
use crate::config::Live;
use crate::exposition::{Encode, Exposition};
use crate::roots::ReadError;
use crate::slow_io::SlowIo;
use ring::{Mark, Pair, Ring};

/// Between two readings: pppd asks once a second at most.
const PERIOD: Duration = Duration::from_secs(1);

/// Shorter silence than this is no silence, however often pppd asks.
const SHORTEST_SILENCE: Duration = Duration::from_secs(3);

/// The session's echo at the time of a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    /// LCP is open, as pppd says; a pppd that was killed has not said that it is not.
    pub(crate) is_open: bool,
    /// Between two echo requests; 0: none are sent.
    pub(crate) interval: Duration,
    /// Of the newest reply, while it is fresh and LCP is open.
    pub(crate) last_rtt: Option<Duration>,
    /// Requests without an answer since the program started. They are known only once the
    /// next one is answered: those at the end of a session never are.
    pub(crate) lost: u64,
    /// When a reply was last seen to come in, at most a reading late; `None` before the
    /// first one: what the ring held at the start is of unknown age.
    pub(crate) replied: Option<Instant>,
}

impl Sample {
    fn is_fresh(&self, now: Instant) -> bool {
        let limit = SHORTEST_SILENCE.max(3 * self.interval);
        let fresh = |replied| now.saturating_duration_since(replied) <= limit;
        self.is_open && self.replied.is_some_and(fresh)
    }
}

/// What is remembered from one reading to the next.
#[derive(Debug, Default)]
struct Progress {
    /// The ring it is about.
    path: String,
    last: Option<Mark>,
    replied: Option<Instant>,
    lost: u64,
}

impl Progress {
    /// Goes on to `ring`, as it was found at `now`.
    fn advance(&mut self, path: &str, ring: &Ring, now: Instant) -> Sample {
        if self.path != path {
            *self = Self { path: path.to_owned(), lost: self.lost, ..Self::default() };
        }
        // What was there at first came before us.
        let last = self.last.replace(ring.mark());
        for reply in last.iter().flat_map(|last| ring.since(*last)) {
            self.lost += reply.lost();
            self.replied = Some(now);
        }
        let mut sample = Sample {
            is_open: ring.is_open,
            interval: ring.interval,
            last_rtt: None,
            lost: self.lost,
            replied: self.replied,
        };
        if sample.is_fresh(now) {
            sample.last_rtt = ring.newest().map(Pair::rtt);
        }
        sample
    }
}

pub(crate) struct LcpEcho {
    slow: SlowIo,
    config: Live,
    progress: Mutex<Progress>,
}

impl LcpEcho {
    pub(crate) fn new(slow: SlowIo, config: Live) -> Self {
        Self { slow, config, progress: Mutex::default() }
    }
}

impl Sensor for LcpEcho {
    const NAME: &'static str = "lcp_echo";
    /// A few readings, each of which may wait for another sensor's that hangs.
    const MAX_AGE: Duration = Duration::from_secs(10);
    type Sample = Sample;

    async fn read(&self) -> Result<Sample, CollectError> {
        let config = self.config.now();
        let Some(path) = &config.lcp_rtt_file else {
            return Err(CollectError::NotAvailable("LCP_RTT_FILE is empty".to_owned()));
        };
        let path = path.display().to_string();
        let (roots, name) = (self.slow.roots().clone(), path.clone());
        let bytes = self.slow.run(&path, move || roots.read_bytes(&name)).await?;
        let ring = ring::parse(&bytes.map_err(not_written)?).map_err(|error| {
            CollectError::Failed(format!(
                "{path}: {error}; LCP_RTT_FILE has to name the file of pppd's option lcp-rtt-file"
            ))
        })?;
        let now = clock::monotonic();
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(progress.advance(&path, &ring, now))
    }

    async fn due(&self) {
        if self.config.now().lcp_rtt_file.is_none() {
            // Until the settings change, which ends the wait.
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(PERIOD).await;
    }
}

fn not_written(error: ReadError) -> CollectError {
    match CollectError::from(error) {
        CollectError::NotAvailable(reason) => CollectError::NotAvailable(format!(
            "{reason}; pppd 2.5.1 or later writes it, started with lcp-rtt-file"
        )),
        failed @ CollectError::Failed(_) => failed,
    }
}

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        out.gauge(
            "lcp_echo_rtt_seconds",
            "Time of the newest echo reply of the provider's access server (LCP), by pppd",
        )
        .sample(&[], self.last_rtt.map(|rtt| rtt.as_secs_f64()))?;
        out.counter(
            "lcp_echo_lost_total",
            "LCP echo requests without an answer in time, counted when the next answer comes",
        )
        .sample(&[], Some(self.lost))
    }
}

#[cfg(test)]
mod tests;
