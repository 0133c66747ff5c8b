//! Our own log: to standard error, where procd, systemd and containers pick it up and
//! put the time before it. The lines are those of tracing-subscriber, which would be 30 kB
//! of the program; nothing here makes spans.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context, Result};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{self, Interest};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::config::LogLevel;

/// Changes the level while the program runs.
pub(crate) struct Telemetry(Arc<AtomicU8>);

impl Telemetry {
    /// Starts the log of this process.
    ///
    /// # Errors
    /// When it has been started before.
    pub(crate) fn start(level: LogLevel) -> Result<Self> {
        let level = Arc::new(AtomicU8::new(level as u8));
        let log = Log {
            level: Arc::clone(&level),
            // A log that nobody reads any more must not end the program.
            write: |line: &str| drop(std::io::stderr().write_all(line.as_bytes())),
        };
        subscriber::set_global_default(log).context("the log cannot be started")?;
        Ok(Self(level))
    }

    /// Follows a reload.
    pub(crate) fn set(&self, level: LogLevel) {
        self.0.store(level as u8, Ordering::Relaxed);
    }
}

struct Log<W> {
    level: Arc<AtomicU8>,
    write: W,
}

impl<W: Fn(&str) + 'static> Subscriber for Log<W> {
    /// Asked each time, since the level changes.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let needed = match *metadata.level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            Level::INFO => LogLevel::Info,
            Level::DEBUG => LogLevel::Debug,
            Level::TRACE => return false,
        };
        metadata.is_event() && needed as u8 <= self.level.load(Ordering::Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{:>5}", event.metadata().level().as_str()));
        event.record(&mut line);
        line.0.push('\n');
        // At once: other threads and programs write to the same place.
        (self.write)(&line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// `LEVEL message field="value"`.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push(' ');
        let written = match field.name() {
            "message" => write!(Harmless(&mut self.0), "{value:?}"),
            name => write!(self.0, "{name}={value:?}"),
        };
        written.expect("a string takes everything");
    }
}

/// What a log told us may hold what makes a terminal act.
struct Harmless<'a>(&'a mut String);

impl fmt::Write for Harmless<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '\x07' | '\x08' | '\x0c' | '\x1b' | '\x7f' => {
                    write!(self.0, "\\x{:02x}", u32::from(character))?;
                }
                '\u{80}'..='\u{9f}' => write!(self.0, "\\u{{{:x}}}", u32::from(character))?,
                _ => self.0.push(character),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing::{debug, error, info, trace, warn};

    use super::*;

    /// What is written of the events that `say` makes.
    fn written(level: LogLevel, say: impl Fn(&Telemetry)) -> String {
        let lines = Arc::new(Mutex::new(String::new()));
        let copy = Arc::clone(&lines);
        let level = Arc::new(AtomicU8::new(level as u8));
        let log = Log {
            level: Arc::clone(&level),
            write: move |line: &str| copy.lock().unwrap().push_str(line),
        };
        subscriber::with_default(log, || say(&Telemetry(level)));
        let lines = lines.lock().unwrap();
        lines.clone()
    }

    #[test]
    fn a_line_is_level_message_and_fields() {
        let lines = written(LogLevel::Debug, |_| {
            let (target, count) = ("a \"b\"", 3);
            error!("without fields");
            warn!(target_host = target, count, "{target}: is forbidden");
            info!("{target}");
            debug!("two\nlines, \x1b[31mred\x07 \u{9b}31m ä");
            trace!("never");
        });
        let expected = "ERROR without fields\n \
            WARN a \"b\": is forbidden target_host=\"a \\\"b\\\"\" count=3\n \
            INFO a \"b\"\n\
            DEBUG two\nlines, \\x1b[31mred\\x07 \\u{9b}31m ä\n";
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_level_changes_while_it_runs() {
        let say = || {
            error!("e");
            warn!("w");
            info!("i");
            debug!("d");
        };
        let lines = written(LogLevel::Off, |telemetry| {
            for level in [LogLevel::Off, LogLevel::Error, LogLevel::Info, LogLevel::Warn] {
                telemetry.set(level);
                say();
            }
        });
        assert_eq!(lines, "ERROR e\nERROR e\n WARN w\n INFO i\nERROR e\n WARN w\n");
    }
}
