//! compose.yaml as the real Compose resolves it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::machine::{real_compose, root, tool};

/// Every profile there is.
const ALL: &str = "tls,demo";

/// Published ports: of Prometheus and Alertmanager on this computer only.
const PUBLISHED: [(&str, &str, &str, u64); 6] = [
    ("alertmanager", "127.0.0.1", "9093", 9093),
    ("bridge", "0.0.0.0", "5000", 5000),
    ("grafana", "0.0.0.0", "3000", 3000),
    ("prometheus", "127.0.0.1", "9090", 9090),
    ("proxy", "", "443", 8443),
    ("proxy", "", "80", 8080),
];

/// A folder with `settings` as its .env.
fn read(settings: Option<&str>, options: &[&str]) -> std::process::Output {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("compose");
    fs::create_dir(&place).unwrap();
    fs::create_dir(folder.path().join("grafana")).unwrap();
    for file in ["compose/compose.yaml", "grafana/grafana.env"] {
        fs::copy(root().join(file), folder.path().join(file)).unwrap();
    }
    if let Some(settings) = settings {
        fs::write(place.join(".env"), settings).unwrap();
    }
    let mut command = tool(real_compose());
    command.current_dir(&place).env_clear().arg("config").args(options).output().unwrap()
}

fn example() -> String {
    fs::read_to_string(root().join("compose/.env.example")).unwrap()
}

/// The example with other values.
pub(crate) fn settings(changes: &[(&str, &str)]) -> String {
    let mut text = example();
    for (name, value) in changes {
        let at = text.find(&format!("\n{name}=")).unwrap_or_else(|| panic!("no {name}")) + 1;
        let end = at + text[at..].find('\n').unwrap();
        text.replace_range(at..end, &format!("{name}={value}"));
    }
    text
}

