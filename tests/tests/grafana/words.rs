//! Words that dashboards share with the events, outages and documents they show.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::files::{dashboards, list, read, text};

/// Of `FAMILIES` in `grafana/generate/normal.py`, as the annotations have them.
fn families() -> Vec<(String, String)> {
    let home = dashboards().into_iter().find(|board| board.name == "overview").unwrap();
    let of_family = home.annotations().iter().filter_map(|annotation| {
        let expr = text(&annotation["target"], "expr");
        let types = expr.split("type=~\"").nth(1)?.split('"').next()?;
        Some((text(annotation, "iconColor").to_owned(), types.to_owned()))
    });
    // The worst is drawn last, and listed first.
    let mut families: Vec<_> = of_family.collect();
    families.reverse();
    families
}

/// The patterns are names with `.*` at their end.
fn matches(pattern: &str, kind: &str) -> bool {
    pattern.split('|').any(|one| match one.strip_suffix(".*") {
        Some(start) => kind.starts_with(start),
        None => kind == one,
    })
}

#[test]
fn every_event_has_one_family() {
    let events = read("docs/events.md");
    let table = events.split("## Types").nth(1).unwrap().split("`detail`").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let kinds: BTreeSet<_> =
        rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
    assert!(kinds.len() > 30, "{kinds:?}");
    let families = families();
    assert_eq!(families.len(), 5);
    for kind in kinds {
        let of: Vec<_> = families.iter().filter(|(_, types)| matches(types, kind)).collect();
        assert_eq!(of.len(), 1, "{kind}: {of:?}");
    }
}

/// A table's cell has the colour of the annotation.
#[test]
fn events_have_the_colour_of_their_family_everywhere() {
    let families = families();
    let mut tables = 0;
    for board in dashboards() {
        for panel in board.panels() {
            let overrides = list(&panel["fieldConfig"], "overrides").iter();
            let properties = overrides.flat_map(|one| list(one, "properties"));
            for mapping in properties.filter(|property| property["id"] == "mappings") {
                let regexes: Vec<_> = mapping["value"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|one| one["type"] == "regex")
                    .map(|one| {
                        let pattern = text(&one["options"], "pattern");
                        let types = pattern.strip_prefix("^(").unwrap().strip_suffix(")$").unwrap();
                        (text(&one["options"]["result"], "color").to_owned(), types.to_owned())
                    })
                    .collect();
                if !regexes.is_empty() {
                    assert_eq!(regexes, families, "{}", board.place(panel));
                    tables += 1;
                }
            }
        }
    }
    assert_eq!(tables, 2);
}

#[test]
fn every_side_has_its_colour() {
    let outages = read("docs/outages.md");
    let ledger = dashboards().into_iter().find(|board| board.name == "outages").unwrap();
    let whole = ledger.json.to_string();
    for side in ["provider", "line", "house", "unknown"] {
        assert!(outages.contains(&format!("`{side}`")));
        assert!(whole.contains(&format!("\"{side}\":{{\"color\"")), "{side}");
    }
}

/// `docs/dashboards.md` lists every panel; `UPDATE_EXPECT=1` writes the list anew.
#[test]
fn the_document_lists_every_panel() {
    const DOCUMENT: &str = "docs/dashboards.md";
    let mut list_of_panels = String::new();
    for board in dashboards() {
        let (title, name) = (text(&board.json, "title"), &board.name);
        let picture = format!("images/dashboard-{name}.png");
        assert!(
            super::files::top().join("docs").join(&picture).is_file(),
            "{picture}: make pictures"
        );
        let phone = format!("[on a phone](images/dashboard-{name}-phone.png)");
        writeln!(list_of_panels, "\n### {title}\n\n[Picture]({picture}), {phone}.\n").unwrap();
        for panel in board.panels() {
            let description = text(panel, "description").replace('|', "\\|");
            let title = text(panel, "title");
            writeln!(list_of_panels, "- **{title}**: {description}").unwrap();
        }
    }
    let document = read(DOCUMENT);
    let (begin, end) = ("<!-- list: begin -->\n", "\n<!-- list: end -->");
    let (before, rest) = document.split_once(begin).unwrap();
    let (told, after) = rest.split_once(end).unwrap();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let whole = format!("{before}{begin}{list_of_panels}{end}{after}");
        std::fs::write(super::files::top().join(DOCUMENT), whole).unwrap();
    } else {
        assert_eq!(told, list_of_panels, "{DOCUMENT}: UPDATE_EXPECT=1 writes it anew");
    }
}
