//! The init script and the files beside it, on a router that is played. Needs root.

use std::path::Path;

use anyhow::Result;
use netmonitor_tests::clock;
use netmonitor_tests::openwrt_root::{Output, Root, Settings};

const SERVICE: &str = "/etc/init.d/netmonitor";
const SETTINGS: &str = "/etc/netmonitor.conf";
const UCI: &str = "/etc/config/netmonitor";
const UCI_SETTINGS: &str = "/var/run/netmonitor.conf";
const PORT: u16 = 8321;

/// A router on which everything is installed, and nothing started.
fn router() -> Result<Root> {
    let root = Root::new(Settings::default())?;
    root.install_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../openwrt/files"))?;
    root.install_exporter()?;
    Ok(root)
}

fn service(root: &Root, command: &str) -> Result<Output> {
    root.sh(&format!("{SERVICE} {command}"))
}

#[track_caller]
fn succeeds(root: &Root, command: &str) {
    let output = service(root, command).expect("a shell");
    assert_eq!((output.status, output.stderr.as_str()), (0, ""), "{command}: {output:?}");
}

/// Says why in one line, to the terminal and to the log.
#[track_caller]
fn refuses(root: &Root, command: &str, status: i32, priority: &str, why: &str) {
    root.write("/.test/log", "", 0o644).expect("a log");
    let Output { status: found, stderr, .. } = service(root, command).expect("a shell");
    assert_eq!(found, status, "{command}: {stderr}");
    let line = stderr.lines().next().unwrap_or_default();
    assert!(line.starts_with("netmonitor: ") && line.contains(why), "{command}: {stderr}");
    let said = line.trim_start_matches("netmonitor: ");
    let log = root.log().expect("a log");
    assert!(log.contains(&format!("daemon.{priority} netmonitor: {said}\n")), "{line}: {log}");
}

/// Has the service take the settings of UCI, and start nothing.
#[track_caller]
fn take_settings(root: &Root) {
    root.write(SETTINGS, "ENABLED=0\n", 0o600).expect("a file");
    let output = service(root, "start").expect("a shell");
    let said = "netmonitor: not started: ENABLED is 0\n";
    assert_eq!((output.status, output.stderr.as_str()), (0, said), "{output:?}");
}

/// No file beside the one that the program reads.
fn nothing_is_left(root: &Root) -> Result<()> {
    let left = root.list()?;
    let left: Vec<_> = left.iter().filter(|path| path.contains("netmonitor.conf.")).collect();
    assert!(left.is_empty(), "{left:?}");
    Ok(())
}

fn until_it_answers(root: &Root, port: u16) -> Result<()> {
    clock::until("it answers", || Ok(root.http_get(port, "/healthz").is_ok_and(|(s, _)| s == 200)))
}

fn until_said(root: &Root, what: &str) -> Result<()> {
    clock::until(what, || Ok(root.output("netmonitor")?.contains(what)))
}

/// What the running program pings, by its labels.
fn pings(root: &Root, target: &str) -> Result<bool> {
    let (_, metrics) = root.http_get(PORT, "/metrics")?;
    Ok(metrics.contains(&format!("netmonitor_ping_requests_total{{target=\"{target}\"")))
}

fn started() -> Result<Root> {
    let root = router()?;
    succeeds(&root, "start");
    until_it_answers(&root, PORT)?;
    Ok(root)
}

