//! Tables of modules, built byte by byte from the standard.

use super::*;
use proptest::prelude::*;

/// Page A0h of a GPON stick with diagnostics of this type.
pub(in crate::collectors::optical) fn a0(diagnostic_type: u8) -> Vec<u8> {
    let mut page = vec![0; 128];
    page[0] = 0x03;
    page[MAKER].copy_from_slice(b"EXAMPLE OPTICS  ");
    page[PART].copy_from_slice(b"GPON-STICK      ");
    page[DIAGNOSTIC_TYPE] = diagnostic_type;
    page[OPTIONS] = 0xf0;
    page
}

/// Internally calibrated, average power.
pub(in crate::collectors::optical) const INTERNAL: u8 = 0x68;
const EXTERNAL: u8 = 0x58;

fn put(page: &mut [u8], at: usize, value: u16) {
    page[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

/// Page A2h with limits as GPON sticks have them, and this received power in 0.1 µW.
pub(in crate::collectors::optical) fn a2(receive: u16) -> Vec<u8> {
    let mut page = vec![0; 128];
    put(&mut page, RECEIVE_LIMITS, 2511);
    put(&mut page, RECEIVE_LIMITS + 2, 13);
    put(&mut page, RECEIVE_LIMITS + 4, 1995);
    put(&mut page, RECEIVE_LIMITS + 6, 16);
    put(&mut page, TEMPERATURE, 0x2d80);
    put(&mut page, VOLTAGE, 32_900);
    put(&mut page, BIAS, 6150);
    put(&mut page, TRANSMIT, 16_788);
    put(&mut page, RECEIVE, receive);
    page
}

fn module(diagnostic_type: u8) -> Module {
    Module::parse(&a0(diagnostic_type)).unwrap()
}

fn measure(diagnostic_type: u8, page: &[u8]) -> Sample {
    module(diagnostic_type).measure(page).unwrap()
}

#[track_caller]
fn check(value: Option<f64>, expected: f64) {
    let value = value.unwrap();
    assert!((value - expected).abs() < 0.005, "{value}, expected {expected}");
}

#[test]
fn measurements_and_limits_are_read() {
    let sample = measure(INTERNAL, &a2(175));
    assert_eq!(sample.source, "eeprom");
    check(sample.receive_dbm, -17.57);
    check(sample.transmit_dbm, 2.25);
    check(sample.temperature_celsius, 45.5);
    check(sample.voltage_volts, 3.29);
    check(sample.bias_amperes.map(|amperes| amperes * 1000.0), 12.3);
    check(sample.receive_thresholds.high_alarm, -6.0);
    check(sample.receive_thresholds.high_warning, -7.0);
    check(sample.receive_thresholds.low_warning, -27.96);
    check(sample.receive_thresholds.low_alarm, -28.86);
    assert_eq!(sample.signal_detected, Some(true));
}

#[test]
fn a_weak_signal_is_exact_where_whole_microwatts_would_not_be() {
    check(measure(INTERNAL, &a2(25)).receive_dbm, -26.02);
    check(measure(INTERNAL, &a2(24)).receive_dbm, -26.2);
}

#[test]
fn no_light_is_no_power() {
    for receive in [0, 1] {
        let sample = measure(INTERNAL, &a2(receive));
        assert_eq!((sample.receive_dbm, sample.signal_detected), (None, Some(false)));
    }
    let mut page = a2(175);
    put(&mut page, TRANSMIT, 0);
    assert_eq!(measure(INTERNAL, &page).transmit_dbm, None, "the laser is off");
}

#[test]
fn a_blank_power_is_not_measured() {
    let sample = measure(INTERNAL, &a2(u16::MAX));
    // The module's own pin says that there is light.
    assert_eq!((sample.receive_dbm, sample.signal_detected), (None, Some(true)));
}

#[test]
fn temperatures_below_zero_are_signed() {
    let mut page = a2(175);
    put(&mut page, TEMPERATURE, 0xf480);
    check(measure(INTERNAL, &page).temperature_celsius, -11.5);
}

#[test]
fn the_loss_pin_counts_where_the_power_is_as_weak() {
    for (receive, expected) in [(175, true), (13, true), (12, false), (3, false), (0, false)] {
        let mut page = a2(receive);
        page[STATUS] = LOSS_OF_SIGNAL;
        assert_eq!(measure(INTERNAL, &page).signal_detected, Some(expected), "{receive}");
    }
    let mut page = a2(3);
    page[STATUS] = LOSS_OF_SIGNAL;
    let mut without = a0(INTERNAL);
    without[OPTIONS] = 0;
    let sample = Module::parse(&without).unwrap().measure(&page).unwrap();
    assert_eq!(sample.signal_detected, Some(true), "a module without the pin says nothing");
}

#[test]
fn blank_limits_and_measurements_are_absent() {
    let mut page = a2(175);
    page[RECEIVE_LIMITS..RECEIVE_LIMITS + 4].fill(0xff);
    page[RECEIVE_LIMITS + 4..RECEIVE_LIMITS + 8].fill(0);
    page[VOLTAGE..VOLTAGE + 4].fill(0xff);
    let sample = measure(INTERNAL, &page);
    assert_eq!(sample.receive_thresholds, Thresholds::default());
    assert_eq!((sample.voltage_volts, sample.bias_amperes), (None, None));
}

/// Constants that change nothing, as internally calibrated modules carry them.
fn with_constants(mut page: Vec<u8>) -> Vec<u8> {
    page[RECEIVE_POLYNOMIAL..BIAS_LINE].fill(0);
    page[RECEIVE_POLYNOMIAL + 12..][..4].copy_from_slice(&1.0_f32.to_be_bytes());
    for line in [BIAS_LINE, TRANSMIT_LINE, TEMPERATURE_LINE, VOLTAGE_LINE] {
        put(&mut page, line, 0x0100);
        put(&mut page, line + 2, 0);
    }
    page
}

#[test]
fn external_calibration_that_changes_nothing_changes_nothing() {
    let page = with_constants(a2(175));
    assert_eq!(measure(EXTERNAL, &page), measure(INTERNAL, &page));
}

#[test]
fn external_calibration_bends_power_and_limits_and_moves_the_rest() {
    let mut page = with_constants(a2(100));
    // 0.01 x² + 2 x + 50: 350 at 100 (35 µW), 68123 at 2511 (6.8 mW).
    for (at, value) in [(8, 0.01_f32), (12, 2.0), (16, 50.0)] {
        page[RECEIVE_POLYNOMIAL + at..][..4].copy_from_slice(&value.to_be_bytes());
    }
    put(&mut page, TEMPERATURE_LINE, 0x0080);
    put(&mut page, TEMPERATURE_LINE + 2, 0xff00);
    put(&mut page, VOLTAGE_LINE + 2, 1000);
    put(&mut page, TRANSMIT_LINE, 0x0200);
    let sample = measure(EXTERNAL, &page);
    check(sample.receive_dbm, -14.56);
    check(sample.temperature_celsius, 45.5 / 2.0 - 1.0);
    check(sample.voltage_volts, 3.39);
    check(sample.transmit_dbm, 2.25 + 3.01);
    check(sample.receive_thresholds.high_alarm, 8.33);
}

#[test]
fn external_calibration_without_constants_measures_nothing() {
    let sample = measure(EXTERNAL, &a2(175));
    let expected = Sample { signal_detected: Some(true), ..Sample::default() };
    assert_eq!(sample, Sample { source: "eeprom", ..expected }, "only the loss pin is left");
}

#[track_caller]
fn check_refusal(page: &[u8], expected: &str) {
    assert_eq!(Module::parse(page).unwrap_err().to_string(), expected);
}

#[test]
fn modules_without_readable_diagnostics_say_why() {
    let name = "not on this device: module \"EXAMPLE OPTICS GPON-STICK\"";
    check_refusal(&a0(0), &format!("{name}: measures nothing (copper, or without diagnostics)"));
    check_refusal(
        &a0(INTERNAL | NEEDS_ADDRESS_CHANGE),
        &format!("{name}: shows its diagnostics only after an address change"),
    );
    let mut qsfp = a0(INTERNAL);
    qsfp[0] = 0x11;
    check_refusal(&qsfp, &format!("{name}: is a QSFP, not an SFP; its diagnostics cannot be read"));
}

#[test]
fn blank_and_cut_pages_are_refused() {
    check_refusal(&[0xff; 96], "page A0h: expected something written, found \"0xff everywhere\"");
    check_refusal(
        &a0(INTERNAL)[..95],
        "page A0h: expected bytes up to the end of the measurements, found \"95 of them\"",
    );
    assert!(module(INTERNAL).measure(&[0; 128]).is_err());
    assert!(module(INTERNAL).measure(&a2(175)[..111]).is_err());
}

#[test]
fn a_jump_that_lasts_one_reading_does_not_agree() {
    let at = |receive| measure(INTERNAL, &a2(receive));
    assert!(agree(&at(256), &at(255)));
    assert!(!agree(&at(256), &at(0)), "the high byte of the new, the low byte of the old");
    assert!(!agree(&at(255), &at(0x0fff)), "12 dB up");
    assert!(!agree(&at(0x0fff), &at(255)), "12 dB down");
    assert!(agree(&at(2), &at(1)), "one step in the dark");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(
        a0 in proptest::collection::vec(any::<u8>(), 0..300),
        a2 in proptest::collection::vec(any::<u8>(), 0..300),
        diagnostic_type in any::<u8>(),
    ) {
        let _ = Module::parse(&a0);
        if let Ok(module) = Module::parse(&self::a0(diagnostic_type))
            && let Ok(sample) = module.measure(&a2)
        {
            let limits = sample.receive_thresholds;
            for dbm in [sample.receive_dbm, sample.transmit_dbm, limits.low_alarm, limits.high_alarm] {
                prop_assert!(dbm.is_none_or(|dbm| dbm > -40.0 && dbm <= 15.0));
            }
            prop_assert!(agree(&sample, &sample));
        }
    }
}
