//! An answer in a sentence: the figures that its header asks for, in their units.

use std::collections::BTreeSet;

use charts::Unit;
use definitions::{Figure, Piece, Sentence, What};
use store::Value;

use crate::answer::number;
use crate::panel::count;
use crate::writer::text;
use crate::{Answer, Before};

/// A part of a sentence, and whether it is what matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phrase {
    pub(crate) words: String,
    pub(crate) is_strong: bool,
}

/// The first alternative that fits the answer; nothing if none does.
pub(crate) fn say(sentence: &Sentence, answer: &Answer<'_>) -> Option<Vec<Phrase>> {
    sentence
        .parts
        .iter()
        .find_map(|pieces| alternative(pieces, answer))
}

/// What the same question was answered in the period before; nothing where the answer is not of a period, or nothing is
/// known of an earlier one at all.
pub(crate) fn before(answer: &Answer<'_>, before: Option<&Before<'_>>) -> Option<String> {
    answer.period.as_ref()?.from.as_ref()?;
    let before = before?;
    let mut answers = before.answers.iter();
    let earlier = answers.find(|earlier| earlier.query.name == answer.query.name)?;
    let since = earlier.known.since.as_ref()?;
    let said = if !before.stretch.is_known_since(since) {
        let day = since.get(..10).unwrap_or(since);
        format!("not known, since the data begin {day}.")
    } else {
        match say(&answer.query.sentence, earlier) {
            Some(said) => said.iter().map(|phrase| phrase.words.as_str()).collect(),
            None => format!("{}.", count(earlier.n_rows, "row")),
        }
    };
    Some(format!("In the {} before: {said}", before.stretch.words()))
}

fn alternative(pieces: &[Piece], answer: &Answer<'_>) -> Option<Vec<Phrase>> {
    let mut phrases: Vec<Phrase> = Vec::new();
    let (mut is_strong, mut is_first) = (false, true);
    for piece in pieces {
        let words = match piece {
            Piece::Strong => {
                is_strong = !is_strong;
                continue;
            }
            Piece::Words(words) => words.clone(),
            Piece::Figure(figure) => {
                let value = made(figure, answer)?;
                // If the figure is nothing, the next alternative is tried.
                if is_first && number(&value) == Some(0.0) {
                    return None;
                }
                is_first = false;
                shown(figure, &value)
            }
        };
        match phrases.last_mut() {
            Some(last) if last.is_strong == is_strong => last.words.push_str(&words),
            _ => phrases.push(Phrase { words, is_strong }),
        }
    }
    Some(phrases)
}

/// What is made of the rows that fit; nothing if no row has a value.
pub(crate) fn made(figure: &Figure, answer: &Answer<'_>) -> Option<Value> {
    let rows = answer
        .rows
        .iter()
        .filter(|row| answer.fits(row, &figure.conditions));
    if figure.what == What::Count {
        return i64::try_from(rows.count()).ok().map(Value::Integer);
    }
    if figure.what == What::Distinct {
        let places: Vec<usize> = figure
            .column
            .split('+')
            .map(|column| answer.column(column))
            .collect::<Option<_>>()?;
        let values = |row: &Vec<Value>| -> Vec<String> {
            places
                .iter()
                .filter_map(|place| row.get(*place))
                .map(text)
                .collect()
        };
        let is_known = |values: &Vec<String>| values.iter().any(|value| !value.is_empty());
        let different: BTreeSet<Vec<String>> = rows.map(values).filter(is_known).collect();
        return i64::try_from(different.len()).ok().map(Value::Integer);
    }
    let place = answer.column(&figure.column)?;
    let values = rows
        .filter_map(|row| row.get(place))
        .filter(|value| **value != Value::Null);
    let numbers = || values.clone().filter_map(number);
    match figure.what {
        What::First => values.clone().next().cloned(),
        What::Sum => numbers().next().map(|_| Value::Real(numbers().sum())),
        What::Max => numbers().max_by(f64::total_cmp).map(Value::Real),
        What::Min => numbers().min_by(f64::total_cmp).map(Value::Real),
        What::Count | What::Distinct => None,
    }
}

