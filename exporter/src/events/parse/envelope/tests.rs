//! Every shape of a line, and what looks like one.

use proptest::prelude::*;

use super::*;

/// Shows who wrote a line, when, and the text: `kernel @+5.5s | eth1: link down`.
#[track_caller]
fn check(line: &str, expected: &str) {
    let Line { stamp, uptime, origin, text } = read(line);
    let origin = match origin {
        Origin::Kernel => "kernel".to_owned(),
        Origin::Program { name, pid: None } => name.to_owned(),
        Origin::Program { name, pid: Some(pid) } => format!("{name}[{pid}]"),
        Origin::Ubus => "ubus".to_owned(),
        Origin::Unknown => "?".to_owned(),
    };
    let stamp = match stamp {
        Stamp::None => String::new(),
        Stamp::Local(local) => format!(" {}", time(local)),
        Stamp::Unix { at, local } => {
            format!(
                " @{:?}{}",
                at,
                local.map(|local| format!(" {}", time(local))).unwrap_or_default()
            )
        }
    };
    let uptime = uptime.map(|uptime| format!(" +{uptime:?}")).unwrap_or_default();
    assert_eq!(format!("{origin}{stamp}{uptime} | {text}"), expected, "{line}");
}

fn time(local: LocalTime) -> String {
    let LocalTime { year, month, day, hour, minute, second } = local;
    let year = year.map(|year| format!("{year}-")).unwrap_or_default();
    format!("{year}{month}-{day}T{hour}:{minute}:{second}")
}

#[test]
fn logread_to_the_screen_and_to_a_file() {
    check(
        "Tue Mar  4 05:06:07 2031 daemon.notice netifd: Interface 'lan' is now up",
        "netifd 2031-3-4T5:6:7 | Interface 'lan' is now up",
    );
    check(
        "Tue Mar  4 05:06:07 2031 [1930367167.089] daemon.info pppd[99]:  two blanks",
        "pppd[99] @1930367167.089s 2031-3-4T5:6:7 |  two blanks",
    );
    check(
        "Tue Mar 14 05:06:07 2031 kern.warn kernel: [   12.000345] eth7: link down ",
        "kernel 2031-3-14T5:6:7 +12.000345s | eth7: link down ",
    );
    check("Tue Mar  4 05:06:07 2031 kern.info kernel: no time", "kernel 2031-3-4T5:6:7 | no time");
    check(
        "Tue Mar  4 05:06:07 2031 user.info kernel: [   12.5] init: - preinit -",
        "? 2031-3-4T5:6:7 +12.5s | init: - preinit -",
    );
    check("Tue Mar  4 05:06:07 2031 gw netifd: x", "? 2031-3-4T5:6:7 | gw netifd: x");
    check("Tue Mar  4 05:06:07 2031 local7.err no tag", "? 2031-3-4T5:6:7 | no tag");
}

#[test]
fn logread_to_another_host() {
    check("<29>Mar  4 05:06:07 netifd: x", "netifd 3-4T5:6:7 | x");
    check("<29>Mar  4 05:06:07 gw netifd: x", "netifd 3-4T5:6:7 | x");
    check("<29>Mar  4 05:06:07 gw home: netifd: x", "netifd 3-4T5:6:7 | x");
    check(
        "<30>Mar  4 05:06:07 [1930367167.089] gw home: pppd[8]: x",
        "pppd[8] @1930367167.089s 3-4T5:6:7 | x",
    );
    check(
        "<30>Mar  4 05:06:07 1930367167.089 gw pppd[8]: x",
        "pppd[8] @1930367167.089s 3-4T5:6:7 | x",
    );
    check("<6>Mar  4 05:06:07 gw home: kernel: [ 9.25] x", "kernel 3-4T5:6:7 +9.25s | x");
    check("<6>[    9.250000] x", "kernel +9.25s | x");
    check("<14>[    9.250000] x", "? +9.25s | x");
    check("<30>Mar  4 05:06:07 home: tool: x", "home 3-4T5:6:7 | tool: x");
    check("<13>Mar  4 05:06:07 gw tool: netifd: x", "tool 3-4T5:6:7 | netifd: x");
    check("<30>Mar  4 05:06:07 gw tool[3]: netifd: x", "tool[3] 3-4T5:6:7 | netifd: x");
    check("<30>Mar  4 05:06:07 gw a: b: netifd: x", "a 3-4T5:6:7 | b: netifd: x");
    check("<30>Mar  4 05:06:07 gw home: kernel: [ 9.25] x", "home 3-4T5:6:7 | kernel: [ 9.25] x");
    check(
        "<30>Mar  4 05:06:07 gw netmonitor-exporter: netifd: x",
        "netmonitor-exporter 3-4T5:6:7 | netifd: x",
    );
}

