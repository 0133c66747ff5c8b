//! Carrier and speed of the WAN's devices.
//!
//! Sources: `/sys/class/net/<device>/{carrier,speed}` (kernel, Documentation/ABI/testing/
//! sysfs-class-net). Both ask the driver under a lock that a hanging driver holds for
//! ever, so they are read on their own clock. `carrier` answers EINVAL while the device
//! is down, and `speed` -1 where there is none.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::sensor::{Latest, Sensor};
use super::{CollectError, netdev, wan};
use crate::config::Live;
use crate::exposition::{Encode, Exposition};
use crate::slow_io::SlowIo;

/// Between two readings: flaps in between are counted by the kernel anyway.
const PERIOD: Duration = Duration::from_secs(5);

pub(crate) struct Sample {
    devices: Vec<Device>,
}

struct Device {
    name: String,
    carrier: Option<bool>,
    speed_bytes: Option<u64>,
}

pub(super) fn parse_carrier(text: &str) -> Option<bool> {
    match text.trim() {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

/// Megabits per second, in bytes per second.
pub(super) fn parse_speed(text: &str) -> Option<u64> {
    let megabits: u64 = text.trim().parse().ok()?;
    // Some drivers print -1 as an unsigned number.
    (1..=10_000_000).contains(&megabits).then(|| megabits * 125_000)
}

pub(crate) struct Link {
    slow: SlowIo,
    config: Live,
    wan: Arc<Latest<wan::Sample>>,
}

impl Link {
    pub(crate) fn new(slow: SlowIo, config: Live, wan: Arc<Latest<wan::Sample>>) -> Self {
        Self { slow, config, wan }
    }

    /// The text of a file. A device that is down or has no speed answers with an error,
    /// which is no evidence; one that hangs is a fault.
    async fn told(&self, path: String) -> Result<Option<String>, CollectError> {
        let (roots, name) = (self.slow.roots().clone(), path.clone());
        Ok(self.slow.run(&name, move || roots.read_patiently(&path)).await?.ok())
    }
}

impl Sensor for Link {
    const NAME: &'static str = "link";
    const MAX_AGE: Duration = Duration::from_secs(30);
    type Sample = Sample;

    async fn read(&self) -> Result<Sample, CollectError> {
        self.wan.begun().await;
        let mut devices = Vec::new();
        for name in netdev::devices(&self.config, &self.wan) {
            let folder = format!("/sys/class/net/{name}");
            if !self.slow.roots().has(&folder) {
                continue;
            }
            let carrier = self.told(format!("{folder}/carrier")).await?;
            let speed = self.told(format!("{folder}/speed")).await?;
            devices.push(Device {
                name,
                carrier: carrier.and_then(|text| parse_carrier(&text)),
                speed_bytes: speed.and_then(|text| parse_speed(&text)),
            });
        }
        if devices.is_empty() {
            return Err(CollectError::NotAvailable("no device of the WAN is there".to_owned()));
        }
        Ok(Sample { devices })
    }

    async fn due(&self) {
        tokio::time::sleep(PERIOD).await;
    }
}

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        let mut carrier = out.gauge("interface_carrier", "1 if the device has a signal (carrier)");
        for device in &self.devices {
            carrier.sample(&[("device", &device.name)], device.carrier)?;
        }
        let mut speed = out.gauge("interface_speed_bytes", "Speed of the link, bytes per second");
        for device in &self.devices {
            speed.sample(&[("device", &device.name)], device.speed_bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn speed_is_in_bytes_and_absent_when_the_driver_has_none() {
        assert_eq!(parse_speed("1000\n"), Some(125_000_000));
        for text in ["-1", "0", "4294967295", "18446744073709551615", "", "fast"] {
            assert_eq!(parse_speed(text), None, "{text}");
        }
    }

    #[test]
    fn carrier_is_yes_no_or_not_told() {
        assert_eq!(parse_carrier("1\n"), Some(true));
        assert_eq!(parse_carrier("0\n"), Some(false));
        assert_eq!(parse_carrier(""), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_not_told(text in "[-0-9a-z \n]{0,30}") {
            parse_carrier(&text);
            prop_assert_ne!(parse_speed(&text), Some(0));
        }
    }
}
