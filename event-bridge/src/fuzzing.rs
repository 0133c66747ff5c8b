//! What fuzzers call (`event-bridge/fuzz`), a function for each kind of outside input: in no
//! build for users.
//!
//! Each hands the bytes to the code that reads them, and panics where what comes of it is not
//! as promised. They stand beside what they call, in a `fuzzing.rs` each.

pub use crate::api::fuzzing::{asked, webhook};
pub use crate::config::fuzzing::{routers_file, settings};
pub use crate::legacy::fuzzing::old_rows;
pub use crate::routers::fuzzing::{events_answer, status_answer};

/// Inputs that are several things have this line between them.
const BETWEEN: &[u8] = b"\n----\n";

/// What stands before and behind the line; nothing behind where it is missing.
pub(crate) fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let at = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN);
    at.map_or((bytes, &[]), |at| (&bytes[..at], &bytes[at + BETWEEN.len()..]))
}