#[test]
fn syslog_with_a_host_and_without_a_year() {
    check("Mar  4 05:06:07 gw daemon.info pppd[8]: x", "pppd[8] 3-4T5:6:7 | x");
    check("Mar 04 05:06:07 gw.lan pppd[8]: x", "pppd[8] 3-4T5:6:7 | x");
    check("Mar  4 05:06:07 pppd[8]: x", "pppd[8] 3-4T5:6:7 | x");
    check("Mar  4 05:06:07 gw kernel: eth7: x", "kernel 3-4T5:6:7 | eth7: x");
    check("Mar  4 05:06:07 gw kern.info kernel: [ 9.25] x", "kernel 3-4T5:6:7 +9.25s | x");
    check("Mar  4 05:06:07 gw user.info kernel: [ 9.25] x", "? 3-4T5:6:7 +9.25s | x");
    check(
        "2031-03-04T05:06:07.250000+01:00 gw pppd[8]: x",
        "pppd[8] @1930363567.25s 2031-3-4T5:6:7 | x",
    );
    check(
        "2031-03-04T05:06:07Z gw kernel: [ 9.25] x",
        "kernel @1930367167s 2031-3-4T5:6:7 +9.25s | x",
    );
}

#[test]
fn the_kernels_own_log() {
    check("[ 1234.000005] eth7: x", "kernel +1234.000005s | eth7: x");
    check("[ 1234.000005][   T45] eth7: x", "kernel +1234.000005s | eth7: x");
    check("[ 1234.000005] [   T45] eth7: x", "kernel +1234.000005s | eth7: x");
    check("[ 1234.000005] [Tx] x", "kernel +1234.000005s | [Tx] x");
    check("kern  :info  : [ 1234.000005] eth7: x", "kernel +1234.000005s | eth7: x");
    check("kern  :notice: [    1.5][    C1] eth7: x", "kernel +1.5s | eth7: x");
    check("kern  :warn  : [Tue Mar  4 05:06:07 2031] x", "kernel 2031-3-4T5:6:7 | x");
    for other in
        ["user  :info  : [ 1.5] x", "kern  :what  : [ 1.5] x", "kernel: [ 1.5] x", "kern  :info"]
    {
        check(other, &format!("? | {other}"));
    }
    check("[ 1234.000005] [drm] x", "kernel +1234.000005s | [drm] x");
    check("[Tue Mar  4 05:06:07 2031] eth7: x", "kernel 2031-3-4T5:6:7 | eth7: x");
    check(
        "2031-03-04T05:06:07,250000+00:00 eth7: x",
        "kernel @1930367167.25s 2031-3-4T5:6:7 | eth7: x",
    );
    check("6,99,1234000005,-;eth7: x; y", "kernel +1234.000005s | eth7: x; y");
    check("4,99,1234000005,c,caller=C1;eth7: x", "kernel +1234.000005s | eth7: x");
    check("14,99,1234000005,-;netifd: x", "? +1234.000005s | netifd: x");
    check("30,99,1234000005,-;eth7: x", "? +1234.000005s | eth7: x");
    check(" SUBSYSTEM=net", "? | SUBSYSTEM=net");
}

