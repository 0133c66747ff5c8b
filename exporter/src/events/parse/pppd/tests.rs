//! The words of pppd, and what looks like them.

use crate::events::parse::tests::check_for;

#[track_caller]
fn check(text: &str, expected: &str) {
    let line = format!("Tue Mar  4 05:06:07 2031 daemon.info pppd[2718]: {text}");
    check_for("wan,eth1", &line, expected);
}

#[test]
fn the_end_of_a_session_is_told_in_many_ways() {
    check("Connection terminated.", "ppp pppoe_down");
    check("Modem hangup", "ppp pppoe_down");
    check("Serial link appears to be disconnected.", "ppp pppoe_down");
    check("Exit.", "ppp exit");
    check("Exit", "ppp exit");
    check("No response to 7 echo-requests", "ppp pppoe_lcp_echo_timeout");
    check("LCP terminated by peer", "ppp pppoe_lcp_term");
    check("LCP terminated by peer (Session-Timeout)", "ppp pppoe_lcp_term reason=Session-Timeout");
    check("LCP terminated at peer's request", "ppp pppoe_lcp_term");
    check("rcvd [LCP TermReq id=0x9]", "ppp pppoe_lcp_term");
    check("rcvd [LCP TermReq id=0x9 \"go \"away\"\"]", "ppp pppoe_lcp_term reason=go \"away\"");
    check("Terminating on signal 2", "ppp pppoe_local_term signal=2");
    check("Terminating on signal 15.", "ppp pppoe_local_term signal=15");
    check("Hangup (SIGHUP)", "ppp pppoe_local_term");
    check("Terminating connection due to lack of activity.", "ppp pppoe_local_term");
}

#[test]
fn who_sent_the_terminate_request_is_said() {
    let told = |line: &str| match super::parse(line) {
        Some(super::Said::End(_, told)) => told.message,
        other => panic!("{other:?}"),
    };
    assert!(told("sent [LCP TermReq id=0x3 \"x\"]").starts_with("This router"));
    assert!(told("rcvd [LCP TermReq id=0x3 \"x\"]").starts_with("The provider"));
    assert!(told("LCP terminated by peer").starts_with("The provider"));
}

#[test]
fn a_refusal_is_told_by_each_protocol() {
    check("PAP authentication failed", "ppp pppoe_auth_fail");
    check(
        "CHAP authentication failed: account expired",
        "ppp pppoe_auth_fail reason=account expired",
    );
    check(
        "MS-CHAP authentication failed: E=649 no permission",
        "ppp pppoe_auth_fail reason=E=649 no permission",
    );
    check(
        "CHAP authentication failed due to protocol-reject",
        "ppp pppoe_auth_fail reason=protocol-reject",
    );
    check("No response to PAP authenticate-requests", "ppp pppoe_auth_fail reason=no answer");
    check("EAP: peer reports authentication failure", "ppp pppoe_auth_fail");
    for server in [
        "PAP peer authentication failed for \"bob\"",
        "PAP authentication of peer failed (protocol-reject)",
        "Peer \"bob\" failed CHAP authentication",
        "peer refused to authenticate: terminating link",
    ] {
        check(server, "-");
    }
}

#[test]
fn discovery_and_negotiation_fail_in_steps() {
    check("Timeout waiting for PADO packets", "ppp pppoe_padi_timeout");
    check("Timeout waiting for PADS packets", "ppp pppoe_discovery_timeout");
    check("Unable to complete PPPoE Discovery", "ppp pppoe_discovery_timeout");
    check("Unable to complete PPPoE Discovery phase 2", "ppp pppoe_discovery_timeout");
    check(
        "PADS: Service-Name-Error: no such service",
        "ppp pppoe_ac_error error=Service-Name-Error reason=no such service",
    );
    check("PADO: System-Error: ", "ppp pppoe_ac_error error=System-Error");
    check("PADS: Service-Name: 'isp'", "-");
    check("LCP: timeout sending Config-Requests", "ppp pppoe_negotiation_timeout");
    check("IPCP: timeout sending Config-Requests", "ppp pppoe_negotiation_timeout");
    check("IPV6CP: timeout sending Config-Requests", "-");
    check("CCP: timeout sending Config-Requests", "-");
}

#[test]
fn a_session_is_up_when_it_has_an_address() {
    let up = "ppp pppoe_up address=192.0.2.77";
    check("local  IP address 192.0.2.77", up);
    check("local IP address 192.0.2.77", up);
    check("local  IP address nowhere", "-");
    check("remote IP address 192.0.2.77", "-");
    check("local  LL address fe80::7", "-");
}

#[test]
fn what_tells_whose_session_it_is_is_read() {
    check("Plugin rp-pppoe.so loaded.", "ppp dials pppoe");
    check("Plugin /usr/lib/pppd/2.5.1/pppoe.so loaded.", "ppp dials pppoe");
    check("Plugin pppol2tp.so loaded.", "ppp dials other");
    check("Plugin sstp-pppd-plugin.so loaded.", "ppp dials other");
    check("Plugin /usr/lib/pptpd/pptpd-logwtmp.so loaded.", "ppp dials other");
    check("PPPoE plugin from pppd 2.5.1", "ppp dials pppoe");
    check("RP-PPPoE plugin version 3.9p compiled against pppd 2.4.6", "ppp dials pppoe");
    check("PPP session is 4711", "ppp discovered");
    check("Device ttyACM3 is locked by pid 812", "ppp dials other");
    check("Failed to open /dev/ttyACM3: No such device", "ppp dials other");
    check("Serial connection established.", "ppp dials other");
    check("Connect script failed", "ppp dials other");
    check("pppd 2.5.1 started by root, uid 0", "ppp started");
    check("Using interface ppp3", "ppp device ppp3");
    check("Renamed interface ppp0 to pppoe-wan", "ppp device pppoe-wan");
    check("Connect: pppoe-wan <--> eth1", "ppp device pppoe-wan");
    check("Remote message: hello", "ppp message hello");
}

#[test]
fn the_rest_of_a_session_is_no_event() {
    for text in [
        "PPP session was 4711",
        "Plugin radius.so loaded.",
        "Device eth1 is fine",
        "Failed to open /dev/ppp",
        "Connected to 02:00:5e:00:53:01 via interface eth1",
        "CHAP authentication succeeded: welcome",
        "Connect time 7.5 minutes.",
        "Sent 1234 bytes, received 4321 bytes.",
        "Sent PADT",
        "IPV6CP terminated by peer",
        "LCP terminated",
        "sent [LCP TermAck id=0x9]",
        "rcvd [IPCP TermReq id=0x9]",
        "select (waitForPADO): Interrupted system call",
        "No response to many echo-requests",
        "The words Modem hangup in a sentence",
        "Modem hangups",
        "",
    ] {
        check(text, "-");
    }
}
