//! What there is in Chinese has the commands, ports and paths of the English original.

use std::collections::BTreeSet;

use crate::document::{Document, blocks_of, read};

const PAIRS: [(&str, &str); 2] =
    [("README.md", "README.zh-CN.md"), ("docs/quick-start.md", "docs/quick-start.zh-CN.md")];

fn document(path: &str) -> Document {
    Document { path: path.to_owned(), text: read(path) }
}

/// Blocks of commands with their marks.
fn commands(path: &str) -> Vec<(String, Option<String>)> {
    let blocks = blocks_of(&document(path)).into_iter().filter(|block| block.language == "sh");
    blocks.map(|block| (block.text, block.mark)).collect()
}

/// What a program would have to know: of the text between backticks, all that is ASCII.
fn names(path: &str) -> BTreeSet<String> {
    let text = read(path);
    let quoted = text.split('`').skip(1).step_by(2).filter(|it| it.is_ascii() && !it.is_empty());
    quoted.map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn every_command_is_in_both_languages() {
    for (english, chinese) in PAIRS {
        let chinese_ones = commands(chinese);
        for command in commands(english) {
            // What is for those without a router is in the other document.
            let is_there = chinese_ones.contains(&command) || command.0 == "make demo\n";
            assert!(is_there, "{chinese} lacks a block of {english}: {command:?}");
        }
    }
}

#[test]
fn the_chinese_readme_names_what_the_english_one_does() {
    let (english, chinese) = PAIRS[0];
    let missing: Vec<_> = names(english).difference(&names(chinese)).cloned().collect();
    assert!(missing.is_empty(), "{chinese} does not name {missing:?}");
    let targets = |path: &str| -> BTreeSet<_> {
        let text = read(path);
        let targets = text.split("](").skip(1).filter_map(|it| it.split(')').next());
        let same = |it: &str| it.replace("quick-start.zh-CN", "quick-start");
        targets.filter(|it| !it.starts_with("README")).map(same).collect()
    };
    assert_eq!(targets(english), targets(chinese), "links of {english} and {chinese}");
}
