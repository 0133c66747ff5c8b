//! The times that stand before log lines: `Sat Nov 22 07:54:20 2026` (ctime, as logread
//! and `dmesg -T` print it), `Nov 22 07:54:20` (RFC 3164, syslogd) and ISO 8601 (rsyslog).
//! What LuCI shows is read by `luci`.
//!
//! Used by `envelope`. A time is as printed: which zone it is in, only ISO 8601 says.

use std::time::Duration;

/// When a line was written, as far as it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    None,
    /// By the router's clock on the wall.
    Local(LocalTime),
    /// Since 1970: `logread -t`, or ISO 8601 with an offset.
    Unix {
        at: Duration,
        local: Option<LocalTime>,
    },
}

/// A day and time without a zone, checked to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LocalTime {
    /// Syslog's short form has none.
    pub(crate) year: Option<i16>,
    pub(crate) month: i8,
    pub(crate) day: i8,
    pub(crate) hour: i8,
    pub(crate) minute: i8,
    pub(crate) second: i8,
}

/// Any leap year: a day of February 29 must pass where the year is not said.
const SOME_LEAP_YEAR: i16 = 2000;

impl LocalTime {
    pub(super) fn new(year: Option<i16>, month: i8, day: i8, time: (i8, i8, i8)) -> Option<Self> {
        let (hour, minute, second) = time;
        let real = year.is_none_or(|year| (1969..=9999).contains(&year))
            && (1..=12).contains(&month)
            && (1..=days_in(year.unwrap_or(SOME_LEAP_YEAR), month)).contains(&day);
        real.then_some(Self { year, month, day, hour, minute, second })
    }

    /// Seconds since 1970 if the clock were UTC; without a year, within some leap year.
    /// For comparing stamps of one log.
    pub(crate) fn seconds(self) -> i64 {
        let (year, month) = (i64::from(self.year.unwrap_or(SOME_LEAP_YEAR)), i64::from(self.month));
        // Years that begin in March, so that the odd day is at the end.
        let year = if month <= 2 { year - 1 } else { year };
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
        let minutes = i64::from(self.hour) * 60 + i64::from(self.minute);
        days * 86_400 + minutes * 60 + i64::from(self.second)
    }
}

fn days_in(year: i16, month: i8) -> i8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The first word and what stands behind the blanks after it.
pub(super) fn word(text: &str) -> (&str, &str) {
    match text.split_once(' ') {
        Some((word, rest)) => (word, rest.trim_start_matches(' ')),
        None => (text, ""),
    }
}

/// `Sat Nov 22 07:54:20 2026`, and the rest.
pub(super) fn ctime(text: &str) -> Option<(LocalTime, &str)> {
    padded_ctime(text).or_else(|| pasted_ctime(text))
}

/// As the C library writes it, every part at its place: nearly every line of a router begins
/// like this.
fn padded_ctime(text: &str) -> Option<(LocalTime, &str)> {
    let [
        w0,
        w1,
        w2,
        b' ',
        m0,
        m1,
        m2,
        b' ',
        d0,
        d1,
        b' ',
        h0,
        h1,
        b':',
        n0,
        n1,
        b':',
        s0,
        s1,
        b' ',
        y0,
        y1,
        y2,
        y3,
        b' ',
    ] = *text.as_bytes().first_chunk()?
    else {
        return None;
    };
    let is_weekday = WEEKDAYS.iter().any(|day| day.as_bytes() == [w0, w1, w2]);
    let month = MONTHS.iter().position(|month| month.as_bytes() == [m0, m1, m2])?;
    let day = pair([if d0 == b' ' { b'0' } else { d0 }, d1])?;
    let (hour, minute, second) = (pair([h0, h1])?, pair([n0, n1])?, pair([s0, s1])?);
    let year = i16::from(pair([y0, y1])?) * 100 + i16::from(pair([y2, y3])?);
    let time = in_day(hour, minute, second)?;
    let local = LocalTime::new(Some(year), i8::try_from(month + 1).ok()?, day, time)?;
    is_weekday.then_some((local, text.get(25..)?))
}

