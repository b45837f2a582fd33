//! jq, through the crate jaq: compiling expressions, and values to and from it.
//!
//! A mapper is a pure function of its record, so the filters that look elsewhere (`now`, `env`, `input`, …) or end
//! the program (`halt`) are refused. `to_timestamp` and `minutes_between` are added.

use std::borrow::Cow;

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data, unwrap_valr};
use jaq_json::{Num, Val};
use jiff::tz::TimeZone;
use sonic_rs::{JsonContainerTrait, JsonType, JsonValueTrait, Value};

use crate::convert::Given;
use crate::{path, time};

type Data = data::JustLut<Val>;

/// A compiled expression. It cannot leave its thread.
pub(crate) struct Filter(jaq_core::Filter<Data>);

/// The zone's name travels as a variable that no mapper names.
const ADDED: &str = "def to_timestamp: to_timestamp_in($time_zone__); \
    def minutes_between($from; $to): [$from, $to] | minutes_between_in($time_zone__); ";

/// Filters that would make a row depend on more than its record, or that would end or write to somewhere.
const REFUSED: &[&str] = &[
    "now",
    "env",
    "halt",
    "input",
    "inputs",
    "debug_empty",
    "stderr_empty",
    "localtime",
    "strflocaltime",
];

/// Words by which these, and what is made of them, are called.
const REFUSED_WORDS: &[&str] = &[
    "now",
    "env",
    "$ENV",
    "halt",
    "halt_error",
    "input",
    "inputs",
    "debug",
    "stderr",
    "localtime",
    "strflocaltime",
];

/// Why an expression does not compile, and where in it, in bytes.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) span: std::ops::Range<usize>,
}

/// Compiles an expression.
pub(crate) fn compile(expression: &str) -> Result<Filter, Vec<Fault>> {
    let code = format!("{ADDED}{expression}");
    let arena = Arena::default();
    let definitions = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs());
    let modules = Loader::new(definitions)
        .load(
            &arena,
            File {
                code: code.as_str(),
                path: (),
            },
        )
        .map_err(|errors| load_faults(&code, errors))?;
    let functions = jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs())
        .map(refuse)
        .chain(added());
    let filter = Compiler::default()
        .with_funs(functions)
        .with_global_vars(["$record", "$time_zone__"])
        .compile(modules)
        .map_err(|errors| {
            let undefined = errors.into_iter().flat_map(|(_, errors)| errors);
            undefined
                .map(|(name, kind)| Fault {
                    message: format!("the {} `{name}` is not known", kind.as_str()),
                    span: in_expression(&code, name),
                })
                .collect::<Vec<_>>()
        })?;
    let refused = refused_words(expression);
    if refused.is_empty() {
        Ok(Filter(filter))
    } else {
        Err(refused)
    }
}

/// Words of filters that are refused, outside texts. What hides inside a text, as `"\(now)"`, is refused when it runs.
fn refused_words(expression: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut in_text = false;
    let mut start = 0;
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || c == '.';
    for (at, character) in expression.char_indices().chain([(expression.len(), ' ')]) {
        if is_word(character) {
            continue;
        }
        let word = &expression[start..at];
        if !in_text && REFUSED_WORDS.contains(&word) {
            faults.push(Fault {
                message: format!("a mapper sees its record alone: `{word}` is not available"),
                span: start..at,
            });
        }
        let escaped = expression[..at].ends_with('\\');
        in_text ^= character == '"' && !escaped;
        start = at + character.len_utf8();
    }
    faults
}

impl Filter {
    /// Runs the filter and hands out its values until one is an error.
    pub(crate) fn run(&self, input: Val, record: Val, zone: &Val) -> Result<Vec<Val>, String> {
        let context = Ctx::<Data>::new(&self.0.lut, Vars::new([record, zone.clone()]));
        let values = self.0.id.run((context, input)).map(unwrap_valr);
        values
            .map(|value| value.map_err(|error| message(error.into_val())))
            .collect()
    }
}

/// A parsed record, or a part of it, as a jq value.
pub(crate) fn from_json(value: &Value) -> Result<Val, String> {
    Ok(match value.get_type() {
        JsonType::Null => Val::Null,
        JsonType::Boolean => Val::Bool(value.as_bool().unwrap_or_default()),
        JsonType::Number => match value.as_i64().and_then(|whole| isize::try_from(whole).ok()) {
            Some(whole) => Val::from(whole),
            None => {
                let literal = number_text(value);
                jaq_json::read::parse_single(literal.as_bytes())
                    .map_err(|error| error.to_string())?
            }
        },
        JsonType::String => Val::from(value.as_str().unwrap_or_default().to_owned()),
        JsonType::Array => value
            .as_array()
            .into_iter()
            .flatten()
            .map(from_json)
            .collect::<Result<Val, _>>()?,
        JsonType::Object => {
            let mut map = jaq_json::Map::default();
            for (key, value) in path::members(value)? {
                map.insert(Val::from(key.to_owned()), from_json(value)?);
            }
            Val::obj(map)
        }
    })
}

