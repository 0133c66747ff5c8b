//! Settings as people write them, good and bad.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;

use super::settings::SETTINGS;
use super::*;
use crate::roots::Roots;

/// What comes of a file with this text, on a device without one of its own.
fn load_text(text: &str) -> Result<Loaded, Problems> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("netmonitor.conf");
    std::fs::write(&file, text).unwrap();
    load(&Layers { files: vec![file], ..Layers::default() }, &Roots::new(dir.path()))
}

fn config(text: &str) -> Config {
    load_text(text).unwrap().config
}

/// The one problem of a file, without the file's name.
#[track_caller]
fn check_problem(line: &str, expected: &str) {
    let Problems(problems) = load_text(line).unwrap_err();
    assert_eq!(problems.len(), 1, "{line}: {problems:?}");
    let (_, problem) = problems[0].split_once(".conf ").unwrap();
    assert!(problem.contains(expected), "{line}: {problem}");
    assert!(problem.starts_with("line 1: "), "{line}: {problem}");
}

#[test]
fn defaults_are_good_and_as_documented() {
    let config = config("");
    assert_eq!((config.port, config.listen[0].to_string()), (8321, "0.0.0.0".into()));
    assert_eq!(config.wan_names, ["wan"]);
    assert!(!config.wan_chosen);
    assert_eq!(config.pppoe_device.as_deref(), Some("pppoe-wan"));
    assert_eq!(
        config.targets,
        [
            Target { host: "223.5.5.5".into(), scope: Scope::Domestic },
            Target { host: "8.8.8.8".into(), scope: Scope::International },
        ]
    );
    assert_eq!(config.wan_poll_interval, Some(Duration::from_secs(30)));
}

#[test]
fn the_default_wan_is_no_choice_wherever_it_stands() {
    assert!(!config("WAN_IFACE=\"wan\"").wan_chosen);
    assert!(config("WAN_IFACE=\"wan2\"").wan_chosen);
}

#[test]
fn the_old_default_targets_become_the_new_ones_with_a_notice() {
    let loaded = load_text("PING_TARGETS=\"223.5.5.5 8.8.8.8\"").unwrap();
    assert_eq!(loaded.config.targets[1].scope, Scope::International);
    assert!(loaded.warnings[0].contains("the old default is read as"), "{:?}", loaded.warnings);
}

#[test]
fn flag_wins_over_environment_over_later_file_over_earlier_file() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("a"), dir.path().join("b"));
    std::fs::write(&first, "API_PORT=1\nMAX_EVENTS=1\nLOG_LEVEL=1\nLISTEN=127.0.0.1\n").unwrap();
    std::fs::write(&second, "API_PORT=2\nMAX_EVENTS=2\nLOG_LEVEL=2\n").unwrap();
    let layers = Layers {
        files: vec![first, second],
        environment: BTreeMap::from([
            ("NETMONITOR_API_PORT".into(), "3".into()),
            ("NETMONITOR_MAX_EVENTS".into(), "3".into()),
        ]),
        flags: BTreeMap::from([("API_PORT", "4".into())]),
    };
    let config = load(&layers, &Roots::new(dir.path())).unwrap().config;
    assert_eq!((config.port, config.max_events, config.log_level), (4, 3, LogLevel::Warn));
    assert_eq!(config.listen[0].to_string(), "127.0.0.1");
}

#[test]
fn every_key_with_a_wrong_type_is_refused_with_place_and_reason() {
    check_problem("ENABLED=yes", "expected 0 or 1");
    check_problem("WAN_IFACE=", "expected an interface name");
    check_problem("WAN_IFACE=../../etc", "not an interface name");
    check_problem("LOG_SOURCE=logread,none", "none stands alone");
    check_problem("LOG_SOURCE=file:/1,file:/2,file:/3,file:/4,file:/5", "at most 4 sources");
    check_problem("PPPOE_IFACE=..", "not an interface name");
    check_problem("API_PORT=65536", "expected a port number");
    check_problem("API_PORT=", "the default is \"8321\"");
    check_problem("LISTEN=0.0.0.0:8321", "not an IP address");
    check_problem("LISTEN=", "at least one address");
    check_problem("ALLOWED_IPS=192.168.1.0/33", "not an address or network");
    check_problem("TOKEN='a b'", "printable ASCII");
    check_problem("TOKEN_FILE=/nowhere/token", "cannot be read");
    check_problem("TOKEN_FILE=/dev/zero", "not an ordinary file");
    check_problem("PING_TARGETS=1.2.3.400", "not an address or a host name");
    check_problem("PING_TARGETS=1.1.1.1@mars", "expected @domestic or @international");
    check_problem("PING_TARGETS='1.1.1.1 1.1.1.1@international'", "named twice");
    check_problem("PING_TARGETS=-", "not an address");
    check_problem("PING_INTERVAL=0.1", "expected seconds, 0.2 to 600");
    check_problem("PING_INTERVAL=NaN", "expected seconds");
    check_problem("PING_TIMEOUT=-1", "expected seconds, 0.1 to 10");
    check_problem("PING_GATEWAY=2", "expected 0 or 1");
    check_problem("DNS_NAME='a b'", "not an address or a host name");
    check_problem("MAX_EVENTS=0", "expected 1 to 10000");
    check_problem("QUEUE_FILE=events.json", "begins with \"/\"");
    check_problem("LOG_SOURCE=syslog", "expected auto, logread");
    check_problem("LOG_LEVEL=5", "expected 0 (off)");
    check_problem("WAN_POLL_INTERVAL=0.5", "expected seconds, 1 to 86400");
    check_problem("OPTICAL_SOURCE=laser", "expected auto, eeprom");
    check_problem("OPTICAL_SOURCE=command:ont", "whole path");
    check_problem("TEMP_SOURCE=", "a sensor's name");
    check_problem("LCP_RTT_FILE=rtt", "begins with \"/\"");
    check_problem("DISABLE=everything", "expected some of");
}

