//! The lake: rows as Parquet files that a cluster reads, a file for each table and raw file, so that several machines can
//! load at once.
//!
//! A raw file's rows are visible once its note in `files/` says under which name they are: all of them at once, or those
//! of before. The loading rules are applied when the rows are read, by views in the room `spark`; nothing is merged here.
//!
//! ```text
//! LAKE_PATH/rows/<Table>/<id>-<load>.parquet   the rows that one raw file gives a table
//! LAKE_PATH/files/<id>.json                    what is known of that raw file, and the load that counts
//! LAKE_PATH/rejects/<id>-<load>.json           its records that gave no rows
//! LAKE_PATH/warnings/<id>-<load>.json          what looks odd in those that did
//! LAKE_PATH/listings/<stream>.json             the complete listings of a stream
//! LAKE_PATH/gaps.json, LAKE_PATH/windows.json   what is missing, and which stretches of time were fetched
//! ```

mod files;
mod loading;
mod notes;
mod rows;
mod shard;
mod snapshot;
#[cfg(test)]
mod tests;

pub use files::{FileLoad, Lake, write_lines};
pub use loading::{LakeError, load};
pub use notes::{FileNote, Gap, Listing, RejectNote, WarningNote, Window};
pub use rows::ROW_COLUMNS;
pub use shard::Shard;
pub use snapshot::Snapshot;
