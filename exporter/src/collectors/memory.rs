//! `/proc/meminfo`: how much memory is left.
//!
//! Format: proc(5), `MemTotal:  123456 kB`, a line each. `MemAvailable` came with Linux
//! 3.14; without it, free memory, buffers and page cache are the usual estimate.

use std::fmt;

use super::{CollectError, Collector, ParseError};
use crate::exposition::{Encode, Exposition};
use crate::roots::Roots;

const PATH: &str = "/proc/meminfo";

#[derive(Debug, PartialEq)]
pub(super) struct Sample {
    total_bytes: u64,
    /// What programs could still get without swapping.
    available_bytes: Option<u64>,
}

pub(super) fn parse(text: &str) -> Result<Sample, ParseError> {
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        kilobytes.checked_mul(1024)
    };
    let estimate =
        || bytes("MemFree")?.checked_add(bytes("Buffers")?)?.checked_add(bytes("Cached")?);
    Ok(Sample {
        total_bytes: bytes("MemTotal")
            .ok_or_else(|| ParseError::new("MemTotal", "a number of kB", text))?,
        available_bytes: bytes("MemAvailable").or_else(estimate),
    })
}

pub(crate) struct Memory;

impl Collector for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn collect(&self, roots: &Roots) -> Result<Box<dyn Encode>, CollectError> {
        let sample = parse(&roots.read(PATH)?).map_err(|error| error.at(PATH))?;
        Ok(Box::new(sample))
    }
}

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        out.gauge("memory_total_bytes", "Memory of the router (/proc/meminfo MemTotal)")
            .sample(&[], Some(self.total_bytes))?;
        out.gauge(
            "memory_available_bytes",
            "Memory that programs can still get (/proc/meminfo MemAvailable)",
        )
        .sample(&[], self.available_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(u64, Option<u64>)>) {
        let found = parse(text).ok().map(|sample| (sample.total_bytes, sample.available_bytes));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn kilobytes_become_bytes() {
        check("MemTotal: 4 kB\nMemFree: 1 kB\nMemAvailable: 3 kB\n", Some((4096, Some(3072))));
    }

    #[test]
    fn old_kernels_are_estimated() {
        check(
            "MemTotal: 9 kB\nMemFree: 1 kB\nBuffers: 1 kB\nCached: 2 kB\n",
            Some((9216, Some(4096))),
        );
        check("MemTotal: 9 kB\nMemFree: 1 kB\n", Some((9216, None)));
    }

    #[test]
    fn a_cut_or_foreign_file_is_refused() {
        check("", None);
        check("MemTotal:\n", None);
        check("MemTotal: 99999999999999999999 kB\n", None);
        check("MemTotal: 18446744073709551615 kB\n", None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(MemTotal|MemFree|Buffers|Cached|:| |[0-9]|\n){0,60}") {
            let _ = parse(&text).is_ok();
        }
    }
}