#[test]
fn it_starts_restarts_and_stops() -> Result<()> {
    let root = router()?;
    let status = service(&root, "status")?;
    assert_eq!(status.status, 3, "{status:?}");
    assert!(status.stdout.starts_with("not running\n"), "{status:?}");

    succeeds(&root, "start");
    until_it_answers(&root, PORT)?;
    let asked = root.asked()?;
    let command = "set_param command /usr/bin/netmonitor-exporter run \
                   --config /etc/netmonitor.conf --config /var/run/netmonitor.conf";
    for line in [command, "set_param respawn 3600 5 0", "set_param stderr 1"] {
        assert!(asked.iter().any(|asked| asked == line), "{line}: {asked:#?}");
    }
    let triggers: Vec<&String> = asked.iter().filter(|line| line.contains("trigger")).collect();
    assert_eq!(triggers, ["reload_trigger netmonitor"], "a WAN that drops does not disturb it");
    assert_eq!((root.read(UCI_SETTINGS)?.as_str(), root.mode(UCI_SETTINGS)?), ("", 0o600));

    let status = service(&root, "status")?;
    assert_eq!(status.status, 0, "{status:?}");
    let said = [
        "running",
        "WAN_IFACE=\"wan\" # /etc/netmonitor.conf line ",
        "PPPOE_IFACE=\"pppoe-wan\" # /etc/netmonitor.conf line ",
        "API_PORT=\"8321\" # default",
    ];
    let lines: Vec<&str> = status.stdout.lines().collect();
    assert!(lines.len() == 4 && lines.iter().zip(said).all(|(line, said)| line.starts_with(said)));
    succeeds(&root, "running");

    let pid = root.pid("netmonitor")?;
    succeeds(&root, "start");
    assert_eq!(root.pid("netmonitor")?, pid, "what runs as it is wanted is left alone");
    succeeds(&root, "restart");
    until_it_answers(&root, PORT)?;
    assert_ne!(root.pid("netmonitor")?, pid);
    succeeds(&root, "stop");
    until_said(&root, "stopping: SIGTERM")?;
    clock::until("it is gone", || Ok(root.sh("pgrep netmonitor")?.status == 1))?;
    assert_eq!(service(&root, "running")?.status, 1);
    Ok(())
}

#[test]
fn it_is_enabled_by_links() -> Result<()> {
    let root = router()?;
    let before = root.list()?;
    succeeds(&root, "enable");
    let after = root.list()?;
    let links: Vec<&String> = after.difference(&before).collect();
    assert_eq!(links, ["/etc/rc.d/K05netmonitor", "/etc/rc.d/S95netmonitor"]);
    succeeds(&root, "enabled");
    assert_eq!(root.sh("/etc/rc.d/S95netmonitor boot")?.status, 0);
    until_it_answers(&root, PORT)?;
    succeeds(&root, "disable");
    assert_eq!(root.list()?.iter().filter(|path| path.contains("rc.d/K")).count(), 0);
    Ok(())
}

#[test]
fn with_enabled_0_there_is_no_instance() -> Result<()> {
    let root = router()?;
    root.write(SETTINGS, "ENABLED=0\n", 0o644)?;
    refuses(&root, "start", 0, "notice", "not started: ENABLED is 0");
    assert!(!root.asked()?.iter().any(|line| line.starts_with("open_instance")));
    assert_eq!(root.asked()?.last().map(String::as_str), Some("reload_trigger netmonitor"));
    let status = service(&root, "status")?;
    assert!(status.stdout.ends_with("not to be started: ENABLED is 0\n"), "{status:?}");

    root.write(SETTINGS, "ENABLED=1\n", 0o644)?;
    succeeds(&root, "reload");
    until_it_answers(&root, PORT)?;
    root.write(SETTINGS, "ENABLED=0\n", 0o644)?;
    refuses(&root, "reload", 0, "notice", "not started: ENABLED is 0");
    clock::until("it is gone", || Ok(root.sh("pgrep netmonitor")?.status == 1))
}

