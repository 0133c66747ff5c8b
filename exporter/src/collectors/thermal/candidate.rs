//! The temperature sensors of a device, and which of them are the CPU's.
//!
//! Sources: `/sys/class/thermal/thermal_zone*/{type,temp}` (kernel, Documentation/
//! driver-api/thermal/sysfs-api.rst) and `/sys/class/hwmon/hwmon*/{name,temp*_input,
//! temp*_label}` (kernel, Documentation/hwmon/sysfs-interface.rst), thousandths of a
//! degree Celsius both.

use std::fmt;
use std::ops::RangeInclusive;

use crate::collectors::{CollectError, ParseError};
use crate::roots::Roots;
use crate::slow_io::SlowIo;

const ZONES: &str = "/sys/class/thermal";
const CHIPS: &str = "/sys/class/hwmon";

/// What a working sensor can say, °C. Routers stand outdoors in winter, and chips switch
/// off at 125 °C.
const PLAUSIBLE_CELSIUS: RangeInclusive<f64> = -40.0..=150.0;

/// A sensor that may or may not be the CPU's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    kind: Kind,
    /// `thermal_zone0`, `hwmon2`: may be another one after the next start.
    place: String,
    /// Type of the zone, name of the chip.
    name: String,
    /// What the chip says of this one of its sensors.
    label: Option<String>,
    /// The file with the temperature.
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zone,
    Chip,
}

/// Place in the list of sensors that are a CPU's, the best first. Sensors of the same
/// rank are parts of one CPU, of which the hottest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank(usize);

/// Behind the whole list of known sensors.
const LAST: usize = 100;

impl Rank {
    /// Of a sensor that the user has named though the list has not: each for itself.
    pub(super) fn unlisted(at: usize) -> Self {
        Self(LAST + at)
    }
}

impl Candidate {
    /// `None`: not known to be a CPU's. Wi-Fi chips, disks and modules are never listed.
    pub(super) fn rank(&self) -> Option<Rank> {
        let rank = match (self.kind, self.name.as_str(), self.label.as_deref()) {
            (Kind::Zone, "x86_pkg_temp", _) => 0,
            (Kind::Zone, "cpu-thermal", _) => 1,
            (Kind::Zone, "cpu_thermal", _) => 2,
            (Kind::Zone, "soc-thermal", _) => 3,
            (Kind::Zone, "soc_thermal", _) => 4,
            (Kind::Zone, name, _) if is_core_zone(name) => 5,
            (Kind::Chip, "coretemp", Some(label)) if label.starts_with("Package id") => 6,
            // Atoms have no sensor of the whole package.
            (Kind::Chip, "coretemp", Some(label)) if label.starts_with("Core") => 7,
            // Tctl is made for fan control: on some models up to 27 °C above the truth.
            (Kind::Chip, "k10temp", Some("Tdie")) => 8,
            (Kind::Chip, "k10temp", Some("Tctl")) => 9,
            // Before the Zen models the only sensor had no label.
            (Kind::Chip, "k10temp", None) => 10,
            // Often a constant that the firmware's author made up.
            (Kind::Zone, "acpitz", _) => 11,
            _ => return None,
        };
        Some(Rank(rank))
    }

