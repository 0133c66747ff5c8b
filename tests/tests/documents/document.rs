//! What is read: every `.md` of the repository, its blocks, and the mark before each.

use std::fs;
use std::path::{Path, PathBuf};

/// Made by builds, or nobody's text.
const LEFT_OUT: [&str; 3] = ["target", ".git", "data"];

pub(crate) struct Document {
    /// From the top of the repository.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// What stands between fences.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// `docs/x.md:12`, of the fence.
    pub(crate) place: String,
    pub(crate) language: String,
    /// Of the comment on the line before.
    pub(crate) mark: Option<String>,
    pub(crate) text: String,
    /// The title, and what stands between the heading before and the next.
    pub(crate) section: String,
}

pub(crate) fn top() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Files of the repository, from its top, sorted.
pub(crate) fn files() -> Vec<String> {
    fn add(folder: &Path, name: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder.join(name)).unwrap().map(Result::unwrap) {
            let own = entry.file_name().into_string().unwrap();
            let is_left_out = name.is_empty() && LEFT_OUT.contains(&own.as_str());
            let path = if name.is_empty() { own } else { format!("{name}/{own}") };
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !is_left_out {
                add(folder, &path, found);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    add(&top(), "", &mut found);
    found.sort();
    found
}

pub(crate) fn documents() -> Vec<Document> {
    let paths = files().into_iter().filter(|path| path.ends_with(".md"));
    paths.map(|path| Document { text: read(&path), path }).collect()
}

/// Of all documents.
pub(crate) fn blocks() -> Vec<Block> {
    documents().iter().flat_map(blocks_of).collect()
}

pub(crate) fn blocks_of(document: &Document) -> Vec<Block> {
    let lines: Vec<_> = document.text.lines().collect();
    let mut blocks = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let Some(language) = line.trim_start().strip_prefix("```") else {
            at += 1;
            continue;
        };
        let place = format!("{}:{}", document.path, at + 1);
        let rest = lines[at + 1..].iter();
        let length = rest.take_while(|line| line.trim() != "```").count();
        assert!(at + 1 + length < lines.len(), "{place}: the block has no end");
        let indent = line.len() - line.trim_start().len();
        let text = lines[at + 1..at + 1 + length].iter();
        let text = text.map(|line| format!("{}\n", line.get(indent..).unwrap_or_default()));
        let before = at.checked_sub(1).map_or("", |before| lines[before].trim());
        let mark = before.strip_prefix("<!--").and_then(|mark| mark.strip_suffix("-->"));
        blocks.push(Block {
            place,
            language: language.trim().to_owned(),
            mark: mark.map(|mark| mark.trim().to_owned()),
            text: text.collect(),
            section: section(&lines, at, at + 1 + length),
        });
        at += length + 2;
    }
    blocks
}

/// The title, and the lines around a block between two headings; those of other blocks may look like headings.
fn section(lines: &[&str], begin: usize, end: usize) -> String {
    let is_heading = |line: &&str| line.starts_with('#') && line.contains("# ");
    let from = lines[..begin].iter().rposition(is_heading).unwrap_or(0);
    let to = lines[end..].iter().position(is_heading).map_or(lines.len(), |to| end + to);
    [&lines[..1], &lines[from..to]].concat().join("\n")
}
