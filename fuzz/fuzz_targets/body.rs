//! From a body's text to fields.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fleet_fuzzing::body::check(bytes));
