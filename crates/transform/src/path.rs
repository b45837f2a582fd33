//! The fast lane: jq expressions that are plain paths, or begin with one, are followed in the parsed record itself,
//! and no jq value is built for what they pass by. The meaning is jq's to the letter.

use std::collections::HashMap;

use sonic_rs::{JsonContainerTrait, JsonType, JsonValueTrait, Value};

/// Where a path starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// The value in hand: an element of `each`, or the record.
    Element,
    /// `$record`.
    Record,
}

/// `.a.b?[0]` in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) root: Root,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    part: Part,
    /// `?`: an error here gives no value instead.
    optional: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Member(String),
    Index(i64),
}

/// An expression, taken apart as far as the fast lane goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Split<'a> {
    /// A plain path.
    Path(Path),
    /// A plain path, and the filter that its value is piped into.
    Piped(Path, &'a str),
    /// Anything else.
    Other,
}

/// A plain `each`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EachPath {
    list: Path,
    /// `[]?`: what is not a list gives nothing.
    optional: bool,
    /// `// []`: null or false count as an empty list.
    or_empty: bool,
}

/// Takes a column's expression apart.
pub(crate) fn split(expression: &str) -> Split<'_> {
    let Some((path, rest)) = parse(expression) else {
        return Split::Other;
    };
    let rest = rest.trim_start();
    match rest.strip_prefix('|') {
        _ if rest.is_empty() => Split::Path(path),
        Some(filter) if !filter.starts_with('=') && !filter.contains('$') => {
            Split::Piped(path, filter)
        }
        _ => Split::Other,
    }
}

/// Takes an `each` apart: `.a[]`, `.a[]?` or `(.a // [])[]`.
pub(crate) fn each_path(expression: &str) -> Option<EachPath> {
    let expression = expression.trim();
    if let Some(inner) = expression.strip_prefix('(') {
        let (list, rest) = parse(inner)?;
        let rest: String = rest.split_whitespace().collect();
        let optional = match rest.as_str() {
            "//[])[]" => false,
            "//[])[]?" => true,
            _ => return None,
        };
        return Some(EachPath {
            list,
            optional,
            or_empty: true,
        });
    }
    let (list, rest) = parse(expression)?;
    let optional = match rest.trim() {
        "[]" => false,
        "[]?" => true,
        _ => return None,
    };
    Some(EachPath {
        list,
        optional,
        or_empty: false,
    })
}

/// The path to the one member that an expression such as `.users[]?` names, if it is no more than that.
pub(crate) fn envelope(expression: &str) -> Option<Path> {
    match each_path(expression)? {
        EachPath {
            list,
            optional: true,
            or_empty: false,
        } if list.only_member().is_some() && !list.steps[0].optional => Some(list),
        _ => None,
    }
}

impl Path {
    /// The member that the path is, if it is one of the element and nothing more.
    pub(crate) fn only_member(&self) -> Option<&str> {
        match (self.root == Root::Element, self.steps.as_slice()) {
            (
                true,
                [
                    Step {
                        part: Part::Member(name),
                        ..
                    },
                ],
            ) => Some(name),
            _ => None,
        }
    }

    /// What its steps go to.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.steps.iter().map(|step| &step.part)
    }

    /// Follows the path. `None` is jq's "no value", from `?`.
    pub(crate) fn follow<'a>(
        &self,
        element: &'a Value,
        record: &'a Value,
    ) -> Result<Option<&'a Value>, String> {
        const NULL: &Value = &Value::new();
        let mut value = match self.root {
            Root::Element => element,
            Root::Record => record,
        };
        for step in &self.steps {
            let found = match (&step.part, value.get_type()) {
                (_, JsonType::Null) => Ok(NULL),
                (Part::Member(name), JsonType::Object) => member(value, name),
                (Part::Index(index), JsonType::Array) => {
                    Ok(element_at(value, *index).unwrap_or(NULL))
                }
                // jaq lets objects have keys that are no text; JSON has none, so there is nothing at such a key.
                (Part::Index(_), JsonType::Object) => Ok(NULL),
                (Part::Member(name), kind) => Err(format!(
                    "expected an object with the member `{name}`, found {}",
                    word(kind)
                )),
                (Part::Index(index), kind) => Err(format!(
                    "expected a list to take element {index} of, found {}",
                    word(kind)
                )),
            };
            value = match found {
                Ok(found) => found,
                Err(_) if step.optional => return Ok(None),
                Err(reason) => return Err(format!("{reason} at `{self}`")),
            };
        }
        Ok(Some(value))
    }
}

impl EachPath {
    /// The elements, or jq's error where there is no list.
    pub(crate) fn elements<'a>(&self, record: &'a Value) -> Result<Vec<&'a Value>, String> {
        let Some(list) = self.list.follow(record, record)? else {
            return Ok(Vec::new());
        };
        if let Some(items) = list.as_array() {
            return Ok(items.iter().collect());
        }
        // jq iterates over the values of an object, too.
        if let Some(object) = list.as_object() {
            return Ok(object.iter().map(|(_, value)| value).collect());
        }
        if self.optional || (self.or_empty && (list.is_null() || list.as_bool() == Some(false))) {
            return Ok(Vec::new());
        }
        Err(format!(
            "expected a list at `{}`, found {}",
            self.list,
            word(list.get_type())
        ))
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.root == Root::Record {
            f.write_str("$record")?;
        }
        if self.steps.is_empty() {
            f.write_str(".")?;
        }
        for step in &self.steps {
            match &step.part {
                Part::Member(name) => write!(f, ".{name}")?,
                Part::Index(index) => write!(f, "[{index}]")?,
            }
            if step.optional {
                f.write_str("?")?;
            }
        }
        Ok(())
    }
}

