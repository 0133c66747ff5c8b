//! What a measured optical power means: light, no light, or nothing at all.
//!
//! No source has a word for "no light". SFF-8472 modules count in steps of 0.1 µW and
//! say 0 or 1 of them, sticks print `-40.00`, `-inf`, `0` or an empty value, and `-1` is
//! how some firmware says that it does not know. None of these may ever be shown as a
//! power.

/// One step of SFF-8472, 0.1 µW: what modules show in the dark.
const DARK_MICROWATTS: f64 = 0.1;

/// A milliwatt less than nothing.
const LEAST_MICROWATTS: f64 = -1000.0;

/// One step of SFF-8472 in dBm.
const DARK_DBM: f64 = -40.0;

/// Beyond what any transceiver for a house sends or survives, dBm.
const HIGHEST_DBM: f64 = 15.0;

/// An optical power.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) enum Light {
    /// dBm, more than −40.
    Dbm(f64),
    /// Measured, and there is none.
    Dark,
    /// Not measured, or nonsense.
    #[default]
    Unknown,
}

impl Light {
    /// Of a power in µW, as modules and drivers count it: 0 is a measured value.
    pub(super) fn from_microwatts(microwatts: f64) -> Self {
        // External calibration may end a little below nothing in the dark; a driver that
        // has gone mad ends far below.
        if microwatts.is_nan() || microwatts < LEAST_MICROWATTS {
            Self::Unknown
        } else if microwatts <= DARK_MICROWATTS {
            Self::Dark
        } else {
            // Not f64::log10: for that one function the system's libm would be mapped,
            // 330 kB of memory. A hundredth of a dB is far below what a module measures.
            let hundredths = 1000.0 * libm::log10(microwatts / 1000.0);
            Self::from_dbm(hundredths.round() / 100.0)
        }
    }

    /// Of a power in dBm, as programs print it.
    pub(super) fn from_printed_dbm(dbm: f64) -> Self {
        // Both are made up: a receiver at exactly 1 mW would be blinded.
        if dbm == 0.0 {
            Self::Dark
        } else if dbm == -1.0 {
            Self::Unknown
        } else {
            Self::from_dbm(dbm)
        }
    }

    fn from_dbm(dbm: f64) -> Self {
        if dbm.is_nan() || dbm > HIGHEST_DBM {
            Self::Unknown
        } else if dbm <= DARK_DBM {
            Self::Dark
        } else {
            Self::Dbm(dbm)
        }
    }

    /// The power in dBm, where there is light.
    pub(super) fn dbm(self) -> Option<f64> {
        match self {
            Self::Dbm(dbm) => Some(dbm),
            Self::Dark | Self::Unknown => None,
        }
    }

    /// Is there light? `None`: not measured.
    pub(super) fn is_there(self) -> Option<bool> {
        match self {
            Self::Dbm(_) => Some(true),
            Self::Dark => Some(false),
            Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(light: Light, expected: &str) {
        let shown = match light {
            Light::Dbm(dbm) => format!("{dbm:.2}"),
            Light::Dark => "dark".to_owned(),
            Light::Unknown => "unknown".to_owned(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn microwatts_become_dbm() {
        check(Light::from_microwatts(1000.0), "0.00");
        check(Light::from_microwatts(17.01), "-17.69");
        check(Light::from_microwatts(2.5), "-26.02");
        check(Light::from_microwatts(0.2), "-36.99");
    }

    #[test]
    fn the_smallest_step_is_no_light() {
        for microwatts in [0.1, 0.0, -3.0] {
            check(Light::from_microwatts(microwatts), "dark");
        }
        for microwatts in [f64::NAN, f64::NEG_INFINITY, -2_147_483_648.0] {
            check(Light::from_microwatts(microwatts), "unknown");
        }
        check(Light::from_microwatts(f64::INFINITY), "unknown");
    }

    #[test]
    fn what_programs_print_in_the_dark_is_no_power() {
        for dbm in [-40.0, -99.99, f64::NEG_INFINITY, 0.0, -0.0] {
            check(Light::from_printed_dbm(dbm), "dark");
        }
        for dbm in [-1.0, 65.535, f64::INFINITY, f64::NAN] {
            check(Light::from_printed_dbm(dbm), "unknown");
        }
        check(Light::from_printed_dbm(-18.5), "-18.50");
        check(Light::from_printed_dbm(2.55), "2.55");
        check(Light::from_printed_dbm(-1.01), "-1.01");
    }

    proptest! {
        #[test]
        fn a_power_is_always_one_that_can_be(value in any::<f64>()) {
            for light in [Light::from_microwatts(value), Light::from_printed_dbm(value)] {
                if let Some(dbm) = light.dbm() {
                    prop_assert!(dbm > DARK_DBM && dbm <= HIGHEST_DBM);
                }
            }
        }
    }
}
