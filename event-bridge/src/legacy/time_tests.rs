//! Local times of Berlin around the changes of 2025, and texts that are none.

use proptest::prelude::*;

use super::*;

fn utc(text: &str) -> Millis {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn berlin() -> LocalClock {
    LocalClock::new(TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap())
}

/// Rows one after another, and what they are in UTC.
#[track_caller]
fn check(rows: &[(&str, &str)]) -> u64 {
    let mut clock = berlin();
    for (text, expected) in rows {
        let found = clock.row(parse(text).unwrap()).unwrap();
        assert_eq!(found, utc(expected), "{text}: {}", Timestamp::from_millisecond(found).unwrap());
    }
    clock.left_out()
}

#[test]
fn an_hour_that_is_there_twice_goes_on_as_the_rows_do() {
    check(&[
        ("2025-10-26 01:59:30", "2025-10-25T23:59:30Z"),
        ("2025-10-26 02:00:30", "2025-10-26T00:00:30Z"),
        ("2025-10-26 02:30:30.250000", "2025-10-26T00:30:30.250Z"),
        // Two programs at once.
        ("2025-10-26 02:30:29.900000", "2025-10-26T00:30:29.900Z"),
        ("2025-10-26 02:59:30", "2025-10-26T00:59:30Z"),
        ("2025-10-26 02:00:30", "2025-10-26T01:00:30Z"),
        ("2025-10-26 02:00:29", "2025-10-26T01:00:29Z"),
        ("2025-10-26 02:59:30", "2025-10-26T01:59:30Z"),
        ("2025-10-26 03:00:30", "2025-10-26T02:00:30Z"),
    ]);
}

#[test]
fn an_hour_that_is_not_there_is_taken_as_without_the_change() {
    let left_out = check(&[
        ("2025-03-30 01:59:59", "2025-03-30T00:59:59Z"),
        ("2025-03-30T02:30:00", "2025-03-30T01:30:00Z"),
        ("2025-03-30 03:00:00", "2025-03-30T01:00:00Z"),
    ]);
    assert_eq!(left_out, 1);
}

#[test]
fn an_event_is_of_the_hour_in_which_it_was_first_told() {
    #[track_caller]
    fn check(event: &str, polled: &str, expected: &str) {
        let found = berlin().event(parse(event).unwrap(), utc(polled));
        assert_eq!(found, Some(utc(expected)), "{event} told at {polled}");
    }
    let event = "2025-10-26 02:30:00";
    check(event, "2025-10-26T00:30:40Z", "2025-10-26T00:30:00Z");
    check(event, "2025-10-26T01:30:40Z", "2025-10-26T01:30:00Z");
    check(event, "2025-10-26T01:29:40Z", "2025-10-26T01:30:00Z");
    check(event, "2025-10-27T12:00:00Z", "2025-10-26T00:30:00Z");
}

#[test]
fn texts_are_times_or_not() {
    let local = |text: &str| Some(Written::Local(text.parse().unwrap()));
    assert_eq!(parse(" 2025-02-12 10:34:00.123456 "), local("2025-02-12T10:34:00.123456"));
    assert_eq!(parse("2025-02-12T10:34:00"), local("2025-02-12T10:34:00"));
    assert_eq!(parse("2025-02-12T10:34:00+08:00"), Some(Written::Utc(utc("2025-02-12T02:34:00Z"))));
    for bad in ["", "now", "2025-02-12", "10:34:00", "2025-02-30 10:00:00", &"2:".repeat(99)] {
        assert_eq!(parse(bad), None, "{bad}");
    }
    assert_eq!(words(parse("2025-02-12T10:34:00.000000").unwrap()), "2025-02-12 10:34:00");
    assert_eq!(words(parse("2025-02-12 10:34:00.5").unwrap()), "2025-02-12 10:34:00.500000");
}

proptest! {
    #[test]
    fn any_text_is_a_time_or_not(
        texts in prop::collection::vec(
            "\\PC{0,40}|[0-9]{4}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-9]{2}:[0-9]{2}", 0..9,
        ),
        polled in any::<i64>(),
    ) {
        let mut clock = berlin();
        for written in texts.iter().filter_map(|text| parse(text)) {
            clock.row(written);
            clock.event(written, polled);
            as_utc(written);
            words(written);
        }
    }
}
