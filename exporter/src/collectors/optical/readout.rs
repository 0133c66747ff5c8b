//! Named values, from whatever stick, gathered into one sample.
//!
//! Every vendor has words of his own, so a name is recognised by the words in it: `RX
//! power(dBm)`, `rx_power`, `RECEIVED_POWER`, `RSSI 1490 power`, `receivedOpticalPower`.
//! Limits, counts and the far end's values carry the same words and one more that gives
//! them away. Pure; `dbm_text.rs` and `answer.rs` find the names.

use super::light::Light;
use super::measured::{self, Unit};
use super::sample::Sample;

/// Beginnings of words in names that are no measurement of this transceiver. `rf` and
/// 1550 nm are cable television on the same fibre, `olt` is the far end.
const FOREIGN: [&str; 23] = [
    "alarm", "warn", "thresh", "limit", "min", "max", "high", "low", "upper", "target", "precalc",
    "sensitiv", "overload", "margin", "los", "fault", "byte", "packet", "olt", "apd", "dcdc", "rf",
    "1550",
];

/// The same of the last part of a path alone: `status` may well hold the measurements.
const FOREIGN_HERE: [&str; 5] = ["enable", "disable", "status", "error", "cpu"];

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
    Receive,
    Transmit,
    Temperature,
    Voltage,
    Bias,
}

/// Values found so far. Of several for one quantity the first counts, but for powers one
/// in dBm counts more than any other.
#[derive(Debug, Default)]
pub(super) struct Readout {
    receive: Power,
    transmit: Power,
    temperature_celsius: Option<f64>,
    voltage_volts: Option<f64>,
    bias_amperes: Option<f64>,
}

#[derive(Debug, Default)]
struct Power {
    light: Light,
    is_in_dbm: bool,
    /// The name was there and no value, which is how some sticks say "no light".
    is_empty: bool,
}

impl Readout {
    /// Takes a name and its value as text; what is not recognised is passed over.
    pub(super) fn take(&mut self, name: &str, value: &str) {
        let words = words_in(name);
        let unit = unit_in_name(name);
        match recognise(name, &words) {
            None => {}
            Some(Quantity::Receive) => self.receive.take(unit, value),
            Some(Quantity::Transmit) => self.transmit.take(unit, value),
            Some(Quantity::Temperature) => {
                let celsius = self.temperature_celsius;
                self.temperature_celsius = celsius.or_else(|| temperature(unit, value));
            }
            Some(Quantity::Voltage) => {
                self.voltage_volts = self.voltage_volts.or_else(|| voltage(unit, value));
            }
            Some(Quantity::Bias) => {
                // Bare numbers are mA with every vendor, where they are a current at all.
                let is_current = words.iter().any(|word| word == "current");
                let unit = unit.or(is_current.then_some(Unit::Amperes(1e-3)));
                self.bias_amperes = self.bias_amperes.or_else(|| bias(unit, value));
            }
        }
    }

    /// The sample; `None` if no power was among the values.
    pub(super) fn into_sample(self, source: &'static str) -> Option<Sample> {
        let (receive, transmit) = (self.receive.light(), self.transmit.light());
        let is_known = receive != Light::Unknown || transmit != Light::Unknown;
        is_known.then(|| Sample {
            temperature_celsius: self.temperature_celsius,
            voltage_volts: self.voltage_volts,
            bias_amperes: self.bias_amperes,
            ..Sample::new(source, receive, transmit)
        })
    }
}

impl Power {
    fn take(&mut self, unit: Option<Unit>, value: &str) {
        if value.trim_matches(['"', '\'', ' ', '\t', '\r']).is_empty() {
            self.is_empty = true;
            return;
        }
        let Some((light, is_in_dbm)) = power(unit, value) else {
            return;
        };
        let is_first = self.light == Light::Unknown;
        if light != Light::Unknown && (is_first || (is_in_dbm && !self.is_in_dbm)) {
            self.light = light;
            self.is_in_dbm = is_in_dbm;
        }
    }

    fn light(&self) -> Light {
        if self.light == Light::Unknown && self.is_empty { Light::Dark } else { self.light }
    }
}

