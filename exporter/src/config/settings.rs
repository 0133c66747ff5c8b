//! The list of settings: the only place that knows their names.
//!
//! The configuration file, the environment (`NETMONITOR_<KEY>`) and the flags are all
//! read by this list, `check-config` prints it, and a test holds
//! `docs/configuration.md` to it.

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// As it stands in the file.
    pub key: &'static str,
    /// What is taken when nobody says anything.
    pub default: &'static str,
    /// One line for `--help`.
    pub help: &'static str,
    /// When a change read on `SIGHUP` takes effect.
    pub takes_effect: TakesEffect,
    /// Who may see the value.
    pub shown: Shown,
}

/// When a changed value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakesEffect {
    /// At the next `SIGHUP`.
    OnReload,
    /// When the program is started again.
    OnRestart,
}

/// Who may see a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Everyone.
    Plainly,
    /// Nobody: printed as asterisks.
    Never,
    /// Its first word: what follows the program of a `command:` may hold a password.
    WithoutArguments,
}

impl Setting {
    /// `--ping-targets`, without the dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.key.to_ascii_lowercase().replace('_', "-")
    }

    /// `NETMONITOR_PING_TARGETS`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{ENVIRONMENT_PREFIX}{}", self.key)
    }

    /// The value as it may be printed and logged.
    #[must_use]
    pub fn display<'v>(&self, value: &'v str) -> std::borrow::Cow<'v, str> {
        match self.shown {
            Shown::Never if !value.is_empty() => "********".into(),
            Shown::WithoutArguments => match value.trim().split_once(char::is_whitespace) {
                Some((program, _)) => format!("{program} …").into(),
                None => value.into(),
            },
            Shown::Never | Shown::Plainly => value.into(),
        }
    }

    const fn new(key: &'static str, default: &'static str, help: &'static str) -> Self {
        let takes_effect = TakesEffect::OnReload;
        Self { key, default, help, takes_effect, shown: Shown::Plainly }
    }

    const fn on_restart(mut self) -> Self {
        self.takes_effect = TakesEffect::OnRestart;
        self
    }

    const fn shown(mut self, shown: Shown) -> Self {
        self.shown = shown;
        self
    }
}

/// Before the key, in the environment.
pub const ENVIRONMENT_PREFIX: &str = "NETMONITOR_";

/// The old default of `PING_TARGETS`; files that still carry it get the new one.
pub(super) const OLD_PING_TARGETS: &str = "223.5.5.5 8.8.8.8";

/// Every setting, in the order of the file.
pub const SETTINGS: [Setting; 22] = [
    Setting::new("ENABLED", "1", "0: not started").on_restart(),
    Setting::new("WAN_IFACE", "wan", "netifd interface or device of the WAN; wan,eth1 names both"),
    Setting::new("PPPOE_IFACE", "pppoe-wan", "PPPoE device; empty: no PPPoE"),
    Setting::new("API_PORT", "8321", "port to answer on; 0: any free one").on_restart(),
    Setting::new("LISTEN", "0.0.0.0", "addresses to answer on").on_restart(),
    Setting::new("ALLOWED_IPS", "", "addresses or networks that may ask; empty: all"),
    Setting::new("TOKEN", "", "token that a request has to carry").shown(Shown::Never),
    Setting::new("TOKEN_FILE", "", "file that holds the token"),
    Setting::new("PING_TARGETS", "223.5.5.5 8.8.8.8@international", "addresses or names to ping"),
    Setting::new("PING_INTERVAL", "1", "seconds between pings, at least 0.2"),
    Setting::new("PING_TIMEOUT", "1", "seconds after which a ping is lost"),
    Setting::new("PING_GATEWAY", "1", "1: also ping the default gateway or PPP peer"),
    Setting::new("DNS_NAME", "", "name to look up every 10 s; empty: none"),
    Setting::new("MAX_EVENTS", "200", "events kept for readers, 1 to 10000"),
    Setting::new("QUEUE_FILE", "/tmp/net_events.json", "file that keeps the events").on_restart(),
    Setting::new("LOG_SOURCE", "auto", "auto, logread, file:/path, kmsg, none; comma list"),
    Setting::new("LOG_LEVEL", "3", "our own log: 0 off, 1 error, 2 warn, 3 info, 4 debug"),
    Setting::new("WAN_POLL_INTERVAL", "30", "seconds between checks of the WAN; 0: on change only"),
    Setting::new("OPTICAL_SOURCE", "auto", "auto, eeprom, hwmon, gpon, ubus, command:…, none")
        .shown(Shown::WithoutArguments),
    Setting::new("TEMP_SOURCE", "auto", "auto, a zone type or hwmon name, a path, none"),
    Setting::new("LCP_RTT_FILE", "", "pppd's lcp-rtt-file, if it writes one"),
    Setting::new("DISABLE", "", "collectors, probes and log sources to leave out, by name"),
];

/// The setting of that name.
#[must_use]
pub fn setting(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The known key that an unknown one most likely means.
#[must_use]
pub fn nearest_key(unknown: &str) -> Option<&'static str> {
    let unknown = unknown.to_ascii_uppercase();
    let most = |key: &str| key.len() / 3 + 1;
    SETTINGS
        .iter()
        .map(|setting| setting.key)
        // What differs by more in length is not worth the comparison.
        .filter(|key| key.len().abs_diff(unknown.len()) <= most(key))
        .map(|key| (strsim::damerau_levenshtein(key, &unknown), key))
        .min()
        .filter(|(distance, key)| *distance <= most(key))
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_recognised() {
        assert_eq!(nearest_key("PING_TARGET"), Some("PING_TARGETS"));
        assert_eq!(nearest_key("wan_iface"), Some("WAN_IFACE"));
        assert_eq!(nearest_key("API_PROT"), Some("API_PORT"));
        assert_eq!(nearest_key("SOMETHING_ELSE"), None);
    }

    #[test]
    fn secrets_are_not_printed() {
        let show = |key, value| setting(key).unwrap().display(value).into_owned();
        assert_eq!(show("TOKEN", "hunter2"), "********");
        assert_eq!(show("TOKEN", ""), "");
        assert_eq!(show("OPTICAL_SOURCE", "command:/bin/ont -p secret"), "command:/bin/ont …");
        assert_eq!(show("OPTICAL_SOURCE", " comand:/bin/ont -p secret"), "comand:/bin/ont …");
        assert_eq!(show("OPTICAL_SOURCE", "auto"), "auto");
        assert_eq!(show("LISTEN", "0.0.0.0 ::"), "0.0.0.0 ::");
    }
}
