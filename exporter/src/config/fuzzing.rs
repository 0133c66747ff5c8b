//! What a fuzzer calls with `/etc/netmonitor.conf`.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Config, Given, Loaded, LogSource, Problems, file, load, settings};

/// In the seeds; whatever message has it gives a token away.
const SECRET: &str = "hunter2";

/// A file is read or refused. What is accepted is within bounds, and is the same when it is
/// written as a shell would and read again.
///
/// # Panics
/// When that is not so.
pub fn config_file(bytes: &[u8]) {
    let assignments = file::parse(bytes).assignments;
    // It names a file of this machine.
    if assignments.iter().any(|one| one.key == "TOKEN_FILE") {
        return;
    }
    let read = load_bytes(bytes);
    let has_secret = |text: &[u8]| occurrences(text) == 1;
    let line = |number: usize| bytes.split(|byte| *byte == b'\n').nth(number - 1);
    // In these letters and nowhere else: quotes may part it as well.
    let is_there = |one: &file::Assignment| {
        one.value.contains(SECRET) && line(one.line).is_some_and(has_secret)
    };
    let (tokens, others): (Vec<_>, Vec<_>) = assignments.iter().partition(|one| one.key == "TOKEN");
    let is_secret = has_secret(bytes)
        && tokens.into_iter().any(is_there)
        && others.iter().all(|one| !one.value.contains(SECRET));
    let said = match &read {
        Ok(loaded) => &loaded.warnings,
        Err(problems) => &problems.0,
    };
    assert!(said.len() <= 64, "{} messages", said.len());
    assert!(!is_secret || said.iter().all(|line| !line.contains(SECRET)), "{said:?}");
    if let Ok(loaded) = read {
        check(&loaded.config);
        let written = written(&loaded.given);
        if written.len() > file::MAX_BYTES {
            return;
        }
        let again = load_bytes(written.as_bytes()).map(|again| again.config);
        assert_eq!(again.as_ref(), Ok(&loaded.config), "{written}");
    }
}

fn load_bytes(bytes: &[u8]) -> Result<Loaded, Problems> {
    let mut layered = load::Layered::default();
    layered.take_bytes(Path::new("f"), bytes);
    layered.check()
}

fn occurrences(bytes: &[u8]) -> usize {
    bytes.windows(SECRET.len()).filter(|window| *window == SECRET.as_bytes()).count()
}

/// In single quotes nothing has a meaning but their end.
fn written(given: &BTreeMap<&'static str, Given>) -> String {
    let line =
        |(key, given): (&&str, &Given)| format!("{key}='{}'\n", given.value.replace('\'', "'\\''"));
    given.iter().map(line).collect()
}

fn check(config: &Config) {
    let seconds = config.ping_interval.as_secs_f64();
    assert!((0.2..=600.0).contains(&seconds), "{seconds}");
    let seconds = config.ping_timeout.as_secs_f64();
    assert!((0.1..=10.0).contains(&seconds), "{seconds}");
    assert!((1..=10_000).contains(&config.max_events), "{}", config.max_events);
    assert!((1..=4).contains(&config.wan_names.len()), "{:?}", config.wan_names);
    for name in config.wan_names.iter().chain(&config.pppoe_device) {
        assert!((1..=32).contains(&name.len()) && !name.contains('/') && name != "..", "{name}");
    }
    assert!((1..=16).contains(&config.listen.len()), "{:?}", config.listen);
    assert!(config.targets.len() <= 32, "{:?}", config.targets);
    for (at, target) in config.targets.iter().enumerate() {
        let is_new = config.targets[..at].iter().all(|other| other.host != target.host);
        assert!(is_new && !target.host.starts_with('-'), "{:?}", config.targets);
    }
    for net in &config.allowed {
        assert!(net.prefix_len() <= net.max_prefix_len(), "{net}");
    }
    if let Some(token) = &config.token {
        assert!(token.reveal().bytes().all(|byte| byte.is_ascii_graphic()));
    }
    assert!(config.queue_file.is_absolute(), "{:?}", config.queue_file);
    for source in &config.log_sources {
        assert!(!matches!(source, LogSource::File(path) if !path.is_absolute()), "{source:?}");
    }
    for key in &config.disabled {
        assert!(settings::setting(key).is_none(), "{key}");
    }
}
