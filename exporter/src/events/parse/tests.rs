//! The one way in which the tests of all programs look at a line.

use super::envelope::read;
use super::*;

/// Comma-separated names of the WAN; it dials as `pppoe-wan`.
pub(super) fn names(wan: &str) -> Names {
    Names::new(wan.split(',').map(str::to_owned), ["pppoe-wan".to_owned()])
}

/// What a line means to a WAN of these names: `-`, or a type and its details.
#[track_caller]
pub(super) fn check_for(wan: &str, line: &str, expected: &str) {
    let names = names(wan);
    assert_eq!(shown(parse(&read(line), &names)), expected, "{line}");
}

fn shown(meaning: Meaning<'_>) -> String {
    match meaning {
        Meaning::Nothing => "-".to_owned(),
        Meaning::Fact(told) => event(&told),
        Meaning::LinkLost(family, told) => format!("link lost {family:?} {}", event(&told)),
        Meaning::LinkRegained(family) => format!("link regained {family:?}"),
        Meaning::TornDown(family) => format!("torn down {family:?}"),
        Meaning::SetUp(family) => format!("set up {family:?}"),
        Meaning::ConnectionLost(family, told) => {
            format!("connection lost {family:?} {}", event(&told))
        }
        Meaning::Requested(sign) => format!("requested {}", sign.name()),
        Meaning::Lease(_, told) => format!("lease {}", event(&told)),
        Meaning::ClientStopped => "client stopped".to_owned(),
        Meaning::Child { pid, of_wan: true } => format!("child {pid} of the WAN"),
        Meaning::Child { pid, of_wan: false } => format!("child {pid}"),
        Meaning::Ppp { said, .. } => format!("ppp {}", session(said)),
    }
}

fn session(said: Said<'_>) -> String {
    match said {
        Said::DialsPppoe => "dials pppoe".to_owned(),
        Said::DialsOther => "dials other".to_owned(),
        Said::Discovered => "discovered".to_owned(),
        Said::Started => "started".to_owned(),
        Said::Device(name) => format!("device {name}"),
        Said::RemoteMessage(words) => format!("message {words}"),
        Said::Up(_, told) | Said::Fact(told) | Said::End(_, told) => event(&told),
        Said::Over(_) => "pppoe_down".to_owned(),
        Said::Exit => "exit".to_owned(),
    }
}

fn event(told: &Told) -> String {
    let details = told.detail.iter().map(|(name, value)| format!(" {name}={value}"));
    format!("{}{}", told.kind.name(), details.collect::<String>())
}

#[test]
fn a_test_line_is_an_event_wherever_it_is_written() {
    let told = "test id=a-1";
    check_for("wan", "Tue Mar  4 05:06:07 2031 user.notice netmonitor-test: test event a-1", told);
    check_for("wan", "12,88,5000000,-;netmonitor-test: test event a-1", told);
    check_for(
        "wan",
        "Tue Mar  4 05:06:07 2031 user.warn kernel: [5.0] netmonitor-test: test event a-1",
        told,
    );
    check_for("wan", "[    5.000000] netmonitor-test: test event a-1", told);
    for id in ["", "A", "a b", "a_b", &"a".repeat(33)] {
        let line = format!("Tue Mar  4 05:06:07 2031 user.notice netmonitor-test: test event {id}");
        check_for("wan", &line, "-");
    }
}

#[test]
fn imitations_and_our_own_log_mean_nothing() {
    for text in [
        "user.notice watcher: netifd: Interface 'wan' is now down",
        "user.notice my watcher netifd: Interface 'wan' is now down",
        "user.info kernel: [  100.000000] eth1: link down",
        "daemon.info kernel: eth1: link down",
        "daemon.info netmonitor-exporter[77]: netifd: Interface 'wan' is now down",
        "daemon.info xpppd[77]: Modem hangup",
        "daemon.info pppd: pppd[77]: Modem hangup",
        "daemon.notice procd: udhcpc: no lease, failing",
        "kern.info eth1: link down",
    ] {
        check_for("wan,eth1", &format!("Tue Mar  4 05:06:07 2031 {text}"), "-");
    }
    check_for("wan,eth1", "12,88,5000000,-;eth1: link down", "-");
    check_for("wan,eth1", " eth1: link down", "-");
}

#[test]
fn without_pppoe_its_daemons_mean_nothing() {
    let names = Names::new(["wan".to_owned()], []);
    for line in [
        "Mar  4 05:06:07 gw pppd[7]: Modem hangup",
        "Mar  4 05:06:07 gw pppoe[7]: Session 1 terminated -- received PADT from peer",
        "Mar  4 05:06:07 gw netifd: vpn (7): x",
    ] {
        assert_eq!(parse(&read(line), &names), Meaning::Nothing, "{line}");
    }
}
