//! This process: how many files it may open, and `process_*` as every Prometheus client library
//! shows it, from `/proc/self` (proc(5)). What cannot be read is left out.

use std::fmt::Debug;

use procfs::process::{LimitValue, Process};
use procfs::{CurrentSI, WithCurrentSystemInfo, ticks_per_second};
use prometheus_client::encoding::EncodeMetric;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// As many open files as the system lets us have: each router holds a connection, and shells hand
/// on a limit of 1,024 for the sake of programs from the days of select(2).
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        warn!("the limit of open files stays as it is: {error}; for many routers see `ulimit -n`");
    }
}

/// Registers them with the values of now.
pub(crate) fn register(registry: &mut Registry) {
    let Ok(process) = Process::myself() else { return };
    let own = registry.sub_registry_with_prefix("process");
    if let Ok(stat) = process.stat() {
        let seconds = (stat.utime + stat.stime) as f64 / ticks_per_second() as f64;
        add(
            own,
            "cpu_seconds",
            "CPU time of the bridge, user and system",
            ConstCounter::new(seconds),
        );
        add(own, "threads", "Threads of the bridge", ConstGauge::new(stat.num_threads));
        let resident = ConstGauge::new(stat.rss_bytes().get());
        add(own, "resident_memory_bytes", "Memory of the bridge", resident);
        let virtual_memory = ConstGauge::new(stat.vsize);
        add(own, "virtual_memory_bytes", "Address space of the bridge", virtual_memory);
        if let Ok(boot) = procfs::KernelStats::current() {
            let start = boot.btime as f64 + stat.starttime as f64 / ticks_per_second() as f64;
            let help = "When the bridge started, seconds since 1970";
            add(own, "start_time_seconds", help, ConstGauge::new(start));
        }
    }
    if let Ok(open) = process.fd_count() {
        add(own, "open_fds", "Files the bridge holds open", ConstGauge::new(open as u64));
    }
    if let Ok(limits) = process.limits()
        && let LimitValue::Value(most) = limits.max_open_files.soft_limit
    {
        add(own, "max_fds", "Files the bridge may open", ConstGauge::new(most));
    }
}

fn add(
    own: &mut Registry,
    name: &str,
    help: &str,
    value: impl EncodeMetric + Debug + Send + Sync + 'static,
) {
    own.register(name, help, value);
}
