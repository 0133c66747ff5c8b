//! What fuzzers call (`exporter/fuzz`): in no build for users.

use std::io;

use crate::events::names::Names;
use crate::events::replay::{self, Options};
use crate::events::suppression::Initial;

/// Replays a log in both ways, with everything that can be printed.
///
/// # Panics
/// When the replay fails: that is what a fuzzer looks for.
pub fn replay(bytes: &[u8]) {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let names = Names::new(owned(&["wan", "eth1"]), owned(&["pppoe-wan"]));
    for per_line in [false, true] {
        let names = names.clone();
        let options =
            Options { names, initial: Initial::Boot, per_line, derived: true, json: true };
        replay::replay(bytes, io::sink(), &options)
            .expect("memory can be read, and a sink takes everything");
    }
}
