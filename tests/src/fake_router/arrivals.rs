//! When routers were asked for `/net/status`: a line each time, `SECONDS NAME`, by the clock
//! that all programs of a machine share. So that another program can tell how late a bridge
//! was: [`read`], [`lateness`].

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::clock;

/// The file.
#[derive(Debug)]
pub(super) struct Arrivals(File);

impl Arrivals {
    /// Begins anew.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(path);
        file.map(Self).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Now. At once in the file: its reader does not wait for our end. A line that cannot be
    /// written is a request that seems to be missing.
    pub(super) fn add(&self, router: &str) {
        let line = format!("{:.6} {router}\n", clock::since_boot().as_secs_f64());
        (&self.0).write_all(line.as_bytes()).ok();
    }
}

/// The times of each router, in their order.
///
/// # Errors
/// When the file cannot be read, or is another one.
pub fn read(path: &Path) -> Result<BTreeMap<String, Vec<Duration>>> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    // The last line may be half written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut arrivals: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for (number, line) in (1..).zip(whole.lines()) {
        let (at, router) = parse(line).with_context(|| {
            format!("{} line {number}: expected SECONDS NAME: {line:?}", path.display())
        })?;
        arrivals.entry(router.to_owned()).or_default().push(at);
    }
    Ok(arrivals)
}

fn parse(line: &str) -> Option<(Duration, &str)> {
    let (seconds, router) = line.split_once(' ')?;
    Some((Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?, router))
}

/// How late each request came, for a timetable with this period on which the least late one
/// is on time. One that was left out makes all after it late by a period; one that is due
/// and has not come by `end` is as late as it is by then.
#[must_use]
pub fn lateness(times: &[Duration], period: Duration, end: Duration) -> Vec<Duration> {
    let table = |index: usize| period.mul_f64(index as f64);
    // Since the beginning of the timetable, if this one were on time.
    let starts: Vec<f64> = (0..)
        .zip(times.iter().copied().chain([end]))
        .map(|(index, at)| at.as_secs_f64() - table(index).as_secs_f64())
        .collect();
    let Some((last, came)) = starts.split_last() else { return Vec::new() };
    let Some(earliest) = came.iter().copied().min_by(f64::total_cmp) else { return Vec::new() };
    let missing = Some(last).filter(|start| **start > earliest);
    let all = came.iter().chain(missing);
    all.map(|start| Duration::from_secs_f64((start - earliest).max(0.0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(times: &[u64], end: u64, expected: &[u64]) {
        let times: Vec<_> = times.iter().map(|ms| Duration::from_millis(*ms)).collect();
        let late = lateness(&times, Duration::from_secs(10), Duration::from_millis(end));
        let late: Vec<_> = late.iter().map(|late| late.as_secs_f64() * 1e3).collect();
        assert_eq!(late.len(), expected.len(), "{late:?}");
        let near = |(found, expected): (&f64, &u64)| (found - *expected as f64).abs() < 0.01;
        assert!(late.iter().zip(expected).all(near), "{late:?}");
    }

    #[test]
    fn requests_are_late_by_the_timetable() {
        check(&[100_000, 110_000, 120_000], 125_000, &[0, 0, 0]);
        check(&[100_000, 111_500, 120_100], 125_000, &[0, 1_500, 100]);
    }

    #[test]
    fn a_late_first_one_does_not_excuse_the_others() {
        check(&[103_000, 110_000, 120_000], 125_000, &[3_000, 0, 0]);
    }

    #[test]
    fn what_was_left_out_or_is_still_missing_is_late() {
        check(&[100_000, 120_000], 125_000, &[0, 10_000, 5_000]);
        check(&[100_000, 110_000], 124_000, &[0, 0, 4_000]);
        check(&[], 124_000, &[]);
    }

    #[test]
    fn what_was_written_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let arrivals = Arrivals::create(file.path()).unwrap();
        ["a", "b", "a"].iter().for_each(|router| arrivals.add(router));
        let read = read(file.path()).unwrap();
        assert_eq!((read["a"].len(), read["b"].len()), (2, 1));
        assert!(read["a"][0] <= read["b"][0] && read["b"][0] <= read["a"][1]);
        assert_eq!(parse("1.5 r"), Some((Duration::from_millis(1500), "r")));
        assert_eq!((parse("x r"), parse("-1 r"), parse("1")), (None, None, None));
    }
}
