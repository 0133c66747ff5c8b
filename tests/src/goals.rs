//! What is asked of a figure, and whether it is met. Pure.

/// A goal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// Less than this.
    Below(f64),
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
    /// This and nothing else.
    Exactly(f64),
    /// Shown for information.
    None,
}

impl Goal {
    /// Whether `found` is good enough. What is not a number never is.
    #[must_use]
    pub fn is_met(self, found: f64) -> bool {
        match self {
            Self::Below(limit) => found < limit,
            Self::AtMost(limit) => found <= limit,
            Self::AtLeast(limit) => found >= limit,
            Self::Exactly(expected) => found == expected,
            Self::None => true,
        }
    }

    /// The goal, and what to say of `found`, for two cells of a table.
    #[must_use]
    pub fn cells(self, found: f64) -> [String; 2] {
        let goal = match self {
            Self::Below(limit) => format!("< {limit}"),
            Self::AtMost(limit) => format!("<= {limit}"),
            Self::AtLeast(limit) => format!(">= {limit}"),
            Self::Exactly(expected) => format!("= {expected}"),
            Self::None => return [String::new(), String::new()],
        };
        [goal, if self.is_met(found) { "met" } else { "NOT met" }.to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_kept_to_the_letter() {
        assert!(Goal::AtMost(3.0).is_met(3.0) && !Goal::AtMost(3.0).is_met(3.1));
        assert!(Goal::AtLeast(3.0).is_met(3.0) && !Goal::AtLeast(3.0).is_met(2.9));
        assert!(Goal::Below(3.0).is_met(2.9) && !Goal::Below(3.0).is_met(3.0));
        assert!(Goal::Exactly(3.0).is_met(3.0) && !Goal::Exactly(3.0).is_met(4.0));
        assert!(!Goal::Below(3.0).is_met(f64::NAN) && Goal::None.is_met(f64::NAN));
    }

    #[test]
    fn cells_say_goal_and_verdict() {
        assert_eq!(Goal::Below(0.5).cells(0.4), ["< 0.5", "met"]);
        assert_eq!(Goal::AtLeast(15.0).cells(14.9), [">= 15", "NOT met"]);
        assert_eq!(Goal::Exactly(0.0).cells(1.0), ["= 0", "NOT met"]);
        assert_eq!(Goal::None.cells(1.0), ["", ""]);
    }
}
