//! When a server may be asked for a connection: after it could not be reached, the pauses
//! grow, whoever wants one.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::routers::backoff::Backoff;

/// After it a server that is back is used again.
const LONGEST: Duration = Duration::from_secs(30);

/// See the module.
pub(super) struct Reach(Mutex<State>);

struct State {
    backoff: Backoff,
    /// Why not, and until when.
    pause: Option<(Instant, String)>,
}

impl Default for Reach {
    fn default() -> Self {
        Self(Mutex::new(State { backoff: Backoff::up_to(LONGEST), pause: None }))
    }
}

impl Reach {
    /// May somebody try `now`? If not: why the last one could not.
    pub(super) fn may_try(&self, now: Instant) -> Result<(), String> {
        match &self.state().pause {
            Some((until, reason)) if now < *until => Err(reason.clone()),
            _ => Ok(()),
        }
    }

    pub(super) fn failed(&self, now: Instant, reason: &str) {
        let mut state = self.state();
        let pause = state.backoff.next_pause();
        state.pause = Some((now + pause, reason.to_owned()));
    }

    pub(super) fn reached(&self) {
        let mut state = self.state();
        state.backoff.reset();
        state.pause = None;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Every change is complete in itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_it_is_reached() {
        let (reach, begin) = (Reach::default(), crate::clock::monotonic());
        let mut now = begin;
        for (least, most) in [(0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0)] {
            reach.failed(now, "refused");
            let (least, most) = (Duration::from_secs_f64(least), Duration::from_secs_f64(most));
            let before = now + least - Duration::from_millis(1);
            assert_eq!(reach.may_try(before), Err("refused".to_owned()));
            now += most;
            assert_eq!(reach.may_try(now), Ok(()));
        }
        for _ in 0..9 {
            reach.failed(now, "refused");
        }
        assert_eq!(reach.may_try(now + LONGEST), Ok(()), "never longer");
        reach.reached();
        assert_eq!(reach.may_try(now), Ok(()));
        reach.failed(now, "refused");
        assert_eq!(reach.may_try(now + Duration::from_secs(1)), Ok(()), "begins anew");
    }
}
