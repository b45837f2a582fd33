//! Records in, rows out: a pure function of a mapper, a schema and a record.
//!
//! A [`Plan`] is a mapper compiled against its tables; a [`Worker`] runs it, one in each thread, since jq values
//! cannot cross threads. Rows come in a [`Batch`], flat and without an allocation for each value. What cannot become
//! rows is a [`Reject`] with its line, column, value and reason: a record gives all of its rows or none.
//! Nothing here reads a file, a clock or the environment.

mod batch;
mod budget;
mod column_filter;
mod convert;
mod definition_tests;
mod jq;
mod oddities;
mod path;
mod plan;
mod row;
mod time;
mod walk;
mod worker;

pub use batch::{Batch, Cell, RecordRows, Reject, Warning, encode};
pub use budget::STACK;
pub use convert::canonical_timestamp;
pub use definition_tests::run_tests;
pub use oddities::EARLIEST;
pub use plan::{Plan, Setting, TablePlan, plan};
pub use time::{Clock, DateOrder};
pub use worker::Worker;

#[cfg(test)]
mod tests;
