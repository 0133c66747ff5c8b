//! The files of the queue; `make fuzz` builds and runs it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netmonitor_exporter::fuzzing::queue_files(bytes));
