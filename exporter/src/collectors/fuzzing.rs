//! What a fuzzer calls with what the kernel and other programs of the device show in files.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::lcp_echo::fuzzing::follow;
use super::{conntrack, link, loadavg, memory, netdev, pppoe, process, thermal, time, wan};
use crate::clock;
use crate::fuzzing::{halves, shown};

/// A text of `/proc`, `/sys` or `/etc`, as every reader of such texts would see it.
///
/// # Panics
/// When something is read from it that the format cannot have.
pub fn device_texts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(sample) = loadavg::parse(&text) {
        assert!(shown(sample).starts_with("load1 "));
    }
    if let Ok(sample) = memory::parse(&text) {
        assert!(shown(sample).starts_with("memory_total_bytes "));
    }
    if let Some(speed) = link::parse_speed(&text) {
        assert!((125_000..=1_250_000_000_000).contains(&speed), "{speed}");
    }
    if let Ok(celsius) = thermal::candidate::parse(&text) {
        assert!((-40.0..=150.0).contains(&celsius) && celsius != 0.0, "{celsius}");
    }
    link::parse_carrier(&text);
    conntrack::parse_number(&text).ok();
    netdev::parse(&text, "eth1");
    process::parse_stat(&text).ok();
    process::parse_max_files(&text);
    time::parse_boot_time(&text).ok();
    let rows = text.lines().count();
    let sessions = pppoe::parse(&text);
    assert!(sessions.len() <= rows);
    assert!(sessions.iter().all(|session| !session.device.contains(char::is_whitespace)));
    wan::fuzzing::kernel_text(&text);
    if let Ok(zone) = TimeZone::posix(text.trim()) {
        for seconds in [0, 1_739_327_400, 253_402_300_799] {
            let time = clock::local_text(Duration::from_secs(seconds), &zone);
            assert_eq!(time.len(), "2025-02-12 10:30:00".len(), "{time}");
        }
    }
}

/// pppd's ring at two moments, the line between them. What is missing at its end is zero.
///
/// # Panics
/// When replies are told more than once, or more than there can be.
pub fn lcp_ring(bytes: &[u8]) {
    let (first, second) = halves(bytes);
    follow(first, second);
}