/// A jq value on its way into a cell.
pub(crate) fn given(value: &Val) -> Given<'_> {
    match value {
        Val::Null => Given::Null,
        Val::Bool(value) => Given::Bool(*value),
        Val::Num(Num::Float(number)) if number.is_nan() => Given::Null,
        Val::Num(_) => Given::Number(Cow::Owned(value.to_string())),
        Val::TStr(bytes) | Val::BStr(bytes) => Given::Text(String::from_utf8_lossy(bytes)),
        Val::Arr(_) => Given::Nested("a list", Box::new(move |out| *out += &value.to_string())),
        Val::Obj(_) => Given::Nested("an object", Box::new(move |out| *out += &value.to_string())),
    }
}

/// A number of a parsed record, as it was written.
pub(crate) fn number_text(value: &Value) -> String {
    value
        .as_raw_number()
        .map_or_else(|| value.to_string(), |raw| raw.as_str().to_owned())
}

fn added() -> impl Iterator<Item = jaq_core::native::Fun<Data>> {
    use jaq_core::native::{bome, run, v};
    let functions: [jaq_core::native::Filter<jaq_core::RunPtr<Data>>; 2] = [
        ("to_timestamp_in", v(1), |mut cv| {
            let zone = zone(&cv.0.pop_var());
            bome(match &cv.1 {
                value if !is_given(value) => Ok(Val::Null),
                value => time::timestamp(&text(value), &zone)
                    .map(Val::from)
                    .map_err(error),
            })
        }),
        ("minutes_between_in", v(1), |mut cv| {
            let zone = zone(&cv.0.pop_var());
            bome(match &cv.1 {
                Val::Arr(pair) => match pair.as_slice() {
                    [from, to] if is_given(from) && is_given(to) => {
                        time::minutes_between(&text(from), &text(to), &zone)
                            .map(Val::from)
                            .map_err(error)
                    }
                    _ => Ok(Val::Null),
                },
                _ => Ok(Val::Null),
            })
        }),
    ];
    functions.into_iter().map(run::<Data>)
}

fn error(message: String) -> jaq_core::Error<Val> {
    jaq_core::Error::new(Val::from(message))
}

fn zone(name: &Val) -> TimeZone {
    TimeZone::get(&text(name)).unwrap_or(TimeZone::UTC)
}

fn is_given(value: &Val) -> bool {
    !matches!(text(value).as_str(), "null" | "" | "NaN")
}

fn text(value: &Val) -> String {
    match value {
        Val::TStr(bytes) | Val::BStr(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => other.to_string(),
    }
}

fn message(value: Val) -> String {
    text(&value).chars().take(300).collect()
}

fn refuse((name, arguments, native): jaq_core::native::Fun<Data>) -> jaq_core::native::Fun<Data> {
    if !REFUSED.contains(&name) {
        return (name, arguments, native);
    }
    let refusal: jaq_core::RunPtr<Data> = |_| {
        jaq_core::native::bome(Err(error(
            "a mapper sees its record alone: this filter is not available".into(),
        )))
    };
    jaq_core::native::run::<Data>((name, arguments, refusal))
}

fn load_faults(code: &str, errors: jaq_core::load::Errors<&str, ()>) -> Vec<Fault> {
    use jaq_core::load::Error;
    let mut faults = Vec::new();
    for (_, error) in errors {
        match error {
            Error::Io(errors) => {
                faults.extend(errors.into_iter().map(|(part, message)| Fault {
                    message,
                    span: in_expression(code, part),
                }));
            }
            Error::Lex(errors) => faults.extend(errors.into_iter().map(|(expected, part)| Fault {
                message: format!("expected {}", expected.as_str()),
                span: in_expression(code, part),
            })),
            Error::Parse(errors) => {
                faults.extend(errors.into_iter().map(|(expected, part)| Fault {
                    message: format!("expected {}", expected.as_str()),
                    span: in_expression(code, part),
                }))
            }
        }
    }
    faults
}

/// The place of a part of the code in the expression that the mapper has.
fn in_expression(code: &str, part: &str) -> std::ops::Range<usize> {
    let inside = code.as_bytes().as_ptr_range().contains(&part.as_ptr()) || part.is_empty();
    let start = if inside {
        part.as_ptr() as usize - code.as_ptr() as usize
    } else {
        0
    };
    let start = start.min(code.len()).saturating_sub(ADDED.len());
    start..start + part.len().min(code.len())
}
