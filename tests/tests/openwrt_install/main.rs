//! The installer on a router: what it lays down, what it replaces, what it undoes. Needs root.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod faults;
mod removal;
mod shell_version;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::LazyLock;

use netmonitor_tests::openwrt_root::{Output, Root, Settings};
use netmonitor_tests::router_bundle::{ARCH, Bundle, FOLDER};

const PORT: u16 = 8321;
const SETTINGS: &str = "/etc/netmonitor.conf";
const BACKUP: &str = "/etc/netmonitor-old.tar.gz";

/// Packed once for all tests.
static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| {
    Bundle::new(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("router-bundle")).unwrap()
});

const DUMP: &str = r#"{"interface": [
    {"interface": "lan", "up": true, "proto": "static", "l3_device": "br-lan"},
    {"interface": "wwan", "up": false, "proto": "dhcp", "device": "wwan0"},
    {"interface": "fibre", "up": true, "proto": "pppoe", "l3_device": "pppoe-fibre",
     "route": [{"target": "0.0.0.0", "mask": 0, "nexthop": "198.51.100.1"}]}]}"#;

/// Settings that ping nothing, since nothing but loopback is there.
const QUIET: &str = "WAN_IFACE=\"wan\"\nPING_TARGETS=\"127.0.0.1\"\nPING_GATEWAY=\"0\"\n";

const HERE: Settings = Settings { machine: "", arch: ARCH, release: "24.10.4" };

fn router() -> Root {
    router_of(&BUNDLE, HERE)
}

fn router_of(bundle: &Bundle, settings: Settings) -> Root {
    let root = Root::new(settings).unwrap();
    root.answer_ubus("network.interface", "dump", DUMP).unwrap();
    root.answer_uci("network.lan.ipaddr", "192.168.7.1/24").unwrap();
    bundle.copy_to(&root).unwrap();
    root
}

/// Runs the installer; `arguments` may begin with what is typed: `printf 'y\n' |`.
fn install(root: &Root, before: &str, arguments: &str) -> Output {
    root.sh(&format!("cd {FOLDER} && {before} ./install.sh {arguments}")).unwrap()
}

#[track_caller]
fn install_well(root: &Root) -> Output {
    let output = install(root, "", "--yes");
    assert_eq!(output.status, 0, "{output:?}");
    output
}

/// Everything that outlives a reboot, with its content.
fn flash(root: &Root) -> BTreeMap<String, Vec<u8>> {
    let lasting = |path: &String| !path.starts_with("/tmp/") && !path.starts_with("/dev/");
    let paths = root.list().unwrap().into_iter().filter(lasting);
    paths.map(|path| (path.clone(), content(&root.path(&path)))).collect()
}

fn content(path: &Path) -> Vec<u8> {
    let kind = fs::symlink_metadata(path).unwrap();
    let bytes = if kind.is_symlink() {
        fs::read_link(path).unwrap().into_os_string().into_encoded_bytes()
    } else if kind.is_file() {
        fs::read(path).unwrap()
    } else {
        Vec::new()
    };
    [format!("{:o} ", kind.permissions().mode()).into_bytes(), bytes].concat()
}

/// Paths whose content is another one, or that only one of both has.
fn changes(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    all.into_iter().filter(|path| before.get(*path) != after.get(*path)).cloned().collect()
}

#[track_caller]
fn unchanged(root: &Root, before: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(changes(before, &flash(root)), [""; 0]);
}

fn new_paths(before: &BTreeMap<String, Vec<u8>>, root: &Root) -> BTreeSet<String> {
    flash(root).into_keys().filter(|path| !before.contains_key(path)).collect()
}

fn answers(root: &Root) -> bool {
    root.http_get(PORT, "/healthz").is_ok_and(|answer| answer == (200, "ok\n".to_owned()))
}

#[track_caller]
fn refused(root: &Root, part: &str) {
    let before = flash(root);
    let output = install(root, "", "--yes");
    assert_eq!(output.status, 1, "{output:?}");
    assert!(output.stderr.contains(part), "{part} is not in {output:?}");
    unchanged(root, &before);
    assert!(!root.has("/tmp/netmonitor-install"));
}

/// Puts a line into a script of the bundle, before the first one that begins with `marker`.
fn insert(root: &Root, file: &str, marker: &str, line: &str) {
    let path = format!("{FOLDER}/{file}");
    let script = root.read(&path).unwrap();
    let at = script.find(&format!("\n{marker}")).unwrap_or_else(|| panic!("no {marker}")) + 1;
    let changed = format!("{}{line}\n{}", &script[..at], &script[at..]);
    root.write(&path, changed, 0o755).unwrap();
}