/// What a value is, in a word that a message can use.
pub(crate) fn word(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "nothing",
        JsonType::Boolean => "true or false",
        JsonType::Number => "a number",
        JsonType::String => "text",
        JsonType::Array => "a list",
        JsonType::Object => "an object",
    }
}

/// A member of an object. RFC 8259 leaves open what a name given twice means, so it is refused.
pub(crate) fn member<'a>(object: &'a Value, name: &str) -> Result<&'a Value, String> {
    const NULL: &Value = &Value::new();
    let mut found = None;
    for (key, value) in object.as_object().into_iter().flatten() {
        if key == name && found.replace(value).is_some() {
            return Err(format!("the member `{name}` is given twice"));
        }
    }
    Ok(found.unwrap_or(NULL))
}

/// All members of an object by name, none of them given twice.
pub(crate) fn members(object: &Value) -> Result<Vec<(&str, &Value)>, String> {
    let mut seen: HashMap<&str, ()> = HashMap::new();
    let mut members = Vec::new();
    for (key, value) in object.as_object().into_iter().flatten() {
        if seen.insert(key, ()).is_some() {
            return Err(format!("the member `{key}` is given twice"));
        }
        members.push((key, value));
    }
    Ok(members)
}

/// The item at a place in a list, counted from the end if it is below 0.
pub(crate) fn element_at(list: &Value, index: i64) -> Option<&Value> {
    let items = list.as_array()?;
    let length = i64::try_from(items.len()).ok()?;
    let index = if index < 0 { index + length } else { index };
    items.get(usize::try_from(index).ok()?)
}

/// Reads a path at the start of an expression, and gives what follows it.
fn parse(expression: &str) -> Option<(Path, &str)> {
    let expression = expression.trim_start();
    let (root, mut rest) = match expression.strip_prefix("$record") {
        Some(rest) => (Root::Record, rest),
        None => (Root::Element, expression),
    };
    let mut steps = Vec::new();
    if root == Root::Element && !rest.starts_with('.') {
        return None;
    }
    loop {
        let (part, after) = if let Some(after) = rest.strip_prefix('.') {
            if let Some(quoted) = after
                .strip_prefix("[\"")
                .or_else(|| after.strip_prefix('"'))
            {
                let end = quoted.find('"')?;
                let name = &quoted[..end];
                if name.contains(['\\', '(']) {
                    return None;
                }
                let closing = if after.starts_with('[') { "\"]" } else { "\"" };
                (
                    Part::Member(name.to_owned()),
                    quoted[end..].strip_prefix(closing)?,
                )
            } else {
                let end = after
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(after.len());
                if end == 0 {
                    // Only `.`, or `.[`: what follows decides.
                    if !steps.is_empty() || root == Root::Record {
                        return None;
                    }
                    match index(after) {
                        Some((part, after)) => (part, after),
                        None => return Some((Path { root, steps }, after)),
                    }
                } else if after.starts_with(|c: char| c.is_ascii_digit()) {
                    return None;
                } else {
                    (Part::Member(after[..end].to_owned()), &after[end..])
                }
            }
        } else if let Some((part, after)) = index(rest) {
            (part, after)
        } else {
            return Some((Path { root, steps }, rest));
        };
        let without_mark = after.trim_start_matches('?');
        steps.push(Step {
            part,
            optional: without_mark.len() < after.len(),
        });
        rest = without_mark;
    }
}

/// `[3]` or `[-1]`.
fn index(text: &str) -> Option<(Part, &str)> {
    let (number, rest) = text.strip_prefix('[')?.split_once(']')?;
    Some((Part::Index(number.trim().parse().ok()?), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_take_the_fast_lane_and_others_do_not() {
        for plain in [
            ".",
            ".a",
            ".a.b",
            ".a?.b",
            ".a[0]",
            ".[\"odd key\"]",
            ".\"odd\".b",
            "$record.id",
            "$record",
            " .a ",
            ".a[-1].b?",
        ] {
            assert!(matches!(split(plain), Split::Path(_)), "{plain}");
        }
        for piped in [".a | ascii_downcase", ".a.b|length", "$record.a | tostring"] {
            assert!(matches!(split(piped), Split::Piped(..)), "{piped}");
        }
        for other in [
            "1",
            ".a // 1",
            ".a, .b",
            ".[]",
            ".a[]",
            ".a as $x | $x",
            ".a | $record.b",
            "..",
            ".a.b |= 1",
            "[.a]",
            ".a + 1",
            "..a",
            ".a[1:2]",
            "$recorded",
            ".a..b",
        ] {
            assert!(matches!(split(other), Split::Other), "{other}");
        }
    }

    #[test]
    fn plain_lists() {
        for plain in [
            ".a[]",
            ".a.b[]?",
            "(.a // [])[]",
            "( .a.b//[] ) [ ]",
            ".[]",
            "$record.a[]",
        ] {
            assert!(each_path(plain).is_some(), "{plain}");
        }
        for other in [".a", ".a[] | .b", "(.a // {})[]", ".a[].b[]", "[.a]"] {
            assert_eq!(each_path(other), None, "{other}");
        }
        let path = envelope(".users[]?").unwrap();
        assert_eq!(path.only_member(), Some("users"));
        for other in [".users[]", ".a.users[]?", ".[]?", ".users"] {
            assert_eq!(envelope(other), None, "{other}");
        }
    }
}
