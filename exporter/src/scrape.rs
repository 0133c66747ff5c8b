//! One scrape: every collector is asked, timed and kept apart from the others, and what
//! they have is written in one of the two text formats.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector as Registered;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;

use crate::clock;
use crate::collectors::{CollectError, Collector};
use crate::config::Live;
use crate::exposition::{Encode, Exposition};
use crate::roots::Roots;
use crate::text_format;

/// Before every name, so that nothing collides with a node exporter on the same router.
const PREFIX: &str = "netmonitor";

/// The two formats that Prometheus reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The older text format, 0.0.4.
    Text,
}

/// Everything that has samples.
pub(crate) struct Scrape {
    roots: Roots,
    config: Live,
    collectors: Vec<Box<dyn Collector>>,
    /// Ourselves: names of their own standard, without our prefix.
    process: Box<dyn Collector>,
    /// What is counted as it happens, and always there.
    internals: Vec<Box<dyn Fn() -> Box<dyn Encode> + Send + Sync>>,
}

impl Scrape {
    pub(crate) fn new(
        roots: Roots,
        config: Live,
        collectors: Vec<Box<dyn Collector>>,
        process: Box<dyn Collector>,
    ) -> Self {
        Self { roots, config, collectors, process, internals: Vec::new() }
    }

    /// Adds something whose samples are always at hand.
    pub(crate) fn also<T: Encode + Clone + 'static>(mut self, internal: T) -> Self {
        self.internals.push(Box::new(move || Box::new(internal.clone())));
        self
    }

    /// The whole text of this moment.
    pub(crate) fn text(&self, format: Format) -> Result<String, fmt::Error> {
        let mut runs = Vec::with_capacity(self.collectors.len() + 1);
        let mut samples: Vec<Box<dyn Encode>> = vec![Box::new(BuildInfo)];
        for collector in &self.collectors {
            samples.extend(self.asked(collector.as_ref(), &mut runs));
        }
        let process: Vec<_> = self.asked(self.process.as_ref(), &mut runs).into_iter().collect();
        samples.extend(self.internals.iter().map(|internal| internal()));
        samples.push(Box::new(Runs(runs)));

        let mut own = Registry::with_prefix(PREFIX);
        own.register_collector(Box::new(Samples(samples)));
        let mut standard = Registry::default();
        standard.register_collector(Box::new(Samples(process)));

        // A router with four targets has 12 kB.
        let mut text = String::with_capacity(16 * 1024);
        encode_registry(&mut text, &own)?;
        encode_registry(&mut text, &standard)?;
        encode_eof(&mut text)?;
        Ok(match format {
            Format::OpenMetrics => text,
            Format::Text => text_format::from_open_metrics(&text),
        })
    }

    /// Asks one collector; its failure costs its own samples and nothing else.
    fn asked(&self, collector: &dyn Collector, runs: &mut Vec<Run>) -> Option<Box<dyn Encode>> {
        let name = collector.name();
        if self.config.now().is_disabled(name) {
            return None;
        }
        let started = clock::monotonic();
        let result = collector.collect(&self.roots);
        let took = collector
            .reading_took()
            .unwrap_or_else(|| clock::monotonic().saturating_duration_since(started));
        let success = match &result {
            Ok(_) => Some(collector.is_healthy()),
            // What the device has not got cannot fail.
            Err(CollectError::NotAvailable(_)) => None,
            Err(CollectError::Failed(_)) => Some(false),
        };
        runs.push(Run { name, took, success });
        result.ok()
    }
}

struct Samples(Vec<Box<dyn Encode>>);

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} samples", self.0.len())
    }
}

impl Registered for Samples {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Exposition::new(encoder);
        self.0.iter().try_for_each(|sample| sample.encode(&mut out))
    }
}

/// How it went with one collector.
struct Run {
    name: &'static str,
    took: Duration,
    success: Option<bool>,
}

struct Runs(Vec<Run>);

impl Encode for Runs {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        let mut success = out.gauge(
            "collector_success",
            "1 if the collector read its source, 0 if that failed; absent if the device has none",
        );
        for run in &self.0 {
            success.sample(&[("collector", run.name)], run.success)?;
        }
        let mut took =
            out.gauge("collector_duration_seconds", "Time of the collector's last reading");
        for run in &self.0 {
            let seconds = run.success.map(|_| run.took.as_secs_f64());
            took.sample(&[("collector", run.name)], seconds)?;
        }
        Ok(())
    }
}

struct BuildInfo;

impl Encode for BuildInfo {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        let labels = [("version", crate::VERSION), ("revision", crate::REVISION)];
        out.gauge("build_info", "Version of the exporter; always 1").sample(&labels, Some(true))
    }
}
