//! Pages of an optical module's EEPROM; `make fuzz` builds and runs it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netmonitor_exporter::fuzzing::module_pages(bytes));
