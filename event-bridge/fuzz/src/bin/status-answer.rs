//! What routers answer to `/net/status`; `make fuzz` builds and runs it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netmonitor_bridge::fuzzing::status_answer(bytes));
