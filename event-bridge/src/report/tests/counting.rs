//! What is counted, and when.

use proptest::prelude::*;

use super::*;
use crate::report::facts::Share;

fn share(count: usize, seconds: Millis) -> Share {
    Share { count, time: seconds * SECOND }
}

#[test]
fn availability_is_what_is_left_of_the_time_watched() {
    let report =
        november(vec![gateway("2026-11-03T02:00:00", 600), gateway("2026-11-04T03:00:00", 120)]);
    assert_eq!(report.all.outages, share(2, 720));
    assert_eq!((report.all.longest, report.all.observed), (600 * SECOND, 30 * 24 * HOUR));
    let ratio = report.all.availability().unwrap();
    assert!((ratio - (1.0 - 720.0 / (30.0 * 86_400.0))).abs() < 1e-12, "{ratio}");
    assert_eq!(report.all, report.others);
    assert_eq!((report.gaps.len(), report.unwatched()), (0, 0));
}

#[test]
fn outages_across_the_borders_of_the_month_are_counted_within_it() {
    let report =
        november(vec![gateway("2026-10-31T23:50:00", 1800), gateway("2026-11-30T23:59:00", 600)]);
    assert_eq!(report.all.outages, share(2, 1200 + 60));
    let [first, last] = report.entries.as_slice() else { panic!("{:?}", report.entries) };
    assert_eq!((first.is_begun_before, first.is_ended_after), (true, false));
    assert_eq!((last.is_begun_before, last.is_ended_after), (false, true));
    assert_eq!((first.outage.down(), first.down), (1800 * SECOND, 1200 * SECOND));
    // It began in another month, but lasted in this one.
    assert_eq!(report.by_hour[0], share(0, 1200));
    assert_eq!(report.by_hour[23], share(1, 60));
}

#[test]
fn pauses_between_drops_are_no_outage_and_the_longest_drop_says_why() {
    let start = at("2026-11-03T02:00:00");
    let drops = vec![
        closed(start, 10, Cause::LocalLink, Side::House),
        closed(start + 60 * SECOND, 90, Cause::Discovery, Side::Provider),
    ];
    let report = november(vec![Outage { drops }]);
    assert_eq!((report.all.outages, report.others.outages), (share(1, 100), share(1, 100)));
    assert_eq!(report.entries[0].side(), &Side::Provider);
    assert_eq!(report.by_hour[2], share(1, 100));
}

#[test]
fn the_houses_own_faults_are_left_out_altogether() {
    let mine = outage("2026-11-05T12:00:00", 7200, Cause::LocalLink, Side::House);
    let report = november(vec![gateway("2026-11-03T02:00:00", 3600), mine]);
    assert_eq!(report.all.outages, share(2, 10_800));
    assert_eq!(report.others.outages, share(1, 3600));
    assert_eq!(report.others.observed, report.all.observed - 2 * HOUR);
    let sides: Vec<_> = report.sides.iter().map(|(side, share)| (side.word(), *share)).collect();
    let none = Share::default();
    let expected = [
        ("provider", share(1, 3600)),
        ("line", none),
        ("house", share(1, 7200)),
        ("unknown", none),
    ];
    assert_eq!(sides, expected);
}

#[test]
fn a_side_of_a_later_version_is_not_known() {
    let strange = Side::Other("moon".to_owned());
    let report = november(vec![outage("2026-11-05T12:00:00", 60, Cause::Gateway, strange)]);
    assert_eq!(report.sides[3], (Side::Unknown, share(1, 60)));
    assert_eq!(report.others.outages.count, 1);
}

