//! Names in `backticks` that look like ours are those of the code: targets of make, metrics,
//! settings, paths, subcommands and flags.

use std::collections::BTreeSet;

use netmonitor_tests::built;

use crate::document::{documents, files, read, top};
use crate::started::tool;

/// About what was, or about other programs.
const OTHERS: [&str; 3] = ["CHANGELOG.md", "tests/fixtures/", "tests/pictures/"];
/// Looks like a path, and is an image.
const NO_PATHS: [&str; 1] = ["grafana/grafana"];
/// Paths may begin there as well.
const CRATES: [&str; 4] = ["", "exporter", "event-bridge", "tests"];

/// What stands between backticks, outside of blocks.
fn quoted(text: &str) -> Vec<String> {
    let mut is_code = false;
    let prose: String = text
        .lines()
        .filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        })
        .map(|line| format!("{} ", line.trim()))
        .collect();
    // One too many, and all that follow were taken for prose.
    assert!(
        prose.matches('`').count().is_multiple_of(2),
        "a backtick without its other: {prose:.60}"
    );
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// All that is no document, and could be read.
fn code() -> String {
    let is_other = |path: &String| path.ends_with(".md") || path.contains("/images/");
    // Here are wrong names, to be found.
    let is_code = |path: &String| !is_other(path) && !path.starts_with("tests/tests/documents/");
    let paths = files().into_iter().filter(is_code);
    paths.filter_map(|path| std::fs::read_to_string(top().join(path)).ok()).collect()
}

fn help_of(program: &str) -> String {
    let output = match program {
        "netmonitor-exporter" | "netmonitor-bridge" => {
            tool(built::program(program).unwrap().to_str().unwrap()).arg("--help").output()
        }
        _ => tool("sh").arg(top().join("compose/deploy.sh")).arg("help").output(),
    };
    String::from_utf8(output.unwrap().stdout).unwrap()
}

fn targets_of_make() -> BTreeSet<String> {
    let makefile = read("Makefile");
    let rules = makefile.lines().filter_map(|line| Some(line.split_once(':')?.0.to_owned()));
    rules.filter(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')).collect()
}

fn is_setting(word: &str) -> bool {
    let is_of_name = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    word.contains('_') && !word.ends_with('_') && word.bytes().all(is_of_name)
}

/// A whole word of a text.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(is_of_name) && !text[at + word.len()..].starts_with(is_of_name)
    })
}

struct Known {
    code: String,
    make: BTreeSet<String>,
    /// Program, and what it says of itself.
    helps: Vec<(&'static str, String)>,
    metrics: String,
    files: Vec<String>,
}

impl Known {
    fn new() -> Self {
        let programs = ["netmonitor-exporter", "netmonitor-bridge", "netmonitor-bridge-ctl"];
        let of = |program: &'static str| (program, help_of(program.trim_end_matches("-ctl")));
        let mut helps: Vec<_> = programs.map(of).into();
        helps.push(("./deploy.sh", help_of("deploy.sh")));
        let bridge = ["event-bridge/src/metrics.rs", "event-bridge/src/api/state.rs"].map(read);
        Self {
            code: code(),
            make: targets_of_make(),
            helps,
            metrics: [read("docs/metrics.md"), bridge.concat()].concat(),
            files: files(),
        }
    }

    fn complaint(&self, quoted: &str) -> Option<String> {
        let mut words = quoted.split_whitespace();
        let (first, second) = (words.next()?, words.next());
        if first == "make" {
            let target =
                second.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))?;
            return (!self.make.contains(target)).then(|| "the Makefile has no such target".into());
        }
        if let Some((program, help)) = self.helps.iter().find(|(program, _)| *program == first) {
            // Of the service's own tool alone.
            let is_known =
                |word: &str| has_word(help, word) || word == "check-settings" || word == "help";
            let is_placeholder = |word: &&str| word.contains('…') || word.contains("--config");
            let word = second.filter(|word| !is_placeholder(word))?;
            let is_subcommand = word.starts_with(|c: char| c.is_ascii_lowercase());
            let is_unknown = is_subcommand && !is_known(word);
            return is_unknown.then(|| format!("{program} has no such subcommand"));
        }
        if let Some(name) = first.strip_prefix("netmonitor_") {
            return self.of_metric(name);
        }
        if is_setting(first.split('=').next()?) && !first.contains('…') {
            let name = first.split('=').next()?;
            let is_known =
                has_word(&self.code, name) || has_word(&self.code, &format!("CAP_{name}"));
            return (!is_known).then(|| "no code has this setting".into());
        }
        self.of_path(quoted)
    }

    fn of_metric(&self, name: &str) -> Option<String> {
        if name.contains("::") {
            return None;
        }
        let end = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        let name = &name[..name.find(end).unwrap_or(name.len())];
        if name.is_empty() || name.ends_with('_') {
            return None;
        }
        let own = name.strip_prefix("bridge_").map(|own| own.trim_end_matches("_total"));
        let suffixes = ["_bucket", "_sum", "_count"];
        let family = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        let is_known = own.is_some_and(|own| self.metrics.contains(&format!("\"{own}\"")))
            || self.metrics.contains(&format!("`netmonitor_{family}`"));
        (!is_known).then(|| "there is no such metric".into())
    }

    /// Whatever begins with a folder of ours.
    fn of_path(&self, quoted: &str) -> Option<String> {
        let (folder, _) = quoted.split_once('/')?;
        let begin = format!("{folder}/");
        let is_ours = self.files.iter().any(|file| file.starts_with(&begin));
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        if !is_ours || !quoted.chars().all(is_plain) || quoted.starts_with("target") {
            return None;
        }
        let is_made = ["compose/secrets", "compose/backups", "compose/.env"];
        let is_there = CRATES.iter().any(|folder| top().join(folder).join(quoted).exists())
            || is_made.iter().any(|it| quoted.starts_with(it))
            || NO_PATHS.contains(&quoted);
        (!is_there).then(|| "there is no such file".into())
    }
}

#[test]
fn names_are_those_of_the_code() {
    let known = Known::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    for document in documents() {
        if OTHERS.iter().any(|others| document.path.starts_with(others)) {
            continue;
        }
        for quoted in quoted(&document.text) {
            count += 1;
            let why = known.complaint(&quoted);
            wrong.extend(why.map(|why| format!("{}: `{quoted}`: {why}", document.path)));
        }
    }
    assert!(count > 1000, "{count} names");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn wrong_names_are_found() {
    let known = Known::new();
    for wrong in [
        "make runs",
        "netmonitor-exporter docter",
        "netmonitor-bridge backups FILE",
        "./deploy.sh begin",
        "netmonitor_wan_upp",
        "netmonitor_bridge_database_byte",
        "PING_TARGETTS",
        "prometheus/rule/",
        "compose/deploy.bash",
    ] {
        assert!(known.complaint(wrong).is_some(), "{wrong}");
    }
    for right in [
        "make run ROUTER=192.168.1.1",
        "netmonitor-exporter doctor",
        "./deploy.sh backup FOLDER",
        "netmonitor_wan_up{interface=\"wan\"}",
        "netmonitor_bridge_polls_total",
        "netmonitor_ping_rtt_seconds_bucket",
        "PING_TARGETS=\"\"",
        "prometheus/rules/",
        "a/b",
    ] {
        assert_eq!(known.complaint(right), None, "{right}");
    }
    assert_eq!(quoted("a `b`\n```sh\n`c`\n```\nd `e\nf`"), ["b", "e f"]);
}
