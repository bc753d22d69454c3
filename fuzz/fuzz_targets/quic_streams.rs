//! Looks for bytes for which the check of this program's name does not hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| privydrop_fuzz::hold(env!("CARGO_BIN_NAME"), bytes));
