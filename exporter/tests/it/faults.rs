//! What is missing, cut, mad, hanging or gone costs its own series and nothing else.

use std::io::Write;

use crate::program::{Program, copy_of, fixture, tool, until};

const NO_PINGS: &str = "PING_TARGETS=\"\"\nDISABLE=\"ping\"\n";

/// Every path is answered, whatever the device is like.
#[track_caller]
fn check_answers(device: &str, sensors: &[&str]) -> String {
    let program = Program::start(&fixture(device), NO_PINGS);
    for path in ["/metrics", "/net/status", "/healthz", "/"] {
        assert_eq!(program.get(path).status, 200, "{device} {path}");
    }
    // A failed reading counts as one; what the device has not got never appears.
    let read = |name: &str| {
        let mark = format!("netmonitor_collector_success{{collector=\"{name}\"}}");
        program.metrics().body.contains(&mark)
    };
    for sensor in sensors {
        until(sensor, || read(sensor));
    }
    program.metrics().body
}

#[test]
fn empty_files() {
    let text = check_answers("bad/empty-files", &["wan", "memory"]);
    assert!(text.contains("collector_success{collector=\"memory\"} 0"), "{text}");
    assert!(!text.contains("netmonitor_memory_total_bytes "), "{text}");
}

#[test]
fn a_table_cut_in_the_middle() {
    let text = check_answers("bad/truncated-net-dev", &["wan"]);
    assert!(!text.contains("interface_receive_bytes_total{"), "{text}");
}

#[test]
fn sensors_gone_mad() {
    let text = check_answers("bad/mad-sensors", &["optical"]);
    for series in ["cpu_temperature_celsius{", "optical_receive_power_dbm{", "Inf", "NaN"] {
        assert!(!text.contains(&format!("netmonitor_{series}")), "{series} in {text}");
    }
    assert!(text.contains("netmonitor_optical_signal_detected 0"), "{text}");
}

#[test]
fn a_counter_that_jumps_back_is_shown_as_it_is() {
    let before = check_answers("ath79-old", &["wan"]);
    let after = check_answers("bad/counter-wrapped", &["wan"]);
    let bytes = |text: &str| -> u64 {
        let line = text.lines().find_map(|line| {
            line.strip_prefix("netmonitor_interface_receive_bytes_total{device=\"eth1\"} ")
        });
        line.unwrap().parse().unwrap()
    };
    assert!(bytes(&after) < bytes(&before));
}

#[test]
fn a_device_with_nothing_at_all() {
    let empty = tempfile::tempdir().unwrap();
    let program = Program::start(empty.path(), NO_PINGS);
    assert_eq!(program.get("/net/status").json()["realtime"]["wan_state"], "unknown");
    assert_eq!(program.metrics().status, 200);
}

/// A pipe without a writer holds whoever opens it, as a hanging driver does.
fn make_pipe(path: &std::path::Path) {
    std::fs::remove_file(path).unwrap();
    assert!(tool("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_sensor_that_hangs_costs_its_own_series_and_does_not_hold_up_stopping() {
    let device = copy_of("filogic-pppoe");
    let zone = device.path().join("sys/class/thermal/thermal_zone1/temp");
    let hwmon = device.path().join("sys/class/hwmon");
    for chip in std::fs::read_dir(hwmon).unwrap() {
        let chip = chip.unwrap().path();
        if std::fs::read_to_string(chip.join("name")).is_ok_and(|name| name.trim() == "cpu_thermal")
        {
            make_pipe(&chip.join("temp1_input"));
        }
    }
    make_pipe(&zone);
    let program = Program::start(device.path(), NO_PINGS);
    until("the hang is noticed", || {
        program.metrics().sample("netmonitor_sensor_hangs_total").is_some_and(|hangs| hangs >= 1.0)
    });
    let metrics = program.metrics();
    assert_eq!(metrics.sample("netmonitor_wan_up{interface=\"wan\"}"), Some(1.0));
    assert!(!metrics.body.contains("cpu_temperature_celsius{"), "{}", metrics.body);
    assert!(program.get("/net/status").json()["realtime"]["cpu_temp"].is_null());

    program.signal("TERM");
    assert!(program.ended().success(), "a thread that hangs does not hold up stopping");
}

#[test]
fn a_hung_sensor_that_returns_is_read_again() {
    let device = copy_of("filogic-pppoe");
    let zone = device.path().join("sys/class/thermal/thermal_zone1/temp");
    make_pipe(&zone);
    let settings = format!("{NO_PINGS}TEMP_SOURCE=\"cpu-thermal\"\n");
    let program = Program::start(device.path(), &settings);
    let hangs = || program.metrics().sample("netmonitor_sensor_hangs_total");
    until("the hang is noticed", || hangs().is_some_and(|hangs| hangs >= 1.0));
    let mut pipe = std::fs::OpenOptions::new().write(true).open(&zone).unwrap();
    std::fs::remove_file(&zone).unwrap();
    std::fs::write(&zone, "47125\n").unwrap();
    pipe.write_all(b"1\n").unwrap();
    drop(pipe);
    until("the sensor is read again", || {
        program.metrics().body.contains("cpu_temperature_celsius{sensor=\"cpu-thermal\"} 47.125")
    });
}

#[test]
fn an_interface_that_goes_and_comes_back() {
    let device = copy_of("filogic-pppoe");
    let program = Program::start(device.path(), NO_PINGS);
    let up = |program: &Program| {
        program.metrics().sample("netmonitor_pppoe_up{interface=\"pppoe-wan\"}")
    };
    until("the session is seen", || up(&program) == Some(1.0));
    let (here, away) = (device.path().join("sys/class/net/pppoe-wan"), device.path().join("away"));
    std::fs::rename(&here, &away).unwrap();
    until("the session is gone", || up(&program) == Some(0.0));
    std::fs::rename(&away, &here).unwrap();
    until("the session is back", || up(&program) == Some(1.0));
}

#[test]
fn files_that_vanish_while_they_are_read() {
    let device = copy_of("x86-igc-sfp");
    let program = Program::start(device.path(), NO_PINGS);
    let (here, away) = (device.path().join("sys"), device.path().join("away"));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flapping = scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                std::fs::rename(&here, &away).unwrap();
                std::fs::rename(&away, &here).unwrap();
            }
        });
        for _ in 0..200 {
            assert_eq!(program.metrics().status, 200);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        flapping.join().unwrap();
    });
}

#[test]
fn a_wan_that_appears_later_is_found() {
    let device = copy_of("ath79-old");
    let (here, away) = (device.path().join("sys/class/net/eth1"), device.path().join("away"));
    std::fs::rename(&here, &away).unwrap();
    let settings = format!("{NO_PINGS}WAN_IFACE=\"eth1\"\n");
    let program = Program::start(device.path(), &settings);
    let state =
        |program: &Program| program.get("/net/status").json()["realtime"]["wan_state"].clone();
    until("the WAN has been looked for", || {
        program.metrics().body.contains("collector=\"wan\"} 1")
    });
    assert_eq!(state(&program), "unknown");
    std::fs::rename(&away, &here).unwrap();
    until("the WAN is found", || state(&program) == "up");
    std::fs::rename(&here, device.path().join("sys/class/net/eth7")).unwrap();
    until("the renamed device is missed", || state(&program) == "down");
}
