//! What the services can and cannot do in their sandbox.

use std::collections::BTreeMap;

use netmonitor_tests::clock;
use netmonitor_tests::systemd_machine::Machine;

use super::{QUIET, assert_has, install_exporter, run, well, with_both};

fn status(machine: &Machine, service: &str) -> BTreeMap<String, String> {
    let status = format!("cat /proc/$(systemctl show --value --property MainPID {service})/status");
    let text = well(machine, &status);
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

#[test]
fn the_bridge_stores_what_the_exporter_tells() {
    let machine = with_both();
    clock::until("a sample is stored", || {
        let report = machine.sh("netmonitor-bridge-ctl check")?.said;
        let samples = report.lines().find_map(|line| line.strip_prefix("samples "));
        Ok(samples.is_some_and(|rest| !rest.trim_start().starts_with("0 ")))
    })
    .unwrap();
    let metrics = well(&machine, "curl -s localhost:5000/metrics");
    // /proc/stat is there.
    assert_has(&metrics, &["\nprocess_start_time_seconds ", "process_max_fds 16384"]);
    let log = well(&machine, "journalctl --no-pager --output cat --unit netmonitor-bridge");
    assert!(!log.contains("ERROR") && !log.contains("not permitted"), "{log}");
}

#[test]
fn the_exporter_has_its_pings_the_kernels_log_and_the_clock() {
    let machine = with_both();
    let asked = "curl -s localhost:8321/metrics";
    clock::until("a ping is answered", || {
        let ping = "ping_rtt_seconds_count{target=\"127.0.0.1\",scope=\"domestic\"} ";
        let metrics = machine.sh(asked)?.said;
        Ok(metrics.split_once(ping).is_some_and(|(_, rest)| !rest.starts_with('0')))
    })
    .unwrap();
    let metrics = well(&machine, asked);
    assert_has(
        &metrics,
        &["log_source_up{source=\"kmsg\"} 1\n", "\nnetmonitor_boot_time_seconds "],
    );
    assert!(!metrics.contains("collector_success{collector=\"optical\"} 0"), "{metrics}");
    let log = well(&machine, "journalctl --no-pager --output cat --unit netmonitor-exporter");
    assert!(!log.contains("ERROR") && !log.contains("not permitted"), "{log}");
}

/// Where the kernel's word is hidden, the bridge believes a clock that nobody keeps.
#[test]
fn both_read_whether_the_clock_is_kept() {
    let machine = with_both();
    let metrics = well(&machine, "curl -s localhost:8321/metrics");
    let is_kept = metrics.contains("\nnetmonitor_time_synced 1\n");
    assert!(is_kept || metrics.contains("\nnetmonitor_time_synced 0\n"), "{metrics}");
    let doubt = "no time service keeps this host's clock";
    let log = "journalctl --no-pager --output cat --unit netmonitor-bridge";
    if is_kept {
        assert!(!well(&machine, log).contains(doubt));
    } else {
        clock::until("the bridge doubts", || Ok(machine.sh(log)?.said.contains(doubt))).unwrap();
    }
}

#[test]
fn neither_has_more_rights_than_it_needs() {
    let machine = with_both();
    for (service, rights) in
        [("netmonitor-bridge", "0000000000000000"), ("netmonitor-exporter", "0000000400002000")]
    {
        let status = status(&machine, service);
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(status[set], rights, "{service} {set}");
        }
        assert_eq!((&*status["NoNewPrivs"], &*status["Seccomp"]), ("1", "2"), "{service}");
        assert!(!status["Uid"].starts_with("0\t"), "{service}");
    }
}

#[test]
fn neither_can_read_what_is_the_others() {
    let machine = with_both();
    for (user, file) in [
        ("netmonitor", "/etc/netmonitor.conf"),
        ("netmonitor-exporter", "/etc/netmonitor/bridge.env"),
        ("netmonitor-exporter", "/var/lib/netmonitor/netmonitor.db"),
        ("nobody", "/run/netmonitor-exporter/events.json"),
    ] {
        // As installed; the one that stands here was written by root for everybody.
        well(&machine, "chmod 640 /etc/netmonitor.conf");
        let read = format!("setpriv --reuid {user} --regid nogroup --clear-groups cat {file}");
        assert_has(&run(&machine, &read).said, &["Permission denied"]);
    }
}

#[test]
fn events_outlive_a_restart_of_the_exporter() {
    let machine = with_both();
    let stream = "curl -s localhost:8321/net/events | grep -o '\"stream\":\"[^\"]*\"'";
    let before = well(&machine, stream);
    well(&machine, "systemctl restart netmonitor-exporter");
    clock::until("it answers", || Ok(machine.sh("netmonitor-exporter healthcheck")?.status == 0))
        .unwrap();
    assert_eq!(well(&machine, stream), before);
}

/// The lines that `docs/systemd.md` gives for optical modules.
#[test]
fn the_documented_drop_in_gives_the_right_for_modules() {
    let machine = with_both();
    let text = std::fs::read_to_string(super::repository().join("docs/systemd.md")).unwrap();
    let (_, rest) = text.split_once("```ini\n").unwrap();
    let (drop_in, _) = rest.split_once("```").unwrap();
    std::fs::write(machine.shared().join("module.conf"), drop_in).unwrap();
    let folder = "/etc/systemd/system/netmonitor-exporter.service.d";
    well(
        &machine,
        &format!(
            "mkdir -p {folder}; cp /shared/module.conf {folder}; systemctl daemon-reload
             systemctl restart netmonitor-exporter"
        ),
    );
    assert_eq!(status(&machine, "netmonitor-exporter")["CapEff"], "0000000400003000");
}

/// As rsyslog makes it on Debian and Ubuntu.
#[test]
fn the_file_of_a_syslog_daemon_is_read() {
    let machine = Machine::start().unwrap();
    well(&machine, QUIET);
    // Backlog: what stood there before the exporter came.
    let line = "printf '%s machine netmonitor-test: test event 5e1f\\n' \"$(date '+%b %e %T')\"";
    well(&machine, &format!("{line} >/tmp/syslog; install -m 640 -g adm /tmp/syslog /var/log"));
    assert_eq!(install_exporter(&machine).status, 0);
    clock::until("its event is told", || {
        Ok(machine.sh("curl -s localhost:8321/net/events")?.said.contains("5e1f"))
    })
    .unwrap();
}
