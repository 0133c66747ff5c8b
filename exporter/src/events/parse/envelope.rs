//! Around the message: time, facility, host, program. Told apart line by line, because
//! pasted logs mix them.
//!
//! Called by the sources and by `replay` for every line, so it only borrows. The shapes are
//! printed by logread (ubox log/logread.c: to the screen, to a file, with -t, and `<pri>` to
//! another host), BusyBox syslogd, rsyslog and journald (also as RFC 5424), dmesg with and
//! without -T and -x, /dev/kmsg (kernel Documentation/ABI/testing/dev-kmsg), `ubus listen`, and LuCI's log page
//! as users paste it.

use std::time::Duration;

pub(crate) use super::cleaning::clean;
use super::luci;
use super::stamp::{self, word};
pub(crate) use super::stamp::{LocalTime, Stamp};

/// A log line taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) stamp: Stamp,
    /// Since the kernel started, where the line says it.
    pub(crate) uptime: Option<Duration>,
    pub(crate) origin: Origin<'a>,
    /// What `origin` says.
    pub(crate) text: &'a str,
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin<'a> {
    Kernel,
    Program { name: &'a str, pid: Option<u32> },
    Ubus,
    Unknown,
}

/// Of syslog, as far as it makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Facility {
    Kernel,
    /// Also what programs write to /dev/kmsg.
    User,
    Other,
}

/// What our own test lines are tagged with.
pub(super) const TEST_PROGRAM: &str = "netmonitor-test";
/// Our own log comes back through logd.
const OWN_PROGRAM: &str = "netmonitor-exporter";
/// Programs that may stand behind the prefix of a remote log.
const PREFIXED: [&str; 4] = ["netifd", "pppd", "pppoe", TEST_PROGRAM];

/// What editors and web pages put before a line: blanks, a byte order mark.
const MARGIN: [char; 3] = [' ', '\u{a0}', '\u{feff}'];

/// Takes a line apart; what has no known shape is [`Origin::Unknown`].
pub(crate) fn read(line: &str) -> Line<'_> {
    let line = line.trim_start_matches(MARGIN);
    let read = match line.bytes().next() {
        Some(b'A'..=b'Z') => logread(line).or_else(|| syslog(line)),
        Some(b'[') => dmesg(line).or_else(|| dmesg_with_time(line)).or_else(|| luci_page(line)),
        Some(b'0'..=b'9') => kmsg(line).or_else(|| iso(line)),
        Some(b'<') => remote(line),
        Some(b'k') => decoded(line),
        Some(b'{') => {
            Some(Line { stamp: Stamp::None, uptime: None, origin: Origin::Ubus, text: line })
        }
        _ => None,
    };
    read.unwrap_or(unknown(Stamp::None, line))
}

/// `Www Mmm dd HH:MM:SS YYYY [epoch.mmm] fac.prio tag: msg`
fn logread(line: &str) -> Option<Line<'_>> {
    let (local, mut rest) = stamp::ctime(line)?;
    let mut stamp = Stamp::Local(local);
    if let Some((at, behind)) = bracketed_epoch(rest) {
        (stamp, rest) = (Stamp::Unix { at, local: Some(local) }, behind);
    }
    let (priority, text) = word(rest);
    Some(match facility(priority) {
        Some(facility) => message(stamp, Some(facility), text),
        None => unknown(stamp, rest),
    })
}

/// `Mmm dd HH:MM:SS [host] [fac.prio] tag: msg`
fn syslog(line: &str) -> Option<Line<'_>> {
    let (local, rest) = stamp::short(line)?;
    Some(behind_host(Stamp::Local(local), rest))
}

/// `2031-02-03T04:05:06.789+01:00 host tag: msg`; with a comma it is dmesg's.
fn iso(line: &str) -> Option<Line<'_>> {
    let (stamp, comma, rest) = stamp::iso(line)?;
    Some(if comma { kernel(stamp, None, None, rest) } else { behind_host(stamp, rest) })
}

/// `[host] [fac.prio] tag: msg`
fn behind_host(stamp: Stamp, text: &str) -> Line<'_> {
    let (first, rest) = word(text);
    if first.ends_with(':') {
        return message(stamp, None, text);
    }
    if let Some(facility) = facility(first) {
        return message(stamp, Some(facility), rest);
    }
    let (second, behind) = word(rest);
    match facility(second) {
        Some(facility) => message(stamp, Some(facility), behind),
        None => message(stamp, None, rest),
    }
}

