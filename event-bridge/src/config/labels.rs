//! Labels that the user gives a router in `ROUTERS_FILE`. Pure.
//!
//! Prometheus puts them on every series of the router, beside those that the exporter, the
//! bridge, the rules and Prometheus itself put there. One that is there already would be renamed
//! (`exported_device`), and rules and dashboards would look at the wrong one: it is refused here,
//! where somebody can read why.

use std::collections::BTreeMap;

/// `prometheus.yml` allows 40 labels of a series, and some are ours.
const MAX_LABELS: usize = 16;
const LONGEST_NAME: usize = 64;
/// `prometheus.yml` allows 500, and a scrape with more fails as a whole.
const LONGEST_VALUE: usize = 200;

/// Labels of Prometheus' own, of alerts, of what the exporter tells (a test holds `docs/metrics.md`
/// against this), and of what the bridge tells of a router (`metrics.rs`).
const TAKEN: [&str; 29] = [
    "alertname",
    "alertstate",
    "cause",
    "code",
    "collector",
    "device",
    "instance",
    "interface",
    "job",
    "kind",
    "le",
    "level",
    "outage",
    "path",
    "proto",
    "quantile",
    "result",
    "revision",
    "router",
    "scope",
    "sensor",
    "server",
    "severity",
    "side",
    "source",
    "target",
    "type",
    "version",
    "__name__",
];

/// What is wrong with the labels of a router, and what to do about it.
pub(super) fn problems(labels: &BTreeMap<String, String>) -> Vec<String> {
    let mut problems: Vec<String> = labels
        .iter()
        .filter_map(|(name, value)| {
            let problem = name_problem(name).or_else(|| value_problem(value))?;
            Some(format!("label {:?}: {problem}", shortened(name)))
        })
        .collect();
    if labels.len() > MAX_LABELS {
        problems.push(format!("{} labels, at most {MAX_LABELS}", labels.len()));
    }
    problems
}

/// Enough to find it by.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_NAME).collect()
}

fn name_problem(name: &str) -> Option<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_label = name.chars().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit());
    if TAKEN.contains(&name) {
        Some(format!(
            "the router's series have one of this name already, and Prometheus would mix them \
             up; choose another name, for example \"my_{}\"",
            name.trim_matches('_')
        ))
    } else if name.is_empty() || name.len() > LONGEST_NAME || !is_label {
        Some(format!(
            "a name is 1 to {LONGEST_NAME} letters (a to z), digits and _, and begins with no \
             digit: Prometheus takes no other"
        ))
    } else if name.starts_with("__") {
        Some(
            "names that begin with __ are Prometheus' own, and it would drop this one; choose \
             another name"
                .to_owned(),
        )
    } else {
        None
    }
}

fn value_problem(value: &str) -> Option<String> {
    if value.is_empty() {
        Some(
            "its value is empty, which is no label to Prometheus; give it a value, or leave it out"
                .to_owned(),
        )
    } else if value.len() > LONGEST_VALUE {
        Some(format!("its value has {} bytes, at most {LONGEST_VALUE}; shorten it", value.len()))
    } else if value.trim() != value || value.contains(char::is_control) {
        Some(
            "its value begins or ends with a space, or has a character that cannot be seen: it \
             would look like another one that it is not; take that out"
                .to_owned(),
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expected` is in what is said; `None`: nothing is.
    #[track_caller]
    fn check(name: &str, value: &str, expected: Option<&str>) {
        let labels = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let said = problems(&labels).join("; ");
        match expected {
            Some(expected) => assert!(said.contains(expected), "{name}={value}: {said}"),
            None => assert_eq!(said, "", "{name}={value}"),
        }
    }

    #[test]
    fn any_name_of_ones_own_may_be_taken() {
        for name in ["site", "customer", "floor_2", "_x", "Site", &"n".repeat(LONGEST_NAME)] {
            check(name, "berlin", None);
        }
        for value in ["Müller & Söhne", "北京", "a, \"b\"", &"v".repeat(LONGEST_VALUE)] {
            check("customer", value, None);
        }
        assert_eq!(problems(&BTreeMap::new()), Vec::<String>::new());
    }

    #[test]
    fn a_name_that_is_taken_or_none_is_refused() {
        for name in ["router", "instance", "job", "device", "__name__", "severity", "le"] {
            check(name, "x", Some("choose another name, for example \"my_"));
        }
        for name in ["__address__", "__meta_site", "__"] {
            check(name, "x", Some("begin with __"));
        }
        for name in ["", "a b", "a-b", "2nd", "größe", "a.b", "a\n", &"n".repeat(65)] {
            check(name, "x", Some("a name is 1 to 64 letters"));
        }
    }

    #[test]
    fn a_value_that_says_nothing_or_misleads_is_refused() {
        check("site", "", Some("label \"site\": its value is empty"));
        check("site", &"v".repeat(201), Some("its value has 201 bytes, at most 200"));
        for value in [" berlin", "berlin ", " ", "a\nb", "a\0"] {
            check("site", value, Some("begins or ends with a space"));
        }
    }

    #[test]
    fn everything_is_said_at_once_and_nothing_at_length() {
        let mut labels: BTreeMap<_, _> =
            (0..MAX_LABELS).map(|at| (format!("label_{at}"), "x".to_owned())).collect();
        assert_eq!(problems(&labels), Vec::<String>::new());
        labels.insert("job".to_owned(), "x".to_owned());
        labels.insert("n".repeat(1 << 20), "v".repeat(1 << 20));
        let said = problems(&labels);
        assert_eq!(said.len(), 3, "{said:?}");
        assert_eq!(said[2], "18 labels, at most 16");
        assert!(said.concat().len() < 500, "{said:?}");
    }

    /// Backticked words of the third column.
    #[test]
    fn what_the_exporter_uses_is_taken() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
        let document = std::fs::read_to_string(file).unwrap();
        let table = document.split("<!-- list: begin -->").nth(1).unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        let labels = rows.filter_map(|row| row.split('|').nth(3));
        let labels: Vec<_> = labels.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        assert!(labels.len() > 40, "{labels:?}");
        let missing: Vec<_> = labels.iter().filter(|label| !TAKEN.contains(label)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
