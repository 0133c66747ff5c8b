//! Each function that fuzzers call has one target, and each target a function and seeds. Only
//! `make fuzz` compiles the targets, so nothing else would tell.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn is_name(word: &&str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// What `src/fuzzing.rs` of a crate gives to all: `pub fn` and the last parts of `pub use`.
fn functions(source: &str) -> BTreeSet<String> {
    let statements = source.split_inclusive(&[';', '{'][..]);
    let mut names = BTreeSet::new();
    for statement in statements.clone() {
        if let Some((_, function)) = statement.split_once("\npub fn ") {
            names.extend(function.split('(').next().map(str::to_owned));
        }
    }
    for line in source.lines().filter_map(|line| line.strip_prefix("pub use ")) {
        let last = line.rsplit("::").next().unwrap_or_default();
        let words = last.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        names.extend(words.filter(is_name).map(str::to_owned));
    }
    names
}

/// Names of the targets in a folder, and the function that each calls.
fn targets(folder: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(folder.join("src/bin")).unwrap().map(|entry| entry.unwrap().path());
    let target = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        let calls: Vec<_> = text.split("::fuzzing::").skip(1).collect();
        assert_eq!(calls.len(), 1, "{} calls one function", file.display());
        let function = calls[0].split('(').next().unwrap().to_owned();
        (file.file_stem().unwrap().to_str().unwrap().to_owned(), function)
    };
    files.map(target).collect()
}

#[test]
fn every_function_for_fuzzers_has_a_target_with_seeds() {
    let script = fs::read_to_string(top().join("tests/fuzz.sh")).unwrap();
    for name in ["exporter", "event-bridge"] {
        let source = fs::read_to_string(top().join(name).join("src/fuzzing.rs")).unwrap();
        let folder = top().join(name).join("fuzz");
        let targets = targets(&folder);
        let called: Vec<_> = targets.iter().map(|(_, function)| function.clone()).collect();
        let distinct: BTreeSet<_> = called.iter().cloned().collect();
        assert_eq!(called.len(), distinct.len(), "{name}: two targets call the same: {called:?}");
        assert_eq!(distinct, functions(&source), "{name}: called by targets, and there");
        for (target, _) in targets {
            let seeds = fs::read_dir(folder.join("corpus").join(&target));
            let has_seeds = seeds.is_ok_and(|mut seeds| seeds.next().is_some());
            let has_fixtures = script.contains(&format!("    {target})"));
            assert!(has_seeds || has_fixtures, "{name}: {target} begins with nothing");
        }
    }
}

#[test]
fn names_are_found_in_each_form() {
    let source = "pub use crate::a::fuzzing::{one, two};\npub use crate::b::fuzzing::three;\n\
                  /// Four.\npub fn four(bytes: &[u8]) {\n    x();\n}\npub(crate) fn no() {}\n";
    let expected = ["four", "one", "three", "two"].map(str::to_owned);
    assert_eq!(functions(source), BTreeSet::from(expected));
}
