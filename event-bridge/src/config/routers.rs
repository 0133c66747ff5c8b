//! Which routers are polled: the one of `ROUTER_IP`, or those of `ROUTERS_FILE`.
//!
//! ```toml
//! [[router]]
//! name = "home"
//! url = "http://192.168.1.1:8321"
//! token = "…"            # or token_file = "/run/secrets/home"
//! poll_interval = 30
//! [router.labels]
//! site = "berlin"
//! ```
//!
//! What is wrong is said with the line in which the router begins.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::labels::{self, shortened};
use super::{Check, interval, port, read_secret, web_address};
use crate::routers::{Router, Secret};

/// The router of the bridge's own events in the database.
const OURS: &str = "netmonitor-bridge";

/// More than anybody has, and each costs two connections.
pub(super) const MAX_ROUTERS: usize = 5000;

/// So many of them with a token and a dozen labels each.
const MAX_FILE_BYTES: u64 = 8 << 20;

/// DNS has no longer names.
const LONGEST_HOST: usize = 253;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    router: Vec<Spanned<Entry>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    url: String,
    token: Option<String>,
    token_file: Option<String>,
    poll_interval: Option<f64>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// A list of routers that may change while the program runs.
#[derive(Debug, Clone)]
pub(crate) struct RoutersFile {
    path: PathBuf,
    /// Of routers that have none of their own.
    poll_interval: Duration,
}

impl RoutersFile {
    /// The routers that it lists now.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn read(&self) -> Result<Vec<Router>, Vec<String>> {
        let shown = self.path.display();
        let text = read_bounded(&self.path)
            .map_err(|error| vec![format!("ROUTERS_FILE {shown}: {error}")])?;
        parse(&text, self.poll_interval)
            .map_err(|problems| problems.into_iter().map(|p| format!("{shown}: {p}")).collect())
    }
}

/// What is larger is no list, and may have no end.
fn read_bounded(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let length = File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if length as u64 > MAX_FILE_BYTES {
        let reason = format!("is larger than {} MiB", MAX_FILE_BYTES >> 20);
        return Err(std::io::Error::other(reason));
    }
    Ok(text)
}

/// The routers of the settings, and the file that lists them.
pub(super) fn read(check: &mut Check<'_>) -> (Vec<Router>, Option<RoutersFile>) {
    let poll_interval = check.value(&["POLL_INTERVAL"], interval);
    let host = check.value(&["ROUTER_IP"], |text| Ok(text.to_owned()));
    let file = check.value(&["ROUTERS_FILE"], |text| Ok(text.to_owned()));
    let router_port = check.value(&["ROUTER_PORT"], port);
    let token = check.secret("ROUTER_TOKEN");
    let (routers, file) = match (host.as_str(), file.as_str()) {
        ("", "") => {
            check.problem(
                "no router: set ROUTER_IP to its address, or ROUTERS_FILE to a list of several"
                    .to_owned(),
            );
            return (Vec::new(), None);
        }
        (host, "") => {
            let router = one(host, router_port).map(|url| Router {
                name: host.to_owned(),
                url,
                token: token.map(Secret::new),
                labels: BTreeMap::new(),
                poll_interval,
            });
            (router.map(|router| vec![router]).map_err(|problem| vec![problem]), None)
        }
        ("", file) => {
            let file = RoutersFile { path: PathBuf::from(file), poll_interval };
            (file.read(), Some(file))
        }
        _ => {
            check.problem("ROUTER_IP and ROUTERS_FILE are both set; keep one".to_owned());
            return (Vec::new(), None);
        }
    };
    let routers = routers.unwrap_or_else(|problems| {
        problems.into_iter().for_each(|problem| check.problem(problem));
        Vec::new()
    });
    (routers, file)
}

fn one(host: &str, port: u16) -> Result<String, String> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.len() > LONGEST_HOST || !host.chars().all(is_host) || host == OURS {
        return Err(format!("ROUTER_IP \"{host}\": expected an address or a name"));
    }
    let is_v6 = host.parse::<std::net::Ipv6Addr>().is_ok();
    Ok(if is_v6 { format!("http://[{host}]:{port}") } else { format!("http://{host}:{port}") })
}

pub(super) fn parse(text: &str, default: Duration) -> Result<Vec<Router>, Vec<String>> {
    let lines = Lines::of(text);
    let list: List = toml::from_str(text).map_err(|error| {
        // Without the line itself: it may hold a token.
        let start = error.span().map_or(0, |span| span.start);
        vec![format!("line {}: {}", lines.number(start), error.message())]
    })?;
    if list.router.len() > MAX_ROUTERS {
        return Err(vec![format!("{} routers, at most {MAX_ROUTERS}", list.router.len())]);
    }
    let mut problems = Vec::new();
    if list.router.is_empty() {
        problems.push("no [[router]] in it".to_owned());
    }
    let (mut routers, mut known) = (Vec::new(), Known::default());
    for entry in list.router {
        let line = lines.number(entry.span().start);
        let entry = entry.into_inner();
        let name = shortened(&entry.name);
        let mut of_this: Vec<String> = known.name_problem(&entry.name, line).into_iter().collect();
        match entry.into_router(default) {
            Ok(router) => {
                of_this.extend(known.address_problem(&router, line));
                routers.push(router);
            }
            Err(problem) => of_this.push(problem),
        }
        let place = |problem| format!("line {line}, router {name:?}: {problem}");
        problems.extend(of_this.into_iter().map(place));
    }
    if problems.is_empty() { Ok(routers) } else { Err(problems) }
}

