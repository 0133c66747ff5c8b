//! Sessions and outages as a whole, over lines made from format strings.

use proptest::prelude::*;

use super::*;
use crate::events::parse::envelope::{clean, read};

fn names() -> Names {
    Names::new(["wan".to_owned(), "eth1".to_owned()], ["pppoe-wan".to_owned()])
}

/// What the lines of one program tell; `netifd: ` and the like stand before the texts.
#[track_caller]
fn check(initial: Initial, lines: &[&str], expected: &[&str]) {
    let mut interpreter = Interpreter::new(initial);
    let mut found = Findings::default();
    for line in lines {
        interpreter.interpret(&read(&format!("Mar  4 05:06:07 gw {line}")), &names(), &mut found);
    }
    let told: Vec<&str> = found.news.iter().map(|told| told.kind.name()).collect();
    assert_eq!(told, expected, "{lines:#?}");
}

#[test]
fn another_address_is_told_behind_the_line_that_has_it() {
    check(
        Initial::Up,
        &[
            "pppd[8]: local  IP address 192.0.2.7",
            "pppd[8]: Modem hangup",
            "pppd[9]: local  IP address 192.0.2.8",
            "pppd[9]: local  IP address 192.0.2.8",
            "pppd[10]: Using interface l2tp-office",
            "pppd[10]: local  IP address 10.9.8.7",
            "netifd: wan (11): udhcpc: lease of 192.0.2.9 obtained, lease time 60",
        ],
        &["pppoe_down", "pppoe_up", "wan_ip_changed", "wan_ip_changed"],
    );
    let mut interpreter = Interpreter::new(Initial::Up);
    let mut found = Findings::default();
    for address in ["192.0.2.7", "192.0.2.8"] {
        let line = format!("Mar  4 05:06:07 gw pppd[8]: local  IP address {address}");
        interpreter.interpret(&read(&line), &names(), &mut found);
    }
    let expected = [("from".into(), "192.0.2.7".to_owned()), ("to".into(), "192.0.2.8".to_owned())];
    assert_eq!(found.news[0].detail, expected);
}

#[test]
fn a_lost_link_that_ends_the_session_does_not_end_with_the_link() {
    check(
        Initial::Up,
        &[
            "netifd: Interface 'wan' has link connectivity loss",
            "pppd[8]: Terminating on signal 15",
            "netifd: Interface 'wan' has link connectivity ",
            "netifd: Interface 'wan' is now down",
            "netifd: Interface 'wan' is now up",
        ],
        &["wan_down", "pppoe_local_term", "wan_up"],
    );
    check(
        Initial::Up,
        &[
            "netifd: Interface 'wan' has link connectivity loss",
            "netifd: wan (7): udhcpc: received SIGTERM",
            "netifd: Interface 'wan' has link connectivity ",
        ],
        &["wan_down"],
    );
}

#[test]
fn other_sources_go_through_the_same_suppression() {
    let mut interpreter = Interpreter::new(Initial::Up);
    let mut found = Findings::default();
    interpreter.tell(Told::new(Kind::WanDown, "x"), &mut found.news);
    interpreter.interpret(
        &read("Mar  4 05:06:07 gw netifd: Interface 'wan' is now down"),
        &names(),
        &mut found,
    );
    assert_eq!(found.news.len(), 1);
}

#[test]
fn only_lines_that_matter_are_said_to() {
    let mut interpreter = Interpreter::new(Initial::Up);
    let mut matters = |text: &str| {
        let line = format!("Mar  4 05:06:07 gw {text}");
        interpreter.interpret(&read(&line), &names(), &mut Findings::default())
    };
    assert!(matters("netifd: Interface 'wan' is now down"));
    assert!(matters("netifd: Interface 'wan' is now down"), "suppressed, but ours");
    assert!(!matters("netifd: Interface 'lan' is now down"));
    assert!(matters("netifd: vpn (5): x"), "not ours: to be remembered");
    assert!(!matters("netifd: vpn (5): y"));
    assert!(!matters("netifd: wan (6): y"));
    assert!(!matters("pppd[5]: Modem hangup"));
    assert!(matters("pppd[6]: Remote message: x"));
}

