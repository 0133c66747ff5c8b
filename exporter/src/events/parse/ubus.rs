//! `ubus listen`: real changes of interfaces, without a time.
//!
//! Source: openwrt/ubus cli.c (print_event), openwrt/netifd ubus.c (netifd_ubus_interface_event).

use serde::Deserialize;

use super::netifd;
use crate::events::event::Told;
use crate::events::names::Names;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, rename = "network.interface")]
    change: Change<'a>,
}

#[derive(Deserialize)]
struct Change<'a> {
    action: &'a str,
    interface: &'a str,
}

/// `{ "network.interface": {"action":"ifup","interface":"…"} }`
pub(super) fn parse(text: &str, names: &Names) -> Option<Told> {
    // Objects come and go all day; they need not be read to the end.
    if !text.contains("\"network.interface\"") {
        return None;
    }
    let Message { change } = serde_json::from_slice(text.as_bytes()).ok()?;
    let family = netifd::family(change.interface, names)?;
    match change.action {
        "ifup" => Some(netifd::up(family, change.interface)),
        "ifdown" => Some(netifd::down(family, change.interface)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_for;

    #[test]
    fn changes_of_the_wan_are_told() {
        let change = |action: &str, interface: &str| {
            format!(
                r#"{{ "network.interface": {{"action":"{action}","interface":"{interface}"}} }}"#
            )
        };
        check_for("wan", &change("ifup", "wan"), "wan_up interface=wan");
        check_for("wan", &change("ifdown", "wan"), "wan_down interface=wan");
        check_for("wan", &change("ifup", "wan_6"), "wan6_up interface=wan_6");
        check_for("wan", &change("ifdown", "wwan"), "-");
        check_for("wan", &change("ifupdate", "wan"), "-");
    }

    #[test]
    fn other_messages_are_not() {
        for text in [
            r#"{ "ubus.object.add": {"id":-3,"path":"network.interface.wan"} }"#,
            r#"{ "interface.update": {"interface":"wan","up":true} }"#,
            r#"{ "network.interface": "ifup" }"#,
            r#"{ "network.interface": {"action":"ifup"} }"#,
            r#"{ "network.interface": {"action":"ifup","interface":"wan"}"#,
            "{",
        ] {
            check_for("wan", text, "-");
        }
    }
}
