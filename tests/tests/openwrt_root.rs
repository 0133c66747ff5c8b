//! The router that other tests install on behaves as OpenWrt does. Needs root.

use anyhow::Result;
use netmonitor_tests::clock;
use netmonitor_tests::openwrt_root::{Output, Root, Settings};

#[track_caller]
fn check(root: &Root, command: &str, status: i32, stdout: &str) -> Output {
    let output = root.sh(command).expect("a shell");
    assert_eq!((output.status, output.stdout.as_str()), (status, stdout), "{command}: {output:?}");
    output
}

#[test]
fn its_shell_has_what_a_router_has_and_nothing_else() -> Result<()> {
    let root = Root::new(Settings { machine: "mips", ..Settings::default() })?;
    for lacking in ["timeout 1 true", "stat /", "hostname", "install", "nohup true", "od"] {
        let output = check(&root, lacking, 127, "");
        assert!(output.stderr.contains("not found"), "{output:?}");
    }
    check(&root, "command -v base64 || echo none", 0, "none\n");
    check(&root, "busybox realpath / 2>/dev/null", 127, "");
    for refused in ["sleep 0.2", "date +%N", "echo a | tr '[:lower:]' b", "find /etc -delete"] {
        check(&root, refused, 1, "");
    }
    check(&root, "sleep 0; echo ab | tr a-z A-Z; find /etc -name TZ", 0, "AB\n/etc/TZ\n");
    check(
        &root,
        "uname -m; id -u; pwd; echo $PATH",
        0,
        "mips\n0\n/\n/usr/sbin:/usr/bin:/sbin:/bin\n",
    );
    check(&root, ". /etc/openwrt_release; echo $DISTRIB_ARCH", 0, "aarch64_cortex-a53\n");
    check(&root, "flock -n /tmp/lock/x echo locked; pgrep -f '^none$'", 1, "locked\n");
    check(
        &root,
        "start-stop-daemon -K -p /none -q; v=abc; echo ${v:0:2} $((1 << 40))",
        0,
        "ab 1099511627776\n",
    );
    check(
        &root,
        "ip -o link | wc -l; ping -c 1 127.0.0.1 >/dev/null && echo answered",
        0,
        "1\nanswered\n",
    );
    check(&root, "ping -c 1 192.0.2.1 2>&1 | grep -o unreachable", 0, "unreachable\n");
    Ok(())
}

#[test]
fn files_are_seen_from_both_sides() -> Result<()> {
    let root = Root::new(Settings::default())?;
    let before = root.list()?;
    assert!(before.contains("/etc/rc.common") && before.contains("/etc/rc.d/"));
    assert!(before.iter().all(|path| !path.starts_with("/.test") && !path.starts_with("/proc/1")));
    root.write("/etc/config/a b", "x", 0o600)?;
    check(&root, "cat '/etc/config/a b'; ln -s nowhere /tmp/link; echo y >/var/run/z", 0, "x");
    assert_eq!((root.read("/tmp/run/z")?.as_str(), root.mode("/etc/config/a b")?), ("y\n", 0o600));
    let after = root.list()?;
    let new: Vec<&String> = after.difference(&before).collect();
    assert_eq!(new, ["/etc/config/a b", "/tmp/link", "/tmp/run/z"]);
    root.remove("/tmp/link")?;
    assert!(!root.has("/tmp/link"));
    root.answer_ubus("system", "board", "{}")?;
    root.answer_uci("network.wan.device", "eth1")?;
    check(&root, "ubus -S call system board; uci -q get network.wan.device", 0, "{}eth1\n");
    check(&root, "ubus call none none", 4, "");
    check(&root, "logger -t us -p daemon.err 'one line'; logread", 0, "daemon.err us: one line\n");
    Ok(())
}

const SERVICE: &str = r#"#!/bin/sh /etc/rc.common
START=95
STOP=05
USE_PROCD=1
start_service() {
	procd_open_instance
	procd_set_param command /bin/sh -c 'trap "echo hangup" HUP; echo up; while :; do sleep 1; done'
	procd_set_param env "MODE=a b"
	procd_set_param respawn 3600 5 0
	procd_close_instance
}
reload_service() {
	procd_send_signal example '*' HUP
}
service_triggers() {
	procd_add_reload_trigger example
}
"#;

#[test]
fn procd_starts_signals_and_stops_what_it_is_asked() -> Result<()> {
    let root = Root::new(Settings::default())?;
    root.write("/etc/init.d/example", SERVICE, 0o755)?;
    check(&root, "/etc/init.d/example status", 3, "inactive\n");
    check(&root, "/etc/init.d/example start; /etc/init.d/example enable", 0, "");
    assert_eq!(
        root.asked()?,
        [
            "open_service example /etc/init.d/example",
            "open_instance",
            "set_param command /bin/sh -c 'trap \"echo hangup\" HUP; echo up; while :; do sleep 1; done'",
            "set_param env 'MODE=a b'",
            "set_param respawn 3600 5 0",
            "close_instance",
            "close_service set",
            "reload_trigger example",
        ]
    );
    clock::until("it is up", || Ok(root.output("example")?.contains("up")))?;
    let pid = root.pid("example")?.expect("it runs");
    check(&root, &format!("tr '\\0' '\\n' </proc/{pid}/environ | grep MODE"), 0, "MODE=a b\n");
    check(&root, "/etc/init.d/example running && /etc/init.d/example enabled", 0, "");
    assert!(root.has("/etc/rc.d/S95example") && root.has("/etc/rc.d/K05example"));
    check(&root, "/etc/init.d/example reload", 0, "");
    clock::until("the signal", || Ok(root.output("example")?.contains("hangup")))?;
    check(&root, "/etc/init.d/example start", 0, "");
    assert_eq!(root.pid("example")?, Some(pid), "it is left alone");
    check(&root, "/etc/init.d/example restart; /etc/init.d/example disable", 0, "");
    assert!(
        root.pid("example")?.is_some_and(|new| new != pid) && !root.has("/etc/rc.d/S95example")
    );
    root.forget_asked()?;
    check(&root, "/etc/init.d/example stop", 0, "");
    assert_eq!(root.asked()?, ["kill example ''"]);
    assert_eq!(root.pid("example")?, None);
    clock::until("it is gone", || Ok(root.sh("pgrep -f 'echo hangup'")?.status == 1))
}
