//! `/proc/loadavg`: how many processes want the CPU.
//!
//! Format: proc(5), `0.08 0.03 0.01 1/89 1234`.

use std::fmt;

use super::{CollectError, Collector, ParseError};
use crate::exposition::{Encode, Exposition};
use crate::roots::Roots;

const PATH: &str = "/proc/loadavg";

pub(super) struct Sample {
    /// Mean number of runnable processes over the last minute.
    load1: f64,
}

pub(super) fn parse(text: &str) -> Result<Sample, ParseError> {
    let first = text.split_whitespace().next().unwrap_or_default();
    match first.parse::<f64>() {
        Ok(load1) if load1.is_finite() => Ok(Sample { load1 }),
        _ => Err(ParseError::new("first field", "a load average", text)),
    }
}

pub(crate) struct LoadAvg;

impl Collector for LoadAvg {
    fn name(&self) -> &'static str {
        "loadavg"
    }

    fn collect(&self, roots: &Roots) -> Result<Box<dyn Encode>, CollectError> {
        let sample = parse(&roots.read(PATH)?).map_err(|error| error.at(PATH))?;
        Ok(Box::new(sample))
    }
}

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        out.gauge("load1", "Mean number of runnable processes over the last minute (/proc/loadavg)")
            .sample(&[], Some(self.load1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::tests::lines;
    use proptest::prelude::*;

    #[test]
    fn the_first_field_is_the_load() {
        assert_eq!(lines(parse("0.08 0.03 0.01 1/89 1234\n").unwrap()), "load1 0.08\n");
    }

    #[test]
    fn what_is_no_load_is_refused() {
        for text in ["", "abc", "nan 0 0", "inf", "-"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = parse(&text).is_ok();
        }
    }
}