    /// Name and label, for the label `sensor`: the same after every start, and for all
    /// parts of one CPU.
    pub(super) fn sensor(&self) -> String {
        match (self.kind, &self.label) {
            (Kind::Zone, _) if is_core_zone(&self.name) => "cpuN-thermal (max)".to_owned(),
            (Kind::Chip, Some(label)) if self.name == "coretemp" && label.starts_with("Core") => {
                "coretemp (max)".to_owned()
            }
            (Kind::Chip, Some(label)) => format!("{} {label}", self.name),
            (Kind::Zone, _) | (Kind::Chip, None) => self.name.clone(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Is it the one the user means? The kernel replaces `-` by `_` where it shows a
    /// zone as a chip, so that both spellings are in use.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name.replace('-', "_") == name.replace('-', "_")
    }

    /// Degrees Celsius now, −40 to 150.
    pub(super) async fn read(&self, slow: &SlowIo) -> Result<f64, CollectError> {
        read_celsius(slow, &self.path).await
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.label {
            Some(label) => write!(f, "{} ({} {label})", self.place, self.name),
            None => write!(f, "{} ({})", self.place, self.name),
        }
    }
}

/// `cpu0-thermal`, `cpu-1-thermal`, `cpu0-top-thermal`: one zone for each core.
fn is_core_zone(name: &str) -> bool {
    name.strip_prefix("cpu").map(|rest| rest.strip_prefix(['-', '_']).unwrap_or(rest)).is_some_and(
        |rest| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.ends_with("thermal"),
    )
}

/// Degrees Celsius out of a `temp` file.
pub(in crate::collectors) fn parse(text: &str) -> Result<f64, ParseError> {
    let error = |expected| ParseError::new("temperature", expected, text);
    let value: f64 =
        text.trim().parse().map_err(|_| error("thousandths of a degree, as a number"))?;
    // Exactly 0 is what drivers give for a sensor that was never set up. A CPU that
    // truly is at 0.000 °C will be warmer or colder at the next reading.
    if value == 0.0 {
        return Err(error("a measured value"));
    }
    // Some drivers answer in whole degrees. As thousandths all these numbers would lie
    // within 0.2 °C of freezing, where a running CPU is by chance only.
    let celsius = if value.abs() < 200.0 { value } else { value / 1000.0 };
    // Sensors that are missing say -274000, broken ones 200000.
    if PLAUSIBLE_CELSIUS.contains(&celsius) {
        Ok(celsius)
    } else {
        Err(error("thousandths of a degree, -40000 to 150000"))
    }
}

/// Degrees Celsius out of any file, −40 to 150.
///
/// # Errors
/// `NotAvailable` when the file is not there or holds nothing that could be a temperature:
/// many boards show such a sensor all their life.
pub(super) async fn read_celsius(slow: &SlowIo, path: &str) -> Result<f64, CollectError> {
    parse(&slow.read(path).await?)
        .map_err(|error| CollectError::NotAvailable(format!("{path}: {error}")))
}

/// All thermal zones that say what they are. Names and labels are constants of the kernel:
/// reading them asks no driver.
pub(super) fn zones(roots: &Roots) -> Vec<Candidate> {
    let mut zones = Vec::new();
    for place in roots.list(ZONES) {
        let folder = format!("{ZONES}/{place}");
        if place.starts_with("thermal_zone")
            && let Ok(name) = roots.read(&format!("{folder}/type"))
        {
            zones.push(Candidate {
                kind: Kind::Zone,
                place,
                name: name.trim().to_owned(),
                label: None,
                path: format!("{folder}/temp"),
            });
        }
    }
    zones
}

/// The temperatures of all hwmon chips whose name is `wanted`.
pub(super) fn chips(roots: &Roots, wanted: impl Fn(&str) -> bool) -> Vec<Candidate> {
    let mut chips = Vec::new();
    for place in roots.list(CHIPS) {
        let folder = format!("{CHIPS}/{place}");
        let Ok(name) = roots.read(&format!("{folder}/name")) else {
            continue;
        };
        let name = name.trim();
        if !wanted(name) {
            continue;
        }
        for file in roots.list(&folder) {
            let Some(stem) = file.strip_suffix("_input").filter(|stem| stem.starts_with("temp"))
            else {
                continue;
            };
            let label = roots.read(&format!("{folder}/{stem}_label")).ok();
            chips.push(Candidate {
                kind: Kind::Chip,
                place: place.clone(),
                name: name.to_owned(),
                label: label.map(|label| label.trim().to_owned()),
                path: format!("{folder}/{file}"),
            });
        }
    }
    chips
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Option<f64>) {
        assert_eq!(parse(text).ok(), expected, "{text:?}");
    }

    #[test]
    fn thousandths_and_whole_degrees_are_told_apart() {
        check("52800\n", Some(52.8));
        check("-12500\n", Some(-12.5));
        check("200", Some(0.2));
        check("47\n", Some(47.0));
        check("-5", Some(-5.0));
        check("27.8", Some(27.8));
    }

    #[test]
    fn what_no_cpu_can_have_is_no_temperature() {
        for text in ["-274000", "0\n", "0.0", "-0", "200000", "150001", "-40001", "199", "-41"] {
            check(text, None);
        }
        for text in ["", "\n", "N/A", "52800 C", "nan", "inf", "-inf", "1e400", "99999999999999"] {
            check(text, None);
        }
    }

    #[test]
    fn the_complaint_names_file_and_value() {
        assert_eq!(
            parse("-274000\n").unwrap_err().at("/sys/class/thermal/thermal_zone0/temp").to_string(),
            "/sys/class/thermal/thermal_zone0/temp: temperature: expected thousandths of a \
             degree, -40000 to 150000, found \"-274000\""
        );
    }

    fn candidate(kind: Kind, name: &str, label: Option<&str>) -> Candidate {
        Candidate {
            kind,
            place: String::new(),
            name: name.to_owned(),
            label: label.map(str::to_owned),
            path: String::new(),
        }
    }

    #[test]
    fn sensors_are_ranked_as_listed() {
        let ranks: Vec<Option<Rank>> = [
            candidate(Kind::Zone, "x86_pkg_temp", None),
            candidate(Kind::Zone, "cpu-thermal", None),
            candidate(Kind::Zone, "cpu_thermal", None),
            candidate(Kind::Zone, "soc-thermal", None),
            candidate(Kind::Zone, "cpu3-thermal", None),
            candidate(Kind::Chip, "coretemp", Some("Package id 0")),
            candidate(Kind::Chip, "coretemp", Some("Core 2")),
            candidate(Kind::Chip, "k10temp", Some("Tdie")),
            candidate(Kind::Chip, "k10temp", Some("Tctl")),
            candidate(Kind::Chip, "k10temp", None),
            candidate(Kind::Zone, "acpitz", None),
        ]
        .iter()
        .map(Candidate::rank)
        .collect();
        assert!(ranks.iter().all(Option::is_some), "{ranks:?}");
        assert!(ranks.is_sorted_by(|one, next| one < next), "{ranks:?}");
    }

    #[test]
    fn what_is_not_the_cpu_is_never_chosen() {
        for name in ["gpu-thermal", "nss-top", "mt7915_phy0", "wcss-phya0", "cpuss0-thermal", ""] {
            assert_eq!(candidate(Kind::Zone, name, None).rank(), None, "{name}");
        }
        // The chip is the zone cpu-thermal over again; the others are Wi-Fi and module.
        for name in ["cpu_thermal", "mt7996_phy0.2", "ath10k_hwmon", "sfp1", "acpitz", "nvme"] {
            assert_eq!(candidate(Kind::Chip, name, None).rank(), None, "{name}");
        }
        assert_eq!(candidate(Kind::Chip, "k10temp", Some("Tccd1")).rank(), None);
    }

    #[test]
    fn each_core_has_a_zone_on_some_devices() {
        for name in ["cpu0-thermal", "cpu12-thermal", "cpu-1-thermal", "cpu0_thermal"] {
            assert!(is_core_zone(name), "{name}");
        }
        for name in ["cpu-thermal", "cpu", "cpu0", "cpuss-thermal", "0-thermal"] {
            assert!(!is_core_zone(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_plausible_temperature_or_an_error(text in ".*") {
            if let Ok(celsius) = parse(&text) {
                prop_assert!(PLAUSIBLE_CELSIUS.contains(&celsius));
            }
        }

        #[test]
        fn any_number_is_a_plausible_temperature_or_an_error(value in any::<i64>()) {
            if let Ok(celsius) = parse(&value.to_string()) {
                prop_assert!(PLAUSIBLE_CELSIUS.contains(&celsius));
            }
        }
    }
}
