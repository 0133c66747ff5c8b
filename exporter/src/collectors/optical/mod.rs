//! Optical power and health of the fibre transceiver of the WAN.
//!
//! There are several ways to them, tried in the order of [`AUTO`]: the module's EEPROM is
//! exact, the kernel's hwmon chip is coarse, the others belong to vendors; a command of
//! the user's is run only if he names it. Each file here is one of these ways, or reads
//! what came out of it. Called every 30 s on a clock of its own, as a sensor.

mod answer;
mod dbm_text;
mod ethtool_netlink;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod hwmon;
mod light;
mod measured;
mod module_eeprom;
mod readout;
mod sample;
mod sff8472;
mod vendor;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::sensor::{Latest, Sensor};
use super::{CollectError, wan};
use crate::config::{Live, OpticalSource};
use crate::slow_io::SlowIo;
pub(crate) use sample::Sample;

/// Between two readings. Many sticks allow one session at a time and lock the account
/// after quick logins, and a module answers on a bus of 100 kHz while the kernel holds
/// the lock of all network settings.
const PERIOD: Duration = Duration::from_secs(30);

/// The shortest pause, when a reading is wanted at once.
const SHORTEST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause after readings that failed: a login that is refused again and again
/// locks the account, and a stick that starts again takes two minutes.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How long the first reading waits for that of the WAN, which knows the device: a second
/// or two. Without it `hwmon` would answer once, and `eeprom` from then on.
const START_PATIENCE: Duration = Duration::from_secs(5);

/// The ways that `auto` tries.
const AUTO: [OpticalSource; 4] =
    [OpticalSource::Eeprom, OpticalSource::Hwmon, OpticalSource::Gpon, OpticalSource::Ubus];

pub(crate) struct Optical {
    slow: SlowIo,
    config: Live,
    wan: Arc<Latest<wan::Sample>>,
    /// An outage has begun or ended: the light of this moment is evidence.
    wanted: Arc<Notify>,
    /// Has there been light to measure since the start?
    has_answered: AtomicBool,
    /// Failed runs of the user's command, one after the other.
    failures: AtomicU32,
}

impl Optical {
    /// `wanted` is notified when a reading is wanted now.
    pub(crate) fn new(
        slow: SlowIo,
        config: Live,
        wan: Arc<Latest<wan::Sample>>,
        wanted: Arc<Notify>,
    ) -> Self {
        let (has_answered, failures) = (AtomicBool::new(false), AtomicU32::new(0));
        Self { slow, config, wan, wanted, has_answered, failures }
    }

    async fn wait_for_wan(&self) {
        // A device without a WAN may have light all the same.
        timeout(START_PATIENCE, self.wan.begun()).await.ok();
    }

    async fn read_source(&self, source: &OpticalSource) -> Result<Sample, CollectError> {
        let device = self.wan.last_known().and_then(|wan| wan.device.clone());
        match source {
            OpticalSource::Auto => self.read_auto().await,
            OpticalSource::Eeprom => module_eeprom::read(&self.slow, device.as_deref()).await,
            OpticalSource::Hwmon => hwmon::read(&self.slow, device.as_deref()).await,
            OpticalSource::Gpon => vendor::read_gpon(&self.slow).await,
            OpticalSource::Ubus => vendor::read_ubus(self.slow.roots()).await,
            OpticalSource::Command(words) => vendor::read_command(words).await,
            OpticalSource::None => {
                Err(CollectError::NotAvailable("OPTICAL_SOURCE is none".to_owned()))
            }
        }
    }

    /// The first way that answers. If none does, it is a fault only where one is there.
    async fn read_auto(&self) -> Result<Sample, CollectError> {
        let mut missing = Vec::new();
        let mut failed = Vec::new();
        for source in AUTO {
            let name = name(&source);
            // Boxed, since the two functions call each other.
            match Box::pin(self.read_source(&source)).await {
                Ok(sample) => return Ok(sample),
                Err(CollectError::NotAvailable(reason)) => {
                    missing.push(format!("{name}: {reason}"))
                }
                Err(CollectError::Failed(reason)) => failed.push(format!("{name}: {reason}")),
            }
        }
        Err(if failed.is_empty() {
            CollectError::NotAvailable(missing.join("; "))
        } else {
            CollectError::Failed(failed.join("; "))
        })
    }

    /// Keeps what later readings depend on.
    fn remember(&self, source: &OpticalSource, result: &Result<Sample, CollectError>) {
        if result.is_ok() {
            self.has_answered.store(true, Ordering::Relaxed);
        }
        if matches!(source, OpticalSource::Command(_)) && result.is_err() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        } else {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// Is it a fault if nothing answers?
    fn is_expected(&self, source: &OpticalSource) -> bool {
        match source {
            // What has answered once was pulled, or broke.
            OpticalSource::Auto => self.has_answered.load(Ordering::Relaxed),
            OpticalSource::None => false,
            // The user says that it is there.
            OpticalSource::Eeprom
            | OpticalSource::Hwmon
            | OpticalSource::Gpon
            | OpticalSource::Ubus
            | OpticalSource::Command(_) => true,
        }
    }
}

/// What each way gives on this device, or why it does not, for `doctor`.
pub(crate) async fn survey(
    slow: &SlowIo,
    live: &Live,
    wan: &Arc<Latest<wan::Sample>>,
) -> Vec<(String, Result<String, CollectError>)> {
    let optical = Optical::new(slow.clone(), live.clone(), Arc::clone(wan), Arc::default());
    let chosen = live.now().optical_source.clone();
    let mut sources = AUTO.to_vec();
    if let OpticalSource::Command(_) = chosen {
        sources.push(chosen);
    }
    let mut found = Vec::new();
    for source in sources {
        let result = optical.read_source(&source).await;
        found.push((name(&source).to_owned(), result.map(|sample| sample.to_string())));
    }
    found
}

impl Sensor for Optical {
    const NAME: &'static str = "optical";
    const MAX_AGE: Duration = Duration::from_secs(120);
    type Sample = Sample;

    async fn read(&self) -> Result<Sample, CollectError> {
        self.wait_for_wan().await;
        let source = self.config.now().optical_source.clone();
        let result = self.read_source(&source).await;
        self.remember(&source, &result);
        match result {
            Err(CollectError::NotAvailable(reason)) if self.is_expected(&source) => {
                Err(CollectError::Failed(reason))
            }
            result => result,
        }
    }

    async fn due(&self) {
        let failures = self.failures.load(Ordering::Relaxed);
        tokio::select! {
            () = sleep(pause(failures)) => {}
            // What fails is left alone.
            () = async {
                sleep(SHORTEST_PAUSE).await;
                self.wanted.notified().await;
            }, if failures == 0 => {}
        }
    }
}

/// The name in settings, and the label `source` of what it gives.
fn name(source: &OpticalSource) -> &'static str {
    match source {
        OpticalSource::Auto => "auto",
        OpticalSource::Eeprom => "eeprom",
        OpticalSource::Hwmon => "hwmon",
        OpticalSource::Gpon => "gpon",
        OpticalSource::Ubus => "ubus",
        OpticalSource::Command(_) => "command",
        OpticalSource::None => "none",
    }
}

/// How long to wait after so many failures in a row: twice as long after each.
fn pause(failures: u32) -> Duration {
    let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
    PERIOD.saturating_mul(factor).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests;
