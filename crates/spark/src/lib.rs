//! Apache Spark as the engine, over Spark Connect: the lake's Parquet files as the same tables that SQLite has, and the
//! same questions.
//!
//! What the loading rules make of the files is said in `views`, as SQL; Spark merges, and nothing here does. `answers` turns
//! what comes back into values. No other room names this engine.

mod address;
mod answers;
mod asking;
mod cluster;
mod kept;
mod loaded;
mod needed;
mod reading;
mod views;

pub use cluster::Cluster;
