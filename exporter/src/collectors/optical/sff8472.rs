//! What the EEPROM of an SFP module says: SFF-8472, "Diagnostic Monitoring Interface for
//! Optical Transceivers", rev. 12.4.
//!
//! Page A0h describes the module, page A2h holds limits, calibration and measurements.
//! Pure; `module_eeprom.rs` fetches the bytes. All numbers are big endian.

use std::ops::{Range, RangeInclusive};

use super::light::Light;
use super::sample::{Sample, Thresholds};
use crate::collectors::{CollectError, ParseError};

/// Bytes of page A0h that are looked at.
pub(super) const IDENTITY: Range<u8> = 0..96;
/// Bytes of page A2h that are looked at.
pub(super) const DIAGNOSTICS: Range<u8> = 0..112;
/// The measurements among them.
pub(super) const MEASUREMENTS: Range<u8> = 96..106;

/// A0h, identifiers of QSFP and its kin, whose diagnostics are laid out otherwise
/// (SFF-8024, table 4-1).
const QSFP_KIN: [u8; 6] = [0x0c, 0x0d, 0x11, 0x18, 0x19, 0x1e];
const MAKER: Range<usize> = 20..36;
const PART: Range<usize> = 40..56;
/// A0h, which diagnostics there are.
const DIAGNOSTIC_TYPE: usize = 92;
const HAS_DIAGNOSTICS: u8 = 1 << 6;
const EXTERNALLY_CALIBRATED: u8 = 1 << 4;
const NEEDS_ADDRESS_CHANGE: u8 = 1 << 2;
/// A0h, which optional parts of the diagnostics there are.
const OPTIONS: usize = 93;
const REPORTS_LOSS: u8 = 1 << 4;

/// A2h, limits: high alarm, low alarm, high warning, low warning.
const RECEIVE_LIMITS: usize = 32;
/// A2h, five floats, the highest power first.
const RECEIVE_POLYNOMIAL: usize = 56;
/// A2h, slope and offset of each.
const BIAS_LINE: usize = 76;
const TRANSMIT_LINE: usize = 80;
const TEMPERATURE_LINE: usize = 84;
const VOLTAGE_LINE: usize = 88;
/// A2h, measurements.
const TEMPERATURE: usize = 96;
const VOLTAGE: usize = 98;
const BIAS: usize = 100;
const TRANSMIT: usize = 102;
const RECEIVE: usize = 104;
/// A2h, what the pins of the module say.
const STATUS: usize = 110;
const LOSS_OF_SIGNAL: u8 = 1 << 1;

pub(super) const PLAUSIBLE_CELSIUS: RangeInclusive<f64> = -40.0..=150.0;
/// Modules run on 3.3 V; 0 and 6.5535 mean that nothing was measured.
pub(super) const PLAUSIBLE_VOLTS: RangeInclusive<f64> = 1.0..=6.0;
/// 131 mA is the end of the scale, which means that nothing was measured.
pub(super) const PLAUSIBLE_AMPERES: RangeInclusive<f64> = 0.0..=0.13;

/// No receiver for a house works below, dBm: for modules that set no limit themselves.
const WEAKEST_DBM: f64 = -30.0;

/// Two readings right after one another are of the same light if they differ by no more,
/// dB. Near the end of the scale one step is 3 dB.
const SAME_LIGHT_DB: f64 = 3.1;

/// A module with diagnostics, as its page A0h describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Module {
    calibration: Calibration,
    /// Does it say when it has lost the signal?
    reports_loss: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calibration {
    /// Measurements are in the standard's units.
    Internal,
    /// They are raw, and so are the limits; page A2h holds the constants.
    External,
}

