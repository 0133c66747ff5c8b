//! .env.example and compose.yaml know the same settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::machine::root;

/// Read by Compose itself, or given by deploy.sh.
const SPECIAL: [&str; 2] = ["BUILD_REVISION", "COMPOSE_PROFILES"];

fn example() -> String {
    fs::read_to_string(root().join("compose/.env.example")).unwrap()
}

fn compose() -> String {
    let text = fs::read_to_string(root().join("compose/compose.yaml")).unwrap();
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .map(|l| format!("{l}\n"))
        .collect()
}

/// Name and default of each `NAME=value`.
fn settings(example: &str) -> BTreeMap<&str, &str> {
    let lines = example.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split_once('=').unwrap_or_else(|| panic!("{line}"))).collect()
}

/// Each `${NAME…}`: its name, what stands between, and the word after it.
fn variables(text: &str) -> Vec<(&str, &str, &str)> {
    let starts = text.match_indices("${").filter(|(at, _)| !text[..*at].ends_with('$'));
    let mut found = Vec::new();
    for (at, _) in starts {
        let rest = &text[at + 2..];
        let name = &rest[..rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap()];
        let rest = &rest[name.len()..];
        let word = rest.trim_start_matches([':', '-', '+', '?']);
        let operator = &rest[..rest.len() - word.len()];
        found.push((name, operator, &word[..word.find('}').unwrap()]));
    }
    found
}

#[test]
fn each_setting_is_in_both_files() {
    let (example, compose) = (example(), compose());
    let known: BTreeSet<_> = settings(&example).into_keys().collect();
    let mut used: BTreeSet<_> = variables(&compose).into_iter().map(|(name, ..)| name).collect();
    assert!(used.len() > 30, "{used:?}");
    used.extend(SPECIAL);
    assert_eq!(known, used);
}

/// Without .env's line the same happens as with it.
#[test]
fn a_default_is_the_same_in_both_files() {
    let (example, compose) = (example(), compose());
    let settings = settings(&example);
    for (name, operator, word) in variables(&compose) {
        let shown = settings[name];
        match operator {
            _ if SPECIAL.contains(&name) => {}
            // The file that stands for none.
            ":-" if word == "/dev/null" => assert_eq!(shown, "", "{name}"),
            ":-" => assert_eq!(shown, word, "{name}"),
            ":+" => {}
            "?" => assert_eq!(name, "ROUTER_IP"),
            "" => assert!(compose.contains(&format!("${{{name}:+")), "{name} has no default"),
            _ => panic!("{name}: \"{operator}\""),
        }
    }
}

#[test]
fn each_setting_is_explained() {
    let example = example();
    let mut explained = false;
    for line in example.lines() {
        if line.starts_with('#') {
            explained = line.len() > 10 && !line.starts_with("# ---");
        } else if line.is_empty() {
            explained = false;
        } else {
            assert!(explained, "{line}: no comment above");
        }
    }
}
