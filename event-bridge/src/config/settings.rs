//! The list of all settings: flags, variables, `--help` and `docs/bridge.md` come from here.

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The environment variable; the flag is made of it.
    pub(crate) name: &'static str,
    pub(crate) default: &'static str,
    pub(crate) help: &'static str,
}

const fn setting(name: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { name, default, help }
}

/// In the order of the help.
pub(crate) const SETTINGS: &[Setting] = &[
    setting("ROUTER_IP", "", "address or name of the router, if there is one"),
    setting("ROUTER_PORT", "8321", "where its exporter answers"),
    setting("ROUTER_TOKEN", "", "its TOKEN, if it has one"),
    setting("ROUTER_TOKEN_FILE", "", "file that holds it"),
    setting("ROUTERS_FILE", "", "TOML file of several routers, instead of ROUTER_IP"),
    setting("POLL_INTERVAL", "60", "seconds between two samples, at least 1"),
    setting(
        "DATABASE_URL",
        "",
        "a server's database instead of SQLITE_DB: postgres:// or mysql://",
    ),
    setting("DATABASE_URL_FILE", "", "file that holds it"),
    setting("SQLITE_DB", "./data/netmonitor.db", "the database; sqlite:///path is accepted"),
    setting("RETENTION_DAYS", "30", "days that samples, pings and events are kept, at least 2"),
    setting("HOURLY_RETENTION_DAYS", "730", "days that hours, outages and alerts are kept"),
    setting("MAX_DB_SIZE", "", "bytes, or with K, M or G: what is used beyond goes, oldest first"),
    setting("CLEANUP_TIME", "03:00", "local time of the daily clean-up"),
    setting("BRIDGE_HOST", "0.0.0.0", "address to listen on"),
    setting("BRIDGE_PORT", "5000", "port to listen on"),
    setting("FLASK_HOST", "0.0.0.0", "old name of BRIDGE_HOST"),
    setting("FLASK_PORT", "5000", "old name of BRIDGE_PORT"),
    setting("FLASK_DEBUG", "", "ignored"),
    setting("PUBLIC_URL", "", "how this program is reached from outside"),
    setting("READ_TOKEN", "", "asked for on every read"),
    setting("READ_TOKEN_FILE", "", "file that holds it"),
    setting("API_TOKEN", "", "asked for by what writes; without it READ_TOKEN is, if set"),
    setting("API_TOKEN_FILE", "", "file that holds it"),
    setting("CORS_ORIGIN", "", "web page that may read the answers in a browser"),
    setting("GRAFANA_URL", "", "for the link on the page"),
    setting("LOG_LEVEL", "info", "off, error, warn, info, debug or trace"),
];

/// `ROUTER_IP` is `--router-ip`.
pub(crate) fn flag(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

pub(super) fn default(name: &str) -> &'static str {
    SETTINGS.iter().find(|setting| setting.name == name).map_or("", |setting| setting.default)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UPDATE_EXPECT=1` writes the list anew.
    #[test]
    fn every_setting_is_documented_with_its_default() {
        const BEGIN: &str = "<!-- list: begin -->\n";
        const END: &str = "<!-- list: end -->\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/bridge.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let rows = SETTINGS.iter().map(|setting| {
            let default = match setting.default {
                "" => "(empty)".to_owned(),
                default => format!("`{default}`"),
            };
            format!("| `{}` | {default} | {} |\n", setting.name, setting.help)
        });
        let head = "| setting | default | meaning |\n|---|---|---|\n";
        let list: String = rows.collect();
        let expected = [before, BEGIN, head, &list, END, after].concat();
        expect_test::expect_file![path].assert_eq(&expected);
    }

    #[test]
    fn every_setting_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<&str> =
            SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), SETTINGS.len());
        assert_eq!(flag("ROUTER_IP"), "router-ip");
        assert_eq!(default("BRIDGE_PORT"), "5000");
    }
}
