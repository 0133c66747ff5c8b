//! Reads that may hang: drivers behind `/sys` and module EEPROMs answer late, or never.
//!
//! Such reads have a thread of their own, one after the other. A read that outlasts
//! [`PATIENCE`] is abandoned with its thread, counted, and not tried again until it
//! returns; the others go on in a new thread. Called by the sensors, never on the
//! answering path.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::exposition::{Encode, Exposition};
use crate::roots::{ReadError, Roots};

/// A healthy sensor answers within 0.1 s; a slow I²C bus within 0.5 s.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hung reads we put up with before we stop trying new ones: each costs a thread.
const MAX_STUCK: usize = 8;

/// A read was abandoned, now or earlier, and has not returned since.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: hangs; it is left alone until the driver answers")]
pub(crate) struct Stuck {
    pub(crate) what: String,
}

type Job = Box<dyn FnOnce() + Send>;

/// Runs reads that may hang. Clones share one thread.
#[derive(Debug, Clone)]
pub(crate) struct SlowIo {
    roots: Roots,
    patience: Duration,
    /// The thread that works; none before the first read and after a hang.
    thread: Arc<tokio::sync::Mutex<Option<mpsc::Sender<Job>>>>,
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
        Self { roots, patience: PATIENCE, thread: Arc::default(), hangs: Arc::default() }
    }

    /// For tests of hangs, which would otherwise take [`PATIENCE`] each.
    #[cfg(test)]
    pub(crate) fn impatient(roots: Roots) -> Self {
        Self { patience: Duration::from_millis(200), ..Self::new(roots) }
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
        // Held until the read is over: one at a time.
        let mut thread = self.thread.lock().await;

        // Marked as stuck before it starts, and unmarked by the thread itself: so a
        // late return is noticed even when nobody waits for it any more.
        self.hangs.with_stuck(|all| all.insert(what.to_owned()));
        let (hangs, name) = (Arc::clone(&self.hangs), what.to_owned());
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move || {
            let answer = read();
            hangs.with_stuck(|all| all.remove(&name));
            // Nobody waits for an answer that comes too late.
            sender.send(answer).ok();
        });
        let jobs = thread.get_or_insert_with(start_thread);
        if jobs.send(job).is_err() {
            fail_with_thread();
        }
        match timeout(self.patience, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => fail_with_thread(),
            Err(_elapsed) => {
                // Without jobs the thread ends by itself, once the read returns.
                *thread = None;
                self.hangs.total.fetch_add(1, Ordering::Relaxed);
                Err(stuck())
            }
        }
    }
}

fn start_thread() -> mpsc::Sender<Job> {
    let (jobs, waiting) = mpsc::channel::<Job>();
    std::thread::spawn(move || waiting.into_iter().for_each(|job| job()));
    jobs
}

/// A read has panicked and taken its thread with it: that must not be survived unseen.
fn fail_with_thread() -> ! {
    std::panic::resume_unwind(Box::new("a thread of the sensors has panicked"))
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
        let slow = SlowIo::impatient(Roots::new("/"));
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
