//! When did a logged line happen, on both clocks? Pure.
//!
//! A router without a battery boots with a clock that is plausible and wrong, until NTP
//! sets it: lines logged before carry times of a clock that nobody keeps any more. Where
//! the kernel's lines give both times, that old clock can be translated.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use super::event::Moment;
use super::parse::envelope::{LocalTime, Stamp};

/// A line may be stamped a moment after we have looked at the clock.
const TOLERANCE: Duration = Duration::from_secs(2);
/// A line without a year that would lie further ahead than this is of last year.
const AHEAD: Duration = Duration::from_secs(24 * 3600);

/// The clock as it goes now.
#[derive(Debug, Clone, Copy)]
struct Clock {
    /// Since the start.
    now: Duration,
    /// The wall time of the start.
    started: Duration,
}

impl Clock {
    fn at(self, boot: Duration) -> Moment {
        Moment { unix: self.started + boot, boot: Some(boot) }
    }
}

/// Whose lines a log can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    /// In RAM: what is in it happened since the router started.
    ThisBoot,
    /// A file may be older than that.
    AnyBoot,
}

/// Follows the times of one source.
#[derive(Debug)]
pub(crate) struct Timeline {
    span: Span,
    /// Both times of the last line of the kernel.
    kernel: Option<(Stamp, Duration)>,
    /// Where the line before was put.
    previous: Option<Moment>,
    /// Lines are read as they are written.
    is_live: bool,
}

/// The clock of the kernel's lines is not kept by NTP: it drifts by up to some hundred
/// millionths from the others. What differs by more was stamped by another clock.
fn drift(uptime: Duration) -> Duration {
    TOLERANCE + uptime / 1000
}

impl Timeline {
    pub(crate) fn new(span: Span) -> Self {
        Self { span, kernel: None, previous: None, is_live: false }
    }

    /// The backlog is over: a line without a stamp was written just now.
    pub(crate) fn go_live(&mut self) {
        self.is_live = true;
    }

    /// Every line passes here, also those that tell nothing.
    pub(crate) fn note(&mut self, stamp: &Stamp, uptime: Option<Duration>) {
        if let Some(uptime) = uptime
            && !matches!(stamp, Stamp::None)
        {
            self.kernel = Some((*stamp, uptime));
        }
    }

    /// The moment of the line that was noted last.
    pub(crate) fn place(
        &mut self,
        stamp: &Stamp,
        uptime: Option<Duration>,
        now: Moment,
        zone: &TimeZone,
    ) -> Moment {
        let unix = self.unix(stamp, now, zone);
        let moment = match now.boot {
            Some(boot) => {
                let uptime = uptime.filter(|uptime| *uptime <= boot + drift(boot));
                // A clock that was never set counts from 1970, give or take a moment.
                let clock = Clock { now: boot, started: now.unix.saturating_sub(boot) };
                self.on_both_clocks(unix, uptime, clock, zone, now)
            }
            None => Moment { unix: unix.unwrap_or(now.unix), boot: None },
        };
        self.previous = Some(moment);
        moment
    }

    fn on_both_clocks(
        &self,
        unix: Option<Duration>,
        uptime: Option<Duration>,
        clock: Clock,
        zone: &TimeZone,
        now: Moment,
    ) -> Moment {
        let Some(unix) = unix else {
            let uptime = uptime.filter(|_| !self.is_live);
            return uptime.map_or(now, |uptime| clock.at(uptime.min(clock.now)));
        };
        let by_this_clock =
            unix.checked_sub(clock.started).filter(|boot| *boot <= clock.now + TOLERANCE);
        if self.span == Span::AnyBoot {
            return Moment { unix, boot: by_this_clock };
        }
        let stamped = Moment { unix, boot: by_this_clock };
        let agrees = |other: Duration| {
            by_this_clock.is_some_and(|boot| boot.abs_diff(other) <= drift(other))
        };
        // The kernel counts from the start, whatever clock the log daemon has.
        if let Some(uptime) = uptime {
            return if agrees(uptime) { stamped } else { clock.at(uptime) };
        }
        let floor = self.previous.and_then(|line| line.boot).unwrap_or_default();
        let by_the_kernels = self
            .by_the_kernels_lines(unix, now, zone)
            .filter(|boot| *boot <= clock.now + drift(clock.now));
        if by_the_kernels.is_none_or(agrees) && by_this_clock.is_some() {
            return stamped;
        }
        // Of two clocks, the one that makes the smaller step from the line before.
        let best = [by_this_clock, by_the_kernels]
            .into_iter()
            .flatten()
            .filter(|boot| *boot + TOLERANCE >= floor)
            .min_by_key(|boot| boot.saturating_sub(floor));
        match best {
            Some(boot) if Some(boot) == by_this_clock => stamped,
            Some(boot) => clock.at(boot),
            // Of a clock that nobody can translate: right after the line before.
            None => clock.at(floor),
        }
    }

