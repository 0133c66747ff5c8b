//! A report as a page: one file without scripts, for print on A4, for a phone, and for a dark
//! room. Everything that a router said is escaped by the template.

use askama::Template;

use super::evidence::{self, Fact};
use super::facts::{Entry, Figures, Gap, Report};
use super::figures::{self, duration, moment, number, percent, zone_name};
use super::sentences;
use super::words::{self, Texts, texts};
use crate::history::outage::{End, Side};
use crate::history::words::{Language, side, why};
use crate::record::Millis;
use crate::store::Reading;

/// Drops of one outage that are listed by themselves.
const MAX_DROPS: usize = 12;

/// Below this share of the period the page says first that it was hardly watched.
const WELL_WATCHED: f64 = 0.9;

/// Pixels of the tallest bar.
const TALLEST: f64 = 110.0;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    t: &'static Texts,
    report: &'a Report,
    month: String,
    period: String,
    zone: String,
    made: String,
    lang: &'static str,
    other_lang: &'static str,
    earlier: String,
    later: Option<String>,
    is_over: bool,
    caution: String,
    boxes: Boxes,
    counted: [Counted; 2],
    sides: Vec<OfSide>,
    tables: [Table; 2],
    unlisted: String,
    bars: Vec<Bar>,
    by_hour_explained: String,
    gaps: Vec<Unwatched>,
    unlisted_gaps: String,
    unwatched: String,
}

/// The answers first.
struct Boxes {
    availability: String,
    availability_note: String,
    outages_note: String,
    outage_time: String,
    longest: String,
    longest_note: String,
    observed: String,
    observed_note: String,
}

struct Counted {
    name: &'static str,
    outages: usize,
    time: String,
    observed: String,
    availability: String,
}

struct OfSide {
    word: &'static str,
    name: &'static str,
    explained: &'static str,
    count: usize,
    time: String,
}

struct Table {
    title: &'static str,
    explained: &'static str,
    none: &'static str,
    rows: Vec<Row>,
}

struct Row {
    start: Time,
    end: Option<Time>,
    duration: String,
    /// Of the whole outage, where only a part is counted.
    whole: String,
    side: &'static str,
    side_word: &'static str,
    why: &'static str,
    marks: Vec<&'static str>,
    drops: String,
    facts: Vec<Fact>,
    readings: Vec<Fact>,
    are_readings_gone: bool,
}

struct Time {
    date: String,
    time: String,
    utc: String,
}

/// Left edge and width are shares of the drawing's.
struct Bar {
    left: f64,
    middle: f64,
    top: f64,
    height: f64,
    count: usize,
    hour: usize,
    has_label: bool,
    words: String,
}

struct Unwatched {
    from: String,
    until: String,
    time: String,
}

/// All of it, in a language.
///
/// # Errors
/// The template fails; it has no part that can.
pub(crate) fn html(report: &Report, language: Language) -> askama::Result<String> {
    page(report, language).render()
}

fn page(report: &Report, language: Language) -> Page<'_> {
    let t = texts(language);
    let asked = &report.asked;
    let (time, passed) = (asked.time(), asked.passed());
    let zone = &asked.zone;
    let is_over = time.end <= asked.now;
    let long = |millis: Millis| duration(millis, language);
    let (unlisted, unlisted_gaps) = (report.unlisted, report.unlisted_gaps);
    let left_out = |share: super::facts::Share| match share.count {
        0 => String::new(),
        count => sentences::unlisted(count, &long(share.time), language),
    };
    Page {
        t,
        report,
        month: sentences::month(asked.month, language),
        period: format!("{} – {}", moment(time.start, zone), moment(passed.end, zone)),
        zone: zone_name(zone, time.start, passed.end),
        made: format!(
            "{}, netmonitor-bridge {} ({})",
            moment(asked.now, zone),
            asked.version,
            asked.revision
        ),
        lang: code(language),
        other_lang: code(other(language)),
        earlier: asked.month.previous().to_string(),
        later: is_over.then(|| asked.month.next().to_string()),
        is_over,
        caution: caution(report, language),
        boxes: boxes(report, language),
        counted: [(t.all, &report.all), (t.others, &report.others)].map(|(name, figures)| {
            Counted {
                name,
                outages: figures.outages.count,
                time: long(figures.outages.time),
                observed: long(figures.observed),
                availability: availability(figures, t),
            }
        }),
        sides: sides(report, language),
        tables: tables(report, language),
        unlisted: left_out(unlisted),
        bars: bars(report, language),
        by_hour_explained: sentences::by_hour(&duration(most(report), language), language),
        gaps: report.gaps.iter().map(|gap| unwatched(gap, report, language)).collect(),
        unlisted_gaps: left_out(unlisted_gaps),
        unwatched: sentences::unwatched(
            &long(report.unwatched()),
            &share_of_period(report.unwatched(), report),
            language,
        ),
    }
}

