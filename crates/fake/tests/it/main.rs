//! The fake, asked by hand-written requests over a socket, so that a test sees just what is on the wire.

mod client;
mod datadog;
mod faults;
mod github;
mod pagerduty;
mod raw;
mod sentry;
mod watching;
