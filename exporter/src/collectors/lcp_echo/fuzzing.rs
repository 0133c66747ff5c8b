//! What a fuzzer calls with pppd's ring.

use std::time::Duration;

use super::{Progress, ring};
use crate::clock;
use crate::fuzzing::shown;

/// As long as the file.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(ring::BYTES, 0);
    padded
}

/// Reads the ring at two moments, and again when nothing has changed.
pub(in crate::collectors) fn follow(first: &[u8], second: &[u8]) {
    ring::parse(first).ok();
    let (Ok(first), Ok(second)) = (ring::parse(&padded(first)), ring::parse(&padded(second)))
    else {
        return;
    };
    let now = clock::monotonic();
    let mut progress = Progress::default();
    let start = progress.advance("ring", &first, now);
    assert_eq!((start.lost, start.replied), (0, None), "what was there came before us");
    let later = progress.advance("ring", &second, now);
    let new = second.since(first.mark()).count() as u64;
    assert!(new < ring::PAIRS as u64 && later.lost <= 254 * new, "{new}: {later:?}");
    assert_eq!(later.replied.is_some(), new > 0);
    assert!(later.last_rtt.is_none_or(|rtt| rtt < Duration::from_secs(17)), "{later:?}");
    let again = progress.advance("ring", &second, now);
    assert_eq!((again.lost, again.replied), (later.lost, later.replied));
    shown(again);
}
