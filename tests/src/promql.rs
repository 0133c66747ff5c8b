//! What an expression of PromQL asks for, as far as checks of documents need it: no parser, and
//! no judgement. promtool has that.

use std::collections::BTreeSet;

/// An expression without strings, matchers, ranges and lists of labels.
fn bare(expression: &str) -> String {
    const LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
    let mut bare = String::new();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => rest[1..].find('"').map(|at| at + 2),
            '{' => rest.find('}').map(|at| at + 1),
            '[' => rest.find(']').map(|at| at + 1),
            '(' if LISTS.contains(&bare.split_whitespace().next_back().unwrap_or_default()) => {
                rest.find(')').map(|at| at + 1)
            }
            _ => None,
        };
        match (end, first) {
            (None, _) => bare.push(first),
            // So that its word is still followed by one.
            (Some(_), '(') => bare.push_str("()"),
            (Some(_), _) => {}
        }
        rest = &rest[end.unwrap_or(first.len_utf8())..];
    }
    bare
}

/// The metrics that an expression asks for: names that are no number, function or keyword.
#[must_use]
pub fn metrics(expression: &str) -> BTreeSet<String> {
    const WORDS: [&str; 6] = ["and", "or", "unless", "group_left", "group_right", "bool"];
    let bare = bare(expression);
    let is_of_name = |c: char| c.is_alphanumeric() || "_:.".contains(c);
    let mut names = BTreeSet::new();
    let mut rest = bare.as_str();
    while let Some(start) = rest.find(is_of_name) {
        let word = &rest[start..];
        let end = word.find(|c| !is_of_name(c)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        let is_applied =
            ["(", "by ", "without "].iter().any(|to| after.trim_start().starts_with(to));
        let is_function = is_applied && !WORDS.contains(&word);
        if !is_function && !WORDS.contains(&word) && !word.starts_with(|c: char| c.is_ascii_digit())
        {
            names.insert(word.to_owned());
        }
        rest = after;
    }
    names
}

/// The comparisons of an expression with a number, such as `> 75`.
#[must_use]
pub fn comparisons(expression: &str) -> Vec<String> {
    let bare = bare(expression);
    let words: Vec<_> = bare.split(|c: char| c.is_whitespace() || "()".contains(c)).collect();
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words
        .windows(2)
        .filter(|pair| ["==", "!=", ">", "<", ">=", "<="].contains(&pair[0]))
        .filter(|pair| pair[1].parse::<f64>().is_ok())
        .map(|pair| pair.join(" "))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_prometheus_does() {
        let expression =
            "sum by (device) (rate(a_total{x=\"(b > 1)\"}[5m])) > 0.5 and on (job) c:d == 9e9";
        let expected: BTreeSet<_> = ["a_total", "c:d"].map(str::to_owned).into();
        assert_eq!(metrics(expression), expected);
        assert_eq!(comparisons(expression), ["> 0.5", "== 9e9"]);
    }
}
