//! The ring of a pppd that a test plays, and what the program shows of it.

use std::path::Path;

use crate::program::{Program, copy_of, until};

const SETTINGS: &str = "PING_TARGETS=\"\"\nDISABLE=\"ping\"\nLCP_RTT_FILE=\"/tmp/ppp-rtt.data\"\n";

/// One answer: requests lost before it, and its time in microseconds.
pub(crate) type Reply = (u32, u32);

/// Replaces the ring of the router at `root`: LCP is open (1) or not (0), and `replies` are
/// all there were.
pub(crate) fn write_ring(root: &Path, status: u32, replies: &[Reply]) {
    let newest = 2 * u32::try_from(replies.len()).unwrap();
    let mut words = vec![0x1945_0425, status, newest, 1, 0, 0];
    for (second, (lost, micros)) in (1_800_000_000..).zip(replies) {
        words.extend([second, (lost << 24) | micros]);
    }
    words.resize(2048, 0);
    let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_be_bytes).collect();
    let folder = root.join("tmp");
    std::fs::create_dir_all(&folder).unwrap();
    // Never half of it: the program may be reading.
    std::fs::write(folder.join("new"), bytes).unwrap();
    std::fs::rename(folder.join("new"), folder.join("ppp-rtt.data")).unwrap();
}

#[test]
fn answers_of_the_access_server_are_shown_and_counted() {
    let device = copy_of("filogic-pppoe");
    write_ring(device.path(), 1, &[(9, 8000)]);
    let program = Program::start(device.path(), SETTINGS);
    let shown = || {
        let metrics = program.metrics();
        let sample = |name| metrics.sample(&format!("netmonitor_lcp_echo_{name}"));
        (sample("rtt_seconds"), sample("lost_total"))
    };
    until("the ring is read, and what is old in it left alone", || shown() == (None, Some(0.0)));
    write_ring(device.path(), 1, &[(9, 8000), (3, 12_345)]);
    until("an answer is shown", || shown() == (Some(0.012_345), Some(3.0)));
    write_ring(device.path(), 0, &[(9, 8000), (3, 12_345)]);
    until("the session has ended", || shown() == (None, Some(3.0)));

    std::fs::write(device.path().join("tmp/ppp-rtt.data"), "no ring\n").unwrap();
    let success = "netmonitor_collector_success{collector=\"lcp_echo\"}";
    until("it is no ring any more", || program.metrics().sample(success) == Some(0.0));
    assert!(program.log().contains("LCP_RTT_FILE has to name"), "{}", program.log());
}
