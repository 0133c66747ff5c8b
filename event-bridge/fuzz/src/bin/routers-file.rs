//! The list of routers, `ROUTERS_FILE`; `make fuzz` builds and runs it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netmonitor_bridge::fuzzing::routers_file(bytes));