    /// Time since the start of a line stamped by the clock that stamped the kernel's last
    /// line.
    fn by_the_kernels_lines(
        &self,
        unix: Duration,
        now: Moment,
        zone: &TimeZone,
    ) -> Option<Duration> {
        let (stamp, uptime) = self.kernel.as_ref()?;
        let kernel = self.unix(stamp, now, zone)?;
        (unix + *uptime).checked_sub(kernel)
    }

    /// The wall time of a stamp, as the clock was then.
    fn unix(&self, stamp: &Stamp, now: Moment, zone: &TimeZone) -> Option<Duration> {
        match stamp {
            Stamp::None => None,
            Stamp::Unix { at, .. } => Some(*at),
            Stamp::Local(local) => {
                let unix = self.of_local(*local, now, zone)?;
                // Whole seconds: a line that is being written now was written now.
                let within = now.unix.checked_sub(unix).is_some_and(|age| age.as_secs() == 0);
                let same_second = |line: &Moment| line.unix.as_secs() == unix.as_secs();
                let previous = self.previous.filter(same_second).map(|line| line.unix);
                Some(if within { now.unix } else { previous.unwrap_or(unix) })
            }
        }
    }

    fn of_local(&self, local: LocalTime, now: Moment, zone: &TimeZone) -> Option<Duration> {
        let seconds = i64::try_from(now.unix.as_secs()).ok();
        let here = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let this_year = here.map(|here| here.to_zoned(zone.clone()).year());
        let year = local.year.or(this_year)?;
        let unix = self.of_civil(local, year, now, zone);
        match unix {
            Some(unix) if local.year.is_none() && unix > now.unix + AHEAD => {
                self.of_civil(local, year - 1, now, zone)
            }
            // The 29th of February, read in the year after.
            None if local.year.is_none() => self.of_civil(local, year - 1, now, zone),
            unix => unix,
        }
    }

