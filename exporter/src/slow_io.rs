//! Reads that may hang: drivers behind `/sys` and module EEPROMs answer late, or never.
//!
//! Such reads have a thread of their own, one after the other. A read that outlasts
//! [`PATIENCE`] is abandoned with its thread, counted, and not tried again until it
//! returns; the others go on in a new thread. Called by the sensors, never on the
//! answering path.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::exposition::{Encode, Exposition};
use crate::roots::{ReadError, Roots};
use crate::tally::Tally;

/// A healthy sensor answers within 0.1 s; a slow I²C bus within 0.5 s.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hung reads of one sensor that we put up with before we stop trying new ones: each costs
/// a thread.
const MAX_STUCK: usize = 4;

/// Why a read gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotRead {
    /// It was abandoned, now or earlier, and has not returned since.
    #[error("{what}: hangs; it is left alone until the driver answers")]
    Hangs { what: String },
    /// Others of the same sensor hang.
    #[error("{what}: not tried while {MAX_STUCK} other reads hang")]
    NotTried { what: String },
}

type Job = Box<dyn FnOnce() + Send>;

/// Runs reads that may hang. Clones are one sensor; all sensors share one thread.
#[derive(Debug, Clone)]
pub(crate) struct SlowIo {
    roots: Roots,
    patience: Duration,
    /// The thread that works; none before the first read and after a hang.
    thread: Arc<tokio::sync::Mutex<Option<mpsc::Sender<Job>>>>,
    /// Reads of this sensor that are under way or hang.
    stuck: Arc<Stuck>,
    hangs: Hangs,
}

#[derive(Debug, Default)]
struct Stuck(Mutex<HashSet<String>>);

impl Stuck {
    fn with<T>(&self, change: impl FnOnce(&mut HashSet<String>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How often a read has hung.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hangs(Arc<Tally>);

impl SlowIo {
    pub(crate) fn new(roots: Roots) -> Self {
        Self {
            roots,
            patience: PATIENCE,
            thread: Arc::default(),
            stuck: Arc::default(),
            hangs: Hangs::default(),
        }
    }

    /// The same thread for another sensor, whose reads are none of this one's business.
    pub(crate) fn for_another(&self) -> Self {
        Self { stuck: Arc::default(), ..self.clone() }
    }

    /// For tests of hangs, which would otherwise take [`PATIENCE`] each.
    #[cfg(test)]
    pub(crate) fn impatient(roots: Roots) -> Self {
        Self { patience: Duration::from_millis(200), ..Self::new(roots) }
    }

    pub(crate) fn roots(&self) -> &Roots {
        &self.roots
    }

    pub(crate) fn hangs(&self) -> Hangs {
        self.hangs.clone()
    }

    /// The text of a file of the device.
    pub(crate) async fn read(&self, path: &str) -> Result<String, ReadError> {
        let roots = self.roots.clone();
        let owned = path.to_owned();
        self.run(path, move || roots.read_patiently(&owned)).await.unwrap_or_else(|error| {
            Err(ReadError::Failed { path: path.to_owned(), reason: error.to_string() })
        })
    }

    /// Runs `read` off the answering path; `what` names it for [`NotRead`].
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        what: &str,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotRead> {
        let hangs = || NotRead::Hangs { what: what.to_owned() };
        // Held until the read is over: one at a time.
        let mut thread = self.thread.lock().await;
        // Marked as stuck before it starts, and unmarked by the thread itself: so a
        // late return is noticed even when nobody waits for it any more.
        self.stuck.with(|stuck| {
            if stuck.contains(what) {
                return Err(hangs());
            }
            if stuck.len() >= MAX_STUCK {
                return Err(NotRead::NotTried { what: what.to_owned() });
            }
            stuck.insert(what.to_owned());
            Ok(())
        })?;
        let (stuck, name) = (Arc::clone(&self.stuck), what.to_owned());
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move || {
            let answer = read();
            stuck.with(|stuck| stuck.remove(&name));
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
                self.hangs.0.add(1);
                Err(hangs())
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

impl Encode for Hangs {
    fn encode(&self, out: &mut Exposition<'_>) -> std::fmt::Result {
        let total = self.0.get();
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
        let (done, ended) = oneshot::channel();
        let hung = slow
            .run("sensor", move || {
                held.recv().ok();
                done.send(()).ok();
            })
            .await;
        let hangs = NotRead::Hangs { what: "sensor".into() };
        assert_eq!(hung, Err(hangs.clone()));
        assert_eq!(slow.run("sensor", || 1).await, Err(hangs));
        assert_eq!(slow.run("other", || 2).await, Ok(2), "the others go on");
        assert_eq!(slow.hangs.0.get(), 1, "one hang is counted once");

        release.send(()).unwrap();
        ended.await.unwrap();
        while slow.stuck.with(|stuck| stuck.contains("sensor")) {
            tokio::task::yield_now().await;
        }
        assert_eq!(slow.run("sensor", || 3).await, Ok(3));
    }

    #[tokio::test]
    async fn a_sensor_that_hangs_everywhere_stops_itself_and_no_other() {
        let slow = SlowIo::impatient(Roots::new("/"));
        let mut held = Vec::new();
        for zone in 0..MAX_STUCK {
            let (release, wait) = mpsc::channel::<()>();
            held.push(release);
            slow.run(&zone.to_string(), move || wait.recv().ok()).await.unwrap_err();
        }
        let refused = NotRead::NotTried { what: "next".into() };
        assert_eq!(slow.run("next", || 1).await, Err(refused));
        assert_eq!(slow.for_another().run("next", || 1).await, Ok(1));
    }
}
