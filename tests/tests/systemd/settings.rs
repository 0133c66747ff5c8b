//! `bridge.env`: the example is whole, and `netmonitor-bridge-ctl` reads it as systemd does.

use std::fs;

use netmonitor_tests::systemd_machine::Machine;

use super::{assert_has, install_bridge, repository, run, well};

/// Rows of the list in `docs/bridge.md`: name and default.
fn documented() -> Vec<(String, String)> {
    let text = fs::read_to_string(repository().join("docs/bridge.md")).unwrap();
    let (_, rest) = text.split_once("<!-- list: begin -->").unwrap();
    let (list, _) = rest.split_once("<!-- list: end -->").unwrap();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let (name, default) = (cells.next()?.trim_end_matches('`'), cells.next()?);
        let default = if default == "(empty)" { "" } else { default.trim_matches('`') };
        Some((name.to_owned(), default.to_owned()))
    };
    list.lines().filter_map(row).collect()
}

#[test]
fn the_example_says_every_setting_and_its_default() {
    let text = fs::read_to_string(repository().join("compose/systemd/bridge.env")).unwrap();
    for (name, default) in documented() {
        // Old names; and the database, whose default is the unit's.
        let default = match name.as_str() {
            "FLASK_HOST" | "FLASK_PORT" | "FLASK_DEBUG" => continue,
            "SQLITE_DB" => "",
            _ => &default,
        };
        let line = format!("# {name}={default}");
        assert!(text.lines().any(|found| found == line), "{line}");
    }
    assert!(
        !text.contains('\r') && text.lines().all(|line| line.is_empty() || line.starts_with('#'))
    );
}

/// A unit that shows what systemd makes of the file.
const SHOW: &str = "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\n\
    EnvironmentFile=/etc/netmonitor/bridge.env\nStandardOutput=truncate:/tmp/seen\n\
    ExecStart=/usr/bin/env\n";

const ALIKE: &[&str] = &[
    "ROUTER_IP=192.168.1.1",
    "ROUTER_IP=192.168.1.1\r",
    "  ROUTER_IP  =  192.168.1.1  ",
    "ROUTER_IP=\"192.168.1.1\"\r",
    "ROUTER_IP='192.168.1.1'  ",
    "ROUTER_IP=a\nROUTER_IP=b",
    "ROUTER_IP=$HOME `id` $(id) %h & | ; > x",
    "ROUTER_IP='$HOME \"x\" #y'",
    "# ROUTER_IP=a\n; ROUTER_IP=b\n\n \t\nROUTER_IP=c",
    "ROUTER_IP=a#b",
    "ROUTER_IP==a=b",
    "ROUTER_IP=ä",
    "ROUTER_IP=",
    "OTHER=x\r\nROUTER_IP=last",
];

const REFUSED: &[(&str, &str)] = &[
    ("ROUTER_IP=a # home", "line 1: a comment behind ROUTER_IP would be part of its value"),
    ("ROUTER_IP=a\\b", "line 1: ROUTER_IP holds a backslash"),
    ("\nROUTER_IP=a\\\n", "line 2: a line cannot go on behind a backslash"),
    ("# ends in \\\n", "line 1: a line cannot go on behind a backslash"),
    ("ROUTER_IP=\"a", "line 1: ROUTER_IP has a quote that is not closed"),
    ("ROUTER_IP=\"a\"b\"", "line 1: ROUTER_IP has more than one pair of quotes"),
    ("export ROUTER_IP=a", "line 1: expected NAME=value, found the name \"export ROUTER_IP\""),
    ("\u{feff}ROUTER_IP=a", "line 1: the file begins with a byte order mark"),
    ("ROUTER_IP", "line 1: expected NAME=value, found no ="),
    ("SQLITE_DB=data/x.db", "SQLITE_DB \"data/x.db\": write its whole path"),
    ("SQLITE_DB=", "SQLITE_DB \"\": write its whole path"),
];

#[test]
fn settings_are_what_systemd_makes_of_them_or_refused() {
    let machine = Machine::start().unwrap();
    assert_eq!(install_bridge(&machine, "--router 192.0.2.1").status, 0);
    fs::write(machine.shared().join("show.service"), SHOW).unwrap();
    well(&machine, "cp /shared/show.service /run/systemd/system; systemctl daemon-reload");
    let put = |text: &str| {
        fs::write(machine.shared().join("bridge.env"), text).unwrap();
        well(&machine, "cat /shared/bridge.env >/etc/netmonitor/bridge.env");
    };
    for text in ALIKE {
        put(text);
        well(&machine, "systemctl start show");
        let seen = well(&machine, "sed -n 's/^ROUTER_IP=//p' /tmp/seen");
        // Root's own are not taken for the service's.
        let ours = well(&machine, "ROUTER_IP=root netmonitor-bridge-ctl setting ROUTER_IP");
        assert_eq!(ours, seen, "{text:?}");
    }
    for (text, part) in REFUSED {
        put(text);
        let output = run(&machine, "netmonitor-bridge-ctl check-settings");
        assert_eq!(output.status, 1, "{text:?}: {}", output.said);
        assert_has(&output.said, &[part]);
    }
    put("ROUTER_IP=192.0.2.1\r\nREAD_TOKEN='a'b'\r\n");
    let output = run(&machine, "netmonitor-bridge-ctl check-settings");
    assert_has(&output.said, &["bridge.env line 2: READ_TOKEN has more than one pair of quotes"]);
    assert!(!output.said.contains("a'b"), "a token is said: {}", output.said);
}

#[test]
fn a_file_from_windows_is_taken() {
    let machine = Machine::start().unwrap();
    let text = "# settings\r\n\r\nROUTER_IP=127.0.0.1\r\nBRIDGE_PORT=5001\r\n";
    fs::write(machine.shared().join("bridge.env"), text).unwrap();
    well(&machine, "mkdir /etc/netmonitor; cp /shared/bridge.env /etc/netmonitor");
    let output = install_bridge(&machine, "");
    assert_eq!(output.status, 0, "{}", output.said);
    assert_has(&output.said, &["settings are kept", "here http://localhost:5001/"]);
    well(&machine, "curl -sf localhost:5001/readyz");
}
