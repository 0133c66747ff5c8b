//! What Grafana is given, by a stand-in: it writes that down, and answers that it is well.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use netmonitor_tests::clock;

use super::secret;
use super::started::Stack;

const SCRIPT: &str = r#"#!/bin/sh
home=$(dirname "$0")/..
mkdir -p "$home/www/api"
echo '{"database": "ok"}' >"$home/www/api/health"
printf '%s\n' "$@" >"$home/arguments"
env -0 >"$home/unfinished"
mv "$home/unfinished" "$home/environment"
exec busybox httpd -f -p "$GF_SERVER_HTTP_ADDR:$GF_SERVER_HTTP_PORT" -h "$home/www"
"#;

/// A folder as Grafana's archives have it.
pub(crate) struct StandIn {
    folder: tempfile::TempDir,
    name: &'static str,
}

impl StandIn {
    pub(crate) fn new(name: &'static str) -> Self {
        let stand_in = Self { folder: tempfile::tempdir().unwrap(), name };
        for folder in ["bin", "conf"] {
            std::fs::create_dir(stand_in.home().join(folder)).unwrap();
        }
        std::fs::write(stand_in.home().join("conf/defaults.ini"), "").unwrap();
        std::fs::write(stand_in.program(), SCRIPT).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(stand_in.program(), mode).unwrap();
        stand_in
    }

    pub(crate) fn home(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.home().join("bin").join(self.name)
    }

    fn is_started(&self) -> bool {
        self.home().join("environment").exists()
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let text = std::fs::read_to_string(self.home().join("environment")).unwrap();
        let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub(crate) fn arguments(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.home().join("arguments")).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

/// A file of provisioning, with what the environment says in place of `$NAME` and `${NAME}`.
#[track_caller]
fn provisioned(file: &Path, environment: &BTreeMap<String, String>) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let text = lines.collect::<Vec<_>>().join("\n");
    let mut parts = text.split('$');
    let mut expanded = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = match part.strip_prefix('{') {
            Some(part) => part.split_once('}').unwrap(),
            None => {
                let is_end = |c: char| c != '_' && !c.is_ascii_alphanumeric();
                part.split_at(part.find(is_end).unwrap_or(part.len()))
            }
        };
        let value = environment.get(name).filter(|value| !value.is_empty());
        expanded += value.unwrap_or_else(|| panic!("{}: nobody gives {name}", file.display()));
        expanded += rest;
    }
    expanded
}

/// What stands after `key:`, in the file's order.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("- "));
    lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).collect()
}

/// Everybody of this machine can read arguments.
fn is_in_arguments(secret: &str) -> bool {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let mut arguments =
        entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    arguments.any(|text| String::from_utf8_lossy(&text).contains(secret))
}

#[test]
fn grafana_gets_what_its_files_ask_for() {
    let secret_word = format!("s3cret-of-{}", std::process::id());
    let (_folder, token) = secret(0o600, &secret_word);
    let token = token.to_str().unwrap();
    let stand_in = StandIn::new("grafana-server");
    let (program, plugins) = (stand_in.program(), stand_in.home().join("plugins"));
    std::fs::create_dir_all(plugins.join("yesoreyeram-infinity-datasource")).unwrap();
    let data = tempfile::tempdir().unwrap();
    let settings = [
        ("READ_TOKEN_FILE", token),
        ("GRAFANA", program.to_str().unwrap()),
        ("GF_PATHS_PLUGINS", plugins.to_str().unwrap()),
        ("BRIDGE_PORT", "15000"),
        ("PROMETHEUS_PORT", "19090"),
        ("ALERTMANAGER_PORT", "19093"),
        ("GRAFANA_PORT", "13000"),
    ];
    let mut stack = Stack::start_in(data.path(), "", &settings);
    clock::until("Grafana is started", || {
        assert!(!is_in_arguments(&secret_word));
        Ok(stand_in.is_started())
    })
    .unwrap();
    let table = stack.table();
    assert!(!is_in_arguments(&secret_word));
    let row = |name: &str| table.lines().find(|row| row.starts_with(name)).unwrap();
    assert!(row("grafana").ends_with("http://127.0.0.1:13000/"), "{table}");

    let environment = stand_in.environment();
    let home = std::fs::canonicalize(stand_in.home()).unwrap();
    assert_eq!(stand_in.arguments(), ["--homepath", home.to_str().unwrap()]);
    assert_eq!(environment["GF_PATHS_PLUGINS"], plugins.to_str().unwrap());
    let always = include_str!("../../../grafana/grafana.env");
    for line in always.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.split_once('=').unwrap();
        assert_eq!(environment[name], value, "{name}");
    }
    let provisioning = Path::new(&environment["GF_PATHS_PROVISIONING"]);

    let sources = provisioned(&provisioning.join("datasources/netmonitor.yml"), &environment);
    assert_eq!(values(&sources, "bearerToken"), [secret_word.as_str()]);
    let programs =
        [("prometheus", "/-/ready"), ("alertmanager", "/-/ready"), ("bridge", "/health")];
    let urls = values(&sources, "url");
    assert_eq!(urls.len(), programs.len());
    let header = data.path().join("header");
    std::fs::write(&header, format!("Authorization: Bearer {secret_word}\n")).unwrap();
    let header = format!("@{}", header.display());
    for (url, (name, path)) in urls.iter().zip(programs) {
        assert!(row(name).contains(&format!(" {url}/")), "{url} is not in: {table}");
        assert_eq!(stack.status(&format!("{url}{path}"), &["--header", &header]), "200", "{name}");
    }
    let health = values(&sources, "customHealthCheckUrl");
    assert_eq!(health, [format!("{}/health", urls[2])]);
    assert_eq!(stack.status(health[0], &[]), "401");
    assert_eq!(values(&sources, "allowedHosts"), [format!("[{}]", urls[2])]);

    let folders = provisioned(&provisioning.join("dashboards/netmonitor.yml"), &environment);
    let [folder] = values(&folders, "path")[..] else { panic!("{folders}") };
    assert!(Path::new(folder).join("overview.json").is_file());
    assert!(Path::new(&environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).is_file());

    // The bridge asks those who write for this one if there is no other.
    let alertmanager =
        std::fs::read_to_string(data.path().join("config/alertmanager.yml")).unwrap();
    assert!(alertmanager.contains(&format!("credentials_file: {token}}}")), "{alertmanager}");
    stack.signal("INT");
    assert_eq!(stack.end().code, Some(0));
}

/// Also where `grafana` is the program's name, found on PATH, and the plugin is missing.
#[test]
fn the_newer_program_is_called_with_its_subcommand() {
    let stand_in = StandIn::new("grafana");
    let path = std::env::var_os("PATH").unwrap();
    let bin = stand_in.home().join("bin");
    let path = format!("{}:{}", bin.display(), path.to_str().unwrap());
    let plugins = stand_in.home().join("plugins");
    let settings = [("PATH", path.as_str()), ("GF_PATHS_PLUGINS", plugins.to_str().unwrap())];
    let mut stack = Stack::start("", &settings);
    let table = stack.table();
    let row = table.lines().find(|row| row.starts_with("grafana")).unwrap();
    assert!(row.contains(" well ") && row.contains("without the Infinity plugin"), "{table}");
    let home = std::fs::canonicalize(stand_in.home()).unwrap();
    assert_eq!(stand_in.arguments(), ["server", "--homepath", home.to_str().unwrap()]);
    // It gets a word, not nothing.
    assert_eq!(stand_in.environment()["READ_TOKEN"], "none");
    stack.signal("INT");
    assert_eq!(stack.end().code, Some(0));
}