/// `<pri>Mmm dd HH:MM:SS [epoch.mmm] [host] [prefix:] tag: msg`, or `<pri>[uptime] msg`
fn remote(line: &str) -> Option<Line<'_>> {
    let (priority, rest) = line.strip_prefix('<')?.split_once('>')?;
    let facility = facility_of(priority.parse().ok()?);
    if let Some(rest) = rest.strip_prefix("1 ") {
        return rfc_5424(facility, rest);
    }
    if let Some((uptime, text)) = uptime(rest) {
        return Some(kernel(Stamp::None, Some(facility), Some(uptime), text));
    }
    let (local, mut rest) = stamp::short(rest)?;
    let mut stamp = Stamp::Local(local);
    let (first, behind) = word(rest);
    if let Some((at, behind)) =
        bracketed_epoch(rest).or_else(|| Some((stamp::seconds(first)?, behind)))
    {
        (stamp, rest) = (Stamp::Unix { at, local: Some(local) }, behind);
    }
    let (first, behind) = word(rest);
    if !first.ends_with(':') {
        rest = behind;
    }
    Some(message(stamp, Some(facility), without_prefix(facility, rest)))
}

/// `2031-02-03T04:05:06.789+01:00 host tag pid id data msg`, each `-` if there is none
fn rfc_5424(facility: Facility, text: &str) -> Option<Line<'_>> {
    let (stamp, rest) = match text.strip_prefix("- ") {
        Some(rest) => (Stamp::None, rest),
        None => {
            let (stamp, _, rest) = stamp::iso(text)?;
            (stamp, rest)
        }
    };
    let (_host, rest) = word(rest);
    let (name, rest) = word(rest);
    let (pid, rest) = word(rest);
    let (_id, rest) = word(rest);
    let text = behind_data(rest)?.trim_start_matches('\u{feff}');
    Some(match name {
        "kernel" => kernel(stamp, Some(facility), None, text),
        "-" => unknown(stamp, text),
        _ => {
            let origin = Origin::Program { name, pid: pid.parse().ok() };
            Line { stamp, uptime: None, origin, text }
        }
    })
}

/// Skips `-` or `[id name="value" ..][..]`; a quoted value may hold `]` and `\"`.
fn behind_data(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some(blank_off(rest));
    }
    let mut rest = text;
    while let Some(element) = rest.strip_prefix('[') {
        let (mut is_quoted, mut is_escaped) = (false, false);
        let end = element.find(|c: char| {
            is_quoted ^= c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            c == ']' && !is_quoted
        })?;
        rest = &element[end + 1..];
    }
    (rest.len() < text.len()).then(|| blank_off(rest))
}

/// logread puts a configured word before the tag of every line it sends away. Somebody's
/// text that looks like another program's line looks the same; but those programs never
/// write under the facility of users.
fn without_prefix(facility: Facility, text: &str) -> &str {
    let (first, rest) = word(text);
    let Some(prefix) = first.strip_suffix(':') else { return text };
    let real = match tag(rest) {
        Some(("kernel", None, _)) => facility == Facility::Kernel,
        Some((TEST_PROGRAM, ..)) => true,
        Some((name, ..)) => facility == Facility::Other && PREFIXED.contains(&name),
        None => false,
    };
    // A program with its number is the writer itself.
    let is_writer = prefix.ends_with(']')
        || prefix == OWN_PROGRAM
        || prefix == "kernel"
        || PREFIXED.contains(&prefix);
    if real && !is_writer { rest } else { text }
}

/// `[ssssss.uuuuuu] msg`
fn dmesg(line: &str) -> Option<Line<'_>> {
    let (uptime, text) = uptime(line)?;
    Some(kernel(Stamp::None, None, Some(uptime), text))
}

/// `kern  :info  : [ssssss.uuuuuu] msg`, as `dmesg -x` decodes it; users' lines say `user`.
fn decoded(line: &str) -> Option<Line<'_>> {
    let rest = line.strip_prefix("kern")?.trim_start_matches(' ').strip_prefix(':')?;
    let (priority, rest) = rest.split_once(':')?;
    let rest = rest.strip_prefix(' ').filter(|_| PRIORITIES.contains(&priority.trim_end()))?;
    dmesg(rest).or_else(|| dmesg_with_time(rest))
}

/// `[Www Mmm dd HH:MM:SS YYYY] msg`
fn dmesg_with_time(line: &str) -> Option<Line<'_>> {
    let (time, text) = line.strip_prefix('[')?.split_once(']')?;
    let (local, "") = stamp::ctime(time)? else { return None };
    Some(kernel(Stamp::Local(local), None, None, blank_off(text)))
}

/// `[Dec 5, 2030, 9:03:09 PM EST] fac.prio: msg`: the message of a program has its tag, the
/// kernel's has none.
fn luci_page(line: &str) -> Option<Line<'_>> {
    let (time, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let (priority, text) = word(rest);
    let facility = facility(priority.strip_suffix(':')?)?;
    let stamp = luci::time(time).map_or(Stamp::None, Stamp::Local);
    let is_kernel = facility == Facility::Kernel || uptime(text).is_some();
    Some(if is_kernel && !text.starts_with("kernel:") {
        kernel(stamp, Some(facility), None, text)
    } else {
        message(stamp, Some(facility), text)
    })
}