#[test]
fn bad_settings_start_nothing_and_stop_nothing() -> Result<()> {
    let root = router()?;
    root.write(SETTINGS, "API_PORT=x\n", 0o644)?;
    refuses(&root, "start", 1, "err", "/etc/netmonitor.conf line 1: API_PORT=\"x\"");
    assert!(!root.asked()?.iter().any(|line| line.starts_with("open_instance")));
    let status = service(&root, "status")?;
    assert!(status.stdout.contains("bad settings: /etc/netmonitor.conf line 1"), "{status:?}");

    root.write(SETTINGS, "PING_TARGETS=127.0.0.1\n", 0o644)?;
    succeeds(&root, "start");
    until_it_answers(&root, PORT)?;
    let pid = root.pid("netmonitor")?;
    root.forget_asked()?;
    for bad in ["PING_TARGETS=\"a b", "PING_INTERVAL=0", "TOKEN=$(reboot)"] {
        root.write(SETTINGS, bad, 0o644)?;
        refuses(&root, "reload", 1, "err", "/etc/netmonitor.conf line 1: ");
        assert!(root.log()?.contains("err netmonitor: reload: what runs keeps the settings"));
        // Who only asks is told, and the log is not.
        root.write("/.test/log", "", 0o644)?;
        let checked = service(&root, "check")?;
        let why = "netmonitor: /etc/netmonitor.conf line 1: ";
        assert!(checked.status == 1 && checked.stderr.starts_with(why), "{checked:?}");
        assert_eq!(root.log()?, "");
        refuses(&root, "restart", 1, "err", "/etc/netmonitor.conf line 1: ");
    }
    root.remove(SETTINGS)?;
    refuses(&root, "reload", 1, "err", "/etc/netmonitor.conf: cannot be read");
    assert_eq!(root.asked()?, Vec::<String>::new());
    // procd is told of the same instance: of one that it does not hear of it makes an end.
    refuses(&root, "start", 1, "err", "/etc/netmonitor.conf: cannot be read");
    assert!(root.asked()?.iter().any(|line| line.starts_with("open_instance")));
    assert_eq!(root.pid("netmonitor")?, pid);
    assert!(pings(&root, "127.0.0.1")?);
    Ok(())
}

#[test]
fn without_its_program_it_says_so() -> Result<()> {
    let root = router()?;
    root.remove("/usr/bin/netmonitor-exporter")?;
    for command in ["start", "restart", "reload"] {
        refuses(&root, command, 1, "err", "/usr/bin/netmonitor-exporter is missing");
    }
    let status = service(&root, "status")?;
    assert_eq!(status.status, 3);
    assert!(status.stdout.contains("/usr/bin/netmonitor-exporter is missing"), "{status:?}");
    Ok(())
}

#[test]
fn windows_line_ends_are_no_matter() -> Result<()> {
    let root = router()?;
    let text = root.read(SETTINGS)?.replace('\n', "\r\n") + "PING_TARGETS=\"127.0.0.1\"\r\n";
    root.write(SETTINGS, text, 0o644)?;
    succeeds(&root, "start");
    until_it_answers(&root, PORT)?;
    assert!(service(&root, "status")?.stdout.contains("WAN_IFACE=\"wan\" #"));
    clock::until("it pings", || pings(&root, "127.0.0.1"))
}

#[test]
fn a_reload_takes_new_settings_without_a_restart() -> Result<()> {
    let root = started()?;
    let pid = root.pid("netmonitor")?;
    root.forget_asked()?;
    root.write(SETTINGS, "PING_TARGETS=127.0.0.2\n", 0o644)?;
    succeeds(&root, "reload");
    clock::until("the file's target", || pings(&root, "127.0.0.2"))?;
    root.write(UCI, "config netmonitor 'main'\n\toption ping_targets '127.0.0.3'\n", 0o600)?;
    succeeds(&root, "reload");
    clock::until("the target of UCI", || pings(&root, "127.0.0.3"))?;
    root.remove(UCI)?;
    succeeds(&root, "reload");
    clock::until("the file's again", || pings(&root, "127.0.0.2"))?;
    assert_eq!(root.pid("netmonitor")?, pid);
    assert_eq!(root.asked()?, vec!["signal netmonitor '*' HUP"; 3]);
    assert_eq!(root.read(UCI_SETTINGS)?, "");
    nothing_is_left(&root)?;
    Ok(())
}

/// In the form in which UCI prints it.
fn uci_option(name: &str, value: &str) -> String {
    format!("\toption {name} '{}'\n", value.replace('\'', "'\\''"))
}

#[test]
fn any_value_of_uci_arrives_as_it_is() -> Result<()> {
    const HOSTILE: [&str; 8] = [
        "it's",
        "'' '",
        "$(reboot) `reboot` $HOME",
        "back\\slash\\ \\n \\'",
        "\"double\" \\\" \\$",
        "semi; & | > < # no comment",
        "* ~ ? [a] {a,b} ! é",
        "-n trailing \\",
    ];
    let root = router()?;
    for value in HOSTILE {
        // A sensor may have any name.
        let option = uci_option("temp_source", value);
        let text = format!("package netmonitor\n\nconfig netmonitor 'main'\n{option}");
        root.write(UCI, text, 0o600)?;
        take_settings(&root);
        let arrived =
            root.sh(&format!("netmonitor-exporter check-config --config {UCI_SETTINGS}"))?;
        let line = format!("TEMP_SOURCE=\"{value}\" ");
        assert!(arrived.stdout.lines().any(|found| found.starts_with(&line)), "{arrived:?}");
    }
    assert_eq!(root.mode(UCI_SETTINGS)?, 0o600);
    Ok(())
}

