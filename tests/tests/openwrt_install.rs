//! The installer on a router: what it lays down, what it replaces, what it undoes. Needs root.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::Result;
use netmonitor_tests::clock;
use netmonitor_tests::openwrt_root::{Output, Root, Settings};
use netmonitor_tests::router_bundle::{ARCH, Bundle, FOLDER, PROGRAM};

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

// --- the shell version -----------------------------------------------------------------------

const LISTENER: &str = "#!/bin/sh\n# Started by nobody's rc.common: old, and short.\ncase $1 in\n\
    start) touch /tmp/listener-runs ;;\nstop) rm -f /tmp/listener-runs ;;\nesac\n";

/// A server that answers 200 to everything on our port, as the old one did.
const API: &str = "#!/bin/sh\ncase $1 in\n\
    start) /.test/busybox setsid /.test/busybox nc -ll -p 8321 -e /usr/bin/netmonitor-api.sh \
    </dev/null >/dev/null 2>&1 &\necho $! >/tmp/api.pid\n\
    until grep -q ':2081 [0-9A-F]*:0000 0A' /proc/net/tcp /proc/net/tcp6; do :; done ;;\n\
    stop) kill $(cat /tmp/api.pid); rm /tmp/api.pid ;;\nesac\n";

fn shell_version(root: &Root) {
    let write = |path: &str, text: &str, mode| root.write(path, text, mode).unwrap();
    write("/etc/init.d/netmonitor-listener", LISTENER, 0o755);
    write("/etc/init.d/netmonitor-api", API, 0o755);
    write("/usr/bin/netmonitor-listener.sh", "#!/bin/sh\n", 0o755);
    write(
        "/usr/bin/netmonitor-api.sh",
        "#!/bin/sh\nprintf 'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}'\n",
        0o755,
    );
    write("/etc/xinetd.d/netmonitor-api", "service netmonitor-api\n{\n}\n", 0o644);
    write(
        "/etc/xinetd.conf",
        "defaults\n{\n}\nservice netmonitor-api-v6\n{\n\tport = 8321\n}\nservice time\n{\n}\n",
        0o644,
    );
    write("/etc/services", "ssh 22/tcp\nnetmonitor-api 8321/tcp\n", 0o644);
    write("/etc/crontabs/root", "* * * * * /usr/bin/netmonitor-listener.sh\n", 0o600);
    write("/etc/config/socat", "config socat 'old'\n", 0o644);
    write(
        "/.test/uci/show/socat",
        "socat.@socat[0]=socat\nsocat.@socat[0].SocatOptions='netmonitor-api'\n",
        0o644,
    );
    write("/etc/init.d/netmonitoring-of-others", "#!/bin/sh\n", 0o755);
    write(SETTINGS, QUIET, 0o600);
    let started = root.sh("for name in api listener; do \
         ln -s ../init.d/netmonitor-$name /etc/rc.d/S99netmonitor-$name; done; \
         /etc/init.d/netmonitor-listener start; /etc/init.d/netmonitor-api start");
    assert_eq!(started.unwrap().status, 0);
    assert_eq!(root.http_get(PORT, "/healthz").unwrap().1, "{}");
}

