//! The times that LuCI's log page shows, in the language of the browser:
//! `Dec 15, 2025, 9:13:19 PM EST`, `22. Nov. 2026, 07:54:20 MEZ`, `22/11/2026, 07:54:20`,
//! `2026年5月12日 GMT+8 11:03:24`, `2026. 11. 22. 오전 7시 54분 20초`.
//!
//! Used by `envelope`. The forms are those of Unicode's CLDR, which browsers share; what
//! leaves the day unclear is not guessed.

use super::stamp::{LocalTime, in_day};

/// The time of a stamp, without its zone.
pub(super) fn time(text: &str) -> Option<LocalTime> {
    let mut parts = Parts::default();
    let (mut rest, mut before) = (text, ' ');
    while let Some(first) = rest.chars().next() {
        let (length, behind) = if first.is_ascii_digit() {
            let length = run(rest, |c| c.is_ascii_digit());
            let (digits, behind) = rest.split_at(length);
            (length, parts.number(Number::new(digits)?, behind)?)
        } else if first.is_alphabetic() {
            let length = run(rest, char::is_alphabetic);
            let (word, behind) = rest.split_at(length);
            parts.word(word, behind);
            (length, behind)
        } else if matches!(first, '+' | '-' | '\u{2212}') && !before.is_ascii_digit() {
            // An offset from Greenwich, no part of the date.
            let length = first.len_utf8();
            (length, rest[length..].trim_start_matches(|c: char| c.is_ascii_digit() || c == ':'))
        } else {
            parts.separate(first);
            (first.len_utf8(), &rest[first.len_utf8()..])
        };
        before = rest[..length].chars().next_back().unwrap_or(first);
        rest = behind;
    }
    parts.time()
}

/// How many bytes of the beginning are of this kind.
fn run(text: &str, is_part: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}

/// A number as it is written: the digits tell a year from a day.
#[derive(Debug, Clone, Copy)]
struct Number {
    value: i16,
    is_year: bool,
}

impl Number {
    fn new(digits: &str) -> Option<Self> {
        let is_year = digits.len() == 4;
        let value = (is_year || digits.len() <= 2).then(|| digits.parse().ok())??;
        Some(Self { value, is_year })
    }

    /// A day, month, hour, minute or second.
    fn small(self) -> Option<i8> {
        if self.is_year { None } else { i8::try_from(self.value).ok() }
    }
}

/// What has been found of a stamp.
#[derive(Debug, Default)]
struct Parts {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    hour: Option<i8>,
    minute: Option<i8>,
    second: Option<i8>,
    afternoon: Option<bool>,
    /// Of the date, in the order of the text, where nothing says what they are.
    bare: [Option<Number>; 3],
    /// What stands behind the first of them.
    separator: Option<char>,
}

