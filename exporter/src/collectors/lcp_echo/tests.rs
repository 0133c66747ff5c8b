//! Readings of a ring that the test writes as pppd does.

use std::fs;

use super::ring::tests::Pppd;
use super::*;
use crate::config::{self, Config, Layers};
use crate::exposition::tests::lines;
use crate::roots::Roots;

const PATH: &str = "/tmp/ppp-rtt.data";

const MILLISECOND: Duration = Duration::from_millis(1);

/// Readings, with a time of their own.
struct Readings {
    progress: Progress,
    now: Instant,
}

impl Readings {
    fn begin() -> Self {
        Self { progress: Progress::default(), now: clock::monotonic() }
    }

    fn after(&mut self, seconds: u64, pppd: &Pppd) -> Sample {
        self.now += Duration::from_secs(seconds);
        self.progress.advance(PATH, &pppd.ring(), self.now)
    }
}

#[test]
fn what_the_ring_holds_at_the_start_is_neither_counted_nor_shown() {
    let (mut pppd, mut readings) = (Pppd::new(), Readings::begin());
    pppd.reply(4, 5000);
    let first = readings.after(0, &pppd);
    assert_eq!((first.lost, first.last_rtt, first.replied), (0, None, None));
    pppd.reply(2, 6000);
    let second = readings.after(1, &pppd);
    let expected = (2, Some(6 * MILLISECOND), Some(readings.now));
    assert_eq!((second.lost, second.last_rtt, second.replied), expected);
}

#[test]
fn an_answer_is_shown_for_three_intervals_and_at_least_three_seconds() {
    for (interval, shown) in [(0, 3), (1, 3), (5, 15), (60, 180)] {
        let (mut pppd, mut readings) = (Pppd::new(), Readings::begin());
        pppd.set(3, interval);
        readings.after(0, &pppd);
        pppd.reply(0, 5000);
        let replied = readings.after(1, &pppd).replied;
        assert!(replied.is_some());
        assert_eq!(readings.after(shown, &pppd).last_rtt, Some(5 * MILLISECOND), "{interval}");
        let silent = readings.after(1, &pppd);
        assert_eq!((silent.last_rtt, silent.replied), (None, replied), "{interval}");
    }
}

#[test]
fn losses_are_counted_with_the_answer_that_ends_them() {
    let (mut pppd, mut readings) = (Pppd::new(), Readings::begin());
    readings.after(0, &pppd);
    pppd.reply(0, 5000);
    assert_eq!(readings.after(1, &pppd).lost, 0);
    assert_eq!(readings.after(4, &pppd).lost, 0, "nobody knows yet");
    pppd.reply(4, 5000);
    // Late ones, for which nobody waited any more.
    pppd.reply(255, 3_000_000);
    pppd.reply(255, 2_000_000);
    let after = readings.after(1, &pppd);
    assert_eq!((after.lost, after.last_rtt), (4, Some(2000 * MILLISECOND)));
}

#[test]
fn a_session_that_ends_shows_no_time_and_keeps_the_count() {
    let (mut pppd, mut readings) = (Pppd::new(), Readings::begin());
    readings.after(0, &pppd);
    pppd.reply(3, 5000);
    assert!(readings.after(1, &pppd).last_rtt.is_some());
    pppd.set(1, 0);
    let down = readings.after(1, &pppd);
    assert_eq!((down.is_open, down.last_rtt, down.lost), (false, None, 3));
    pppd.set(1, 1);
    pppd.reply(1, 7000);
    let up = readings.after(60, &pppd);
    assert_eq!((up.is_open, up.last_rtt, up.lost), (true, Some(7 * MILLISECOND), 4));
}

#[test]
fn a_ring_made_anew_goes_on_with_the_count() {
    let (mut pppd, mut readings) = (Pppd::new(), Readings::begin());
    readings.after(0, &pppd);
    pppd.reply(3, 5000);
    let replied = readings.after(1, &pppd).replied;
    pppd.clear();
    let anew = readings.after(1, &pppd);
    assert_eq!((anew.lost, anew.last_rtt, anew.replied), (3, None, replied));
    pppd.reply(1, 7000);
    assert_eq!(readings.after(1, &pppd).lost, 4);
}