#[test]
fn the_shell_version_is_saved_stopped_and_removed() {
    let root = router();
    shell_version(&root);
    let before = flash(&root);
    let output = install_well(&root);
    assert!(answers(&root), "{output:?}");
    assert!(!root.has("/tmp/listener-runs"));
    let left: Vec<String> = root
        .list()
        .unwrap()
        .into_iter()
        .filter(|path| path.contains("netmonitor-listener") || path.contains("netmonitor-api"))
        .collect();
    assert_eq!(left, [""; 0]);
    assert_eq!(root.read("/etc/services").unwrap(), "ssh 22/tcp\n");
    assert_eq!(root.read("/etc/crontabs/root").unwrap(), "");
    assert_eq!(root.mode("/etc/crontabs/root").unwrap(), 0o600);
    assert_eq!(root.read("/etc/xinetd.conf").unwrap(), "defaults\n{\n}\nservice time\n{\n}\n");
    assert!(root.asked().unwrap().contains(&"uci delete socat.@socat[0]".to_owned()));
    assert!(root.has("/etc/init.d/netmonitoring-of-others"));
    assert_eq!(root.read(SETTINGS).unwrap(), QUIET);

    let restored = root.sh(&format!("mkdir /tmp/old && tar -xzf {BACKUP} -C /tmp/old")).unwrap();
    assert_eq!(restored.status, 0, "{restored:?}");
    for path in [
        "/etc/init.d/netmonitor-api",
        "/etc/services",
        "/etc/rc.d/S99netmonitor-api",
        "/etc/config/socat",
        "/usr/bin/netmonitor-listener.sh",
    ] {
        assert_eq!(content(&root.path(&format!("/tmp/old{path}"))), before[path], "{path}");
    }
}

#[test]
fn without_consent_the_shell_version_stays() {
    let root = router();
    shell_version(&root);
    for answer in ["printf 'n\\n' |", "true |"] {
        let before = flash(&root);
        let output = install(&root, answer, "");
        assert_eq!(output.status, 1, "{output:?}");
        assert!(output.stdout.contains("/etc/init.d/netmonitor-api"), "{output:?}");
        assert!(output.stderr.contains("nothing was changed"), "{output:?}");
        unchanged(&root, &before);
        assert_eq!(root.http_get(PORT, "/").unwrap().1, "{}");
    }
}

#[test]
fn entries_of_others_stay() {
    let root = router();
    shell_version(&root);
    let write = |path: &str, text: &str| root.write(path, text, 0o644).unwrap();
    // Sections without a name, as LuCI makes them: two of ours, then one of somebody else.
    write(
        "/.test/uci/show/socat",
        "socat.@socat[0]=socat\nsocat.@socat[0].SocatOptions='EXEC:netmonitor-api'\n\
         socat.@socat[1]=socat\nsocat.@socat[1].SocatOptions='EXEC:netmonitor-api -6'\n\
         socat.@socat[2]=socat\nsocat.@socat[2].SocatOptions='TCP:nas:22'\n",
    );
    write(
        "/etc/xinetd.d/mixed",
        "service a\n{\n}\nservice b\n{\n\tserver = /usr/bin/netmonitor-api.sh\n}\n",
    );
    let script = "if [ -x /usr/bin/netmonitor-api.sh ]; then\n\ttrue\nfi\necho mine\n";
    write("/etc/rc.local", script);
    let output = install_well(&root);
    assert_eq!(
        root.read("/.test/uci/show/socat").unwrap(),
        "socat.@socat[0]=socat\nsocat.@socat[0].SocatOptions='TCP:nas:22'\n"
    );
    assert_eq!(root.read("/etc/xinetd.d/mixed").unwrap(), "service a\n{\n}\n");
    assert_eq!(root.read("/etc/rc.local").unwrap(), script, "no line of it can go alone");
    assert!(output.stderr.contains("/etc/rc.local starts the shell version"), "{output:?}");

    write("/etc/rc.local", "/usr/bin/netmonitor-api.sh &\necho mine\n");
    install_well(&root);
    assert_eq!(root.read("/etc/rc.local").unwrap(), "echo mine\n");
}

#[test]
fn another_service_of_the_same_name_is_saved_first() {
    let root = router();
    root.write("/etc/init.d/netmonitor", "#!/bin/sh\n# by hand\n", 0o755).unwrap();
    let output = install_well(&root);
    assert!(output.stdout.contains("    /etc/init.d/netmonitor\n"), "{output:?}");
    assert!(answers(&root));
    let saved = root.sh(&format!("tar -xzOf {BACKUP} etc/init.d/netmonitor")).unwrap();
    assert_eq!(saved.stdout, "#!/bin/sh\n# by hand\n", "{saved:?}");
}