#[test]
fn a_new_router() {
    let root = router();
    let before = flash(&root);
    let output = install_well(&root);

    let laid_down = new_paths(&before, &root);
    let expected: BTreeSet<String> = contents()
        .into_iter()
        .map(|(path, _)| path)
        .chain(
            [
                "/etc/rc.d/K05netmonitor",
                "/etc/rc.d/S95netmonitor",
                "/lib/upgrade/keep.d/netmonitor-installed",
                "/usr/sbin/netmonitor-uninstall",
            ]
            .map(str::to_owned),
        )
        .filter(|path| !before.contains_key(path))
        .collect();
    let files: BTreeSet<String> =
        laid_down.into_iter().filter(|path| !path.ends_with('/')).collect();
    assert_eq!(files, expected, "what the package has, the uninstaller, its list and two links");
    for (path, mode) in contents() {
        assert_eq!(format!("{:o}", root.mode(&path).unwrap()), mode, "{path}");
    }

    let settings = root.read(SETTINGS).unwrap();
    assert!(settings.contains("\nWAN_IFACE=\"fibre\"\n"), "{settings}");
    assert!(settings.contains("\nPPPOE_IFACE=\"pppoe-fibre\"\n"), "{settings}");
    assert!(answers(&root));
    for part in ["http://192.168.7.1:8321/", "targets: [\"192.168.7.1:8321\"]", "answers."] {
        assert!(output.stdout.contains(part), "{part} is not in {output:?}");
    }
    assert!(!root.has("/tmp/netmonitor-install"));
    assert_eq!(output.stderr, "");
}

/// Path and mode of everything in `openwrt/contents`.
fn contents() -> Vec<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openwrt/contents");
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.split(' ');
            (format!("/{}", words.next().unwrap()), words.next().unwrap().to_owned())
        })
        .collect()
}

#[test]
fn what_sysupgrade_keeps_is_all_there_is() {
    let root = router();
    let before = flash(&root);
    install_well(&root);
    // As sysupgrade reads them.
    let kept = root.sh("sed -ne '/^[[:space:]]*$/d; /^#/d; p' /lib/upgrade/keep.d/*").unwrap();
    let kept: BTreeSet<&str> = kept.stdout.lines().collect();
    for path in new_paths(&before, &root).iter().filter(|path| !path.ends_with('/')) {
        let package_list = path == "/lib/upgrade/keep.d/netmonitor";
        assert!(kept.contains(path.as_str()) || package_list, "{path} is not in {kept:?}");
    }
}

#[test]
fn a_second_run_keeps_the_settings() {
    let root = router();
    install_well(&root);
    let pid = root.pid("netmonitor").unwrap();
    let before = flash(&root);
    assert!(install_well(&root).stdout.contains("settings are kept"));
    unchanged(&root, &before);
    assert!(answers(&root));
    assert_ne!(root.pid("netmonitor").unwrap(), pid, "the new program runs");

    root.write(SETTINGS, format!("{QUIET}API_PORT=9009\n"), 0o600).unwrap();
    let output = install_well(&root);
    assert!(output.stdout.contains("http://192.168.7.1:9009/"), "{output:?}");
    assert_eq!(root.http_get(9009, "/healthz").unwrap().0, 200);
    assert!(!answers(&root));
}

#[test]
fn a_person_chooses_the_line() {
    let root = router();
    let output = install(&root, "printf 'wwan\\n' |", "");
    assert_eq!(output.status, 0, "{output:?}");
    assert!(output.stdout.contains("Which one shall be watched? [fibre]"), "{output:?}");
    let settings = root.read(SETTINGS).unwrap();
    assert!(settings.contains("\nWAN_IFACE=\"wwan\"\n"), "{settings}");
    assert!(settings.contains("\nPPPOE_IFACE=\"\"\n"), "{settings}");

    let root = router();
    let before = flash(&root);
    let output = install(&root, "printf '.*\\n' |", "");
    assert_eq!(output.status, 1, "{output:?}");
    assert!(output.stderr.contains("\".*\" is none of these"), "{output:?}");
    unchanged(&root, &before);
    let output = install(&root, "true |", "");
    assert_eq!(output.status, 1, "{output:?}");
    assert!(output.stderr.contains("nobody answers"), "{output:?}");
    unchanged(&root, &before);
}

#[test]
fn without_a_line_the_defaults_stay() {
    let root = router();
    root.answer_ubus("network.interface", "dump", r#"{"interface": []}"#).unwrap();
    let output = install_well(&root);
    assert!(output.stderr.contains("netifd knows no line to the internet"), "{output:?}");
    assert!(root.read(SETTINGS).unwrap().contains("\nWAN_IFACE=\"wan\"\n"));
}

#[test]
fn settings_of_the_shell_version_are_taken_over_as_they_are() {
    let root = router();
    let settings = "# old\r\nWAN_IFACE=\"wan\"\r\nPING_TARGETS='127.0.0.1'\r\nAPI_PORT=8321\r\n\
        XINETD_CONF=/etc/xinetd.d/netmonitor-api\r\n";
    root.write(SETTINGS, settings, 0o644).unwrap();
    let output = install_well(&root);
    assert_eq!(root.read(SETTINGS).unwrap(), settings);
    assert!(output.stderr.contains("unknown key XINETD_CONF"), "{output:?}");
    assert!(answers(&root));
}

#[test]
fn settings_that_are_not_good_stop_it_before_anything_changes() {
    let root = router();
    root.write(SETTINGS, "API_PORT=$(reboot)\n", 0o600).unwrap();
    refused(&root, "/etc/netmonitor.conf line 1");
}

#[test]
fn enabled_0_is_installed_and_not_started() {
    let root = router();
    root.write(SETTINGS, format!("{QUIET}ENABLED=0\n"), 0o600).unwrap();
    let output = install_well(&root);
    assert!(output.stdout.contains("is installed, and not started: ENABLED=0"), "{output:?}");
    assert!(root.pid("netmonitor").unwrap().is_none() && !answers(&root));
}
