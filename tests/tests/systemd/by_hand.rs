//! `netmonitor-bridge-ctl`: the bridge's subcommands as the service's user.

use super::{assert_has, run, well, with_both};

#[test]
fn copies_are_made_and_put_back() {
    let machine = with_both();
    well(&machine, "cd /root; umask 022; netmonitor-bridge-ctl backup copy.db");
    let owned = "stat -c '%a %U' /root/copy.db /var/lib/netmonitor/netmonitor.db";
    assert_eq!(well(&machine, owned), "600 netmonitor\n600 netmonitor\n");
    let output = run(&machine, "netmonitor-bridge-ctl restore /root/copy.db");
    assert_ne!(output.status, 0, "while it runs: {}", output.said);
    well(&machine, "systemctl stop netmonitor-bridge; netmonitor-bridge-ctl restore /root/copy.db");
    assert_eq!(well(&machine, owned), "600 netmonitor\n600 netmonitor\n");
    well(&machine, "systemctl start netmonitor-bridge");
    let whole = well(&machine, "netmonitor-bridge-ctl check");
    assert_has(&whole, &["database /var/lib/netmonitor/netmonitor.db: whole"]);
}

#[test]
fn it_has_one_right_of_roots_and_keeps_none_for_others() {
    let machine = with_both();
    // In the place of the program.
    let status = "NETMONITOR_PROGRAM=/bin/cat netmonitor-bridge-ctl /proc/self/status";
    let said = well(&machine, status);
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_has(&said, &[&format!("{set}:\t0000000000000002\n")]);
    }
    assert_has(&said, &["NoNewPrivs:\t1\n"]);
    assert!(!said.contains("Uid:\t0"), "{said}");
}

#[test]
fn what_is_not_there_is_said() {
    let machine = with_both();
    let nobody =
        "setpriv --reuid nobody --regid nogroup --clear-groups netmonitor-bridge-ctl check";
    assert_ne!(run(&machine, nobody).status, 0);
    well(&machine, "mv /usr/local/bin/netmonitor-bridge /tmp");
    let output = run(&machine, "netmonitor-bridge-ctl check");
    assert_has(
        &output.said,
        &["/usr/local/bin/netmonitor-bridge is missing: run install.sh bridge"],
    );
    well(&machine, "mv /etc/netmonitor/bridge.env /tmp");
    let output = run(&machine, "netmonitor-bridge-ctl check");
    assert_has(&output.said, &["/etc/netmonitor/bridge.env is not there: run install.sh bridge"]);
    assert_has(&well(&machine, "netmonitor-bridge-ctl --help"), &["restore FILE"]);
}
