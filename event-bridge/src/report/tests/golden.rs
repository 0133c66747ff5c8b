//! A small month in every format, as it is sent; and words that mean harm.

use expect_test::{ExpectFile, expect_file};
use serde_json::json;

use super::*;
use crate::history::words::Language;

/// One of everything: cut by the month, joined, of the house, coarse, assumed, going on.
fn month() -> Report {
    let mut told = gateway("2026-10-31T23:55:00", 600);
    told.drops[0].drop.evidence = Some(json!({
        "signs": "echo_timeout +20.3 s, session_over +20.4 s", "carrier": "kept",
        "gateway": "answered 0 of 10, silent +0.0 s", "light_before": "-19.91 dBm",
    }));
    let start = at("2026-11-04T20:14:55");
    let joined = Outage {
        drops: vec![
            closed(start, 36, Cause::AccessServerSilent, Side::Unknown),
            closed(start + 2 * MINUTE, 200, Cause::ProviderTerminated, Side::Provider),
        ],
    };
    let mine = outage("2026-11-05T04:00:05", 6, Cause::PlannedRedial, Side::House);
    let mut coarse = outage("2026-11-08T13:00:00", 3725, Cause::OpticalSignal, Side::Line);
    coarse.drops[0].drop.stream = None;
    coarse.drops[0].end = End::Assumed;
    let mut going_on = outage("2026-11-22T20:00:00", 1800, Cause::Unknown, Side::Unknown);
    going_on.drops[0].end = End::Ongoing;
    let day = |day: &str| at(&format!("2026-11-{day}T00:00:00"));
    let rows = MonthRows {
        outages: vec![told, joined, mine, coarse, going_on],
        vouched: only(day("01")..day("23")),
        gaps: only(day("10")..day("10") + 90 * MINUTE),
        hours: Vec::new(),
    };
    let reading = |light, rtt, loss| {
        Some(Reading { light_dbm: Some(light), rtt_ms: Some(rtt), loss_percent: Some(loss) })
    };
    let (before, after) = (reading(-19.91, 8.25, 0.0), reading(-19.9, 9.04, 1.26));
    let nothing = Some(Reading::default());
    Report::of(asked("2026-11", "2026-11-22T20:30:00"), rows).with_readings(&[
        before, after, None, None, before, after, before, nothing, before, nothing,
    ])
}

#[track_caller]
fn check(expected: ExpectFile, text: &str) {
    // Git may not keep a no-break space apart from a space, but people must.
    expected.assert_eq(&text.replace('\u{a0}', "\u{2420}"));
}

#[test]
fn a_page_in_english() {
    check(expect_file!["../golden/en.html"], &html(&month(), Language::English).unwrap());
}

#[test]
fn a_page_in_chinese() {
    check(expect_file!["../golden/zh.html"], &html(&month(), Language::Chinese).unwrap());
}

#[test]
fn rows_in_both_languages() {
    let text = csv(&month(), Language::English);
    assert_eq!(text.matches("\r\n").count(), text.matches('\n').count());
    check(expect_file!["../golden/en.csv"], &text.replace("\r\n", "\n"));
    let text = csv(&month(), Language::Chinese);
    check(expect_file!["../golden/zh.csv"], &text.replace("\r\n", "\n"));
}

#[test]
fn values_for_programs() {
    let text = serde_json::to_string_pretty(&Shape::of(&month(), Language::English)).unwrap();
    check(expect_file!["../golden/en.json"], &text);
}

#[test]
fn a_page_brings_nothing_along_and_runs_nothing() {
    let empty = Report::of(asked("2026-11", "2026-11-22T20:30:00"), MonthRows::default());
    for report in [month(), empty] {
        for language in [Language::English, Language::Chinese] {
            let page = html(&report, language).unwrap();
            for foreign in
                ["<script", "http:", "https:", "url(", "@import", "src=", "<link", " on", "{{"]
            {
                let found = page.find(foreign).filter(|_| foreign != " on" || has_handler(&page));
                assert_eq!(found, None, "{foreign}");
            }
        }
    }
}

/// `onclick=` and the like.
fn has_handler(page: &str) -> bool {
    page.split(" on").skip(1).any(|rest| {
        rest.split_once('=').is_some_and(|(name, _)| name.chars().all(char::is_alphabetic))
    })
}

#[test]
fn a_month_without_rows_says_so() {
    let empty = Report::of(asked("2026-11", "2026-12-05T12:00:00"), MonthRows::default());
    let page = html(&empty, Language::English).unwrap();
    assert!(page.contains("Nothing was recorded") && !page.contains("<svg"), "{page}");
    let page = html(&empty, Language::Chinese).unwrap();
    assert!(page.contains("本月没有该路由器的任何记录"), "{page}");
    assert_eq!(csv(&empty, Language::English).lines().count(), 1);
}

#[test]
fn a_month_hardly_watched_says_so_first() {
    let day = |day: &str| at(&format!("2026-11-{day}T00:00:00"));
    let page = |last: &str| {
        let vouched = only(day("01")..day(last));
        let rows = MonthRows { vouched, ..MonthRows::default() };
        let report = Report::of(asked("2026-11", "2026-12-05T12:00:00"), rows);
        html(&report, Language::English).unwrap()
    };
    let hardly = page("04");
    let caution = hardly.find("Only 10.000\u{a0}% of the period was watched");
    assert!(caution.is_some_and(|at| at < hardly.find("Availability</h2>").unwrap()), "{hardly}");
    assert!(!page("28").contains("of the period was watched"));
    // Without outages there is nothing to draw.
    assert!(!hardly.contains("<svg"), "{hardly}");
}

#[test]
fn words_of_a_router_are_words() {
    let bad = "<script>alert(1)</script>\"'&";
    let mut harmful = gateway("2026-11-03T02:00:00", 60);
    harmful.drops[0].drop.cause = Cause::Other(bad.to_owned());
    harmful.drops[0].drop.side = Side::Other(bad.to_owned());
    let keys = ["signs", "carrier", "gateway", "dns", "unseen_seconds", "light_before", "crash"];
    let evidence = keys.into_iter().map(|key| (key.to_owned(), Value::from(bad)));
    harmful.drops[0].drop.evidence = Some(Value::Object(evidence.collect()));
    let asked = Asked { router: format!("=cmd|{bad}"), ..asked("2026-11", "2026-12-05T12:00:00") };
    let report = Report::of(asked, rows(vec![harmful]));
    for language in [Language::English, Language::Chinese] {
        let page = html(&report, language).unwrap();
        assert!(!page.contains("<script") && page.contains("&#60;script"), "{page}");
        // Within an attribute, too.
        assert!(!page.contains("router==cmd|<") && !page.contains(bad), "{page}");
        let row = csv(&report, language).lines().nth(1).unwrap().to_owned();
        assert!(row.starts_with("\"'=cmd|<script>alert(1)</script>\"\"'&\","), "{row}");
    }
}
