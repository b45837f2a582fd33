//! See `fuzz::json_page`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::json_page(data));
