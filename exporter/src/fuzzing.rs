//! What fuzzers call (`exporter/fuzz`), a function for each kind of outside input: in no
//! build for users.
//!
//! Each hands the bytes to the code that reads them on a router, and panics where what comes
//! of it is not as promised. They stand beside what they call, in a `fuzzing.rs` each.

pub use crate::collectors::fuzzing::{device_texts, lcp_ring};
pub use crate::collectors::optical::fuzzing::{module_pages, optical_answer};
pub use crate::collectors::wan::fuzzing::netifd_answer;
pub use crate::config::fuzzing::config_file;
pub use crate::events::fuzzing::log_lines;
pub use crate::events::queue::fuzzing::queue_files;
pub use crate::http::fuzzing::request;

/// What an answer of the kernel or a packet of the network may do.
pub fn packet(bytes: &[u8]) {
    crate::probes::fuzzing::packet(bytes);
    crate::collectors::optical::fuzzing::netlink_answer(bytes);
}

/// Inputs that are several things have this line between them.
const BETWEEN: &[u8] = b"\n----\n";

/// What stands before and behind the line; nothing behind where it is missing.
pub(crate) fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let at = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN);
    at.map_or((bytes, &[]), |at| (&bytes[..at], &bytes[at + BETWEEN.len()..]))
}

/// What `sample` shows in `/metrics`. Every value is a number, as the format has them.
pub(crate) fn shown(sample: impl crate::exposition::Encode + 'static) -> String {
    let lines = crate::exposition::shown::lines(sample);
    for line in lines.lines() {
        let value = line.rsplit(' ').next().unwrap_or_default();
        let value: f64 = value.parse().unwrap_or(f64::NAN);
        assert!(value.is_finite(), "{line}");
    }
    lines
}
