//! `prometheus/` as its readers see it: promtool and amtool, those that are installed and, where
//! `tests/newer-prometheus.sh` could get them, those of Debian's next release. And that rules,
//! their tests, `docs/alerts.md` and `docs/runbook.md` say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netmonitor_tests::promql::{comparisons, metrics};
use serde_json::Value;

/// Receivers that Alertmanager 0.25 knows; the others need what came later.
const OF_ANY_VERSION: [&str; 1] = ["email.yml"];
/// Metrics that Prometheus makes itself.
const OF_PROMETHEUS: [&str; 1] = ["up"];
/// Files that a token can be in are looked at by amtool, and refused if they are missing.
const ANY_FILE: &str = "/etc/hostname";
const REMOTE_WRITE: &str = "prometheus/examples/remote-write.yml";

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Files of a folder that end in `.yml`, from the top of the repository.
fn files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(top().join(folder)).expect("a folder of the repository");
    let mut files: Vec<_> = entries
        .map(|entry| {
            format!(
                "{folder}/{}",
                entry.expect("an entry").file_name().to_str().expect("a name of ours")
            )
        })
        .filter(|path| path.ends_with(".yml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{folder}");
    files
}

/// Runs a program at the top of the repository: is it content, and what did it say?
#[expect(clippy::disallowed_methods, reason = "readers of what we ship, for tests")]
fn run(program: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (bool, String) {
    let output = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(top())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; make tools", program.display()));
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// The newer ones of a program, if they could be had.
fn newer(program: &str) -> Option<PathBuf> {
    let path = top().join("target/newer-prometheus/usr/bin").join(program);
    if !path.is_file() {
        eprintln!("not tried with a newer {program}: tests/newer-prometheus.sh could not get it");
    }
    path.is_file().then_some(path)
}

fn all(program: &str) -> Vec<PathBuf> {
    [Some(PathBuf::from(program)), newer(program)].into_iter().flatten().collect()
}

#[track_caller]
fn content(program: &Path, arguments: &[&str]) {
    let (is_content, said) = run(program, arguments, &[]);
    assert!(is_content, "{} {arguments:?}: {said}", program.display());
}

/// What `configure.sh` writes with this environment.
fn configured(environment: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for what is written");
    let to = folder.path().to_str().expect("a plain path");
    let (is_content, said) = run(Path::new("prometheus/configure.sh"), &[to], environment);
    assert!(is_content && said.is_empty(), "{environment:?}: {said}");
    folder
}

fn yaml(path: &Path) -> Value {
    const CONVERT: &str =
        "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let python = Path::new("/usr/bin/python3");
    let (is_content, said) =
        run(python, &["-c", CONVERT, path.to_str().expect("a plain path")], &[]);
    assert!(is_content, "{}: {said}", path.display());
    serde_json::from_str(&said).expect("JSON")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Rules of all files; those that record have `record`, the others `alert`.
fn rules() -> Vec<Value> {
    let files = files("prometheus/rules");
    let groups = files.iter().flat_map(|file| list(&yaml(&top().join(file)), "groups").to_vec());
    groups.flat_map(|group| list(&group, "rules").to_vec()).collect()
}

fn alerts() -> Vec<Value> {
    rules().into_iter().filter(|rule| !rule["alert"].is_null()).collect()
}

/// Name and severity tell alerts apart.
fn name(alert: &Value) -> (String, String) {
    (text(alert, "alert").to_owned(), text(&alert["labels"], "severity").to_owned())
}

#[test]
fn promtool_accepts_every_configuration() {
    let configured = configured(&[
        ("BRIDGE_ADDRESS", "bridge:5000"),
        ("PROMETHEUS_ADDRESS", "prometheus:9090"),
        ("ALERTMANAGER_ADDRESS", "alertmanager:9093"),
        ("READ_TOKEN_FILE", ANY_FILE),
    ]);
    let written = configured.path().join("prometheus.yml");
    let written = written.to_str().unwrap();
    let json = yaml(Path::new(written));
    assert!(json["remote_write"].is_null() && json["global"]["external_labels"].is_null());
    let jobs = list(&json, "scrape_configs").to_vec();
    assert_eq!(jobs[0]["authorization"]["credentials_file"], ANY_FILE);
    assert_eq!(jobs[0]["http_sd_configs"][0]["authorization"]["credentials_file"], ANY_FILE);
    assert_eq!(jobs[0]["http_sd_configs"][0]["url"], "http://bridge:5000/api/v1/sd");
    for promtool in all("promtool") {
        let mut configurations = files("prometheus/examples");
        configurations.extend(["prometheus/prometheus.yml", written].map(str::to_owned));
        for file in configurations {
            content(&promtool, &["check", "config", &file]);
        }
        for file in files("prometheus/rules") {
            content(&promtool, &["check", "rules", &file]);
        }
    }
}

#[test]
fn what_sends_to_a_store_is_added() {
    let configured = configured(&[("SITE", "berlin"), ("REMOTE_WRITE_FILE", REMOTE_WRITE)]);
    let written = configured.path().join("prometheus.yml");
    let json = yaml(&written);
    let [without, added] =
        ["prometheus/prometheus.yml", REMOTE_WRITE].map(|file| yaml(&top().join(file)));
    assert_eq!(json["global"]["external_labels"], serde_json::json!({ "site": "berlin" }));
    assert_eq!(json["remote_write"], added["remote_write"]);
    assert_eq!(json["scrape_configs"], without["scrape_configs"]);
    for promtool in all("promtool") {
        content(&promtool, &["check", "config", written.to_str().unwrap()]);
    }
}

#[test]
fn every_job_has_limits() {
    for file in files("prometheus/examples").into_iter().chain(["prometheus/prometheus.yml".into()])
    {
        for job in list(&yaml(&top().join(&file)), "scrape_configs") {
            for limit in ["sample_limit", "label_limit", "body_size_limit"] {
                assert!(!job[limit].is_null(), "{file}: {}: {limit}", job["job_name"]);
            }
        }
    }
}

/// One target too many and Prometheus scrapes none of the job; one series too many, and all that
/// the bridge tells is gone.
#[test]
fn the_longest_list_of_routers_is_within_the_limits() {
    let source = read("event-bridge/src/config/routers.rs");
    let most = source.split("const MAX_ROUTERS: usize = ").nth(1).expect("the bridge's limit");
    let most: u64 = most.split(';').next().unwrap_or_default().parse().expect("a number");
    let jobs = yaml(&top().join("prometheus/prometheus.yml"));
    let limit = |job: &str, limit: &str| {
        let job = list(&jobs, "scrape_configs").iter().find(|one| one["job_name"] == job);
        job.unwrap()[limit].as_u64().unwrap()
    };
    assert_eq!(limit("netmonitor", "target_limit"), most);
    // Of each router two kinds of polls, the last one, events missed and values skipped; then
    // 2,000 outages, and some hundred of its own.
    let series = 5 * most + 3 * 2000 + 500;
    assert!(limit("netmonitor-bridge", "sample_limit") > series, "{series}");
}

#[test]
fn the_rules_pass_their_tests() {
    for promtool in all("promtool") {
        for file in files("prometheus/tests") {
            content(&promtool, &["test", "rules", &file]);
        }
    }
}

#[test]
fn amtool_accepts_every_receiver() {
    for amtool in all("amtool") {
        content(&amtool, &["check-config", "prometheus/alertmanager.yml"]);
    }
    for file in files("prometheus/examples/receivers") {
        let configured = configured(&[("RECEIVER_FILE", &file), ("API_TOKEN_FILE", ANY_FILE)]);
        let written = configured.path().join("alertmanager.yml");
        let configuration = yaml(&written);
        let receivers = list(&configuration, "receivers");
        let person: Vec<_> =
            receivers.iter().filter(|receiver| receiver["name"] == "person").collect();
        assert_eq!(person.len(), 1, "{file}");
        let ways = person[0].as_object().unwrap().iter().filter(|(key, _)| *key != "name");
        for way in ways.flat_map(|(_, ways)| ways.as_array().unwrap()) {
            assert_eq!(way["send_resolved"], false, "{file}: the summary says that it is over");
        }
        let token = "/webhook_configs/0/http_config/authorization/credentials_file";
        let bridge = receivers.iter().find(|receiver| receiver["name"] == "bridge").unwrap();
        assert_eq!(bridge.pointer(token).unwrap(), ANY_FILE);
        let is_of_any_version = OF_ANY_VERSION.iter().any(|name| file.ends_with(name));
        let readers =
            if is_of_any_version { all("amtool") } else { newer("amtool").into_iter().collect() };
        for amtool in readers {
            content(&amtool, &["check-config", written.to_str().unwrap()]);
        }
    }
}

#[test]
fn alerts_reach_their_receivers() {
    let check = |amtool: &Path, alert: &str, severity: &str, receivers: &str| {
        let (_, said) = run(
            amtool,
            &[
                "config",
                "routes",
                "test",
                "--config.file=prometheus/alertmanager.yml",
                &format!("--verify.receivers={receivers}"),
                &format!("alertname={alert}"),
                &format!("severity={severity}"),
                "router=home",
            ],
            &[],
        );
        assert!(!said.contains("WARNING") && said.contains(receivers), "{alert}: {said}");
    };
    for amtool in all("amtool") {
        for (alert, severity) in alerts().iter().map(name) {
            let receivers = match alert.as_str() {
                "Watchdog" => "heartbeat",
                "OutageGoesOn" => "nobody",
                _ => "bridge,person",
            };
            check(&amtool, &alert, &severity, receivers);
        }
        check(&amtool, "SomebodysOwn", "page", "bridge,person");
    }
}

/// The receivers of an alert about router `home`, by `configuration`.
fn receivers(amtool: &Path, configuration: &str, alert: &str, labels: &[&str]) -> String {
    let file = format!("--config.file={configuration}");
    let name = format!("alertname={alert}");
    let arguments = ["config", "routes", "test", &file, &name, "router=home"];
    let (is_content, said) = run(amtool, &[&arguments, labels].concat(), &[]);
    assert!(is_content, "{alert} {labels:?}: {said}");
    // Warnings come behind.
    said.lines().next().unwrap_or_default().to_owned()
}

/// By the route that `docs/alerts.md` has to copy, where it says.
#[test]
fn a_customer_is_told_of_his_own_routers() {
    let document = read("docs/alerts.md");
    let mut blocks =
        document.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let route = blocks.find(|block| block.contains("customer=\"acme\"")).expect("a route to copy");
    let shipped = read("prometheus/alertmanager.yml");
    let place = "    # A group of their own, so that";
    let (above, below) = shipped.split_once(place).expect("the route below");
    assert!(below.lines().take(4).any(|line| line.contains("InternetDown|WanDown|OutageEnded")));
    let folder = tempfile::tempdir().unwrap();
    for (more, of_acme) in [("", "bridge,acme"), ("      continue: true\n", "bridge,acme,person")] {
        let route = route.replace("receiver: acme\n", &format!("receiver: acme\n{more}"));
        let changed = format!("{above}{route}{place}{below}\n  - name: acme\n");
        let file = folder.path().join("alertmanager.yml");
        fs::write(&file, changed).unwrap();
        let file = file.to_str().unwrap();
        for amtool in all("amtool") {
            content(&amtool, &["check-config", file]);
            for alert in ["InternetDown", "OutageEnded", "LatencyHigh", "BridgeNotPolling"] {
                let told = |labels: &[&str]| receivers(&amtool, file, alert, labels);
                assert_eq!(told(&["customer=acme", "site=berlin"]), of_acme, "{alert}");
                assert_eq!(told(&["customer=other"]), "bridge,person", "{alert}");
                assert_eq!(told(&[]), "bridge,person", "{alert}");
            }
            assert_eq!(receivers(&amtool, file, "OutageGoesOn", &["customer=acme"]), "nobody");
        }
    }
}

/// Every text of a value, at any depth.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        Value::Object(all) => all.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// As Alertmanager fills it in, for an alert about router `home`.
fn filled(amtool: &Path, template: &str, labels: &Value) -> String {
    let summary =
        serde_json::json!({ "summary": "home: no internet", "description": "No target." });
    let alert = serde_json::json!({ "status": "firing", "labels": labels, "annotations": summary });
    let data = serde_json::json!({
        "status": "firing", "groupLabels": labels, "commonLabels": labels, "alerts": [alert],
    });
    let folder = tempfile::tempdir().expect("a folder for the data");
    let file = folder.path().join("data.json");
    fs::write(&file, data.to_string()).expect("a file of its own");
    let data = format!("--template.data={}", file.display());
    let template = format!("--template.text={template}");
    let arguments = ["template", "render", "--template.glob=/dev/null", &data, &template];
    let (is_content, said) = run(amtool, &arguments, &[]);
    assert!(is_content, "{template}: {said}");
    said
}

/// And nothing more where nobody has set them.
#[test]
fn messages_begin_with_customer_and_site() {
    let plain = serde_json::json!({ "router": "home", "severity": "critical" });
    let mut labelled = plain.clone();
    labelled["customer"] = "Acme & Co".into();
    labelled["site"] = "Berlin".into();
    for file in files("prometheus/examples/receivers") {
        let folder = configured(&[("RECEIVER_FILE", &file)]);
        let configuration = yaml(&folder.path().join("alertmanager.yml"));
        let person = list(&configuration, "receivers").iter().find(|one| one["name"] == "person");
        let templates: Vec<_> = texts(person.unwrap())
            .into_iter()
            .filter(|text| text.contains(".CommonLabels.customer"))
            .collect();
        assert_eq!(templates.len(), 1, "{file}: once in a message");
        for amtool in all("amtool") {
            let [with, without] =
                [&labelled, &plain].map(|labels| filled(&amtool, templates[0], labels));
            assert!(with.contains("Acme & Co, Berlin, home: no internet"), "{file}: {with}");
            assert_eq!(with.replace("Acme & Co, Berlin, ", ""), without, "{file}");
            let begin = without.strip_prefix("netmonitor: ").unwrap_or(&without);
            assert!(begin.starts_with("home: no internet"), "{file}: {without}");
        }
    }
}

/// Seconds of a duration with one unit.
fn seconds(duration: &str) -> u32 {
    let (number, unit) = duration.split_at(duration.len() - 1);
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => panic!("{duration}"),
    };
    number.parse::<u32>().expect("a number and one unit") * factor
}

/// Why: the head of `prometheus/alertmanager.yml`.
#[test]
fn the_times_of_an_outage_fit_together() {
    let alerts = alerts();
    let of = |alert: &str, key: &str| {
        let rule = alerts.iter().find(|rule| rule["alert"] == alert).unwrap();
        seconds(text(rule, key))
    };
    let prometheus = yaml(&top().join("prometheus/prometheus.yml"));
    let global = |key: &str| seconds(text(&prometheus["global"], key));
    let news = global("scrape_interval") + global("evaluation_interval");
    let alertmanager = yaml(&top().join("prometheus/alertmanager.yml"));
    let route = |key: &str| seconds(text(&alertmanager["route"], key));
    let told_after = |alert| of(alert, "for") + route("group_wait");
    for (why, sooner, later) in [
        (
            "InternetDown is there to mute WanDown",
            of("InternetDown", "for") + global("evaluation_interval"),
            of("WanDown", "for"),
        ),
        (
            "it outlasts WanDown",
            of("WanDown", "keep_firing_for"),
            of("InternetDown", "keep_firing_for"),
        ),
        (
            "people are told before OutageGoesOn",
            told_after("WanDown") + news,
            of("OutageGoesOn", "for"),
        ),
        (
            "also by a group that exists",
            told_after("InternetDown") + news,
            of("OutageGoesOn", "for"),
        ),
        ("OutageGoesOn mutes until OutageEnded does", news, of("OutageGoesOn", "keep_firing_for")),
        (
            "what has no summary is delivered afterwards",
            route("group_interval") + news,
            of("WanDown", "keep_firing_for").min(of("RouterUnreachable", "keep_firing_for")),
        ),
        (
            "nor is OutageEnded over before",
            of("InternetDown", "keep_firing_for") + route("group_interval"),
            1800,
        ),
    ] {
        assert!(sooner < later, "{why}: {sooner} s, {later} s");
    }
}

/// Without it the discovery of 2.42 sends the bare token; promtool does not mind.
#[test]
fn every_token_has_its_type() {
    let folders = ["prometheus/examples", "prometheus/examples/receivers", "prometheus"];
    for file in folders.into_iter().flat_map(files) {
        for line in read(&file).lines().filter(|line| line.contains("authorization:")) {
            assert!(line.contains("{type: Bearer, credentials_file: "), "{file}: {line}");
        }
    }
}

#[test]
fn what_inhibits_exists() {
    let known: BTreeSet<_> = alerts().iter().map(|alert| name(alert).0).collect();
    let configuration = yaml(&top().join("prometheus/alertmanager.yml"));
    let rules = list(&configuration, "inhibit_rules").iter();
    let matchers = rules
        .flat_map(|rule| [list(rule, "source_matchers"), list(rule, "target_matchers")].concat());
    let routes = list(&configuration["route"], "routes").iter();
    let matchers = matchers.chain(routes.flat_map(|route| list(route, "matchers").to_vec()));
    let mut count = 0;
    for matcher in matchers {
        let matcher = matcher.as_str().unwrap();
        let Some(names) = matcher.strip_prefix("alertname") else { continue };
        let names = names.trim_start_matches(['=', '~', '!']).trim_matches('"');
        for alert in names.split('|').filter(|name| !name.is_empty()) {
            assert!(known.contains(alert), "{matcher}");
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}

#[test]
fn configure_refuses_what_makes_no_sense() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("new");
    for (name, value, why) in [
        ("BRIDGE_ADDRESS", "nas", "port is missing"),
        ("ALERTMANAGER_ADDRESS", "a|b:1", "expected host:port"),
        ("READ_TOKEN_FILE", "token", "expected the whole path"),
        ("API_TOKEN_FILE", "/there/is/none", "cannot be read"),
        ("RECEIVER_FILE", "/there/is/none", "cannot be read"),
        ("REMOTE_WRITE_FILE", "/there/is/none", "cannot be read"),
        ("REMOTE_WRITE_FILE", REMOTE_WRITE, "name this site in SITE"),
        ("SITE", "my house", "letters, digits"),
    ] {
        let script = Path::new("prometheus/configure.sh");
        let (is_content, said) = run(script, &[to.to_str().unwrap()], &[(name, value)]);
        assert!(!is_content && said.contains(name) && said.contains(why), "{name}: {said}");
        assert!(!to.exists(), "{name}");
    }
}

#[test]
fn every_metric_exists() {
    let exporter = read("docs/metrics.md");
    let bridge =
        ["event-bridge/src/metrics.rs", "event-bridge/src/api/state.rs"].map(read).concat();
    let rules = rules();
    let recorded: BTreeSet<_> = rules.iter().map(|rule| text(rule, "record")).collect();
    for rule in &rules {
        for metric in metrics(text(rule, "expr")) {
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| metric.strip_suffix(suffix))
                .unwrap_or(&metric);
            let is_known = match metric.strip_prefix("netmonitor_bridge_") {
                Some(own) => bridge.contains(&format!("\"{}\"", own.trim_end_matches("_total"))),
                None => {
                    exporter.contains(&format!("| `{family}` |"))
                        || recorded.contains(metric.as_str())
                        || OF_PROMETHEUS.contains(&metric.as_str())
                }
            };
            assert!(is_known, "{metric}: {rule}");
        }
    }
}

#[test]
fn every_alert_says_what_and_where_to_read_on() {
    let runbook = read("docs/runbook.md");
    let titles = runbook.lines().filter_map(|line| line.strip_prefix("### "));
    let mut titles: BTreeSet<_> = titles.map(str::to_owned).collect();
    for alert in alerts() {
        let (name, severity) = name(&alert);
        assert!(["critical", "warning", "info"].contains(&severity.as_str()), "{name}: {severity}");
        let annotations = &alert["annotations"];
        for key in ["summary", "description"] {
            assert!(text(annotations, key).len() > 10, "{name}: {key}");
        }
        let (file, anchor) = text(annotations, "runbook_url").split_once('#').expect("an anchor");
        assert_eq!((file, anchor), ("docs/runbook.md", name.to_lowercase().as_str()));
        assert!(runbook.contains(&format!("### {name}\n")), "{name} is not in the runbook");
    }
    for alert in alerts() {
        titles.remove(text(&alert, "alert"));
    }
    assert!(titles.is_empty(), "in the runbook, and no alert: {titles:?}");
}

#[test]
fn every_alert_is_tested_on_both_sides() {
    let mut fires = BTreeSet::new();
    let mut looked_at: BTreeMap<String, Vec<BTreeSet<String>>> = BTreeMap::new();
    for file in files("prometheus/tests") {
        let file = yaml(&top().join(file));
        for case in list(&file, "tests").iter().flat_map(|test| list(test, "alert_rule_test")) {
            let alert = text(case, "alertname").to_owned();
            let expected = list(case, "exp_alerts").iter();
            let severities: BTreeSet<_> =
                expected.map(|alert| text(&alert["exp_labels"], "severity").to_owned()).collect();
            fires.extend(severities.iter().map(|severity| (alert.clone(), severity.clone())));
            looked_at.entry(alert).or_default().push(severities);
        }
    }
    for alert in alerts().iter().map(name) {
        assert!(fires.contains(&alert), "{alert:?}: no test in which it fires");
        let is_silent = looked_at[&alert.0].iter().any(|severities| !severities.contains(&alert.1));
        assert!(is_silent || alert.0 == "Watchdog", "{alert:?}: no test in which it is silent");
    }
}

#[test]
fn the_table_of_alerts_is_that_of_the_rules() {
    let document = read("docs/alerts.md");
    let table = document.split("<!-- list: begin -->").nth(1).expect("a table");
    let table = table.split("<!-- list: end -->").next().unwrap_or_default();
    let told: Vec<_> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let thresholds = cells[2].split('`').skip(1).step_by(2).collect::<Vec<_>>().join(", ");
            [cells[0], cells[1], &thresholds, cells[3], cells[4]].map(str::to_owned)
        })
        .collect();
    let mut true_ones: Vec<_> = alerts()
        .iter()
        .map(|alert| {
            let (name, severity) = name(alert);
            let thresholds = comparisons(text(alert, "expr")).join(", ");
            let duration = |key| text(alert, key).to_owned();
            [name, severity, thresholds, duration("for"), duration("keep_firing_for")]
        })
        .collect();
    let mut sorted = told.clone();
    sorted.sort();
    true_ones.sort();
    assert_eq!(sorted, true_ones);
}
