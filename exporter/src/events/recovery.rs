//! A link that is there again: is the WAN? Pure.
//!
//! With force_link, which is usual for static addresses, netifd says nothing more: the link
//! was the recovery. Otherwise it goes on at once to set the interface up, or to give it up.
//! So a link that is regained is believed when [`PATIENCE`] has passed in the log, or by the
//! clock of whoever waits for the next line.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::parse::Family;
use super::parse::envelope::{Line, Stamp};

/// netifd goes on within milliseconds; stamps have whole seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_MS: i64 = 2000;

/// When a line was written, for comparing it with others of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogTime {
    scale: Scale,
    ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scale {
    Unix,
    Local,
    Uptime,
    /// The line has no time.
    None,
}

impl LogTime {
    pub(crate) fn of(line: &Line<'_>) -> Self {
        let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let (scale, ms) = match (line.stamp, line.uptime) {
            (Stamp::Unix { at, .. }, _) => (Scale::Unix, ms(at)),
            (Stamp::Local(local), _) => (Scale::Local, local.seconds().saturating_mul(1000)),
            (Stamp::None, Some(uptime)) => (Scale::Uptime, ms(uptime)),
            (Stamp::None, None) => (Scale::None, 0),
        };
        Self { scale, ms }
    }

    /// Has the patience passed at `later`? A clock that was set back tells nothing else.
    fn is_over_at(self, later: Self) -> bool {
        let passed = later.ms.saturating_sub(self.ms);
        self.scale == later.scale && !(0..PATIENCE_MS).contains(&passed)
    }
}

/// Links that are there again, until it is clear what that means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recoveries {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    v4: Option<LogTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    v6: Option<LogTime>,
}

impl Recoveries {
    pub(crate) fn is_empty(&self) -> bool {
        self.v4.is_none() && self.v6.is_none()
    }

    pub(crate) fn awaits(&self, family: Family) -> bool {
        self.of(family).is_some()
    }

    pub(crate) fn begin(&mut self, family: Family, at: LogTime) {
        self.of_mut(family).get_or_insert(at);
    }

    /// It was something else, or it is over.
    pub(crate) fn end(&mut self, family: Family) -> bool {
        self.of_mut(family).take().is_some()
    }

    pub(crate) fn is_over_at(&self, family: Family, now: LogTime) -> bool {
        self.of(family).is_some_and(|since| since.is_over_at(now))
    }

    fn of(&self, family: Family) -> Option<LogTime> {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }

    fn of_mut(&mut self, family: Family) -> &mut Option<LogTime> {
        match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        }
    }
}
