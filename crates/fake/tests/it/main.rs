//! The fake, asked by hand-written requests over a socket, so that a test sees just what is on the wire.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod client;
mod datadog;
mod faults;
mod github;
mod pagerduty;
mod raw;
mod sentry;
mod watching;
