//! The choice among the sources, on imitated devices.

use std::fs;
use std::path::Path;

use super::*;
use crate::clock;
use crate::config::{self, Config, Layers};
use crate::roots::Roots;

/// A device with these files and this setting.
struct Device {
    root: tempfile::TempDir,
    optical: Optical,
}

fn device(source: OpticalSource, files: &[(&str, &str)]) -> Device {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(root.path(), path, text);
    }
    let roots = Roots::new(root.path());
    let loaded = config::load(&Layers::default(), &roots).unwrap();
    let (_, live) = Live::new(Config { optical_source: source, ..loaded.config });
    let wan = Latest::of::<wan::Wan>();
    let unknown = CollectError::NotAvailable("no WAN".to_owned());
    wan.store(Err(unknown), clock::monotonic(), Duration::ZERO);
    Device { root, optical: Optical::new(SlowIo::new(roots), live, wan, Arc::default()) }
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap_or(root)).unwrap();
    fs::write(path, text).unwrap();
}

const SFP: [(&str, &str); 3] = [
    ("sys/class/hwmon/hwmon1/name", "sfp1\n"),
    ("sys/class/hwmon/hwmon1/power2_label", "RX_power\n"),
    ("sys/class/hwmon/hwmon1/power2_input", "20\n"),
];
const GPON: (&str, &str) = ("proc/GPON", "RECEIVED_POWER: -18.5 dBm\n");

async fn source_of(device: &Device) -> Option<&'static str> {
    device.optical.read().await.ok().map(|sample| sample.source)
}

#[tokio::test]
async fn auto_takes_the_first_that_answers() {
    assert_eq!(source_of(&device(OpticalSource::Auto, &[GPON])).await, Some("gpon"));
    assert_eq!(
        source_of(&device(OpticalSource::Auto, &[SFP[0], SFP[1], SFP[2], GPON])).await,
        Some("hwmon")
    );
    let chosen = device(OpticalSource::Gpon, &[SFP[0], SFP[1], SFP[2], GPON]);
    assert_eq!(source_of(&chosen).await, Some("gpon"));
}

#[tokio::test]
async fn a_module_that_is_pulled_and_put_into_another_cage_is_found_again() {
    let device = device(OpticalSource::Auto, &SFP);
    assert_eq!(source_of(&device).await, Some("hwmon"));
    fs::remove_dir_all(device.root.path().join("sys/class/hwmon/hwmon1")).unwrap();
    let error = device.optical.read().await.unwrap_err();
    assert!(matches!(error, CollectError::Failed(_)), "it was there before: {error}");
    for (path, text) in SFP {
        write(device.root.path(), &path.replace("hwmon1", "hwmon7"), text);
    }
    assert_eq!(source_of(&device).await, Some("hwmon"));
}

#[tokio::test]
async fn a_device_without_optics_has_no_fault_unless_it_was_said_to_have_some() {
    let error = device(OpticalSource::Auto, &[]).optical.read().await.unwrap_err();
    assert_eq!(
        error,
        CollectError::NotAvailable(
            "eeprom: the device of the WAN is not known; hwmon: the kernel shows no SFP module; \
             gpon: /proc/GPON: not there; ubus: there is no ubus"
                .to_owned()
        )
    );
    let error = device(OpticalSource::Hwmon, &[]).optical.read().await.unwrap_err();
    assert_eq!(error, CollectError::Failed("the kernel shows no SFP module".to_owned()));
    let error = device(OpticalSource::None, &SFP).optical.read().await.unwrap_err();
    assert!(matches!(error, CollectError::NotAvailable(_)), "{error}");
}

#[tokio::test]
async fn what_should_answer_and_does_not_is_a_fault() {
    let broken = device(OpticalSource::Auto, &[SFP[0], SFP[1], (SFP[2].0, "?"), ("proc/GPON", "")]);
    let error = broken.optical.read().await.unwrap_err().to_string();
    assert!(error.starts_with("hwmon: /sys/class/hwmon/hwmon1/power2_input"), "{error}");
    assert!(error.contains("; gpon: /proc/GPON"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_wan_that_is_never_read_delays_the_first_reading_and_no_more() {
    let mut device = device(OpticalSource::Auto, &[GPON]);
    device.optical.wan = Latest::of::<wan::Wan>();
    let waited = timeout(START_PATIENCE * 2, device.optical.wait_for_wan()).await;
    assert!(waited.is_ok());
}

#[tokio::test]
async fn the_survey_names_every_way_and_the_users_own() {
    let command = OpticalSource::Command(vec!["/bin/echo".to_owned(), "-20.5".to_owned()]);
    let Device { optical, root: _root } = device(command, &[GPON]);
    let found = survey(&optical.slow, &optical.config, &optical.wan).await;
    let shown: Vec<(&str, Option<&str>)> =
        found.iter().map(|(name, result)| (name.as_str(), result.as_deref().ok())).collect();
    assert_eq!(
        shown,
        [
            ("eeprom", None),
            ("hwmon", None),
            ("gpon", Some("receive -18.50 dBm")),
            ("ubus", None),
            ("command", Some("receive -20.50 dBm")),
        ]
    );
}

#[tokio::test]
async fn a_command_that_fails_is_run_less_and_less_often() {
    let device = device(OpticalSource::Command(vec!["/bin/false".to_owned()]), &[]);
    for expected in [1, 2] {
        device.optical.read().await.unwrap_err();
        assert_eq!(device.optical.failures.load(Ordering::Relaxed), expected);
    }
    let seconds: Vec<u64> = [0, 1, 2, 3, 4, 5, u32::MAX].map(|n| pause(n).as_secs()).to_vec();
    assert_eq!(seconds, [30, 30, 60, 120, 240, 300, 300]);
}