impl Module {
    /// Reads page A0h.
    ///
    /// # Errors
    /// `NotAvailable` for modules without diagnostics that we can read, `Failed` for
    /// bytes that are no module.
    pub(super) fn parse(a0: &[u8]) -> Result<Self, CollectError> {
        let failed = |error: ParseError| CollectError::Failed(error.to_string());
        let a0 = Page::parse("page A0h", a0, IDENTITY).map_err(failed)?;
        let module = a0.module_name();
        let missing = |what: &str| CollectError::NotAvailable(format!("module {module}: {what}"));

        if QSFP_KIN.contains(&a0.byte(0)) {
            return Err(missing("is a QSFP, not an SFP; its diagnostics cannot be read"));
        }
        let diagnostics = a0.byte(DIAGNOSTIC_TYPE);
        if diagnostics & HAS_DIAGNOSTICS == 0 {
            return Err(missing("measures nothing (copper, or without diagnostics)"));
        }
        if diagnostics & NEEDS_ADDRESS_CHANGE != 0 {
            return Err(missing("shows its diagnostics only after an address change"));
        }
        let calibration = if diagnostics & EXTERNALLY_CALIBRATED == 0 {
            Calibration::Internal
        } else {
            Calibration::External
        };
        let reports_loss = a0.byte(OPTIONS) & REPORTS_LOSS != 0;
        Ok(Self { calibration, reports_loss })
    }

    /// Reads page A2h of this module.
    ///
    /// # Errors
    /// When the page is cut or blank.
    pub(super) fn measure(&self, a2: &[u8]) -> Result<Sample, ParseError> {
        let a2 = Page::parse("page A2h", a2, DIAGNOSTICS)?;
        // The end of the scale is a blank field.
        let measured = |at| Some(a2.unsigned(at)).filter(|raw| *raw < f64::from(u16::MAX));
        let receive = measured(RECEIVE).map_or(Light::Unknown, |raw| self.received(&a2, raw));
        let transmit = measured(TRANSMIT)
            .and_then(|raw| self.on_line(&a2, TRANSMIT_LINE, raw))
            .map_or(Light::Unknown, |counts| Light::from_microwatts(tenths(counts)));
        let celsius =
            self.on_line(&a2, TEMPERATURE_LINE, a2.signed(TEMPERATURE)).map(|raw| raw / 256.0);
        let volts = self.on_line(&a2, VOLTAGE_LINE, a2.unsigned(VOLTAGE)).map(|raw| raw * 1e-4);
        let amperes = self.on_line(&a2, BIAS_LINE, a2.unsigned(BIAS)).map(|raw| raw * 2e-6);
        let mut sample = Sample {
            temperature_celsius: celsius.filter(|value| PLAUSIBLE_CELSIUS.contains(value)),
            voltage_volts: volts.filter(|value| PLAUSIBLE_VOLTS.contains(value)),
            bias_amperes: amperes.filter(|value| PLAUSIBLE_AMPERES.contains(value)),
            receive_thresholds: self.receive_thresholds(&a2),
            ..Sample::new("eeprom", receive, transmit)
        };
        if self.reports_loss {
            let is_lost = a2.byte(STATUS) & LOSS_OF_SIGNAL != 0;
            let is_there = has_signal(&sample, is_lost);
            sample.signal_detected = Some(is_there);
            // What the module itself takes for noise is no received power.
            sample.receive_dbm = sample.receive_dbm.filter(|_| is_there);
        }
        Ok(sample)
    }

    fn receive_thresholds(&self, a2: &Page<'_>) -> Thresholds {
        let limit = |at: usize| {
            let raw = a2.unsigned(RECEIVE_LIMITS + at);
            // Limits that were never set are blank.
            let is_set = raw > 0.0 && raw < f64::from(u16::MAX);
            if is_set { self.received(a2, raw).dbm() } else { None }
        };
        Thresholds {
            high_alarm: limit(0),
            low_alarm: limit(2),
            high_warning: limit(4),
            low_warning: limit(6),
        }
    }

