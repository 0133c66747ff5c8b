//! What Grafana reads when it starts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::files::{dashboards, list, read, text, yaml};

fn datasources() -> BTreeMap<String, Value> {
    let file = yaml("grafana/provisioning/datasources/netmonitor.yml");
    let sources = list(&file, "datasources").iter();
    sources.map(|source| (text(source, "uid").to_owned(), source.clone())).collect()
}

#[test]
fn dashboards_find_their_data_sources() {
    let known = datasources();
    for board in dashboards() {
        let mut of_variables = BTreeMap::new();
        for variable in board.variables().iter().filter(|one| one["type"] == "datasource") {
            let source = &known[text(&variable["current"], "value")];
            assert_eq!(source["type"], variable["query"], "{}", board.name);
            assert_eq!(source["name"], variable["current"]["text"], "{}", board.name);
            of_variables.insert(format!("${{{}}}", text(variable, "name")), source["type"].clone());
        }
        for panel in board.panels() {
            for asked in std::iter::once(panel).chain(list(panel, "targets")) {
                let source = &asked["datasource"];
                let kind = of_variables.get(text(source, "uid"));
                assert_eq!(kind, Some(&source["type"]), "{}", board.place(panel));
            }
        }
        for source in board.annotations().iter().map(|annotation| &annotation["datasource"]) {
            assert_eq!(of_variables.get(text(source, "uid")), Some(&source["type"]));
        }
    }
}

#[test]
fn the_home_dashboard_needs_no_plugin() {
    for board in dashboards() {
        let needs_plugin = board.json.to_string().contains("yesoreyeram-infinity-datasource");
        assert_eq!(needs_plugin, ["outages", "history"].contains(&board.name.as_str()));
    }
}

#[test]
fn the_token_goes_to_the_bridge_alone() {
    let bridge = &datasources()["netmonitor-bridge"];
    // The plugin compares the beginning of addresses with these, scheme and port included.
    assert_eq!(bridge["jsonData"]["allowedHosts"][0], bridge["url"]);
    assert_eq!(list(&bridge["jsonData"], "allowedHosts").len(), 1);
    assert_eq!(bridge["jsonData"]["auth_method"], "bearerToken");
    assert_eq!(bridge["secureJsonData"]["bearerToken"], "$READ_TOKEN");
    let health = text(&bridge["jsonData"], "customHealthCheckUrl");
    assert_eq!(health, "${BRIDGE_URL}/health");
}

#[test]
fn scrapes_are_as_far_apart_as_grafana_believes() {
    let prometheus = &datasources()["netmonitor-prometheus"];
    let interval = &yaml("prometheus/prometheus.yml")["global"]["scrape_interval"];
    assert_eq!(&prometheus["jsonData"]["timeInterval"], interval);
    let alerts = &prometheus["jsonData"]["alertmanagerUid"];
    assert_eq!(&datasources()["netmonitor-alertmanager"]["uid"], alerts);
}

#[test]
fn what_is_in_the_files_stays_there() {
    let file = yaml("grafana/provisioning/dashboards/netmonitor.yml");
    let provider = &list(&file, "providers")[0];
    assert_eq!(provider["allowUiUpdates"], false);
    assert_eq!(provider["disableDeletion"], true);
    for source in datasources().values() {
        assert_eq!(source["editable"], false, "{}", source["name"]);
        // It takes over what has its name.
        assert!(text(source, "name").starts_with("netmonitor "), "{}", source["name"]);
        assert_eq!(source["isDefault"], serde_json::Value::Null, "there may be another one");
    }
}

/// A start during an outage must not wait for anybody.
#[test]
fn nothing_is_fetched_at_a_start() {
    let settings = read("grafana/grafana.env");
    for line in [
        "GF_PLUGINS_PREINSTALL_DISABLED=true",
        "GF_PLUGINS_PREINSTALL_AUTO_UPDATE=false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES=false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES=false",
    ] {
        assert!(settings.lines().any(|setting| setting == line), "{line}");
    }
    assert!(!settings.contains("INSTALL_SYNC") && !settings.contains("GF_INSTALL_PLUGINS"));
}
