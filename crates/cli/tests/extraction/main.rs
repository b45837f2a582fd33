//! Extraction from outside: the real binary against the fake of the vendors' APIs, well-behaved and not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

#[allow(dead_code, reason = "shared with the tests of everything else")]
#[path = "../it/world.rs"]
mod world;

mod answers;
mod changes;
mod faults;
mod fifth;
mod kills;
mod outages;
mod scripted;
mod texts;
mod vendors;
mod verbs;
