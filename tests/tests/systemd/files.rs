//! What is laid down with `DESTDIR`, as a packager does it: without root and without systemd.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

use super::{assert_has, repository};

/// Anybody.
const NOBODY: [&str; 4] = ["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"];

struct Said {
    status: i32,
    text: String,
}

/// A folder that anybody may write to, with a program in it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(folder.path().join("program"), "for another CPU").unwrap();
    folder
}

/// Where anybody may read them, wherever the repository is.
static SCRIPTS: LazyLock<TempDir> = LazyLock::new(|| {
    let copy = folder();
    for file in ["compose/systemd", "openwrt/files/etc"] {
        let to = copy.path().join(file);
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(repository().join(file)).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
    }
    copy
});

#[expect(clippy::disallowed_methods, reason = "tools of the system, for tests")]
fn script(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    let path = SCRIPTS.path().join("compose/systemd").join(name);
    command.args(NOBODY).arg(path).args(arguments);
    command.env_remove("DESTDIR").env_remove("ROUTER_IP").stdin(Stdio::null());
    command
}

fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    Said { status: output.status.code().unwrap_or(-1), text }
}

#[track_caller]
fn install(folder: &Path, part: &str, more: &[&str]) {
    let program = folder.join("program");
    let arguments = [&[part, program.to_str().unwrap()], more].concat();
    let said = said(script("install.sh", &arguments).env("DESTDIR", folder.join("root")));
    assert_eq!(said.status, 0, "{}", said.text);
}

#[track_caller]
fn uninstall(folder: &Path, arguments: &[&str]) -> String {
    let said = said(script("uninstall.sh", arguments).env("DESTDIR", folder.join("root")));
    assert_eq!(said.status, 0, "{}", said.text);
    said.text
}

/// Paths of files with their modes.
fn list(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let mode = format!("{:o}", entry.metadata().unwrap().permissions().mode() & 0o7777);
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path();
                let path = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(path, mode);
            }
        }
    }
    found
}

#[track_caller]
fn assert_files(root: &Path, expected: &[(&str, &str)]) {
    let expected = expected.iter().map(|(path, mode)| ((*path).to_owned(), (*mode).to_owned()));
    assert_eq!(list(root), expected.collect());
}

const BRIDGE: [(&str, &str); 5] = [
    ("etc/netmonitor/bridge.env", "640"),
    ("etc/systemd/system/netmonitor-bridge.service", "644"),
    ("etc/sysusers.d/netmonitor-bridge.conf", "644"),
    ("usr/local/bin/netmonitor-bridge", "755"),
    ("usr/local/bin/netmonitor-bridge-ctl", "755"),
];
const EXPORTER: [(&str, &str); 4] = [
    ("etc/netmonitor.conf", "640"),
    ("etc/systemd/system/netmonitor-exporter.service", "644"),
    ("etc/sysusers.d/netmonitor-exporter.conf", "644"),
    ("usr/local/bin/netmonitor-exporter", "755"),
];

#[test]
fn each_part_lays_down_its_files_and_no_other() {
    let folder = folder();
    let root = folder.path().join("root");
    install(folder.path(), "bridge", &[]);
    assert_files(&root, &BRIDGE);
    install(folder.path(), "exporter", &[]);
    assert_files(&root, &[&BRIDGE[..], &EXPORTER].concat());
    let mode = root.join("etc/netmonitor").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o750);
}

