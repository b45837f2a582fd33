//! Indicators: figures that are compared between two periods. `indicators/pages.sql` gives a row for each thing that
//! happened, with its moment and, where it has one, its value; what follows from them is computed in `report` and `statistics`.

use std::sync::Arc;

use diagnostics::{Diagnostic, Source};

use crate::File;
use crate::Word;
use crate::query::{Entry, header, understood};

const KEYS: &[&str] = &["title", "meaning", "kind", "better", "place", "period"];

/// One figure.
#[derive(Debug, Clone)]
pub struct Indicator {
    /// The file's name without its ending.
    pub name: String,
    /// A few words, for headings.
    pub title: String,
    /// What it counts, in words.
    pub meaning: String,
    /// What is made of its rows.
    pub kind: IndicatorKind,
    /// Which direction is good.
    pub better: Better,
    /// Its place among the tiles at the top of the page, from 1; nothing for one that has none.
    pub place: Option<u32>,
    /// The tables whose rows it counts: nothing is known of it before the first of them.
    pub period: Vec<Word>,
    /// The select: a column `at`, and one `value` where the kind needs it.
    pub sql: String,
    /// Where it was written.
    pub source: Arc<Source>,
}

/// What is made of the rows of an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndicatorKind {
    /// How many there are, of things that happen singly.
    #[default]
    Count,
    /// How many there are, of things that come in clusters.
    Clusters,
    /// How long they take: `value` is minutes.
    Durations,
    /// Which share of them is so: `value` is 1 or 0.
    Share,
}

/// Which direction is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Better {
    /// Less of it.
    #[default]
    Less,
    /// More of it.
    More,
}

impl IndicatorKind {
    /// Whether its rows have a value.
    pub fn has_value(self) -> bool {
        matches!(self, Self::Durations | Self::Share)
    }

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "count" => Ok(Self::Count),
            "clusters" => Ok(Self::Clusters),
            "durations" => Ok(Self::Durations),
            "share" => Ok(Self::Share),
            _ => Err(format!(
                "`{text}` is not a kind of indicator: expected count, clusters, durations or share"
            )),
        }
    }
}

/// Reads an indicator; what its SQL says is for the engine to judge.
pub(crate) fn parse(file: &File, faults: &mut Vec<Diagnostic>) -> Indicator {
    let source = &file.source;
    let header = header(source, KEYS, faults);
    let entry = |key: &str| header.iter().find(|entry| entry.key == key);
    let take = |key: &str| entry(key).map_or(String::new(), Entry::text);
    let better = |text: &str| match text {
        "less" => Ok(Better::Less),
        "more" => Ok(Better::More),
        _ => Err(format!("`{text}` is no direction: expected less or more")),
    };
    let place = |text: &str| {
        let number = text.parse::<u32>();
        number
            .map(Some)
            .map_err(|_| format!("`{text}` is no place: expected a number"))
    };
    let title = take("title");
    Indicator {
        name: file.stem().to_owned(),
        title: match title.is_empty() {
            true => file.stem().replace('_', " "),
            false => title,
        },
        meaning: take("meaning"),
        kind: understood(
            entry("kind"),
            "indicator",
            source,
            faults,
            IndicatorKind::parse,
        ),
        better: understood(entry("better"), "indicator", source, faults, better),
        place: understood(entry("place"), "indicator", source, faults, place),
        period: entry("period").map_or(Vec::new(), Entry::list),
        sql: source.text.clone(),
        source: Arc::clone(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_in_words() {
        let mut faults = Vec::new();
        let file = File::built_in(
            "indicators/pages.sql",
            "-- title: Pages\n-- kind: clusters\n-- better: more\n-- place: 2\nselect 1",
        );
        let read = parse(&file, &mut faults);
        assert_eq!(
            (read.kind, read.better, read.place),
            (IndicatorKind::Clusters, Better::More, Some(2))
        );
        assert_eq!(faults, []);
        let file = File::built_in(
            "indicators/x.sql",
            "-- kind: odd\n-- better: up\n-- place: first\n-- colour: red\nselect 1",
        );
        let read = parse(&file, &mut faults);
        assert_eq!(
            (read.title.as_str(), read.kind, faults.len()),
            ("x", IndicatorKind::Count, 4)
        );
    }
}