#[test]
fn all_problems_come_at_once() {
    let text = "API_PORT=x\nTOKEN=$(a)\nLOG_LEVEL=x\nLISTEN=x\n";
    let Problems(problems) = load_text(text).unwrap_err();
    assert_eq!(problems.len(), 4, "{problems:?}");
}

#[test]
fn a_mapped_address_is_the_ipv4_one() {
    let allowed =
        config("ALLOWED_IPS='::ffff:192.0.2.9 ::ffff:198.51.100.0/120 2001:db8::/32'").allowed;
    let shown: Vec<String> = allowed.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["192.0.2.9/32", "198.51.100.0/24", "2001:db8::/32"]);
}

#[test]
fn an_unknown_key_is_named_with_its_nearest() {
    let loaded = load_text("PING_TARGET=1.1.1.1\nCOLOUR=red\n").unwrap();
    assert!(loaded.warnings[0].ends_with("unknown key PING_TARGET; did you mean PING_TARGETS?"));
    assert!(loaded.warnings[1].ends_with("unknown key COLOUR"));
}

#[test]
fn a_file_that_is_for_something_else_is_said_so_in_few_words() {
    let text = format!("{}{}=\n", "COLOUR=1\n".repeat(5000), "A".repeat(5000));
    let warnings = load_text(&text).unwrap().warnings;
    assert_eq!(warnings.len(), 21);
    assert!(warnings[20].ends_with(": 4981 more unknown keys; is this the right file?"));
    let long = load_text(&format!("{}=", "A".repeat(5000))).unwrap().warnings;
    assert!(long[0].ends_with(&format!("unknown key {}", "A".repeat(40))), "{long:?}");
}

#[test]
fn a_named_file_has_to_be_there_and_ordinary() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().join("nothing"), dir.path().to_owned(), PathBuf::from("/dev/zero")] {
        let layers = Layers { files: vec![path.clone()], ..Layers::default() };
        let problem = load(&layers, &Roots::new("/")).unwrap_err().to_string();
        assert!(problem.starts_with(&path.display().to_string()), "{problem}");
    }
}

#[test]
fn a_secret_stays_out_of_messages() {
    let problem = load_text("TOKEN='my secret'").unwrap_err().to_string();
    assert!(!problem.contains("secret'") && problem.contains("********"), "{problem}");
}

#[test]
fn a_token_file_is_read_and_excludes_a_token() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "hunter2\n").unwrap();
    let loaded = load_text(&format!("TOKEN_FILE={}", file.display())).unwrap();
    assert_eq!(loaded.config.token.as_ref().map(Token::reveal), Some("hunter2"));
    assert!(loaded.warnings[0].contains("everyone can read it"), "{:?}", loaded.warnings);
    let problem = load_text(&format!("TOKEN=a\nTOKEN_FILE={}", file.display())).unwrap_err();
    assert!(problem.to_string().contains("keep one of them"), "{problem}");
}

#[test]
fn every_setting_is_read_by_the_checker() {
    // A value that is wrong for every kind of setting: only free text may take it.
    for setting in &SETTINGS {
        let result = load_text(&format!("{}=' \u{2603} '", setting.key));
        assert!(result.is_err() || setting.key == "TEMP_SOURCE", "{} is not checked", setting.key);
    }
}

proptest! {
    #[test]
    fn any_value_of_any_setting_is_read_or_refused(at in 0..SETTINGS.len(), value in ".{0,40}") {
        let flags = BTreeMap::from([(SETTINGS[at].key, value)]);
        let _ = load(&Layers { flags, ..Layers::default() }, &Roots::new("/nowhere")).is_ok();
    }

    #[test]
    fn any_interval_in_its_range_is_taken(tenths in 2..6000_u64) {
        let seconds = Duration::from_millis(tenths * 100);
        let text = format!("PING_INTERVAL={}", seconds.as_secs_f64());
        prop_assert!(config(&text).ping_interval.abs_diff(seconds) < Duration::from_micros(1));
    }
}