/// The same after a web page has eaten the padding.
fn pasted_ctime(text: &str) -> Option<(LocalTime, &str)> {
    let (weekday, rest) = word(text);
    if !WEEKDAYS.contains(&weekday) {
        return None;
    }
    let (time, rest) = short(rest)?;
    let (year, rest) = word(rest);
    let time = LocalTime { year: Some(digits(year, 4)?), ..time };
    let of_day = (time.hour, time.minute, time.second);
    Some((LocalTime::new(time.year, time.month, time.day, of_day)?, rest))
}

/// `Nov 22 07:54:20`, with or without a fraction, and the rest.
pub(super) fn short(text: &str) -> Option<(LocalTime, &str)> {
    let (month, rest) = word(text);
    let month = month_of(month)?;
    let (day, rest) = word(rest);
    let (time, rest) = word(rest);
    let time = time.split_once('.').map_or(time, |(seconds, _)| seconds);
    Some((LocalTime::new(None, month, small(day)?, clock(time)?)?, rest))
}

/// ISO 8601 with an offset or without, a blank or a `T` in the middle; and whether the
/// fraction stands behind a comma, as only dmesg writes it.
pub(super) fn iso(text: &str) -> Option<(Stamp, bool, &str)> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let (year, month_and_day) = date.split_once('-')?;
    let (month, day) = month_and_day.split_once('-')?;
    let rest = rest.strip_prefix(['T', ' '])?;
    let time = clock(rest.get(..8)?)?;
    let local = LocalTime::new(Some(digits(year, 4)?), small(month)?, small(day)?, time)?;
    let (mut rest, mut fraction, mut comma) = (rest.get(8..)?, Duration::ZERO, false);
    if let Some(behind) = rest.strip_prefix(['.', ',']) {
        comma = rest.starts_with(',');
        let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        fraction = decimals(&behind[..end])?;
        rest = &behind[end..];
    }
    if rest.is_empty() || rest.starts_with(' ') {
        return Some((Stamp::Local(local), comma, rest.trim_start_matches(' ')));
    }
    let (zone, rest) = word(rest);
    let since_1970 = u64::try_from(local.seconds().checked_sub(offset(zone)?)?).ok()?;
    let at = Duration::from_secs(since_1970).checked_add(fraction)?;
    Some((Stamp::Unix { at, local: Some(local) }, comma, rest))
}

/// Seconds east of Greenwich: `Z`, `+02:00`, `-0530`.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, zone) = match zone.split_at_checked(1)? {
        ("+", zone) => (1, zone),
        ("-", zone) => (-1, zone),
        _ => return None,
    };
    let minutes = zone.get(2..)?;
    let (hours, minutes) = (small(zone.get(..2)?)?, minutes.strip_prefix(':').unwrap_or(minutes));
    let minutes = if minutes.is_empty() { 0 } else { small(minutes)? };
    Some(sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

/// `1736520192.418`: seconds since some moment.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.')?;
    let whole = Duration::from_secs(digits::<u64>(whole, whole.len())?);
    whole.checked_add(decimals(fraction)?)
}

/// What stands behind the decimal point.
fn decimals(text: &str) -> Option<Duration> {
    let digits = text.get(..text.len().min(9))?;
    let scale = 10_u64.pow(u32::try_from(9 - digits.len()).ok()?);
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse::<u64>().ok())?.map(|value| Duration::from_nanos(value * scale))
}

/// `07:54:20`; a leap second counts as the one before it.
fn clock(text: &str) -> Option<(i8, i8, i8)> {
    let (hour, rest) = text.split_once(':')?;
    let (minute, second) = rest.split_once(':')?;
    in_day(digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?)
}

pub(super) fn in_day(hour: i8, minute: i8, second: i8) -> Option<(i8, i8, i8)> {
    (hour < 24 && minute < 60 && second < 61).then_some((hour, minute, second.min(59)))
}

/// A number of two digits.
fn pair([tens, ones]: [u8; 2]) -> Option<i8> {
    let digit = |byte: u8| i8::try_from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?).ok();
    Some(digit(tens)? * 10 + digit(ones)?)
}

