//! The EEPROM of the SFP module itself: the exact source of optical power.
//!
//! There are two doors to it. On a router it is ethtool over netlink
//! (`ethtool_netlink.rs`); on a stick with a MaxLinear PRX chip, when we run there, the
//! files `/sys/class/pon_mbox/<x>/device/eeprom{50,51}`. Both may hang with the I²C bus
//! behind them. `sff8472.rs` reads the bytes.

use std::io;

use super::ethtool_netlink::{Chip, Ethtool, OpenError};
use super::sample::Sample;
use super::sff8472::{self, DIAGNOSTICS, IDENTITY, MEASUREMENTS, Module};
use crate::collectors::CollectError;
use crate::roots::Roots;
use crate::slow_io::SlowIo;

const STICKS: &str = "/sys/class/pon_mbox";
const DEVICES: &str = "/sys/class/net";

/// A VLAN on a bond on a bridge: nobody stacks more.
const MAX_DEPTH: usize = 4;

/// How often the measurements are read to see two that agree.
const ATTEMPTS: usize = 3;

/// Reads the module behind `device`, the lower device of the WAN.
///
/// # Errors
/// `NotAvailable` where there is no module, no door, or nothing measured.
pub(super) async fn read(slow: &SlowIo, device: Option<&str>) -> Result<Sample, CollectError> {
    let roots = slow.roots();
    if let Some(folder) = stick_folder(roots) {
        let roots = roots.clone();
        return slow.run(&folder.clone(), move || read_stick(&roots, &folder)).await?;
    }
    let missing = |reason: String| Err(CollectError::NotAvailable(reason));
    let Some(device) = device else {
        return missing("the device of the WAN is not known".to_owned());
    };
    if !roots.is_device() {
        return missing(format!("the module of {device} cannot be asked for in another root"));
    }
    if !roots.has(&format!("{DEVICES}/{device}")) {
        return missing(format!("there is no device {device}"));
    }
    let mut result = missing(format!("{device} stands on no hardware"));
    for hardware in hardware(roots, device) {
        let what = format!("module EEPROM of {hardware}");
        result = slow.run(&what, move || read_device(&hardware)).await?;
        if result.is_ok() {
            break;
        }
    }
    result
}

/// The devices that `device` stands on: itself, or those below a VLAN or a bridge.
///
/// A port of a switch chip (DSA) is hardware, as its link `device` says, and has a device
/// below it all the same, which is only the wire to the CPU.
pub(super) fn hardware(roots: &Roots, device: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut layer = vec![device.to_owned()];
    for _ in 0..MAX_DEPTH {
        let mut below = Vec::new();
        for device in layer {
            let folder = format!("{DEVICES}/{device}");
            let names = roots.list(&folder);
            let mut lower = names.iter().filter_map(|name| name.strip_prefix("lower_")).peekable();
            if lower.peek().is_none() || roots.has(&format!("{folder}/device")) {
                found.push(device);
            } else {
                below.extend(lower.map(str::to_owned));
            }
        }
        layer = below;
    }
    found
}

/// Asks the kernel for the module of a device.
fn read_device(device: &str) -> Result<Sample, CollectError> {
    let ethtool = Ethtool::open().map_err(|error| match error {
        OpenError::NoFamily | OpenError::NoCommand => CollectError::NotAvailable(error.to_string()),
        OpenError::Failed(_) => CollectError::Failed(error.to_string()),
    })?;
    diagnose(|chip, offset, length| {
        ethtool.read(device, chip, offset, length).map_err(|error| explain(device, &error))
    })
}

/// What the kernel's refusal means to people.
fn explain(device: &str, error: &io::Error) -> CollectError {
    let missing = CollectError::NotAvailable;
    match error.raw_os_error() {
        Some(libc::EOPNOTSUPP) => {
            missing(format!("the driver of {device} offers no module EEPROM"))
        }
        Some(libc::EPERM | libc::EACCES) => {
            missing(format!("reading the module EEPROM of {device} needs CAP_NET_ADMIN"))
        }
        Some(libc::ENODEV) => missing(format!("the cage of {device} is empty")),
        // Older drivers answer so for a page that the module has not got.
        Some(libc::EINVAL) => missing(format!("the module of {device} measures nothing")),
        // No answer on the bus. Before Linux 6.3 an empty cage was told like that, and
        // some drivers tell a copper port so.
        Some(libc::EREMOTEIO | libc::ENXIO | libc::EIO | libc::ETIMEDOUT) => {
            missing(format!("no module answers in the cage of {device} ({error})"))
        }
        _ => CollectError::Failed(format!("module EEPROM of {device}: {error}")),
    }
}

