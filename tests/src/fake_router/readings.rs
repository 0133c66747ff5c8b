//! A router's figures: pings, traffic, light and temperature. Pure, and made up from its
//! number and the time, so that thousands differ and a run repeats: whoever asks more often
//! finds the same counters at the same moment.

use std::time::Duration;

use super::exposition::Histogram;
use super::light::Light;
use super::line::Line;
use super::part;
use super::pings::Pings;

/// Figures change so often.
const TICK_SECONDS: u64 = 10;
/// Of a packet, on the mean.
const PACKET_BYTES: u64 = 900;
/// By day, and so many times as much in the evening.
const USUAL_BYTES: f64 = 150_000.0;
const EVENING: f64 = 8.0;
/// Between two look-ups.
pub(super) const LOOK_UP_EVERY: u64 = 10;
/// Between two damaged packets while there is little light.
const DAMAGED_EVERY: u64 = 90;

#[derive(Debug)]
pub(super) struct Readings {
    seed: u64,
    pub(super) pings: Pings,
    /// Whole seconds that are counted.
    second: u64,
    pub(super) device: Traffic,
    /// Of the PPPoE device, which is a new one at each reconnect.
    pub(super) session: Traffic,
    /// Times of the answered look-ups.
    pub(super) look_ups: Histogram,
    pub(super) observed_seconds: u64,
    pub(super) outage_seconds: u64,
    pub(super) light: Light,
    /// Mean of its processor, degrees Celsius.
    warmth: f64,
    loss_percent: u8,
    loss_until: Duration,
}

/// Through a device.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Traffic {
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) damaged: u64,
    /// Could not be sent.
    pub(super) failed: u64,
}

impl Traffic {
    fn add(&mut self, received: u64, sent: u64) {
        self.received += received;
        self.sent += sent;
    }

