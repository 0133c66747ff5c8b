//! What goes wrong: routers that it is not for, no room, bad updates, power cuts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;
use netmonitor_tests::clock;
use netmonitor_tests::openwrt_root::{Root, Settings};
use netmonitor_tests::router_bundle::{Bundle, FOLDER, PROGRAM};

use crate::shell_version::shell_version;
use crate::*;

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
        ("install.sh", "    \"$service\" take", cut),
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
