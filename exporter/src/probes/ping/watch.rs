//! The watch of one target: sends, waits, and writes what became of each request.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{Interval, MissedTickBehavior, interval_at, sleep_until};

use super::Watched;
use super::address::Address;
use crate::clock;
use crate::config::{Config, Live};
use crate::probes::echo::Family;
use crate::probes::echo_socket::{EchoError, EchoSocket};
use crate::probes::history::Fate;

/// Answered requests remembered for telling a second answer from a late one.
const REMEMBERED_ANSWERS: usize = 16;

/// Pings one target for ever.
pub(super) async fn run(watched: Arc<Watched>, address: Address, mut config: Live) {
    let mut sending = Sending::default();
    let mut timing = Timing::of(&config.now());
    let mut ticks = spread_ticks(timing.interval);
    loop {
        let deadline = sending.deadline(timing.timeout);
        tokio::select! {
            // Answers that wait while this program was held up have come in time.
            biased;
            answer = sending.answer() => match answer {
                Ok(count) => sending.take_answer(&watched, count, clock::monotonic()),
                // The socket reports a fault of the network: a fresh one has no memory of it.
                Err(_) => sending.socket = None,
            },
            () = sleep_until(deadline.into()) => {
                sending.give_up(&watched, timing.timeout, clock::monotonic());
            }
            _ = ticks.tick() => sending.request(&watched, &address),
            () = config.changed() => {
                let changed = Timing::of(&config.now());
                if changed != timing {
                    timing = changed;
                    ticks = spread_ticks(timing.interval);
                }
            }
        }
    }
}

/// Ticks that begin at a random moment of the interval: targets do not ping in bursts.
fn spread_ticks(interval: Duration) -> Interval {
    let share = getrandom::u32().map_or(0.0, f64::from) / f64::from(u32::MAX);
    let start = clock::monotonic() + interval.mul_f64(share);
    let mut ticks = interval_at(start.into(), interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Timing {
    interval: Duration,
    timeout: Duration,
}

impl Timing {
    fn of(config: &Config) -> Self {
        Self { interval: config.ping_interval, timeout: config.ping_timeout }
    }
}

/// The requests that are on their way.
#[derive(Default)]
struct Sending {
    socket: Option<EchoSocket>,
    count: u64,
    open: VecDeque<(u64, Instant)>,
    answered: VecDeque<u64>,
}

impl Sending {
    /// Sends one request, or notes why it could not leave.
    fn request(&mut self, watched: &Watched, address: &Address) {
        let Some(to) = address.now() else {
            if !address.may_be_missing() {
                watched.with(|history| history.record(clock::monotonic(), Fate::NotSent));
            }
            return;
        };
        self.count += 1;
        watched.with(|history| history.address = Some(to.ip()));
        let sent = clock::monotonic();
        match self.send(to) {
            Ok(()) => {
                watched.forbid(false);
                self.open.push_back((self.count, sent));
            }
            Err(EchoError::Forbidden) => watched.forbid(true),
            Err(EchoError::Unreachable) => {
                watched.forbid(false);
                watched.with(|history| history.record(sent, Fate::NotSent));
            }
        }
    }

    fn send(&mut self, to: SocketAddr) -> Result<(), EchoError> {
        let family = if to.is_ipv4() { Family::V4 } else { Family::V6 };
        let socket = match self.socket.take().filter(|socket| socket.sender.family == family) {
            Some(socket) => socket,
            None => EchoSocket::open(family)?,
        };
        self.socket.insert(socket).send(self.count, to)
    }

    async fn answer(&self) -> std::io::Result<u64> {
        match &self.socket {
            Some(socket) => socket.answer().await,
            None => std::future::pending().await,
        }
    }

    fn take_answer(&mut self, watched: &Watched, count: u64, now: Instant) {
        let open = self.open.iter().position(|(open, _)| *open == count);
        if let Some((_, sent)) = open.and_then(|at| self.open.remove(at)) {
            let rtt = now.saturating_duration_since(sent);
            watched.with(|history| history.record(sent, Fate::Answered(rtt)));
            self.answered.push_back(count);
            if self.answered.len() > REMEMBERED_ANSWERS {
                self.answered.pop_front();
            }
        } else if self.answered.contains(&count) {
            watched.with(|history| history.duplicates += 1);
        } else {
            watched.with(|history| history.late += 1);
        }
    }

    /// When the oldest open request is lost.
    fn deadline(&self, timeout: Duration) -> Instant {
        const IDLE: Duration = Duration::from_secs(3600);
        self.open.front().map_or_else(|| clock::monotonic() + IDLE, |(_, sent)| *sent + timeout)
    }

    /// Counts the requests whose time is over as lost.
    fn give_up(&mut self, watched: &Watched, timeout: Duration, now: Instant) {
        while let Some((_, sent)) = self.open.front().copied() {
            if now.saturating_duration_since(sent) < timeout {
                break;
            }
            self.open.pop_front();
            watched.with(|history| history.record(sent, Fate::Lost));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Scope, Target};

    #[test]
    fn an_answer_after_its_time_is_late_and_a_second_one_is_a_duplicate() {
        let watched = Watched::new(Target { host: "192.0.2.1".to_owned(), scope: Scope::Domestic });
        let start = clock::monotonic();
        let mut sending = Sending { open: [(1, start), (2, start)].into(), ..Sending::default() };
        sending.take_answer(&watched, 1, start + Duration::from_millis(5));
        sending.take_answer(&watched, 1, start + Duration::from_millis(6));
        sending.give_up(&watched, Duration::from_secs(1), start + Duration::from_secs(1));
        sending.take_answer(&watched, 2, start + Duration::from_secs(2));
        let counts = watched.with(|h| (h.requests, h.lost, h.duplicates, h.late));
        assert_eq!(counts, (2, 1, 1, 1));
        assert!(sending.open.is_empty());
    }
}
