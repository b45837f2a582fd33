//! Functions of text; positions and lengths count characters.

use std::collections::HashMap;

use rusqlite::types::Value;

use crate::arguments::{ANY, Arguments, Evaluated, Scalar, scalar};

/// The greatest product of the lengths of two texts that are compared, in bytes.
const LONGEST_COMPARED: usize = 100_000_000;

/// The longest text that a function makes: SQLite's own limit.
const LONGEST: usize = 1_000_000_000;

pub(crate) const SCALARS: &[Scalar] = &[
    scalar("char_length", &[1], |a| length(&a.text(0)?)),
    scalar("concat", &[ANY], |a| {
        let parts: Result<Vec<_>, _> = (0..a.count()).map(|index| a.text(index)).collect();
        Ok(Value::Text(parts?.concat()))
    }),
    scalar("contains", &[2], |a| {
        boolean(a.text(0)?.contains(&*a.text(1)?))
    }),
    scalar("endswith", &[2], |a| {
        boolean(a.text(0)?.ends_with(&*a.text(1)?))
    }),
    scalar("left", &[2], |a| text(slice(&a.text(0)?, 1, a.integer(1)?))),
    scalar("levenshtein", &[2], |a| {
        let (left, right) = (a.text(0)?, a.text(1)?);
        // The time goes with the product of the lengths, and a single call cannot be interrupted.
        if left.len().saturating_mul(right.len()) > LONGEST_COMPARED {
            return Err("the texts are too long to be compared".to_owned());
        }
        Ok(Value::Integer(levenshtein(&left, &right)))
    }),
    scalar("locate", &[2, 3], locate),
    scalar("lower", &[1], |a| text(a.text(0)?.to_lowercase())),
    scalar("lpad", &[2, 3], |a| {
        let (given, padding) = pad(a)?;
        text(padding + &given)
    }),
    scalar("position", &[2, 3], locate),
    scalar("repeat", &[2], |a| {
        let (given, times) = (a.text(0)?, usize::try_from(a.integer(1)?).unwrap_or(0));
        if given.len().saturating_mul(times) > LONGEST {
            return Err(format!("`{times}` times `{given}` is too long"));
        }
        text(given.repeat(times))
    }),
    scalar("reverse", &[1], |a| {
        text(a.text(0)?.chars().rev().collect())
    }),
    scalar("right", &[2], |a| match a.integer(1)? {
        length if length <= 0 => text(String::new()),
        length => text(slice(&a.text(0)?, -length, length)),
    }),
    scalar("rpad", &[2, 3], |a| {
        let (given, padding) = pad(a)?;
        text(given + &padding)
    }),
    scalar("split_part", &[3], split_part),
    scalar("startswith", &[2], |a| {
        boolean(a.text(0)?.starts_with(&*a.text(1)?))
    }),
    scalar("substr", &[2, 3], substring),
    scalar("substring", &[2, 3], substring),
    scalar("translate", &[3], |a| {
        text(translate(&a.text(0)?, &a.text(1)?, &a.text(2)?))
    }),
    scalar("upper", &[1], |a| text(a.text(0)?.to_uppercase())),
];

fn text(text: String) -> Evaluated {
    Ok(Value::Text(text))
}

fn boolean(boolean: bool) -> Evaluated {
    Ok(Value::Integer(i64::from(boolean)))
}

fn length(text: &str) -> Evaluated {
    Ok(Value::Integer(text.chars().count() as i64))
}

fn substring(arguments: &Arguments<'_, '_>) -> Evaluated {
    let length = if arguments.count() == 3 {
        arguments.integer(2)?
    } else {
        i64::MAX
    };
    text(slice(&arguments.text(0)?, arguments.integer(1)?, length))
}

/// From `position` on, counted from 1 (0 is taken as 1), or from the end when it is negative. A
/// negative position before the start uses up length, as in Spark.
fn slice(text: &str, position: i64, length: i64) -> String {
    let start = match position {
        1.. => position - 1,
        0 => 0,
        _ => position.saturating_add(text.chars().count() as i64),
    };
    let end = start.saturating_add(length.max(0));
    let first = usize::try_from(start).unwrap_or(0);
    let count = usize::try_from(end - start.max(0)).unwrap_or(0);
    text.chars().skip(first).take(count).collect()
}

fn locate(arguments: &Arguments<'_, '_>) -> Evaluated {
    let (wanted, text) = (arguments.text(0)?, arguments.text(1)?);
    let from = if arguments.count() == 3 {
        arguments.integer(2)?
    } else {
        1
    };
    let Some(skipped) = from
        .checked_sub(1)
        .and_then(|from| usize::try_from(from).ok())
    else {
        return Ok(Value::Integer(0));
    };
    // Spark finds the empty text at the start, wherever it is told to begin.
    if wanted.is_empty() {
        return Ok(Value::Integer(1));
    }
    let start = text
        .char_indices()
        .map(|(index, _)| index)
        .chain([text.len()])
        .nth(skipped);
    let found = start.and_then(|start| {
        let offset = text[start..].find(&*wanted)?;
        Some(text[..start + offset].chars().count() as i64 + 1)
    });
    Ok(Value::Integer(found.unwrap_or(0)))
}

/// The text, cut to the wanted length, and what fills it up.
fn pad(arguments: &Arguments<'_, '_>) -> Result<(String, String), String> {
    let length = usize::try_from(arguments.integer(1)?).unwrap_or(0);
    if length > LONGEST {
        return Err(format!("`{length}` characters are too long"));
    }
    let given: String = arguments.text(0)?.chars().take(length).collect();
    let filler = if arguments.count() == 3 {
        arguments.text(2)?.into_owned()
    } else {
        " ".to_owned()
    };
    let missing = length - given.chars().count();
    let padding = filler.chars().cycle().take(missing).collect();
    Ok((given, padding))
}

fn split_part(arguments: &Arguments<'_, '_>) -> Evaluated {
    let (given, delimiter, number) = (
        arguments.text(0)?,
        arguments.text(1)?,
        arguments.integer(2)?,
    );
    let parts: Vec<&str> = if delimiter.is_empty() {
        vec![&given]
    } else {
        given.split(&*delimiter).collect()
    };
    let index = match number {
        0 => {
            return Err(format!(
                "part `0` of `{given}`: parts count from 1, or from -1 at the end"
            ));
        }
        1.. => usize::try_from(number - 1).ok(),
        _ => usize::try_from(number.saturating_add(parts.len() as i64)).ok(),
    };
    let part = index
        .and_then(|index| parts.get(index))
        .copied()
        .unwrap_or("");
    text(part.to_owned())
}

/// Each character of `from` becomes the one at its place in `to`, or nothing if `to` is shorter.
fn translate(text: &str, from: &str, to: &str) -> String {
    let mut targets = to.chars();
    let mut table = HashMap::new();
    for character in from.chars() {
        let target = targets.next();
        table.entry(character).or_insert(target);
    }
    text.chars()
        .filter_map(|character| table.get(&character).copied().unwrap_or(Some(character)))
        .collect()
}

fn levenshtein(left: &str, right: &str) -> i64 {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<i64> = (0..=right.len() as i64).collect();
    for (index, left) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index as i64 + 1;
        for (column, right) in right.iter().enumerate() {
            let replaced = diagonal + i64::from(left != *right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
