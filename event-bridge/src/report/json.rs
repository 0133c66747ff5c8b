//! A report as programs read it. Keys stay; further ones may be added.

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::facts::{Entry, Figures, Gap, Report, Share};
use super::figures::zone_name;
use crate::clock;
use crate::history::outage::End;
use crate::history::words::{self, Language};
use crate::record::Millis;
use crate::store::Reading;

/// All of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
pub(crate) struct Shape {
    schema_version: u32,
    router: String,
    month: String,
    from: String,
    to: String,
    /// Where the month is not over, the time of asking.
    covered_to: String,
    time_zone: String,
    generated: String,
    version: &'static str,
    revision: &'static str,
    availability: Counted,
    availability_without_house: Counted,
    by_side: Vec<OfSide>,
    /// Seconds and begins by the hour of the local clock.
    by_hour: Vec<OfHour>,
    outages: Vec<Outage>,
    unlisted_outages: Sum,
    gaps: Vec<Unwatched>,
    unlisted_gaps: Sum,
    unwatched_seconds: f64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportCounted)]
struct Counted {
    /// 0 to 1; null: nothing was watched.
    ratio: Option<f64>,
    outages: usize,
    outage_seconds: f64,
    longest_seconds: f64,
    observed_seconds: f64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportSum)]
struct Sum {
    count: usize,
    seconds: f64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportOfSide)]
struct OfSide {
    side: String,
    outages: usize,
    seconds: f64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportOfHour)]
struct OfHour {
    hour: usize,
    began: usize,
    seconds: f64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportOutage)]
struct Outage {
    id: i64,
    start: String,
    /// So far, where it goes on.
    end: String,
    local_start: String,
    local_end: String,
    ongoing: bool,
    end_assumed: bool,
    coarse: bool,
    began_before_month: bool,
    went_on_after_month: bool,
    /// Without the internet, within the month.
    counted_seconds: f64,
    /// The same, of all of it.
    duration_seconds: f64,
    side: String,
    cause: String,
    /// In the language that was asked for.
    why: &'static str,
    evidence: Option<Value>,
    drops: Vec<Drop>,
    readings_before: Option<Means>,
    readings_after: Option<Means>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportDrop)]
struct Drop {
    start: String,
    end: String,
    side: String,
    cause: String,
}

/// Null: the rows are gone, or there is no such thing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportMeans)]
struct Means {
    received_light_dbm: Option<f64>,
    rtt_ms: Option<f64>,
    loss_percent: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportUnwatched)]
struct Unwatched {
    from: String,
    to: String,
    seconds: f64,
    exact: bool,
}

impl Shape {
    /// Of a report; only the words of causes are in a language.
    pub(crate) fn of(report: &Report, language: Language) -> Self {
        let asked = &report.asked;
        let (time, passed) = (asked.time(), asked.passed());
        let begins = report.by_hour.iter().enumerate();
        Self {
            schema_version: 1,
            router: asked.router.clone(),
            month: asked.month.to_string(),
            from: utc(time.start),
            to: utc(time.end),
            covered_to: utc(passed.end),
            time_zone: zone_name(&asked.zone, time.start, passed.end),
            generated: utc(asked.now),
            version: asked.version,
            revision: asked.revision,
            availability: Counted::of(&report.all),
            availability_without_house: Counted::of(&report.others),
            by_side: report
                .sides
                .iter()
                .map(|(side, share)| OfSide {
                    side: side.word().to_owned(),
                    outages: share.count,
                    seconds: seconds(share.time),
                })
                .collect(),
            by_hour: begins
                .map(|(hour, share)| OfHour {
                    hour,
                    began: share.count,
                    seconds: seconds(share.time),
                })
                .collect(),
            outages: report
                .entries
                .iter()
                .map(|entry| Outage::of(entry, &asked.zone, language))
                .collect(),
            unlisted_outages: Sum::of(report.unlisted),
            gaps: report.gaps.iter().map(Unwatched::of).collect(),
            unlisted_gaps: Sum::of(report.unlisted_gaps),
            unwatched_seconds: seconds(report.unwatched()),
        }
    }
}

impl Counted {
    fn of(figures: &Figures) -> Self {
        Self {
            ratio: figures.availability(),
            outages: figures.outages.count,
            outage_seconds: seconds(figures.outages.time),
            longest_seconds: seconds(figures.longest),
            observed_seconds: seconds(figures.observed),
        }
    }
}

impl Sum {
    fn of(share: Share) -> Self {
        Self { count: share.count, seconds: seconds(share.time) }
    }
}

impl Outage {
    fn of(entry: &Entry, zone: &TimeZone, language: Language) -> Self {
        let outage = &entry.outage;
        let main = &outage.main().drop;
        let [before, after] = entry.readings.map(|reading| reading.map(Means::of));
        Self {
            id: outage.id(),
            start: utc(outage.start()),
            end: utc(outage.until()),
            local_start: clock::iso(outage.start(), zone),
            local_end: clock::iso(outage.until(), zone),
            ongoing: outage.end() == End::Ongoing,
            end_assumed: outage.end() == End::Assumed,
            coarse: outage.is_coarse(),
            began_before_month: entry.is_begun_before,
            went_on_after_month: entry.is_ended_after,
            counted_seconds: seconds(entry.down),
            duration_seconds: seconds(outage.down()),
            side: main.side.word().to_owned(),
            cause: main.cause.word().to_owned(),
            why: words::why(&main.cause, &main.side, language),
            evidence: main.evidence.clone(),
            drops: outage
                .drops
                .iter()
                .map(|drop| Drop {
                    start: utc(drop.drop.start),
                    end: utc(drop.until),
                    side: drop.drop.side.word().to_owned(),
                    cause: drop.drop.cause.word().to_owned(),
                })
                .collect(),
            readings_before: before,
            readings_after: after,
        }
    }
}

impl Means {
    fn of(reading: Reading) -> Self {
        let rounded = |value: Option<f64>| value.map(|value| (value * 100.0).round() / 100.0);
        Self {
            received_light_dbm: rounded(reading.light_dbm),
            rtt_ms: rounded(reading.rtt_ms),
            loss_percent: rounded(reading.loss_percent),
        }
    }
}

impl Unwatched {
    fn of(gap: &Gap) -> Self {
        Self {
            from: utc(gap.time.start),
            to: utc(gap.time.end),
            seconds: seconds(gap.unwatched),
            exact: gap.is_exact(),
        }
    }
}

fn seconds(time: Millis) -> f64 {
    time as f64 / 1000.0
}

/// RFC 3339, to the millisecond.
pub(super) fn utc(at: Millis) -> String {
    super::figures::local(at, &TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