    /// A received power. External calibration is a polynomial of the raw value.
    fn received(&self, a2: &Page<'_>, raw: f64) -> Light {
        let counts = match self.calibration {
            Calibration::Internal => raw,
            Calibration::External => {
                let coefficients = [0, 4, 8, 12, 16].map(|at| a2.float(RECEIVE_POLYNOMIAL + at));
                if coefficients.iter().all(|coefficient| *coefficient == 0.0) {
                    return Light::Unknown;
                }
                coefficients.iter().fold(0.0, |sum, coefficient| sum * raw + coefficient)
            }
        };
        Light::from_microwatts(tenths(counts))
    }

    /// Any other measurement. External calibration is a straight line; one without slope
    /// was never set.
    fn on_line(&self, a2: &Page<'_>, line: usize, raw: f64) -> Option<f64> {
        match self.calibration {
            Calibration::Internal => Some(raw),
            Calibration::External => {
                let slope = a2.unsigned(line) / 256.0;
                (slope > 0.0).then(|| slope * raw + a2.signed(line + 2))
            }
        }
    }
}

/// Steps of 0.1 µW in µW.
fn tenths(counts: f64) -> f64 {
    counts / 10.0
}

/// Is the light that was measured a signal? Some sticks hold the loss pin active for
/// ever, so their word counts only where the power is as weak as they say.
fn has_signal(sample: &Sample, is_lost: bool) -> bool {
    let weakest = sample.receive_thresholds.low_alarm.unwrap_or(WEAKEST_DBM);
    match (sample.receive_dbm, sample.signal_detected) {
        (Some(dbm), _) => !is_lost || dbm >= weakest,
        (None, Some(is_there)) => is_there,
        (None, None) => !is_lost,
    }
}

/// Do two readings taken right after one another show the same light?
///
/// Sticks that are read byte by byte (RTL8672, RTL9601C) give a value half of the old
/// and half of the new measurement when it changes in between, which is a jump of any
/// size that lasts one reading.
pub(super) fn agree(one: &Sample, other: &Sample) -> bool {
    let close = |one: Option<f64>, other: Option<f64>| {
        (one.unwrap_or(-40.0) - other.unwrap_or(-40.0)).abs() <= SAME_LIGHT_DB
    };
    close(one.receive_dbm, other.receive_dbm) && close(one.transmit_dbm, other.transmit_dbm)
}

/// A page of at least the length that is looked at, so that no access can fail.
struct Page<'a>(&'a [u8]);

impl<'a> Page<'a> {
    fn parse(name: &'static str, bytes: &'a [u8], length: Range<u8>) -> Result<Self, ParseError> {
        let found = format!("{} of them", bytes.len());
        if bytes.len() < usize::from(length.end) {
            return Err(ParseError::new(name, "bytes up to the end of the measurements", &found));
        }
        match bytes.first() {
            // A bus without an answer reads as 0xff, or as 0.
            Some(first @ (0 | 0xff)) if bytes.iter().all(|byte| byte == first) => {
                let found = format!("{first:#04x} everywhere");
                Err(ParseError::new(name, "something written", &found))
            }
            _ => Ok(Self(bytes)),
        }
    }

    fn byte(&self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or_default()
    }

    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        std::array::from_fn(|index| self.byte(at + index))
    }

    fn unsigned(&self, at: usize) -> f64 {
        u16::from_be_bytes(self.bytes(at)).into()
    }

    fn signed(&self, at: usize) -> f64 {
        i16::from_be_bytes(self.bytes(at)).into()
    }

    fn float(&self, at: usize) -> f64 {
        f32::from_be_bytes(self.bytes(at)).into()
    }

    /// Maker and part number, for messages.
    fn module_name(&self) -> String {
        let text = |range: Range<usize>| -> String {
            let bytes = self.0.get(range).unwrap_or_default();
            bytes.iter().map(|byte| char::from(*byte)).filter(|c| matches!(c, ' '..='~')).collect()
        };
        let (maker, part) = (text(MAKER), text(PART));
        match (maker.trim(), part.trim()) {
            ("", "") => "without a name".to_owned(),
            (maker, part) => format!("\"{maker} {part}\""),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
