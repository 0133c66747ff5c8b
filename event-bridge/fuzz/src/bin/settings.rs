//! Settings of the bridge in its environment; `make fuzz` builds and runs it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netmonitor_bridge::fuzzing::settings(bytes));
