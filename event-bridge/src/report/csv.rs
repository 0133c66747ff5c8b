//! The outages of a report as CSV: RFC 4180, a row each, names of columns in English. Cells
//! that a spreadsheet would calculate are made text.

use super::evidence::facts;
use super::facts::{Entry, Report};
use super::json::utc;
use crate::clock;
use crate::history::outage::End;
use crate::history::words::{self, Language};
use crate::record::Millis;
use crate::store::Reading;

const COLUMNS: [&str; 24] = [
    "router",
    "id",
    "start_local",
    "end_local",
    "start_utc",
    "end_utc",
    "duration_seconds",
    "counted_seconds",
    "side",
    "cause",
    "why",
    "ongoing",
    "end_assumed",
    "coarse",
    "began_before_month",
    "went_on_after_month",
    "drops",
    "evidence",
    "light_before_dbm",
    "light_after_dbm",
    "rtt_before_ms",
    "rtt_after_ms",
    "loss_before_percent",
    "loss_after_percent",
];

/// All of it. In Chinese with a mark of UTF-8, without which Excel takes it for GBK.
pub(crate) fn csv(report: &Report, language: Language) -> String {
    let mut text = match language {
        Language::English => String::new(),
        Language::Chinese => "\u{feff}".to_owned(),
    };
    text.push_str(&COLUMNS.join(","));
    text.push_str("\r\n");
    for entry in &report.entries {
        text.push_str(&row(report, entry, language).join(","));
        text.push_str("\r\n");
    }
    text
}

fn row(report: &Report, entry: &Entry, language: Language) -> [String; COLUMNS.len()] {
    let outage = &entry.outage;
    let zone = &report.asked.zone;
    let main = &outage.main().drop;
    let (start, until) = (outage.start(), outage.until());
    let flag = |is_so: bool| String::from(if is_so { "yes" } else { "" });
    let (colon, semicolon) = match language {
        Language::English => (": ", "; "),
        Language::Chinese => ("：", "；"),
    };
    let evidence: Vec<String> = facts(main.evidence.as_ref(), language)
        .iter()
        .map(|fact| format!("{}{colon}{}", fact.label, fact.text))
        .collect();
    let [before, after] = entry.readings.map(Option::unwrap_or_default);
    let number = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
    let light = |reading: Reading| number(reading.light_dbm);
    let rtt = |reading: Reading| number(reading.rtt_ms);
    let loss = |reading: Reading| number(reading.loss_percent);
    [
        cell(&report.asked.router),
        outage.id().to_string(),
        clock::iso(start, zone),
        clock::iso(until, zone),
        utc(start),
        utc(until),
        seconds(outage.down()),
        seconds(entry.down),
        cell(main.side.word()),
        cell(main.cause.word()),
        cell(words::why(&main.cause, &main.side, language)),
        flag(outage.end() == End::Ongoing),
        flag(outage.end() == End::Assumed),
        flag(outage.is_coarse()),
        flag(entry.is_begun_before),
        flag(entry.is_ended_after),
        outage.drops.len().to_string(),
        cell(&evidence.join(semicolon)),
        light(before),
        light(after),
        rtt(before),
        rtt(after),
        loss(before),
        loss(after),
    ]
}

fn seconds(time: Millis) -> String {
    format!("{:.3}", time as f64 / 1000.0)
}

/// A text as a cell. Numbers of ours do not go through here: a minus of theirs is a minus.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let text = format!("{}{text}", if is_formula { "'" } else { "" });
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_calculated() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a, b", "\"a, b\""),
            ("say \"so\"", "\"say \"\"so\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2,5", "\"'-2,5\""),
            ("\t=1", "'\t=1"),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
