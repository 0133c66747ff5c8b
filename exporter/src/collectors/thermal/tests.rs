//! The choice among the sensors, on imitated devices.

use std::fs;
use std::path::Path;
use std::sync::mpsc;

use super::*;
use crate::config::{self, Layers};
use crate::exposition::tests::lines;
use crate::roots::Roots;

/// A device that has these files; `UNREADABLE` is one that gives an error when read.
struct Device {
    slow: SlowIo,
    _folder: tempfile::TempDir,
}

const UNREADABLE: &str = "\0";

fn device(files: &[(&str, &str)]) -> Device {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join("sys/class").join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        if *text == UNREADABLE {
            fs::create_dir(path).unwrap();
        } else {
            fs::write(path, text).unwrap();
        }
    }
    Device { slow: SlowIo::impatient(Roots::new(folder.path())), _folder: folder }
}

impl Device {
    async fn read(&self, source: TempSource) -> Result<Sample, CollectError> {
        let loaded = config::load(&Layers::default(), self.slow.roots()).unwrap();
        let (_sender, live) = Live::new(config::Config { temp_source: source, ..loaded.config });
        Thermal::new(self.slow.clone(), live).read().await
    }

    async fn check(&self, source: TempSource, sensor: &str, celsius: f64) {
        let expected = Sample { sensor: sensor.to_owned(), celsius };
        assert_eq!(self.read(source).await, Ok(expected));
    }
}

fn named(name: &str) -> TempSource {
    TempSource::Named(name.to_owned())
}

#[tokio::test]
async fn the_cpu_is_found_behind_a_wifi_chip_and_a_gap_in_the_numbers() {
    let device = device(&[
        ("thermal/thermal_zone0/type", "mt7915_phy0\n"),
        ("thermal/thermal_zone0/temp", "61000\n"),
        ("thermal/thermal_zone1/type", "acpitz\n"),
        ("thermal/thermal_zone1/temp", "27800\n"),
        ("thermal/thermal_zone3/type", "cpu-thermal\n"),
        ("thermal/thermal_zone3/temp", "52800\n"),
        ("thermal/cooling_device0/type", "cpu-thermal\n"),
    ]);
    device.check(TempSource::Auto, "cpu-thermal", 52.8).await;
}

#[tokio::test]
async fn the_hottest_of_the_cores_counts_and_a_failing_one_is_left_out() {
    let device = device(&[
        ("thermal/thermal_zone0/type", "nss-top\n"),
        ("thermal/thermal_zone0/temp", "90000\n"),
        ("thermal/thermal_zone1/type", "cpu0-thermal\n"),
        ("thermal/thermal_zone1/temp", "48000\n"),
        ("thermal/thermal_zone2/type", "cpu1-thermal\n"),
        ("thermal/thermal_zone2/temp", "51000\n"),
        ("thermal/thermal_zone3/type", "cpu2-thermal\n"),
        ("thermal/thermal_zone3/temp", UNREADABLE),
        ("thermal/thermal_zone4/type", "cpu3-thermal\n"),
        ("thermal/thermal_zone4/temp", "-274000\n"),
    ]);
    device.check(TempSource::Auto, "cpuN-thermal (max)", 51.0).await;
}

#[tokio::test]
async fn a_sensor_that_gives_nonsense_makes_way_for_the_next() {
    let device = device(&[
        ("thermal/thermal_zone0/type", "acpitz\n"),
        ("thermal/thermal_zone0/temp", "27800\n"),
        ("thermal/thermal_zone1/type", "x86_pkg_temp\n"),
        ("thermal/thermal_zone1/temp", "0\n"),
        ("hwmon/hwmon2/name", "coretemp\n"),
        ("hwmon/hwmon2/temp1_label", "Package id 0\n"),
        ("hwmon/hwmon2/temp1_input", "44000\n"),
        ("hwmon/hwmon2/temp2_label", "Core 0\n"),
        ("hwmon/hwmon2/temp2_input", "46000\n"),
    ]);
    device.check(TempSource::Auto, "coretemp Package id 0", 44.0).await;
}

#[tokio::test]
async fn two_chips_of_one_name_are_two_halves_of_a_cpu() {
    let device = device(&[
        ("hwmon/hwmon0/name", "k10temp\n"),
        ("hwmon/hwmon0/temp1_input", "40000\n"),
        ("hwmon/hwmon10/name", "k10temp\n"),
        ("hwmon/hwmon10/temp1_input", "43000\n"),
    ]);
    device.check(TempSource::Auto, "k10temp", 43.0).await;
}

#[tokio::test]
async fn acpitz_is_better_than_nothing() {
    let device = device(&[
        ("thermal/thermal_zone0/type", "acpitz\n"),
        ("thermal/thermal_zone0/temp", "27800\n"),
    ]);
    device.check(TempSource::Auto, "acpitz", 27.8).await;
}

#[tokio::test]
async fn a_zone_that_hangs_is_passed_over() {
    let device = device(&[
        ("thermal/thermal_zone0/type", "cpu-thermal\n"),
        ("thermal/thermal_zone0/temp", "50000\n"),
        ("thermal/thermal_zone1/type", "soc-thermal\n"),
        ("thermal/thermal_zone1/temp", "47000\n"),
    ]);
    let (release, held) = mpsc::channel::<()>();
    let zone = "/sys/class/thermal/thermal_zone0/temp";
    device.slow.run(zone, move || held.recv().ok()).await.unwrap_err();
    device.check(TempSource::Auto, "soc-thermal", 47.0).await;
    drop(release);
}