/// The words of a name, in lower case: `receivedOpticalPower` has three. What stands in
/// parentheses is a unit or an explanation.
fn words_in(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut depth = 0_usize;
    let mut before = ' ';
    for c in name.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is_letter = depth == 0 && c.is_alphanumeric();
        let is_hump = before.is_lowercase() && c.is_uppercase();
        if (!is_letter || is_hump) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if is_letter && let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What a name stands for; `None`: nothing of ours.
fn recognise(name: &str, words: &[String]) -> Option<Quantity> {
    let any = |test: fn(&str) -> bool| words.iter().any(|word| test(word));
    let here = words_in(name.rsplit('.').next().unwrap_or(name));
    let is_foreign_here = |word: &String| FOREIGN_HERE.iter().any(|one| word.starts_with(one));
    if any(|word| FOREIGN.iter().any(|foreign| word.starts_with(foreign)))
        || here.iter().any(is_foreign_here)
    {
        return None;
    }
    let is_received = any(|word| {
        word.starts_with("rx") || word.starts_with("receive") || word.starts_with("rssi")
    });
    let is_sent = any(|word| word.starts_with("tx") || word.starts_with("transmit"));
    if any(|word| word.starts_with("bias")) {
        return Some(Quantity::Bias);
    }
    if any(|word| word.starts_with("temp")) {
        return Some(Quantity::Temperature);
    }
    // "votage" is how one vendor spells it.
    if any(|word| word.starts_with("volt") || matches!(word, "votage" | "vcc")) {
        return (!is_received).then_some(Quantity::Voltage);
    }
    // `rx` alone can be anything, unless it is the whole name.
    let is_power = any(|word| {
        word.ends_with("power") || word.ends_with("pwr") || matches!(word, "level" | "optical")
    });
    if !is_power && words.len() > 1 && !name.to_lowercase().contains("dbm") {
        return None;
    }
    match (is_received, is_sent) {
        (true, false) => Some(Quantity::Receive),
        (false, true) => Some(Quantity::Transmit),
        (true, true) | (false, false) => None,
    }
}

/// `RX power(dBm)`, `rx_power_dbm`, `rxPowerDbm`.
fn unit_in_name(name: &str) -> Option<Unit> {
    let name = name.trim().trim_end_matches(')');
    let last = name.rsplit(|c: char| !c.is_alphanumeric() && c != '°').next()?;
    let unit = Unit::parse(last);
    unit.or_else(|| last.to_lowercase().ends_with("dbm").then_some(Unit::Dbm))
        .or_else(|| Unit::parse(words_in(last).last()?))
}

/// A power, and whether it was given in dBm. One in dBm is taken before one in W.
fn power(unit: Option<Unit>, value: &str) -> Option<(Light, bool)> {
    let numbers = measured::find_all(value);
    if let Some(dbm) = numbers.iter().find(|one| one.unit == Some(Unit::Dbm)) {
        return Some((Light::from_printed_dbm(dbm.value), true));
    }
    let first = numbers.first()?;
    Some(match first.unit.or(unit) {
        Some(Unit::Microwatts(size)) => (Light::from_microwatts(first.value * size), false),
        Some(Unit::Dbm) => (Light::from_printed_dbm(first.value), true),
        _ => (Light::from_printed_dbm(first.value), false),
    })
}

fn temperature(unit: Option<Unit>, value: &str) -> Option<f64> {
    let first = *measured::find_all(value).first()?;
    let celsius = match first.unit.or(unit) {
        Some(Unit::Celsius) | None => first.value,
        Some(Unit::Kelvin) => first.value - 273.15,
        Some(_) => return None,
    };
    (-40.0..=150.0).contains(&celsius).then_some(celsius)
}

fn voltage(unit: Option<Unit>, value: &str) -> Option<f64> {
    let first = *measured::find_all(value).first()?;
    let volts = match first.unit.or(unit) {
        Some(Unit::Volts(size)) => first.value * size,
        // Modules run on 3.3 V: without a unit 3.26 and 3264 can only be one thing.
        None if first.value > 100.0 => first.value / 1000.0,
        None => first.value,
        Some(_) => return None,
    };
    (1.0..=6.0).contains(&volts).then_some(volts)
}

fn bias(unit: Option<Unit>, value: &str) -> Option<f64> {
    let first = *measured::find_all(value).first()?;
    let amperes = match first.unit.or(unit) {
        Some(Unit::Amperes(size)) => first.value * size,
        _ => return None,
    };
    (0.0..=0.13).contains(&amperes).then_some(amperes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check_name(name: &str, expected: Option<Quantity>) {
        assert_eq!(recognise(name, &words_in(name)), expected, "{name}");
    }

    #[test]
    fn names_of_many_vendors_are_recognised() {
        for name in [
            "rx",
            "RX power(dBm)",
            "Rx Power",
            "rx_power",
            "rxpower",
            "rxPowerDbm",
            "RX_DBM",
            "RECEIVED_POWER",
            "receive-power",
            "receivedOpticalPower",
            "Optical RX level",
            "RSSI 1490 power",
            "optical.rx.power",
            "Rx optical power",
        ] {
            check_name(name, Some(Quantity::Receive));
        }
        for name in
            ["tx", "TX POWER", "TRANSMIT_POWER", "tx power (se*(bias+mod/2-ith))", "Transmit power"]
        {
            check_name(name, Some(Quantity::Transmit));
        }
        check_name("TX bias current(mA)", Some(Quantity::Bias));
        check_name("actual bias / modulation current", Some(Quantity::Bias));
        check_name("Temperature(C)", Some(Quantity::Temperature));
        check_name("tempreture", Some(Quantity::Temperature));
        check_name("Supply votage(V)", Some(Quantity::Voltage));
        check_name("DDMI voltage", Some(Quantity::Voltage));
    }

    #[test]
    fn what_only_sounds_alike_is_not() {
        for name in [
            "rx power low alarm",
            "RX Power High Warning Threshold",
            "thresholds.rx_power",
            "oltReceivedOpticalPower",
            "rfRxPower",
            "RSSI 1550 power",
            "RF 1550 power",
            "rx_bytes",
            "Rx packets",
            "RX LOS",
            "tx_fault",
            "rx offset correction",
            "RSSI 1490 voltage",
            "DCDC APD voltage",
            "maximum bias / modulation current",
            "precalc. bias / modulation current",
            "cpu1_tempC",
            "powerlevel",
            "power",
            "",
        ] {
            check_name(name, None);
        }
    }

    #[track_caller]
    fn check(fields: &[(&str, &str)], expected: &str) {
        let mut readout = Readout::default();
        for (name, value) in fields {
            readout.take(name, value);
        }
        let shown = readout.into_sample("command").map(|sample| sample.to_string());
        assert_eq!(shown.as_deref().unwrap_or("nothing"), expected);
    }

    #[test]
    fn units_are_taken_from_value_or_name() {
        check(&[("rx power", "17.01uW -17.57dBm")], "receive -17.57 dBm");
        check(&[("rx power", "17.01uW")], "receive -17.69 dBm");
        check(&[("rx_power_uw", "17.01")], "receive -17.69 dBm");
        check(&[("rx power", "0.0035 mW")], "receive -24.56 dBm");
        check(
            &[
                ("rx", "-20.5"),
                ("laser temperature", "319K"),
                ("Voltage", "3211 mV"),
                ("Bias Current", "10936 uA"),
            ],
            "receive -20.50 dBm, 45.9 °C, 3.21 V, 10.9 mA",
        );
        check(
            &[("rx", "-20.5"), ("Temp", "50"), ("votage", "3264"), ("TX bias current(mA)", "15")],
            "receive -20.50 dBm, 50.0 °C, 3.26 V, 15.0 mA",
        );
        check(&[("rx", "-20.5"), ("bias ratio", "7 / 7"), ("temp", "168 F")], "receive -20.50 dBm");
    }

    #[test]
    fn a_power_in_dbm_counts_more_than_one_without_unit() {
        check(&[("rx_power", "5"), ("rx_power_dbm", "-23.0")], "receive -23.00 dBm");
        check(&[("rx_power_dbm", "-23.0"), ("rx_power", "5")], "receive -23.00 dBm");
        check(&[("rx power", "-20 dBm"), ("rx power", "-30 dBm")], "receive -20.00 dBm");
    }

    #[test]
    fn no_light_and_no_value_are_told_apart() {
        for dark in ["-inf dBm", "-40.00", "0", "0.00 uW", "0.1uW", "", "  ", "\"\""] {
            check(&[("rx power", dark)], "receive no light");
        }
        for unknown in ["-1", "N/A", "--", "99"] {
            check(&[("rx power", unknown)], "nothing");
        }
        check(&[("rx power", ""), ("rx power", "-20.1 dBm")], "receive -20.10 dBm");
        check(&[("tx power", "-inf dBm"), ("rx power", "-20 dBm")], "receive -20.00 dBm");
    }

    proptest! {
        #[test]
        fn any_name_and_value_are_taken_without_a_panic(name in ".*", value in ".*") {
            let mut readout = Readout::default();
            readout.take(&name, &value);
            readout.take("rx power", &value);
            if let Some(sample) = readout.into_sample("command") {
                prop_assert!(sample.receive_dbm.is_none_or(|dbm| dbm > -40.0 && dbm <= 15.0));
            }
        }
    }
}
