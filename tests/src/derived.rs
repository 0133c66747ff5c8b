//! The shipped configuration made quicker: every duration divided by one factor, so that what
//! takes an hour is seen in minutes and all proportions stay. Pure.
//!
//! A duration is what Prometheus and Alertmanager read as one, wherever it stands: the value of
//! a key, the range of an expression. Not divided are numbers that only mean seconds
//! ([`divide_seconds`] is told which do), counts, and thresholds of what routers measure.

use anyhow::{Context, Result, ensure};

/// Longest first: `ms` is no `m`.
const UNITS_MS: [(&str, u64); 7] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 604_800_000),
    ("y", 31_536_000_000),
];

/// The text with all its durations divided; lines of comment stay as they are.
///
/// # Errors
/// When one is not a whole number of milliseconds then.
pub fn divide(text: &str, factor: u64) -> Result<String> {
    let mut divided = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('#') {
            divided.push_str(line);
            continue;
        }
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|next| is_of_word(next) != is_of_word(first));
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            rest = after;
            match duration_ms(word) {
                None => divided.push_str(word),
                Some(ms) => {
                    let ms = exactly(ms, factor).with_context(|| word.to_owned())?;
                    divided.push_str(&format!("{ms}ms"));
                }
            }
        }
    }
    Ok(divided)
}

/// The text with the number at the end of `comparison` (`< 1800`) divided: seconds, which no
/// unit tells.
///
/// # Errors
/// When it is not there exactly once, or gives no whole seconds.
pub fn divide_seconds(text: &str, comparison: &str, factor: u64) -> Result<String> {
    let found = text.matches(comparison).count();
    ensure!(found == 1, "`{comparison}` is there {found} times");
    let parts = comparison.rsplit_once(' ').context(comparison.to_owned())?;
    let seconds = exactly(parts.1.parse()?, factor).with_context(|| comparison.to_owned())?;
    Ok(text.replace(comparison, &format!("{} {seconds}", parts.0)))
}

/// What belongs to a name or a number: in `ratio_rate5m` is no duration.
fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '.')
}

fn duration_ms(word: &str) -> Option<u64> {
    let (mut rest, mut sum) = (word, 0);
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|next: char| !next.is_ascii_digit())?);
        let (unit, ms) = UNITS_MS.iter().find(|(unit, _)| after.starts_with(unit))?;
        sum += number.parse::<u64>().ok()? * ms;
        rest = &after[unit.len()..];
    }
    (!word.is_empty()).then_some(sum)
}

fn exactly(number: u64, factor: u64) -> Result<u64> {
    ensure!(number.is_multiple_of(factor), "cannot be divided by {factor}");
    Ok(number / factor)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(divide(text, 30).unwrap(), expected);
    }

    #[test]
    fn durations_are_found_wherever_they_stand() {
        check("for: 90s\n", "for: 3000ms\n");
        check("{interval: 1h30m, wait: '1d'}", "{interval: 180000ms, wait: '2880000ms'}");
        check("increase(a_total[5m] offset 15s)", "increase(a_total[10000ms] offset 500ms)");
        check("a[1h:1m]", "a[120000ms:2000ms]");
        check("0s", "0ms");
    }

    #[test]
    fn what_is_no_duration_stays() {
        for text in [
            "record: target:netmonitor_ping_loss:ratio_rate5m\n",
            "  # for: 1m\n",
            "url: http://127.0.0.1:5000/api/v1/sd\n",
            "body_size_limit: 1MB\n",
            "expr: a > 9e9 and b < 1800\n",
            "summary: '{{ printf \"%.1f\" $value }} °C, more than 90 s'\n",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn what_cannot_be_divided_is_named() {
        let error = divide("for: 1s\n", 7).unwrap_err();
        assert_eq!(format!("{error:#}"), "1s: cannot be divided by 7");
    }

    #[test]
    fn seconds_without_a_unit_are_divided_where_they_are_known() {
        assert_eq!(divide_seconds("a\n  < 1800\n", "< 1800", 30).unwrap(), "a\n  < 60\n");
        for text in ["a < 900", "a < 1800 or b < 1800"] {
            divide_seconds(text, "< 1800", 30).unwrap_err();
        }
    }

    /// By their keys and brackets, which [`divide`] does not look at.
    #[test]
    fn no_duration_of_what_we_ship_is_missed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../prometheus");
        let rules = fs::read_dir(folder.join("rules")).unwrap();
        let files = rules.map(|entry| entry.unwrap().path());
        let others = ["prometheus.yml", "alertmanager.yml"].map(|name| folder.join(name));
        let mut count = 0;
        for file in files.chain(others) {
            let divided = divide(&fs::read_to_string(&file).unwrap(), 30).unwrap();
            for line in divided.lines().filter(|line| !line.trim_start().starts_with('#')) {
                let key = line.split(':').next().unwrap_or_default().trim_start_matches([' ', '-']);
                let is_timed = ["for", "keep_firing_for", "group_wait"].contains(&key)
                    || key.ends_with("interval");
                let ranges = line
                    .split('[')
                    .skip(1)
                    .filter(|range| range.starts_with(|first: char| first.is_ascii_digit()));
                for duration in ranges.chain(is_timed.then_some(line)) {
                    assert!(duration.contains("ms"), "{}: {line}", file.display());
                    count += 1;
                }
            }
        }
        assert!(count > 80, "{count}");
    }
}
