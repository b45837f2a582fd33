//! The program from outside: the real binary on small projects, what it writes, says and leaves behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a panic is how a test fails, and what is skipped is said"
)]

mod bad_input;
mod brought;
mod checked;
mod cli;
mod counts;
mod definitions;
mod demo;
mod derived;
mod disk;
mod documents;
mod expressions;
mod filling;
mod limits;
mod listings;
mod loading;
mod period;
mod postmortems;
mod queries;
mod recorded;
mod serve;
mod settings;
mod slips;
mod world;
mod written;
