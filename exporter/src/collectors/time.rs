//! The clock: what time it is, since when the router runs, and whether a time service
//! keeps it.
//!
//! Sources: `/proc/stat` `btime` (proc(5)) and the kernel's `adjtimex`. Routers without
//! a battery clock boot with a wrong time, so a reader needs to know whether to believe it.

use std::fmt;

use super::{CollectError, Collector, ParseError};
use crate::clock;
use crate::exposition::{Encode, Exposition};
use crate::roots::Roots;

const PATH: &str = "/proc/stat";

struct Sample {
    unix_seconds: f64,
    boot_unix_seconds: u64,
    synchronized: Option<bool>,
}

/// The line `btime 1739300000`; it stands behind the interrupt counts, so near the end.
pub(super) fn parse_boot_time(text: &str) -> Result<u64, ParseError> {
    text.lines()
        .rev()
        .find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
        .ok_or_else(|| ParseError::new("btime", "seconds since 1970", text))
}

/// When the device started, in seconds since 1970 by its wall clock.
pub(super) fn boot_time(roots: &Roots) -> Result<u64, CollectError> {
    parse_boot_time(&roots.read(PATH)?).map_err(|error| error.at(PATH))
}

pub(crate) struct Time;

impl Collector for Time {
    fn name(&self) -> &'static str {
        "time"
    }

    fn collect(&self, roots: &Roots) -> Result<Box<dyn Encode>, CollectError> {
        Ok(Box::new(Sample {
            unix_seconds: clock::unix_time().as_secs_f64(),
            boot_unix_seconds: boot_time(roots)?,
            synchronized: clock::is_synchronized(roots),
        }))
    }
}

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        out.gauge("time_seconds", "The router's wall clock, seconds since 1970")
            .sample(&[], Some(self.unix_seconds))?;
        out.gauge("time_synced", "1 if a time service keeps the clock (adjtimex, not STA_UNSYNC)")
            .sample(&[], self.synchronized)?;
        out.gauge("boot_time_seconds", "When the router started, seconds since 1970 (/proc/stat)")
            .sample(&[], Some(self.boot_unix_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_boot_time_is_found_behind_the_interrupts() {
        let text = "cpu 1 2 3\nintr 5 0 0\nctxt 9\nbtime 1739300000\nprocesses 7\n";
        assert_eq!(parse_boot_time(text), Ok(1_739_300_000));
        for text in ["", "btime", "btime x", "abtime 5"] {
            assert!(parse_boot_time(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(btime|[0-9 \n]){0,40}") {
            let _ = parse_boot_time(&text).is_ok();
        }
    }
}
