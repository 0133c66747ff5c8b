//! Subcommands, exit codes and what they print.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::program::{Program, fixture, run, until};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_bad_setting_opens_no_port_and_exits_with_2() {
    let output = run(&["--api-port", "http", "--log-level", "9"]);
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    assert!(errors.contains("--api-port \"http\": expected a port number"), "{errors}");
    assert!(errors.contains("--log-level \"9\""), "all problems at once: {errors}");
    assert_eq!(errors.lines().count(), 2, "nothing else is said: {errors}");
}

#[test]
fn an_unknown_flag_exits_with_2_and_names_the_nearest() {
    let output = run(&["--api-prot", "1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--api-port"), "{}", text(&output.stderr));
}

#[test]
fn a_port_that_is_taken_names_the_flag() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&["--listen", "127.0.0.1", "--api-port", &port, "--ping-targets", ""]);
    assert_eq!(output.status.code(), Some(1));
    let errors = text(&output.stderr);
    assert!(errors.contains(&format!("127.0.0.1:{port}")), "{errors}");
    assert!(errors.contains("--api-port (API_PORT)"), "{errors}");
    assert!(errors.contains("Address already in use"), "{errors}");
}

#[test]
fn check_config_prints_what_is_in_force_and_hides_the_token() {
    let output = run(&["check-config", "--token", "hunter2", "--ping-interval", "0.5"]);
    assert!(output.status.success());
    let settings = text(&output.stdout);
    assert!(settings.contains("PING_INTERVAL=\"0.5\""), "{settings}");
    assert!(settings.contains("# --ping-interval"), "{settings}");
    assert!(settings.contains("TOKEN=\"********\""), "{settings}");
    assert!(!settings.contains("hunter2"), "{settings}");
}

#[test]
fn enabled_0_starts_nothing() {
    let output = run(&["--enabled", "0"]);
    assert!(output.status.success());
    assert!(text(&output.stderr).contains("ENABLED=0: not started"));
    let output = run(&["check-config", "--enabled", "0"]);
    assert!(text(&output.stdout).contains("ENABLED=0: the program will not start"));
}

#[test]
fn doctor_names_every_source_and_no_secret() {
    let root = fixture("filogic-pppoe");
    let root = root.to_str().unwrap();
    let optics = "command:/bin/echo -p s3cret";
    let output = run(&["doctor", "--root", root, "--token", "hunter2", "--optical-source", optics]);
    assert!(output.status.success());
    let report = text(&output.stdout);
    for part in [
        "netifd",
        "WAN_IFACE",
        "PPPoE",
        "permission",
        "127.0.0.1: answers",
        "thermal_zone1",
        "eeprom",
        "hwmon",
        "LCP_RTT_FILE is empty",
        "may be the WAN: wan",
    ] {
        assert!(report.contains(part), "{part} is missing: {report}");
    }
    for secret in ["hunter2", "s3cret", "00:00:5e"] {
        assert!(!report.contains(secret), "{secret} is in {report}");
    }
}

#[test]
fn status_prints_what_net_status_answers() {
    let root = fixture("filogic-pppoe");
    let output = run(&["status", "--root", root.to_str().unwrap(), "--disable", "ping"]);
    assert!(output.status.success());
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["realtime"]["wan_state"], "up");
    assert_eq!(status["realtime"]["cpu_temp"], 52.8);
}

#[test]
fn interfaces_prints_what_may_be_the_wan() {
    let root = fixture("filogic-pppoe");
    let output = run(&["interfaces", "--root", root.to_str().unwrap()]);
    assert!(output.status.success());
    let words: Vec<String> = text(&output.stdout).split_whitespace().map(str::to_owned).collect();
    assert_eq!(words, ["wan", "pppoe", "pppoe-wan", "up"]);
}

#[test]
fn without_netifd_interfaces_says_what_to_do() {
    let root = fixture("ath79-old");
    let output = run(&["interfaces", "--root", root.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains("no ubus") && error.contains("WAN_IFACE"), "{error}");
}

#[test]
fn healthcheck_asks_the_program_that_runs() {
    let program = Program::start(&fixture("ath79-old"), "PING_TARGETS=\"\"\nTOKEN=\"s3cret\"");
    let program_port = program.port;
    let port = program_port.to_string();
    let asked = run(&["healthcheck", "--api-port", &port, "--listen", "127.0.0.1"]);
    assert!(asked.status.success(), "no token is needed: {}", text(&asked.stderr));
    assert_eq!(text(&asked.stdout), format!("http://127.0.0.1:{port} answers\n"));

    drop(program);
    let other = TcpListener::bind(("127.0.0.1", program_port)).unwrap();
    let answering = std::thread::spawn(move || {
        let (mut client, _) = other.accept().unwrap();
        let asked = BufReader::new(&client).lines().map_while(Result::ok);
        assert_eq!(asked.take_while(|line| !line.is_empty()).count(), 3);
        client.write_all(b"HTTP/1.0 200 OK\r\n\r\n{\"realtime\":{}}").unwrap();
    });
    let asked = run(&["healthcheck", "--api-port", &port, "--listen", "127.0.0.1"]);
    answering.join().unwrap();
    let error = text(&asked.stderr);
    assert!(error.contains("answered by another program"), "{error}");

    let asked = run(&["healthcheck", "--api-port", &port, "--listen", "127.0.0.1"]);
    assert_eq!(asked.status.code(), Some(1));
    let error = text(&asked.stderr);
    assert!(error.contains(&format!("http://127.0.0.1:{port} does not answer")), "{error}");
}

#[test]
fn line_asks_the_program_that_runs_with_its_token() {
    let settings = "PING_TARGETS=\"127.0.0.1 127.0.0.2@international\"\nTOKEN=\"s3cret\"";
    let program = Program::start(&fixture("prx-stick"), settings);
    let port = program.port.to_string();
    let ask = |token: &str| {
        run(&["line", "--api-port", &port, "--listen", "127.0.0.1", "--token", token])
    };
    let line = || serde_json::from_slice(&ask("s3cret").stdout).unwrap_or(Value::Null);
    until("light and pings", || {
        let line = line();
        line["light"].is_object() && line["ping"][1]["rtt"].is_number()
    });
    let line = line();
    let expected = json!({"source": "eeprom", "rx": -19.3, "tx": 2.4, "signal": true,
        "low_alarm": -30.0, "low_warning": -28.2, "high_warning": -8.0, "high_alarm": -7.0});
    assert_eq!(line["light"], expected, "{line}");
    assert_eq!(
        (&line["ping"][1]["scope"], &line["ping"][1]["loss"]),
        (&json!("international"), &json!(0.0))
    );
    assert_eq!(
        (&line["version"], &line["internet"]),
        (&json!(env!("CARGO_PKG_VERSION")), &json!("up"))
    );
    assert_eq!((&line["outages"], &line["events"][0]["type"]), (&json!([]), &json!("router_boot")));
    assert!(!line.to_string().contains("s3cret"), "{line}");

    let refused = ask("wrong");
    assert_eq!(refused.status.code(), Some(1));
    let error = text(&refused.stderr);
    assert!(error.contains("answers with status 401"), "{error}");
}

#[test]
fn help_names_every_setting() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    let help = text(&output.stdout);
    for setting in &netmonitor_exporter::config::settings::SETTINGS {
        assert!(help.contains(&format!("--{}", setting.flag())), "{help}");
    }
}
