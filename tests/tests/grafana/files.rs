//! The files of `grafana/`, and programs that read them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// One of `grafana/dashboards/`.
pub(crate) struct Dashboard {
    /// `overview`.
    pub(crate) name: String,
    pub(crate) json: Value,
}

pub(crate) fn dashboards() -> Vec<Dashboard> {
    let folder = top().join("grafana/dashboards");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 7, "{files:?}");
    files
        .into_iter()
        .map(|file| {
            let text = std::fs::read_to_string(&file).unwrap();
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let json =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            Dashboard { name, json }
        })
        .collect()
}

impl Dashboard {
    /// All that are placed, rows among them.
    pub(crate) fn boxes(&self) -> Vec<&Value> {
        let nested = |panel: &'_ Value| panel["panels"].as_array().is_none_or(Vec::is_empty);
        let panels = list(&self.json, "panels");
        assert!(panels.iter().all(nested), "{}: rows are open", self.name);
        panels.iter().collect()
    }

    /// Those that show something.
    pub(crate) fn panels(&self) -> Vec<&Value> {
        self.boxes().into_iter().filter(|panel| panel["type"] != "row").collect()
    }

    pub(crate) fn variables(&self) -> &[Value] {
        list(&self.json["templating"], "list")
    }

    pub(crate) fn annotations(&self) -> &[Value] {
        list(&self.json["annotations"], "list")
    }

    /// For messages.
    pub(crate) fn place(&self, panel: &Value) -> String {
        format!("{}: {}", self.name, text(panel, "title"))
    }

    /// Every PromQL expression and where it stands.
    pub(crate) fn expressions(&self) -> Vec<(String, &Value)> {
        let of_panels = self.panels().into_iter().flat_map(|panel| {
            list(panel, "targets").iter().map(|target| (self.place(panel), target))
        });
        let of_annotations = self.annotations().iter().map(|annotation| {
            (
                format!("{}: annotation {}", self.name, text(annotation, "name")),
                &annotation["target"],
            )
        });
        of_panels.chain(of_annotations).filter(|(_, target)| target["expr"].is_string()).collect()
    }
}

pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Runs a program at the top of the repository: is it content, and what did it say?
#[expect(clippy::disallowed_methods, reason = "readers and writers of what we ship")]
pub(crate) fn run(program: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program)
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(top())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; make tools", program.display()));
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

pub(crate) fn yaml(path: &str) -> Value {
    const CONVERT: &str =
        "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let (is_content, said) = run(Path::new("/usr/bin/python3"), &["-c", CONVERT, path]);
    assert!(is_content, "{path}: {said}");
    serde_json::from_str(&said).unwrap()
}