impl Parts {
    /// Takes in a number and what belongs to it; returns what is behind.
    fn number<'a>(&mut self, number: Number, behind: &'a str) -> Option<&'a str> {
        let Some(unit) = behind.chars().next() else { return self.bare(number).map(|()| behind) };
        match unit {
            ':' if self.hour.is_none() => return self.clock(number, &behind[1..]),
            '年' | '년' => self.year = number.is_year.then_some(number.value),
            '月' | '월' => self.month = number.small(),
            '日' | '일' => self.day = number.small(),
            '時' | '时' | '시' => self.hour = number.small(),
            '分' | '분' => self.minute = number.small(),
            '秒' | '초' => self.second = number.small(),
            _ => return self.bare(number).map(|()| behind),
        }
        Some(&behind[unit.len_utf8()..])
    }

    fn bare(&mut self, number: Number) -> Option<()> {
        let place = self.bare.iter_mut().find(|place| place.is_none())?;
        *place = Some(number);
        Some(())
    }

    /// `:54:20` behind the hour, perhaps with a fraction.
    fn clock<'a>(&mut self, hour: Number, text: &'a str) -> Option<&'a str> {
        let (minute, rest) = text.split_at(run(text, |c| c.is_ascii_digit()));
        let rest = rest.strip_prefix(':')?;
        let (second, rest) = rest.split_at(run(rest, |c| c.is_ascii_digit()));
        self.hour = hour.small();
        self.minute = Number::new(minute)?.small();
        self.second = Number::new(second)?.small();
        Some(match rest.strip_prefix('.') {
            Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
            None => rest,
        })
    }

    fn word(&mut self, word: &str, behind: &str) {
        if let Some(afternoon) = half_of_day(word, behind) {
            self.afternoon = Some(afternoon);
        } else if self.month.is_none() {
            // A zone that looks like a month (NOVT) comes later.
            self.month = month(word);
        }
    }

    fn separate(&mut self, separator: char) {
        if !separator.is_whitespace() && self.bare[0].is_some() {
            self.separator.get_or_insert(separator);
        }
    }

    fn time(self) -> Option<LocalTime> {
        let (year, month, day) = self.date()?;
        let hour = match (self.afternoon, self.hour?) {
            (Some(true), hour @ 0..12) => hour + 12,
            (Some(false), 12) => 0,
            (_, hour) => hour,
        };
        let time = in_day(hour, self.minute?, self.second?)?;
        LocalTime::new(Some(year), month, day, time)
    }

    fn date(&self) -> Option<(i16, i8, i8)> {
        match self.bare {
            [None, ..] => Some((self.year?, self.month?, self.day?)),
            // `22. Nov. 2026`, `Nov 22, 2026`
            [Some(first), Some(second), None] => {
                let (year, day) = if first.is_year { (first, second) } else { (second, first) };
                year.is_year.then_some((year.value, self.month?, day.small()?))
            }
            [Some(year), Some(month), Some(day)] if year.is_year => {
                Some((year.value, month.small()?, day.small()?))
            }
            [Some(first), Some(second), Some(year)] if year.is_year => {
                let (first, second) = (first.small()?, second.small()?);
                // Nobody puts the month before a dot; with strokes Americans do.
                let is_month_first = second > 12 && self.separator != Some('.');
                let (day, month) = if is_month_first { (second, first) } else { (first, second) };
                Some((year.value, month, day))
            }
            _ => None,
        }
    }
}

/// Whether a word says that it is afternoon: `PM`, `p. m.`, `下午`.
fn half_of_day(word: &str, behind: &str) -> Option<bool> {
    const DOTS: [char; 4] = ['.', ' ', '\u{a0}', '\u{202f}'];
    let is_spaced = || {
        let rest = behind.trim_start_matches(DOTS);
        rest.starts_with(['m', 'M']) && !rest[1..].starts_with(char::is_alphabetic)
    };
    match word {
        "上午" | "午前" | "오전" => Some(false),
        "下午" | "午後" | "오후" => Some(true),
        _ if word.eq_ignore_ascii_case("AM") => Some(false),
        _ if word.eq_ignore_ascii_case("PM") => Some(true),
        "a" | "A" if is_spaced() => Some(false),
        "p" | "P" if is_spaced() => Some(true),
        _ => None,
    }
}

/// Beginnings of the names in English, German, French, Spanish, Italian, Portuguese,
/// Russian and Polish; none means different months in two of them.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen", "янв", "sty"],
    &["feb", "fév", "fev", "фев", "lut"],
    &["mar", "mär", "мар"],
    &["apr", "avr", "abr", "апр", "kwi"],
    &["may", "mai", "mag", "мая", "май", "maj"],
    &["jun", "juin", "giu", "июн", "cze"],
    &["jul", "juil", "lug", "июл", "lip"],
    &["aug", "aoû", "ago", "авг", "sie"],
    &["sep", "set", "сен", "wrz"],
    &["oct", "okt", "ott", "out", "окт", "paź"],
    &["nov", "ноя", "lis"],
    &["dec", "dez", "déc", "dic", "дек", "gru"],
];

