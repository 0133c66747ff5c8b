//! Settings as users write them.

use super::*;

fn layers(values: &[(&str, &str)]) -> Layers {
    let environment =
        values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Layers { environment, ..Layers::default() }
}

#[test]
fn one_router_is_enough() {
    let loaded = load(&layers(&[("ROUTER_IP", "192.168.1.1")])).unwrap();
    let config = loaded.config;
    assert_eq!(config.routers[0].url, "http://192.168.1.1:8321");
    assert_eq!(config.routers[0].poll_interval, Duration::from_secs(60));
    assert_eq!(config.database.to_string(), "./data/netmonitor.db");
    assert_eq!(config.listen.to_string(), "0.0.0.0:5000");
    assert!(config.read_token.is_none());
}

#[test]
fn old_names_still_work_and_new_ones_win() {
    let values = [("ROUTER_IP", "r"), ("FLASK_HOST", "127.0.0.1"), ("FLASK_PORT", "5001")];
    let old = load(&layers(&[&values[..], &[("FLASK_DEBUG", "True")]].concat())).unwrap();
    assert_eq!(old.config.listen.to_string(), "127.0.0.1:5001");
    assert!(old.notices[0].contains("FLASK_DEBUG"));
    let new = load(&layers(&[&values[..], &[("BRIDGE_PORT", "6000")]].concat())).unwrap();
    assert_eq!(new.config.listen.to_string(), "127.0.0.1:6000");
    let database = ("SQLITE_DB", "sqlite:////var/lib/nm.db");
    let url = load(&layers(&[values[0], database])).unwrap();
    assert_eq!(url.config.database.to_string(), "/var/lib/nm.db");
}

#[test]
fn the_log_has_a_level_before_the_settings_are_good() {
    assert_eq!(log_level(&layers(&[("LOG_LEVEL", "debug")])), LevelFilter::DEBUG);
    assert_eq!(log_level(&layers(&[("LOG_LEVEL", "loud")])), LevelFilter::INFO);
    let mut flags = layers(&[("LOG_LEVEL", "debug")]);
    flags.flags.insert("LOG_LEVEL", "off".to_owned());
    assert_eq!(log_level(&flags), LevelFilter::OFF);
}

#[test]
fn a_flag_wins_over_the_environment() {
    let mut layers = layers(&[("ROUTER_IP", "a")]);
    layers.flags.insert("ROUTER_IP", "b".to_owned());
    assert_eq!(load(&layers).unwrap().config.routers[0].name, "b");
}

#[test]
fn all_problems_are_said_at_once() {
    let problems = load(&layers(&[
        ("BRIDGE_HOST", "everywhere"),
        ("BRIDGE_PORT", "70000"),
        ("POLL_INTERVAL", "0"),
        ("PUBLIC_URL", "nas.local"),
        ("ROUTER_TOKEN", "a"),
        ("ROUTER_TOKEN_FILE", "/b"),
        ("READ_TOKEN_FILE", "/nowhere"),
        ("SQLITE_DB", "postgres://x"),
        ("LOG_LEVEL", "loud"),
    ]))
    .unwrap_err()
    .to_string();
    for part in [
        "no router: set ROUTER_IP",
        "BRIDGE_HOST \"everywhere\": expected an address",
        "BRIDGE_PORT \"70000\"",
        "POLL_INTERVAL \"0\": expected 1 to 86400 seconds",
        "PUBLIC_URL \"nas.local\"",
        "ROUTER_TOKEN and ROUTER_TOKEN_FILE",
        "READ_TOKEN_FILE \"/nowhere\"",
        "SQLITE_DB \"postgres://x\"",
        "LOG_LEVEL \"loud\": expected off, error",
    ] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
}

#[test]
fn secrets_come_from_files() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "s3cret\n").unwrap();
    let path = file.path().display().to_string();
    let values = [("ROUTER_IP", "r"), ("READ_TOKEN_FILE", path.as_str())];
    assert_eq!(load(&layers(&values)).unwrap().config.read_token.as_deref(), Some("s3cret"));
    std::fs::write(file.path(), "two words").unwrap();
    assert!(load(&layers(&values)).unwrap_err().to_string().contains("one word"));
}

#[test]
fn what_is_kept_has_sensible_bounds() {
    let with = |name, value| load(&layers(&[("ROUTER_IP", "r"), (name, value)]));
    let retention = |name, value| with(name, value).unwrap().config.retention;
    for (text, bytes) in [("1048576", 1 << 20), ("500M", 500 << 20), ("2 GB", 2 << 30)] {
        assert_eq!(retention("MAX_DB_SIZE", text).max_bytes, Some(bytes), "{text}");
    }
    assert_eq!(retention("MAX_DB_SIZE", "").max_bytes, None);
    assert_eq!(retention("CLEANUP_TIME", "23:59").at, jiff::civil::time(23, 59, 0, 0));
    for (name, value) in [
        ("MAX_DB_SIZE", "1K"),
        ("MAX_DB_SIZE", "99999999999999G"),
        ("MAX_DB_SIZE", "-5M"),
        ("MAX_DB_SIZE", "5 apples"),
        ("RETENTION_DAYS", "1"),
        ("RETENTION_DAYS", "800"),
        ("HOURLY_RETENTION_DAYS", "7"),
        ("CLEANUP_TIME", "25:00"),
        ("CLEANUP_TIME", "3"),
    ] {
        assert!(with(name, value).is_err(), "{name}={value}");
    }
}
