//! How a sample becomes lines of `/metrics`.
//!
//! A thin layer over prometheus-client's encoder: metric names are written whole (so
//! that a name seen in Grafana can be found in the code), a family without samples
//! leaves no trace, and what is not a finite number is never printed.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;

/// Something that has samples to show.
pub(crate) trait Encode: Send + Sync {
    /// Writes the samples; an absent value is left out, never written as 0.
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result;
}

impl<T: Encode + ?Sized> Encode for Box<T> {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        self.as_ref().encode(out)
    }
}

/// Labels of one sample.
pub(crate) type Labels<'a> = &'a [(&'a str, &'a str)];

/// Where samples are written to.
pub(crate) struct Exposition<'e>(DescriptorEncoder<'e>);

impl<'e> Exposition<'e> {
    pub(crate) fn new(encoder: DescriptorEncoder<'e>) -> Self {
        Self(encoder)
    }

    /// A value that goes up and down.
    pub(crate) fn gauge<'a>(&'a mut self, name: &'a str, help: &'a str) -> Family<'a, 'e> {
        Family::new(&mut self.0, name, help, MetricType::Gauge)
    }

    /// A value that only grows; `name` ends in `_total`.
    pub(crate) fn counter<'a>(&'a mut self, name: &'a str, help: &'a str) -> Family<'a, 'e> {
        debug_assert!(name.ends_with("_total"), "{name}: a counter's name ends in _total");
        // prometheus-client puts the suffix back.
        let stem = name.strip_suffix("_total").unwrap_or(name);
        Family::new(&mut self.0, stem, help, MetricType::Counter)
    }

    /// Observations counted in buckets.
    pub(crate) fn histogram<'a>(&'a mut self, name: &'a str, help: &'a str) -> Family<'a, 'e> {
        Family::new(&mut self.0, name, help, MetricType::Histogram)
    }
}

/// A number as the kernel or a sensor gave it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    Integer(u64),
    Real(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

/// One metric and its samples, with the header written before the first of them.
pub(crate) struct Family<'a, 'e> {
    state: State<'a, 'e>,
    name: &'a str,
    help: &'a str,
    kind: MetricType,
}

enum State<'a, 'e> {
    Unopened(&'a mut DescriptorEncoder<'e>),
    Open(MetricEncoder<'a>),
    Failed,
}

impl<'a, 'e> Family<'a, 'e> {
    fn new(
        encoder: &'a mut DescriptorEncoder<'e>,
        name: &'a str,
        help: &'a str,
        kind: MetricType,
    ) -> Self {
        Self { state: State::Unopened(encoder), name, help, kind }
    }

    fn opened(&mut self) -> Result<&mut MetricEncoder<'a>, fmt::Error> {
        self.state = match std::mem::replace(&mut self.state, State::Failed) {
            State::Unopened(encoder) => {
                State::Open(encoder.encode_descriptor(self.name, self.help, None, self.kind)?)
            }
            open => open,
        };
        match &mut self.state {
            State::Open(encoder) => Ok(encoder),
            State::Unopened(_) | State::Failed => Err(fmt::Error),
        }
    }

    /// Adds a sample, unless there is no value or it is not a finite number.
    pub(crate) fn sample(
        &mut self,
        labels: Labels<'_>,
        value: Option<impl Into<Value>>,
    ) -> fmt::Result {
        let value = match value.map(Into::into) {
            None => return Ok(()),
            Some(Value::Real(real)) if !real.is_finite() => return Ok(()),
            Some(value) => value,
        };
        let kind = self.kind;
        let encoder = self.opened()?;
        if labels.is_empty() {
            write_value(encoder, kind, value)
        } else {
            write_value(&mut encoder.encode_family(&labels)?, kind, value)
        }
    }

    /// Adds the observations of one histogram: `buckets` are upper bound and count of
    /// each bucket by itself, the last bound is infinite.
    pub(crate) fn observations(
        &mut self,
        labels: Labels<'_>,
        sum: f64,
        buckets: &[(f64, u64)],
    ) -> fmt::Result {
        let count = buckets.iter().map(|(_, count)| count).sum();
        self.opened()?
            .encode_family(&labels)?
            .encode_histogram::<NoLabelSet>(sum, count, buckets, None)
    }
}

fn write_value(encoder: &mut MetricEncoder<'_>, kind: MetricType, value: Value) -> fmt::Result {
    const NO_EXEMPLAR: Option<&Exemplar<NoLabelSet, f64>> = None;
    match (kind, value) {
        (MetricType::Counter, Value::Integer(count)) => encoder.encode_counter(&count, NO_EXEMPLAR),
        (MetricType::Counter, Value::Real(sum)) => encoder.encode_counter(&sum, NO_EXEMPLAR),
        (_, Value::Integer(value)) => encoder.encode_gauge(&value),
        (_, Value::Real(value)) => encoder.encode_gauge(&value),
    }
}

/// For tests and fuzzers: what a sample looks like in `/metrics`.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod shown {
    use super::*;
    use prometheus_client::collector::Collector;
    use prometheus_client::registry::Registry;

    struct Shown<T>(T);

    impl<T> fmt::Debug for Shown<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Shown")
        }
    }

    impl<T: Encode + 'static> Collector for Shown<T> {
        fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
            self.0.encode(&mut Exposition::new(encoder))
        }
    }

    /// Without headers and prefix.
    pub(crate) fn lines(sample: impl Encode + 'static) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Shown(sample)));
        let mut text = String::new();
        prometheus_client::encoding::text::encode_registry(&mut text, &registry)
            .expect("memory can be written");
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .fold(String::new(), |all, line| all + line + "\n")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    pub(crate) use super::shown::lines;
    use super::*;

    struct Mixed;

    impl Encode for Mixed {
        fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
            out.gauge("nothing", "Never there").sample(&[], None::<f64>)?;
            out.gauge("light_dbm", "No light").sample(&[], Some(f64::NEG_INFINITY))?;
            out.counter("drops_total", "Drops").sample(&[("device", "a\"b\\c\nd")], Some(3_u64))?;
            let mut seen = out.gauge("seen", "Two of them");
            seen.sample(&[("n", "1")], Some(true))?;
            seen.sample(&[("n", "2")], Some(0.25))
        }
    }

    #[test]
    fn absent_and_infinite_values_leave_no_trace() {
        assert_eq!(
            lines(Mixed),
            "drops_total{device=\"a\\\"b\\\\c\\nd\"} 3\nseen{n=\"1\"} 1\nseen{n=\"2\"} 0.25\n"
        );
    }
}
