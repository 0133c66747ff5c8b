//! What a process uses, from `/proc/PID` (proc(5), Documentation/scheduler/sched-stats).
//!
//! Two clocks, because neither is enough: `schedstat` counts nanoseconds, but of living
//! threads only; `stat` counts the threads that have ended too, in steps of 10 ms.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

/// Memory of a process in kB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Resident, shared pages counted in full.
    pub rss_kb: u64,
    /// Resident, shared pages divided by their users.
    pub pss_kb: u64,
    /// Its own, and not as on disk. Of a file written just now, that is all of it.
    pub private_dirty_kb: u64,
    /// What it allocated.
    pub anonymous_kb: u64,
}

/// Time of the living threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scheduled {
    /// On a core.
    pub ran: Duration,
    /// Ready, while others had the core.
    pub waited: Duration,
}

/// Reads the figures of one process.
#[derive(Debug, Clone)]
pub struct Usage {
    folder: PathBuf,
}

impl Usage {
    /// Of the process with this id.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        Self { folder: Path::new("/proc").join(pid.to_string()) }
    }

    /// Memory now.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn memory(&self) -> Result<Memory> {
        self.parsed("smaps_rollup", parse_smaps_rollup)
    }

    /// The most resident memory so far, in kB.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn peak_rss_kb(&self) -> Result<u64> {
        self.parsed("status", |text| kb(text, "VmHWM:"))
    }

    /// CPU time so far to the nanosecond, without threads that have ended.
    ///
    /// # Errors
    /// When the process is gone, or the kernel keeps no `schedstat`.
    pub fn scheduled(&self) -> Result<Scheduled> {
        self.parsed("schedstat", parse_schedstat)?;
        let mut sum = Scheduled::default();
        for task in self.listed("task")? {
            // A thread may end while we look.
            let text = std::fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            let thread = parse_schedstat(&text).unwrap_or_default();
            sum.ran += thread.ran;
            sum.waited += thread.waited;
        }
        Ok(sum)
    }

    /// CPU time so far in steps of 10 ms, with threads that have ended.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn cpu_time(&self) -> Result<Duration> {
        let ticks = self.parsed("stat", parse_stat)?;
        Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
    }

    /// Threads now.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn threads(&self) -> Result<usize> {
        Ok(self.listed("task")?.count())
    }

    /// Open file descriptors now.
    ///
    /// # Errors
    /// When the process is gone or belongs to another user.
    pub fn open_files(&self) -> Result<usize> {
        Ok(self.listed("fd")?.count())
    }

    /// Those of them that are sockets.
    ///
    /// # Errors
    /// When the process is gone or belongs to another user.
    pub fn sockets(&self) -> Result<usize> {
        let is_socket = |file: std::io::Result<std::fs::DirEntry>| {
            // One that was closed meanwhile is none.
            let target = file.and_then(|file| std::fs::read_link(file.path()));
            target.is_ok_and(|target| target.as_os_str().as_encoded_bytes().starts_with(b"socket:"))
        };
        Ok(self.listed("fd")?.map(is_socket).filter(|is_socket| *is_socket).count())
    }

    fn listed(&self, folder: &str) -> Result<std::fs::ReadDir> {
        let path = self.folder.join(folder);
        std::fs::read_dir(&path).with_context(|| format!("cannot list {}", path.display()))
    }

    fn parsed<T>(&self, file: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
        let path = self.folder.join(file);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        parse(&text).with_context(|| format!("{}: not understood: {text:?}", path.display()))
    }
}

fn kb(text: &str, field: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(field))?;
    value.strip_suffix("kB")?.trim().parse().ok()
}

fn parse_smaps_rollup(text: &str) -> Option<Memory> {
    let kb = |field| kb(text, field);
    Some(Memory {
        rss_kb: kb("Rss:")?,
        pss_kb: kb("Pss:")?,
        private_dirty_kb: kb("Private_Dirty:")?,
        anonymous_kb: kb("Anonymous:")?,
    })
}

fn parse_schedstat(text: &str) -> Option<Scheduled> {
    let mut fields = text.split_whitespace().map(|field| field.parse().map(Duration::from_nanos));
    Some(Scheduled { ran: fields.next()?.ok()?, waited: fields.next()?.ok()? })
}

/// `utime` and `stime`, fields 14 and 15. The name in field 2 may contain anything.
fn parse_stat(text: &str) -> Option<u64> {
    let mut fields = text.rsplit_once(") ")?.1.split(' ').skip(14 - 3);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_found_by_name() {
        let text = "00400000-7fff9edb6000 ---p 00000000 00:00 0      [rollup]\n\
                    Rss:               18960 kB\nPss:               17601 kB\n\
                    Pss_Dirty:          5480 kB\nShared_Dirty:          0 kB\n\
                    Private_Clean:     11996 kB\nPrivate_Dirty:      5481 kB\n\
                    Anonymous:          5482 kB\n";
        assert_eq!(
            parse_smaps_rollup(text),
            Some(Memory {
                rss_kb: 18960,
                pss_kb: 17601,
                private_dirty_kb: 5481,
                anonymous_kb: 5482
            })
        );
        assert_eq!(parse_smaps_rollup("Rss: 12 kB\n"), None);
    }

    #[test]
    fn schedstat_has_time_on_and_off_the_core() {
        let (ran, waited) = (Duration::from_nanos(7_693_693), Duration::from_nanos(4_972_656));
        assert_eq!(parse_schedstat("7693693 4972656 33\n"), Some(Scheduled { ran, waited }));
        assert_eq!(parse_schedstat(""), None);
    }

    #[test]
    fn the_name_may_look_like_fields() {
        let text = "3534 (a) S 1 (b) S 3532 3532 31503 0 -1 4194560 304 0 1 0 12 30 0 0 20 0 2 0 4";
        assert_eq!(parse_stat(text), Some(42));
        assert_eq!(parse_stat("3534 (a) S 1 2"), None);
    }

    #[test]
    fn our_own_figures_can_be_read() {
        let own = Usage::of(std::process::id());
        let memory = own.memory().unwrap();
        assert!(memory.rss_kb >= memory.anonymous_kb && memory.rss_kb > 100);
        assert!(own.peak_rss_kb().unwrap() > 100);
        assert!(own.scheduled().unwrap().ran > Duration::ZERO);
        assert!(own.threads().unwrap() >= 1 && own.open_files().unwrap() >= 3);
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!((1..own.open_files().unwrap()).contains(&own.sockets().unwrap()));
        drop(socket);
        own.cpu_time().unwrap();
    }

    #[test]
    fn a_process_that_is_gone_is_named() {
        let error = Usage::of(u32::MAX).memory().unwrap_err();
        assert_eq!(error.to_string(), "cannot read /proc/4294967295/smaps_rollup");
    }
}