/// The files of the stick that we run on.
fn stick_folder(roots: &Roots) -> Option<String> {
    let folders = roots.list(STICKS).into_iter().map(|name| format!("{STICKS}/{name}/device"));
    folders.into_iter().find(|folder| roots.has(&format!("{folder}/eeprom51")))
}

fn read_stick(roots: &Roots, folder: &str) -> Result<Sample, CollectError> {
    diagnose(|chip, offset, length| {
        let file = match chip {
            Chip::Identity => "eeprom50",
            Chip::Diagnostics => "eeprom51",
        };
        let path = format!("{folder}/{file}");
        let bytes = roots.read_bytes(&path)?;
        let range = usize::from(offset)..usize::from(offset) + usize::from(length);
        bytes.get(range).map(<[u8]>::to_vec).ok_or_else(|| {
            CollectError::Failed(format!("{path}: ends after {} bytes", bytes.len()))
        })
    })
}

/// Reads a module through a door. The measurements are read until two readings right
/// after one another agree: see [`sff8472::agree`].
pub(super) fn diagnose(
    read: impl Fn(Chip, u8, u8) -> Result<Vec<u8>, CollectError>,
) -> Result<Sample, CollectError> {
    let length = |range: &std::ops::Range<u8>| range.end - range.start;
    let module = Module::parse(&read(Chip::Identity, IDENTITY.start, length(&IDENTITY))?)?;
    let mut page = read(Chip::Diagnostics, DIAGNOSTICS.start, length(&DIAGNOSTICS))?;
    let measure = |page: &[u8]| {
        module.measure(page).map_err(|error| CollectError::Failed(format!("module: {error}")))
    };

    let mut readings = vec![measure(&page)?];
    while readings.len() < ATTEMPTS {
        let again = read(Chip::Diagnostics, MEASUREMENTS.start, length(&MEASUREMENTS))?;
        for (byte, again) in page.iter_mut().skip(MEASUREMENTS.start.into()).zip(again) {
            *byte = again;
        }
        let reading = measure(&page)?;
        if readings.iter().any(|earlier| sff8472::agree(earlier, &reading)) {
            return Ok(reading);
        }
        readings.push(reading);
    }
    Err(CollectError::Failed(format!("the module gave {ATTEMPTS} powers that do not agree")))
}

#[cfg(test)]
mod tests {
    use super::super::sff8472::tests::{INTERNAL, a0, a2};
    use super::*;
    use std::cell::Cell;
    use std::fs;

    /// A module that shows these received powers, one after the other.
    fn diagnose_series(powers: &[u16]) -> Result<Sample, CollectError> {
        let turn = Cell::new(0);
        diagnose(|chip, offset, length| {
            let page = match chip {
                Chip::Identity => a0(INTERNAL),
                Chip::Diagnostics => a2(powers[turn.replace(turn.get() + 1)]),
            };
            Ok(page[offset.into()..usize::from(offset + length)].to_vec())
        })
    }

    #[track_caller]
    fn check_series(powers: &[u16], expected: Option<f64>) {
        let dbm = diagnose_series(powers).ok().and_then(|sample| sample.receive_dbm);
        let rounded = dbm.map(|dbm| (dbm * 100.0).round() / 100.0);
        assert_eq!(rounded, expected, "{powers:?}");
    }

    #[test]
    fn a_torn_value_is_dropped() {
        check_series(&[256, 255], Some(-15.93));
        check_series(&[0, 256, 255], Some(-15.93));
        check_series(&[256, 0x0fff, 255], Some(-15.93));
        check_series(&[256, 10, 10], Some(-30.0));
        check_series(&[256, 10, 5000], None);
    }