fn boxes(report: &Report, language: Language) -> Boxes {
    let t = texts(language);
    let headline = |millis: Millis| figures::short(millis, language);
    let longest = report.entries.iter().max_by_key(|entry| entry.down);
    let of_house = report.all.outages.count - report.others.outages.count;
    Boxes {
        availability: availability(&report.all, t),
        availability_note: sentences::without_house(&availability(&report.others, t), language),
        outages_note: match report.all.outages.count {
            0 => String::new(),
            _ => sentences::of_house(of_house, language),
        },
        outage_time: headline(report.all.outages.time),
        longest: headline(report.all.longest),
        longest_note: longest
            .map_or(String::new(), |entry| figures::date(entry.outage.start(), &report.asked.zone)),
        observed: headline(report.all.observed),
        observed_note: sentences::of_period(
            &share_of_period(report.all.observed, report),
            language,
        ),
    }
}

/// Nothing where the line was watched well.
fn caution(report: &Report, language: Language) -> String {
    let watched = ratio_of_period(report.all.observed, report);
    if watched >= WELL_WATCHED {
        return String::new();
    }
    sentences::barely_watched(&percent(watched), language)
}

fn share_of_period(part: Millis, report: &Report) -> String {
    percent(ratio_of_period(part, report))
}

fn ratio_of_period(part: Millis, report: &Report) -> f64 {
    let passed = report.asked.passed();
    part as f64 / (passed.end - passed.start).max(1) as f64
}

fn other(language: Language) -> Language {
    match language {
        Language::English => Language::Chinese,
        Language::Chinese => Language::English,
    }
}

/// As the parameter `lang` takes it.
fn code(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::Chinese => "zh",
    }
}

fn availability(figures: &Figures, t: &Texts) -> String {
    figures.availability().map_or(t.no_value.to_owned(), percent)
}

fn sides(report: &Report, language: Language) -> Vec<OfSide> {
    let of = |(whose, share): &(Side, super::facts::Share)| OfSide {
        word: side_word(whose),
        name: side(whose, language),
        explained: words::side_explained(whose, language),
        count: share.count,
        time: duration(share.time, language),
    };
    report.sides.iter().map(of).collect()
}

/// For the colour.
fn side_word(side: &Side) -> &'static str {
    match side {
        Side::House => "house",
        Side::Line => "line",
        Side::Provider => "provider",
        Side::Unknown | Side::Other(_) => "unknown",
    }
}

fn tables(report: &Report, language: Language) -> [Table; 2] {
    let t = texts(language);
    let rows = |is_house: bool| {
        let entries = report.entries.iter().filter(|entry| entry.is_house() == is_house);
        entries.map(|entry| row(entry, report, language)).collect()
    };
    [
        Table { title: t.list, explained: "", none: t.no_outage, rows: rows(false) },
        Table {
            title: t.house_list,
            explained: t.house_explained,
            none: t.no_house,
            rows: rows(true),
        },
    ]
}

