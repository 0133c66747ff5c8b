//! What a report says: outages counted, what was watched, and when. Pure: rows in, one value
//! out, from which every format is made.

use jiff::tz::TimeZone;

use super::month::Month;
use super::spans::{Span, length, union, without};
use crate::history::hour::HOUR;
use crate::history::outage::{Outage, Side};
use crate::record::Millis;
use crate::store::{MonthRows, Reading, WatchedHour};

/// Outages that are listed. A line that drops every ten minutes for a month has four times as
/// many; what they add up to is the same, and nobody reads on.
const MAX_LISTED: usize = 1000;

/// Times not watched that are listed: a page.
const MAX_GAPS: usize = 40;

/// Over so long before and after an outage readings are averaged.
const BESIDE: Millis = 600_000;

/// A poll tells of the minute before it; in the first one after an outage it is part of it.
const TOLD_BACK: Millis = 60_000;

/// All offsets from UTC are, and change by, whole quarters of an hour.
const QUARTER: Millis = 900_000;

/// What is asked for, and by whom it is answered.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) router: String,
    pub(crate) month: Month,
    pub(crate) zone: TimeZone,
    pub(crate) now: Millis,
    pub(crate) version: &'static str,
    pub(crate) revision: &'static str,
}

impl Asked {
    /// The whole month.
    pub(crate) fn time(&self) -> Span {
        self.month.time(&self.zone)
    }

    /// As much of it as has passed.
    pub(crate) fn passed(&self) -> Span {
        let time = self.time();
        time.start..time.end.min(self.now)
    }
}

/// A report.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) asked: Asked,
    /// Of all outages.
    pub(crate) all: Figures,
    /// Of those that are not the house's, in the time without the house's.
    pub(crate) others: Figures,
    /// Provider, line, house, unknown: also those of which there is nothing.
    pub(crate) sides: Vec<(Side, Share)>,
    /// By time.
    pub(crate) entries: Vec<Entry>,
    /// Shorter ones that are not listed, where there are too many.
    pub(crate) unlisted: Share,
    /// By the hour of the local clock.
    pub(crate) by_hour: [Share; 24],
    /// Times that nobody watched, by time.
    pub(crate) gaps: Vec<Gap>,
    /// Shorter ones that are not listed.
    pub(crate) unlisted_gaps: Share,
}

/// How many, and how long together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Share {
    pub(crate) count: usize,
    pub(crate) time: Millis,
}

impl Share {
    fn add(&mut self, time: Millis) {
        self.count += 1;
        self.time += time;
    }
}

/// What a set of outages adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) outages: Share,
    pub(crate) longest: Millis,
    /// Of the month.
    pub(crate) observed: Millis,
}

impl Figures {
    fn of(outages: impl Iterator<Item = Millis>, observed: Millis) -> Self {
        let (mut share, mut longest) = (Share::default(), 0);
        for down in outages {
            share.add(down);
            longest = longest.max(down);
        }
        Self { outages: share, longest, observed: observed.max(share.time) }
    }

    /// 0 to 1; `None`: nothing was watched.
    pub(crate) fn availability(&self) -> Option<f64> {
        (self.observed > 0).then(|| 1.0 - self.outages.time as f64 / self.observed as f64)
    }
}

/// An outage in the report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Whole, also where it reaches beyond the month.
    pub(crate) outage: Outage,
    /// Without the internet within the month.
    pub(crate) down: Millis,
    /// It began before the month.
    pub(crate) is_begun_before: bool,
    /// It went on after the month.
    pub(crate) is_ended_after: bool,
    /// When readings are averaged: before it, after it.
    beside: [Span; 2],
    /// What they were; `None`: they are no longer kept.
    pub(crate) readings: [Option<Reading>; 2],
}

impl Entry {
    /// Whose: that of its longest drop.
    pub(crate) fn side(&self) -> &Side {
        &self.outage.main().drop.side
    }

    pub(crate) fn is_house(&self) -> bool {
        *self.side() == Side::House
    }
}

