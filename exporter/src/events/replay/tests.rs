//! What `replay` prints.

use super::*;

fn options() -> Options {
    let names = Names::new(["wan".to_owned(), "eth1".to_owned()], ["pppoe-wan".to_owned()]);
    let initial = Initial::Up;
    Options { names, initial, per_line: false, derived: false, json: false }
}

#[track_caller]
fn check(options: &Options, log: &str, expected: &str) {
    let mut output = Vec::new();
    replay(log.as_bytes(), &mut output, options).unwrap();
    assert_eq!(String::from_utf8(output).unwrap(), expected);
}

#[test]
fn each_event_has_the_time_of_its_line_as_printed() {
    check(
        &options(),
        "Tue Mar  4 05:06:07 2031 kern.info kernel: [  100.500000] eth1: link down\n\
         Mar  4 05:06:08 gw kernel: [  101.500000] eth1: link up\n\
         [  102.500000] eth1: link down\n\
         6,1,103500000,-;eth1: link up\n\
         { \"network.interface\": {\"action\":\"ifdown\", \"interface\":\"wan\"} }",
        "2031-03-04 05:06:07 kernel_link_down The link of the WAN device is down: cable, modem or port\n\
         03-04 05:06:08 kernel_link_up The link of the WAN device is up\n\
         +102.500000 kernel_link_down The link of the WAN device is down: cable, modem or port\n\
         +103.500000 kernel_link_up The link of the WAN device is up\n\
         +103.500000 wan_down WAN is down\n",
    );
    check(
        &options(),
        "{ \"network.interface\": {\"action\":\"ifdown\", \"interface\":\"wan\"} }\r\n",
        "+0 wan_down WAN is down\n",
    );
}

#[test]
fn per_line_answers_every_line_and_suppresses_nothing() {
    let options = Options { per_line: true, ..options() };
    let down = "Mar  4 05:06:07 gw netifd: Interface 'wan' is now down";
    check(
        &options,
        &format!("{down}\n\n{down}\r\nx\n{down}"),
        "wan_down\n-\nwan_down\n-\nwan_down\n",
    );
    check(&options, "", "");
    check(&options, "\n\n", "-\n-\n");
    let long = "x".repeat(100_000);
    check(&options, &format!("{long}\n{down}\n"), "-\nwan_down\n");
}

#[test]
fn conclusions_are_printed_when_asked_for() {
    let log = "[    0.000000] Linux version 6.6.1\n\
               [   30.000000] eth1: link up\n\
               Mar  4 05:06:07 gw pppd[7]: local  IP address 192.0.2.7\n\
               Mar  4 05:06:01 gw pppd[8]: local  IP address 192.0.2.8\n";
    check(&options(), log, "");
    check(
        &Options { derived: true, ..options() },
        log,
        "+0.000000 router_boot The router started\n\
         +0.000000 outage_start The internet is gone; so far it looks like this: the router \
         started\n\
         +30.000000 kernel_link_up The link of the WAN device is up\n\
         03-04 05:06:07 pppoe_up PPPoE session is up with the address 192.0.2.7\n\
         03-04 05:06:01 time_stepped The clock was set 6 s back\n\
         03-04 05:06:01 wan_ip_changed The WAN's address changed from 192.0.2.7 to 192.0.2.8\n\
         03-04 05:06:01 outage_end The internet was gone for 30 s: the router started\n",
    );
}

#[test]
fn outages_are_concluded_from_what_the_interface_says() {
    let log = "Mar  4 05:06:07 gw pppd[7]: LCP terminated by peer (Session-Timeout)\n\
               Mar  4 05:06:07 gw netifd: Interface 'wan' has lost the connection\n\
               Mar  4 05:06:08 gw netifd: Interface 'wan' is now down\n\
               Mar  4 05:06:40 gw netifd: Interface 'wan' is now up\n\
               Mar  4 05:06:41 gw netifd: Interface 'lan' is now up\n\
               Mar  4 06:00:00 gw netifd: Interface 'wan' has link connectivity loss\n\
               Mar  4 06:00:00 gw pppd[8]: Terminating on signal 15\n";
    let expected = "\
        03-04 05:06:07 pppoe_lcp_term The provider ended the PPPoE session (LCP terminate)\n\
        03-04 05:06:07 outage_start The internet is gone; so far it looks like this: the \
        provider ended the session\n\
        03-04 05:06:07 wan_down WAN is down: its session or lease ended\n\
        03-04 05:06:40 wan_up WAN is up\n\
        03-04 06:00:00 wan_down WAN is down: the device under it has no link\n\
        03-04 05:06:40 outage_end The internet was gone for 33 s: the provider ended the session\n\
        03-04 06:00:00 outage_start The internet is gone; so far it looks like this: the WAN \
        port has no link: cable, or the box it leads to (this house)\n\
        03-04 06:00:00 pppoe_local_term This router stopped the PPPoE session, on request or as \
        its link was lost\n";
    check(&Options { derived: true, ..options() }, log, expected);
}

#[test]
fn a_clock_that_is_set_makes_no_outage_longer() {
    let log = "Mar  4 05:06:07 gw netifd: Interface 'wan' is now down\n\
               Mar  4 05:06:08 gw kernel: [  100.000000] x\n\
               Mar  9 05:06:18 gw kernel: [  110.000000] x\n\
               Mar  9 05:06:20 gw netifd: Interface 'wan' is now up\n\
               Mar  9 05:06:40 gw kernel: [  132.000000] x\n";
    let mut output = Vec::new();
    replay(log.as_bytes(), &mut output, &Options { derived: true, ..options() }).unwrap();
    let told = String::from_utf8(output).unwrap();
    assert!(told.contains("03-09 05:06:20 outage_end The internet was gone for 3 s"), "{told}");
}

#[test]
fn json_has_the_line_number_and_the_details() {
    let expected = serde_json::json!({
        "line": 2, "time": "03-04 05:06:07", "type": "pppoe_lcp_term",
        "message": "The provider ended the PPPoE session (LCP terminate)",
        "detail": { "reason": "say \"when\"" },
    });
    check(
        &Options { json: true, ..options() },
        "x\nMar  4 05:06:07 gw pppd[7]: LCP terminated by peer (say \"when\")",
        &format!("{expected}\n"),
    );
}

/// A reader that goes away, as `| head -1` does.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_output_without_a_reader_is_the_end() {
    let log = "Mar  4 05:06:07 gw netifd: x\n".repeat(10_000);
    replay(log.as_bytes(), Closed, &Options { per_line: true, ..options() }).unwrap();
}
