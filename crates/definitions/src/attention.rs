//! Rules that say what needs attention: `attention/cannot_be_woken.yaml` looks at the answer to a query, and where a figure
//! of it lies above a limit, says so at the top of the page.

use std::sync::Arc;

use diagnostics::{Diagnostic, Source};

use crate::reader::{self, Reader};
use crate::sentence::{Condition, Figure, Sentence, condition, figure};
use crate::{File, Word};

/// A rule.
#[derive(Debug, Clone)]
pub struct Attention {
    /// The file's name without its ending.
    pub name: String,
    /// The query whose answer is looked at.
    pub query: Word,
    /// The rows that count: all of these hold.
    pub conditions: Vec<Condition>,
    /// The figure of these rows that is looked at.
    pub measure: Figure,
    /// It needs attention above this.
    pub above: f64,
    /// How much.
    pub level: Level,
    /// What is said of these rows.
    pub says: Sentence,
    /// The column that says whose it is.
    pub owner: Option<String>,
    /// Where it was written.
    pub source: Arc<Source>,
}

/// How much attention something needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Somebody should act on it.
    Act,
    /// Somebody should look at it.
    Look,
}

const KEYS: [&str; 7] = [
    "query", "where", "measure", "above", "level", "says", "owner",
];

impl Attention {
    /// All columns of the query's answer that it names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let conditions = self.conditions.iter().chain(&self.measure.conditions);
        conditions
            .map(|condition| condition.column.as_str())
            .chain([self.measure.column.as_str()])
            .chain(self.owner.as_deref())
            .chain(self.says.columns())
            .filter(|column| !column.is_empty())
    }
}

impl Level {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "act" => Ok(Self::Act),
            "look" => Ok(Self::Look),
            _ => Err(format!("`{text}` is not a level: expected `act` or `look`")),
        }
    }
}

/// Reads a rule; one with a fault is left out.
pub(crate) fn parse(file: &File, faults: &mut Vec<Diagnostic>) -> Option<Attention> {
    let source = &file.source;
    let root = reader::tree(source, "the rule", faults)?;
    let mut reader = Reader { source, faults };
    let mut words = Vec::new();
    for (key, node) in reader.members(&root, "a rule of attention", &KEYS)? {
        words.push((key.text, reader.word(node, "words")?));
    }
    let word = |key: &str| {
        let found = words.iter().find(|(known, _)| known == key);
        found.map(|(_, word)| word)
    };
    for key in ["query", "level", "says"] {
        if word(key).is_none() {
            reader.missing(&root, key, "a rule has a query, a level and words");
        }
    }
    let query = word("query")?.clone();
    let level = reader.understood(word("level")?, Level::parse);
    let says = reader.understood(word("says")?, Sentence::parse);
    let conditions = match word("where") {
        Some(word) => reader.understood(word, |text| text.split(" and ").map(condition).collect()),
        None => Some(Vec::new()),
    };
    let count = Word {
        text: "count".to_owned(),
        span: query.span.clone(),
    };
    let measure = reader.understood(word("measure").unwrap_or(&count), figure);
    let above = match word("above") {
        Some(word) => reader.understood(word, |text| {
            let number = text.parse::<f64>();
            number.map_err(|_| format!("`{text}` is not a number"))
        }),
        None => Some(0.0),
    };
    Some(Attention {
        name: file.stem().to_owned(),
        query,
        conditions: conditions?,
        measure: measure?,
        above: above?,
        level: level?,
        says: says?,
        owner: word("owner").map(|word| word.text.clone()),
        source: Arc::clone(source),
    })
}

impl Reader<'_> {
    /// What a word says, if it can be understood.
    fn understood<T>(
        &mut self,
        word: &Word,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        match read(&word.text) {
            Ok(value) => Some(value),
            Err(message) => {
                let fault = Diagnostic::error("attention", message);
                self.faults
                    .push(fault.at(self.source, word.span.clone(), ""));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Attention>, Vec<String>) {
        let file = File::built_in("attention/pages.yaml", text);
        let mut faults = Vec::new();
        let rule = parse(&file, &mut faults);
        let messages = faults.into_iter().map(|fault| fault.message).collect();
        (rule, messages)
    }

    #[test]
    fn a_rule_in_words() {
        let (rule, faults) = read(
            "query: q\nwhere: a = 1 and b > 2\nmeasure: sum c\nabove: 3\nlevel: act\nsays: '**{sum c} of them**'\nowner: d\n",
        );
        assert_eq!(faults, [""; 0]);
        let rule = rule.unwrap();
        let columns: Vec<&str> = rule.columns().collect();
        assert_eq!(columns, ["a", "b", "c", "d", "c"]);
        assert_eq!(
            (rule.name.as_str(), rule.level, rule.above),
            ("pages", Level::Act, 3.0)
        );
        let (rule, _) = read("{query: q, level: look, says: There are some.}");
        assert_eq!(rule.unwrap().above, 0.0);
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        let (rule, faults) =
            read("{query: q, level: panic, says: '{a b}', where: c, above: many, measure: sum}");
        assert!(rule.is_none());
        assert_eq!(faults.len(), 4, "{faults:?}");
        let (_, faults) = read("{query: q, colour: red}");
        assert_eq!(
            faults,
            [
                "`colour` is not a key of a rule of attention",
                "`level` is missing",
                "`says` is missing"
            ]
        );
    }
}
