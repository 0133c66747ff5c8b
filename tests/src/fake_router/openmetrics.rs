//! Samples of the past as OpenMetrics with their times, for `promtool tsdb create-blocks-from
//! openmetrics`. One file for each two hours, as long as a block of Prometheus: promtool reads
//! all of a file for each block that it makes of it.

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::exposition::{FAMILIES, Sample, Samples};

const BLOCK_MS: i64 = 2 * 3600 * 1000;

/// What begins so is nearly half of all, hardly ever changes, and nobody asks for its rate over
/// minutes: as long as it is the same it is written once in so long. promtool takes its time for
/// every sample.
const SELDOM: [&str; 10] = [
    "netmonitor_collector_",
    "netmonitor_degradation_",
    "netmonitor_event",
    "netmonitor_log_",
    "netmonitor_optical_receive_power_threshold_",
    "netmonitor_outage_duration_",
    "netmonitor_outage_end_",
    "netmonitor_outage_start_",
    "netmonitor_outages_",
    "process_",
];
const SELDOM_MS: i64 = 60_000;

/// Made by Prometheus itself, of what it scrapes.
const UP: &str = "up";

/// A file that is being filled.
#[derive(Debug)]
pub(super) struct Blocks {
    folder: PathBuf,
    /// Number of the block, since 1970.
    block: i64,
    series: Vec<Series>,
    by_name: HashMap<Name, usize>,
    pub(super) samples: u64,
}

/// Router, family, suffix and labels.
type Name = (usize, &'static str, &'static str, String);

#[derive(Debug)]
struct Series {
    family: &'static str,
    /// With all labels.
    name: String,
    is_seldom: bool,
    points: Vec<(i64, f64)>,
}

pub(super) fn is_seldom(family: &str) -> bool {
    SELDOM.iter().any(|start| family.starts_with(start))
}

impl Series {
    fn new(family: &'static str, name: String) -> Self {
        Self { family, name, is_seldom: is_seldom(family), points: Vec::new() }
    }

    fn is_new(&self, at_ms: i64, value: f64) -> bool {
        let is_same = |(last_ms, last): &(i64, f64)| {
            last.total_cmp(&value).is_eq() && at_ms < last_ms + SELDOM_MS
        };
        !self.is_seldom || !self.points.last().is_some_and(is_same)
    }
}

impl Blocks {
    pub(super) fn new(folder: &Path) -> Self {
        let (series, by_name) = (Vec::new(), HashMap::new());
        Self { folder: folder.to_owned(), block: 0, series, by_name, samples: 0 }
    }

    /// What was scraped of the router of this index; `target` are the labels that Prometheus
    /// gives to all series of it.
    pub(super) fn add(
        &mut self,
        router: usize,
        target: &str,
        at_ms: i64,
        scraped: Option<Samples>,
    ) -> Result<()> {
        if at_ms.div_euclid(BLOCK_MS) != self.block {
            self.finish()?;
            self.block = at_ms.div_euclid(BLOCK_MS);
        }
        let up = f64::from(u8::from(scraped.is_some()));
        let up = Sample { family: UP, suffix: "", labels: String::new(), value: up };
        let samples = scraped.map(|samples| samples.0).unwrap_or_default();
        for Sample { family, suffix, labels, value } in samples.into_iter().chain([up]) {
            let series = &mut self.series;
            let index = *self.by_name.entry((router, family, suffix, labels)).or_insert_with_key(
                |(_, family, suffix, labels)| {
                    let comma = if labels.is_empty() { "" } else { "," };
                    let name = format!("{family}{suffix}{{{target}{comma}{labels}}}");
                    series.push(Series::new(family, name));
                    series.len() - 1
                },
            );
            if series[index].is_new(at_ms, value) {
                series[index].points.push((at_ms, value));
                self.samples += 1;
            }
        }
        Ok(())
    }

    /// Writes what is there.
    pub(super) fn finish(&mut self) -> Result<()> {
        if self.series.is_empty() {
            return Ok(());
        }
        let path = self.folder.join(format!("{}.om", self.block));
        // The families together, as the format wants it.
        self.series.sort_by(|a, b| (a.family, &a.name).cmp(&(b.family, &b.name)));
        self.write(&path).with_context(|| format!("cannot write {}", path.display()))?;
        self.series.clear();
        self.by_name.clear();
        Ok(())
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut file = BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
        let mut last = "";
        for Series { family, name, points, .. } in &self.series {
            if *family != last {
                last = family;
                let kind = FAMILIES.get(family).map_or("gauge", |family| family.kind);
                // Without the suffix that its samples have.
                let bare =
                    if kind == "counter" { family.trim_end_matches("_total") } else { family };
                writeln!(file, "# TYPE {bare} {kind}")?;
            }
            for (at_ms, value) in points {
                writeln!(file, "{name} {value} {}.{:03}", at_ms / 1000, at_ms % 1000)?;
            }
        }
        writeln!(file, "# EOF")?;
        file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hardly_changes_is_written_seldom_and_when_it_changes() {
        let mut events = Series::new("netmonitor_events_total", String::new());
        events.points.push((1000, 3.0));
        assert!(!events.is_new(60_999, 3.0));
        assert!(events.is_new(61_000, 3.0) && events.is_new(16_000, 4.0));
        assert!(Series::new("netmonitor_load1", String::new()).is_new(1, 0.0));
    }

    #[test]
    fn a_file_has_two_hours_family_by_family() {
        let folder = tempfile::tempdir().unwrap();
        let mut blocks = Blocks::new(folder.path());
        for at_ms in [7_185_000, 7_200_000, 7_215_250] {
            let mut samples = Samples::default();
            samples.add("netmonitor_events_total", "type=\"test\"", 3.0);
            samples.plain("netmonitor_load1", 0.5);
            let scraped = (at_ms != 7_215_250).then_some(samples);
            blocks.add(0, "router=\"home\"", at_ms, scraped).unwrap();
        }
        blocks.finish().unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(
            read("0.om"),
            "# TYPE netmonitor_events counter\n\
             netmonitor_events_total{router=\"home\",type=\"test\"} 3 7185.000\n\
             # TYPE netmonitor_load1 gauge\nnetmonitor_load1{router=\"home\"} 0.5 7185.000\n\
             # TYPE up gauge\nup{router=\"home\"} 1 7185.000\n# EOF\n"
        );
        assert!(
            read("1.om").ends_with(
                "up{router=\"home\"} 1 7200.000\nup{router=\"home\"} 0 7215.250\n# EOF\n"
            )
        );
        assert_eq!(blocks.samples, 7);
    }
}
