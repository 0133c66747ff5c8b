//! Numbers with a unit in text for people: `17.01uW -17.57dBm`, `-18,50 dBm`, `319K`.
//!
//! Pure. What stands in parentheses explains and is left out.

/// A number and its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    /// Where in the text the number begins, in bytes.
    pub(super) at: usize,
    /// Where it ends, before the unit.
    pub(super) end: usize,
    /// `-inf` is negative infinity.
    pub(super) value: f64,
    /// `None`: no unit, or a word that is none.
    pub(super) unit: Option<Unit>,
}

/// A unit, with what one of it is in the base unit where there are several sizes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Unit {
    Dbm,
    /// µW in one of it.
    Microwatts(f64),
    /// V in one of it.
    Volts(f64),
    /// A in one of it.
    Amperes(f64),
    Celsius,
    Kelvin,
    Fahrenheit,
}

impl Unit {
    /// The unit of that name, in any case of letters: sticks write `dBm`, `DBM`, `ma`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        // Firmware writes the degree sign in an encoding of its own.
        let is_ornament = |c| matches!(c, '°' | char::REPLACEMENT_CHARACTER);
        let name = name.trim_matches(is_ornament).to_lowercase();
        Some(match name.as_str() {
            "dbm" => Self::Dbm,
            "w" => Self::Microwatts(1e6),
            "mw" => Self::Microwatts(1e3),
            "uw" | "µw" | "μw" => Self::Microwatts(1.0),
            "nw" => Self::Microwatts(1e-3),
            "v" => Self::Volts(1.0),
            "mv" => Self::Volts(1e-3),
            "a" => Self::Amperes(1.0),
            "ma" => Self::Amperes(1e-3),
            "ua" | "µa" | "μa" => Self::Amperes(1e-6),
            "c" | "℃" | "degc" | "celsius" => Self::Celsius,
            "k" | "kelvin" => Self::Kelvin,
            "f" | "℉" | "degf" => Self::Fahrenheit,
            _ => return None,
        })
    }
}

/// All numbers of a text, in order.
pub(super) fn find_all(text: &str) -> Vec<Measured> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut before = ' ';
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        // A digit within a word (`A22`, `p1_0`) is no number.
        let may_begin = depth == 0 && !before.is_alphanumeric() && !matches!(before, '_' | '.');
        if may_begin && let Some((value, length)) = number(&text[at..]) {
            let end = at + length;
            found.push(Measured { at, end, value, unit: unit_after(&text[end..]) });
            before = '0';
            at = end;
            continue;
        }
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = c;
        at += c.len_utf8();
    }
    found
}

/// The number at the beginning of a text, and its length in bytes.
fn number(text: &str) -> Option<(f64, usize)> {
    let unsigned = text.strip_prefix(['-', '+', '−']).unwrap_or(text);
    let sign = if unsigned.len() == text.len() || text.starts_with('+') { 1.0 } else { -1.0 };
    let sign_length = text.len() - unsigned.len();

    let word = unsigned.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    if word.eq_ignore_ascii_case("inf") {
        return Some((sign * f64::INFINITY, sign_length + word.len()));
    }
    let whole = digits(unsigned);
    if whole == 0 {
        return None;
    }
    let fraction = match unsigned[whole..].strip_prefix(['.', ',']).map(digits) {
        None | Some(0) => 0,
        Some(fraction) => 1 + fraction,
    };
    let length = whole + fraction;
    let value: f64 = unsigned[..length].replace(',', ".").parse().ok()?;
    Some((sign * value, sign_length + length))
}

/// How many digits a text begins with.
fn digits(text: &str) -> usize {
    text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len()
}

fn unit_after(text: &str) -> Option<Unit> {
    let text = text.trim_start_matches([' ', '\t']);
    let is_part =
        |c: char| c.is_alphabetic() || matches!(c, '°' | '℃' | '℉' | char::REPLACEMENT_CHARACTER);
    let length = text.len() - text.trim_start_matches(is_part).len();
    Unit::parse(&text[..length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &[(f64, Option<Unit>)]) {
        let found: Vec<_> = find_all(text).iter().map(|one| (one.value, one.unit)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn numbers_and_units_are_found() {
        check("-24.559320  dBm", &[(-24.55932, Some(Unit::Dbm))]);
        check("-18,50 dBm", &[(-18.5, Some(Unit::Dbm))]);
        check("−18.5dBm", &[(-18.5, Some(Unit::Dbm))]);
        check(
            "17.01uW -17.57dBm",
            &[(17.01, Some(Unit::Microwatts(1.0))), (-17.57, Some(Unit::Dbm))],
        );
        check("+2 DBM", &[(2.0, Some(Unit::Dbm))]);
        check("3206.79mV", &[(3206.79, Some(Unit::Volts(1e-3)))]);
        check("319K", &[(319.0, Some(Unit::Kelvin))]);
        check("45.0 °C", &[(45.0, Some(Unit::Celsius))]);
        check("45.0 \u{fffd}C", &[(45.0, Some(Unit::Celsius))]);
        check("44℃ / 46℃", &[(44.0, Some(Unit::Celsius)), (46.0, Some(Unit::Celsius))]);
        check("8.72mA", &[(8.72, Some(Unit::Amperes(1e-3)))]);
        check("\"-24.09\"", &[(-24.09, None)]);
    }

    #[test]
    fn infinity_is_a_number_and_info_is_not() {
        check("-inf  dBm", &[(f64::NEG_INFINITY, Some(Unit::Dbm))]);
        check("-Inf", &[(f64::NEG_INFINITY, None)]);
        check("info", &[]);
    }

    #[test]
    fn parts_of_words_and_parentheses_are_no_numbers() {
        check("A22 x_1 7.5.1", &[(7.5, None)]);
        check("tx power (se*(bias+mod/2-ith)) 1.80mW", &[(1.8, Some(Unit::Microwatts(1e3)))]);
        check("-2.5 dBm (High: 0.0 dBm", &[(-2.5, Some(Unit::Dbm))]);
        for text in ["", "n/a", "--", "-", ".", ",", "-,5", "(5)"] {
            assert!(find_all(text).iter().all(|one| one.value == 5.0), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_searched_without_a_panic(text in ".*") {
            for one in find_all(&text) {
                prop_assert!(text.get(one.at..one.end).is_some_and(|number| !number.is_empty()));
                prop_assert!(!one.value.is_nan());
            }
        }

        #[test]
        fn any_power_is_found_as_it_was_printed(centibel in -4000_i32..1000) {
            let dbm = f64::from(centibel) / 100.0;
            for text in [format!("{dbm:.2} dBm"), format!("{dbm:.2}dBm").replace('.', ",")] {
                prop_assert_eq!(find_all(&text)[0].value, dbm);
            }
        }
    }
}
