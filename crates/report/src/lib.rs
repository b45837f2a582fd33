//! Answers as people and machines take them: CSV, JSON and Markdown, and all of them as one page of charts.
//!
//! What comes out depends only on the values: the same answers give the same bytes. SQL is not known here, nor where an
//! answer goes.

mod aligned;
mod anonymous;
mod answer;
mod attention;
mod change;
mod changes;
mod drawing;
mod outline;
mod page;
mod panel;
mod phrase;
mod plots;
mod stretch;
mod writer;

pub use aligned::aligned;
pub use anonymous::hide_people;
pub use answer::Answer;
pub use change::{ChangeInWords, Happenings, compare_stretches};
pub use outline::{json, markdown};
pub use page::{Before, Counted, Page, Trust, page};
pub use stretch::{Stretch, moment};
pub use writer::{Format, Writer};