#[test]
fn a_failure_brings_the_shell_version_back() {
    let root = router();
    shell_version(&root);
    // Started by nothing that the installer knows of, it stays and holds the port.
    root.sh("rm /tmp/api.pid; echo 'exit 0' >/etc/init.d/netmonitor-api").unwrap();
    let before = flash(&root);
    let output = install(&root, "", "--yes");
    assert_eq!(output.status, 1, "{output:?}");
    for part in ["another program holds port 8321", "the shell version is back", "as they were"] {
        assert!(output.stderr.contains(part), "{part} is not in {output:?}");
    }
    unchanged(&root, &before);
    assert!(root.has("/tmp/listener-runs"), "it was started again");
}

// --- what goes wrong -------------------------------------------------------------------------

#[test]
fn a_router_that_it_is_not_for_is_refused_by_name() {
    let arch = |arch| router_of(&BUNDLE, Settings { arch, ..Settings::default() });
    refused(&arch("pdp11_70"), "\"pdp11_70\" is not known");
    refused(&arch("mipsel_24kc"), "no program for mipsel_24kc: its CPU is a 32-bit MIPS");
    refused(&arch("arm_cortex-a9_neon"), "this bundle has no program for arm_cortex-a9_neon");
    let old = Settings { release: "19.07.10", ..HERE };
    refused(&router_of(&BUNDLE, old), "OpenWrt 19.07.10 is too old");
    let root = router();
    root.remove("/etc/openwrt_release").unwrap();
    refused(&root, "this is no OpenWrt or iStoreOS");
}

#[test]
fn a_damaged_bundle_is_refused() {
    let root = router();
    root.sh(&format!("for file in {FOLDER}/bin/*.gz; do echo >>$file; done")).unwrap();
    refused(&root, "is damaged: copy the bundle to the router again");
    root.sh(&format!("rm {FOLDER}/contents")).unwrap();
    refused(&root, "contents is missing: unpack the whole bundle");
}

#[test]
fn a_package_is_left_to_its_manager() {
    for (file, remedy) in [
        ("/usr/lib/opkg/info/netmonitor-exporter.control", "opkg remove netmonitor-exporter"),
        ("/lib/apk/packages/netmonitor-exporter.list", "apk del netmonitor-exporter"),
    ] {
        let root = router();
        root.write(file, "", 0o644).unwrap();
        refused(&root, remedy);
        let output = root.sh(&format!("{FOLDER}/uninstall.sh")).unwrap();
        assert_eq!(output.status, 1);
        assert!(output.stderr.contains(remedy), "{output:?}");
    }
}

#[test]
fn without_room_nothing_changes() {
    let root = router();
    root.sh("cp -a /usr/bin /tmp/kept && mount -t tmpfs -o size=1m none /usr/bin && \
         cp -a /tmp/kept/flock /usr/bin/")
        .unwrap();
    refused(&root, "kB of flash are free");

    // The file system of the lists is full: found only when they are written.
    let root = router();
    root.sh("mount -t tmpfs -o size=4k none /lib/upgrade/keep.d; yes >/lib/upgrade/keep.d/full")
        .unwrap();
    refused(&root, "a file could not be written: is the flash full?");
}

#[test]
fn on_a_read_only_file_system_nothing_changes() {
    let root = router();
    root.sh("mount -o bind /etc /etc && mount -o remount,ro,bind /etc").unwrap();
    refused(&root, "/etc cannot be written");
}

#[test]
fn a_program_that_does_not_run_here_is_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = BUNDLE.with_program("\u{7f}ELF of another CPU", folder.path()).unwrap();
    refused(&router_of(&bundle, HERE), "the program does not run on this CPU");
}

/// A newer program that checks settings well, and does not run.
fn broken(folder: &Path) -> Bundle {
    let program = format!(
        "#!/bin/sh\ncase $1 in run) exit 1 ;; --version) echo broken ;; *) exec {PROGRAM} \"$@\" ;; esac\n"
    );
    BUNDLE.with_program(&program, folder).unwrap()
}

