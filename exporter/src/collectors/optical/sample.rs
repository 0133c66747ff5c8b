//! One reading of the optical transceiver, from whichever source, and its metrics.

use std::fmt;

use super::light::Light;
use crate::exposition::{Encode, Exposition};

/// What is known of the transceiver; what a source does not say is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sample {
    /// Who says so, the label `source`: `eeprom` is exact, `hwmon` is coarse (see there).
    pub(crate) source: &'static str,
    /// dBm; absent when there is no light.
    pub(crate) receive_dbm: Option<f64>,
    /// dBm; absent while the laser is off.
    pub(crate) transmit_dbm: Option<f64>,
    /// Does light arrive? Absent when the source measures no received power.
    pub(crate) signal_detected: Option<bool>,
    /// Of the module, °C.
    pub(crate) temperature_celsius: Option<f64>,
    /// Supply of the module, V.
    pub(crate) voltage_volts: Option<f64>,
    /// Current through the laser, A.
    pub(crate) bias_amperes: Option<f64>,
    /// The module's own limits of the received power.
    pub(crate) receive_thresholds: Thresholds,
}

/// Limits of the received power that the module's maker has set, dBm.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Thresholds {
    pub(crate) low_alarm: Option<f64>,
    pub(crate) low_warning: Option<f64>,
    pub(crate) high_warning: Option<f64>,
    pub(crate) high_alarm: Option<f64>,
}

impl Sample {
    /// A sample with its powers.
    pub(super) fn new(source: &'static str, receive: Light, transmit: Light) -> Self {
        Self {
            source,
            receive_dbm: receive.dbm(),
            transmit_dbm: transmit.dbm(),
            signal_detected: receive.is_there(),
            ..Self::default()
        }
    }
}

impl Encode for Sample {
    fn encode(&self, out: &mut Exposition<'_>) -> fmt::Result {
        let source: &[(&str, &str)] = &[("source", self.source)];
        out.gauge("optical_receive_power_dbm", "Optical power received; absent without light")
            .sample(source, self.receive_dbm)?;
        out.gauge(
            "optical_transmit_power_dbm",
            "Optical power sent; absent while the laser is off",
        )
        .sample(source, self.transmit_dbm)?;
        out.gauge("optical_signal_detected", "1 if light arrives, 0 if it is dark")
            .sample(&[], self.signal_detected)?;
        out.gauge("optical_temperature_celsius", "Temperature of the optical module")
            .sample(&[], self.temperature_celsius)?;
        out.gauge("optical_voltage_volts", "Supply voltage of the optical module")
            .sample(&[], self.voltage_volts)?;
        out.gauge("optical_bias_amperes", "Current through the laser")
            .sample(&[], self.bias_amperes)?;
        let mut thresholds = out.gauge(
            "optical_receive_power_threshold_dbm",
            "Limits of the received power that the maker of the module has set",
        );
        let Thresholds { low_alarm, low_warning, high_warning, high_alarm } =
            self.receive_thresholds;
        for (level, dbm) in [
            ("low_alarm", low_alarm),
            ("low_warning", low_warning),
            ("high_warning", high_warning),
            ("high_alarm", high_alarm),
        ] {
            thresholds.sample(&[("level", level)], dbm)?;
        }
        Ok(())
    }
}

/// For people: `receive -18.52 dBm, transmit 2.31 dBm, 45.2 °C, 3.29 V, 12.3 mA`.
impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let received = match (self.receive_dbm, self.signal_detected) {
            (Some(dbm), Some(false)) => format!("receive {dbm:.2} dBm, too weak"),
            (Some(dbm), _) => format!("receive {dbm:.2} dBm"),
            (None, Some(false)) => "receive no light".to_owned(),
            (None, _) => "receive not measured".to_owned(),
        };
        f.write_str(&received)?;
        if let Some(dbm) = self.transmit_dbm {
            write!(f, ", transmit {dbm:.2} dBm")?;
        }
        if let Some(celsius) = self.temperature_celsius {
            write!(f, ", {celsius:.1} °C")?;
        }
        if let Some(volts) = self.voltage_volts {
            write!(f, ", {volts:.2} V")?;
        }
        if let Some(amperes) = self.bias_amperes {
            write!(f, ", {:.1} mA", amperes * 1000.0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::tests::lines;

    #[test]
    fn everything_known_is_shown() {
        let sample = Sample {
            temperature_celsius: Some(45.5),
            voltage_volts: Some(3.29),
            bias_amperes: Some(0.0123),
            receive_thresholds: Thresholds {
                low_alarm: Some(-28.9),
                low_warning: Some(-28.0),
                high_warning: None,
                high_alarm: Some(-6.0),
            },
            ..Sample::new("eeprom", Light::Dbm(-18.5), Light::Dbm(2.25))
        };
        assert_eq!(
            sample.to_string(),
            "receive -18.50 dBm, transmit 2.25 dBm, 45.5 °C, 3.29 V, 12.3 mA"
        );
        assert_eq!(
            lines(sample),
            "optical_receive_power_dbm{source=\"eeprom\"} -18.5\n\
             optical_transmit_power_dbm{source=\"eeprom\"} 2.25\n\
             optical_signal_detected 1\n\
             optical_temperature_celsius 45.5\n\
             optical_voltage_volts 3.29\n\
             optical_bias_amperes 0.0123\n\
             optical_receive_power_threshold_dbm{level=\"low_alarm\"} -28.9\n\
             optical_receive_power_threshold_dbm{level=\"low_warning\"} -28.0\n\
             optical_receive_power_threshold_dbm{level=\"high_alarm\"} -6.0\n"
        );
    }

    #[test]
    fn no_light_is_a_missing_power_and_a_zero() {
        let sample = Sample::new("hwmon", Light::Dark, Light::Dark);
        assert_eq!(sample.to_string(), "receive no light");
        assert_eq!(lines(sample), "optical_signal_detected 0\n");
    }

    #[test]
    fn what_was_not_measured_leaves_no_trace() {
        let sample = Sample::new("hwmon", Light::Unknown, Light::Unknown);
        assert_eq!(sample.to_string(), "receive not measured");
        assert_eq!(lines(sample), "");
    }
}
