//! The uninstaller: nothing stays but what is somebody's own.

use netmonitor_tests::clock;
use netmonitor_tests::openwrt_root::{Output, Root};
use netmonitor_tests::router_bundle::FOLDER;

use crate::shell_version::shell_version;
use crate::*;

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