    #[test]
    fn light_that_goes_out_is_believed_when_seen_twice() {
        assert_eq!(diagnose_series(&[256, 0, 0]).unwrap().signal_detected, Some(false));
        assert_eq!(
            diagnose_series(&[256, 0, 5000]).unwrap_err().to_string(),
            "the module gave 3 powers that do not agree"
        );
    }

    #[track_caller]
    fn check_reason(code: i32, expected: &str) {
        let error = explain("eth1", &io::Error::from_raw_os_error(code));
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn refusals_are_explained() {
        let missing = "not on this device: ";
        check_reason(
            libc::EOPNOTSUPP,
            &format!("{missing}the driver of eth1 offers no module EEPROM"),
        );
        check_reason(
            libc::EPERM,
            &format!("{missing}reading the module EEPROM of eth1 needs CAP_NET_ADMIN"),
        );
        check_reason(libc::ENODEV, &format!("{missing}the cage of eth1 is empty"));
        check_reason(libc::EINVAL, &format!("{missing}the module of eth1 measures nothing"));
        check_reason(
            libc::EREMOTEIO,
            &format!(
                "{missing}no module answers in the cage of eth1 (Remote I/O error (os error 121))"
            ),
        );
        check_reason(libc::EBUSY, "module EEPROM of eth1: Device or resource busy (os error 16)");
    }

    #[test]
    fn hardware_is_found_below_vlans_and_bridges() {
        let root = tempfile::tempdir().unwrap();
        for path in [
            "eth1/device",
            "eth1.835/lower_eth1",
            "br-wan/lower_eth1.835",
            "br-wan/lower_lan4",
            "lan4/device",
            "lan4/lower_eth0",
            "eth0/device",
            "pon0",
            "loop0/lower_loop1",
            "loop1/lower_loop0",
        ] {
            fs::create_dir_all(root.path().join("sys/class/net").join(path)).unwrap();
        }
        let roots = Roots::new(root.path());
        assert_eq!(hardware(&roots, "eth1"), ["eth1"]);
        assert_eq!(hardware(&roots, "eth1.835"), ["eth1"]);
        assert_eq!(hardware(&roots, "lan4"), ["lan4"], "a port of a switch is hardware itself");
        assert_eq!(hardware(&roots, "br-wan"), ["lan4", "eth1"]);
        assert_eq!(hardware(&roots, "pon0"), ["pon0"], "not every driver links to its hardware");
        assert!(hardware(&roots, "loop0").is_empty());
    }

    #[tokio::test]
    async fn a_stick_is_read_through_its_own_files() {
        let root = tempfile::tempdir().unwrap();
        let slow = SlowIo::new(Roots::new(root.path()));
        let folder = root.path().join("sys/class/pon_mbox/pon_mbox0/device");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("eeprom50"), a0(INTERNAL)).unwrap();
        fs::write(folder.join("eeprom51"), a2(175)).unwrap();
        let sample = read(&slow, None).await.unwrap();
        assert_eq!(sample.to_string().split(',').next(), Some("receive -17.57 dBm"));

        fs::write(folder.join("eeprom51"), [0x2d]).unwrap();
        assert_eq!(
            read(&slow, None).await.unwrap_err().to_string(),
            "/sys/class/pon_mbox/pon_mbox0/device/eeprom51: ends after 1 bytes"
        );
    }

    #[tokio::test]
    async fn devices_without_a_module_say_so() {
        let slow = SlowIo::new(Roots::new("/"));
        let error = read(&slow, Some("nothing0")).await.unwrap_err();
        assert_eq!(error, CollectError::NotAvailable("there is no device nothing0".to_owned()));
        let error = read(&slow, Some("lo")).await.unwrap_err().to_string();
        let reasons = ["the driver of lo offers no", "of lo needs CAP_NET_ADMIN", "this kernel"];
        assert!(reasons.iter().any(|reason| error.contains(reason)), "{error}");

        let moved = SlowIo::new(Roots::new("/nowhere"));
        let error = read(&moved, Some("eth1")).await.unwrap_err();
        assert!(error.to_string().contains("another root"), "{error}");
    }
}
