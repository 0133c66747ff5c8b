//! Puts the layers of settings together and reads the files.
//!
//! Flag before environment before files before default; a later file before an earlier
//! one. What comes of it is checked in `check.rs`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::check::Checker;
use super::settings::{self, SETTINGS, Setting};
use super::{Config, DEFAULT_FILE, file};
use crate::roots::Roots;

/// Of a file that is for something else; more are counted.
const MAX_UNKNOWN: usize = 20;

/// Where settings come from, before anything is read.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// Named files, the later ones win; empty: [`DEFAULT_FILE`].
    pub files: Vec<PathBuf>,
    /// `NETMONITOR_…` variables.
    pub environment: BTreeMap<String, String>,
    /// Flags, by key.
    pub flags: BTreeMap<&'static str, String>,
}

/// A value and where it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// As typed, without quotes.
    pub value: String,
    /// By whom.
    pub origin: Origin,
}

/// Where a value was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere.
    Default,
    /// In a file.
    File(PathBuf, usize),
    /// In the environment.
    Environment,
    /// On the command line.
    Flag,
}

/// A configuration that may be used, and what the user should know about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The same as typed, for `check-config` and `doctor`.
    pub given: BTreeMap<&'static str, Given>,
    /// Not wrong, but worth a word.
    pub warnings: Vec<String>,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Problems {}

impl Given {
    /// The value and its place, as the beginning of a message.
    #[must_use]
    pub fn describe(&self, setting: &Setting) -> String {
        let value = setting.display(&self.value);
        match &self.origin {
            Origin::Default => format!("{} \"{value}\"", setting.key),
            Origin::File(path, line) => {
                format!("{} line {line}: {}=\"{value}\"", path.display(), setting.key)
            }
            Origin::Environment => format!("{}=\"{value}\"", setting.variable()),
            Origin::Flag => format!("--{} \"{value}\"", setting.flag()),
        }
    }
}

/// Reads all layers and checks the result.
///
/// # Errors
/// All problems at once, each with its place and a remedy.
pub fn load(layers: &Layers, roots: &Roots) -> Result<Loaded, Problems> {
    let mut layered = Layered::default();
    if layers.files.is_empty() && roots.has(DEFAULT_FILE) {
        layered.take_file(Path::new(DEFAULT_FILE), &roots.resolve(DEFAULT_FILE));
    }
    for path in &layers.files {
        layered.take_file(path, path);
    }
    for (name, value) in &layers.environment {
        layered.take_variable(name, value);
    }
    for (key, value) in &layers.flags {
        layered.given.insert(key, Given { value: value.clone(), origin: Origin::Flag });
    }
    layered.check()
}

/// The layers that have been read, the defaults first.
pub(super) struct Layered {
    given: BTreeMap<&'static str, Given>,
    warnings: Vec<String>,
    problems: Vec<String>,
}

impl Default for Layered {
    fn default() -> Self {
        let default = |setting: &Setting| {
            let value = setting.default.to_owned();
            (setting.key, Given { value, origin: Origin::Default })
        };
        let given = SETTINGS.iter().map(default).collect();
        Self { given, warnings: Vec::new(), problems: Vec::new() }
    }
}

impl Layered {
    /// Reads one file; `named` is how the user knows it, `path` where it is.
    fn take_file(&mut self, named: &Path, path: &Path) {
        match read_settings_file(path) {
            Ok(bytes) => self.take_bytes(named, &bytes),
            Err(reason) => self.problems.push(format!("{}: {reason}", named.display())),
        }
    }

    /// Takes what a file holds.
    pub(super) fn take_bytes(&mut self, named: &Path, bytes: &[u8]) {
        let place = named.display();
        let file::Parsed { assignments, errors } = file::parse(bytes);
        self.problems.extend(errors.iter().map(|error| format!("{place} {error}")));
        let mut unknown: usize = 0;
        for file::Assignment { line, key, value } in assignments {
            if let Some(setting) = settings::setting(&key) {
                let origin = Origin::File(named.to_owned(), line);
                self.given.insert(setting.key, Given { value, origin });
                continue;
            }
            unknown += 1;
            if unknown <= MAX_UNKNOWN {
                let hint = settings::nearest_key(&key)
                    .map_or(String::new(), |nearest| format!("; did you mean {nearest}?"));
                let key: String = key.chars().take(40).collect();
                self.warnings.push(format!("{place} line {line}: unknown key {key}{hint}"));
            }
        }
        if let Some(more @ 1..) = unknown.checked_sub(MAX_UNKNOWN) {
            self.warnings
                .push(format!("{place}: {more} more unknown keys; is this the right file?"));
        }
    }

    fn take_variable(&mut self, name: &str, value: &str) {
        let Some(key) = name.strip_prefix(settings::ENVIRONMENT_PREFIX) else {
            return;
        };
        match settings::setting(key) {
            Some(setting) => {
                let value = value.to_owned();
                self.given.insert(setting.key, Given { value, origin: Origin::Environment });
            }
            None => self.warnings.extend(settings::nearest_key(key).map(|nearest| {
                format!("environment: {name} is not a setting; NETMONITOR_{nearest} is")
            })),
        }
    }

    /// Checks what has been given.
    pub(super) fn check(self) -> Result<Loaded, Problems> {
        let Self { given, warnings, problems } = self;
        let mut checker = Checker::new(&given, problems, warnings);
        let config = checker.config();
        let (problems, warnings) = checker.finish();
        if problems.is_empty() {
            Ok(Loaded { config, given, warnings })
        } else {
            Err(Problems(problems))
        }
    }
}

/// The bytes of a file that settings name. A pipe or a device would hold the start up, or
/// never end.
pub(super) fn read_settings_file(path: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let describe = |error: std::io::Error| format!("cannot be read: {error}");
    let kind = std::fs::metadata(path).map_err(describe)?.file_type();
    if !kind.is_file() {
        return Err("is not an ordinary file".to_owned());
    }
    let limit = file::MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(describe)?;
    file.take(limit).read_to_end(&mut bytes).map_err(describe)?;
    Ok(bytes)
}