/// Of sections of another type nothing is the program's, whatever it is called.
#[test]
fn other_types_of_sections_are_not_settings() -> Result<()> {
    let root = router()?;
    let text = "config luci 'luci'\n\toption grafana_url 'http://192.168.1.2:3000/'\n\
                \toption api_port '1'\n\tlist ping_targets '192.0.2.1'\n\n\
                config netmonitor\n\toption api_port '8322'\n\n\
                config other\n\toption api_port '2'\n";
    root.write(UCI, text, 0o600)?;
    take_settings(&root);
    assert_eq!(root.read(UCI_SETTINGS)?, "API_PORT='8322'\n");
    Ok(())
}

/// Who may save a form of LuCI writes to UCI, and is not root for that.
#[test]
fn uci_runs_no_command_and_opens_no_file_of_the_system() -> Result<()> {
    let root = router()?;
    for (option, value) in [
        ("optical_source", "command:/bin/sh -c reboot"),
        ("OPTICAL_source", "command:/bin/true"),
        ("optical_source", " command:/bin/true"),
        ("queue_file", "/etc/passwd"),
        ("queue_file", "/tmp/resolv.conf"),
        ("queue_file", "/tmp/../etc/net_events.json"),
        ("queue_file", "/etc/net_events.json"),
        ("queue_file", " /etc/net_events.json"),
        ("queue_file", "/tmp/net_events.json/../x"),
        ("token_file", "/etc/shadow"),
        ("token_file", "/etc/netmonitor/../shadow"),
        ("lcp_rtt_file", "/dev/watchdog"),
        ("api_port", "0"),
        ("temp_source", "/sys/class/net/eth0/address"),
        ("temp_source", "/dev/watchdog"),
        ("temp_source", "/sys/../dev/watchdog"),
        ("temp_source", " /dev/watchdog"),
        ("log_source", "file:/etc/shadow"),
        ("log_source", "auto,file:/dev/watchdog"),
        ("log_source", "file:/var/log/messages, file:/etc/shadow"),
        ("log_source", "file:/tmp/../etc/shadow"),
    ] {
        let text = format!("config netmonitor\n{}", uci_option(option, value));
        root.write(UCI, text, 0o600)?;
        let why = format!(
            "/etc/config/netmonitor: option {option}: such a value is only taken from {SETTINGS}"
        );
        refuses(&root, "start", 1, "err", &why);
        assert!(!root.has(UCI_SETTINGS), "{option} {value}");
    }
    // Joined, a list is what an option is.
    let text = "config netmonitor\n\tlist optical_source 'command:/bin/sh'\n\
                \tlist optical_source '-c reboot'\n";
    root.write(UCI, text, 0o600)?;
    refuses(&root, "start", 1, "err", "option optical_source: such a value");

    root.write("/etc/netmonitor.token", "s3cret\n", 0o600)?;
    let allowed = [
        ("optical_source", "hwmon"),
        ("queue_file", "/mnt/usb/net_events.home.json"),
        ("token_file", "/etc/netmonitor.token"),
        ("lcp_rtt_file", "/var/run/pppd-rtt"),
        ("temp_source", "/sys/class/thermal/thermal_zone0/temp"),
        ("log_source", "auto,file:/var/log/messages,file:/mnt/usb/log"),
    ];
    let options: String = allowed.iter().map(|(name, value)| uci_option(name, value)).collect();
    root.write(UCI, format!("config netmonitor\n{options}"), 0o600)?;
    take_settings(&root);
    assert_eq!(root.read(UCI_SETTINGS)?.lines().count(), allowed.len());

    // The file is root's own.
    root.remove(UCI)?;
    root.write(SETTINGS, "OPTICAL_SOURCE=\"command:/bin/true\"\n", 0o600)?;
    succeeds(&root, "check");
    Ok(())
}