#[test]
fn after_a_bad_update_the_version_before_runs_again() -> Result<()> {
    let root = router();
    install_well(&root);
    let before = flash(&root);
    root.sh(&format!("rm -r {FOLDER}"))?;
    let folder = tempfile::tempdir()?;
    broken(folder.path()).copy_to(&root)?;
    let output = install(&root, "", "--yes");
    assert_eq!(output.status, 1, "{output:?}");
    for part in ["does not answer", "the version from before was started again"] {
        assert!(output.stderr.contains(part), "{part} is not in {output:?}");
    }
    unchanged(&root, &before);
    clock::until("the version before answers", || Ok(answers(&root)))
}

#[test]
fn a_new_version_that_does_not_run_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    refused(
        &router_of(&broken(folder.path()), HERE),
        "the program was started and does not answer",
    );
}

#[test]
fn an_interrupted_run_is_undone() {
    for marker in [
        "    \"$service\" start",
        "    each_file put_in_place ||",
        "    sync\n}",
        "    finish\n    rm",
    ] {
        let root = router();
        let before = flash(&root);
        insert(&root, "install.sh", marker, "kill -TERM $$");
        let output = install(&root, "", "--yes");
        assert_eq!(output.status, 1, "{marker}: {output:?}");
        assert!(output.stderr.contains("interrupted"), "{marker}: {output:?}");
        unchanged(&root, &before);
    }
}

/// Without what is saved of the shell version: a second run saves what the first has left.
fn lasting(root: &Root) -> BTreeMap<String, Vec<u8>> {
    let mut all = flash(root);
    all.retain(|path, _| !path.starts_with("/etc/netmonitor-old"));
    all
}

#[test]
fn after_a_power_cut_the_next_run_mends_it() {
    let whole = router();
    shell_version(&whole);
    install_well(&whole);
    let whole = lasting(&whole);
    let cut = "kill -KILL $$";
    for (file, marker, line) in [
        // The program is staged, the rest is not.
        ("install.sh", "    mkdir -p \"${1%/*}\" ||", "[ ! -e \"$program$new\" ] || kill -KILL $$"),
        ("install.sh", "    reached=switched", cut),
        ("install.sh", "    if [ -x \"$service\" ]; then\n        quiet", cut),
        ("install.sh", "    [ ! -e \"$1$new\" ] || mv", "[ ! -e \"$service\" ] || kill -KILL $$"),
        ("install.sh", "    quiet \"$service\" enable ||", cut),
        ("install.sh", "        old_is_off=yes", cut),
        ("shell-version.sh", "    left=100", cut),
        ("shell-version.sh", "    restart_old_daemons\n}\n\n# Every", cut),
        ("install.sh", "    \"$service\" check", cut),
        ("install.sh", "    \"$service\" start", cut),
        ("install.sh", "    finish\n    rm", cut),
        ("shell-version.sh", "        [ \"$path\" = \"$service\" ] || rm", cut),
        ("install.sh", "    remove_orphans\n", cut),
    ] {
        let root = router();
        shell_version(&root);
        let script = root.read(&format!("{FOLDER}/{file}")).unwrap();
        insert(&root, file, marker, line);
        let output = install(&root, "", "--yes");
        assert_eq!(output.status, 128 + 9, "{marker}: {output:?}");

        // The power is back: RAM is empty, and what is not enabled does not run.
        root.write(&format!("{FOLDER}/{file}"), script, 0o755).unwrap();
        root.sh(
            "rm -rf /tmp/netmonitor-install; [ ! -x /etc/init.d/netmonitor ] || /etc/init.d/netmonitor stop; \
             [ ! -e /tmp/api.pid ] || kill $(cat /tmp/api.pid); rm -f /tmp/api.pid",
        )
        .unwrap();
        install_well(&root);
        assert!(answers(&root), "{marker}");
        assert_eq!(changes(&lasting(&root), &whole), [""; 0], "{marker}");
    }
}

