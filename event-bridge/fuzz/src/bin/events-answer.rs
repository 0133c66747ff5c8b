//! What routers answer to `/net/events`; `make fuzz` builds and runs it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netmonitor_bridge::fuzzing::events_answer(bytes));
