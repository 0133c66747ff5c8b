//! Our own log: to standard error, where procd, systemd and containers pick it up and
//! put the time before it.

use anyhow::{Context, Result};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

use crate::config::LogLevel;

/// Changes the level while the program runs.
pub(crate) struct Telemetry(reload::Handle<LevelFilter, Registry>);

impl Telemetry {
    /// Starts the log of this process.
    ///
    /// # Errors
    /// When it has been started before.
    pub(crate) fn start(level: LogLevel) -> Result<Self> {
        let (level, handle) = reload::Layer::new(filter(level));
        let lines = fmt::layer().with_writer(std::io::stderr).without_time().with_target(false);
        tracing_subscriber::registry()
            .with(level)
            .with(lines)
            .try_init()
            .context("the log cannot be started")?;
        Ok(Self(handle))
    }

    /// Follows a reload.
    ///
    /// # Errors
    /// When the log is gone.
    pub(crate) fn set(&self, level: LogLevel) -> Result<()> {
        Ok(self.0.reload(filter(level))?)
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    }
}
