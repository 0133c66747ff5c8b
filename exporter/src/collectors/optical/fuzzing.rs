//! What a fuzzer calls with pages of a module's EEPROM, answers of sticks, and the kernel's.

use std::cell::Cell;

use super::answer;
use super::ethtool_netlink::{Chip, family_of, module_data, read_answer};
use super::module_eeprom::diagnose;
use super::sample::{Sample, Thresholds};
use super::sff8472::{MEASUREMENTS, PLAUSIBLE_AMPERES, PLAUSIBLE_CELSIUS, PLAUSIBLE_VOLTS};
use crate::collectors::CollectError;
use crate::fuzzing::shown;

/// Bytes of a page that the kernel gives.
const PAGE: usize = 128;

/// Page A0h, page A2h, and what page A2h measures at each further reading.
///
/// # Panics
/// When something is measured that no module can measure.
pub fn module_pages(bytes: &[u8]) {
    let (a0, rest) = bytes.split_at(bytes.len().min(PAGE));
    let (a2, again) = rest.split_at(rest.len().min(PAGE));
    let again: Vec<&[u8]> = again.chunks(MEASUREMENTS.len()).collect();
    let turns = Cell::new(0);
    let sample = diagnose(|chip, offset, length| {
        let page = match chip {
            Chip::Identity => a0,
            Chip::Diagnostics => a2,
        };
        if offset == MEASUREMENTS.start {
            let turn = turns.replace(turns.get() + 1);
            if let Some(measured) = again.get(turn) {
                return Ok(measured.to_vec());
            }
        }
        let range = usize::from(offset)..usize::from(offset) + usize::from(length);
        page.get(range).map(<[u8]>::to_vec).ok_or_else(|| CollectError::Failed("cut".to_owned()))
    });
    assert!(turns.get() < 3, "it is read {} times", turns.get());
    if let Ok(sample) = sample {
        check(sample);
    }
}

/// What a command, `ubus call gpon get_status` or `/proc/GPON` says.
///
/// # Panics
/// As above.
pub fn optical_answer(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match answer::parse("command", &text) {
        Ok(sample) => check(sample),
        // The text may hold a password.
        Err(error) => assert!(error.found.chars().count() <= 40, "{error}"),
    }
}

fn check(sample: Sample) {
    let Thresholds { low_alarm, low_warning, high_warning, high_alarm } = sample.receive_thresholds;
    let limits = [low_alarm, low_warning, high_warning, high_alarm];
    let powers = [sample.receive_dbm, sample.transmit_dbm];
    for dbm in powers.into_iter().chain(limits).flatten() {
        assert!(dbm > -40.0 && dbm <= 15.0, "{dbm} dBm");
    }
    let others = [
        (sample.temperature_celsius, PLAUSIBLE_CELSIUS),
        (sample.voltage_volts, PLAUSIBLE_VOLTS),
        (sample.bias_amperes, PLAUSIBLE_AMPERES),
    ];
    for (value, range) in others {
        assert!(value.is_none_or(|value| range.contains(&value)), "{value:?}, not in {range:?}");
    }
    assert!(sample.receive_dbm.is_none() || sample.signal_detected.is_some());
    assert_eq!(sample.to_string().lines().count(), 1);
    shown(sample);
}

/// A message of the kernel's netlink.
pub(crate) fn netlink_answer(bytes: &[u8]) {
    let Ok(attributes) = read_answer(bytes) else { return };
    assert!(attributes.len() < bytes.len());
    family_of(attributes).ok();
    let data = module_data(attributes, 96);
    assert!(data.is_none_or(|data| data.len() >= 96), "shorter than was asked for");
}
