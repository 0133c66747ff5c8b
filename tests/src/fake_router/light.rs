//! The light that an optical module receives: it may be sinking for hours. Pure.

use std::time::Duration;

/// Way to a level; what was before is forgotten.
#[derive(Debug, Clone, Copy)]
pub(super) struct Light {
    from_dbm: f64,
    to_dbm: f64,
    began: Duration,
    within: Duration,
}

impl Light {
    pub(super) fn steady(dbm: f64) -> Self {
        let (began, within) = (Duration::ZERO, Duration::ZERO);
        Self { from_dbm: dbm, to_dbm: dbm, began, within }
    }

    /// To another level, steadily, in so long.
    pub(super) fn begin(&mut self, now: Duration, dbm: f64, within: Duration) {
        *self = Self { from_dbm: self.at(now), to_dbm: dbm, began: now, within };
    }

    pub(super) fn at(&self, now: Duration) -> f64 {
        if now >= self.began + self.within {
            return self.to_dbm;
        }
        let share = now.saturating_sub(self.began).as_secs_f64() / self.within.as_secs_f64();
        self.from_dbm + (self.to_dbm - self.from_dbm) * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_sinks_steadily_and_is_mended_at_once() {
        let secs = Duration::from_secs;
        let mut light = Light::steady(-20.0);
        light.begin(secs(100), -28.0, secs(400));
        let at: Vec<_> = [100, 200, 500, 900].map(|now| light.at(secs(now))).into();
        assert_eq!(at, [-20.0, -22.0, -28.0, -28.0]);
        light.begin(secs(1000), -19.0, secs(0));
        assert_eq!(light.at(secs(1000)), -19.0);
    }
}
