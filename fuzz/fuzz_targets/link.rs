//! See `fuzz::link`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::link(data));
