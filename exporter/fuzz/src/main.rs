//! Looks for log lines that make the parser panic; `make fuzz` builds and runs it.
//!
//! libFuzzer brings `main`: it makes inputs out of those in `corpus/` and keeps each that
//! reaches new code.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netmonitor_exporter::fuzzing::replay(bytes));
