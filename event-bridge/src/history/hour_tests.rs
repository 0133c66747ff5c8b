//! Hours against what anybody would count by hand, and against counting second by second.

use proptest::prelude::*;

use super::super::ledger::{self, Known};
use super::super::outage::{Cause, Drop, Side};
use super::*;

const START: Millis = 480_000 * HOUR;

fn poll(second: i64) -> Poll {
    Poll {
        at: START + second * 1000,
        wan_state: WanState::Up,
        errors: [None; 4],
        optical_rx: None,
        optical_tx: None,
        cpu: None,
        pings: Vec::new(),
    }
}

fn hour(polls: &[Poll]) -> Hour {
    Hour::of(START, Rows { polls, events: &[], gaps: &[], outages: &[] })
}

fn outages(spans: &[(i64, i64)]) -> Vec<Outage> {
    let drop = |(id, (start, until)): (i64, &(i64, i64))| Drop {
        id,
        name: id.to_string(),
        stream: Some(1),
        start: START + start * 1000,
        until: Some(START + until * 1000),
        cause: Cause::Unknown,
        side: Side::Unknown,
        evidence: None,
    };
    let drops = (1..).zip(spans).map(drop).collect();
    ledger::outages(drops, &Known { boots: Vec::new(), heard: None, now: 0 })
}

#[test]
fn polls_near_each_other_vouch_for_the_time_between() {
    let all: Vec<Poll> = (-1..=60).map(|minute| poll(minute * 60 + 30)).collect();
    assert_eq!((hour(&all).observed, hour(&all).samples), (HOUR, 60));
    let hole = [poll(-30), poll(30), poll(631), poll(1000)];
    assert_eq!(hour(&hole).observed, (30 + 369) * 1000);
    assert_eq!(hour(&[]), Hour::default());
}

#[test]
fn gaps_are_not_watched_unless_the_router_tells_of_them() {
    let polls = [poll(0), poll(100), poll(200)];
    let gap = std::slice::from_ref(&(START + 20_000..START + 70_000));
    let outages = outages(&[(50, 60), (190, 210)]);
    let rows = Rows { polls: &polls, events: &[], gaps: gap, outages: &outages };
    let hour = Hour::of(START, rows);
    assert_eq!((hour.observed, hour.outage), ((20 + 10 + 130 + 10) * 1000, 30_000));
}

#[test]
fn counters_that_begin_anew_count_what_they_have() {
    let with = |second, errors, sent, lost| Poll {
        errors: [Some(errors), None, None, None],
        pings: vec![(7, PollPing { sent: Some(sent), lost: Some(lost), ..PollPing::default() })],
        ..poll(second)
    };
    // From before the hour into it; a restart; too far apart to say when.
    let polls = [
        with(-5, 10, 1000, 50),
        with(5, 12, 1010, 51),
        with(65, 3, 20, 4),
        with(1000, 90, 900, 90),
        with(1060, 91, 960, 90),
    ];
    let hour = hour(&polls);
    assert_eq!(hour.errors, [Some(2 + 3 + 1), None, None, None]);
    assert_eq!((hour.targets[&7].sent, hour.targets[&7].lost), (Some(10 + 20 + 60), Some(1 + 4)));
}

#[test]
fn a_minute_has_one_mean() {
    let with = |second, rtt| Poll {
        pings: vec![(1, PollPing { rtt, loss: Some(5), ..PollPing::default() })],
        ..poll(second)
    };
    let polls: Vec<Poll> = (0..40).map(|n| with(n * 30 + 10, Some(n * 100))).collect();
    let pings = &hour(&polls).targets[&1];
    assert_eq!((pings.rtt.count, pings.rtt.min, pings.rtt.max), (20, Some(100), Some(3900)));
    assert_eq!((pings.rtt_p95, pings.loss.count), (Some(3700), 40));
    assert_eq!(hour(&[with(0, None)]).targets[&1].rtt, Sum::default());
    assert_eq!(hour(&[with(0, Some(8))]).targets[&1].rtt_p95, Some(8));
}

proptest! {
    /// Each second by itself: is it between two near polls and in no gap, or in an outage?
    #[test]
    fn watched_time_is_what_counting_seconds_gives(
        seconds in prop::collection::btree_set(-900_i64..4500, 0..40),
        gap in (-100_i64..3000, 0_i64..900),
        second_gap in (0_i64..500, 0_i64..900),
        spans in prop::collection::vec((-500_i64..4000, 0_i64..900), 0..4),
    ) {
        let polls: Vec<Poll> = seconds.iter().map(|second| poll(*second)).collect();
        let first = gap.0..gap.0 + gap.1;
        let gaps = [first.clone(), first.end + second_gap.0..first.end + second_gap.0 + second_gap.1];
        let mut spans: Vec<(i64, i64)> = spans.into_iter().map(|(s, l)| (s, s + l)).collect();
        spans.sort_unstable();
        let outages = outages(&spans);
        let ms = |time: &Range<i64>| START + time.start * 1000..START + time.end * 1000;
        let gaps_ms: Vec<Range<Millis>> = gaps.iter().map(ms).collect();
        let rows = Rows { polls: &polls, events: &[], gaps: &gaps_ms, outages: &outages };
        let hour = Hour::of(START, rows);

        let seconds: Vec<i64> = seconds.into_iter().collect();
        let is_down = |s: i64| spans.iter().any(|(from, until)| (*from..*until).contains(&s));
        let is_vouched = |s: i64| {
            let pairs = seconds.windows(2).filter(|pair| pair[1] - pair[0] <= VOUCHED / 1000);
            pairs.into_iter().any(|pair| (pair[0]..pair[1]).contains(&s))
        };
        let is_seen = |s: i64| is_vouched(s) && !gaps.iter().any(|gap| gap.contains(&s));
        let down = (0..3600).filter(|s| is_down(*s)).count() as i64;
        let watched = (0..3600).filter(|s| is_down(*s) || is_seen(*s)).count() as i64;
        prop_assert_eq!((hour.observed, hour.outage), (watched * 1000, down * 1000));
    }
}