/// `prio,seq,usec,flags[,caller=..];msg`, where prio is facility × 8 + level
fn kmsg(line: &str) -> Option<Line<'_>> {
    let (prefix, text) = line.split_once(';')?;
    let mut fields = prefix.split(',');
    let priority: u32 = fields.next()?.parse().ok()?;
    let _sequence: u64 = fields.next()?.parse().ok()?;
    let uptime = Duration::from_micros(fields.next()?.parse().ok()?);
    fields.next()?;
    Some(kernel(Stamp::None, Some(facility_of(priority)), Some(uptime), text))
}

/// `tag: msg`, or `kernel: [uptime] msg`
fn message(stamp: Stamp, facility: Option<Facility>, text: &str) -> Line<'_> {
    match tag(text) {
        Some(("kernel", None, text)) => kernel(stamp, facility, None, text),
        Some((name, pid, text)) => {
            Line { stamp, uptime: None, origin: Origin::Program { name, pid }, text }
        }
        None => unknown(stamp, text),
    }
}

/// A line of the kernel's buffer: the kernel's own words, or a user's.
fn kernel<'a>(
    stamp: Stamp,
    facility: Option<Facility>,
    since_start: Option<Duration>,
    text: &'a str,
) -> Line<'a> {
    let (in_text, text) = match uptime(text) {
        Some((uptime, text)) => (Some(uptime), text),
        None => (None, text),
    };
    let origin = match tag(text) {
        Some((name @ TEST_PROGRAM, pid, text)) => {
            let origin = Origin::Program { name, pid };
            return Line { stamp, uptime: since_start.or(in_text), origin, text };
        }
        _ if facility.is_none_or(|facility| facility == Facility::Kernel) => Origin::Kernel,
        _ => Origin::Unknown,
    };
    Line { stamp, uptime: since_start.or(in_text), origin, text }
}

fn unknown(stamp: Stamp, text: &str) -> Line<'_> {
    Line { stamp, uptime: None, origin: Origin::Unknown, text }
}

/// `name: text` or `name[pid]: text`; a name has no blanks.
fn tag(text: &str) -> Option<(&str, Option<u32>, &str)> {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let name = first.strip_suffix(':')?;
    let (name, pid) = match name.strip_suffix(']').and_then(|name| name.rsplit_once('[')) {
        Some((name, pid)) => (name, pid.parse().ok()),
        None => (name, None),
    };
    (!name.is_empty()).then_some((name, pid, rest))
}

/// `[  123.456789] `, and with CONFIG_PRINTK_CALLER `[   T45] ` behind it.
fn uptime(text: &str) -> Option<(Duration, &str)> {
    let (inner, rest) = text.strip_prefix('[')?.split_once(']')?;
    let uptime = stamp::seconds(inner.trim_start_matches(' '))?;
    let caller = blank_off(rest).strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let rest = match caller {
        Some((caller, behind)) if is_caller(caller.trim_start_matches(' ')) => behind,
        _ => rest,
    };
    Some((uptime, blank_off(rest)))
}

/// A task or a CPU: `T45`, `C1`.
fn is_caller(text: &str) -> bool {
    text.strip_prefix(['T', 'C'])
        .is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `[epoch.mmm] `
fn bracketed_epoch(text: &str) -> Option<(Duration, &str)> {
    let (inner, rest) = text.strip_prefix('[')?.split_once(']')?;
    Some((stamp::seconds(inner)?, blank_off(rest)))
}

fn blank_off(text: &str) -> &str {
    text.strip_prefix(' ').unwrap_or(text)
}

/// `fac.prio`, both of syslog's own names: a host is called otherwise.
fn facility(word: &str) -> Option<Facility> {
    let (name, priority) = word.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !PRIORITIES.contains(&priority) && !is_number(priority) {
        return None;
    }
    match name {
        "kern" => Some(Facility::Kernel),
        "user" => Some(Facility::User),
        _ if OTHER_FACILITIES.contains(&name) || is_number(name) => Some(Facility::Other),
        _ => None,
    }
}

fn facility_of(priority: u32) -> Facility {
    match priority >> 3 {
        0 => Facility::Kernel,
        1 => Facility::User,
        _ => Facility::Other,
    }
}

const PRIORITIES: [&str; 11] = [
    "info", "notice", "debug", "warn", "err", "warning", "error", "crit", "alert", "emerg", "panic",
];

const OTHER_FACILITIES: [&str; 18] = [
    "daemon", "authpriv", "auth", "cron", "syslog", "mail", "ftp", "lpr", "news", "uucp", "local0",
    "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

#[cfg(test)]
mod tests;