#[test]
fn a_clock_that_is_set_changes_nothing() {
    let (mut pppd, mut readings) = (Pppd::new(), Readings::begin());
    readings.after(0, &pppd);
    for time in [4_000_000_000, 1, 1_800_000_000] {
        pppd.set_time(time);
        pppd.reply(1, 5000);
        assert_eq!(readings.after(1, &pppd).last_rtt, Some(5 * MILLISECOND), "{time}");
    }
    assert_eq!(readings.after(1, &pppd).lost, 3);
}

#[test]
fn another_file_is_begun_anew_and_the_count_goes_on() {
    let (mut pppd, mut readings) = (Pppd::new(), Readings::begin());
    readings.after(0, &pppd);
    pppd.reply(3, 5000);
    readings.after(1, &pppd);
    let mut other = Pppd::new();
    (0..9).for_each(|_| other.reply(1, 5000));
    let first = readings.progress.advance("/tmp/other", &other.ring(), readings.now);
    assert_eq!((first.lost, first.last_rtt, first.replied), (3, None, None));
    other.reply(2, 5000);
    let second = readings.progress.advance("/tmp/other", &other.ring(), readings.now);
    assert_eq!((second.lost, second.replied), (5, Some(readings.now)));
}

/// A router on which the file holds `bytes`; `None`: there is none.
async fn read(setting: Option<&str>, bytes: Option<&[u8]>) -> Result<Sample, CollectError> {
    let root = tempfile::tempdir().unwrap();
    if let Some(bytes) = bytes {
        fs::create_dir(root.path().join("tmp")).unwrap();
        fs::write(root.path().join("tmp/ppp-rtt.data"), bytes).unwrap();
    }
    let slow = SlowIo::impatient(Roots::new(root.path()));
    let loaded = config::load(&Layers::default(), slow.roots()).unwrap();
    let lcp_rtt_file = setting.map(Into::into);
    let (_sender, live) = Live::new(Config { lcp_rtt_file, ..loaded.config });
    LcpEcho::new(slow, live).read().await
}

#[tokio::test]
async fn a_router_without_the_file_has_none_of_it() {
    let expected = CollectError::NotAvailable("LCP_RTT_FILE is empty".into());
    assert_eq!(read(None, None).await, Err(expected));
    let expected = "/tmp/ppp-rtt.data: not there; pppd 2.5.1 or later writes it, started with \
                    lcp-rtt-file";
    assert_eq!(read(Some(PATH), None).await, Err(CollectError::NotAvailable(expected.into())));
}

#[tokio::test]
async fn another_file_is_a_fault_that_names_the_setting() {
    let mut cut = Pppd::new().bytes;
    cut.truncate(4096);
    let mut text = b"#!/bin/sh\n".to_vec();
    text.resize(8192, b' ');
    for (bytes, found) in [
        (cut, "length: expected 8192 bytes, found \"4096\""),
        (text, "magic number: expected 0x19450425, found \"0x23212f62\""),
    ] {
        let expected = format!(
            "/tmp/ppp-rtt.data: {found}; LCP_RTT_FILE has to name the file of pppd's option \
             lcp-rtt-file"
        );
        assert_eq!(read(Some(PATH), Some(&bytes)).await, Err(CollectError::Failed(expected)));
    }
    assert!(read(Some(PATH), Some(&Pppd::new().bytes)).await.is_ok());
}

#[test]
fn a_time_that_is_not_known_is_absent_and_the_count_is_not() {
    let (mut pppd, mut readings) = (Pppd::new(), Readings::begin());
    let first = lines(readings.after(0, &pppd));
    assert!(first.contains("lcp_echo_lost_total 0\n") && !first.contains("rtt"), "{first}");
    pppd.reply(2, 12_345);
    let second = lines(readings.after(1, &pppd));
    assert!(second.contains("lcp_echo_lost_total 2\n"), "{second}");
    assert!(second.contains("lcp_echo_rtt_seconds 0.012345\n"), "{second}");
}