#[test]
fn what_cannot_have_been_saved_is_not_restored() {
    let saved = Interpreter::new(Initial::Boot).save();
    assert_eq!(Interpreter::restore(&saved), Some(Interpreter::new(Initial::Boot)));
    assert!(saved.to_string().len() < 200, "{saved}");
    for broken in ["null", "{}", "[]", r#"{"sessions":[],"suppression":{"told":["x"],"due":[]}}"#] {
        assert_eq!(Interpreter::restore(&serde_json::from_str(broken).unwrap()), None, "{broken}");
    }
    let many: Vec<_> = (0..1000).map(|pid| serde_json::json!({ "pid": pid })).collect();
    let mut too_many = saved;
    too_many["sessions"] = many.into();
    let restored = Interpreter::restore(&too_many).unwrap();
    assert!(restored.save()["sessions"].as_array().unwrap().len() <= 32);
}

/// Lines of all kinds, from the format strings, with few names so that they meet.
fn line() -> impl Strategy<Value = String> {
    let pid = 1..5_u32;
    let device = prop::sample::select(vec!["pppoe-wan", "ppp0", "l2tp-x", "eth1", "eth10", "lan1"]);
    let interface = prop::sample::select(vec!["wan", "wan_6", "wan6", "wanb", "lan"]);
    let pppd = prop::sample::select(vec![
        "Plugin rp-pppoe.so loaded.",
        "Plugin pppol2tp.so loaded.",
        "pppd 2.5.1 started by root, uid 0",
        "Connect: {d} <--> eth1",
        "Using interface {d}",
        "Renamed interface ppp0 to {d}",
        "Remote message: {d} says no",
        "PAP authentication failed",
        "CHAP authentication failed: {d}",
        "LCP terminated by peer ({d})",
        "No response to 5 echo-requests",
        "Serial link appears to be disconnected.",
        "Connection terminated.",
        "Modem hangup",
        "Terminating on signal 15",
        "Exit.",
        "local  IP address 192.0.2.{n}",
        "Timeout waiting for PADO packets",
        "Unable to complete PPPoE Discovery",
        "PADS: Generic-Error: {d}",
        "LCP: timeout sending Config-Requests",
        "Connect time {n}.0 minutes.",
    ]);
    let netifd = prop::sample::select(vec![
        "Interface '{i}' is now up",
        "Interface '{i}' is now down",
        "Interface '{i}' has lost the connection",
        "Interface '{i}' has link connectivity loss",
        "Interface '{i}' has link connectivity ",
        "Interface '{i}' is setting up now",
        "Network device '{d}' link is up",
        "Network device '{d}' link is down",
        "{i} ({n}): something",
        "{i} ({n}): udhcpc: lease of 192.0.2.{n} obtained from 192.0.2.254, lease time 60",
        "{i} ({n}): udhcpc: lease lost, entering init state",
        "{i} ({n}): udhcpc: received DHCP NAK",
        "{i} ({n}): udhcpc: no lease, failing",
        "{i} ({n}): udhcpc: received SIGTERM",
    ]);
    let kernel = prop::sample::select(vec![
        "igc 0000:07:00.0 {d}: NIC Link is Up 2500 Mbps Full Duplex",
        "igc 0000:07:00.0 {d}: NIC Link is Down",
        "r8152 4-1:1.0 {d}: carrier off",
        "NETDEV WATCHDOG: {d} (igc): transmit queue {n} timed out",
        "sfp sfp-1: module removed",
        "sfp sfp-1: module A B rev 1 sn 2 dc 3",
        "br-lan: port {n}({d}) entered disabled state",
    ]);
    let text = prop_oneof![
        6 => (pid, pppd).prop_map(|(pid, text)| format!("daemon.info pppd[{pid}]: {text}")),
        5 => netifd.prop_map(|text| format!("daemon.notice netifd: {text}")),
        3 => kernel.prop_map(|text| format!("kern.info kernel: [  100.5] {text}")),
        1 => Just("user.notice netmonitor-test: test event a{n}".to_owned()),
        1 => Just("user.notice firewall: Reloading firewall due to ifup of {i} ({d})".to_owned()),
    ];
    (text, device, interface, 0..9_u8).prop_map(|(text, device, interface, n)| {
        let n = n.to_string();
        let text = text.replace("{d}", device).replace("{i}", interface).replace("{n}", &n);
        format!("Tue Mar  4 05:06:07 2031 {text}")
    })
}

