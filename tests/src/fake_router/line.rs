//! What a router's line is like between two changes, and how busy it is by the time of day.

use super::pings::GATEWAY;

/// Home lines are busiest then, by local time.
const BUSIEST_HOUR: f64 = 20.5;
const BUSY_HOURS: f64 = 1.8;

/// Until the next change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// The session and the interface.
    pub(super) is_up: bool,
    /// What is behind the next hop answers.
    pub(super) has_internet: bool,
    /// The next hop does.
    pub(super) has_gateway: bool,
    /// The detector has told an outage that goes on.
    pub(super) is_outage: bool,
    /// So little light that packets arrive damaged.
    pub(super) is_weak: bool,
    /// Seconds since midnight when the routers were started.
    pub(super) day_began: i64,
}

impl Default for Line {
    /// All is well.
    fn default() -> Self {
        let (is_up, has_internet, has_gateway) = (true, true, true);
        let (is_outage, is_weak, day_began) = (false, false, 0);
        Self { is_up, has_internet, has_gateway, is_outage, is_weak, day_began }
    }
}

impl Line {
    pub(super) fn answers(&self, target: usize) -> bool {
        self.is_up && if target == GATEWAY { self.has_gateway } else { self.has_internet }
    }

    /// From nearly 0 at night to 1 in the evening.
    pub(super) fn busy(&self, second: u64) -> f64 {
        let of_day = (self.day_began + second.cast_signed()).rem_euclid(86400);
        let away = (of_day as f64 / 3600.0 - BUSIEST_HOUR) / BUSY_HOURS;
        (-away * away).exp()
    }
}
