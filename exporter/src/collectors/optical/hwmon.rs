//! The kernel's own reading of an SFP module: a hwmon chip named `sfp…`.
//!
//! Source: Linux `drivers/net/phy/sfp.c` (4.19 and later). Each value has a label file;
//! power is in µW, temperature in thousandths of a degree, voltage in mV, current in mA.
//!
//! **Coarse**: the kernel rounds power to whole µW. At the levels of a PON that is next
//! to nothing: a 2 stands for −28.2 to −26.0 dBm, and what is below −33 dBm is 0. So the
//! EEPROM is asked first, and what comes from here says `source="hwmon"`. The kernel
//! leaves `RX_power` out for externally calibrated modules, and the whole chip for those
//! that must be read byte by byte.

use std::collections::BTreeMap;

use super::light::Light;
use super::module_eeprom::hardware;
use super::sample::{Sample, Thresholds};
use super::sff8472::{PLAUSIBLE_AMPERES, PLAUSIBLE_CELSIUS, PLAUSIBLE_VOLTS};
use crate::collectors::{CollectError, ParseError};
use crate::roots::Roots;
use crate::slow_io::SlowIo;

const CHIPS: &str = "/sys/class/hwmon";
const DEVICES: &str = "/sys/class/net";

/// A chip of the SFP driver. Its number is another one after each start.
struct Chip {
    folder: String,
    name: String,
    /// Label of a value to the beginning of its files: `RX_power` to `power2`.
    stems: BTreeMap<String, String>,
}

/// A whole number as hwmon writes it.
fn parse(text: &str) -> Result<f64, ParseError> {
    let number: Result<i64, _> = text.trim().parse();
    // No value of a module is near 2⁵³, where f64 would start to round.
    number.map(|number| number as f64).map_err(|_| ParseError::new("value", "a number", text))
}

/// Reads the module of `device`, the lower device of the WAN.
///
/// # Errors
/// `NotAvailable` when there is no module, or none that belongs to the WAN.
pub(super) async fn read(slow: &SlowIo, device: Option<&str>) -> Result<Sample, CollectError> {
    let chip = choose(slow.roots(), chips(slow.roots()), device)?;
    let receive = chip.value(slow, "RX_power", "input").await?;
    let transmit = chip.value(slow, "TX_power", "input").await?;
    if receive.is_none() && transmit.is_none() {
        // Pulled between being listed and being read.
        let reason = format!("the module in {} is gone", chip.name);
        return Err(CollectError::NotAvailable(reason));
    }
    // Whatever else cannot be read or is nonsense costs itself alone.
    let other = async |label, kind| chip.value(slow, label, kind).await.ok().flatten();
    let limit = async |kind| power(other("RX_power", kind).await).dbm();
    let celsius = other("temperature", "input").await.map(thousandths);
    let volts = other("VCC", "input").await.map(thousandths);
    let amperes = other("bias", "input").await.map(thousandths);
    Ok(Sample {
        temperature_celsius: celsius.filter(|value| PLAUSIBLE_CELSIUS.contains(value)),
        voltage_volts: volts.filter(|value| PLAUSIBLE_VOLTS.contains(value)),
        bias_amperes: amperes.filter(|value| PLAUSIBLE_AMPERES.contains(value)),
        receive_thresholds: Thresholds {
            low_alarm: limit("lcrit").await,
            low_warning: limit("min").await,
            high_warning: limit("max").await,
            high_alarm: limit("crit").await,
        },
        ..Sample::new("hwmon", power(receive), power(transmit))
    })
}

fn power(microwatts: Option<f64>) -> Light {
    microwatts.map_or(Light::Unknown, Light::from_microwatts)
}

fn thousandths(value: f64) -> f64 {
    value / 1000.0
}

