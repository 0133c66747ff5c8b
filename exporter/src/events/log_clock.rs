//! The clock of a saved log: what time an event of `replay` has, when the router started
//! anew, and when its clock was set.
//!
//! Used by `replay` only: `run` has real clocks. Stamps are compared with the kernel's
//! uptime where a line has both. logd stamps what the kernel wrote before logd started
//! with the moment it read it, so a stamp may be late, never early.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::event::Told;
use super::kind::Kind;
use super::parse::envelope::{Line, LocalTime, Origin, Stamp};

/// Smaller steps are NTP's daily work.
const STEP_MS: i64 = 2_000;
/// Lines of several sources may be a little out of order, hours are not.
const FALL_BACK: Duration = Duration::from_secs(60);
/// A start is told once, though early lines come in any order.
const STARTING: Duration = Duration::from_secs(60);
/// Summer time is no step.
const HOUR_MS: i64 = 3_600_000;
/// A log without years goes from December to January.
const HALF_A_YEAR_MS: i64 = 180 * 86_400_000;

/// What the lines so far say about time.
#[derive(Debug, Default)]
pub(crate) struct LogClock {
    shown: Shown,
    uptime: Option<Duration>,
    starting: bool,
    wall: Option<Wall>,
    /// Wall clock minus uptime.
    offset_ms: Option<i64>,
}

/// A time as it is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Shown {
    /// No line had a time yet.
    #[default]
    Nothing,
    Local(LocalTime),
    Unix(Duration),
    Uptime(Duration),
}

/// A stamp to compare others with.
#[derive(Debug, Clone, Copy)]
struct Wall {
    ms: i64,
    scale: Scale,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Unix,
    /// In some zone, summer time and all.
    Local,
    WithoutYear,
}

impl LogClock {
    /// Takes in a line; appends what it says about starts and steps.
    pub(crate) fn read(&mut self, line: &Line<'_>, out: &mut Vec<Told>) {
        if let Some(shown) = Shown::of(line) {
            self.shown = shown;
        }
        if let Some(uptime) = line.uptime {
            if self.is_start(line, uptime) {
                (self.wall, self.offset_ms) = (None, None);
                out.push(Told::new(Kind::RouterBoot, "The router started"));
            }
            self.uptime = Some(uptime);
        }
        if let Some(wall) = Wall::of(line.stamp)
            && let Some(step_ms) = self.step(wall, line.uptime)
        {
            let (seconds, way) =
                (step_ms.abs() / 1000, if step_ms > 0 { "forward" } else { "back" });
            let told = Told::new(Kind::TimeStepped, format!("The clock was set {seconds} s {way}"));
            out.push(told.with("seconds", &(step_ms / 1000).to_string()));
        }
    }

    /// The time of the line read last, or the last one before it that had a time.
    pub(crate) fn time(&self) -> Shown {
        self.shown
    }

    fn is_start(&mut self, line: &Line<'_>, uptime: Duration) -> bool {
        let is_first_line = line.origin == Origin::Kernel
            && line.text.starts_with("Linux version ")
            && uptime < Duration::from_secs(1);
        let fell_back = self.uptime.is_some_and(|before| before.saturating_sub(uptime) > FALL_BACK);
        let is_start = (is_first_line || fell_back) && !self.starting;
        self.starting = (self.starting || is_start) && uptime < STARTING;
        is_start
    }

    fn step(&mut self, wall: Wall, uptime: Option<Duration>) -> Option<i64> {
        let before = self.wall.replace(wall).filter(|before| before.scale == wall.scale);
        let uptime_ms = uptime.and_then(|uptime| i64::try_from(uptime.as_millis()).ok());
        let offset = uptime_ms.map(|uptime_ms| wall.ms.saturating_sub(uptime_ms));
        let offset_before = match offset {
            Some(offset) => self.offset_ms.replace(offset).filter(|_| before.is_some()),
            None => None,
        };
        let back = before.map_or(0, |before| wall.ms.saturating_sub(before.ms));
        let forward = match (offset_before, offset) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => 0,
        };
        if wall.scale == Scale::WithoutYear && back < -HALF_A_YEAR_MS {
            self.offset_ms = None;
            return None;
        }
        let is_summer_time =
            |step: &i64| wall.scale != Scale::Unix && (step.abs() - HOUR_MS).abs() <= STEP_MS;
        let step = if back < -STEP_MS { Some(back) } else { Some(forward) };
        step.filter(|step| (*step < -STEP_MS || *step > STEP_MS) && !is_summer_time(step))
            .filter(|step| *step > 0 || back < 0)
    }
}

impl Wall {
    fn of(stamp: Stamp) -> Option<Self> {
        let (ms, scale) = match stamp {
            Stamp::None => return None,
            Stamp::Unix { at, .. } => (i64::try_from(at.as_millis()).ok()?, Scale::Unix),
            Stamp::Local(local) => {
                let scale = if local.year.is_some() { Scale::Local } else { Scale::WithoutYear };
                (local.seconds() * 1000, scale)
            }
        };
        Some(Self { ms, scale })
    }
}

impl Shown {
    /// To count from one line to the next.
    pub(crate) fn seconds(self) -> Option<Duration> {
        match self {
            Self::Nothing => None,
            Self::Local(local) => u64::try_from(local.seconds()).ok().map(Duration::from_secs),
            Self::Unix(at) | Self::Uptime(at) => Some(at),
        }
    }

