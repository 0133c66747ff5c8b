//! The computer that other tests install services on behaves as one. Needs root.

use anyhow::Result;
use netmonitor_tests::systemd_machine::Machine;

#[test]
fn it_runs_services_and_changes_nothing_here() -> Result<()> {
    let machine = Machine::start()?;
    let mark = "/usr/local/netmonitor-machine";
    let service = "[Service]\\nType=oneshot\\nDynamicUser=yes\\nExecStart=/usr/bin/id -u\\n";
    let output = machine.sh(&format!(
        "touch {mark}; printf '{service}' >/run/systemd/system/id.service
         systemctl start id && journalctl --no-pager --output cat --unit id | grep '^6'"
    ))?;
    assert_eq!(output.status, 0, "{}", output.said);
    assert_eq!(machine.sh(&format!("test -e {mark}"))?.status, 0);
    assert!(!std::path::Path::new(mark).exists());
    Ok(())
}

#[test]
fn none_of_the_kernels_settings_can_be_changed_there() -> Result<()> {
    let machine = Machine::start()?;
    for script in ["echo 1 >/proc/sys/kernel/dmesg_restrict", "echo 0 >/sys/kernel/profiling"] {
        let output = machine.sh(script)?;
        assert_ne!(output.status, 0, "{script}");
        assert!(output.said.contains("Read-only file system"), "{}", output.said);
    }
    let addresses = machine.sh("ip -o -4 address show")?.said;
    assert_eq!(addresses.lines().count(), 1, "{addresses}");
    let typed = machine.on_terminal("read -r word; test -t 0 && echo got $word", "this\n")?;
    assert!(typed.status == 0 && typed.said.contains("got this"), "{}", typed.said);
    Ok(())
}