/// Where lines end.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// Of what begins at this byte.
    fn number(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at) + 1
    }
}

/// The routers above an entry of the list: their names, and the lines they begin in.
#[derive(Default)]
struct Known {
    by_name: HashMap<String, (String, usize)>,
    by_address: HashMap<String, (String, usize)>,
}

impl Known {
    /// Nobody can tell them apart, or would mean the other one.
    fn name_problem(&mut self, name: &str, line: usize) -> Option<String> {
        let this = (name.to_owned(), line);
        let alike = name.split_whitespace().collect::<String>().to_lowercase();
        let (other, other_line) = self.by_name.insert(alike, this)?;
        let other = shortened(&other);
        Some(if other == shortened(name) {
            format!("the router of line {other_line} has this name too; every router needs its own")
        } else {
            format!(
                "this name differs from {other:?} of line {other_line} in capital letters or \
                 spaces alone; choose one that cannot be mistaken for it"
            )
        })
    }

    /// Everything of it would be asked, stored, counted and told twice.
    fn address_problem(&mut self, router: &Router, line: usize) -> Option<String> {
        let this = (router.name.clone(), line);
        let (other, other_line) = self.by_address.insert(address(&router.url), this)?;
        Some(format!(
            "url: that of router \"{other}\" of line {other_line}, so its outages would count \
             twice; remove one of the two, or mend its url"
        ))
    }
}

/// The same for whatever reaches the same exporter as it is written.
fn address(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let authority = authority.to_ascii_lowercase();
    format!("{}/{path}", authority.strip_suffix(":80").unwrap_or(&authority))
}

/// Of a router, or what it should be.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if text == OURS {
        Err(format!("another one than {OURS}, under which the bridge keeps what it has to tell"))
    } else if !text.is_empty() && text.len() <= 64 && text.chars().all(is_word) {
        Ok(text.to_owned())
    } else {
        Err("1 to 64 letters, digits, - _ . :".to_owned())
    }
}