#[test]
fn uci_has_lists_and_several_sections() -> Result<()> {
    let root = router()?;
    let text = "config netmonitor\n\tlist ping_targets '127.0.0.1'\n\
                \tlist ping_targets '127.0.0.2@international'\n\toption api_port '8322'\n\n\
                config netmonitor\n\toption api_port '8323'\n\toption pings '5'\n";
    root.write(UCI, text, 0o600)?;
    let output = service(&root, "start")?;
    assert_eq!(output.status, 0, "{output:?}");
    assert!(output.stderr.contains("unknown key PINGS"), "{output:?}");
    until_it_answers(&root, 8323)?;
    let (_, metrics) = root.http_get(8323, "/metrics")?;
    assert!(metrics.contains("target=\"127.0.0.1\",scope=\"domestic\""), "{metrics}");
    assert!(metrics.contains("target=\"127.0.0.2\",scope=\"international\""), "{metrics}");
    assert!(service(&root, "status")?.stdout.contains("API_PORT=\"8323\" # /var/run/"));
    Ok(())
}

#[test]
fn bad_values_of_uci_change_nothing() -> Result<()> {
    let root = router()?;
    root.write(UCI, "config netmonitor\n\toption ping_targets '127.0.0.2'\n", 0o600)?;
    succeeds(&root, "start");
    until_it_answers(&root, PORT)?;
    let before = root.read(UCI_SETTINGS)?;
    for (option, why) in [
        ("\toption token 'a\nTOKEN=b'\n", "option token has more than one line"),
        ("\toption api_port 'none'\n", "/etc/config/netmonitor: API_PORT=\"none\""),
        ("\toption token 'a\tb'\n", "/etc/config/netmonitor: TOKEN"),
        ("\toption token 'a\n", "/etc/config/netmonitor cannot be read"),
    ] {
        root.write(UCI, format!("config netmonitor\n{option}"), 0o600)?;
        refuses(&root, "reload", 1, "err", why);
        assert_eq!(root.read(UCI_SETTINGS)?, before);
        nothing_is_left(&root)?;
    }
    assert!(pings(&root, "127.0.0.2")?);
    Ok(())
}

#[test]
fn settings_are_checked_by_several_at_once() -> Result<()> {
    let root = router()?;
    let targets: String =
        (1..=30).map(|i| format!("\tlist ping_targets '127.0.0.{i}'\n")).collect();
    root.write(UCI, format!("config netmonitor\n{targets}"), 0o600)?;
    let checks = format!("for i in 1 2 3 4 5 6; do {SERVICE} check & done; wait");
    let output = root.sh(&checks)?;
    assert_eq!((output.stdout.lines().count(), output.stderr.as_str()), (6, ""), "{output:?}");
    assert!(!root.has(UCI_SETTINGS), "nothing was changed");
    take_settings(&root);
    assert_eq!(root.read(UCI_SETTINGS)?.lines().count(), 30);
    nothing_is_left(&root)
}

#[test]
fn rights_are_taken_away_where_ujail_can() -> Result<()> {
    let root = router()?;
    succeeds(&root, "start");
    let of_jail = |line: &String| line.contains("jail") || line.contains("capabilities");
    assert!(!root.asked()?.iter().any(of_jail), "no ujail, no jail");
    root.write("/sbin/ujail", "", 0o755)?;
    root.forget_asked()?;
    succeeds(&root, "start");
    let asked = root.asked()?;
    let asked: Vec<&String> = asked.iter().filter(|line| of_jail(line)).collect();
    let expected =
        ["add_jail netmonitor", "set_param capabilities /etc/capabilities/netmonitor.json"];
    assert_eq!(asked, expected, "a jail with more than a name would hide the router");
    Ok(())
}

#[test]
fn settings_survive_an_upgrade_of_the_system() -> Result<()> {
    let root = router()?;
    assert_eq!(root.read("/lib/upgrade/keep.d/netmonitor")?, format!("{SETTINGS}\n{UCI}\n"));
    Ok(())
}
