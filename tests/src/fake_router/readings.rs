//! A router's figures: pings, errors, light and temperature. Pure, and made up from its
//! number and the time, so that thousands differ and a run repeats.

use std::time::Duration;

use super::chance;

/// The addresses that the exporter pings when nothing is set.
pub(super) const TARGETS: [&str; 2] = ["223.5.5.5", "8.8.8.8"];
/// Figures change so often.
const TICK_SECONDS: u64 = 10;

#[derive(Debug)]
pub(super) struct Readings {
    seed: u64,
    settled: Duration,
    sent: f64,
    lost: f64,
    loss_percent: u8,
    loss_until: Duration,
}

/// Of the last minute; milliseconds and percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ping {
    pub(super) rtt: Option<f64>,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) loss: f64,
    pub(super) sent_total: u64,
    pub(super) lost_total: u64,
}

impl Readings {
    pub(super) fn new(seed: u64) -> Self {
        let (settled, loss_until) = (Duration::ZERO, Duration::ZERO);
        Self { seed, settled, sent: 0.0, lost: 0.0, loss_percent: 0, loss_until }
    }

    pub(super) fn begin_loss(&mut self, now: Duration, percent: u8, lasts: Duration) {
        (self.loss_percent, self.loss_until) = (percent, now + lasts);
    }

    /// The program starts: totals are 0.
    pub(super) fn restart(&mut self, now: Duration) {
        (self.settled, self.sent, self.lost, self.loss_until) = (now, 0.0, 0.0, Duration::ZERO);
    }

    /// Counts the pings since the last call, one a second. To be called before the line
    /// changes.
    pub(super) fn settle(&mut self, now: Duration, is_down: bool) {
        let since = |from: Duration| now.saturating_sub(from).as_secs_f64();
        let seconds = since(self.settled);
        let lossy = seconds - since(self.loss_until.max(self.settled));
        let share = f64::from(self.loss_percent) / 100.0;
        self.sent += seconds;
        self.lost += if is_down { seconds } else { lossy.max(0.0) * share };
        self.settled = now;
    }

    /// As of the last [`Self::settle`].
    pub(super) fn ping(&self, target: usize, is_down: bool) -> Ping {
        let loss = match (is_down, self.settled < self.loss_until) {
            (true, _) => 100.0,
            (false, true) => f64::from(self.loss_percent),
            (false, false) => 0.0,
        };
        let base = 4.0 + self.part(target as u64, 26.0) + 150.0 * target as f64;
        let rtt = base + self.part(1000 * (target as u64 + 1) + self.tick(), base / 5.0);
        let shown = |value: f64| (loss < 100.0).then(|| (value * 10.0).round() / 10.0);
        Ping {
            rtt: shown(rtt),
            min: shown(base),
            max: shown(rtt * 1.3),
            loss,
            sent_total: self.sent as u64,
            lost_total: self.lost as u64,
        }
    }

    /// dBm of light received and sent; most routers have none.
    pub(super) fn optical(&self) -> Option<(f64, f64)> {
        let has = self.part(1, 3.0) < 1.0;
        let received = -24.0 + self.part(2, 16.0) + self.part(3000 + self.tick(), 0.3);
        has.then(|| ((received * 10.0).round() / 10.0, 2.3))
    }

    /// Degrees Celsius; some routers have no sensor.
    pub(super) fn temperature(&self) -> Option<f64> {
        let has = self.part(3, 7.0) >= 1.0;
        let degrees = 42.0 + self.part(4, 18.0) + self.part(4000 + self.tick(), 2.0);
        has.then(|| (degrees * 10.0).round() / 10.0)
    }

    fn tick(&self) -> u64 {
        self.settled.as_secs() / TICK_SECONDS
    }

    /// Between 0 and `width`, always the same for the same `what`.
    fn part(&self, what: u64, width: f64) -> f64 {
        (chance(&[self.seed, what]) % 10_000) as f64 / 10_000.0 * width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn pings_are_counted_as_they_are_lost() {
        let mut readings = Readings::new(5);
        readings.settle(secs(10), false);
        readings.begin_loss(secs(10), 50, secs(20));
        readings.settle(secs(50), false);
        readings.settle(secs(55), true);
        let ping = readings.ping(0, true);
        assert_eq!((ping.sent_total, ping.lost_total), (55, 15));
        assert_eq!((ping.rtt, ping.loss), (None, 100.0));
        readings.restart(secs(60));
        readings.settle(secs(61), false);
        let ping = readings.ping(0, false);
        assert_eq!((ping.sent_total, ping.lost_total, ping.loss), (1, 0, 0.0));
    }

    #[test]
    fn figures_make_sense_and_differ() {
        let all: Vec<Readings> = (0..100).map(Readings::new).collect();
        for readings in &all {
            let ping = readings.ping(1, false);
            assert!(ping.min <= ping.rtt && ping.rtt <= ping.max && ping.min > Some(150.0));
        }
        let with = |has: fn(&Readings) -> bool| all.iter().filter(|one| has(one)).count();
        assert!((15..55).contains(&with(|one| one.optical().is_some())));
        assert!((70..100).contains(&with(|one| one.temperature().is_some())));
        let first = all[0].ping(0, false).rtt;
        assert!(all.iter().any(|one| one.ping(0, false).rtt != first));
        assert_eq!(Readings::new(0).ping(0, false).rtt, first);
    }
}