/// A time that nobody watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) time: Span,
    /// How much of it; less than all of it where only sums of hours are left.
    pub(crate) unwatched: Millis,
}

impl Gap {
    pub(crate) fn is_exact(&self) -> bool {
        self.unwatched == self.time.end - self.time.start
    }
}

impl Report {
    /// Without the readings beside outages; see [`Self::beside`].
    pub(crate) fn of(asked: Asked, rows: MonthRows) -> Self {
        let period = asked.passed();
        let (observed, gaps) = watched(&rows, &period);
        let (gaps, unlisted_gaps) = longest(gaps, MAX_GAPS, |gap| gap.unwatched);
        let by_hour = by_hour(&rows.outages, &period, &asked.zone);
        let entries = entries(rows.outages, &period, asked.time().end);
        let downs = |is_asked: fn(&Entry) -> bool| {
            entries.iter().filter(move |entry| is_asked(entry)).map(|entry| entry.down)
        };
        let all = Figures::of(downs(|_| true), observed);
        let house: Millis = downs(Entry::is_house).sum();
        let others = Figures::of(downs(|entry| !entry.is_house()), all.observed - house);
        let sides = sides(&entries);
        let (entries, unlisted) = longest(entries, MAX_LISTED, |entry| entry.down);
        Self { asked, all, others, sides, entries, unlisted, by_hour, gaps, unlisted_gaps }
    }

    /// The times of which readings are wanted, in the order of [`Self::with_readings`].
    pub(crate) fn beside(&self) -> Vec<Span> {
        self.entries.iter().flat_map(|entry| entry.beside.clone()).collect()
    }

    /// With what was read in the times of [`Self::beside`].
    pub(crate) fn with_readings(mut self, readings: &[Option<Reading>]) -> Self {
        for (entry, read) in self.entries.iter_mut().zip(readings.chunks_exact(2)) {
            entry.readings = [read[0], read[1]];
        }
        self
    }

    /// Neither watched nor told: there is nothing to report.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.observed == 0 && self.entries.is_empty()
    }

    /// Milliseconds of the month, as far as it has passed, that nobody watched.
    pub(crate) fn unwatched(&self) -> Millis {
        let period = self.asked.passed();
        (period.end - period.start - self.all.observed).max(0)
    }
}

/// The `limit` longest in their order, and what the others add up to.
fn longest<T>(mut all: Vec<T>, limit: usize, length: fn(&T) -> Millis) -> (Vec<T>, Share) {
    let mut rest = Share::default();
    if all.len() > limit {
        let mut lengths: Vec<Millis> = all.iter().map(length).collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        // Of those as long as the last that fits, the first ones.
        let least = lengths[limit - 1];
        let mut equals = lengths[..limit].iter().filter(|length| **length == least).count();
        all.retain(|one| {
            let (length, is_equal) = (length(one), length(one) == least);
            let is_listed = length > least || is_equal && equals > 0;
            equals -= usize::from(is_equal && is_listed);
            if !is_listed {
                rest.add(length);
            }
            is_listed
        });
    }
    (all, rest)
}

fn entries(outages: Vec<Outage>, period: &Span, end_of_month: Millis) -> Vec<Entry> {
    let bounds: Vec<(Millis, Millis)> =
        outages.iter().map(|outage| (outage.start(), outage.until())).collect();
    let entry = |(at, outage): (usize, Outage)| {
        let before = at.checked_sub(1).map_or(Millis::MIN, |at| bounds[at].1);
        let after = bounds.get(at + 1).map_or(Millis::MAX, |next| next.0);
        let (start, until) = bounds[at];
        let settled = until.saturating_add(TOLD_BACK);
        Entry {
            down: outage.down_within(period.start, period.end),
            is_begun_before: start < period.start,
            is_ended_after: until > end_of_month,
            beside: [
                start.saturating_sub(BESIDE).max(before.saturating_add(TOLD_BACK))..start,
                settled..settled.saturating_add(BESIDE).min(after),
            ],
            readings: [None, None],
            outage,
        }
    };
    outages.into_iter().enumerate().map(entry).collect()
}