fn shown(figure: &Figure, value: &Value) -> String {
    let unit = match figure.what {
        What::Count | What::Distinct => Unit::Count,
        _ => Unit::of_column(&figure.column),
    };
    let shown = number(value).map_or_else(|| text(value), |number| unit.show(number));
    match &figure.nouns {
        Some((one, _)) if number(value) == Some(1.0) => format!("{shown}\u{a0}{one}"),
        Some((_, several)) => format!("{shown}\u{a0}{several}"),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::tests::answer;
    use crate::page::tests::query;

    fn said(sentence: &str, rows: Vec<Vec<Value>>) -> String {
        let query = query("q", "table");
        let answer = answer(&query, &["name", "n_pages", "p50_minutes"], rows);
        let phrases = say(&Sentence::parse(sentence).unwrap(), &answer);
        let words = |phrase: Phrase| match phrase.is_strong {
            true => format!("[{}]", phrase.words),
            false => phrase.words,
        };
        phrases
            .into_iter()
            .flatten()
            .map(words)
            .collect::<String>()
            .replace('\u{a0}', " ")
    }

    fn rows() -> Vec<Vec<Value>> {
        vec![
            vec![
                Value::Text("a".into()),
                Value::Integer(1_200),
                Value::Real(206.0),
            ],
            vec![Value::Text("b".into()), Value::Integer(1), Value::Null],
        ]
    }

    #[test]
    fn figures_have_their_units() {
        let sentence = "**{name} has {n_pages; page; pages}**, {sum n_pages} in all, {max p50_minutes} at most; {count; row; rows}";
        assert_eq!(
            said(sentence, rows()),
            "[a has 1,200 pages], 1,201 in all, 3 h 26 min at most; 2 rows"
        );
        assert_eq!(
            said("{n_pages where name = b; page; pages}", rows()),
            "1 page"
        );
        assert_eq!(said("{distinct name where n_pages > 1}", rows()), "1");
        assert_eq!(said("{distinct name+n_pages}", rows()), "2");
    }

    #[test]
    fn beside_the_period_before() {
        let mut query = query("q", "table");
        query.sentence = Sentence::parse("**{n_pages; page; pages}**.").unwrap();
        let of = |from: Option<&str>, n: i64| {
            let mut answer = answer(&query, &["n_pages"], vec![vec![Value::Integer(n)]]);
            answer.period = Some(store::Period {
                from: from.map(str::to_owned),
                to: None,
            });
            answer.known.since = from.map(str::to_owned);
            answer
        };
        let said = |now: Option<&str>, earlier: Option<&str>| {
            let known = Before {
                stretch: crate::Stretch::parse("2025").unwrap(),
                answers: vec![of(earlier, 7)],
            };
            let words = before(&of(now, 9), Some(&known))?;
            Some(words.replace('\u{a0}', " "))
        };
        let begins = Some("2025-01-01T00:00:00Z");
        assert_eq!(
            said(begins, begins).as_deref(),
            Some("In the twelve months before: 7 pages.")
        );
        assert_eq!(
            said(begins, Some("2025-10-03T00:00:00Z")).as_deref(),
            Some("In the twelve months before: not known, since the data begin 2025-10-03.")
        );
        assert_eq!(said(None, begins), None, "what is, does not happen");
        assert_eq!(before(&of(begins, 9), None), None);
    }

    #[test]
    fn the_first_alternative_that_fits() {
        let sentence = "**{count where n_pages > 5000} are many.** || {p50_minutes where name = b} is known. || Few.";
        assert_eq!(said(sentence, rows()), "Few.");
        assert_eq!(said("{name} is first. || Nothing.", Vec::new()), "Nothing.");
        assert_eq!(said("", rows()), "");
        // Not the first figure: there, 0 is a figure too.
        assert_eq!(said("{name}: {count where n_pages > 5000}", rows()), "a: 0");
    }
}