/// A number of so many digits and nothing else.
fn digits<N: std::str::FromStr>(text: &str, count: usize) -> Option<N> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// A number of one or two digits.
fn small(text: &str) -> Option<i8> {
    digits(text, text.len().clamp(1, 2))
}

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn month_of(name: &str) -> Option<i8> {
    let at = MONTHS.iter().position(|month| *month == name)?;
    i8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(year: Option<i16>, month: i8, day: i8, time: (i8, i8, i8)) -> LocalTime {
        LocalTime::new(year, month, day, time).expect("a real time")
    }

    #[test]
    fn ctime_is_read_with_the_day_padded_in_any_way() {
        let expected = at(Some(2031), 3, 4, (5, 6, 7));
        for text in ["Tue Mar  4 05:06:07 2031 x", "Tue Mar 4 05:06:07 2031 x"] {
            assert_eq!(ctime(text), Some((expected, "x")), "{text}");
        }
        for text in [
            "Tue Mar 32 05:06:07 2031 x",
            "Tue Mar  4 24:06:07 2031 x",
            "Tue Feb 29 05:06:07 2031 x",
            "Die Mar  4 05:06:07 2031 x",
            "Tue Mar  4 05:06:07 x",
            "Tue Mar  4 5:6:7 2031 x",
            "Tue",
            "",
        ] {
            assert_eq!(ctime(text), None, "{text}");
        }
    }

    #[test]
    fn the_short_form_has_no_year() {
        assert_eq!(short("Feb 29 23:59:60 h"), Some((at(None, 2, 29, (23, 59, 59)), "h")));
        assert_eq!(short("Feb 03 01:02:03.456789 h"), Some((at(None, 2, 3, (1, 2, 3)), "h")));
        assert_eq!(short("Feb 30 01:02:03 h"), None);
    }

    #[test]
    fn iso_with_an_offset_is_a_moment() {
        let local = at(Some(2030), 1, 2, (3, 4, 5));
        let unix =
            |seconds, nanos| Stamp::Unix { at: Duration::new(seconds, nanos), local: Some(local) };
        let read = |text| iso(text).map(|(stamp, _, rest)| (stamp, rest));
        let utc = 1_893_553_445;
        assert_eq!(read("2030-01-02T03:04:05Z h"), Some((unix(utc, 0), "h")));
        assert_eq!(
            read("2030-01-02T03:04:05.25+02:00 h"),
            Some((unix(utc - 7200, 250_000_000), "h"))
        );
        assert_eq!(read("2030-01-02T03:04:05-0530 h"), Some((unix(utc + 19800, 0), "h")));
        assert_eq!(read("2030-01-02 03:04:05 h"), Some((Stamp::Local(local), "h")));
        assert_eq!(read("2030-01-02T03:04:05"), Some((Stamp::Local(local), "")));
        assert_eq!(read("2030-01-02T03:04:05x h"), None);
        assert_eq!(read("2030-13-02T03:04:05Z"), None);
        assert!(iso("2030-01-02T03:04:05,123456+02:00 x").is_some_and(|(_, comma, _)| comma));
    }

    #[test]
    fn seconds_count_days_as_the_calendar_does() {
        assert_eq!(at(Some(1970), 1, 1, (0, 0, 0)).seconds(), 0);
        assert_eq!(at(Some(2000), 3, 1, (0, 0, 1)).seconds(), 951_868_801);
        assert_eq!(at(Some(2026), 11, 22, (7, 54, 20)).seconds(), 1_795_334_060);
        let (before, after) = (at(None, 2, 29, (0, 0, 0)), at(None, 3, 1, (0, 0, 0)));
        assert_eq!(after.seconds() - before.seconds(), 86_400);
    }

    #[test]
    fn seconds_with_a_fraction_are_exact() {
        assert_eq!(seconds("12.000345"), Some(Duration::new(12, 345_000)));
        assert_eq!(seconds("1.1234567891"), Some(Duration::new(1, 123_456_789)));
        for text in ["", ".", "1.", ".5", "1", "-1.5", "1.5x", "99999999999999999999.5"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
