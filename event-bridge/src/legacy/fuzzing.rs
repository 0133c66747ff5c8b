//! What a fuzzer calls with rows of the old client's tables.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::polls::{Next, Polls};
use super::rows::{Rules, TimedPing};
use super::source::Row;
use super::time::LocalClock;
use crate::history::hour::HOUR;
use crate::record::{Millis, Sample};
use crate::routers::{MAX_KIND_CHARS, MAX_MESSAGE_CHARS, MAX_TARGET_CHARS};

/// 2025-02-12 02:34 UTC.
const NOW: Millis = 1_739_327_640_000;
/// The clocks of two computers may be so far apart.
const LATEST: Millis = NOW + 600_000;

/// Rows, one a line: the letter of the table, then its cells as JSON.
///
/// # Panics
/// When a record is out of bounds, or a poll loses or doubles a ping.
pub fn old_rows(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap_or(TimeZone::UTC);
    let mut clock = LocalClock::new(zone);
    let mut rules = Rules { now: NOW, left_out: 0 };
    let (mut samples, mut pings) = (Vec::new(), Vec::new());
    let mut cells = 0;
    for (id, line) in (1..).zip(text.lines()) {
        let Some((table, given)) = line.split_once(' ') else { continue };
        let Ok(given) = serde_json::from_str::<Vec<Value>>(given) else { continue };
        cells += given.len() as u64;
        match table {
            "s" => {
                samples.extend(row(id, given).and_then(|row| rules.sample(&row, &mut clock).ok()))
            }
            "p" => pings.extend(row(id, given).and_then(|row| rules.ping(&row, &mut clock).ok())),
            "e" => event(&mut rules, &mut clock, row(id, given)),
            "h" => hour(&mut rules, row(id, given)),
            _ => {}
        }
        assert!(rules.left_out <= cells && clock.left_out() <= cells);
    }
    put_together(samples, pings);
}

fn row<const N: usize>(id: i64, cells: Vec<Value>) -> Option<Row<N>> {
    Some(Row { id, cells: cells.try_into().ok()? })
}

fn event(rules: &mut Rules, clock: &mut LocalClock, row: Option<Row<4>>) {
    let Some(row) = row else { return };
    let Ok(told) = rules.told_at(&row, clock) else { return };
    let Ok(past) = rules.event(&row, told, clock) else { return };
    assert!((0..=LATEST).contains(&past.event.at) && past.received == told, "{past:?}");
    assert!((1..=MAX_KIND_CHARS).contains(&past.event.kind.chars().count()), "{past:?}");
    assert!(past.event.message.chars().count() <= MAX_MESSAGE_CHARS, "{past:?}");
}

fn hour(rules: &mut Rules, row: Option<Row<9>>) {
    let Some(Ok(hour)) = row.map(|row| rules.hour(&row)) else { return };
    assert!(hour.start % HOUR == 0 && hour.start + HOUR <= NOW, "{hour:?}");
    let reals = [hour.rtt_mean_ms, hour.rtt_max_ms, hour.rtt_min_ms, hour.cpu_mean_celsius];
    assert!(reals.into_iter().flatten().all(|value| value.abs() <= 1e6), "{hour:?}");
}

fn put_together(samples: Vec<Sample>, pings: Vec<TimedPing>) {
    let (count, told) = (samples.len(), pings.len() as u64);
    let mut polls = Polls::default();
    // A few at a time, as they come.
    let (mut samples, mut pings) = (samples.into_iter(), pings.into_iter());
    let (mut found, mut kept) = (0, 0);
    loop {
        let sample = match polls.next() {
            Next::Samples => {
                let some: Vec<Sample> = samples.by_ref().take(3).collect();
                polls.add_samples(Some(some).filter(|some| !some.is_empty()));
                continue;
            }
            Next::Pings => {
                let some: Vec<TimedPing> = pings.by_ref().take(3).collect();
                polls.add_pings(Some(some).filter(|some| !some.is_empty()));
                continue;
            }
            Next::Poll(sample) => {
                found += 1;
                sample
            }
            Next::Loose(sample) => sample,
            Next::End => break,
        };
        assert!((946_684_800_000..=LATEST).contains(&sample.at), "{sample:?}");
        let reals = [sample.optical_rx_dbm, sample.optical_tx_dbm, sample.cpu_celsius];
        assert!(reals.into_iter().flatten().all(|value| value.abs() <= 1e6), "{sample:?}");
        let targets: BTreeSet<&str> = sample.pings.iter().map(|one| one.target.as_str()).collect();
        assert_eq!(targets.len(), sample.pings.len(), "{sample:?}");
        for ping in &sample.pings {
            assert!((1..=MAX_TARGET_CHARS).contains(&ping.target.chars().count()), "{ping:?}");
            assert!(ping.loss_percent.is_none_or(|loss| (0.0..=100.001).contains(&loss)));
        }
        kept += sample.pings.len() as u64;
    }
    assert_eq!((found, kept + polls.repeated()), (count, told));
}