    fn of(line: &Line<'_>) -> Option<Self> {
        match (line.stamp, line.uptime) {
            (Stamp::Local(local) | Stamp::Unix { local: Some(local), .. }, _) => {
                Some(Self::Local(local))
            }
            (Stamp::Unix { at, local: None }, _) => Some(Self::Unix(at)),
            (Stamp::None, Some(uptime)) => Some(Self::Uptime(uptime)),
            (Stamp::None, None) => None,
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("+0"),
            Self::Uptime(uptime) => {
                write!(f, "+{}.{:06}", uptime.as_secs(), uptime.subsec_micros())
            }
            Self::Unix(at) => match unix(*at) {
                Some(at) => write!(f, "{} {}", at.date(), at.time()),
                None => write!(f, "+{}", at.as_secs()),
            },
            Self::Local(LocalTime { year, month, day, hour, minute, second }) => {
                if let Some(year) = year {
                    write!(f, "{year:04}-")?;
                }
                write!(f, "{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
            }
        }
    }
}

/// In UTC, whole seconds.
fn unix(at: Duration) -> Option<DateTime> {
    let at = Timestamp::from_second(i64::try_from(at.as_secs()).ok()?).ok()?;
    Some(Offset::UTC.to_datetime(at))
}

#[cfg(test)]
mod tests {
    use super::super::parse::envelope::read;
    use super::*;

    /// What a log says about time, one word per fact.
    #[track_caller]
    fn check(log: &[&str], expected: &[&str]) {
        let mut clock = LogClock::default();
        let mut told = Vec::new();
        for line in log {
            clock.read(&read(line), &mut told);
        }
        let told: Vec<String> = told
            .iter()
            .map(|told| match told.detail.first() {
                Some((_, seconds)) => format!("{} {seconds}", told.kind.name()),
                None => told.kind.name().to_owned(),
            })
            .collect();
        assert_eq!(told, expected, "{log:#?}");
    }

    #[test]
    fn a_clock_set_after_the_start_is_one_step() {
        check(
            &[
                "Mon Mar  3 04:00:00 2031 kern.notice kernel: [    0.000000] Linux version 6.6.1",
                "Mon Mar  3 04:00:00 2031 kern.info kernel: [    8.500000] loop: module loaded",
                "Mon Mar  3 04:00:01 2031 daemon.notice netifd: Interface 'lan' is enabled",
                "Mon Mar  3 04:00:02 2031 kern.info kernel: [   20.000000] eth1: link up",
                "Mon Mar  3 05:30:12 2031 daemon.notice hostapd: wlan0: AP-ENABLED",
                "Mon Mar  3 05:30:13 2031 kern.info kernel: [   31.000000] eth2: link up",
                "Mon Mar  3 05:30:23 2031 kern.info kernel: [   41.000000] eth2: link down",
            ],
            &["router_boot", "time_stepped 5400"],
        );
    }

    #[test]
    fn a_stamp_that_falls_back_is_a_step_without_any_uptime() {
        check(
            &["Mar  3 04:00:10 gw a: x", "Mar  3 04:00:08 gw a: x", "Mar  3 04:00:05 gw a: x"],
            &["time_stepped -3"],
        );
        check(&["Dec 31 23:59:59 gw a: x", "Jan  1 00:00:01 gw a: x"], &[]);
        check(&["[1.5] a", "{ }", "[900.0] b"], &[]);
    }

    #[test]
    fn summer_time_is_no_step() {
        check(
            &[
                "Sun Mar 30 01:59:59 2031 kern.info kernel: [ 1000.000000] a",
                "Sun Mar 30 03:00:04 2031 kern.info kernel: [ 1005.000000] b",
                "Sun Oct 26 02:59:59 2031 kern.info kernel: [18147605.000000] c",
                "Sun Oct 26 02:00:00 2031 daemon.info a: d",
            ],
            &[],
        );
        check(
            &[
                "Sun Mar 30 01:59:59 2031 [1932767999.000] a.b: c",
                "Sun Mar 30 00:59:59 2031 [1932764399.000] a.b: c",
            ],
            &["time_stepped -3600"],
        );
    }

    #[test]
    fn a_kernel_that_counts_from_the_beginning_has_started_anew() {
        check(&["[ 5000.000000] a", "[    3.100000] b", "[    2.000000] c"], &["router_boot"]);
        check(&["[ 5000.000000] a", "[ 4990.000000] b"], &[]);
        check(
            &["6,1,9000000000,-;a", "5,0,0,-;Linux version 6.6", "6,1,100,-;Linux version 6.6"],
            &["router_boot"],
        );
    }

    #[test]
    fn times_are_shown_as_printed() {
        let shown = |line: &str| {
            let mut clock = LogClock::default();
            clock.read(&read(line), &mut Vec::new());
            clock.time().to_string()
        };
        assert_eq!(shown("Mon Mar  3 04:00:10 2031 daemon.info a: x"), "2031-03-03 04:00:10");
        assert_eq!(shown("Mar  3 04:00:10 gw a: x"), "03-03 04:00:10");
        assert_eq!(shown("2031-03-03T04:00:10.5+02:00 gw a: x"), "2031-03-03 04:00:10");
        assert_eq!(shown("[   45.001200] x"), "+45.001200");
        assert_eq!(shown("6,1,45001200,-;x"), "+45.001200");
        assert_eq!(shown("{ }"), "+0");
    }
}