fn month(word: &str) -> Option<i8> {
    let begins = |beginning: &str| {
        let mut letters = word.chars().flat_map(char::to_lowercase);
        beginning.chars().all(|expected| letters.next() == Some(expected))
    };
    let at = MONTHS.iter().position(|names| names.iter().any(|name| begins(name)))?;
    i8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows a time as `2026-11-22 7:54:20`.
    fn shown(text: &str) -> String {
        time(text).map_or("-".to_owned(), |time| {
            let LocalTime { year, month, day, hour, minute, second } = time;
            format!("{}-{month}-{day} {hour}:{minute}:{second}", year.unwrap_or_default())
        })
    }

    #[track_caller]
    fn check_all(texts: &[&str], expected: &str) {
        for text in texts {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn each_language_has_its_own_order() {
        let morning = [
            "Nov 22, 2026, 7:54:20 AM EST",
            "22 Nov 2026, 07:54:20 GMT",
            "22.11.2026, 07:54:20 MEZ",
            "22. Nov. 2026, 07:54:20 MEZ",
            "22. November 2026 um 07:54:20 MEZ",
            "22 nov. 2026, 07:54:20 UTC+1",
            "22 nov 2026, 7:54:20 CET",
            "22 нояб. 2026 г., 07:54:20 GMT+3",
            "22 lis 2026, 07:54:20 CET",
            "22 de nov. de 2026, 07:54:20 BRT",
            "2026/11/22 7:54:20 JST",
            "2026-11-22 07:54:20 -03:30",
            "2026. 11. 22. 오전 7시 54분 20초 GMT+9",
            "2026년 11월 22일 오전 7:54:20",
            "2026年11月22日 GMT+8 07:54:20",
            "2026年11月22日 上午7:54:20 [GMT+8]",
            "2026年11月22日上午7時54分20秒",
            "22/11/2026, 07:54:20 GMT\u{2212}3",
            "22/11/2026 07:54:20.250 +0530",
            "11/22/2026, 7:54:20\u{202f}AM",
            "22-11-2026 07:54:20",
            "07:54:20 22/11/2026",
        ];
        check_all(&morning, "2026-11-22 7:54:20");
    }

    #[test]
    fn the_afternoon_has_many_names() {
        let evening = [
            "Dec 5, 2030, 9:03:09 PM EST",
            "Dec 5, 2030, 9:03:09\u{202f}PM EST",
            "5 dic 2030, 9:03:09 p.\u{a0}m. CET",
            "2030年12月5日 下午9:03:09 [GMT+8]",
            "2030/12/5 午後9:03:09",
            "2030. 12. 5. 오후 9시 3분 9초",
            "5.12.2030, 21:03:09",
            "5/12/2030, 21:03:09",
        ];
        check_all(&evening, "2030-12-5 21:3:9");
        check_all(&["Dec 5, 2030, 12:03:09 AM", "2030/12/5 上午12:03:09"], "2030-12-5 0:3:9");
        check_all(&["Dec 5, 2030, 12:03:09 PM"], "2030-12-5 12:3:9");
    }

    #[test]
    fn months_are_known_by_how_they_begin() {
        let months = [
            "January Januar janv. enero gennaio января stycznia",
            "Feb févr. fevereiro feb лютого-февр. lutego",
            "March März mars marzo março марта marca",
            "April avril abr. апр. kwi",
            "May Mai mai mayo maggio мая maja",
            "June juin Juni giugno июня czerwca",
            "July juil. Juli luglio июл. lipca",
            "Aug août agosto авг. sie",
            "Sept. settembre setembro сент. wrz",
            "Oct Okt. ottobre outubro окт. paź",
            "Nov NOVEMBRE нояб. lis",
            "Dec Dez. déc. dicembre дек. gru",
        ];
        for (index, names) in months.iter().enumerate() {
            for name in names.split(' ').filter(|name| !name.starts_with("лют")) {
                let expected = format!("2026-{}-9 1:2:3", index + 1);
                check_all(&[&format!("9 {name} 2026, 01:02:03 NOVT")], &expected);
            }
        }
    }

    #[test]
    fn what_is_unclear_is_not_guessed() {
        let unclear = [
            "",
            "年月日",
            "22.11.26, 07:54:20",
            "5.13.2030, 07:54:20",
            "13/13/2030, 07:54:20",
            "22 xyz 2026, 07:54:20",
            "22 Nov 2026",
            "22 Nov 2026, 07:54",
            "22 Nov 2026, 24:54:20",
            "22 Nov 2026, 007:54:20",
            "29 Feb 2026, 07:54:20",
            "2026, 07:54:20",
            "1 2 3 4 2026, 07:54:20",
            "99999999999999999999",
            "١٢/١١/٢٠٢٦, 07:54:20",
            ":::",
        ];
        check_all(&unclear, "-");
    }
}