impl Chip {
    /// `None`: the module or the kernel has not got this value.
    async fn value(
        &self,
        slow: &SlowIo,
        label: &str,
        kind: &str,
    ) -> Result<Option<f64>, CollectError> {
        let Some(stem) = self.stems.get(label) else {
            return Ok(None);
        };
        let path = format!("{}/{stem}_{kind}", self.folder);
        match slow.read(&path).await.map_err(CollectError::from) {
            Ok(text) => parse(&text).map(Some).map_err(|error| error.at(&path)),
            Err(CollectError::NotAvailable(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// All chips of the SFP driver that measure a power.
fn chips(roots: &Roots) -> Vec<Chip> {
    let mut chips = Vec::new();
    for place in roots.list(CHIPS) {
        let folder = format!("{CHIPS}/{place}");
        let Ok(name) = roots.read(&format!("{folder}/name")) else {
            continue;
        };
        if !name.starts_with("sfp") {
            continue;
        }
        let mut stems = BTreeMap::new();
        for file in roots.list(&folder) {
            if let Some(stem) = file.strip_suffix("_label")
                && let Ok(label) = roots.read(&format!("{folder}/{file}"))
            {
                stems.insert(label.trim().to_owned(), stem.to_owned());
            }
        }
        if stems.contains_key("RX_power") || stems.contains_key("TX_power") {
            chips.push(Chip { folder, name: name.trim().to_owned(), stems });
        }
    }
    chips
}

/// The chip of the WAN's own module. A module in another cage says nothing of the WAN.
fn choose(roots: &Roots, mut chips: Vec<Chip>, device: Option<&str>) -> Result<Chip, CollectError> {
    let names: Vec<&str> = chips.iter().map(|chip| chip.name.as_str()).collect();
    let names = names.join(", ");
    if let Some(cages) = device.and_then(|device| cages_of(roots, device)) {
        chips.retain(|chip| {
            let cage = roots.read_bytes(&format!("{}/device/of_node/phandle", chip.folder));
            // Where the tree does not say, a single module is taken to be the WAN's.
            cage.map_or(true, |cage| cages.contains(&cage))
        });
    }
    let missing = |reason: String| Err(CollectError::NotAvailable(reason));
    match (chips.pop(), chips.is_empty()) {
        (Some(chip), true) => Ok(chip),
        (Some(_), false) => missing(format!("which of {names} is the module of the WAN?")),
        (None, _) if names.is_empty() => missing("the kernel shows no SFP module".to_owned()),
        (None, _) => missing(format!("{names} is not the module of the WAN")),
    }
}

/// The cages of a device, as the device tree numbers them: a network port, or its PHY,
/// points to its cage with the property `sfp` (kernel, Documentation/devicetree/bindings/
/// net/{ethernet-controller,ethernet-phy}.yaml). `None`: the tree knows no such device; an
/// empty list: the device has no cage.
fn cages_of(roots: &Roots, device: &str) -> Option<Vec<Vec<u8>>> {
    let places = ["of_node", "device/of_node", "phydev/of_node"];
    let nodes: Vec<String> = hardware(roots, device)
        .into_iter()
        .flat_map(|hardware| places.map(|place| format!("{DEVICES}/{hardware}/{place}")))
        .filter(|node| roots.has(node))
        .collect();
    let cage = |node: &String| roots.read_bytes(&format!("{node}/sfp")).ok();
    (!nodes.is_empty()).then(|| nodes.iter().filter_map(cage).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    /// A device with these files below `/sys/class`.
    fn device(files: &[(&str, &str)]) -> (SlowIo, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join("sys/class").join(path);
            fs::create_dir_all(path.with_file_name("")).unwrap();
            fs::write(path, text).unwrap();
        }
        (SlowIo::new(Roots::new(folder.path())), folder)
    }

    const CHIP: [(&str, &str); 13] = [
        ("hwmon/hwmon4/name", "sfp1\n"),
        ("hwmon/hwmon4/temp1_label", "temperature\n"),
        ("hwmon/hwmon4/temp1_input", "-2500\n"),
        ("hwmon/hwmon4/in0_label", "VCC\n"),
        ("hwmon/hwmon4/in0_input", "3290\n"),
        ("hwmon/hwmon4/curr1_label", "bias\n"),
        ("hwmon/hwmon4/curr1_input", "12\n"),
        ("hwmon/hwmon4/power1_label", "TX_power\n"),
        ("hwmon/hwmon4/power1_input", "1679\n"),
        ("hwmon/hwmon4/power2_label", "RX_power\n"),
        ("hwmon/hwmon4/power2_input", "2\n"),
        ("hwmon/hwmon4/power2_lcrit", "1\n"),
        ("hwmon/hwmon4/power2_crit", "251\n"),
    ];

    #[tokio::test]
    async fn a_module_is_found_by_its_name_and_its_values_by_their_labels() {
        let mut files = CHIP.to_vec();
        files.push(("hwmon/hwmon0/name", "cpu_thermal\n"));
        let (slow, _folder) = device(&files);
        let sample = read(&slow, None).await.unwrap();
        assert_eq!(
            sample.to_string(),
            "receive -26.99 dBm, transmit 2.25 dBm, -2.5 °C, 3.29 V, 12.0 mA"
        );
        assert_eq!(sample.source, "hwmon", "the power is coarse, and says so");
        assert_eq!(sample.receive_thresholds.low_alarm, Some(-30.0));
        assert_eq!(sample.receive_thresholds.low_warning, None);
        assert!(sample.receive_thresholds.high_alarm.is_some());
    }

    #[tokio::test]
    async fn less_than_half_a_microwatt_is_no_light() {
        let mut files = CHIP.to_vec();
        files.push(("hwmon/hwmon4/power2_input", "0\n"));
        let (slow, _folder) = device(&files);
        let sample = read(&slow, None).await.unwrap();
        assert_eq!((sample.receive_dbm, sample.signal_detected), (None, Some(false)));
    }

    #[tokio::test]
    async fn a_mad_value_costs_itself_alone() {
        let mut files = CHIP.to_vec();
        files.extend([
            ("hwmon/hwmon4/temp1_input", "-2147483648\n"),
            ("hwmon/hwmon4/in0_input", "nonsense\n"),
            ("hwmon/hwmon4/curr1_input", "2147483647\n"),
        ]);
        let (slow, _folder) = device(&files);
        let sample = read(&slow, None).await.unwrap();
        assert_eq!(sample.to_string(), "receive -26.99 dBm, transmit 2.25 dBm");

        files.push(("hwmon/hwmon4/power2_input", "-2147483648\n"));
        let (slow, _folder) = device(&files);
        let sample = read(&slow, None).await.unwrap();
        assert_eq!((sample.receive_dbm, sample.signal_detected), (None, None));
    }

    #[tokio::test]
    async fn an_externally_calibrated_module_has_no_received_power() {
        let (slow, _folder) = device(&CHIP[..9]);
        let sample = read(&slow, None).await.unwrap();
        assert_eq!((sample.receive_dbm, sample.signal_detected), (None, None));
        assert!(sample.transmit_dbm.is_some());
    }

    #[tokio::test]
    async fn of_two_modules_the_one_in_the_cage_of_the_wan_counts() {
        let mut files = CHIP.to_vec();
        files.extend([
            ("hwmon/hwmon4/device/of_node/phandle", "\0\0\0\x11"),
            ("hwmon/hwmon3/name", "sfp2\n"),
            ("hwmon/hwmon3/power1_label", "RX_power\n"),
            ("hwmon/hwmon3/power1_input", "100\n"),
            ("hwmon/hwmon3/device/of_node/phandle", "\0\0\0\x12"),
            ("net/eth1/of_node/sfp", "\0\0\0\x11"),
            ("net/eth1.835/lower_eth1/name", ""),
            ("net/eth2/phydev/of_node/sfp", "\0\0\0\x12"),
            ("net/eth3/of_node/sfp", "\0\0\0\x13"),
        ]);
        let (slow, _folder) = device(&files);
        let receive = async |device| read(&slow, device).await.map(|sample| sample.receive_dbm);
        assert_eq!(receive(Some("eth2")).await, Ok(Some(-10.0)));
        assert!(receive(Some("eth1.835")).await.unwrap().unwrap() < -26.9);
        for (device, reason) in [
            (Some("eth3"), "sfp2, sfp1 is not the module of the WAN"),
            (Some("eth0"), "which of sfp2, sfp1 is the module of the WAN?"),
            (None, "which of sfp2, sfp1 is the module of the WAN?"),
        ] {
            assert_eq!(
                receive(device).await,
                Err(CollectError::NotAvailable(reason.to_owned())),
                "{device:?}"
            );
        }
    }

    #[tokio::test]
    async fn without_a_module_there_is_nothing() {
        let (slow, _folder) = device(&[("hwmon/hwmon0/name", "sfpx\n")]);
        assert_eq!(
            read(&slow, Some("eth1")).await,
            Err(CollectError::NotAvailable("the kernel shows no SFP module".to_owned()))
        );
    }

    #[tokio::test]
    async fn a_module_pulled_while_it_is_read_is_gone() {
        let files: Vec<_> =
            CHIP.into_iter().filter(|(path, _)| !path.ends_with("_input")).collect();
        let (slow, _folder) = device(&files);
        assert_eq!(
            read(&slow, None).await,
            Err(CollectError::NotAvailable("the module in sfp1 is gone".to_owned()))
        );
    }

    #[tokio::test]
    async fn nonsense_is_a_failure_and_not_a_value() {
        let mut files = CHIP.to_vec();
        files.push(("hwmon/hwmon4/power2_input", "\n"));
        let (slow, _folder) = device(&files);
        assert_eq!(
            read(&slow, None).await,
            Err(CollectError::Failed(
                "/sys/class/hwmon/hwmon4/power2_input: value: expected a number, found \"\""
                    .to_owned()
            ))
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_or_an_error(text in ".*") {
            prop_assert!(parse(&text).is_ok() == text.trim().parse::<i64>().is_ok());
        }
    }
}
