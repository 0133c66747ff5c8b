//! `status`: measures once and prints what `/net/status` answers.
//!
//! Beside a program that runs: its queue is shown, and left alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::timeout;

use crate::config::{Config, Live, LogSource};
use crate::exporter::Exporter;
use crate::http::legacy_status;
use crate::roots::Roots;

/// How long to wait for the first pings and sensors.
const FIRST_READINGS: Duration = Duration::from_secs(5);

/// Measures, and says what `/net/status` would answer.
///
/// # Errors
/// When there is no place for a copy of the queue.
pub(crate) async fn measure(roots: &Roots, mut config: Config) -> Result<String> {
    let copy = QueueCopy::of(&config.queue_file)?;
    config.queue_file = copy.file();
    config.log_sources = vec![LogSource::None];
    let (_keep, live) = Live::new(config);
    let exporter = Exporter::start(roots, &live);
    let readings = exporter.views.first_readings();
    // What has not come by then is shown as absent.
    timeout(FIRST_READINGS, readings).await.ok();
    Ok(legacy_status::pretty(&exporter.views)?)
}

/// The files of a queue in a folder of our own, removed at the end.
struct QueueCopy(PathBuf);

impl QueueCopy {
    fn of(queue: &Path) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("netmonitor-status.{}", std::process::id()));
        std::fs::create_dir(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let copy = Self(folder);
        for suffix in ["", ".state"] {
            let with_suffix = |path: &Path| {
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                PathBuf::from(name)
            };
            let from = with_suffix(queue);
            // A queue that is not there, or is no file, has no events.
            if from.is_file() {
                std::fs::copy(&from, with_suffix(&copy.file())).ok();
            }
        }
        Ok(copy)
    }

    fn file(&self) -> PathBuf {
        self.0.join("events.json")
    }
}

impl Drop for QueueCopy {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