#[test]
fn an_update_that_fails_leaves_a_service_that_is_off_as_it_was() {
    let root = router();
    root.write(SETTINGS, format!("{QUIET}ENABLED=0\n"), 0o600).unwrap();
    install_well(&root);
    let before = flash(&root);
    insert(&root, "install.sh", "    finish\n    rm", "fail made up");
    assert_eq!(install(&root, "", "--yes").status, 1);
    unchanged(&root, &before);
    assert!(root.has("/etc/rc.d/S95netmonitor") && root.pid("netmonitor").unwrap().is_none());
}

#[test]
fn what_an_older_version_had_and_this_one_has_not_goes() {
    let root = router();
    install_well(&root);
    let list = "/lib/upgrade/keep.d/netmonitor-installed";
    root.write(
        list,
        format!("{}/usr/bin/netmonitor-old-helper\n", root.read(list).unwrap()),
        0o644,
    )
    .unwrap();
    root.write("/usr/bin/netmonitor-old-helper", "", 0o755).unwrap();
    install_well(&root);
    assert!(!root.has("/usr/bin/netmonitor-old-helper"));
    assert!(!root.read(list).unwrap().contains("old-helper"));
}

#[test]
fn a_package_takes_over_from_the_installer() {
    let root = router();
    install_well(&root);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openwrt/scripts/postinst");
    root.write("/tmp/postinst", fs::read(script).unwrap(), 0o755).unwrap();
    assert_eq!(root.sh("IPKG_INSTROOT=/nowhere /tmp/postinst").unwrap().status, 0);
    assert!(root.has("/usr/sbin/netmonitor-uninstall"));
    assert_eq!(root.sh("/tmp/postinst").unwrap().status, 0);
    for path in ["/usr/sbin/netmonitor-uninstall", "/lib/upgrade/keep.d/netmonitor-installed"] {
        assert!(!root.has(path), "{path}");
    }
}

#[test]
fn what_a_cut_off_run_has_left_takes_no_room() {
    let root = router();
    // Room for one program, not for two.
    let left = "/usr/bin/netmonitor-exporter.netmonitor-new";
    let made = root.sh(&format!(
        "cp -a /usr/bin /tmp/kept && mount -t tmpfs -o size=24m none /usr/bin && \
         cp -a /tmp/kept/. /usr/bin/ && cp {PROGRAM} {left}"
    ));
    assert_eq!(made.unwrap().status, 0);
    install_well(&root);
    assert!(!root.has(left) && answers(&root));
}

#[test]
fn two_at_once_are_one_too_many() {
    let root = router();
    root.sh("flock /tmp/netmonitor-install.lock sleep 1000 </dev/null >/dev/null 2>&1 &").unwrap();
    clock::until("the lock is held", || {
        Ok(root.sh("flock -n /tmp/netmonitor-install.lock true")?.status != 0)
    })
    .unwrap();
    let before = flash(&root);
    let output = install(&root, "", "--yes");
    assert_eq!((output.status, output.stderr.as_str()), (1, "install.sh: it runs already\n"));
    unchanged(&root, &before);
}

#[test]
fn uci_counts_from_the_first_start_on() {
    let root = router();
    root.write("/etc/config/netmonitor", "config netmonitor\n\toption api_port '9000'\n", 0o644)
        .unwrap();
    // The port of the file is somebody else's.
    root.sh("/.test/busybox nc -ll -p 8321 -e true </dev/null >/dev/null 2>&1 &").unwrap();
    let output = install_well(&root);
    assert!(output.stdout.contains("http://192.168.7.1:9000/"), "{output:?}");
    assert_eq!(root.http_get(9000, "/healthz").unwrap().0, 200);
}