impl Entry {
    fn into_router(self, default: Duration) -> Result<Router, String> {
        let name = name(&self.name).map_err(|expected| format!("a name is {expected}"))?;
        let token = match (self.token, self.token_file) {
            (Some(_), Some(_)) => return Err("token and token_file; keep one".to_owned()),
            (Some(token), None) => Some(token),
            (None, Some(path)) => {
                let secret = read_secret(&path);
                Some(secret.map_err(|error| format!("token_file {path}: {error}"))?)
            }
            (None, None) => None,
        };
        let token = token.map(|token| token.trim().to_owned());
        let token = token.filter(|token| !token.is_empty()).map(Secret::new);
        let poll_interval = match self.poll_interval {
            Some(seconds) => interval(&seconds.to_string())
                .map_err(|expected| format!("poll_interval {seconds}: expected {expected}"))?,
            None => default,
        };
        let url = web_address(&self.url)
            .ok()
            .filter(|url| url.starts_with("http://") && !url.contains('@'));
        let url = url.ok_or_else(|| {
            // It may hold a password.
            "url: expected http://address:port of its exporter".to_owned()
        })?;
        match labels::problems(&self.labels) {
            problems if problems.is_empty() => {
                Ok(Router { name, url, token, labels: self.labels, poll_interval })
            }
            problems => Err(problems.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_list_is_read() {
        let text = "[[router]]\nname = \"home\"\nurl = \"http://192.0.2.1:8321/\"\n\
                    token = \" secret \"\npoll_interval = 5\nlabels = { site = \"a\" }\n\
                    [[router]]\nname = \"b\"\nurl = \"http://b.example\"\n";
        let routers = parse(text, MINUTE).unwrap();
        assert_eq!(routers.len(), 2);
        assert_eq!(routers[0].url, "http://192.0.2.1:8321");
        assert_eq!(routers[0].token, Some(Secret::new("secret".to_owned())));
        assert_eq!(routers[0].poll_interval, Duration::from_secs(5));
        assert_eq!((routers[1].poll_interval, &routers[1].token), (MINUTE, &None));
    }

    #[test]
    fn the_bridges_own_name_is_taken() {
        let text = format!("[[router]]\nname = \"{OURS}\"\nurl = \"http://x\"\n");
        assert!(parse(&text, MINUTE).unwrap_err()[0].contains("another one than"));
        assert!(one(OURS, 80).is_err());
    }

    #[test]
    fn everything_that_is_wrong_is_said() {
        let text = "[[router]]\nname = \"a b\"\nurl = \"http://x\"\n\
                    [[router]]\nname = \"c\"\nurl = \"x\"\n\
                    [[router]]\nname = \"d\"\nurl = \"http://x\"\npoll_interval = 0.1\n";
        assert_eq!(parse(text, MINUTE).unwrap_err().len(), 3);
        for text in ["", "router = 1", "[[router]]\nname = \"a\"", "[[router]]\nnam = \"a\""] {
            assert!(parse(text, MINUTE).is_err(), "{text}");
        }
    }

    /// They begin in lines 1, 4, 7 and so on.
    fn written(routers: &[(&str, &str)]) -> String {
        let entry =
            |(name, url): &(&str, &str)| format!("[[router]]\nname = {name:?}\nurl = {url:?}\n");
        routers.iter().map(entry).collect()
    }

    #[track_caller]
    fn check(routers: &[(&str, &str)], expected: &[&str]) {
        let said = parse(&written(routers), MINUTE).err().unwrap_or_default();
        assert_eq!(said, expected, "{routers:?}");
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused_with_both_lines() {
        check(
            &[("home", "http://a"), ("shed", "http://b"), ("home", "http://c")],
            &["line 7, router \"home\": the router of line 1 has this name too; every router \
               needs its own"],
        );
        check(
            &[("home", "http://a"), ("Home", "http://b")],
            &["line 4, router \"Home\": this name differs from \"home\" of line 1 in capital \
               letters or spaces alone; choose one that cannot be mistaken for it"],
        );
        check(
            &[("home", "http://a"), ("home ", "http://b")],
            &[
                "line 4, router \"home \": this name differs from \"home\" of line 1 in capital \
                 letters or spaces alone; choose one that cannot be mistaken for it",
                "line 4, router \"home \": a name is 1 to 64 letters, digits, - _ . :",
            ],
        );
        check(&[("home", "http://a"), ("home2", "http://b")], &[]);
    }

    #[test]
    fn one_address_for_two_routers_is_refused_with_both_lines() {
        for other in ["http://r.lan:80", "http://R.lan/", "http://r.lan"] {
            check(
                &[("home", "http://r.lan"), ("shed", other)],
                &["line 4, router \"shed\": url: that of router \"home\" of line 1, so its \
                   outages would count twice; remove one of the two, or mend its url"],
            );
        }
        check(&[("home", "http://r.lan/a"), ("shed", "http://r.lan/A")], &[]);
        check(&[("home", "http://r.lan"), ("shed", "http://r.lan:8080")], &[]);
        check(&[("home", "http://[fd00::1]"), ("shed", "http://[fd00::1:80]")], &[]);
    }

    #[test]
    fn what_is_wrong_with_labels_is_said_with_the_routers_line() {
        let text = "[[router]]\nname = \"a\"\nurl = \"http://a\"\n\n\
                    [[router]]\nname = \"b\"\nurl = \"http://b\"\n\
                    labels = { job = \"x\", site = \"\", customer = \"acme\" }\n";
        let said = parse(text, MINUTE).unwrap_err();
        assert_eq!(said.len(), 1, "{said:?}");
        let of_each =
            ["line 5, router \"b\": label \"job\": ", "; label \"site\": its value is empty"];
        assert!(of_each.iter().all(|part| said[0].contains(part)), "{said:?}");
        // Not a text, and twice: the file itself is wrong.
        for (labels, expected) in [
            ("{ site = 5 }", "line 4: invalid type: integer `5`, expected a string"),
            ("{ site = \"a\", site = \"b\" }", "line 4: duplicate key"),
        ] {
            let text = format!("[[router]]\nname = \"a\"\nurl = \"http://a\"\nlabels = {labels}\n");
            assert_eq!(parse(&text, MINUTE).unwrap_err(), [expected]);
        }
    }

    #[test]
    fn a_list_without_an_end_is_refused() {
        let one = "[[router]]\nname=\"a\"\nurl=\"http://x\"\n";
        let problems = parse(&one.repeat(MAX_ROUTERS + 1), MINUTE).unwrap_err();
        assert_eq!(problems, ["5001 routers, at most 5000"]);
        let file = RoutersFile { path: "/dev/zero".into(), poll_interval: MINUTE };
        let problems = file.read().unwrap_err();
        assert_eq!(problems, ["ROUTERS_FILE /dev/zero: is larger than 8 MiB"]);
    }

    #[test]
    fn one_router_has_an_address() {
        assert_eq!(one("192.168.1.1", 8321), Ok("http://192.168.1.1:8321".to_owned()));
        assert_eq!(one("fd00::1", 80), Ok("http://[fd00::1]:80".to_owned()));
        assert!(one("http://x", 80).is_err());
        assert!(one("a b", 80).is_err());
        assert!(one(&"x".repeat(254), 80).is_err());
    }
}
