//! From the document of a postmortem to what it says of the incident, by rules and tables: a pure function from text to
//! findings, each with where it was read. What is not said is not found; what could be read in several ways is left open,
//! with all of them.
//!
//! Reading files and writing findings happen elsewhere.

mod blocks;
mod counts;
mod document;
mod docx;
mod findings;
mod html;
mod incident;
mod labels;
mod markdown;
mod merge;
mod moments;
mod timeline;
mod yaml_text;

use definitions::Guide;

pub use document::{Document, ENDINGS, LONGEST, Packed, documents_of_zip, is_document};
pub use incident::{Finding, Incident, Read};
pub use merge::{Merged, Unmerged, merge};
pub use yaml_text::{json, yaml};

/// What a document says of its incident. `agreed` are the root causes that were agreed on, in which those of the document
/// are looked up; where it is empty they are taken as they are written.
pub fn read(document: &Document, guide: &Guide, agreed: &[String]) -> Incident {
    findings::of(document, guide, agreed)
}

#[cfg(test)]
mod format_tests;
#[cfg(test)]
mod tests;
