//! Programs on this router that take the WAN down: a scheduled `ifup`, and watchdogs. They
//! make no event; they say why the next ones happen.
//!
//! Sources: BusyBox miscutils/crond.c (`USER %s pid %3d cmd %s`), Debian's cron (`(%s) CMD
//! (%s)`), openwrt/packages utils/watchcat and net/mwan3 (mwan3track).

use super::strip;
use crate::events::names::Names;
use crate::outages::Sign;

/// Do lines of this program have to be looked at?
pub(super) fn may_request(name: &str) -> bool {
    matches!(name, "crond" | "CRON" | "cron" | "watchcat" | "mwan3track")
}

/// What a line of one of these programs says.
pub(super) fn parse(name: &str, text: &str, names: &Names) -> Option<Sign> {
    match name {
        "watchcat" => watchcat(text, names),
        "mwan3track" => mwan3(text, names),
        _ => scheduled(text, names),
    }
}

/// `USER root pid  911 cmd ifup wan`, `(root) CMD (ifup wan)`
fn scheduled(text: &str, names: &Names) -> Option<Sign> {
    let command = text.split_once(" cmd ").or_else(|| text.split_once(" CMD "))?.1;
    let is_part = |c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    let words: Vec<&str> = command.split(is_part).filter(|word| !word.is_empty()).collect();
    let is_about_wan = words.windows(2).any(|pair| {
        let program = pair[0].rsplit('/').next().unwrap_or_default();
        match program {
            "ifup" | "ifdown" => names.is_interface(pair[1]),
            "network" => matches!(pair[1], "restart" | "reload"),
            _ => pair[0].strip_prefix("network.interface.").is_some_and(|interface| {
                names.is_interface(interface) && matches!(pair[1], "down" | "up")
            }),
        }
    });
    is_about_wan.then_some(Sign::Scheduled)
}

/// `Restarting network interface: "wan" (network: "wan").`, `Restarting networking …`
fn watchcat(text: &str, names: &Names) -> Option<Sign> {
    let rest = strip(text, "Restarting network")?;
    let is_wan =
        |name: &str| names.is_interface(name) || names.is_device(name) || names.is_ppp(name);
    let is_meant = match rest.split('"').nth(1) {
        Some(_) => rest.split('"').skip(1).step_by(2).any(is_wan),
        None => rest.starts_with("ing"),
    };
    is_meant.then_some(Sign::Watchdog)
}

/// `Interface wan (pppoe-wan) is offline`: from now on mwan3 routes around the WAN.
fn mwan3(text: &str, names: &Names) -> Option<Sign> {
    let (name, rest) = strip(text, "Interface ")?.split_once(" (")?;
    (names.is_interface(name) && rest.contains(") is offline")).then_some(Sign::Watchdog)
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_for;

    #[track_caller]
    fn check(program: &str, text: &str, expected: &str) {
        let line = format!("Tue Mar  4 05:06:07 2031 cron.info {program}[77]: {text}");
        check_for("wan,eth1", &line, expected);
    }

    #[test]
    fn a_scheduled_command_about_the_wan_is_one() {
        for command in [
            "ifup wan",
            "/sbin/ifdown wan; sleep 5; /sbin/ifup wan",
            "(sleep 3 && ifup 'wan')",
            "/etc/init.d/network restart",
            "ubus call network.interface.wan down",
        ] {
            check("crond", &format!("USER root pid  911 cmd {command}"), "requested scheduled");
            check("CRON", &format!("(root) CMD ({command})"), "requested scheduled");
        }
    }

    #[test]
    fn other_commands_are_not() {
        for command in
            ["ifup lan", "ifup wanb", "echo wan", "/root/wan.sh", "network", "ifup", "", "wifi up"]
        {
            check("crond", &format!("USER root pid 911 cmd {command}"), "-");
        }
        check("crond", "crond (busybox 1.36.1) started, log level 7", "-");
    }

    #[test]
    fn watchdogs_are_heard_when_they_act() {
        check(
            "watchcat",
            "Restarting network interface: \"wan\" (network: \"wan\").",
            "requested watchdog",
        );
        check("watchcat", "Restarting network interface: \"eth1\"", "requested watchdog");
        check("watchcat", "Restarting network interface: \"lan\"", "-");
        check("watchcat", "Restarting networking now", "requested watchdog");
        check("watchcat", "Could not reach 192.0.2.9 for \"31\" seconds", "-");
        check("mwan3track", "Interface wan (pppoe-wan) is offline", "requested watchdog");
        check("mwan3track", "Interface wan (pppoe-wan) is online", "-");
        check("mwan3track", "Interface wanb (eth2) is offline", "-");
        check("mwan3track", "Detect ifdown event on interface wan (pppoe-wan)", "-");
    }
}
