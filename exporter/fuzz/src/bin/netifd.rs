//! What netifd answers on ubus; `make fuzz` builds and runs it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netmonitor_exporter::fuzzing::netifd_answer(bytes));
