//! `bridge.env`: the example is whole.

use std::fs;

use super::repository;

/// Rows of the list in `docs/bridge.md`: name and default.
fn documented() -> Vec<(String, String)> {
    let text = fs::read_to_string(repository().join("docs/bridge.md")).unwrap();
    let (_, rest) = text.split_once("<!-- list: begin -->").unwrap();
    let (list, _) = rest.split_once("<!-- list: end -->").unwrap();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let (name, default) = (cells.next()?.trim_end_matches('`'), cells.next()?);
        let default = if default == "(empty)" { "" } else { default.trim_matches('`') };
        Some((name.to_owned(), default.to_owned()))
    };
    list.lines().filter_map(row).collect()
}

#[test]
fn the_example_says_every_setting_and_its_default() {
    let text = fs::read_to_string(repository().join("compose/systemd/bridge.env")).unwrap();
    for (name, default) in documented() {
        // Old names; and the database, whose default is the unit's.
        let default = match name.as_str() {
            "FLASK_HOST" | "FLASK_PORT" | "FLASK_DEBUG" => continue,
            "SQLITE_DB" => "",
            _ => &default,
        };
        let line = format!("# {name}={default}");
        assert!(text.lines().any(|found| found == line), "{line}");
    }
    assert!(
        !text.contains('\r') && text.lines().all(|line| line.is_empty() || line.starts_with('#'))
    );
}
