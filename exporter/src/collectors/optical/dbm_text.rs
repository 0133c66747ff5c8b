//! Names and values in what a stick prints: one or several on a line, with `:`, `=` or
//! nothing but space between them.
//!
//! Sources: `otop` and `pontop` (Lantiq, MaxLinear), `diag` (Realtek), `display optic`
//! (Huawei), `show gpon` (Sercomm), `i2c_cmd` (Azores), and `/proc/GPON`, whose format is
//! its vendor's affair. Pure.

use super::measured;
use super::readout::Readout;

/// Gathers everything that is recognised in a text.
pub(super) fn parse(text: &str) -> Readout {
    let mut readout = Readout::default();
    if let Some(powers) = bare_numbers(text) {
        for (name, power) in ["rx", "tx"].into_iter().zip(powers) {
            readout.take(name, power);
        }
        return readout;
    }
    for piece in text.lines().flat_map(pieces) {
        if let Some((name, value)) = field(piece) {
            readout.take(name, value);
        }
    }
    readout
}

/// The simplest answer: the received power, and the sent one if there is a second number.
fn bare_numbers(text: &str) -> Option<Vec<&str>> {
    let is_unit = |word: &&str| word.eq_ignore_ascii_case("dbm");
    let words: Vec<&str> = text.split_whitespace().filter(|word| !is_unit(word)).collect();
    let is_number = |word: &str| match measured::find_all(word).as_slice() {
        [one] => one.at == 0 && (one.end == word.len() || is_unit(&&word[one.end..])),
        _ => false,
    };
    let is_bare = (1..=2).contains(&words.len()) && words.iter().all(|word| is_number(word));
    is_bare.then_some(words)
}

/// The fields of a line: `a: 1, b: 2`, `a: 1; b: 2`, `a=1 b=2`, `| a | 1 |` is not one.
fn pieces(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    // A comma without a space behind it is a decimal one.
    for piece in line.split(", ").flat_map(|part| part.split(';')) {
        if piece.matches('=').count() > 1 {
            pieces.extend(piece.split_whitespace());
        } else {
            pieces.push(piece);
        }
    }
    pieces
}