#[test]
fn the_second_time_keeps_settings_and_renews_the_rest() {
    let folder = folder();
    let (root, env) = (folder.path().join("root"), "etc/netmonitor/bridge.env");
    install(folder.path(), "bridge", &["--router", "192.168.1.1"]);
    assert_has(&fs::read_to_string(root.join(env)).unwrap(), &["\nROUTER_IP=192.168.1.1\n"]);
    let (unit, program) = (root.join(BRIDGE[1].0), root.join(BRIDGE[3].0));
    let before = fs::metadata(&unit).unwrap().modified().unwrap();
    for path in [root.join(env), program.clone()] {
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("# by hand\n");
        fs::remove_file(&path).unwrap();
        fs::write(&path, text).unwrap();
    }
    // By the unprivileged user that installs here.
    std::os::unix::fs::chown(root.join(env), Some(65534), Some(65534)).unwrap();
    install(folder.path(), "bridge", &["--router", "192.168.1.2"]);
    let text = fs::read_to_string(root.join(env)).unwrap();
    assert_has(&text, &["\nROUTER_IP=192.168.1.1\n", "# by hand\n"]);
    assert_eq!(fs::read_to_string(program).unwrap(), "for another CPU");
    // What is the same is not written again.
    assert_eq!(fs::metadata(&unit).unwrap().modified().unwrap(), before);
}

#[test]
fn what_was_laid_down_is_taken_away_but_for_settings() {
    let folder = folder();
    let root = folder.path().join("root");
    install(folder.path(), "bridge", &[]);
    install(folder.path(), "exporter", &[]);
    let text = uninstall(folder.path(), &["bridge"]);
    assert_has(&text, &["etc/netmonitor (--purge removes it)", "netmonitor-bridge is removed."]);
    assert_files(&root, &[&BRIDGE[..1], &EXPORTER].concat());
    uninstall(folder.path(), &["bridge", "--purge"]);
    assert_files(&root, &EXPORTER);
    uninstall(folder.path(), &["--purge", "exporter"]);
    assert_files(&root, &[]);
    assert_has(&uninstall(folder.path(), &["exporter"]), &["netmonitor-exporter is not installed"]);
}

#[track_caller]
fn assert_refused(name: &str, arguments: &[&str], status: i32, part: &str) {
    let said = said(&mut script(name, arguments));
    assert_eq!(said.status, status, "{}", said.text);
    assert_has(&said.text, &[part]);
}

#[test]
fn wrong_words_are_refused() {
    let check = |arguments: &[&str], part| {
        assert_refused("install.sh", arguments, 2, part);
    };
    check(&[], "what is to be installed? bridge or exporter");
    check(&["both"], "unknown word \"both\", expected bridge or exporter");
    check(&["bridge", "--force"], "unknown argument \"--force\": see install.sh --help");
    check(&["bridge", "--router"], "--router lacks its value");
    check(&["bridge", "a", "b"], "one argument too many: \"b\"");
    let check = |arguments: &[&str], part| {
        assert_refused("uninstall.sh", arguments, 2, part);
    };
    check(&[], "what is to be removed? bridge or exporter");
    check(&["exporter", "--all"], "unknown argument \"--all\": see uninstall.sh --help");
    check(&["exporter", "bridge"], "one argument too many: \"bridge\"");
    assert_refused("install.sh", &["--help"], 0, "install.sh bridge|exporter [PROGRAM]");
    assert_refused("uninstall.sh", &["-h"], 0, "--purge         settings");
}

#[test]
fn nobody_but_root_may() {
    for name in ["install.sh", "uninstall.sh"] {
        assert_refused(name, &["bridge"], 1, "only root may do this: sudo ");
    }
}

#[test]
fn a_program_that_is_missing_is_said() {
    let folder = folder();
    let mut command = script("install.sh", &["exporter", "/nowhere/program"]);
    let missing = said(command.env("DESTDIR", folder.path()));
    assert_eq!(missing.status, 1);
    assert_has(&missing.text, &["install.sh: /nowhere/program: there is no such file"]);
    assert!(!folder.path().join("etc").exists());
}

#[test]
fn an_address_that_is_none_is_refused() {
    let folder = folder();
    for address in ["http://192.168.1.1", "a b", "a/e", "$(id)"] {
        let program = folder.path().join("program");
        let arguments = ["bridge", program.to_str().unwrap(), "--router", address];
        let refused = said(script("install.sh", &arguments).env("DESTDIR", folder.path()));
        assert_eq!(refused.status, 1, "{}", refused.text);
        assert_has(&refused.text, &["expected an address or a name"]);
        assert!(!folder.path().join("etc/netmonitor/bridge.env").exists());
    }
}
