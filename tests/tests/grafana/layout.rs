//! What makes a dashboard one of a kind, and where its panels are: the rules of Grafana's own
//! linter that fit, and a few of ours.

use std::collections::BTreeSet;

use serde_json::Value;

use super::files::{dashboards, list, text};

const COLUMNS: u64 = 24;

#[test]
fn every_dashboard_has_its_name_for_good() {
    let all = dashboards();
    let unique =
        |key: &str| all.iter().map(|board| text(&board.json, key)).collect::<BTreeSet<_>>();
    assert_eq!(unique("uid").len(), all.len());
    assert_eq!(unique("title").len(), all.len());
    for board in &all {
        let json = &board.json;
        assert_eq!(text(json, "uid"), format!("netmonitor-{}", board.name));
        assert!(json["id"].is_null(), "{}: Grafana gives the id", board.name);
        assert_eq!((&json["schemaVersion"], &json["editable"]), (&42.into(), &false.into()));
        assert_eq!(json["graphTooltip"], 1, "{}: one crosshair", board.name);
        // Hours do not change each minute.
        let refresh = if board.name == "history" { "15m" } else { "1m" };
        assert_eq!(json["refresh"], refresh, "{}", board.name);
        assert_eq!(json["tags"][0], "netmonitor", "the links look for it");
        assert!(text(json, "description").ends_with(['.', '?']), "{}", board.name);
        let whole = json.to_string();
        assert!(!whole.contains("__inputs") && !whole.contains("${DS_"), "{}", board.name);
    }
}

#[test]
fn one_click_changes_the_time_and_keeps_the_router() {
    for board in dashboards() {
        let links = list(&board.json, "links");
        let to_others = links.iter().find(|link| link["type"] == "dashboards").unwrap();
        assert_eq!(
            (&to_others["keepTime"], &to_others["includeVars"]),
            (&true.into(), &true.into())
        );
        let ranges: Vec<_> = links
            .iter()
            .filter(|link| link["type"] == "link")
            .map(|link| {
                assert_eq!(link["includeVars"], true);
                let start = format!("/d/{}?from=now-", text(&board.json, "uid"));
                text(link, "url").strip_prefix(&start).unwrap().strip_suffix("&to=now").unwrap()
            })
            .collect();
        assert_eq!(ranges, ["1h", "6h", "24h", "7d", "30d"], "{}", board.name);
        let quick: Vec<_> = list(&board.json["timepicker"], "quick_ranges")
            .iter()
            .map(|range| text(range, "from").trim_start_matches("now-").to_owned())
            .collect();
        assert_eq!(quick, ranges, "{}", board.name);
    }
}

#[test]
fn panels_stand_in_the_grid_and_beside_each_other() {
    for board in dashboards() {
        let boxes = board.boxes();
        let numbers: BTreeSet<_> =
            boxes.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(numbers.len(), boxes.len(), "{}: an id twice", board.name);
        let mut taken: BTreeSet<(u64, u64)> = BTreeSet::new();
        for panel in boxes {
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(at("w") > 0 && at("h") > 0 && at("x") + at("w") <= COLUMNS);
            for cell in (at("x")..at("x") + at("w"))
                .flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y)))
            {
                assert!(taken.insert(cell), "{} overlaps another", board.place(panel));
            }
        }
    }
}

/// A phone shows the panels one under another: the first are what it shows without scrolling.
#[test]
fn the_first_panel_of_the_home_dashboard_says_whether_the_line_is_up() {
    let all = dashboards();
    let home = all.iter().find(|board| board.name == "overview").unwrap();
    let first = &home.boxes()[0];
    assert_eq!(first["gridPos"]["y"], 0);
    assert!(text(&first["targets"][0], "expr").contains("netmonitor_internet_up"));
    let words = &first["fieldConfig"]["defaults"]["mappings"][0]["options"];
    assert_eq!((&words["0"]["text"], &words["1"]["text"]), (&"DOWN".into(), &"UP".into()));
}

#[test]
fn every_panel_says_what_it_is_and_what_is_normal() {
    for board in dashboards() {
        let titles: Vec<_> = board.panels().iter().map(|panel| text(panel, "title")).collect();
        let unique: BTreeSet<_> = titles.iter().collect();
        // A figure and its list may share a title.
        assert!(titles.len() <= unique.len() + 1, "{}: {titles:?}", board.name);
        for panel in board.panels() {
            let place = board.place(panel);
            let description = text(panel, "description");
            assert!(description.len() > 30 && description.ends_with('.'), "{place}: {description}");
            let has_normal = description.contains("Normal: ");
            assert!(has_normal || NOTHING_IS_NORMAL.contains(&text(panel, "title")), "{place}");
            let defaults = &panel["fieldConfig"]["defaults"];
            assert!(!text(defaults, "unit").is_empty(), "{place}: no unit");
            assert!(!text(defaults, "noValue").is_empty(), "{place}: no words for no data");
            for thresholds in thresholds(panel) {
                assert_eq!(thresholds["steps"][0]["value"], Value::Null, "{place}");
            }
            assert!(!list(panel, "targets").is_empty(), "{place}: asks nothing");
        }
    }
}

/// Facts and shares, of which none is better than another.
const NOTHING_IS_NORMAL: [&str; 8] = [
    "Last outage",
    "Latest 20 events",
    "Longest",
    "Whose side",
    "Time by cause",
    "Ledger of the bridge",
    "Events",
    "Routers",
];

/// Of the panel and of what it overrides.
pub(crate) fn thresholds(panel: &Value) -> Vec<&Value> {
    let config = &panel["fieldConfig"];
    let overrides = list(config, "overrides").iter();
    let properties = overrides.flat_map(|one| list(one, "properties"));
    let of_columns = properties
        .filter(|property| property["id"] == "thresholds")
        .map(|property| &property["value"]);
    std::iter::once(&config["defaults"]["thresholds"]).chain(of_columns).collect()
}

#[test]
fn charts_over_time_show_what_happened() {
    for board in dashboards() {
        let has_charts = board.panels().iter().any(|panel| panel["type"] == "timeseries");
        let names: Vec<_> =
            board.annotations().iter().map(|annotation| text(annotation, "name")).collect();
        let all = ["Router", "Link and module", "WAN and DHCP", "PPPoE", "Outages", "Outage"];
        assert_eq!(names, if has_charts { &all[..] } else { &[] }, "{}", board.name);
        for annotation in board.annotations() {
            // Months of events would be a wall; there they can be switched on.
            let is_shown = board.name != "history" || annotation["name"] == "Outage";
            assert_eq!(annotation["enable"], is_shown, "{}", board.name);
        }
    }
}
