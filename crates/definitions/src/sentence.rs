//! The sentence that an answer is put in: words with places for figures of its rows.
//!
//! `**{count where is_open = 1; incident is; incidents are} open**, the oldest since {began_at}. || Nothing is open.`
//! Each part between `||` is tried in turn; one whose first place finds nothing, or 0, is left out, and so is a part whose
//! other places find nothing. Text between `**` is what matters.

/// A sentence, as parts of which the first that fits is said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sentence {
    /// The alternatives.
    pub parts: Vec<Vec<Piece>>,
}

/// Words, or a place for a figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Words as they are.
    Words(String),
    /// Where what matters begins or ends.
    Strong,
    /// A figure.
    Figure(Figure),
}

/// A figure of the rows of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What is made of the rows.
    pub what: What,
    /// The column that it is made of, or several with `+` between them for `distinct`; empty for a count.
    pub column: String,
    /// Which rows count: all of these hold.
    pub conditions: Vec<Condition>,
    /// What is counted: the word for one, and for any other number.
    pub nouns: Option<(String, String)>,
}

/// What is made of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The first row's value.
    First,
    /// How many rows.
    Count,
    /// How many different values.
    Distinct,
    /// The sum.
    Sum,
    /// The greatest.
    Max,
    /// The least.
    Min,
}

/// A condition on a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The column.
    pub column: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub value: String,
}

/// How a value is compared; numbers by their size, else texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The same.
    Equal,
    /// Another.
    Unequal,
    /// Less.
    Less,
    /// More.
    More,
}

const COMPARISONS: [(&str, Comparison); 4] = [
    ("!=", Comparison::Unequal),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::More),
];

const WHATS: [(&str, What); 5] = [
    ("first ", What::First),
    ("distinct ", What::Distinct),
    ("sum ", What::Sum),
    ("max ", What::Max),
    ("min ", What::Min),
];

impl Sentence {
    /// Reads a sentence; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let parts = text.split("||").map(|part| pieces(part.trim()));
        Ok(Self {
            parts: parts.collect::<Result<_, _>>()?,
        })
    }

    /// All columns that it names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let figures = self.parts.iter().flatten().filter_map(|piece| match piece {
            Piece::Figure(figure) => Some(figure),
            _ => None,
        });
        figures
            .flat_map(|figure| {
                let conditions = figure
                    .conditions
                    .iter()
                    .map(|condition| condition.column.as_str());
                figure.column.split('+').chain(conditions)
            })
            .filter(|column| !column.is_empty())
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let begin = rest.find('{').unwrap_or(rest.len());
        for (place, words) in rest[..begin].split("**").enumerate() {
            if place > 0 {
                pieces.push(Piece::Strong);
            }
            if !words.is_empty() {
                pieces.push(Piece::Words(words.to_owned()));
            }
        }
        rest = &rest[begin..];
        if let Some(inside) = rest.strip_prefix('{') {
            let (figure_text, after) = inside
                .split_once('}')
                .ok_or_else(|| "a `{` is not closed".to_owned())?;
            pieces.push(Piece::Figure(figure(figure_text)?));
            rest = after;
        }
    }
    let strong = pieces
        .iter()
        .filter(|piece| **piece == Piece::Strong)
        .count();
    if !strong.is_multiple_of(2) {
        return Err("a `**` is not closed".to_owned());
    }
    Ok(pieces)
}

/// `sum n_incidents where scope = all; incident; incidents`
pub(crate) fn figure(text: &str) -> Result<Figure, String> {
    let mut parts = text.split(';').map(str::trim);
    let figure = parts.next().unwrap_or_default();
    let nouns = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => None,
        (Some(one), Some(more), None) => Some((one.to_owned(), more.to_owned())),
        _ => {
            return Err(format!(
                "`{{{text}}}` needs the word for one and that for several: `; page; pages`"
            ));
        }
    };
    let (what, conditions) = match figure.split_once(" where ") {
        Some((what, conditions)) => (
            what.trim(),
            conditions
                .split(" and ")
                .map(condition)
                .collect::<Result<_, _>>()?,
        ),
        None => (figure, Vec::new()),
    };
    let (what, column) = match what {
        "count" => (What::Count, ""),
        _ => WHATS
            .into_iter()
            .find_map(|(word, made)| Some((made, what.strip_prefix(word)?.trim())))
            .unwrap_or((What::First, what)),
    };
    if what != What::Count && (column.is_empty() || column.contains(char::is_whitespace)) {
        return Err(format!(
            "`{{{text}}}` is no figure: expected a column, or `count`, `distinct`, `sum`, `max` or `min` before one"
        ));
    }
    Ok(Figure {
        what,
        column: column.to_owned(),
        conditions,
        nouns,
    })
}

pub(crate) fn condition(text: &str) -> Result<Condition, String> {
    let found = COMPARISONS.into_iter().find_map(|(word, comparison)| {
        let (column, value) = text.split_once(word)?;
        Some(Condition {
            column: column.trim().to_owned(),
            comparison,
            value: value.trim().to_owned(),
        })
    });
    found.ok_or_else(|| {
        format!("`{text}` is no condition: expected `column = value`, or with `!=`, `<` or `>`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_figures() {
        let sentence = Sentence::parse("**{count where a = x y and b > 2; page is; pages are} open**, {max c} at most. || None.").unwrap();
        let [first, second] = sentence.parts.as_slice() else {
            panic!("{sentence:?}")
        };
        assert_eq!(first[0], Piece::Strong);
        let Piece::Figure(count) = &first[1] else {
            panic!("{first:?}")
        };
        assert_eq!((count.what, count.conditions.len()), (What::Count, 2));
        assert_eq!(count.conditions[0].value, "x y");
        assert_eq!(count.nouns, Some(("page is".into(), "pages are".into())));
        assert_eq!(second, &[Piece::Words("None.".into())]);
        let columns: Vec<&str> = sentence.columns().collect();
        assert_eq!(columns, ["a", "b", "c"]);
        assert_eq!(Sentence::parse(" ").unwrap(), Sentence::default());
    }

    #[test]
    fn what_cannot_be_said_is_named() {
        for (text, message) in [
            ("{count", "is not closed"),
            ("**{count}", "`**` is not closed"),
            ("{a b}", "is no figure"),
            ("{count where a}", "`a` is no condition"),
            ("{count; page}", "the word for one"),
        ] {
            let fault = Sentence::parse(text).unwrap_err();
            assert!(fault.contains(message), "{text}: {fault}");
        }
    }
}
