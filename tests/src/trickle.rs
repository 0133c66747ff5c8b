//! An ordinary log: a few lines a second, now and then an event, and a file that is
//! renamed when it has grown. Written by a thread of its own for as long as it is wanted.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::clock;
use crate::router_log::{Events, Noise, Subject};

/// One line each.
const TICK: Duration = Duration::from_millis(50);
/// An event a minute.
const TICKS_PER_EVENT: u64 = 1200;
/// Ten minutes.
const TICKS_PER_FILE: u64 = 12_000;

/// A log that grows.
pub struct Trickle {
    stop: Arc<AtomicBool>,
    writer: Option<JoinHandle<Result<Written>>>,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written {
    /// Lines, those of events included.
    pub lines: u64,
    /// Events.
    pub events: usize,
}

impl Trickle {
    /// Begins to write into a new file.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn into_file(path: &Path) -> Result<Self> {
        let log = RotatedLog::open(path)?;
        let stop = Arc::new(AtomicBool::new(false));
        let wanted = Arc::clone(&stop);
        let writer = std::thread::spawn(move || write(log, &wanted));
        Ok(Self { stop, writer: Some(writer) })
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it could not write.
    pub fn stop(&mut self) -> Result<Written> {
        self.stop.store(true, Ordering::Relaxed);
        let writer = self.writer.take().context("the log was stopped before")?;
        writer.join().ok().context("the writer of the log failed")?
    }
}

impl Drop for Trickle {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn write(mut log: RotatedLog, stop: &AtomicBool) -> Result<Written> {
    let (mut noise, mut events) = (Noise::default(), Events::of(Subject::Wan));
    let mut text = String::new();
    let start = clock::now();
    let mut lines = 0;
    while !stop.load(Ordering::Relaxed) {
        text.clear();
        lines += 1;
        if lines % TICKS_PER_EVENT == 0 {
            text.push_str(&events.line(clock::unix_ms()).text);
        } else {
            noise.append(&mut text, 1);
        }
        if lines % TICKS_PER_FILE == 0 {
            log.rotate()?;
        }
        log.file.write_all(text.as_bytes()).context("cannot write the log")?;
        clock::wait_until(start + TICK * u32::try_from(lines).unwrap_or(u32::MAX));
    }
    Ok(Written { lines, events: events.given() })
}

/// As syslogd and logrotate do it.
struct RotatedLog {
    path: PathBuf,
    file: File,
}

impl RotatedLog {
    fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file })
    }

    fn rotate(&mut self) -> Result<()> {
        std::fs::rename(&self.path, self.path.with_extension("0")).context("cannot rotate")?;
        *self = Self::open(&self.path)?;
        Ok(())
    }
}