#[test]
fn what_nobody_watched_is_listed_and_counted_nowhere() {
    let day = |day: &str| at(&format!("2026-11-{day}T00:00:00"));
    let rows = MonthRows {
        outages: vec![gateway("2026-11-10T12:00:00", 600)],
        vouched: vec![day("02")..day("05"), day("06")..day("20")],
        gaps: only(day("08")..day("09")),
        hours: Vec::new(),
    };
    // The router itself told of an outage while nobody asked it.
    let mut with_told = rows.clone();
    with_told.outages.insert(0, gateway("2026-11-05T12:00:00", 3600));
    let asked = || asked("2026-11", "2026-12-01T00:00:00");
    let report = Report::of(asked(), rows);
    let gaps: Vec<_> = report.gaps.iter().map(|gap| gap.time.clone()).collect();
    let month = asked().time();
    let expected =
        [month.start..day("02"), day("05")..day("06"), day("08")..day("09"), day("20")..month.end];
    assert_eq!(gaps, expected);
    assert_eq!(report.all.observed, 16 * 24 * HOUR);
    assert_eq!(report.unwatched(), 14 * 24 * HOUR);
    let told = Report::of(asked(), with_told);
    assert_eq!((told.gaps.len(), told.all.observed), (5, 16 * 24 * HOUR + HOUR));
}

#[test]
fn hours_tell_of_what_has_no_rows_any_more() {
    let start = at("2026-11-03T00:00:00");
    let hour = |hour: Millis, observed| WatchedHour { start: start + hour * HOUR, observed };
    let rows = MonthRows {
        hours: vec![hour(0, HOUR), hour(1, 20 * MINUTE), hour(2, 0), hour(5, HOUR)],
        outages: vec![gateway("2026-11-03T01:00:00", 1800)],
        ..MonthRows::default()
    };
    let report = Report::of(asked("2026-11", "2026-12-01T00:00:00"), rows);
    // Of the second hour the outage alone is more than its sum.
    assert_eq!(report.all.observed, 2 * HOUR + 30 * MINUTE);
    let found: Vec<_> = report
        .gaps
        .iter()
        .map(|gap| ((gap.time.start - start) / HOUR, gap.unwatched / MINUTE, gap.is_exact()))
        .collect();
    let before = 2 * 24 * 60;
    let after = 27 * 24 * 60 + 18 * 60;
    assert_eq!(found, [(-48, before, true), (1, 4 * 60 - 30, false), (6, after, true)]);
}

#[test]
fn of_a_month_that_is_not_over_the_rest_is_no_gap() {
    let mut going_on = gateway("2026-11-22T20:00:00", 1800);
    going_on.drops[0].end = End::Ongoing;
    let report = Report::of(asked("2026-11", "2026-11-22T20:30:00"), rows(vec![going_on]));
    assert_eq!(report.all.outages, share(1, 1800));
    assert_eq!(report.all.observed, 21 * 24 * HOUR + 20 * HOUR + 30 * MINUTE);
    assert_eq!((report.unwatched(), report.entries[0].is_ended_after), (0, false));
}

#[test]
fn a_month_without_rows_is_empty() {
    let report = Report::of(asked("2026-11", "2026-12-05T12:00:00"), MonthRows::default());
    assert!(report.is_empty());
    assert_eq!((report.all.availability(), report.others.availability()), (None, None));
    assert_eq!(report.unwatched(), 30 * 24 * HOUR);
}

#[test]
fn march_has_an_hour_less_and_its_hours_are_those_of_the_clock() {
    // At 02:00 the clock goes to 03:00.
    let report = Report::of(
        asked("2026-03", "2026-04-05T12:00:00"),
        rows(vec![gateway("2026-03-28T02:30:00", 600), gateway("2026-03-29T01:30:00", 3600)]),
    );
    assert_eq!(report.all.observed, (31 * 24 - 1) * HOUR);
    assert_eq!(report.by_hour[1..4], [share(1, 1800), share(1, 600), share(0, 1800)]);
}

#[test]
fn october_has_an_hour_more_and_the_hour_that_comes_twice_is_one() {
    let twice = gateway("2026-10-25T01:30:00", 3 * 3600);
    let report = Report::of(asked("2026-10", "2026-11-05T12:00:00"), rows(vec![twice]));
    assert_eq!(report.all.observed, (31 * 24 + 1) * HOUR);
    assert_eq!(report.by_hour[1..4], [share(1, 1800), share(0, 7200), share(0, 1800)]);
    assert_eq!(report.asked.passed().end, at("2026-11-01T00:00:00"));
}

