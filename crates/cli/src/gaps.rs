//! Gaps in words: what is missing, and why. What a token may not see gets one line, however many parents it concerns.

use extract::state::{Cause, Gap};
use serde_json::{Value, json};

use diagnostics::count;

/// A line about one gap, or about several of one kind.
pub struct Line<'a> {
    /// The gap, or the first of them.
    pub gap: &'a Gap,
    /// How many there are.
    pub gaps: u64,
}

/// One line for each gap; those that a missing right makes are one.
pub fn lines(gaps: &[Gap]) -> Vec<Line<'_>> {
    let mut lines: Vec<Line> = Vec::new();
    for gap in gaps {
        let of_parents = |gap: &Gap| gap.cause == Cause::NotAllowed && gap.parent.is_some();
        let same = lines
            .iter_mut()
            .find(|line| of_parents(line.gap) && of_parents(gap));
        match same {
            Some(line) => line.gaps += 1,
            None => lines.push(Line { gap, gaps: 1 }),
        }
    }
    lines
}

impl Line<'_> {
    /// What the gap is about, in words.
    pub fn place(&self) -> String {
        let mut parts = Vec::new();
        if let Some(window) = self.gap.window {
            parts.push(format!("{} to {}", window.since, window.until));
        }
        for (name, value) in self.gap.parent.iter().flatten() {
            parts.push(format!("{name} {value}"));
        }
        let mut place = match parts.is_empty() {
            true if self.gap.changed => "records that changed".to_owned(),
            true => "the whole stream".to_owned(),
            false => parts.join(", "),
        };
        if self.gaps > 1 {
            place += &format!(", and {} more", count(self.gaps - 1));
        }
        place
    }

    /// For machines.
    pub fn facts(&self) -> Value {
        let mut facts = json!(self.gap);
        if self.gaps > 1 {
            facts["gaps"] = self.gaps.into();
        }
        facts
    }
}

/// The same for machines.
pub fn facts(gaps: &[Gap]) -> Vec<Value> {
    lines(gaps).iter().map(Line::facts).collect()
}