proptest! {
    #[test]
    fn a_log_in_two_halves_tells_the_same(
        lines in prop::collection::vec(line(), 0..80),
        share in 0.0..1.0,
    ) {
        let play = |interpreter: &mut Interpreter, lines: &[String]| {
            let mut found = Findings::default();
            for line in lines {
                interpreter.interpret(&read(line), &names(), &mut found);
            }
            found
        };
        let half = (lines.len() as f64 * share) as usize;
        let mut whole = Interpreter::new(Initial::Up);
        let told = play(&mut whole, &lines);
        let mut first = Interpreter::new(Initial::Up);
        let mut told_in_halves = play(&mut first, &lines[..half]);
        let saved = first.save().to_string();
        let mut second = Interpreter::restore(&serde_json::from_str(&saved).unwrap()).unwrap();
        let rest = play(&mut second, &lines[half..]);
        told_in_halves.news.extend(rest.news);
        told_in_halves.signs.extend(rest.signs);
        prop_assert_eq!(told_in_halves, told);
        prop_assert_eq!(second, whole);
    }

    #[test]
    fn messages_are_short_and_never_the_line(lines in prop::collection::vec(line(), 0..80)) {
        let mut interpreter = Interpreter::new(Initial::Boot);
        for line in lines {
            let mut found = Findings::default();
            let mattered = interpreter.interpret(&read(&line), &names(), &mut found);
            prop_assert!(mattered || found.is_empty());
            for told in found.news {
                prop_assert!(told.message.chars().count() <= 200);
                prop_assert!(!line.contains(&*told.message));
            }
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
        read_bytes(&bytes);
    }

    #[test]
    fn any_arrangement_of_real_parts_is_read_without_a_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "Tue", "Mar", "4", "05:06:07", "2031", "[1.5]", "<30>", "<", ">", "[", "]", "(", ")",
            "daemon.info", "kern.info", "kernel:", "pppd[7]:", "netifd:", "pppoe[8]:", "gw", "wan",
            "Interface '", "' ", "is now up", "6,1,2,-;", ";", ",", ":", " ", "  ", "eth1:", "eth1",
            "NIC", "Link is", "Up", "Down", "port 4", "link", "status is:", "1000", "Mbps", "bps",
            "sfp", "module", "rev", "sn", "sent", "[LCP TermReq", "\"", "PADO:", "lease of", "{",
            "network.interface", "}", "é", "年", "月", "日", "\u{fffd}", "\u{202f}", "2031-03-04T",
            "05:06:07", ".", "+02:00", "Z", "PM", "99999999999999999999", "\u{1b}[",
        ]), 0..16)
    ) {
        read_bytes(parts.concat().as_bytes());
        read_bytes(parts.join(" ").as_bytes());
    }
}

fn read_bytes(bytes: &[u8]) {
    let text = clean(bytes);
    let mut interpreter = Interpreter::new(Initial::Boot);
    interpreter.interpret(&read(&text), &names(), &mut Findings::default());
    interpreter.classify(&read(&text), &names());
}
