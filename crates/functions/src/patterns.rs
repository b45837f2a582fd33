//! Functions of regular expressions.
//!
//! The expressions are those that Java (Spark) and the crate regex-lite share: no look-around, no
//! back reference. Character classes, word boundaries and `(?i)` know ASCII only, in both.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use regex_lite::{Captures, Regex};
use rusqlite::functions::Context;
use rusqlite::types::Value;
use rusqlite::{Connection, Result};

use crate::arguments::{Arguments, FLAGS, Refusal, error};

/// Registers the functions. They differ from other scalars in that they keep the compiled
/// expression from row to row.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    for name in ["regexp_like", "rlike"] {
        connection
            .create_scalar_function(name, 2, FLAGS, move |context| matches(name, context, 0, 1))?;
    }
    // SQLite writes `text REGEXP pattern` as `regexp(pattern, text)`.
    connection.create_scalar_function("regexp", 2, FLAGS, |context| {
        matches("regexp", context, 1, 0)
    })?;
    for count in [2, 3] {
        connection.create_scalar_function("regexp_extract", count, FLAGS, |context| {
            with(context, "regexp_extract", 0, 1, |pattern, text| {
                let group = if context.len() == 3 {
                    Arguments(context).integer(2)?
                } else {
                    1
                };
                pattern.remembered(text, group, |regex| extract(regex, text, group))
            })
        })?;
    }
    connection.create_scalar_function("regexp_replace", 3, FLAGS, |context| {
        with(context, "regexp_replace", 0, 1, |pattern, text| {
            replace(&pattern.regex, text, &Arguments(context).text(2)?)
        })
    })?;
    connection.create_scalar_function("regexp_count", 2, FLAGS, |context| {
        with(context, "regexp_count", 0, 1, |pattern, text| {
            Ok(Value::Integer(all(&pattern.regex, text).len() as i64))
        })
    })
}

fn matches(name: &str, context: &Context<'_>, text: usize, pattern: usize) -> Result<Value> {
    with(context, name, text, pattern, |pattern, text| {
        pattern.remembered(text, 0, |regex| {
            Ok(Value::Integer(i64::from(regex.is_match(text))))
        })
    })
}

/// A compiled expression, and what it gave for the last texts: titles, names and tags repeat from row to row.
struct Pattern {
    regex: Regex,
    /// By the text: the group that was asked for, and the result.
    results: Mutex<HashMap<String, (i64, Value)>>,
}

impl Pattern {
    /// The result for a text and a group, made only where it is not remembered.
    fn remembered(
        &self,
        text: &str,
        group: i64,
        make: impl FnOnce(&Regex) -> std::result::Result<Value, Refusal>,
    ) -> std::result::Result<Value, Refusal> {
        /// So many results are kept, and none of a longer text, in bytes.
        const KEPT: (usize, usize) = (4096, 256);
        if text.len() > KEPT.1 {
            return make(&self.regex);
        }
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, value)) = results.get(text)
            && *of == group
        {
            return Ok(value.clone());
        }
        let value = make(&self.regex)?;
        if results.len() >= KEPT.0 {
            results.clear();
        }
        results.insert(text.to_owned(), (group, value.clone()));
        Ok(value)
    }
}

/// Runs `work` on the expression and the text, unless an argument is NULL.
fn with(
    context: &Context<'_>,
    name: &str,
    text: usize,
    pattern: usize,
    work: impl Fn(&Pattern, &str) -> std::result::Result<Value, Refusal>,
) -> Result<Value> {
    let arguments = Arguments(context);
    if (0..arguments.count()).any(|index| arguments.is_null(index)) {
        return Ok(Value::Null);
    }
    let compiled: Arc<Pattern> = context.get_or_create_aux(pattern as i32, |raw| {
        let pattern = raw.as_str().map_err(|error| error.to_string())?;
        let regex = Regex::new(pattern).map_err(|reason| {
            format!(
                "`{name}`: `{pattern}` is not a regular expression that both engines know: {reason}"
            )
        })?;
        let results = Mutex::default();
        Ok::<_, String>(Pattern { regex, results })
    })?;
    let refused = |refusal: Refusal| error(name, &refusal);
    let given = arguments.text(text).map_err(refused)?;
    work(&compiled, &given).map_err(refused)
}

/// No match, and a group that took no part in it, give empty text.
fn extract(regex: &Regex, text: &str, group: i64) -> std::result::Result<Value, Refusal> {
    let groups = regex.captures_len();
    let group = usize::try_from(group)
        .ok()
        .filter(|group| *group < groups)
        .ok_or_else(|| format!("group `{group}` is not in `{regex}`, it has {}", groups - 1))?;
    let found = regex
        .captures(text)
        .and_then(|captures| captures.get(group));
    Ok(Value::Text(
        found.map_or("", |found| found.as_str()).to_owned(),
    ))
}

fn replace(regex: &Regex, text: &str, by: &str) -> std::result::Result<Value, Refusal> {
    let mut out = String::new();
    let mut copied = 0;
    for captures in all(regex, text) {
        let Some(whole) = captures.get(0) else {
            continue;
        };
        out.push_str(&text[copied..whole.start()]);
        expand(&captures, by, &mut out)?;
        copied = whole.end();
    }
    out.push_str(&text[copied..]);
    Ok(Value::Text(out))
}

/// All matches as Java finds them: an empty match may directly follow another one.
fn all<'t>(regex: &Regex, text: &'t str) -> Vec<Captures<'t>> {
    let mut found = Vec::new();
    let mut from = 0;
    while from <= text.len() {
        let Some(captures) = regex.captures_at(text, from) else {
            break;
        };
        let Some(whole) = captures.get(0) else {
            break;
        };
        from = whole.end();
        if whole.start() == whole.end() {
            from += text[from..].chars().next().map_or(1, char::len_utf8);
        }
        found.push(captures);
    }
    found
}

/// Java's replacement text: `$1` is a group, `\` takes the next character literally.
fn expand(captures: &Captures<'_>, by: &str, out: &mut String) -> std::result::Result<(), Refusal> {
    let mut rest = by.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => out.extend(rest.next()),
            '$' => {
                let digit = |next: Option<&char>| next.and_then(|next| next.to_digit(10));
                let mut group = digit(rest.peek())
                    .ok_or_else(|| format!("`$` in `{by}` is not followed by a group's number"))?;
                rest.next();
                // Further digits belong to the number as long as there is such a group.
                while let Some(next) = digit(rest.peek()) {
                    let longer = group * 10 + next;
                    if longer as usize >= captures.len() {
                        break;
                    }
                    group = longer;
                    rest.next();
                }
                if group as usize >= captures.len() {
                    return Err(format!("`{by}` names group `{group}`, which is not there"));
                }
                out.push_str(
                    captures
                        .get(group as usize)
                        .map_or("", |found| found.as_str()),
                );
            }
            other => out.push(other),
        }
    }
    Ok(())
}
