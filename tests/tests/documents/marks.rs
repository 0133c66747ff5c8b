//! Every block has a language that we know, every block of commands a mark that is true.

use std::collections::BTreeMap;

use crate::commands::{keys, lines};
use crate::document::{self, Block, blocks};
use crate::names::has_word;

/// How a block of commands is kept true.
#[derive(Debug, PartialEq)]
pub(crate) enum Mark {
    /// `run: home`; with `, until URL` it goes on for ever and is ended once that answers.
    Run { place: String, until: Option<String> },
    /// `run by: tests/tests/deploy/copies.rs`: another test does the same.
    RunBy(Vec<String>),
    /// `needs: router`: nobody can run it here.
    Needs(String),
}

/// Where blocks are run here, by the modules of these names.
const PLACES: [&str; 4] = ["home", "alone", "containers", "router"];
/// What is needed, and what the reader must see near the block.
const NEEDED: [(&str, &str); 4] = [
    ("router", "on the router|On the router|在路由器上"),
    ("engine", "ontainer|容器"),
    ("internet", "download|internet|下载|联网"),
    ("openwrt-sdk", "SDK"),
];
/// Of blocks that are no commands.
const OTHERS: [&str; 7] = ["", "json", "toml", "yaml", "ini", "conf", "nginx"];

pub(crate) fn mark(block: &Block) -> Result<Mark, String> {
    let words = "expected `run: PLACE`, `run by: PATH …` or `needs: THING`, as \"Write a document\" \
                 in CONTRIBUTING.md says";
    let Some(mark) = &block.mark else {
        return Err(format!(
            "nothing says how its commands are tested; on the line before: {words}"
        ));
    };
    match mark.split_once(": ") {
        Some(("run", place)) => {
            let (place, until) = match place.split_once(", until ") {
                Some((place, url)) => (place, Some(url.to_owned())),
                None => (place, None),
            };
            let is_known = PLACES.contains(&place) && until.is_some() == (place == "alone");
            is_known
                .then(|| Mark::Run { place: place.to_owned(), until })
                .ok_or_else(|| format!("`{mark}`: expected a place of {PLACES:?}"))
        }
        Some(("run by", paths)) => {
            Ok(Mark::RunBy(paths.split_whitespace().map(str::to_owned).collect()))
        }
        Some(("needs", thing)) if NEEDED.iter().any(|(known, _)| *known == thing) => {
            Ok(Mark::Needs(thing.to_owned()))
        }
        _ => Err(format!("`{mark}`: {words}")),
    }
}

/// Blocks of commands that are run in this place.
pub(crate) fn run_in(place: &str) -> Vec<Block> {
    let is_here =
        |block: &Block| matches!(mark(block), Ok(Mark::Run { place: p, .. }) if p == place);
    blocks().into_iter().filter(|block| block.language == "sh").filter(is_here).collect()
}

/// The same by document, in their order there. One that is the beginning of another one is not run
/// twice.
pub(crate) fn sequences(place: &str) -> Vec<Vec<Block>> {
    let mut by_document = BTreeMap::<String, Vec<Block>>::new();
    for block in run_in(place) {
        let document = block.place.split(':').next().unwrap_or_default().to_owned();
        by_document.entry(document).or_default().push(block);
    }
    let begins = |short: &[Block], long: &[Block]| {
        short.len() <= long.len() && short.iter().zip(long).all(|(a, b)| a.text == b.text)
    };
    let mut sequences: Vec<Vec<Block>> = Vec::new();
    for new in by_document.into_values() {
        if !sequences.iter().any(|old| begins(&new, old)) {
            sequences.retain(|old| !begins(old, &new));
            sequences.push(new);
        }
    }
    assert!(!sequences.is_empty(), "nothing is run in {place}");
    sequences
}

/// Text of a test, or of all in a folder.
fn tests(path: &str) -> Result<String, String> {
    let is_below = |file: &String| {
        *file == path || file.starts_with(&format!("{}/", path.trim_end_matches('/')))
    };
    let found: Vec<_> = document::files().into_iter().filter(is_below).collect();
    // What CI runs is a test as well.
    let is_test = (path.contains("test") || path == "Makefile") && !found.is_empty();
    is_test
        .then(|| found.iter().map(|file| document::read(file)).collect())
        .ok_or_else(|| format!("run by {path}: there is no such test"))
}

