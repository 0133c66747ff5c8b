//! The documents that list something are held to the program.
//!
//! `UPDATE_EXPECT=1` writes the lists anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use netmonitor_exporter::config::settings::SETTINGS;

use crate::lcp_echo::write_ring;
use crate::program::{Program, copy_of, run, until};

fn document(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

/// Compares what stands between the marks of a document with `list`.
#[track_caller]
fn check(name: &str, list: &str) {
    const BEGIN: &str = "<!-- list: begin -->\n";
    const END: &str = "<!-- list: end -->\n";
    let text = std::fs::read_to_string(document(name)).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the mark of the beginning");
    let (_, after) = rest.split_once(END).expect("the mark of the end");
    let expected = [before, BEGIN, list, END, after].concat();
    expect_test::expect_file![document(name)].assert_eq(&expected);
}

/// A family of metrics, as a scrape shows it.
#[derive(Default)]
struct Family {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
}

fn add_families(all: &mut BTreeMap<String, Family>, text: &str) {
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            all.entry(name.to_owned()).or_default().help = help.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            all.entry(name.to_owned()).or_default().kind = kind.to_owned();
            current = name.to_owned();
        } else {
            let labels = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}'));
            let names =
                labels.iter().flat_map(|(labels, _)| labels.split("\",")).filter_map(|label| {
                    Some(label.split_once("=\"")?.0.to_owned()).filter(|name| name != "le")
                });
            all.get_mut(&current).unwrap().labels.extend(names);
        }
    }
}

/// Leaves the memory of a run that has seen an outage.
fn remember_an_outage(device: &Path, settings: &str, queue: &Path) {
    Program::isolated(device, settings, |program| {
        assert_eq!(program.get("/net/events").status, 200, "it is written before the first answer");
    });
    let path = queue.with_extension("json.state");
    let mut state: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let moment = |secs: u64| serde_json::json!({"unix": {"secs": secs, "nanos": 0}, "boot": null});
    state["memo"]["outages"]["past"] = serde_json::json!([{
        "id": "0f3a-7", "continues": null, "began": moment(1_900_000_000),
        "ended": moment(1_900_000_060), "verdict": {"cause": "gateway", "side": "unknown"},
        "unseen": {"secs": 0, "nanos": 0}, "has_restarted": false,
    }]);
    std::fs::write(path, state.to_string()).unwrap();
}

/// Everything that the devices of the golden files and the probes of a live one show.
fn all_scrapes() -> Vec<String> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = std::fs::read_dir(golden).unwrap().map(|file| file.unwrap().path());
    let mut scrapes: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "prom"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    // What the golden files leave out because it moves.
    let settings = "PING_TARGETS=\"127.0.0.1\"\nDNS_NAME=\"example.com\"\nLOG_SOURCE=\"file:/log,kmsg,logread\"\nLCP_RTT_FILE=\"/tmp/ppp-rtt.data\"\n";
    let device = copy_of("filogic-pppoe");
    let queue = device.path().join("tmp/events.json");
    let settings = format!("{settings}QUEUE_FILE=\"{}\"\n", queue.display());
    remember_an_outage(device.path(), &settings, &queue);
    let mut replies = Vec::new();
    Program::isolated(device.path(), &settings, |program| {
        until("the probes have something", || {
            replies.push((0, 5000));
            write_ring(device.path(), 1, &replies);
            let text = program.metrics().body;
            let sources = text.matches("netmonitor_log_source_up{").count();
            let probed = ["ping_last_rtt_seconds{", "dns_failures_total{", "lcp_echo_rtt_seconds "];
            probed.iter().all(|name| text.contains(name)) && sources == 4
        });
        scrapes.push(program.metrics().body);
    });
    scrapes
}

#[test]
fn disable_knows_every_collector_and_the_document_says_so() {
    let output = run(&["--disable", "nonsense"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    let (_, list) = errors.split_once("expected some of ").unwrap();
    let (list, _) = list.split_once(';').unwrap();
    let known: BTreeSet<&str> = list.split(' ').collect();

    let scrapes = all_scrapes().concat();
    let named = |label: &'static str| {
        scrapes.split(label).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0))
    };
    let collectors = named("collector_success{collector=\"");
    let names = collectors.chain(named("log_source_up{source=\""));
    assert_eq!(names.collect::<BTreeSet<&str>>(), known);

    let text = std::fs::read_to_string(document("configuration.md")).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(
        words.join(" ").contains(&format!("some of `{list}`")),
        "docs/configuration.md: {list}"
    );
}

#[test]
fn every_metric_is_documented_and_every_documented_metric_exists() {
    let mut families = BTreeMap::new();
    for scrape in all_scrapes() {
        add_families(&mut families, &scrape);
    }
    let rows = families.iter().fold(String::new(), |rows, (name, family)| {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        rows + &format!("| `{name}` | {} | {} | {} |\n", family.kind, labels.join(" "), family.help)
    });
    check(
        "metrics.md",
        &format!("| name | type | labels | what it says |\n|---|---|---|---|\n{rows}"),
    );
}

#[test]
fn every_type_of_event_is_explained() {
    let scrapes = all_scrapes().concat();
    let label = "netmonitor_events_total{type=\"";
    let types = scrapes.split(label).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0));
    let text = std::fs::read_to_string(document("events.md")).unwrap();
    let (_, table) = text.split_once("|---|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let explained = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    assert_eq!(types.collect::<BTreeSet<&str>>(), explained.collect::<BTreeSet<&str>>());
}

#[test]
fn every_setting_is_documented_with_its_default() {
    let rows = SETTINGS.iter().fold(String::new(), |rows, setting| {
        let default = if setting.default.is_empty() {
            "(empty)".into()
        } else {
            format!("`{}`", setting.default)
        };
        let restart = match setting.takes_effect {
            netmonitor_exporter::config::settings::TakesEffect::OnReload => "",
            netmonitor_exporter::config::settings::TakesEffect::OnRestart => "yes",
        };
        rows + &format!(
            "| `{}` | `--{}` | {default} | {restart} | {} |\n",
            setting.key,
            setting.flag(),
            setting.help
        )
    });
    let head = "| key | flag | default | restart | meaning |\n|---|---|---|---|---|\n";
    check("configuration.md", &format!("{head}{rows}"));
}