#[test]
fn syslog_as_rfc_5424_has_it() {
    let stamp = "2031-03-04T05:06:07.25+01:00";
    let expected = "@1930363567.25s 2031-3-4T5:6:7";
    check(&format!("<30>1 {stamp} gw pppd 8 - - x"), &format!("pppd[8] {expected} | x"));
    check(&format!("<29>1 {stamp} gw netifd - - - \u{feff}x"), &format!("netifd {expected} | x"));
    check(
        &format!("<6>1 {stamp} gw kernel - - - [ 9.25] eth7: x"),
        &format!("kernel {expected} +9.25s | eth7: x"),
    );
    check(&format!("<14>1 {stamp} gw kernel - - - eth7: x"), &format!("? {expected} | eth7: x"));
    check(r#"<30>1 - gw pppd 8 ID7 [a b="c] \"d"][e@1 f="g"] [x] y"#, "pppd[8] | [x] y");
    check("<30>1 - gw - - - - x", "? | x");
    for line in ["<30>1 ", "<30>1 x gw pppd 8 - - x", "<30>1 - gw pppd 8 - [a x", "<30>1 - gw"] {
        check(line, &format!("? | {line}"));
    }
}

#[test]
fn what_an_editor_puts_before_a_line_is_passed_over() {
    check("\u{feff}Mar  4 05:06:07 gw pppd[8]: x", "pppd[8] 3-4T5:6:7 | x");
    check("\u{feff}\u{a0} \u{a0}[ 9.25] eth7: x", "kernel +9.25s | eth7: x");
}

#[test]
fn what_luci_shows() {
    check(
        "[Dec 5, 2030, 9:03:09 PM EST] kern.info: [ 9.25] eth7: x",
        "kernel 2030-12-5T21:3:9 +9.25s | eth7: x",
    );
    check("[2030年12月5日 GMT+8 21:03:09] daemon.notice: netifd: x", "netifd 2030-12-5T21:3:9 | x");
    check("[5. Dez. 2030, 21:03:09 MEZ] daemon.info: pppd[3]: x", "pppd[3] 2030-12-5T21:3:9 | x");
    check(
        "[2030年12月5日 下午9:03:09 [GMT+8]] daemon.info: pppd[3]: x",
        "pppd[3] 2030-12-5T21:3:9 | x",
    );
    check("[5. xyz. 2030, 21:03:09 MEZ] daemon.info: pppd[3]: x", "pppd[3] | x");
    check(
        "[Dec 5, 2030, 9:03:09 PM EST] user.info: [ 9.25] eth7: x",
        "? 2030-12-5T21:3:9 +9.25s | eth7: x",
    );
    check("[x] kern.info: kernel: [ 9.25] eth7: x", "kernel +9.25s | eth7: x");
}

#[test]
fn test_lines_are_told_from_the_kernels() {
    check("12,99,1000000,-;netmonitor-test: hello", "netmonitor-test +1s | hello");
    check("[    1.000000] netmonitor-test: hello", "netmonitor-test +1s | hello");
}

#[test]
fn what_has_no_known_shape_is_kept_as_it_is() {
    check("{ \"a\": {} }", "ubus | { \"a\": {} }");
    for line in
        ["", "[", "[]", "<", "<>", "<999999999999>x", ",,,;", "1,2;x", "A", "é", "-- MARK --"]
    {
        check(line, &format!("? | {line}"));
    }
}

/// Pieces of lines, and letters of several bytes.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "[",
        "]",
        "] ",
        " ",
        ":",
        ".",
        "/",
        "-",
        "+",
        ",",
        "\"",
        "\\",
        "<30>1 ",
        "kern",
        ":info  : ",
        "kern.info: ",
        "GMT+8",
        "2026",
        "22",
        "7",
        "07:54:20",
        "年",
        "月",
        "日",
        "时",
        "시",
        "분",
        "초",
        "上午",
        "오후",
        "нояб.",
        "г.",
        "paź",
        "p.\u{202f}m.",
        "ſ",
        "İ",
        "٣",
        "\u{2212}",
        "\u{feff}",
        "\u{a0}",
        "\u{301}",
        "T45",
        "[ 1.5]",
        "é",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_line_is_too_odd(text in pieces(), any in "\\PC{0,40}") {
        for line in [text.clone(), format!("[{text}{any}] kern.info: x"), any + &text] {
            prop_assert!(line.ends_with(read(&line).text), "{line}");
        }
    }
}