#[test]
fn of_too_many_outages_the_longest_are_listed_and_all_are_counted() {
    let start = at("2026-11-03T00:00:00");
    let drop = |n: Millis| closed(start + n * 10 * MINUTE, 3 + n % 3, Cause::Gateway, Side::Line);
    let outages = (0..1500).map(|n| Outage { drops: vec![drop(n)] }).collect();
    let report = november(outages);
    assert_eq!((report.all.outages, report.entries.len()), (share(1500, 6000), 1000));
    // Those of 5 s, and those of 4 s: a thousand.
    assert_eq!(report.unlisted, share(500, 1500));
    assert!(report.entries.windows(2).all(|pair| pair[0].outage.start() < pair[1].outage.start()));
}

#[test]
fn readings_beside_an_outage_touch_no_other_one() {
    let report =
        november(vec![gateway("2026-11-03T02:00:00", 60), gateway("2026-11-03T02:08:00", 60)]);
    let minutes = |span: &std::ops::Range<Millis>| {
        let start = at("2026-11-03T02:00:00");
        ((span.start - start) / MINUTE, (span.end - start) / MINUTE)
    };
    let beside: Vec<_> = report.beside().iter().map(minutes).collect();
    assert_eq!(beside, [(-10, 0), (2, 8), (2, 8), (10, 20)]);
    let reading = Some(Reading { light_dbm: Some(-20.0), ..Reading::default() });
    let report = report.with_readings(&[reading, None, None, reading]);
    assert_eq!(report.entries[0].readings, [reading, None]);
    assert_eq!(report.entries[1].readings, [None, reading]);
}

proptest! {
    #[test]
    fn all_time_is_watched_or_a_gap(
        outages in prop::collection::vec((0_i64..40 * 24 * 60, 1_i64..3000), 0..20),
        vouched in prop::collection::vec((-600_i64..40 * 24 * 60, 1_i64..9000), 0..8),
        gaps in prop::collection::vec((0_i64..40 * 24 * 60, 1_i64..9000), 0..4),
        hours in prop::collection::btree_map(0_i64..750, 0_i64..=60, 0..200),
    ) {
        let start = at("2026-11-01T00:00:00");
        let span = |(from, long): &(i64, i64)| {
            start + from * MINUTE..start + (from + long) * MINUTE
        };
        let mut outages: Vec<Outage> = outages
            .iter()
            .map(|(from, long)| Outage {
                drops: vec![closed(start + from * MINUTE, long * 60, Cause::Dhcp, Side::House)],
            })
            .collect();
        outages.sort_by_key(Outage::start);
        // As the ledger gives them.
        outages.dedup_by(|next, one| next.start() - one.until() <= 3 * MINUTE);
        let hours = hours.iter().map(|(hour, minutes)| WatchedHour {
            start: start + hour * HOUR,
            observed: minutes * MINUTE,
        });
        let rows = MonthRows {
            outages,
            hours: hours.collect(),
            vouched: vouched.iter().map(span).collect(),
            gaps: gaps.iter().map(span).collect(),
        };
        let report = Report::of(asked("2026-11", "2026-12-05T12:00:00"), rows);
        let unwatched: Millis = report.gaps.iter().map(|gap| gap.unwatched).sum::<Millis>()
            + report.unlisted_gaps.time;
        prop_assert_eq!(unwatched + report.all.observed, 30 * 24 * HOUR);
        prop_assert!(report.all.outages.time <= report.all.observed);
        let by_hour: Millis = report.by_hour.iter().map(|share| share.time).sum();
        prop_assert_eq!(by_hour, report.all.outages.time);
        let ratio = report.all.availability().unwrap_or(0.0);
        prop_assert!((0.0..=1.0).contains(&ratio));
        prop_assert_eq!(report.others.outages.count, 0);
    }
}
