//! pppd's ring of LCP round-trip times; `make fuzz` builds and runs it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netmonitor_exporter::fuzzing::lcp_ring(bytes));