fn sides(entries: &[Entry]) -> Vec<(Side, Share)> {
    let all = [Side::Provider, Side::Line, Side::House, Side::Unknown];
    let mut sides = all.map(|side| (side, Share::default()));
    for entry in entries {
        let known = sides.iter().position(|(side, _)| side == entry.side());
        // A word of a later version says nothing that is known here.
        sides[known.unwrap_or(sides.len() - 1)].1.add(entry.down);
    }
    sides.into()
}

/// How many outages began in each hour of the local clock, and how long they lasted in it.
fn by_hour(outages: &[Outage], period: &Span, zone: &TimeZone) -> [Share; 24] {
    let mut hours = [Share::default(); 24];
    let hour = |at: Millis| usize::try_from(super::figures::local(at, zone).hour()).unwrap_or(0);
    for outage in outages {
        let drops = outage.drops.iter().map(|drop| drop.drop.start..drop.until);
        if period.contains(&outage.start()) {
            hours[hour(outage.start())].count += 1;
        }
        for mut span in union(drops, period) {
            while !span.is_empty() {
                let quarter = (span.start.div_euclid(QUARTER) + 1) * QUARTER;
                let until = quarter.min(span.end);
                hours[hour(span.start)].time += until - span.start;
                span.start = until;
            }
        }
    }
    hours
}

/// How much of the period somebody watched, and when nobody did. What the router itself tells
/// of an outage counts as watched, as it does in `history::hour`.
fn watched(rows: &MonthRows, period: &Span) -> (Millis, Vec<Gap>) {
    let drops = rows.outages.iter().flat_map(|outage| &outage.drops);
    let drops = union(drops.map(|drop| drop.drop.start..drop.until), period);
    let span = |hour: &WatchedHour| hour.start..hour.start.saturating_add(HOUR);
    let (full, sums): (Vec<_>, Vec<_>) = rows.hours.iter().partition(|hour| hour.observed >= HOUR);
    let seen = without(&union(rows.vouched.clone(), period), &union(rows.gaps.clone(), period));
    let seen = union(full.iter().map(span).chain(seen).chain(drops.clone()), period);
    // Of hours of which there is only a sum nothing else is used.
    let sums: Vec<(Span, Millis)> = sums
        .iter()
        .filter_map(|hour| {
            let part = union([span(hour)], period).pop()?;
            let length = part.end - part.start;
            // The hour that a month begins or ends in, in zones that are not whole hours apart.
            let observed = hour.observed.saturating_mul(length) / HOUR;
            Some((part.clone(), observed.max(super::spans::length(&union(drops.clone(), &part)))))
        })
        .collect();
    let summed: Vec<Span> = sums.iter().map(|(span, _)| span.clone()).collect();
    let seen = without(&seen, &union(summed.clone(), period));
    let observed = length(&seen) + sums.iter().map(|(_, observed)| observed).sum::<Millis>();
    let known = union(seen.into_iter().chain(summed), period);
    let unseen = without(std::slice::from_ref(period), &known);
    let mut gaps: Vec<Gap> = unseen
        .into_iter()
        .map(|time| Gap { unwatched: time.end - time.start, time })
        .chain(sums.into_iter().map(|(time, observed)| Gap {
            unwatched: (time.end - time.start - observed).max(0),
            time,
        }))
        .filter(|gap| gap.unwatched > 0)
        .collect();
    gaps.sort_by_key(|gap| gap.time.start);
    (observed, joined(gaps))
}

/// Those that touch each other as one.
fn joined(gaps: Vec<Gap>) -> Vec<Gap> {
    let mut joined: Vec<Gap> = Vec::with_capacity(gaps.len());
    for gap in gaps {
        match joined.last_mut() {
            Some(last) if last.time.end >= gap.time.start => {
                last.time.end = gap.time.end;
                last.unwatched += gap.unwatched;
            }
            _ => joined.push(gap),
        }
    }
    joined
}