fn model(changes: &[(&str, &str)]) -> Value {
    let output = read(Some(&settings(changes)), &["--format", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn whole_model() -> Value {
    model(&[("COMPOSE_PROFILES", ALL)])
}

fn services(model: &Value) -> BTreeMap<&str, &Value> {
    let services = model["services"].as_object().unwrap();
    services.iter().map(|(name, service)| (name.as_str(), service)).collect()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|one| one.as_str().unwrap()).collect()
}

#[test]
fn the_example_is_good_as_it_is() {
    for profiles in ["", "tls", "demo", ALL] {
        let output = read(Some(&settings(&[("COMPOSE_PROFILES", profiles)])), &["-q"]);
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{profiles}: {}", String::from_utf8_lossy(&said));
        assert_eq!(String::from_utf8_lossy(&said), "", "{profiles}");
    }
}

#[test]
fn without_settings_it_says_what_to_do() {
    let output = read(None, &["-q"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("there is no .env yet; run ./deploy.sh, or copy .env.example"), "{said}");
}

#[test]
fn profiles_add_what_they_are_for() {
    let always = ["alertmanager", "bridge", "grafana", "prometheus"];
    for (profiles, more) in [
        ("", &[][..]),
        ("tls", &["proxy"]),
        ("demo", &["fake-routers"]),
        (ALL, &["fake-routers", "proxy"]),
    ] {
        let model = model(&[("COMPOSE_PROFILES", profiles)]);
        let names: BTreeSet<_> = services(&model).into_keys().collect();
        let expected: BTreeSet<_> = always.iter().chain(more).copied().collect();
        assert_eq!(names, expected, "{profiles}");
    }
}

#[test]
fn no_service_may_more_than_it_needs() {
    for (name, service) in services(&whole_model()) {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(texts(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(texts(&service["security_opt"]), ["no-new-privileges:true"], "{name}");
        for key in ["cap_add", "privileged", "pid", "network_mode", "devices", "ipc"] {
            assert_eq!(service[key], Value::Null, "{name}: {key}");
        }
        // A name would be looked up in the image.
        let user = service["user"].as_str().unwrap_or_default();
        let number = user.split(':').next().unwrap().parse::<u32>();
        assert!(number.is_ok_and(|number| number > 0), "{name}: user \"{user}\"");
        assert_eq!(service["restart"], "unless-stopped", "{name}");
    }
}

#[test]
fn nothing_a_service_uses_is_without_a_bound() {
    let mut memory = 0;
    for (name, service) in services(&whole_model()) {
        let limit: u64 = service["mem_limit"].as_str().unwrap_or("0").parse().unwrap();
        assert!(limit > 0, "{name}: no mem_limit");
        memory += limit;
        let processes = service["pids_limit"].as_u64().unwrap_or(0);
        assert!((1..=256).contains(&processes), "{name}: pids_limit {processes}");
        let options = &service["logging"]["options"];
        assert_eq!(options["max-size"], "5m", "{name}");
        assert_eq!(options["max-file"], "3", "{name}");
        for mount in texts(&service["tmpfs"]) {
            assert!(mount.contains(",size="), "{name}: {mount}");
            // With mode=1777 it would be root's alone after a second start.
            let user = service["user"].as_str().unwrap().split(':').next().unwrap();
            assert!(mount.contains(&format!(":uid={user},")), "{name}: {mount}");
        }
    }
    // All of it, on a machine of 2 GB that does something else as well.
    assert!(memory <= 1400 << 20, "{} MB", memory >> 20);
}

#[test]
fn the_health_of_each_service_is_asked_for() {
    for (name, service) in services(&whole_model()) {
        let check = &service["healthcheck"];
        // Their image holds one program, which asks nobody; the bridge says whether they answer.
        if name == "fake-routers" {
            assert_eq!(*check, Value::Null);
            continue;
        }
        // Exec form: two of the images have no shell.
        assert_eq!(check["test"][0], "CMD", "{name}");
        for key in ["interval", "timeout", "start_period"] {
            assert!(check[key].is_string(), "{name}: {key}");
        }
        assert!(check["retries"].as_u64() >= Some(1), "{name}");
        // Engine 25 and later only.
        assert_eq!(check["start_interval"], Value::Null, "{name}");
    }
}

#[test]
fn each_image_is_one_version() {
    for (name, service) in services(&whole_model()) {
        let image = service["image"].as_str().unwrap();
        let (_, tag) = image.rsplit_once(':').unwrap_or((image, ""));
        let parts: Vec<_> = tag.trim_start_matches('v').split('.').collect();
        let is_pinned = parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok());
        assert!(is_pinned, "{name}: {image}");
    }
    let file = fs::read_to_string(root().join("grafana/Dockerfile")).unwrap();
    let from = file.lines().find_map(|line| line.strip_prefix("FROM grafana/grafana:")).unwrap();
    assert_eq!(from.split('.').filter(|part| part.parse::<u32>().is_ok()).count(), 3, "{from}");
}

/// Old versions of Compose ask for `version:`, new ones warn of it.
#[test]
fn the_file_has_no_version() {
    let file = fs::read_to_string(root().join("compose/compose.yaml")).unwrap();
    assert!(!file.lines().any(|line| line.starts_with("version")));
    assert!(file.lines().any(|line| line == "name: netmonitor"));
}

/// docs/containers.md: name, limit, user; and every service has its row.
#[test]
fn the_document_has_the_same_limits_and_users() {
    let text = fs::read_to_string(root().join("docs/containers.md")).unwrap();
    for (name, service) in services(&whole_model()) {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{name}`")));
        let row = row.unwrap_or_else(|| panic!("{name} has no row"));
        let columns: Vec<_> = row.split('|').map(str::trim).collect();
        let limit: u64 = service["mem_limit"].as_str().unwrap().parse().unwrap();
        assert_eq!(columns[3], format!("{} MB", limit >> 20), "{name}");
        assert_eq!(service["user"].as_str().unwrap().split(':').next(), Some(columns[5]), "{name}");
    }
}

#[test]
fn nothing_else_is_published() {
    let model = whole_model();
    let mut published = Vec::new();
    for (name, service) in services(&model) {
        for port in service["ports"].as_array().into_iter().flatten() {
            let text = |key: &str| port[key].as_str().unwrap_or_default();
            let target = port["target"].as_u64().unwrap();
            published.push((name, text("host_ip"), text("published"), target));
        }
    }
    published.sort_unstable();
    assert_eq!(published, PUBLISHED);
    let elsewhere = self::model(&[("GRAFANA_LISTEN", "127.0.0.1"), ("BRIDGE_LISTEN", "127.0.0.1")]);
    for (name, service) in services(&elsewhere) {
        for port in service["ports"].as_array().into_iter().flatten() {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}");
        }
    }
}

#[test]
fn all_are_in_one_network_of_their_own() {
    let model = whole_model();
    let networks: Vec<_> = model["networks"].as_object().unwrap().keys().collect();
    assert_eq!(networks, ["netmonitor"]);
    for (name, service) in services(&model) {
        let networks: Vec<_> = service["networks"].as_object().unwrap().keys().collect();
        assert_eq!(networks, ["netmonitor"], "{name}");
    }
}

#[test]
fn data_is_in_volumes_with_names_and_the_rest_is_only_read() {
    let data = [
        ("alertmanager", "/alertmanager"),
        ("bridge", "/data"),
        ("grafana", "/var/lib/grafana"),
        ("prometheus", "/prometheus"),
        ("proxy", "/certificates"),
    ];
    let model = whole_model();
    let mut found = Vec::new();
    for (name, service) in services(&model) {
        for mount in service["volumes"].as_array().into_iter().flatten() {
            let target = mount["target"].as_str().unwrap();
            if mount["type"] == "volume" {
                let volume = mount["source"].as_str().unwrap();
                assert!(model["volumes"][volume].is_object(), "{name}: {target} has no name");
                found.push((name, target));
            } else {
                assert_eq!(mount["read_only"], true, "{name}: {target}");
                // The engine's own socket is the engine.
                assert!(!mount["source"].as_str().unwrap().contains("docker.sock"), "{name}");
            }
        }
    }
    found.sort_unstable();
    assert_eq!(found, data);
}

/// Passwords are files; in the environment, everybody who may list containers would read them.
#[test]
fn no_password_is_in_the_environment() {
    let files = [
        ("API_TOKEN_FILE", "/s/api"),
        ("DATABASE_URL_FILE", "/s/database"),
        ("GRAFANA_PASSWORD_FILE", "/s/grafana"),
        ("READ_TOKEN_FILE", "/s/read"),
        ("ROUTER_TOKEN_FILE", "/s/router"),
        ("TLS_CERTIFICATE_FILE", "/s/certificate"),
        ("TLS_KEY_FILE", "/s/key"),
    ];
    let model = model(&[&files[..], &[("COMPOSE_PROFILES", ALL)]].concat());
    let secrets = model["secrets"].as_object().unwrap();
    let named: BTreeSet<_> =
        secrets.values().map(|secret| secret["file"].as_str().unwrap()).collect();
    assert_eq!(named, files.iter().map(|(_, file)| *file).collect());
    for (name, service) in services(&model) {
        for (key, value) in service["environment"].as_object().into_iter().flatten() {
            let is_secret =
                ["TOKEN", "PASSWORD", "KEY", "DATABASE"].iter().any(|word| key.contains(word));
            let value = value.as_str().unwrap_or_default();
            // ROUTER_TOKEN is there for those who will have it so.
            let is_file = value.starts_with("/run/secrets/") || value.is_empty();
            assert!(!is_secret || is_file, "{name}: {key}={value}");
        }
    }
}

fn environment<'a>(model: &'a Value, service: &str, name: &str) -> &'a str {
    model["services"][service]["environment"][name]
        .as_str()
        .unwrap_or_else(|| panic!("{service}: no {name}"))
}

#[test]
fn what_is_not_set_does_not_reach_the_programs() {
    let names = [
        ("ROUTER_TOKEN_FILE", "bridge", "./secrets/router_token", "/run/secrets/router_token"),
        ("DATABASE_URL_FILE", "bridge", "./secrets/database", "/run/secrets/database_url"),
        ("READ_TOKEN_FILE", "bridge", "./secrets/read", "/run/secrets/read_token"),
        ("READ_TOKEN_FILE", "prometheus", "./secrets/read", "/run/secrets/read_token"),
        ("READ_TOKEN_FILE", "alertmanager", "./secrets/read", "/run/secrets/read_token"),
        ("ROUTERS_FILE", "bridge", "home.toml", "/routers/home.toml"),
        ("RECEIVER_FILE", "alertmanager", "ntfy.yml", "/etc/alertmanager/ntfy.yml"),
        ("REMOTE_WRITE_FILE", "prometheus", "store.yml", "/etc/prometheus/store.yml"),
        // It does not see the file.
        ("REMOTE_WRITE_FILE", "alertmanager", "store.yml", ""),
    ];
    for (name, service, value, inside) in names {
        assert_eq!(environment(&model(&[(name, "")]), service, name), "", "{service}");
        assert_eq!(environment(&model(&[(name, value)]), service, name), inside, "{service}");
    }
}

#[test]
fn a_secret_that_is_not_set_is_an_empty_file() {
    let model = model(&[]);
    for (name, secret) in model["secrets"].as_object().unwrap() {
        let file = secret["file"].as_str().unwrap();
        let is_made = ["api_token", "grafana_password"].contains(&name.as_str());
        assert_eq!(file != "/dev/null", is_made, "{name}: {file}");
    }
}

/// Compose starts a service anew when its environment has changed: they copy their files only then.
#[test]
fn those_that_copy_their_files_are_told_the_revision() {
    let model = model(&[("CONFIG_REVISION", "0a1b2c")]);
    let told: Vec<_> = services(&model)
        .into_iter()
        .filter(|(_, service)| service["environment"]["CONFIG_REVISION"] == "0a1b2c")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(told, ["alertmanager", "prometheus"]);
}
