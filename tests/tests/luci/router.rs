//! What rpcd's script says on a router, and what becomes of what the form writes.

use std::fs;

use anyhow::{Context, Result};
use netmonitor_tests::clock;
use netmonitor_tests::openwrt_root::{Root, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser;
use crate::source;

const SCRIPT: &str = "/usr/libexec/rpcd/luci.netmonitor";
const PROGRAM: &str = "/usr/bin/netmonitor-exporter";
const SERVICE: &str = "/etc/init.d/netmonitor";
const SETTINGS: &str = "/etc/netmonitor.conf";
const UCI: &str = "/etc/config/netmonitor";
const QUIET: &str = "WAN_IFACE=lo\nPING_TARGETS=127.0.0.1\nPING_INTERVAL=0.2\n";

/// A router with the page, on which nothing runs.
fn router() -> Result<Root> {
    let root = Root::new(Settings::default())?;
    for folder in ["openwrt/files", "openwrt/luci/root"] {
        root.install_folder(&source(folder))?;
    }
    root.install_exporter()?;
    root.write(SETTINGS, QUIET, 0o600)?;
    Ok(root)
}

/// What a method answers; nothing is said but JSON.
fn call(root: &Root, method: &str) -> Result<Value> {
    let output = root.sh(&format!("{SCRIPT} call {method} </dev/null"))?;
    assert_eq!((output.status, output.stderr.as_str()), (0, ""), "{method}: {output:?}");
    serde_json::from_str(&output.stdout).with_context(|| output.stdout)
}

#[track_caller]
fn state_is(root: &Root, trouble: &str, text: &str) {
    let state = call(root, "state").expect("JSON");
    assert_eq!(state["trouble"], trouble, "{state}");
    assert!(state["text"].as_str().is_some_and(|said| said.contains(text)), "{state}");
}

fn start(root: &Root) -> Result<()> {
    let output = root.sh(&format!("{SERVICE} start"))?;
    assert_eq!(output.status, 0, "{output:?}");
    clock::until("it answers", || Ok(call(root, "state")?["line"].is_object()))
}

#[test]
fn each_trouble_has_its_word() -> Result<()> {
    let root = router()?;
    state_is(&root, "stopped", "");
    root.write(SETTINGS, "ENABLED=0\n", 0o600)?;
    state_is(&root, "disabled", "");
    // What is said may hold anything.
    root.write(SETTINGS, "API_PORT='a\"b\\c\té'\nLOG_LEVEL='</script>'\n", 0o600)?;
    state_is(&root, "settings", "/etc/netmonitor.conf line 1: API_PORT=\"a\"b\\c é\"");
    state_is(&root, "settings", "\n/etc/netmonitor.conf line 2: LOG_LEVEL=\"</script>\"");
    root.write(SETTINGS, QUIET, 0o600)?;
    start(&root)?;

    // It goes on with its port until it is restarted.
    root.write(UCI, "config netmonitor\n\toption api_port '8400'\n", 0o600)?;
    assert_eq!(root.sh(&format!("{SERVICE} reload"))?.status, 0);
    state_is(&root, "silent", "http://127.0.0.1:8400 does not answer");
    let restarted = call(&root, "restart")?;
    assert_eq!(restarted, json!({"good": true, "text": ""}));
    clock::until("it answers", || Ok(call(&root, "state")?["line"].is_object()))?;

    root.remove(PROGRAM)?;
    root.write(
        PROGRAM,
        "#!/bin/sh\n[ \"$1\" = --version ] || exit 2\necho netmonitor-exporter 0.0.9\n",
        0o755,
    )?;
    state_is(&root, "old", "netmonitor-exporter 0.0.9");
    root.remove(PROGRAM)?;
    state_is(&root, "missing", PROGRAM);
    Ok(())
}

/// What runs goes on; nothing runs after a reboot, and then that is said.
#[test]
fn bad_settings_of_uci_are_said_where_nothing_runs() -> Result<()> {
    let root = router()?;
    root.write(UCI, "config netmonitor\n\toption api_port '0'\n", 0o600)?;
    state_is(&root, "settings", "/etc/config/netmonitor: option api_port: ");
    root.write(UCI, "config netmonitor\n\toption enabled '0'\n", 0o600)?;
    state_is(&root, "disabled", "");
    let restarted = call(&root, "restart")?;
    assert_eq!(restarted["good"], false, "{restarted}");
    assert!(restarted["text"].as_str().is_some_and(|text| text.contains("ENABLED is 0")));
    Ok(())
}

/// Good settings, but not for this router.
#[test]
fn a_restart_that_comes_to_nothing_is_no_good_one() -> Result<()> {
    let root = router()?;
    root.write(UCI, "config netmonitor\n\toption listen '192.0.2.77'\n", 0o600)?;
    let restarted = call(&root, "restart")?;
    assert_eq!(restarted["good"], false, "{restarted}");
    let text = restarted["text"].as_str().unwrap_or_default();
    assert!(text.contains("http://192.0.2.77:8321"), "{text}");
    Ok(())
}

/// The shell version has the same port, and answers 200 to everything.
#[test]
fn the_answer_of_another_program_is_none() -> Result<()> {
    let root = router()?;
    let agent = "#!/bin/sh
        while read -r line && [ \"${#line}\" -gt 1 ]; do :; done
        printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\n{}'\n";
    root.write("/tmp/agent", agent, 0o755)?;
    root.sh("/.test/busybox nc -ll -p 8321 -e /tmp/agent </dev/null >/dev/null 2>&1 &")?;
    clock::until("the other one answers", || {
        Ok(root.http_get(8321, "/healthz").is_ok_and(|(_, body)| body == "{}"))
    })?;
    let state = call(&root, "state")?;
    assert!(state["line"].is_null(), "{state}");
    let restarted = call(&root, "restart")?;
    assert_eq!(restarted["good"], false, "{restarted}");
    let text = restarted["text"].as_str().unwrap_or_default();
    assert!(text.contains("is answered by another program"), "{text}");
    Ok(())
}

#[test]
fn looking_at_settings_changes_nothing() -> Result<()> {
    let root = router()?;
    start(&root)?;
    let before = root.read("/var/run/netmonitor.conf")?;
    root.write(UCI, "config netmonitor\n\toption max_events '50'\n", 0o600)?;
    assert_eq!(call(&root, "settings")?["good"], true);
    assert_eq!(root.read("/var/run/netmonitor.conf")?, before);
    let names = root.sh("ls /var/run | grep netmonitor.conf")?.stdout;
    assert_eq!(names, "netmonitor.conf\n");
    Ok(())
}

#[test]
fn a_token_is_never_said() -> Result<()> {
    let root = router()?;
    root.write("/etc/netmonitor.token", "of-the-file\n", 0o600)?;
    root.write("/etc/netmonitor/token", "in-the-folder\n", 0o600)?;
    root.write("/etc/netmonitor.notes", "no token\n", 0o600)?;
    root.write(UCI, "config netmonitor\n\toption token 's3cret'\n", 0o600)?;
    start(&root)?;
    for method in ["state", "settings", "doctor"] {
        let said = call(&root, method)?.to_string();
        assert!(
            ["s3cret", "of-the-file", "in-the-folder"].iter().all(|word| !said.contains(word)),
            "{said}"
        );
    }
    let settings = call(&root, "settings")?;
    assert_eq!(settings["token_files"], json!(["/etc/netmonitor.token", "/etc/netmonitor/token"]));
    let in_force = settings["in_force"].as_str().unwrap_or_default();
    assert!(in_force.contains("TOKEN=\"********\""), "{in_force}");
    let without_uci = settings["without_uci"].as_str().unwrap_or_default();
    assert!(without_uci.contains("TOKEN=\"\" "), "{without_uci}");
    Ok(())
}

#[test]
fn bad_settings_are_said_and_what_runs_goes_on() -> Result<()> {
    let root = router()?;
    start(&root)?;
    root.write(UCI, "config netmonitor\n\toption queue_file '/etc/passwd'\n", 0o600)?;
    let settings = call(&root, "settings")?;
    assert_eq!(settings["good"], false);
    let text = settings["text"].as_str().unwrap_or_default();
    assert!(text.starts_with("/etc/config/netmonitor: option queue_file: "), "{text}");
    assert!(call(&root, "state")?["line"].is_object());
    let restarted = call(&root, "restart")?;
    assert_eq!(restarted["good"], false, "{restarted}");
    assert!(call(&root, "state")?["line"].is_object());
    Ok(())
}

#[test]
fn sections_are_made_once_and_the_users_are_kept() -> Result<()> {
    let root = router()?;
    let defaults = "sh /etc/uci-defaults/luci-app-netmonitor";
    for _ in 0..2 {
        assert_eq!(root.sh(defaults)?.status, 0);
        assert_eq!(root.read(UCI)?, "\nconfig netmonitor\n\nconfig luci 'luci'\n");
        assert_eq!(root.mode(UCI)?, 0o600);
    }
    let luci = "\nconfig luci 'luci'\n";
    for (before, after) in [
        ("config netmonitor\n\toption token 'x'\n", luci.to_owned()),
        ("config netmonitor 'main'\n", luci.to_owned()),
        ("\tconfig 'netmonitor' 'main'\n", luci.to_owned()),
        ("config netmonitor", luci.to_owned()),
        ("config netmonitor_other\n", format!("\nconfig netmonitor\n{luci}")),
        ("config netmonitor-x\n", format!("\nconfig netmonitor\n{luci}")),
        ("config luci 'luci'\n", "\nconfig netmonitor\n".to_owned()),
    ] {
        root.write(UCI, before, 0o600)?;
        assert_eq!(call(&root, "prepare")?, json!({}));
        assert_eq!(root.read(UCI)?, format!("{before}{after}"));
    }
    let broken = "config netmonitor\n\toption token 'x\n";
    root.write(UCI, broken, 0o600)?;
    assert_eq!(call(&root, "prepare")?["trouble"], "uci");
    assert_eq!(root.read(UCI)?, broken, "nothing is added to what UCI cannot read");
    Ok(())
}

#[test]
fn there_are_no_other_calls() -> Result<()> {
    let root = router()?;
    for arguments in ["", "call", "call 'state; reboot'", "call program", "call list", "state"] {
        let output = root.sh(&format!("{SCRIPT} {arguments}"))?;
        assert_eq!((output.status, output.stdout.as_str()), (1, ""), "{arguments}");
    }
    assert_eq!(root.sh(&format!("{SCRIPT} list"))?.status, 0);
    Ok(())
}

/// The program, its service and the script are the real ones; only LuCI itself is not.
#[test]
fn the_pages_show_what_a_router_says_and_it_takes_what_they_write() -> Result<()> {
    let typed = [
        ("enabled", "1"),
        ("pppoe_iface", "-"),
        ("wan_poll_interval", "60"),
        ("ping_targets", "127.0.0.1 127.0.0.2@international"),
        ("ping_interval", "0.5"),
        ("dns_name", "example.com"),
        ("allowed_ips", "192.168.1.0/24 fd00::/8"),
        ("token", "it's\"$(reboot)`;"),
        ("max_events", "50"),
        ("log_source", "file:/tmp/log,kmsg"),
        ("log_level", "4"),
        ("optical_source", "hwmon"),
        ("temp_source", "it's a $(sensor); <b>"),
        ("disable", "ping dns"),
    ];
    let root = router()?;
    root.answer_uci("netmonitor.luci.grafana_url", "http://192.168.1.2:3000/")?;
    start(&root)?;
    clock::until("it has pinged", || {
        let state = call(&root, "state")?;
        Ok(state["line"]["internet"] == "up" && state["line"]["events"][0].is_object())
    })?;
    let mut answers =
        json!({"typed": typed.iter().copied().collect::<std::collections::BTreeMap<_, _>>()});
    for method in ["state", "settings", "doctor"] {
        answers[method] = call(&root, method)?;
    }
    assert_eq!(answers["settings"]["grafana"], "http://192.168.1.2:3000/");
    let folder = TempDir::new()?;
    let (said, written) = (folder.path().join("answers"), folder.path().join("written"));
    fs::write(&said, answers.to_string())?;
    let files = [("NETMONITOR_ANSWERS", said.as_path()), ("NETMONITOR_WRITTEN", &written)];
    browser::run(&["real.test.mjs"], &files)?;

    root.write(UCI, fs::read(&written)?, 0o600)?;
    let output = root.sh(&format!("{SERVICE} reload"))?;
    assert_eq!((output.status, output.stderr.as_str()), (0, ""), "{output:?}");
    let output = root.sh(&format!("{PROGRAM} check-config --config /var/run/netmonitor.conf"))?;
    for (option, value) in typed {
        let shown = if option == "token" { "********" } else { value };
        let line = format!("{}=\"{shown}\" ", option.to_ascii_uppercase());
        assert!(output.stdout.contains(&line), "{line}: {output:?}");
    }
    // The program has it, and asks for the token that was typed.
    clock::until("the new settings count", || {
        let refused = root.http_get(8321, "/net/line")?.0 == 401;
        Ok(refused && call(&root, "state")?["line"]["pppoe"].is_null())
    })
}
