//! The names that postmortems use for the parts of an incident, as text that people edit. How a document is read with
//! them is in the room `postmortem`.

use diagnostics::{Diagnostic, nearest};
use yaml::Node;

use crate::reader::{self, Reader};
use crate::{File, Word};

/// Labels and words, each with what it stands for.
#[derive(Debug, Clone, Default)]
pub struct Guide {
    /// What stands for what: one of [`LABELS`], and a heading or label for it.
    pub labels: Vec<(&'static str, String)>,
    /// What an event of a timeline is, one of [`EVENTS`], and words that say so.
    pub events: Vec<(&'static str, String)>,
    /// What a number counts, one of [`COUNTS`], and a phrase that says so, in lower case and with `#` for the number.
    pub counts: Vec<(&'static str, String)>,
}

/// What labels can stand for.
pub const LABELS: [&str; 18] = [
    "incident_date",
    "postmortem_link",
    "severity_level",
    "affected_entities",
    "affected_products",
    "root_causes",
    "reliability_gaps",
    "timeline",
    "time_of_first_trigger",
    "time_of_internal_detect",
    "time_of_customer_detect",
    "time_of_recovery",
    "time_of_reconcile",
    "time_of_rca",
    "number_of_impacted_customers",
    "number_of_failed_requests",
    "minutes_to_detect",
    "minutes_to_recover",
];

/// What an event can be.
pub const EVENTS: [&str; 4] = ["start", "customer_detect", "internal_detect", "recovery"];

/// What numbers can count.
pub const COUNTS: [&str; 2] = ["number_of_impacted_customers", "number_of_failed_requests"];

/// Adds what a file says to a guide.
pub(crate) fn parse(file: &File, guide: &mut Guide, faults: &mut Vec<Diagnostic>) {
    let source = &file.source;
    let Some(root) = reader::tree(source, "the guide", faults) else {
        return;
    };
    let mut reader = Reader { source, faults };
    let known = ["labels", "events", "counts"];
    let members = reader.members(&root, "a guide to postmortems", &known);
    for (key, node) in members.unwrap_or_default() {
        match key.text.as_str() {
            "labels" => guide.labels.extend(texts(reader.words_for(node, &LABELS))),
            "events" => guide.events.extend(texts(reader.words_for(node, &EVENTS))),
            _ => guide.counts.extend(reader.phrases_for(node)),
        }
    }
}

impl Reader<'_> {
    /// Phrases with a `#`, by what the number counts.
    fn phrases_for(&mut self, node: &Node) -> Vec<(&'static str, String)> {
        let mut phrases = self.words_for(node, &COUNTS);
        phrases.retain(|(_, phrase)| {
            let numbers = phrase.text.split_whitespace().filter(|word| *word == "#");
            let is_phrase = numbers.count() == 1;
            if !is_phrase {
                let message = format!("`{}` does not say where the number is", phrase.text);
                let expected =
                    "expected `#` as a word of its own, once, such as `# users were affected`";
                let fault = Diagnostic::error("guide-number", message);
                self.faults
                    .push(fault.at(self.source, phrase.span.clone(), expected));
            }
            is_phrase
        });
        let phrases = texts(phrases).into_iter();
        phrases
            .map(|(name, phrase)| (name, phrase.to_lowercase()))
            .collect()
    }

    /// Lists of words by what they stand for.
    fn words_for(&mut self, node: &Node, known: &[&'static str]) -> Vec<(&'static str, Word)> {
        let mut words = Vec::new();
        for (name, node) in self.pairs(node, "lists of words by what they stand for") {
            let Some(meant) = known.iter().find(|known| **known == name.text) else {
                let fault = Diagnostic::error(
                    "guide-unknown",
                    format!("`{}` is nothing that a postmortem is asked for", name.text),
                );
                let expected = format!("expected {}", known.join(", "));
                let fault = fault.at(self.source, name.span.clone(), expected);
                let near = nearest(&name.text, known.iter().copied());
                self.faults.push(match near {
                    Some(near) => fault.hint(format!("did you mean `{near}`?")),
                    None => fault,
                });
                continue;
            };
            for node in self.list(node, "a list of words") {
                let word = self.word(node, "a word");
                words.extend(word.map(|word| (*meant, word)));
            }
        }
        words
    }
}

fn texts(words: Vec<(&'static str, Word)>) -> Vec<(&'static str, String)> {
    let words = words.into_iter();
    words.map(|(name, word)| (name, word.text)).collect()
}
