//! Samples of metrics, and the text that they go over the wire as. Pure.
//!
//! Names, types, help and labels are those of `docs/metrics.md`, the closed lists of label
//! values those of a scrape that the exporter's own tests compare with what it prints: so
//! there is no second copy that could grow old.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

const DOCUMENT: &str = include_str!("../../../docs/metrics.md");
const SCRAPE: &str = include_str!("../../../exporter/tests/golden/filogic-pppoe.prom");

/// A row of the document's table.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) kind: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests hold samples against them"))]
    pub(super) labels: Vec<&'static str>,
    help: &'static str,
}

/// By name.
pub(super) static FAMILIES: LazyLock<BTreeMap<&'static str, Family>> = LazyLock::new(|| {
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| {
        let mut cells = row.split('|').map(str::trim);
        let name = cells.next()?.trim_end_matches('`');
        let (kind, labels) = (cells.next()?, cells.next()?);
        let labels = labels.split('`').skip(1).step_by(2).collect();
        Some((name, Family { kind, labels, help: cells.next()? }))
    })
    .collect()
});

/// The labels of all series that the exporter has of this family from its start on, such as
/// `cause="dhcp",side="provider"`.
pub(super) fn closed_list(family: &str) -> Vec<&'static str> {
    let labels = |line: &'static str| line.strip_prefix(family)?.strip_prefix('{')?.split_once('}');
    SCRAPE.lines().filter_map(labels).map(|(labels, _)| labels).collect()
}

/// One number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) family: &'static str,
    /// `_bucket`, `_sum` or `_count` of a histogram.
    pub(super) suffix: &'static str,
    /// As between the braces.
    pub(super) labels: String,
    pub(super) value: f64,
}

/// Upper bounds in milliseconds; the exporter's for pings and look-ups.
pub(super) const BOUNDS_MS: [u32; 15] =
    [1, 2, 5, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000];

/// Durations counted in buckets; each bucket counts its own only.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Histogram {
    counts: [u64; BOUNDS_MS.len() + 1],
    sum_micros: u64,
}

impl Histogram {
    pub(super) fn add(&mut self, micros: u64) {
        let index = BOUNDS_MS.partition_point(|bound| u64::from(*bound) * 1000 < micros);
        self.counts[index] += 1;
        self.sum_micros += micros;
    }
}

/// All samples of a moment, those of a family together.
#[derive(Debug, Default)]
pub(super) struct Samples(pub(super) Vec<Sample>);

impl Samples {
    /// One with labels as between the braces.
    pub(super) fn add(&mut self, family: &'static str, labels: impl Into<String>, value: f64) {
        self.0.push(Sample { family, suffix: "", labels: labels.into(), value });
    }

    /// One without labels.
    pub(super) fn plain(&mut self, family: &'static str, value: f64) {
        self.add(family, "", value);
    }

    /// One without labels that is 1 or 0.
    pub(super) fn is(&mut self, family: &'static str, is_so: bool) {
        self.plain(family, flag(is_so));
    }

    pub(super) fn histogram(&mut self, family: &'static str, labels: &str, values: &Histogram) {
        let mut push = |suffix, labels, value| {
            self.0.push(Sample { family, suffix, labels, value });
        };
        let bounds = BOUNDS_MS.iter().map(|bound| (f64::from(*bound) / 1000.0).to_string());
        let mut count = 0;
        for (bound, own) in bounds.chain(["+Inf".to_owned()]).zip(values.counts) {
            count += own;
            push("_bucket", format!("{labels},le=\"{bound}\""), count as f64);
        }
        push("_sum", labels.to_owned(), values.sum_micros as f64 / 1e6);
        push("_count", labels.to_owned(), count as f64);
    }

    /// Text format 0.0.4.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut last = "";
        for Sample { family, suffix, labels, value } in &self.0 {
            if *family != last {
                last = family;
                if let Some(Family { kind, help, .. }) = FAMILIES.get(family) {
                    write!(text, "# HELP {family} {help}\n# TYPE {family} {kind}\n").ok();
                }
            }
            let (open, close) = if labels.is_empty() { ("", "") } else { ("{", "}") };
            writeln!(text, "{family}{suffix}{open}{labels}{close} {value}").ok();
        }
        text
    }
}

pub(super) fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_understood() {
        let family = &FAMILIES["netmonitor_ping_rtt_seconds"];
        assert_eq!((family.kind, &family.labels[..]), ("histogram", &["scope", "target"][..]));
        assert_eq!(family.help, "Round-trip time of the answers");
        assert!(FAMILIES["netmonitor_load1"].labels.is_empty() && FAMILIES.len() > 70);
        let causes = closed_list("netmonitor_outages_total");
        assert!(causes.contains(&"cause=\"dhcp\",side=\"provider\"") && causes.len() > 20);
    }

    #[test]
    fn the_text_is_as_the_format_says() {
        let mut samples = Samples::default();
        samples.is("netmonitor_internet_up", true);
        let mut times = Histogram::default();
        [900, 2000, 2001, 5_000_000].into_iter().for_each(|micros| times.add(micros));
        samples.histogram("netmonitor_dns_lookup_seconds", "server=\"a\"", &times);
        let text = samples.text();
        assert!(text.starts_with(
            "# HELP netmonitor_internet_up 1 if any target but the gateway answered lately\n\
             # TYPE netmonitor_internet_up gauge\nnetmonitor_internet_up 1\n"
        ));
        for line in [
            "netmonitor_dns_lookup_seconds_bucket{server=\"a\",le=\"0.002\"} 2",
            "netmonitor_dns_lookup_seconds_bucket{server=\"a\",le=\"1\"} 3",
            "netmonitor_dns_lookup_seconds_bucket{server=\"a\",le=\"+Inf\"} 4",
            "netmonitor_dns_lookup_seconds_sum{server=\"a\"} 5.004901",
            "netmonitor_dns_lookup_seconds_count{server=\"a\"} 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