    pub(super) fn packets(bytes: u64) -> u64 {
        bytes / PACKET_BYTES
    }
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
        let part = |what, width| part(seed, what, width);
        Self {
            seed,
            pings: Pings::new(seed),
            second: 0,
            device: Traffic::default(),
            session: Traffic::default(),
            look_ups: Histogram::default(),
            observed_seconds: 0,
            outage_seconds: 0,
            light: Light::steady(-24.0 + part(2, 16.0)),
            warmth: 43.0 + part(4, 18.0),
            loss_percent: 0,
            loss_until: Duration::ZERO,
        }
    }

    pub(super) fn begin_loss(&mut self, now: Duration, percent: u8, lasts: Duration) {
        (self.loss_percent, self.loss_until) = (percent, now + lasts);
    }

    /// The program starts: totals are 0.
    pub(super) fn restart(&mut self, now: Duration) {
        let (light, warmth) = (self.light, self.warmth);
        *self = Self { second: now.as_secs(), light, warmth, ..Self::new(self.seed) };
    }

    /// The processor is so warm from now on.
    pub(super) fn warm(&mut self, celsius: f64) {
        self.warmth = celsius;
    }

    /// The PPPoE device is a new one.
    pub(super) fn begin_session(&mut self) {
        self.session = Traffic::default();
    }

    /// Counts the seconds since the last call. To be called before the line changes.
    pub(super) fn settle(&mut self, now: Duration, line: &Line) {
        for second in self.second + 1..=now.as_secs() {
            self.pings.count(second, line, self.loss_percent_at(second));
            self.observed_seconds += 1;
            self.outage_seconds += u64::from(line.is_outage);
            if line.answers(0) {
                self.carry(second, line);
                if second.is_multiple_of(LOOK_UP_EVERY) {
                    let millis = 2.0 + self.part(7000 + second, 30.0) + 20.0 * line.busy(second);
                    self.look_ups.add((millis * 1000.0) as u64);
                }
            }
        }
        self.second = self.second.max(now.as_secs());
    }

    fn loss_percent_at(&self, second: u64) -> u8 {
        if second <= self.loss_until.as_secs() { self.loss_percent } else { 0 }
    }

    fn carry(&mut self, second: u64, line: &Line) {
        let change = 0.2 + self.part(5000 + second / TICK_SECONDS, 1.6);
        let received = (USUAL_BYTES * change * (1.0 + EVENING * line.busy(second))) as u64;
        self.device.add(received, received / 7);
        self.session.add(received * 99 / 100, received / 7 * 99 / 100);
        if line.is_weak && second.is_multiple_of(DAMAGED_EVERY) {
            self.device.damaged += 1;
        }
    }

    /// So much is lost now.
    pub(super) fn loss_percent(&self) -> u8 {
        self.loss_percent_at(self.second)
    }

    pub(super) fn second(&self) -> u64 {
        self.second
    }

    /// As of the last [`Self::settle`].
    pub(super) fn ping(&self, target: usize, line: &Line) -> Ping {
        let loss = match line.answers(target) {
            true => f64::from(self.loss_percent()),
            false => 100.0,
        };
        let second = self.tick() * TICK_SECONDS;
        let rtt = self.pings.millis(target, second, line.busy(second));
        let shown = |value: f64| (loss < 100.0).then(|| (value * 10.0).round() / 10.0);
        let tally = &self.pings.tallies[target];
        Ping {
            rtt: shown(rtt),
            min: shown(self.pings.least_millis(target)),
            max: shown(rtt * 1.3),
            loss,
            sent_total: tally.requests,
            lost_total: tally.lost,
        }
    }

    /// dBm of light received.
    pub(super) fn received_dbm(&self) -> f64 {
        let level = self.light.at(Duration::from_secs(self.second));
        hundredths(level + self.part(3000 + self.tick(), 0.16) - 0.08)
    }

    /// Degrees Celsius.
    pub(super) fn temperature(&self) -> f64 {
        hundredths(self.warmth + self.part(4000 + self.tick(), 2.0) - 1.0)
    }

    fn tick(&self) -> u64 {
        self.second / TICK_SECONDS
    }

    /// Between 0 and `width`, always the same for the same `what`.
    pub(super) fn part(&self, what: u64, width: f64) -> f64 {
        part(self.seed, what, width)
    }
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const GONE: Line = Line {
        is_up: false,
        has_internet: true,
        has_gateway: true,
        is_outage: false,
        is_weak: false,
        day_began: 0,
    };

    #[test]
    fn pings_are_counted_as_they_are_lost() {
        let mut readings = Readings::new(5);
        let well = Line::default();
        readings.settle(secs(10), &well);
        readings.begin_loss(secs(10), 50, secs(100));
        readings.settle(secs(150), &well);
        readings.settle(secs(155), &GONE);
        let ping = readings.ping(0, &GONE);
        assert_eq!((ping.sent_total, ping.lost_total), (155, 55));
        assert_eq!((ping.rtt, ping.loss), (None, 100.0));
        readings.restart(secs(160));
        readings.settle(secs(161), &well);
        let ping = readings.ping(0, &well);
        assert_eq!((ping.sent_total, ping.lost_total, ping.loss), (1, 0, 0.0));
    }

    #[test]
    fn counters_are_the_same_however_often_one_asks() {
        let line = Line { day_began: 70_000, ..Line::default() };
        let played = |step: usize| {
            let mut readings = Readings::new(5);
            readings.begin_loss(secs(0), 3, secs(900));
            (0..=6000).step_by(step).for_each(|now| {
                readings.settle(Duration::from_millis(now * 250), &line);
            });
            (readings.device, readings.pings.tallies[1].times.clone(), readings.observed_seconds)
        };
        assert_eq!(played(1), played(6000));
    }

    #[test]
    fn evenings_are_busy() {
        let line = Line::default();
        let carried = |hour: u64| {
            let mut readings = Readings::new(5);
            readings.settle(secs(hour * 3600), &line);
            let before = readings.device.received;
            readings.settle(secs(hour * 3600 + 600), &line);
            readings.device.received - before
        };
        assert!(carried(20) > 3 * carried(4));
    }

    #[test]
    fn figures_make_sense_and_differ() {
        let all: Vec<Readings> = (0..100).map(Readings::new).collect();
        let line = Line::default();
        for readings in &all {
            let ping = readings.ping(1, &line);
            assert!(ping.min <= ping.rtt && ping.rtt <= ping.max && ping.min > Some(150.0));
        }
        let first = all[0].ping(0, &line).rtt;
        assert!(all.iter().any(|one| one.ping(0, &line).rtt != first));
        assert_eq!(Readings::new(0).ping(0, &line).rtt, first);
    }
}
