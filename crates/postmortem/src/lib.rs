//! From the document of a postmortem to what it says of the incident, by rules and tables: a pure function from text to
//! findings, each with where it was read. What is not said is not found; what could be read in several ways is left open,
//! with all of them.
//!
//! Reading files, and what becomes of findings, is for others.

mod blocks;
mod findings;
mod labels;
mod merge;
mod moments;
mod timeline;
mod yaml_text;

use definitions::Guide;

pub use findings::{Finding, Incident, Read};
pub use merge::{Merged, merge};
pub use yaml_text::{json, yaml};

/// The longest document that is read, in bytes: a postmortem is a few pages.
pub const LONGEST: usize = 8 << 20;

/// What a document in Markdown, or in plain text, says of its incident. `agreed` are the root causes that were agreed on,
/// in which those of the document are looked up; where it is empty they are taken as they are written.
pub fn read(text: &str, guide: &Guide, agreed: &[String]) -> Incident {
    let blocks = blocks::of_markdown(&text.replace("\r\n", "\n"));
    findings::of(&blocks, guide, agreed)
}

#[cfg(test)]
mod tests;
