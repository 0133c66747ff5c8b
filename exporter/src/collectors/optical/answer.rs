//! What a program or a vendor's interface answered, in whichever format: JSON, the web
//! page of a Huawei ONT, or lines of text (`dbm_text.rs`).
//!
//! Pure. One entry, so that a `command:` may print whatever is easiest to get.

use serde_json::Value;

use super::dbm_text;
use super::readout::Readout;
use super::sample::Sample;
use crate::collectors::ParseError;

/// Constructor call on Huawei's page `opticinfo.asp`, with positional arguments.
const HUAWEI: &str = "new stOpticInfo(";

/// Reads an answer of `source`.
///
/// # Errors
/// When there is no optical power in it.
pub(super) fn parse(source: &'static str, text: &str) -> Result<Sample, ParseError> {
    let trimmed = text.trim();
    let readout = if let Some((_, arguments)) = text.split_once(HUAWEI) {
        parse_huawei(arguments)
    } else if trimmed.starts_with(['{', '[']) {
        let json = serde_json::from_slice(trimmed.as_bytes())
            .map_err(|error| ParseError::new("answer", "JSON", &error.to_string()))?;
        let mut readout = Readout::default();
        walk(&json, &mut String::new(), &mut readout);
        readout
    } else {
        dbm_text::parse(text)
    };
    readout.into_sample(source).ok_or_else(|| {
        // The text itself may hold what is nobody's business.
        let found = format!("{} lines without one", text.lines().count());
        ParseError::new("answer", "an optical power in dBm", &found)
    })
}

/// Takes every number and text of a JSON value; its name is the path to it. The depth is
/// bounded by the parser.
fn walk(value: &Value, path: &mut String, readout: &mut Readout) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let length = path.len();
                path.push('.');
                path.push_str(name);
                walk(value, path, readout);
                path.truncate(length);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| walk(value, path, readout)),
        Value::Number(number) => readout.take(path.trim_start_matches('.'), &number.to_string()),
        Value::String(text) => readout.take(path.trim_start_matches('.'), text),
        Value::Null | Value::Bool(_) => {}
    }
}

/// `"domain", ["ok",] "2.33", "-24.09", "3364", "47", "10", …)`: state of the link
/// (missing in old firmware), sent and received dBm, mV, °C, mA. Characters that are not
/// letters or digits are written `\x2d`.
fn parse_huawei(arguments: &str) -> Readout {
    let arguments = arguments.split(')').next().unwrap_or_default();
    let mut values = arguments.split(',').map(unescape).skip(1).peekable();
    values.next_if(|value| value.contains(|c: char| c.is_ascii_alphabetic()));
    let names = ["tx_power_dbm", "rx_power_dbm", "voltage_mv", "temperature_c", "bias_ma"];
    let mut readout = Readout::default();
    for (name, value) in names.into_iter().zip(values) {
        readout.take(name, &value);
    }
    readout
}

/// Text without its quotes and with `\x2d` replaced by what it stands for.
fn unescape(text: &str) -> String {
    let mut parts = text.trim().trim_matches('"').split("\\x");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (code, part.get(2..)) {
            (Some(code), Some(rest)) => {
                plain.push(char::from(code));
                plain.push_str(rest);
            }
            _ => plain.push_str(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = parse("ubus", text).map(|sample| sample.to_string());
        assert_eq!(shown.unwrap_or_else(|error| error.to_string()), expected, "{text}");
    }

    #[test]
    fn json_of_several_spellings_is_read() {
        let both = "receive -18.50 dBm, transmit 2.10 dBm";
        check(r#"{"rx_power": -18.5, "tx_power": 2.1}"#, both);
        check(r#"{"gpon_status": {"rx_power": "-18.5 dBm", "tx_power": 2.1}}"#, both);
        check(r#"{"rxPowerUw": 12.5, "txPowerMw": 1.6}"#, "receive -19.03 dBm, transmit 2.04 dBm");
        check(r#"{"RxPower": "-18.50 dBm", "TxPower": "2.10 dBm"}"#, both);
        check(r#"{"optical": {"rx": {"power": -18.5}, "tx": {"power": "2,1"}}}"#, both);
        check(r#"{"receive_power": "-18,5", "transmit_power": "2.1", "state": "O5"}"#, both);
        check(r#"[{"receivedOpticalPower": "-18.5 dBm", "transmitOpticalPower": 2.1}]"#, both);
        check(
            r#"{"rx_power": -18.5, "thresholds": {"rx_power": -28}, "temperature": 45,
                "voltage": 3.29, "bias_current": 12.3}"#,
            "receive -18.50 dBm, 45.0 °C, 3.29 V, 12.3 mA",
        );
        check(r#"{"rx_power": null, "tx_power": 2.1}"#, "receive not measured, transmit 2.10 dBm");
        check(r#"{"rx_power": "-inf", "tx_power": 2.1}"#, "receive no light, transmit 2.10 dBm");
        check(r#"{"olt_rx_power": -20, "rx_power": -18.5}"#, "receive -18.50 dBm");
    }

    #[test]
    fn json_without_a_power_or_an_end_is_refused() {
        check(
            r#"{"state": "O5"}"#,
            "answer: expected an optical power in dBm, found \"1 lines without one\"",
        );
        check(
            r#"{"rx_power": -1"#,
            "answer: expected JSON, found \"EOF while parsing an object at line 1 co\"",
        );
    }

    #[test]
    fn huaweis_page_is_read_with_and_without_the_state_of_the_link() {
        let expected = "receive -24.09 dBm, transmit 2.33 dBm, 47.0 °C, 3.36 V, 10.0 mA";
        check(r#"new stOpticInfo("domain","ok","2.33","-24.09","3364","47","10")"#, expected);
        check(
            r#"function stOpticInfo(domain,transOpticPower,revOpticPower) { }
               var infos = new Array(new stOpticInfo("Internet\x2eOptic","\x202\x2e33",
               "\x2d24\x2e09","3364","47","10","\x2d\x2d"),null);"#,
            expected,
        );
        check(
            r#"new stOpticInfo("domain","ok","\x2d\x2d","\x2d\x2d","3364","47","")"#,
            "answer: expected an optical power in dBm, found \"1 lines without one\"",
        );
    }

    #[test]
    fn text_that_is_neither_is_read_line_by_line() {
        check("RX power(dBm) :-20.18\n", "receive -20.18 dBm");
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_a_panic(text in "(.|\n)*") {
            let _ = parse("command", &text);
            let _ = parse("command", &format!("{HUAWEI}{text}"));
            let _ = parse("command", &format!("{{\"rx_power\": {text}}}"));
        }

        #[test]
        fn any_escape_is_read_without_a_panic(text in "(\\\\x|[0-9a-f]|é|\")*") {
            let _ = unescape(&text);
        }
    }
}