fn row(entry: &Entry, report: &Report, language: Language) -> Row {
    let t = texts(language);
    let outage = &entry.outage;
    let main = &outage.main().drop;
    let is_ongoing = outage.end() == End::Ongoing;
    let marks = [
        (is_ongoing, t.ongoing),
        (outage.end() == End::Assumed, t.assumed),
        (outage.is_coarse(), t.coarse),
        (entry.is_begun_before, t.begun_before),
        (entry.is_ended_after, t.ended_after),
    ];
    let whole = duration(outage.down(), language);
    let is_part = entry.down != outage.down();
    Row {
        start: time(outage.start(), report),
        end: (!is_ongoing).then(|| time(outage.until(), report)),
        duration: duration(entry.down, language),
        whole: if is_part { sentences::whole(&whole, language) } else { String::new() },
        side: side(&main.side, language),
        side_word: side_word(&main.side),
        why: why(&main.cause, &main.side, language),
        marks: marks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| mark).collect(),
        drops: drops(entry, report, language),
        facts: evidence::facts(main.evidence.as_ref(), language),
        readings: readings(entry, t),
        are_readings_gone: entry.readings == [None, None],
    }
}

fn time(at: Millis, report: &Report) -> Time {
    let zone = &report.asked.zone;
    let utc = jiff::tz::TimeZone::UTC;
    let (date, utc_date) = (figures::date(at, zone), figures::date(at, &utc));
    let utc_time = figures::time(at, &utc);
    Time {
        utc: if date == utc_date { utc_time } else { format!("{} {utc_time}", &utc_date[5..]) },
        date,
        time: figures::time(at, zone),
    }
}

/// Each with its begin and duration, where there are several.
fn drops(entry: &Entry, report: &Report, language: Language) -> String {
    let drops = &entry.outage.drops;
    if drops.len() < 2 {
        return String::new();
    }
    let (space, comma, colon) = match language {
        Language::English => (" ", ", ", ": "),
        Language::Chinese => (" ", "，", "："),
    };
    let mut listed: Vec<String> = drops
        .iter()
        .take(MAX_DROPS)
        .map(|drop| {
            let at = figures::time(drop.drop.start, &report.asked.zone);
            format!("{at}{space}({})", duration(drop.duration(), language))
        })
        .collect();
    if drops.len() > MAX_DROPS {
        listed.push("…".to_owned());
    }
    format!("{}{colon}{}", sentences::drops(drops.len(), language), listed.join(comma))
}

/// What was measured before and after; what the router has not got is left out.
fn readings(entry: &Entry, t: &Texts) -> Vec<Fact> {
    let of = |value: fn(&Reading) -> Option<f64>| {
        entry.readings.map(|reading| reading.as_ref().and_then(value))
    };
    let kinds: [(&'static str, [Option<f64>; 2], &str); 3] = [
        (t.light, of(|reading| reading.light_dbm), "dBm"),
        (t.rtt, of(|reading| reading.rtt_ms), "ms"),
        (t.loss, of(|reading| reading.loss_percent), "%"),
    ];
    let shown = |value: Option<f64>| value.map_or("–".to_owned(), number);
    kinds
        .into_iter()
        .filter(|(_, values, _)| values.iter().any(Option::is_some))
        .map(|(label, [before, after], unit)| Fact {
            label,
            text: format!("{} → {}\u{a0}{unit}", shown(before), shown(after)),
        })
        .collect()
}

fn bars(report: &Report, language: Language) -> Vec<Bar> {
    let most = most(report) as f64;
    let bar = |(hour, share): (usize, &super::facts::Share)| {
        let left = hour as f64 / 24.0 * 100.0;
        // What is there is seen.
        let least = if share.time > 0 { 1.5 } else { 0.0 };
        let height = (share.time as f64 / most * TALLEST).max(least);
        Bar {
            left: left + 0.5,
            middle: left + 50.0 / 24.0,
            top: 16.0 + TALLEST - height,
            height,
            count: share.count,
            hour,
            has_label: hour % 3 == 0,
            words: sentences::hour(hour, share.count, &duration(share.time, language), language),
        }
    };
    report.by_hour.iter().enumerate().map(bar).collect()
}

/// Milliseconds of the tallest bar.
fn most(report: &Report) -> Millis {
    report.by_hour.iter().map(|share| share.time).max().unwrap_or(0).max(1)
}

fn unwatched(gap: &Gap, report: &Report, language: Language) -> Unwatched {
    let zone = &report.asked.zone;
    let time = duration(gap.unwatched, language);
    Unwatched {
        from: moment(gap.time.start, zone),
        until: moment(gap.time.end, zone),
        time: if gap.is_exact() { time } else { sentences::within(&time, language) },
    }
}
