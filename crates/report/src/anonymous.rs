//! Answers without people's names: each is a number, the same on the whole page.

use std::collections::BTreeMap;

use store::Value;

use crate::Answer;

/// What stands in place of an id of a person.
const HIDDEN: &str = "(hidden)";

/// Puts numbers in place of the people that the answers name, by the columns which their queries say name people.
pub fn hide_people(answers: &mut [&mut Answer<'_>]) {
    let mut names: BTreeMap<u64, String> = BTreeMap::new();
    for answer in &*answers {
        for (row, place) in cells(answer) {
            for name in named(&answer.rows[row][place]).into_iter().flat_map(parts) {
                // By their hashes, so that their order does not show who comes first in the alphabet.
                names.insert(hash(name), name.to_owned());
            }
        }
    }
    let numbers: BTreeMap<&str, usize> = names
        .values()
        .enumerate()
        .map(|(place, name)| (name.as_str(), place + 1))
        .collect();
    for answer in answers {
        for (row, place) in cells(answer) {
            let is_id = answer.columns[place] == "id" || answer.columns[place].ends_with("_id");
            let cell = &mut answer.rows[row][place];
            let Some(text) = named(cell) else { continue };
            let hidden = match is_id {
                true => HIDDEN.to_owned(),
                false => replaced(text, &numbers),
            };
            *cell = Value::Text(hidden);
        }
    }
}

/// FNV-1a, <http://www.isthe.com/chongo/tech/comp/fnv/>: spread, the same everywhere, and not meant to keep a secret.
pub(crate) fn hash(text: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, fold)
}

/// The cells that name people: row and column.
fn cells(answer: &Answer<'_>) -> Vec<(usize, usize)> {
    let mut cells = Vec::new();
    for people in &answer.query.people {
        let columns = people.columns.iter();
        let places: Vec<usize> = columns.filter_map(|column| answer.column(column)).collect();
        for (row, values) in answer.rows.iter().enumerate() {
            if answer.fits(values, &people.conditions) {
                cells.extend(places.iter().map(|place| (row, *place)));
            }
        }
    }
    cells
}

/// The text of a cell; nothing of what is no text, or says in brackets that nobody is meant.
fn named(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) if !text.starts_with('(') => Some(text),
        _ => None,
    }
}

/// The names in a list such as `Ada, Ben and 2 more`.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    without_more(text).0.split(", ")
}

fn without_more(text: &str) -> (&str, &str) {
    match text.rfind(" and ") {
        Some(place) if text.ends_with(" more") => text.split_at(place),
        _ => (text, ""),
    }
}

fn replaced(text: &str, numbers: &BTreeMap<&str, usize>) -> String {
    let (_, more) = without_more(text);
    let number = |name: &str| {
        let known = numbers.get(name);
        known.map_or(HIDDEN.to_owned(), |number| format!("Person {number}"))
    };
    let shown: Vec<String> = parts(text).map(number).collect();
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use definitions::People;

    use super::*;
    use crate::answer::tests::answer;
    use crate::page::tests::query;

    #[test]
    fn a_person_has_one_number_everywhere() {
        let mut query = query("q", "table");
        query.people = vec![People {
            columns: vec!["user_id".into(), "name".into()],
            conditions: Vec::new(),
        }];
        let text = |text: &str| Value::Text(text.into());
        let rows = vec![
            vec![text("U1"), text("Ada"), text("Ada")],
            vec![text("U2"), text("Ben, Ada and 2 more"), text("x")],
            vec![Value::Null, text("(nobody)"), text("x")],
        ];
        let mut answer = answer(&query, &["user_id", "name", "title"], rows);
        hide_people(&mut [&mut answer]);
        let rows = &answer.rows;
        let shown: Vec<String> = rows
            .iter()
            .map(|row| crate::writer::text(&row[1]))
            .collect();
        let ada = &shown[0];
        assert!(
            ada.starts_with("Person ") && shown[1].ends_with(" and 2 more"),
            "{shown:?}"
        );
        assert!(
            shown[1].contains(&format!(", {ada} and")) && shown[2] == "(nobody)",
            "{shown:?}"
        );
        assert_eq!(rows[0][0], text("(hidden)"));
        assert_eq!(
            rows[0][2],
            text("Ada"),
            "a column that does not name people stays"
        );
    }
}
