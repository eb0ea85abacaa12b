//! From an event of API Gateway to the request that a function sees.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fleet_fuzzing::event::check(bytes));
