//! `uninstall.sh` on a computer with systemd.

use super::{SCRIPTS, assert_has, install_bridge, run, well, with_both};

#[test]
fn data_and_settings_stay_and_are_named() {
    let machine = with_both();
    let said = well(&machine, &format!("{SCRIPTS}/uninstall.sh bridge"));
    assert_has(
        &said,
        &[
            "kept: /etc/netmonitor (--purge removes it)",
            "kept: /var/lib/netmonitor (--purge removes it)",
            "kept: user netmonitor",
            "netmonitor-bridge is removed.",
        ],
    );
    well(&machine, "test -s /var/lib/netmonitor/netmonitor.db; ! pidof netmonitor-bridge");
    assert_ne!(run(&machine, "systemctl cat netmonitor-bridge").status, 0);
    // The other one is not touched, and this one goes on where it was.
    well(&machine, "netmonitor-exporter healthcheck");
    let again = install_bridge(&machine, "");
    assert_eq!(again.status, 0, "{}", again.said);
    assert_has(&again.said, &["settings are kept"]);
}

#[test]
fn purge_leaves_nothing() {
    let machine = with_both();
    well(&machine, "mkdir -p /etc/systemd/system/netmonitor-bridge.service.d");
    for part in ["bridge", "exporter"] {
        let said = well(&machine, &format!("{SCRIPTS}/uninstall.sh {part} --purge"));
        assert_eq!(said, format!("netmonitor-{part} is removed.\n"));
        let said = well(&machine, &format!("{SCRIPTS}/uninstall.sh {part} --purge"));
        assert_eq!(said, format!("netmonitor-{part} is not installed\n"));
    }
    let left = "find /etc /usr/local /var/lib /run -name '*netmonitor*' -not -path '/run/systemd/*'
        grep -h netmonitor /etc/passwd /etc/group; true";
    assert_eq!(well(&machine, left), "");
}

#[test]
fn a_database_that_settings_name_is_not_ours_to_remove() {
    let machine = with_both();
    well(&machine, "echo SQLITE_DB=/srv/kept.db >>/etc/netmonitor/bridge.env; touch /srv/kept.db");
    let said = well(&machine, &format!("{SCRIPTS}/uninstall.sh bridge --purge"));
    assert_has(&said, &["kept: the database /srv/kept.db, which SQLITE_DB names"]);
    well(&machine, "test -e /srv/kept.db");
}
