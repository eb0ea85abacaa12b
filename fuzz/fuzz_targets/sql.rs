//! From MySQL's text to what either engine of the local Data API is sent.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fleet_fuzzing::sql::check(bytes));