#[test]
fn an_address_of_its_own_is_enough_to_be_asked() {
    let root = router();
    root.sh("ip addr add 192.168.7.1/24 dev lo").unwrap();
    let only = "LISTEN=\"192.168.7.1\"\nALLOWED_IPS=\"192.168.7.50\"\n";
    root.write(SETTINGS, format!("{QUIET}{only}"), 0o600).unwrap();
    assert!(install_well(&root).stdout.contains("answers."));
}

// --- removing --------------------------------------------------------------------------------

#[track_caller]
fn uninstall(root: &Root, arguments: &str) -> Output {
    let output = root.sh(&format!("netmonitor-uninstall {arguments}")).unwrap();
    assert_eq!(output.status, 0, "{output:?}");
    clock::until("it has ended", || Ok(!answers(root))).unwrap();
    output
}

#[test]
fn nothing_is_left_behind() {
    let root = router();
    let before = root.list().unwrap();
    install_well(&root);
    root.sh("echo >>/tmp/net_events.json").unwrap();
    let output = uninstall(&root, "");
    assert_eq!(output.stdout, "netmonitor is removed.\n", "{output:?}");
    let made: Vec<String> = root.list().unwrap().difference(&before).cloned().collect();
    assert_eq!(made, [""; 0]);
    let output = root.sh(&format!("{FOLDER}/uninstall.sh")).unwrap();
    assert_eq!(output.status, 0);
    assert!(output.stdout.contains("is not installed"), "{output:?}");
}

#[test]
fn settings_that_somebody_has_edited_stay_unless_purged() {
    let root = router();
    install_well(&root);
    let settings = format!("{}LOG_LEVEL=4\n", root.read(SETTINGS).unwrap());
    root.write(SETTINGS, &settings, 0o600).unwrap();
    root.write("/etc/config/netmonitor", "config netmonitor\n", 0o644).unwrap();
    let output = uninstall(&root, "");
    assert!(output.stdout.contains("kept: /etc/netmonitor.conf"), "{output:?}");
    assert!(output.stdout.contains("kept: /etc/config/netmonitor"), "{output:?}");
    assert_eq!(root.read(SETTINGS).unwrap(), settings);

    install_well(&root);
    let output = uninstall(&root, "--purge");
    assert!(!output.stdout.contains("kept"), "{output:?}");
    assert!(!root.has(SETTINGS) && !root.has("/etc/config/netmonitor"));
}

#[test]
fn settings_and_backup_of_the_shell_version_stay_unless_purged() {
    let root = router();
    shell_version(&root);
    install_well(&root);
    uninstall(&root, "");
    assert!(root.has(SETTINGS) && root.has(BACKUP));
    let output = root.sh(&format!("{FOLDER}/uninstall.sh --purge")).unwrap();
    assert_eq!(output.status, 0, "{output:?}");
    assert!(!root.has(SETTINGS) && !root.has(BACKUP));
}

#[test]
fn events_outside_of_ram_stay_unless_purged() {
    let root = router();
    root.write(SETTINGS, format!("{QUIET}QUEUE_FILE=/root/events.json\n"), 0o600).unwrap();
    install_well(&root);
    root.sh("echo '[]' >>/root/events.json").unwrap();
    let output = uninstall(&root, "");
    assert!(output.stdout.contains("kept: /root/events.json"), "{output:?}");
    assert!(root.has("/root/events.json"));
    install_well(&root);
    uninstall(&root, "--purge");
    assert!(!root.has("/root/events.json") && !root.has("/root/events.json.state"));
}

#[test]
fn a_wrong_argument_changes_nothing() {
    let root = router();
    let before = flash(&root);
    for (command, code) in
        [("install.sh --now", 2), ("uninstall.sh --all", 2), ("install.sh --help", 0)]
    {
        let output = root.sh(&format!("{FOLDER}/{command}")).unwrap();
        assert_eq!(output.status, code, "{output:?}");
    }
    unchanged(&root, &before);
}
