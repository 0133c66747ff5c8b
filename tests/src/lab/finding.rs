//! One thing that was checked. Pure.

/// What was to be said, and what was.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// About what.
    pub about: String,
    /// What is right.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Are they the same?
    pub is_right: bool,
}

impl Finding {
    /// A number that lies between two.
    #[must_use]
    pub fn number(about: impl Into<String>, from: f64, to: f64, found: Option<f64>) -> Self {
        // Sums of counters are exact to the last digits of a float.
        const ROUNDING: f64 = 1e-6;
        let expected = if to - from > ROUNDING {
            format!("{from:.2} to {to:.2}")
        } else {
            format!("{from:.2}")
        };
        Self {
            about: about.into(),
            expected,
            found: found.map_or("nothing".to_owned(), |found| format!("{found:.2}")),
            is_right: found.is_some_and(|found| (from - ROUNDING..=to + ROUNDING).contains(&found)),
        }
    }

    /// A word.
    #[must_use]
    pub fn word(about: impl Into<String>, expected: &str, found: Option<&str>) -> Self {
        Self {
            about: about.into(),
            expected: expected.to_owned(),
            found: found.unwrap_or("nothing").to_owned(),
            is_right: found == Some(expected),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_lies_between_two_or_does_not() {
        for (found, is_right) in [
            (Some(1.0), true),
            (Some(2.0), true),
            (Some(0.9), false),
            (Some(2.1), false),
            (None, false),
        ] {
            assert_eq!(Finding::number("x", 1.0, 2.0, found).is_right, is_right, "{found:?}");
        }
        assert!(Finding::number("x", 1.0, 1.0, Some(1.000_000_1)).is_right);
    }

    #[test]
    fn a_word_is_the_same_or_another() {
        assert!(Finding::word("x", "house", Some("house")).is_right);
        assert!(!Finding::word("x", "house", Some("line")).is_right);
        assert!(!Finding::word("x", "house", None).is_right);
    }
}
