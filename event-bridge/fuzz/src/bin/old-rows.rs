//! Rows of the old client's database; `make fuzz` builds and runs it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netmonitor_bridge::fuzzing::old_rows(bytes));
