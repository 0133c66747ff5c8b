//! Texts of `/proc`, `/sys` and `/etc`; `make fuzz` builds and runs it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netmonitor_exporter::fuzzing::device_texts(bytes));
