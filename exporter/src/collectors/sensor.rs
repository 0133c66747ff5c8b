//! Slow things, read on their own clock and answered from the last reading.
//!
//! A [`Sensor`] knows how to read itself and how long a reading lasts; [`run`] keeps
//! reading it; [`Latest`] holds the last reading and its age. No answer ever waits for
//! a sensor.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::SetOnce;
use tracing::{debug, info, warn};

use super::{CollectError, Collector};
use crate::clock;
use crate::config::Live;
use crate::exposition::{Encode, Exposition};
use crate::roots::Roots;

/// Between two lines in the log about a failure that goes on.
const REPEAT: Duration = Duration::from_secs(600);

/// Something whose reading may take long or never end.
pub(crate) trait Sensor: Send + Sync + 'static {
    /// The word for `DISABLE` and the label `collector`.
    const NAME: &'static str;

    /// A reading older than this is no longer shown.
    const MAX_AGE: Duration;

    /// What a reading gives.
    type Sample: Encode + Send + Sync + 'static;

    /// Takes a reading.
    fn read(&self) -> impl Future<Output = Result<Self::Sample, CollectError>> + Send;

    /// Returns when the next reading is due.
    fn due(&self) -> impl Future<Output = ()> + Send;
}

/// The last reading of a sensor.
#[derive(Debug)]
pub(crate) struct Latest<T> {
    name: &'static str,
    max_age: Duration,
    reading: Mutex<Option<Reading<T>>>,
    /// Set once the first reading is there, or will never be.
    begun: SetOnce<()>,
}

#[derive(Debug)]
struct Reading<T> {
    result: Result<Arc<T>, CollectError>,
    /// The last sample there was, however old.
    known: Option<Arc<T>>,
    taken: Instant,
    took: Duration,
    /// When the log last spoke of a failure that goes on.
    complained: Option<Instant>,
}

impl<T> Latest<T> {
    pub(crate) fn of<S: Sensor<Sample = T>>() -> Arc<Self> {
        let reading = Mutex::new(None);
        Arc::new(Self { name: S::NAME, max_age: S::MAX_AGE, reading, begun: SetOnce::new() })
    }

    /// Returns once there has been a reading, good or bad, or the sensor is left out.
    pub(crate) async fn begun(&self) {
        self.begun.wait().await;
    }

    /// The sample, while it is fresh.
    pub(crate) fn sample(&self) -> Option<Arc<T>> {
        self.result().ok()
    }

    /// The last sample there was, and when it was read.
    pub(crate) fn last_read(&self) -> Option<(Arc<T>, Instant)> {
        self.with(|reading| {
            let reading = reading.as_ref()?;
            Some((reading.result.as_ref().ok()?.clone(), reading.taken))
        })
    }

    /// The last sample there was: for names and addresses, which outlive a failed
    /// reading, not for values.
    pub(crate) fn last_known(&self) -> Option<Arc<T>> {
        self.with(|reading| reading.as_ref()?.known.clone())
    }

    /// The sample, or why there is none.
    pub(crate) fn result(&self) -> Result<Arc<T>, CollectError> {
        self.with(|reading| match reading {
            None => Err(CollectError::NotAvailable("not read yet".to_owned())),
            Some(reading) => {
                let age = clock::monotonic().saturating_duration_since(reading.taken);
                if age > self.max_age && reading.result.is_ok() {
                    let age = age.as_secs();
                    return Err(CollectError::Failed(format!("last reading is {age} s old")));
                }
                reading.result.clone()
            }
        })
    }

    /// Replaces the reading, and says in the log what has changed for the operator.
    pub(crate) fn store(&self, result: Result<T, CollectError>, taken: Instant, took: Duration) {
        let result = result.map(Arc::new);
        self.with(|reading| {
            let before = reading.take();
            let last = before.as_ref().and_then(|before| before.complained);
            let complained = self.report(&result, last, taken);
            let known = match &result {
                Ok(sample) => Some(Arc::clone(sample)),
                Err(_) => before.and_then(|before| before.known),
            };
            *reading = Some(Reading { result, known, taken, took, complained });
        });
        self.begun.set(()).ok(); // only the first time counts
    }

    /// A failure is logged when it begins and then every few minutes, whatever its words:
    /// a sensor that has gone mad answers something else each time.
    fn report(
        &self,
        result: &Result<Arc<T>, CollectError>,
        last: Option<Instant>,
        now: Instant,
    ) -> Option<Instant> {
        let collector = self.name;
        let due = last.is_none_or(|last| now.saturating_duration_since(last) >= REPEAT);
        match result {
            Err(CollectError::Failed(reason)) if due => {
                warn!(collector, "{collector}: {reason}");
                Some(now)
            }
            Err(CollectError::Failed(_)) => last,
            Err(CollectError::NotAvailable(reason)) => {
                debug!(collector, "{collector}: {reason}");
                None
            }
            Ok(_) => {
                if last.is_some() {
                    info!(collector, "{collector}: reads again");
                }
                None
            }
        }
    }

    fn clear(&self) {
        self.with(|reading| *reading = None);
        self.begun.set(()).ok();
    }

    fn with<R>(&self, work: impl FnOnce(&mut Option<Reading<T>>) -> R) -> R {
        work(&mut self.reading.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Shared<T>(Arc<T>);

impl<T: Encode> Encode for Shared<T> {
    fn encode(&self, out: &mut Exposition<'_>) -> std::fmt::Result {
        self.0.encode(out)
    }
}

impl<T: Encode + Send + Sync + 'static> Collector for Arc<Latest<T>> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn collect(&self, _: &Roots) -> Result<Box<dyn Encode>, CollectError> {
        Ok(Box::new(Shared(self.result()?)))
    }

    fn reading_took(&self) -> Option<Duration> {
        self.with(|reading| reading.as_ref().map(|reading| reading.took))
    }
}

/// Reads a sensor again and again, until dropped; while `DISABLE` names it, not at all.
pub(crate) async fn run<S: Sensor>(sensor: S, latest: Arc<Latest<S::Sample>>, mut config: Live) {
    loop {
        if config.now().is_disabled(S::NAME) {
            latest.clear();
        } else {
            let taken = clock::monotonic();
            let result = sensor.read().await;
            latest.store(result, taken, clock::monotonic().saturating_duration_since(taken));
        }
        tokio::select! {
            () = sensor.due() => {}
            () = config.changed() => {}
        }
    }
}