    /// An hour that is repeated in autumn: the first that does not lie before the line
    /// before, or without one the last that is not in the future.
    fn of_civil(
        &self,
        local: LocalTime,
        year: i16,
        now: Moment,
        zone: &TimeZone,
    ) -> Option<Duration> {
        let LocalTime { month, day, hour, minute, second, .. } = local;
        let time = civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        let ambiguous = zone.to_ambiguous_timestamp(time);
        let seconds = |timestamp: Timestamp| {
            u64::try_from(timestamp.as_second()).map_or(Duration::ZERO, Duration::from_secs)
        };
        let earlier = ambiguous.earlier().ok().map(seconds)?;
        let later = ambiguous.later().ok().map(seconds)?;
        if earlier == later {
            return Some(earlier);
        }
        let is_first = match self.previous {
            Some(before) => earlier + TOLERANCE >= before.unix,
            None => later > now.unix + TOLERANCE,
        };
        Some(if is_first { earlier } else { later })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::parse::envelope;

    const DAY: u64 = 24 * 3600;
    /// 2025-03-03 10:00:00 UTC, an hour after the start.
    const NOW: Moment =
        Moment { unix: Duration::from_secs(1_740_996_000), boot: Some(Duration::from_secs(3600)) };

    /// Where the last of these lines is put: seconds since the start, and before [`NOW`].
    fn place(span: Span, lines: &[&str], zone: &str, now: Moment) -> (Option<i64>, i64) {
        let zone = TimeZone::posix(zone).unwrap();
        let mut timeline = Timeline::new(span);
        let mut last = None;
        for line in lines {
            let line = envelope::read(line);
            timeline.note(&line.stamp, line.uptime);
            last = Some(timeline.place(&line.stamp, line.uptime, now, &zone));
        }
        let last = last.unwrap();
        let signed = |time: Duration| i64::try_from(time.as_secs()).unwrap();
        (last.boot.map(signed), signed(last.unix) - signed(now.unix))
    }

    fn ram(lines: &[&str]) -> (Option<i64>, i64) {
        place(Span::ThisBoot, lines, "UTC0", NOW)
    }

    #[test]
    fn a_line_of_the_log_has_its_own_time() {
        assert_eq!(ram(&["Mon Mar  3 09:59:50 2025 daemon.notice netifd: x"]), (Some(3590), -10));
        let exact = "Mon Mar  3 01:02:03 2025 [1740995990.500] daemon.notice netifd: x";
        assert_eq!(ram(&[exact]), (Some(3590), -10));
    }

    #[test]
    fn a_line_written_in_this_second_was_written_now() {
        let now = Moment { unix: NOW.unix + Duration::from_millis(700), ..NOW };
        let zone = TimeZone::UTC;
        let line = envelope::read("Mon Mar  3 10:00:00 2025 daemon.notice netifd: x");
        let placed = Timeline::new(Span::ThisBoot).place(&line.stamp, None, now, &zone);
        assert_eq!(placed.unix, now.unix);
    }

    #[test]
    fn the_kernel_counts_from_the_start_whatever_the_log_daemon_stamps() {
        let early = "Mon Mar  3 09:01:30 2025 kern.info kernel: [   12.500000] eth1: link up";
        assert_eq!(ram(&[early]), (Some(12), -3588));
        assert_eq!(ram(&["6,700,3590000000,-;eth1: link down"]), (Some(3590), -10));
    }

    #[test]
    fn a_kernel_whose_clock_drifts_moves_nothing() {
        // 100 s behind after 30 days.
        let days = Duration::from_secs(30 * DAY);
        let now = Moment { unix: NOW.unix, boot: Some(days) };
        let line = |text: &str| format!("Mon Mar  3 09:59:58 2025 {text}");
        let kernel = line("kern.info kernel: [2591898.000000] eth1: link down");
        assert_eq!(place(Span::ThisBoot, &[&kernel], "UTC0", now).1, -2);
        let netifd = line("daemon.notice netifd: x");
        assert_eq!(place(Span::ThisBoot, &[&kernel, &netifd], "UTC0", now).1, -2);
    }

    #[test]
    fn what_the_kernel_says_live_it_says_now() {
        let line = envelope::read("6,700,3500000000,-;eth1: link down");
        let mut timeline = Timeline::new(Span::ThisBoot);
        let place = |timeline: &mut Timeline| {
            timeline.place(&line.stamp, line.uptime, NOW, &TimeZone::UTC).boot
        };
        assert_eq!(place(&mut timeline), Some(Duration::from_secs(3500)));
        timeline.go_live();
        assert_eq!(place(&mut timeline), NOW.boot);
    }

    #[test]
    fn a_clock_before_ntp_is_translated_by_the_kernels_lines() {
        let boot = [
            "Fri Nov  3 07:00:40 2023 kern.info kernel: [    2.000000] early, stamped late",
            "Fri Nov  3 07:00:40 2023 kern.info kernel: [   20.000000] early as well",
            "Fri Nov  3 07:00:55 2023 daemon.notice netifd: x",
        ];
        assert_eq!(ram(&boot), (Some(35), 35 - 3600));
        let set = [boot[0], boot[1], boot[2], "Mon Mar  3 09:02:00 2025 daemon.notice netifd: y"];
        assert_eq!(ram(&set), (Some(120), 120 - 3600));
    }

    #[test]
    fn a_clock_nobody_can_translate_keeps_the_order() {
        let lines = [
            "Mon Mar  3 09:30:00 2025 daemon.notice netifd: x",
            "Fri Mar  3 09:30:00 2028 daemon.notice netifd: the clock was ahead",
        ];
        assert_eq!(ram(&lines), (Some(1800), -1800));
        assert_eq!(ram(&["Thu Jan  1 00:00:20 1970 daemon.notice netifd: x"]), (Some(0), -3600));
    }

    #[test]
    fn a_file_may_hold_lines_of_an_earlier_start() {
        let file = |line| place(Span::AnyBoot, &[line], "UTC0", NOW);
        assert_eq!(file("Mar  2 10:00:00 gw netifd: x"), (None, -(DAY as i64)));
        assert_eq!(file("Mar  3 09:59:00 gw netifd: x"), (Some(3540), -60));
        let earlier = "Mar  2 10:00:00 gw kern.info kernel: [   33.000000] eth1: link down";
        assert_eq!(file(earlier), (None, -(DAY as i64)));
    }

    #[test]
    fn a_year_that_is_not_told_is_this_one_or_the_last() {
        // 2025-01-01 00:00:05 UTC.
        let now = Moment { unix: Duration::from_secs(1_735_689_605), ..NOW };
        let file = |line| place(Span::AnyBoot, &[line], "UTC0", now).1;
        assert_eq!(file("Dec 31 23:59:59 gw netifd: x"), -6);
        assert_eq!(file("Jan  1 00:00:01 gw netifd: x"), -4);
        assert_eq!(file("Feb 29 00:00:00 gw netifd: x"), 1_709_164_800 - 1_735_689_605);
    }

    #[test]
    fn the_hour_that_autumn_repeats_goes_on_in_order() {
        const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
        // 2025-10-26 01:40 UTC is the second 02:40.
        let now = Moment {
            unix: Duration::from_secs(1_761_442_800),
            boot: Some(Duration::from_secs(DAY)),
        };
        let first = "Sun Oct 26 02:50:00 2025 daemon.notice netifd: x";
        let second = "Sun Oct 26 02:10:00 2025 daemon.notice netifd: y";
        let before = "Sun Oct 26 01:59:00 2025 daemon.notice netifd: w";
        let log = |lines: &[&str]| place(Span::ThisBoot, lines, BERLIN, now).1;
        assert_eq!(log(&[before, first]), -50 * 60);
        assert_eq!(log(&[before, first, second]), -30 * 60);
        assert_eq!(log(&[second]), -30 * 60, "alone, the last that is not in the future");
    }

    #[test]
    fn the_hour_that_spring_leaves_out_and_2038_are_times_like_others() {
        const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
        let line = "Sun Mar 30 02:30:00 2025 daemon.notice netifd: x";
        let now = Moment { unix: Duration::from_secs(1_743_300_000), boot: None };
        assert!(place(Span::ThisBoot, &[line], BERLIN, now).1 <= 0);
        let now = Moment { unix: Duration::from_secs(2_147_483_700), boot: NOW.boot };
        let line = "Tue Jan 19 03:14:09 2038 daemon.notice netifd: x";
        assert_eq!(place(Span::ThisBoot, &[line], "UTC0", now), (Some(3549), -51));
    }

    #[test]
    fn without_a_stamp_or_a_clock_it_is_now() {
        assert_eq!(ram(&["{ \"network.interface\": {} }"]), (Some(3600), 0));
        let unset = Moment { unix: Duration::from_secs(30), boot: Some(Duration::from_secs(40)) };
        let line = "Thu Jan  1 00:00:20 1970 daemon.notice netifd: x";
        assert_eq!(place(Span::ThisBoot, &[line], "UTC0", unset), (Some(20), -10));
    }
}
