//! Times, durations and shares as people read them. Pure.

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use crate::history::words::Language;
use crate::record::Millis;

/// By the clock of the house.
pub(crate) fn local(at: Millis, zone: &TimeZone) -> Zoned {
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX);
    at.to_zoned(zone.clone())
}

/// `2026-11-03`
pub(crate) fn date(at: Millis, zone: &TimeZone) -> String {
    local(at, zone).strftime("%Y-%m-%d").to_string()
}

/// `02:14:07`
pub(crate) fn time(at: Millis, zone: &TimeZone) -> String {
    local(at, zone).strftime("%H:%M:%S").to_string()
}

/// `2026-11-03 02:14:07`
pub(crate) fn moment(at: Millis, zone: &TimeZone) -> String {
    local(at, zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The zone by its name, with what it is ahead of UTC: at the beginning, and at the end where
/// the clock was changed between.
pub(crate) fn zone_name(zone: &TimeZone, from: Millis, until: Millis) -> String {
    let offset = |at: Millis| ahead(local(at, zone).offset());
    let (first, last) = (offset(from), offset(until));
    let offsets = if first == last { first } else { format!("{first} → {last}") };
    match zone.iana_name() {
        Some("UTC") | None => offsets,
        Some(name) => format!("{name}, {offsets}"),
    }
}

fn ahead(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    match minutes {
        0 => "UTC".to_owned(),
        minutes => {
            let sign = if minutes < 0 { '−' } else { '+' };
            format!("UTC{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
        }
    }
}

/// `3.4 s`, `4 min 07 s`, `1 h 23 min 05 s`, `2 d 3 h 04 min`. Numbers and units stay on one
/// line.
pub(crate) fn duration(millis: Millis, language: Language) -> String {
    const DAY: i64 = 86_400;
    let [day, hour, minute, second] = match language {
        Language::English => ["d", "h", "min", "s"],
        Language::Chinese => ["天", "小时", "分", "秒"],
    };
    if millis == 0 {
        return format!("0\u{a0}{second}");
    }
    if millis < 59_950 {
        return format!("{:.1}\u{a0}{second}", millis as f64 / 1000.0);
    }
    let seconds = (millis + 500) / 1000;
    let (days, hours, minutes) = (seconds / DAY, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}\u{a0}{minute} {:02}\u{a0}{second}", seconds % 60),
        (0, hours) => {
            format!(
                "{hours}\u{a0}{hour} {minutes:02}\u{a0}{minute} {:02}\u{a0}{second}",
                seconds % 60
            )
        }
        (days, hours) => {
            format!("{days}\u{a0}{day} {hours}\u{a0}{hour} {minutes:02}\u{a0}{minute}")
        }
    }
}

/// `3.4 s`, `4 min 07 s`, `1 h 23 min`, `2 d 3 h`: for headlines.
pub(crate) fn short(millis: Millis, language: Language) -> String {
    let long = duration(millis, language);
    // A number and a unit are one word, and the last one is the least.
    let mut words: Vec<&str> = long.split(' ').collect();
    words.truncate(2);
    words.join(" ")
}

/// `99.982 %`: cut, not rounded, so that only what never failed is 100 %.
pub(crate) fn percent(ratio: f64) -> String {
    // What is left of a whole number of parts by the way computers divide is no part.
    let parts = (ratio * 100_000.0 + 1e-6).floor();
    format!("{:.3}\u{a0}%", parts / 1000.0)
}

/// With one digit, and a minus that is as wide as a plus.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_prefix('-') {
        Some("0.0") => "0.0".to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short_and_say_their_units() {
        let plain = |millis, language| duration(millis, language).replace('\u{a0}', " ");
        let english = |millis| plain(millis, Language::English);
        assert_eq!(english(0), "0 s");
        assert_eq!(english(3449), "3.4 s");
        assert_eq!(english(59_949), "59.9 s");
        assert_eq!(english(59_950), "1 min 00 s");
        assert_eq!(english(247_000), "4 min 07 s");
        assert_eq!(english(3_599_600), "1 h 00 min 00 s");
        assert_eq!(english(183_840_000), "2 d 3 h 04 min");
        assert_eq!(plain(4_985_000, Language::Chinese), "1 小时 23 分 05 秒");
        let headline = |millis| short(millis, Language::English).replace('\u{a0}', " ");
        assert_eq!(headline(4_985_000), "1 h 23 min");
        assert_eq!(headline(183_840_000), "2 d 3 h");
        assert_eq!(headline(247_000), "4 min 07 s");
        assert_eq!(headline(3449), "3.4 s");
    }

    #[test]
    fn only_what_never_failed_is_all() {
        let plain = |ratio| percent(ratio).replace('\u{a0}', " ");
        assert_eq!(plain(1.0), "100.000 %");
        assert_eq!(plain(0.999_999_9), "99.999 %");
        assert_eq!(plain(0.9), "90.000 %");
        assert_eq!(plain(0.0), "0.000 %");
    }

    #[test]
    fn zones_say_when_their_clock_was_changed() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let (march, april) = (1_772_319_600_000, 1_774_994_400_000);
        assert_eq!(zone_name(&berlin, march, april), "UTC+01:00 → UTC+02:00");
        assert_eq!(zone_name(&TimeZone::UTC, march, april), "UTC");
        let newfoundland = TimeZone::posix("NST3:30").unwrap();
        assert_eq!(zone_name(&newfoundland, march, april), "UTC−03:30");
        assert_eq!(number(-0.04), "0.0");
        assert_eq!(number(-19.87), "−19.9");
    }
}