#[tokio::test]
async fn when_none_can_be_read_each_is_named() {
    let device = device(&[
        ("thermal/thermal_zone0/type", "cpu-thermal\n"),
        ("thermal/thermal_zone0/temp", UNREADABLE),
        ("thermal/thermal_zone1/type", "acpitz\n"),
        ("thermal/thermal_zone1/temp", "0\n"),
    ]);
    let CollectError::Failed(reason) = device.read(TempSource::Auto).await.unwrap_err() else {
        panic!("it is there, so it is a failure")
    };
    assert!(reason.contains("thermal_zone0 (cpu-thermal): /sys/class/thermal"), "{reason}");
    assert!(reason.contains("thermal_zone1 (acpitz): /sys/class/thermal"), "{reason}");
}

#[tokio::test]
async fn a_device_without_sensors_has_no_fault() {
    assert_eq!(
        device(&[]).read(TempSource::Auto).await,
        Err(CollectError::NotAvailable("no temperature sensor of a CPU".to_owned()))
    );
    let unknown = device(&[
        ("thermal/thermal_zone0/type", "package-thermal\n"),
        ("thermal/thermal_zone0/temp", "40000\n"),
    ]);
    assert_eq!(
        unknown.read(TempSource::Auto).await,
        Err(CollectError::NotAvailable(
            "none of these is known to be the CPU's: package-thermal; TEMP_SOURCE can name one"
                .to_owned()
        ))
    );
    unknown.check(named("package-thermal"), "package-thermal", 40.0).await;
}

#[tokio::test]
async fn the_user_may_choose_by_name_or_by_file() {
    let device = device(&[
        ("thermal/thermal_zone0/type", "cpu-thermal\n"),
        ("thermal/thermal_zone0/temp", "52800\n"),
        ("hwmon/hwmon0/name", "cpu_thermal\n"),
        ("hwmon/hwmon0/temp1_input", "52900\n"),
        ("hwmon/hwmon1/name", "coretemp\n"),
        ("hwmon/hwmon1/temp2_label", "Core 0\n"),
        ("hwmon/hwmon1/temp2_input", "60000\n"),
        ("hwmon/hwmon1/temp3_label", "Core 1\n"),
        ("hwmon/hwmon1/temp3_input", "61000\n"),
        ("hwmon/hwmon2/name", "tmp102\n"),
        ("hwmon/hwmon2/temp1_input", "31000\n"),
        ("hwmon/hwmon2/temp2_input", "35000\n"),
    ]);
    device.check(named("cpu_thermal"), "cpu-thermal", 52.8).await;
    device.check(named("coretemp"), "coretemp (max)", 61.0).await;
    device.check(named("tmp102"), "tmp102", 31.0).await;
    let path = "/sys/class/hwmon/hwmon2/temp2_input";
    device.check(TempSource::Path(path.to_owned()), path, 35.0).await;
}

#[tokio::test]
async fn a_choice_that_is_not_there_is_a_fault_and_none_is_not() {
    let device = device(&[("thermal/thermal_zone0/type", "cpu-thermal\n")]);
    assert_eq!(
        device.read(named("cpu")).await.unwrap_err().to_string(),
        "TEMP_SOURCE \"cpu\": no thermal zone has this type and no hwmon chip this name; \
         there are: cpu-thermal"
    );
    assert_eq!(
        device.read(TempSource::Path("/sys/nothing".to_owned())).await,
        Err(CollectError::Failed("TEMP_SOURCE: /sys/nothing: not there".to_owned()))
    );
    assert_eq!(
        device.read(TempSource::None).await,
        Err(CollectError::NotAvailable("TEMP_SOURCE is none".to_owned()))
    );
}

#[tokio::test]
async fn the_survey_lists_every_sensor_once() {
    let device = device(&[
        ("thermal/thermal_zone0/type", "cpu-thermal\n"),
        ("thermal/thermal_zone0/temp", "52800\n"),
        ("hwmon/hwmon0/name", "cpu_thermal\n"),
        ("hwmon/hwmon0/temp1_input", "52900\n"),
        ("hwmon/hwmon1/name", "mt7915_phy0\n"),
        ("hwmon/hwmon1/temp1_input", UNREADABLE),
        ("hwmon/hwmon2/name", "sfp1\n"),
        ("hwmon/hwmon2/temp1_label", "temperature\n"),
        ("hwmon/hwmon2/temp1_input", "45000\n"),
        ("hwmon/hwmon2/power1_input", "1500\n"),
    ]);
    let found = survey(&device.slow).await;
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["thermal_zone0 (cpu-thermal)", "hwmon1 (mt7915_phy0)", "hwmon2 (sfp1 temperature)"]
    );
    let values: Vec<Option<f64>> = found.into_iter().map(|(_, value)| value.ok()).collect();
    assert_eq!(values, [Some(52.8), None, Some(45.0)]);
}

#[test]
fn the_sample_names_its_sensor() {
    let sample = Sample { sensor: "cpu-thermal".to_owned(), celsius: 52.8 };
    assert_eq!(lines(sample), "cpu_temperature_celsius{sensor=\"cpu-thermal\"} 52.8\n");
}
