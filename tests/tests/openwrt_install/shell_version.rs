//! What the shell version has left on a router: saved, switched off, removed, brought back.

use netmonitor_tests::openwrt_root::Root;

use crate::*;

const LISTENER: &str = "#!/bin/sh\n# Started by nobody's rc.common: old, and short.\ncase $1 in\n\
    start) touch /tmp/listener-runs ;;\nstop) rm -f /tmp/listener-runs ;;\nesac\n";

/// A server that answers 200 to everything on our port, as the old one did.
const API: &str = "#!/bin/sh\ncase $1 in\n\
    start) /.test/busybox setsid /.test/busybox nc -ll -p 8321 -e /usr/bin/netmonitor-api.sh \
    </dev/null >/dev/null 2>&1 &\necho $! >/tmp/api.pid\n\
    until grep -q ':2081 [0-9A-F]*:0000 0A' /proc/net/tcp /proc/net/tcp6; do :; done ;;\n\
    stop) kill $(cat /tmp/api.pid); rm /tmp/api.pid ;;\nesac\n";

pub(crate) fn shell_version(root: &Root) {
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
