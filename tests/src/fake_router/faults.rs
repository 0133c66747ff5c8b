//! Which of a router's answers are wrong. Pure.

use std::time::Duration;

use super::scenario::{Endpoint, Fault, FaultKind, Lasts};

/// Those that have begun, with their end if it is a moment.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(Fault, Option<Duration>)>);

impl Faults {
    pub(super) fn begin(&mut self, now: Duration, fault: Fault) {
        let until = match fault.lasts {
            Lasts::For(lasts) => Some(now + lasts),
            Lasts::ForGood | Lasts::Answers(_) => None,
        };
        self.0.push((fault, until));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What is wrong with the next answer from there: a delay, and more.
    pub(super) fn take(
        &mut self,
        now: Duration,
        endpoint: Option<Endpoint>,
    ) -> (Duration, Option<FaultKind>) {
        let mut found = (Duration::ZERO, None);
        self.0.retain_mut(|(fault, until)| {
            if until.is_some_and(|until| until <= now) {
                return false;
            }
            if fault.endpoint.is_some() && fault.endpoint != endpoint {
                return true;
            }
            match fault.kind {
                FaultKind::Slow(delay) => found.0 += delay,
                _ if found.1.is_some() => return true,
                kind => found.1 = Some(kind),
            }
            match &mut fault.lasts {
                Lasts::Answers(left) => {
                    *left -= 1;
                    *left > 0
                }
                Lasts::ForGood | Lasts::For(_) => true,
            }
        });
        found
    }
}