/// Name and value of one field.
fn field(piece: &str) -> Option<(&str, &str)> {
    if let Some((name, value)) = piece.split_once([':', '=']) {
        return Some((name, value));
    }
    // The value begins where the first unit belongs to, else at the last number:
    // `RSSI 1490 power  17.01uW -17.57dBm`, `rx_power -20.1`.
    let numbers = measured::find_all(piece);
    let with_unit = numbers.iter().find(|number| number.unit.is_some());
    let value = with_unit.or(numbers.last())?;
    piece.split_at_checked(value.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = parse(text).into_sample("command").map(|sample| sample.to_string());
        assert_eq!(shown.as_deref().unwrap_or("nothing"), expected, "{text}");
    }

    #[test]
    fn one_value_on_a_line_is_read_in_all_dialects() {
        check("Rx Power: -24.559320  dBm\n", "receive -24.56 dBm");
        check("RX power(dBm)                     :-20.18\r\n", "receive -20.18 dBm");
        check("RX power: -18,50 dBm", "receive -18.50 dBm");
        check("RX POWER            :35.29uW -14.46dBm", "receive -14.46 dBm");
        check("RSSI 1490 power                  17.01uW -17.57dBm", "receive -17.57 dBm");
        check("RSSI 1490 power 17.01uW -17.57dBm", "receive -17.57 dBm");
        check("Rx Power:\t-40.00 dBm", "receive no light");
        check("RECEIVED_POWER: -18.5", "receive -18.50 dBm");
        check("RECEIVED_POWER=-18,5", "receive -18.50 dBm");
        check("rx_power -20.1", "receive -20.10 dBm");
        check("Receive Power (dBm):  -2.5  0.0  -3.0  -15.0  -17.0", "receive -2.50 dBm");
        check("Receive Power: -2.5 dBm (High: 0.0 dBm, Low: -15.0 dBm)", "receive -2.50 dBm");
    }

    #[test]
    fn several_values_on_a_line_are_told_apart() {
        let both = "receive -18.50 dBm, transmit 2.10 dBm";
        check("rx=-18.5 tx=2.1", both);
        check("RX power: -18.5 dBm, TX power: 2.1 dBm", both);
        check("rx: -18,5 dBm; tx: 2,1 dBm", both);
        check("-18.5 2.1", both);
        check("-18,5 dBm\n2.1dBm\n", both);
        check("-18.5", "receive -18.50 dBm");
        check("-inf", "receive no light");
    }

    #[test]
    fn what_has_no_power_gives_nothing() {
        for text in
            ["", "\n", "login:", "1 2 3", "5abc", "dBm", "rx_bytes: 1500", "error: no such command"]
        {
            check(text, "nothing");
        }
    }

    #[test]
    fn otop_is_read_with_kelvin_and_without_its_other_currents() {
        check(
            "status overview\n\n\
             laser age (active time)                            5:47:54\n\
             laser temperature (ext corr):                      319K\n\
             die temperature (int corr)                         317K\n\
             rx offset correction                               0\n\
             maximum bias / modulation current (chip)           78.00mA / 95.00mA\n\
             precalc. bias / modulation current                 9.19mA / 34.59mA (6)\n\
             actual bias / modulation current                   8.72mA / 34.18mA\n\
             bias / modulation change (errors)                  stable / stable (0 / 0)\n\
             integration coefficient bias / modulation          7 / 7\n\
             RSSI 1490 voltage, current                         127.75mV   127.75uA\n\
             RSSI 1550 voltage                                  499.51mV\n\
             DDMI voltage                                       3206.79mV\n\
             RSSI 1490 power                                    17.01uW -17.57dBm\n\
             tx power (se*(bias+mod/2-ith))                     1.80mW 2.55dBm\n\
             DCDC APD voltage (regulation error), saturation    36.28V (+0.00V) 152\n",
            "receive -17.57 dBm, transmit 2.55 dBm, 45.9 °C, 3.21 V, 8.7 mA",
        );
    }

    #[test]
    fn whole_answers_of_other_sticks_are_read() {
        check(
            "Temperature(C)                    :50\n\
             Supply votage(V)                  :3.26\n\
             TX bias current(mA)               :15\n\
             TX power(dBm)                     :2.36\n\
             RX power(dBm)                     :-20.18\n\
             success!\n",
            "receive -20.18 dBm, transmit 2.36 dBm, 50.0 °C, 3.26 V, 15.0 mA",
        );
        check(
            "Rx Power: -24.559320  dBm\nTx Power: -inf  dBm\nTemperature: 85.000000 C\n\
             Bias Current: 10.936000 mA\nVoltage: 3.019400 V\n",
            "receive -24.56 dBm, 85.0 °C, 3.02 V, 10.9 mA",
        );
        check(
            "PON STATUS          :O5\nLOS Times           :0\n\
             TX POWER            :2.97mW 4.73dBm\nRX POWER            :35.29uW -14.46dBm\n",
            "receive -14.46 dBm, transmit 4.73 dBm",
        );
        check(
            "Rx Power:\t-21.30 dBm\nTx Power:\t5.90 dBm\nVoltage:\t3211 mV\n\
             Bias Current:\t9200 uA\nTemperature:\t40.50 C\nSFP Vendor REV:\tV1.0\n",
            "receive -21.30 dBm, transmit 5.90 dBm, 40.5 °C, 3.21 V, 9.2 mA",
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(.|\n)*") {
            let _ = parse(&text).into_sample("command");
        }

        #[test]
        fn any_arrangement_of_real_parts_is_read_without_a_panic(
            parts in proptest::collection::vec(
                prop::sample::select(vec![
                    "rx", "RX power", "tx", "dBm", "(", ")", ":", "=", " ", "-", "18,5", "-inf",
                    "1490", "uW", "°C", ", ", ";", "\n", "\u{fffd}", "−",
                ]),
                0..12,
            )
        ) {
            let _ = parse(&parts.concat()).into_sample("command");
        }
    }
}
