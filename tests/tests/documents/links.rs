//! Links within the repository: the file is there, and has the heading.

use std::collections::BTreeMap;
use std::path::Path;

use crate::document::{Document, documents, top};

/// A heading as part of an address, as GitHub makes it.
fn slug(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Without what stands between fences.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let keep = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    };
    text.lines().filter(keep).map(|line| format!("{line}\n")).collect()
}

fn anchors(text: &str) -> Vec<String> {
    let mut seen = BTreeMap::<String, usize>::new();
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#') && line.contains("# "));
    headings
        .map(|heading| {
            let slug = slug(heading);
            let times = seen.entry(slug.clone()).or_default();
            *times += 1;
            if *times == 1 { slug } else { format!("{slug}-{}", *times - 1) }
        })
        .collect()
}

/// Targets of `[text](target)` and of pictures; a line may end within the text.
fn targets(text: &str) -> Vec<String> {
    let prose = prose(text);
    let ends = prose.match_indices("](");
    ends.filter_map(|(at, _)| Some(prose[at + 2..].split_once(')')?.0.to_owned())).collect()
}

fn complaint(document: &Document, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(&document.path).parent().unwrap();
    let path =
        if file.is_empty() { top().join(&document.path) } else { top().join(folder).join(file) };
    if !path.exists() {
        return Some(format!("{target}: there is no such file"));
    }
    let has_anchor = || {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        anchors(&text).iter().any(|known| known == anchor)
    };
    (!anchor.is_empty() && !has_anchor()).then(|| format!("{target}: it has no such heading"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for document in documents() {
        for target in targets(&document.text) {
            count += 1;
            let why = complaint(&document, &target);
            wrong.extend(why.map(|why| format!("{}: {why}", document.path)));
        }
    }
    assert!(count > 100, "{count} links");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A document that nobody points to is not found.
#[test]
fn every_document_is_reached_from_another_one() {
    let documents = documents();
    let is_linked = |path: &str| {
        let own = top().join(path);
        documents.iter().filter(|other| other.path != path).any(|other| {
            let folder = top().join(&other.path).parent().unwrap().to_owned();
            targets(&other.text).iter().any(|target| {
                let file = target.split('#').next().unwrap_or_default();
                !file.is_empty() && folder.join(file).canonicalize().is_ok_and(|it| it == own)
            })
        })
    };
    let in_docs = documents.iter().filter(|document| document.path.starts_with("docs/"));
    let lost: Vec<_> = in_docs.filter(|it| !is_linked(&it.path)).map(|it| &it.path).collect();
    assert!(lost.is_empty(), "no document links to {lost:?}");
}

/// The first page of all: what does not fit goes to `docs/README.md`.
#[test]
fn the_readme_is_one_screen() {
    for path in ["README.md", "README.zh-CN.md"] {
        let lines = crate::document::read(path).lines().count();
        assert!(lines <= 90, "{path} has {lines} lines");
    }
}

#[test]
fn headings_are_found_as_github_does() {
    let text = "# The API\n```sh\n# no heading\n```\n## Who may ask?\n## `a_b` & c\n## Who may ask\n## 一分钟：开始\n";
    let expected = ["the-api", "who-may-ask", "a_b--c", "who-may-ask-1", "一分钟开始"];
    assert_eq!(anchors(text), expected);
    assert_eq!(targets("[a](b.md#c), ![d\ne](f.png)\n```\n[x](y)\n```\n"), ["b.md#c", "f.png"]);
    let document = Document { path: "docs/api.md".to_owned(), text: String::new() };
    assert_eq!(complaint(&document, "http.md#who-may-ask"), None);
    assert!(complaint(&document, "http.md#who-may").is_some());
    assert!(complaint(&document, "nothing.md").is_some());
}
