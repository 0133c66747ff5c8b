//! Temperature of the CPU.
//!
//! A device has many sensors, few of them are the CPU's, and reading one can hang in its
//! driver; so this is a sensor with its own clock. `candidate.rs` finds and ranks what
//! is there, here the choice is made. Kernels with `CONFIG_THERMAL_HWMON` show each
//! thermal zone a second time as a hwmon chip, which is never counted twice. Nothing is
//! remembered between two readings: zones are numbered anew when drivers come and go,
//! and asking for a name reads no hardware.

pub(super) mod candidate;

use std::fmt;
use std::time::Duration;

use super::CollectError;
use super::sensor::Sensor;
use crate::config::{Live, TempSource};
use crate::exposition::{Encode, Exposition};
use crate::slow_io::SlowIo;
use candidate::{Candidate, Rank};

/// Between two readings: a CPU warms up within seconds, and the read is cheap.
const PERIOD: Duration = Duration::from_secs(5);

/// The CPU's temperature.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// Which sensor was chosen: type of the zone, name and label of the hwmon chip, or
    /// the path the user gave.
    pub(crate) sensor: String,
    /// −40 to 150.
    pub(crate) celsius: f64,
}

pub(crate) struct Thermal {
    slow: SlowIo,
    config: Live,
}

impl Thermal {
    pub(crate) fn new(slow: SlowIo, config: Live) -> Self {
        Self { slow, config }
    }
}

impl Sensor for Thermal {
    const NAME: &'static str = "thermal";
    const MAX_AGE: Duration = Duration::from_secs(30);
    type Sample = Sample;

    async fn read(&self) -> Result<Sample, CollectError> {
        let config = self.config.now();
        match &config.temp_source {
            TempSource::Auto => read_auto(&self.slow).await,
            TempSource::Named(name) => read_named(&self.slow, name).await,
            TempSource::Path(path) => read_path(&self.slow, path).await,
            TempSource::None => Err(CollectError::NotAvailable("TEMP_SOURCE is none".to_owned())),
        }
    }

    async fn due(&self) {
        tokio::time::sleep(PERIOD).await;
    }
}

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        out.gauge("cpu_temperature_celsius", "Temperature of the CPU, from the sensor chosen")
            .sample(&[("sensor", &self.sensor)], Some(self.celsius))
    }
}

/// The best sensor of this device.
async fn read_auto(slow: &SlowIo) -> Result<Sample, CollectError> {
    let mut all = candidate::zones(slow.roots());
    all.extend(candidate::chips(slow.roots(), |name| matches!(name, "coretemp" | "k10temp")));
    let ranked = all.iter().filter_map(|one| Some((one.rank()?, one))).collect();
    read_first(slow, ranked).await?.ok_or_else(|| {
        CollectError::NotAvailable(if all.is_empty() {
            "no temperature sensor of a CPU".to_owned()
        } else {
            let names = names(&all);
            format!("none of these is known to be the CPU's: {names}; TEMP_SOURCE can name one")
        })
    })
}

/// The sensor the user has named. Unlike with `auto`, it is a fault that it is missing.
async fn read_named(slow: &SlowIo, wanted: &str) -> Result<Sample, CollectError> {
    let mut all = candidate::zones(slow.roots());
    if !all.iter().any(|zone| zone.is_called(wanted)) {
        all.extend(candidate::chips(slow.roots(), |_| true));
    }
    let named = all.iter().enumerate().filter(|(_, one)| one.is_called(wanted));
    let ranked =
        named.map(|(at, one)| (one.rank().unwrap_or_else(|| Rank::unlisted(at)), one)).collect();
    read_first(slow, ranked).await.map_err(as_fault)?.ok_or_else(|| {
        let names = names(&all);
        CollectError::Failed(format!(
            "TEMP_SOURCE \"{wanted}\": no thermal zone has this type and no hwmon chip this name; \
             there are: {}",
            if names.is_empty() { "none" } else { &names }
        ))
    })
}

/// The file the user has named.
async fn read_path(slow: &SlowIo, path: &str) -> Result<Sample, CollectError> {
    let celsius = candidate::read_celsius(slow, path).await.map_err(as_fault)?;
    Ok(Sample { sensor: path.to_owned(), celsius })
}

/// What the user has chosen has to work.
fn as_fault(error: CollectError) -> CollectError {
    let (CollectError::NotAvailable(reason) | CollectError::Failed(reason)) = error;
    CollectError::Failed(format!("TEMP_SOURCE: {reason}"))
}

/// The temperature of the first rank that gives one; `None`: no sensor is there.
async fn read_first(
    slow: &SlowIo,
    mut ranked: Vec<(Rank, &Candidate)>,
) -> Result<Option<Sample>, CollectError> {
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut failures = Vec::new();
    let mut absent = Vec::new();
    for parts in ranked.chunk_by(|(one, _), (other, _)| one == other) {
        let mut hottest: Option<Sample> = None;
        for (_, part) in parts {
            match part.read(slow).await {
                Ok(celsius) if hottest.as_ref().is_none_or(|most| most.celsius < celsius) => {
                    hottest = Some(Sample { sensor: part.sensor(), celsius });
                }
                Ok(_) => {} // cooler
                Err(CollectError::NotAvailable(reason)) => absent.push(format!("{part}: {reason}")),
                Err(CollectError::Failed(reason)) => failures.push(format!("{part}: {reason}")),
            }
        }
        if hottest.is_some() {
            return Ok(hottest);
        }
    }
    if !failures.is_empty() {
        failures.append(&mut absent);
        return Err(CollectError::Failed(failures.join("; ")));
    }
    if !absent.is_empty() {
        return Err(CollectError::NotAvailable(absent.join("; ")));
    }
    Ok(None)
}

fn names(all: &[Candidate]) -> String {
    let mut names: Vec<&str> = all.iter().map(Candidate::name).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// Every temperature of this device and what it gives, for `doctor`. A zone that is
/// shown as a chip too is listed once.
pub(crate) async fn survey(slow: &SlowIo) -> Vec<(String, Result<f64, CollectError>)> {
    let zones = candidate::zones(slow.roots());
    let is_zone = |name: &str| zones.iter().any(|zone| zone.is_called(name));
    let chips = candidate::chips(slow.roots(), |name| !is_zone(name));
    let mut found = Vec::new();
    for candidate in zones.iter().chain(&chips) {
        found.push((candidate.to_string(), candidate.read(slow).await));
    }
    found
}

#[cfg(test)]
mod tests;
