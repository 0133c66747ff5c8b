//! What a fuzzer calls with settings: `ROUTERS_FILE`, and the environment.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::routers::{MAX_ROUTERS, parse};
use super::settings::SETTINGS;
use super::{Layers, load};
use crate::routers::Router;

/// In the seeds; whatever message has it gives a token away.
const SECRET: &str = "hunter2";
const DEFAULT: Duration = Duration::from_secs(60);

/// A list of routers is read or refused. What is accepted is within bounds, and is the same
/// when it is written and read again.
///
/// # Panics
/// When that is not so.
pub fn routers_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // It names a file of this machine.
    if text.contains("token_file") || text.contains('\\') {
        return;
    }
    match parse(text, DEFAULT) {
        Ok(routers) => {
            check(&routers);
            let written = written(&routers);
            assert_eq!(parse(&written, DEFAULT).as_ref(), Ok(&routers), "{written}");
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            // A line of its own, and not one of a text of several.
            let token = format!("token = \"{SECRET}\"");
            let is_secret = text.matches(SECRET).count() == 1
                && text.lines().any(|line| line == token)
                && ["\"\"\"", "'''"].iter().all(|quotes| !text.contains(quotes));
            let is_told = problems.iter().any(|problem| problem.contains(SECRET));
            assert!(!(is_secret && is_told), "{problems:?}");
        }
    }
}

fn check(routers: &[Router]) {
    assert!((1..=MAX_ROUTERS).contains(&routers.len()));
    for (at, router) in routers.iter().enumerate() {
        let is_alike = |other: &Router| {
            other.name.eq_ignore_ascii_case(&router.name) || other.url == router.url
        };
        assert!(!routers[..at].iter().any(is_alike), "{router:?}");
        for (name, value) in &router.labels {
            assert!(!name.is_empty() && !name.starts_with("__") && name != "router", "{router:?}");
            assert!((1..=200).contains(&value.len()), "{router:?}");
        }
        assert!((1..=253).contains(&router.name.len()), "{router:?}");
        assert!(router.url.starts_with("http://") && !router.url.ends_with('/'), "{router:?}");
        let seconds = router.poll_interval.as_secs_f64();
        assert!((1.0..=86_400.0).contains(&seconds), "{router:?}");
        assert!(router.token.as_ref().is_none_or(|token| !token.reveal().is_empty()));
    }
}

fn written(routers: &[Router]) -> String {
    // A text of JSON is one of TOML, but for this character.
    let quoted =
        |text: &str| serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f");
    let mut file = String::new();
    for router in routers {
        let (name, url) = (quoted(&router.name), quoted(&router.url));
        let seconds = router.poll_interval.as_secs_f64();
        // Writing into a text cannot fail.
        let _ = writeln!(file, "[[router]]\nname = {name}\nurl = {url}");
        let _ = writeln!(file, "poll_interval = {seconds:?}");
        if let Some(token) = &router.token {
            let _ = writeln!(file, "token = {}", quoted(token.reveal()));
        }
        let labels: Vec<String> = router
            .labels
            .iter()
            .map(|(name, value)| format!("{} = {}", quoted(name), quoted(value)))
            .collect();
        let _ = writeln!(file, "labels = {{ {} }}", labels.join(", "));
    }
    file
}

/// Variables of the environment, one a line.
///
/// # Panics
/// When what is accepted is out of bounds.
pub fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    // Those name files of this machine.
    let known = |name: &str| {
        !name.ends_with("_FILE") && SETTINGS.iter().any(|setting| setting.name == name)
    };
    let pairs = pairs.filter(|(name, _)| known(name));
    let environment: BTreeMap<String, String> =
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let layers = Layers { environment, ..Layers::default() };
    super::log_level(&layers);
    match load(&layers) {
        Ok(loaded) => {
            let config = loaded.config;
            check(&config.routers);
            let retention = config.retention;
            assert!((2..=36_500).contains(&retention.rows_days), "{retention:?}");
            assert!(retention.rows_days <= retention.hours_days, "{retention:?}");
            assert!(retention.max_bytes.is_none_or(|bytes| bytes >= 1 << 20), "{retention:?}");
            for token in config.read_token.iter().chain(&config.api_token) {
                assert!(!token.is_empty() && !token.contains(char::is_whitespace));
            }
        }
        Err(problems) => {
            let is_secret = text.matches(SECRET).count() == 1
                && ["READ_TOKEN", "API_TOKEN", "ROUTER_TOKEN"]
                    .iter()
                    .any(|name| layers.environment.get(*name).is_some_and(|t| t.contains(SECRET)));
            assert!(!is_secret || !problems.to_string().contains(SECRET), "{problems}");
        }
    }
}
