//! The WAN of whole devices: fixtures, and machines made up for one case.

use super::*;
use crate::config::{self, Layers};
use crate::exposition::tests::lines;

fn fixture(device: &str, flags: &[(&'static str, &str)]) -> Wan {
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/");
    let roots = Roots::new(format!("{base}{device}"));
    let flags = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    let loaded = config::load(&Layers { flags, ..Layers::default() }, &roots).unwrap();
    Wan::new(roots, Live::new(loaded.config).1, Arc::default())
}

#[tokio::test]
async fn netifd_is_asked_where_there_is_one() {
    let sample = fixture("filogic-pppoe", &[]).read().await.unwrap();
    assert_eq!((sample.source, sample.state), (Source::Netifd, State::Up));
    assert_eq!(sample.proto.as_deref(), Some("pppoe"));
    assert_eq!(sample.device.as_deref(), Some("wan"));
    assert_eq!(sample.l3_device.as_deref(), Some("pppoe-wan"));
    assert!(sample.up_since.is_some() && sample.gateway.is_some());
    assert!(!sample.dns_servers.is_empty());
    let text = lines(sample);
    assert!(text.contains("wan_up{interface=\"wan\"} 1\n"), "{text}");
    assert!(text.contains("wan_info{interface=\"wan\",device=\"wan\",proto=\"pppoe\"} 1\n"));
}

#[tokio::test]
async fn a_device_without_netifd_is_judged_by_the_kernel() {
    let sample = fixture("ath79-old", &[("WAN_IFACE", "wan,eth1")]).read().await.unwrap();
    assert_eq!((sample.source, sample.state), (Source::Kernel, State::Up));
    assert_eq!(sample.device.as_deref(), Some("eth1"));
    assert!(sample.up_since.is_none(), "the kernel does not say since when");
}

#[tokio::test]
async fn without_a_choice_the_default_route_names_the_wan() {
    let sample = fixture("ath79-old", &[]).read().await.unwrap();
    assert_eq!(sample.device.as_deref(), Some("eth1"));
}

#[tokio::test]
async fn a_chosen_interface_that_is_nowhere_is_unknown() {
    let sample = fixture("ath79-old", &[("WAN_IFACE", "usb0")]).read().await.unwrap();
    assert_eq!((sample.state, sample.interface.as_str()), (State::Unknown, "usb0"));
    assert!(!lines(sample).contains("wan_up"));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_was_there_and_is_gone_is_down() {
    let dir = tempfile::tempdir().unwrap();
    let device = dir.path().join("sys/class/net/usb0");
    std::fs::create_dir_all(&device).unwrap();
    std::fs::write(device.join("operstate"), "up\n").unwrap();
    let roots = Roots::new(dir.path());
    let flags = [("WAN_IFACE", "usb0".to_owned())].into();
    let loaded = config::load(&Layers { flags, ..Layers::default() }, &roots).unwrap();
    let wan = Wan::new(roots, Live::new(loaded.config).1, Arc::default());
    assert_eq!(wan.read().await.unwrap().state, State::Up);
    std::fs::remove_dir_all(&device).unwrap();
    wan.due().await; // the change is noticed without waiting for the interval
    assert_eq!(wan.read().await.unwrap().state, State::Down);
}

/// A Linux machine with these devices (name, kernel's kind, operstate).
fn machine(devices: &[(&str, &str, &str)], route: &str, pppoe: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, kind, operstate) in devices {
        let folder = dir.path().join("sys/class/net").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("type"), kind).unwrap();
        std::fs::write(folder.join("operstate"), operstate).unwrap();
    }
    std::fs::create_dir_all(dir.path().join("proc/net")).unwrap();
    let header = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n";
    let row = format!("{route} 00000000 00000000 0003 0 0 0 00000000 0 0 0\n");
    std::fs::write(dir.path().join("proc/net/route"), format!("{header}{row}")).unwrap();
    std::fs::write(dir.path().join("proc/net/pppoe"), pppoe).unwrap();
    dir
}

fn wan_of(dir: &tempfile::TempDir, flags: &[(&'static str, &str)]) -> Wan {
    let roots = Roots::new(dir.path());
    let flags = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    let loaded = config::load(&Layers { flags, ..Layers::default() }, &roots).unwrap();
    Wan::new(roots, Live::new(loaded.config).1, Arc::default())
}

const SESSION_ON_ETH5: &str = "Id Address Device\n0000CAFB 00:00:5e:00:53:01 eth5\n";

#[tokio::test]
async fn a_session_of_another_device_is_not_this_wans() {
    let eth1 = ("eth1", "1", "up");
    let dir = machine(&[eth1, ("eth5", "1", "up")], "eth1", SESSION_ON_ETH5);
    for flags in [
        [("WAN_IFACE", "eth1"), ("PPPOE_IFACE", "")],
        [("WAN_IFACE", "eth1"), ("PPPOE_IFACE", "pppoe-wan")],
    ] {
        let sample = wan_of(&dir, &flags).read().await.unwrap();
        assert_eq!((sample.state, sample.proto.as_deref()), (State::Up, None));
    }
}

#[tokio::test]
async fn a_dial_up_with_a_name_of_its_own_is_found_by_its_route() {
    let ppp0 = ("ppp0", "512", "unknown");
    let dir = machine(&[ppp0, ("eth5", "1", "up")], "ppp0", SESSION_ON_ETH5);
    let sample = wan_of(&dir, &[]).read().await.unwrap();
    assert_eq!(sample.state, State::Up);
    assert_eq!(sample.l3_device.as_deref(), Some("ppp0"));
    assert_eq!((sample.device.as_deref(), sample.proto.as_deref()), (Some("eth5"), Some(PPPOE)));
}

#[tokio::test]
async fn a_dial_up_that_is_down_keeps_its_device_beside_a_backup_and_may_be_given_up() {
    let (ppp0, eth5) = (("ppp0", "512", "unknown"), ("eth5", "1", "up"));
    let dir = machine(&[ppp0, eth5, ("wwan0", "1", "up")], "ppp0", SESSION_ON_ETH5);
    let wan = wan_of(&dir, &[]);
    wan.read().await.unwrap();
    let route = |device: &str| {
        let text = format!("head\n{device} 00000000 00000000 0003 0 0 0 00000000 0 0 0\n");
        std::fs::write(dir.path().join("proc/net/route"), text).unwrap();
    };
    std::fs::remove_dir_all(dir.path().join("sys/class/net/ppp0")).unwrap();
    std::fs::write(dir.path().join("proc/net/pppoe"), "").unwrap();
    route("wwan0");
    let down = wan.read().await.unwrap();
    assert_eq!((down.state, down.device.as_deref()), (State::Down, Some("eth5")));

    route("eth5");
    let plain = wan.read().await.unwrap();
    assert_eq!((plain.state, plain.proto), (State::Up, None), "it does not dial any more");
}

#[tokio::test]
async fn names_stay_while_the_line_is_down() {
    let dir = machine(&[("eth1", "1", "up")], "eth1", "");
    let wan = wan_of(&dir, &[]);
    let up = wan.read().await.unwrap();
    std::fs::write(dir.path().join("proc/net/route"), "").unwrap();
    std::fs::write(dir.path().join("sys/class/net/eth1/operstate"), "down").unwrap();
    let down = wan.read().await.unwrap();
    assert_eq!((up.state, down.state), (State::Up, State::Down));
    assert_eq!((down.interface, down.device), (up.interface, up.device));
}

#[test]
fn what_netifd_no_longer_lists_while_down_is_remembered() {
    let sample = |text: &str| {
        netifd::parse_interface(text).unwrap().into_sample("wan", None, clock::monotonic())
    };
    let up = sample(
        r#"{"up": true, "proto": "pppoe", "device": "eth1", "l3_device": "pppoe-line2",
            "route": [{"target": "0.0.0.0", "mask": 0, "nexthop": "203.0.113.1"}],
            "dns-server": ["192.0.2.53", "192.0.2.53", "192.0.2.54"]}"#,
    );
    let up = up.remembering(None);
    assert_eq!(up.dns_servers.len(), 2, "one of them is named twice");
    let down = sample(r#"{"up": false, "proto": "pppoe", "device": "eth1"}"#);
    let down = down.remembering(Some(&up));
    assert_eq!(down.state, State::Down);
    assert_eq!((down.l3_device, down.dns_servers), (up.l3_device, up.dns_servers));
    assert_eq!(down.gateway, up.gateway);

    let other = sample(r#"{"up": false, "proto": "dhcp", "device": "eth1"}"#);
    assert_eq!(
        other.remembering(Some(&sample(r#"{"up": true, "proto": "pppoe"}"#))).l3_device,
        None
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_that_fails_is_repeated_soon_even_without_an_interval() {
    let dir = machine(&[("eth1", "1", "up")], "eth1", "");
    std::fs::create_dir(dir.path().join("bin")).unwrap();
    std::fs::write(dir.path().join("bin/ubus"), "not a program").unwrap();
    let wan = wan_of(&dir, &[("WAN_POLL_INTERVAL", "0")]);
    assert!(matches!(wan.read().await, Err(CollectError::Failed(_))));
    wan.due().await;
    std::fs::remove_file(dir.path().join("bin/ubus")).unwrap();
    assert_eq!(wan.read().await.unwrap().state, State::Up);
}
