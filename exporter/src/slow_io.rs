//! Reads that may hang: drivers behind `/sys` and module EEPROMs answer late, or never.
//!
//! Each such read runs on a thread that can be left behind. Reads that behave share one
//! thread, one after the other; a read that outlasts [`PATIENCE`] is abandoned with its
//! thread, counted, and not tried again until it returns. Called by the sensors, never
//! on the answering path.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::exposition::{Encode, Exposition};
use crate::roots::{ReadError, Roots};

/// A healthy sensor answers within 0.1 s; a slow I²C bus within 0.5 s.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hung reads we put up with before we stop trying new ones: each costs a thread.
pub(crate) const MAX_STUCK: usize = 8;

/// A read was abandoned, now or earlier, and has not returned since.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: hangs; it is left alone until the driver answers")]
pub(crate) struct Stuck {
    pub(crate) what: String,
}

/// Runs reads that may hang. Clones share one lane.
#[derive(Debug, Clone)]
pub(crate) struct SlowIo {
    roots: Roots,
    patience: Duration,
    lane: Arc<Semaphore>,
    hangs: Arc<Hangs>,
}

/// What is stuck now, and how often something has been.
#[derive(Debug, Default)]
pub(crate) struct Hangs {
    stuck: Mutex<HashSet<String>>,
    total: AtomicU64,
}

impl Hangs {
    fn with_stuck<T>(&self, change: impl FnOnce(&mut HashSet<String>) -> T) -> T {
        change(&mut self.stuck.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SlowIo {
    pub(crate) fn new(roots: Roots) -> Self {
        Self { roots, patience: PATIENCE, lane: Arc::new(Semaphore::new(1)), hangs: Arc::default() }
    }

    pub(crate) fn roots(&self) -> &Roots {
        &self.roots
    }

    pub(crate) fn hangs(&self) -> Arc<Hangs> {
        Arc::clone(&self.hangs)
    }

    /// The text of a file of the device.
    pub(crate) async fn read(&self, path: &str) -> Result<String, ReadError> {
        let roots = self.roots.clone();
        let owned = path.to_owned();
        self.run(path, move || roots.read_patiently(&owned)).await.unwrap_or_else(|stuck| {
            Err(ReadError::Failed { path: path.to_owned(), reason: stuck.to_string() })
        })
    }

    /// Runs `read` off the answering path; `what` names it for [`Stuck`].
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        what: &str,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Stuck> {
        let stuck = || Stuck { what: what.to_owned() };
        let refused = self.hangs.with_stuck(|all| all.contains(what) || all.len() >= MAX_STUCK);
        if refused {
            return Err(stuck());
        }
        let _turn = self.lane.acquire().await.map_err(|_| stuck())?;

        // Marked as stuck before it starts, and unmarked by the thread itself: so a
        // late return is noticed even when nobody waits for it any more.
        self.hangs.with_stuck(|all| all.insert(what.to_owned()));
        let hangs = Arc::clone(&self.hangs);
        let name = what.to_owned();
        let thread = tokio::task::spawn_blocking(move || {
            let answer = read();
            hangs.with_stuck(|all| all.remove(&name));
            answer
        });
        match timeout(self.patience, thread).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_ended)) => Err(stuck()),
            Err(_elapsed) => {
                self.hangs.total.fetch_add(1, Ordering::Relaxed);
                Err(stuck())
            }
        }
    }
}

impl Encode for Arc<Hangs> {
    fn encode(&self, out: &mut Exposition<'_>) -> std::fmt::Result {
        let total = self.total.load(Ordering::Relaxed);
        out.counter(
            "sensor_hangs_total",
            "Sensor reads that did not return in time and were abandoned",
        )
        .sample(&[], Some(total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_hung_read_is_abandoned_and_tried_again_once_it_has_returned() {
        // A paused clock stands still while a thread is busy, so the patience is short.
        let patience = Duration::from_millis(20);
        let slow = SlowIo { patience, ..SlowIo::new(Roots::new("/")) };
        let (release, held) = mpsc::channel::<()>();
        let (done, ended) = tokio::sync::oneshot::channel();
        let hung = slow
            .run("sensor", move || {
                held.recv().ok();
                done.send(()).ok();
            })
            .await;
        assert_eq!(hung, Err(Stuck { what: "sensor".into() }));
        assert_eq!(slow.run("sensor", || 1).await, Err(Stuck { what: "sensor".into() }));
        assert_eq!(slow.run("other", || 2).await, Ok(2), "the others go on");
        assert_eq!(slow.hangs.total.load(Ordering::Relaxed), 1, "one hang is counted once");

        release.send(()).unwrap();
        ended.await.unwrap();
        while slow.hangs.with_stuck(|all| all.contains("sensor")) {
            tokio::task::yield_now().await;
        }
        assert_eq!(slow.run("sensor", || 3).await, Ok(3));
    }
}
