//! Ourselves: the standard `process_*` metrics.
//!
//! Sources: `/proc/self/{stat,limits,fd}`, proc(5). The names carry no prefix,
//! as every Prometheus client library has them.

use std::fmt;

use super::time::boot_time;
use super::{CollectError, Collector, ParseError};
use crate::exposition::{Encode, Exposition};
use crate::roots::Roots;

/// Clock ticks per second in `/proc`: 100 on every architecture Linux still has.
const TICKS_PER_SECOND: f64 = 100.0;

struct Sample {
    stat: Stat,
    start_unix_seconds: f64,
    open_files: u64,
    max_files: Option<u64>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Stat {
    cpu_seconds: f64,
    threads: u64,
    /// Since the router started.
    started_seconds: f64,
    virtual_bytes: u64,
    resident_pages: u64,
}

/// `12 (name) S 1 …`: the name may hold anything, so fields are counted from its end.
pub(super) fn parse_stat(text: &str) -> Result<Stat, ParseError> {
    let error = || ParseError::new("stat", "the fields of proc(5)", text);
    let (_, fields) = text.rsplit_once(')').ok_or_else(error)?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // proc(5) counts from 1, and the state behind the name is its third.
    let field = |number: usize| -> Result<u64, ParseError> {
        fields.get(number - 3).and_then(|text| text.parse().ok()).ok_or_else(error)
    };
    let seconds = |ticks: u64| ticks as f64 / TICKS_PER_SECOND;
    Ok(Stat {
        cpu_seconds: seconds(field(14)?.saturating_add(field(15)?)),
        threads: field(20)?,
        started_seconds: seconds(field(22)?),
        virtual_bytes: field(23)?,
        resident_pages: field(24)?,
    })
}

/// `Max open files  1024  4096  files`: the first number is in force; it may be
/// `unlimited`.
pub(super) fn parse_max_files(text: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    rest.split_whitespace().next()?.parse().ok()
}

pub(crate) struct Process;

impl Collector for Process {
    fn name(&self) -> &'static str {
        "process"
    }

    fn collect(&self, roots: &Roots) -> Result<Box<dyn Encode>, CollectError> {
        const STAT: &str = "/proc/self/stat";
        let stat = parse_stat(&roots.read(STAT)?).map_err(|error| error.at(STAT))?;
        Ok(Box::new(Sample {
            start_unix_seconds: boot_time(roots)? as f64 + stat.started_seconds,
            open_files: roots.list("/proc/self/fd").len() as u64,
            max_files: parse_max_files(&roots.read("/proc/self/limits")?),
            stat,
        }))
    }
}

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        out.counter("process_cpu_seconds_total", "CPU time of the exporter, user and system")
            .sample(&[], Some(self.stat.cpu_seconds))?;
        let page_bytes = rustix::param::page_size() as u64;
        let mut gauge = |name, help, value| out.gauge(name, help).sample(&[], value);
        gauge("process_open_fds", "Files the exporter holds open", Some(self.open_files))?;
        gauge("process_max_fds", "Files the exporter may open", self.max_files)?;
        gauge(
            "process_resident_memory_bytes",
            "Memory of the exporter",
            Some(self.stat.resident_pages.saturating_mul(page_bytes)),
        )?;
        gauge(
            "process_virtual_memory_bytes",
            "Address space of the exporter",
            Some(self.stat.virtual_bytes),
        )?;
        gauge("process_threads", "Threads of the exporter", Some(self.stat.threads))?;
        out.gauge("process_start_time_seconds", "When the exporter started, seconds since 1970")
            .sample(&[], Some(self.start_unix_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let text = "7 (a) b (c) S 1 7 7 0 -1 4194560 90 0 0 0 150 50 0 0 20 0 3 0 4200 8192000 300";
        let stat = parse_stat(text).unwrap();
        let expected = Stat {
            cpu_seconds: 2.0,
            threads: 3,
            started_seconds: 42.0,
            virtual_bytes: 8_192_000,
            resident_pages: 300,
        };
        assert_eq!(stat, expected);
    }

    #[test]
    fn the_limit_in_force_is_the_first_number() {
        assert_eq!(parse_max_files("Max open files            1024   4096   files\n"), Some(1024));
        assert_eq!(parse_max_files("Max open files   unlimited  unlimited files\n"), None);
    }

    #[test]
    fn our_own_process_is_read() {
        let roots = Roots::new("/");
        assert!(Process.collect(&roots).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9()a-z \n]{0,120}") {
            let _ = parse_stat(&text).is_ok();
        }
    }
}
