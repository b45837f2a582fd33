//! Labels: which heading, row of a table or word in front of a colon stands for what, and what stands under it.

use std::collections::HashMap;

use definitions::Guide;

use crate::blocks::{Block, BlockKind};

/// Something that stands under a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Labelled {
    /// What the label stands for, one of `definitions::LABELS`.
    pub(crate) field: &'static str,
    /// The line of what stands under it, from 1.
    pub(crate) line: usize,
    /// The words that stand under it.
    pub(crate) words: String,
    /// Whether it stands in a list.
    pub(crate) is_item: bool,
}

/// What each label stands for, by the label as [`plain`] has it.
pub(crate) struct Labels(HashMap<String, &'static str>);

impl Labels {
    /// The labels of a guide. Of two that are the same the first counts.
    pub(crate) fn of(guide: &Guide) -> Self {
        let mut labels = HashMap::new();
        for (field, label) in &guide.labels {
            labels.entry(plain(label)).or_insert(*field);
        }
        Self(labels)
    }

    /// All that stands under a label that the guide knows, in the order of the document. Blocks of the timeline are left out.
    pub(crate) fn all(&self, blocks: &[Block]) -> Vec<Labelled> {
        let mut found = Vec::new();
        // The heading that we are under, if it is a label, and its level.
        let mut under: Option<(&'static str, u8)> = None;
        for block in blocks {
            match &block.kind {
                BlockKind::Heading(level) => {
                    let ends = under.is_none_or(|(_, of)| *level <= of);
                    if let Some(field) = self.field(&block.text) {
                        under = Some((field, *level));
                    } else if ends {
                        under = None;
                    }
                }
                _ if under.is_some_and(|(field, _)| field == "timeline") => {}
                BlockKind::TableHead(cells) | BlockKind::Row(cells) => {
                    let pairs = cells.iter().zip(cells.iter().skip(1));
                    for (label, words) in pairs {
                        if let Some(field) = self.field(label).filter(|_| !words.is_empty()) {
                            found.push(labelled(field, block, words));
                        }
                    }
                }
                BlockKind::Paragraph | BlockKind::Item => {
                    let colon = block.text.split_once(':');
                    let of_colon =
                        colon.and_then(|(label, words)| Some((self.field(label)?, words.trim())));
                    match (of_colon, under) {
                        (Some((_, "")), _) => {}
                        (Some((field, words)), _) => found.push(labelled(field, block, words)),
                        (None, Some((field, _))) => found.push(labelled(field, block, &block.text)),
                        (None, None) => {}
                    }
                }
            }
        }
        found
    }

    /// The blocks of the timeline: those under its heading, up to the next one of its level.
    pub(crate) fn timeline<'b>(&self, blocks: &'b [Block]) -> &'b [Block] {
        let is_timeline = |block: &Block| {
            matches!(block.kind, BlockKind::Heading(_))
                && self.field(&block.text) == Some("timeline")
        };
        let Some(start) = blocks.iter().position(is_timeline) else {
            return &[];
        };
        let level = |block: &Block| match block.kind {
            BlockKind::Heading(level) => level,
            _ => u8::MAX,
        };
        let own = level(&blocks[start]);
        let rest = &blocks[start + 1..];
        let end = rest.iter().position(|block| level(block) <= own);
        &rest[..end.unwrap_or(rest.len())]
    }

    /// What a label stands for.
    fn field(&self, label: &str) -> Option<&'static str> {
        let label = plain(label);
        self.0.get(&label).copied().filter(|_| !label.is_empty())
    }
}

/// A label without case, signs, and what stands in brackets.
fn plain(label: &str) -> String {
    let mut depth = 0_usize;
    let mut plain = String::new();
    for letter in label.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            letter if letter.is_alphanumeric() => plain.extend(letter.to_lowercase()),
            _ => plain.push(' '),
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn labelled(field: &'static str, block: &Block, words: &str) -> Labelled {
    Labelled {
        field,
        line: block.place,
        words: words.trim().to_owned(),
        is_item: block.kind == BlockKind::Item,
    }
}
