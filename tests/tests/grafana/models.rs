//! The files as Grafana's own models know them (`tests/grafana/models.py`), and as the generator
//! would write them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::files::{dashboards, run, top};

/// Has the Foundation SDK; `tests/grafana/install.sh` made it.
pub(crate) fn python() -> PathBuf {
    top().join("target/grafana-models/bin/python")
}

fn held_against_models(files: &[&str]) -> (bool, String) {
    run(&python(), &[&["tests/grafana/models.py"], files].concat())
}

#[test]
fn the_files_are_as_the_generator_writes_them() {
    let (is_content, said) = run(Path::new("/usr/bin/python3"), &["grafana/generate", "--check"]);
    assert!(is_content, "{said}");
}

#[test]
fn grafana_knows_every_field_and_word() {
    let names: Vec<_> = dashboards()
        .iter()
        .map(|board| format!("grafana/dashboards/{}.json", board.name))
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let (is_content, said) = held_against_models(&names);
    assert!(is_content && said.is_empty(), "{said}");
}

#[test]
fn our_python_has_no_loose_ends() {
    let arguments = ["-m", "pyflakes", "grafana/generate", "tests/grafana"];
    assert_eq!(run(&python(), &arguments), (true, String::new()));
}

/// The home dashboard with one thing changed each time.
#[test]
fn what_grafana_does_not_know_is_found() {
    let home = dashboards().into_iter().find(|board| board.name == "overview").unwrap().json;
    let folder = tempfile::tempdir().unwrap();
    let slips: [(&str, Value, &str); 10] = [
        ("/titel", json!("x"), ".titel: no such field"),
        ("/panels/0/descripton", json!("x"), ".panels[0].descripton: no such field"),
        ("/panels/0/type", json!("stats"), "Internet: there is no panel of type stats"),
        ("/panels/0/options/colourMode", json!("x"), "options.colourMode: no such field"),
        ("/panels/0/options/colorMode", json!("loud"), "'loud' is not"),
        ("/panels/0/gridPos/w", json!("4"), "w: '4' is not"),
        ("/panels/0/targets/0/legend", json!("x"), "targets[0].legend: no such field"),
        ("/panels/0/targets/0/format", json!("tabel"), "'tabel' is not"),
        ("/annotations/list/1/useValueForTimes", json!(true), "useValueForTimes: no such field"),
        ("/templating/list/0/refresh", json!(9), "refresh: 9 is not"),
    ];
    let files: Vec<_> = slips
        .iter()
        .enumerate()
        .map(|(number, (place, value, _))| {
            let mut changed = home.clone();
            let (parent, key) = place.rsplit_once('/').unwrap();
            changed.pointer_mut(parent).unwrap()[key] = value.clone();
            let file = folder.path().join(format!("{number}.json"));
            std::fs::write(&file, changed.to_string()).unwrap();
            file.to_str().unwrap().to_owned()
        })
        .collect();
    let (is_content, said) =
        held_against_models(&files.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!is_content);
    for (file, (place, _, expected)) in files.iter().zip(&slips) {
        let told = said.lines().find(|line| line.starts_with(file.as_str()));
        assert!(told.is_some_and(|line| line.contains(expected)), "{place}: {told:?}");
    }
}