/// Tests of a crate do not name its program; for what make does, they name the script that it
/// calls.
fn is_in(key: &str, tests: &str, paths: &[String]) -> bool {
    let has_own = |program: &str, folder: &str| {
        key == program && paths.iter().all(|path| path.starts_with(folder))
    };
    if let Some(target) = key.strip_prefix("make ") {
        let makefile = document::read("Makefile");
        let recipe = makefile.split(&format!("\n{target}:")).nth(1).unwrap_or_default();
        let recipe = recipe.split("\n\n").next().unwrap_or_default();
        let mut scripts = recipe.split_whitespace().filter_map(|word| {
            let is_its_own = word.ends_with(".sh") && !word.contains("install-tools");
            is_its_own.then(|| word.rsplit('/').next().unwrap_or(word))
        });
        return has_word(tests, key) || scripts.any(|script| has_word(tests, script));
    }
    key == "cd"
        || has_word(tests, key)
        || has_own("netmonitor-exporter", "exporter/")
        || has_own("netmonitor-bridge", "event-bridge/")
}

fn complaint(block: &Block) -> Option<String> {
    let visible = |thing: &str| {
        let (_, words) = NEEDED.iter().find(|(known, _)| *known == thing)?;
        let is_said = words.split('|').any(|word| block.section.contains(word));
        (!is_said).then(|| format!("it needs {thing}, and the text around does not say `{words}`"))
    };
    match mark(block) {
        Err(why) => Some(why),
        Ok(Mark::Run { .. }) => None,
        Ok(Mark::Needs(thing)) => visible(&thing),
        Ok(Mark::RunBy(paths)) => {
            let tests: Result<String, String> = paths.iter().map(|path| tests(path)).collect();
            let tests = match tests {
                Ok(tests) => tests,
                Err(why) => return Some(why),
            };
            let keys: Vec<_> = lines(&block.text).iter().flat_map(|line| keys(line)).collect();
            let is_there = |key: &&String| is_in(key, &tests, &paths);
            keys.iter().find(|key| !is_there(key)).map(|key| format!("`{key}` is not in {paths:?}"))
        }
    }
}

#[test]
fn every_block_of_commands_is_tested_or_says_what_it_needs() {
    let mut wrong = Vec::new();
    let mut count = BTreeMap::<String, usize>::new();
    for block in blocks() {
        let complaint = match block.language.as_str() {
            "sh" => complaint(&block),
            "" if looks_like_commands(&block) => {
                Some("commands in a block without a language: write ```sh".to_owned())
            }
            language if OTHERS.contains(&language) => None,
            other => Some(format!("```{other}: expected sh, or one of {OTHERS:?}")),
        };
        wrong.extend(complaint.map(|why| format!("{}: {why}", block.place)));
        if block.language == "sh"
            && let Ok(mark) = mark(&block)
        {
            let kind = match mark {
                Mark::Run { place, .. } => format!("run: {place}"),
                Mark::RunBy(_) => "run by another test".to_owned(),
                Mark::Needs(thing) => format!("needs: {thing}"),
            };
            *count.entry(kind).or_default() += 1;
        }
    }
    eprintln!("blocks of commands: {count:#?}");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// So that none is hidden from the test.
fn looks_like_commands(block: &Block) -> bool {
    const PROGRAMS: [&str; 14] = [
        "$",
        "apk",
        "cargo",
        "curl",
        "docker",
        "git",
        "make",
        "netmonitor-bridge",
        "netmonitor-exporter",
        "opkg",
        "ssh",
        "scp",
        "sudo",
        "systemctl",
    ];
    let first = block.text.split_whitespace().next().unwrap_or_default();
    PROGRAMS.contains(&first) || first.starts_with("./")
}

#[test]
fn marks_are_read() {
    let block = |mark: &str| Block {
        place: String::new(),
        language: "sh".to_owned(),
        mark: Some(mark.to_owned()),
        text: "make pictures\n".to_owned(),
        section: "# Here\n".to_owned(),
    };
    let run = |place: &str| Mark::Run { place: place.to_owned(), until: None };
    assert_eq!(mark(&block("run: home")), Ok(run("home")));
    let until = Some("http://a/b".to_owned());
    let endless = Mark::Run { place: "alone".to_owned(), until };
    assert_eq!(mark(&block("run: alone, until http://a/b")), Ok(endless));
    assert!(mark(&block("run: alone")).is_err() && mark(&block("run: moon")).is_err());
    assert!(mark(&block("a remark")).is_err());
    let complains = |mark: &str, why: &str| {
        let complaint = complaint(&block(mark));
        assert!(complaint.as_ref().is_some_and(|it| it.contains(why)), "{mark}: {complaint:?}");
    };
    complains("needs: router", "on the router");
    complains("run by: tests/tests/none.rs", "no such test");
    complains("run by: README.md", "no such test");
    complains("run by: tests/tests/openwrt_root.rs", "`make pictures` is not in");
    assert_eq!(complaint(&block("run by: tests/pictures/")), None);
}
