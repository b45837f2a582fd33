//! jq, through the crate jaq: compiling expressions, and values to and from it.
//!
//! A mapper is a pure function of its record, so the filters that look elsewhere (`now`, `env`, `input`, …) or end
//! the program (`halt`) are refused. `to_timestamp`, `minutes_between` and `to_name` are added.

use std::borrow::Cow;
use std::collections::HashSet;

use jaq_core::load::parse::{Def, Term};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data, unwrap_valr};
use jaq_json::{Num, Val};
use jiff::tz::TimeZone;
use sonic_rs::{JsonContainerTrait, JsonType, JsonValueTrait, Value};

use crate::convert::Given;
use crate::time::{self, Clock, DateOrder};
use crate::{budget, path};

type Data = data::JustLut<Val>;

/// A compiled expression. It cannot leave its thread.
pub(crate) struct Filter(jaq_core::Filter<Data>);

/// The clock travels as a variable that no mapper names.
const ADDED: &str = "def to_timestamp: to_timestamp_by($clock__); \
    def minutes_between($from; $to): [$from, $to] | minutes_between_by($clock__); ";

/// What the expression is called when it is compiled.
const MAIN: &str = "main__";

thread_local! {
    /// The definitions that every expression can use, read once.
    static DEFINITIONS: Vec<Def<&'static str>> = {
        let limited = jaq_core::load::parse(budget::LIMITED, |parser| parser.defs()).unwrap_or_default();
        let known = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        limited.into_iter().chain(known.map(budget::guarded_definition)).collect()
    };
}

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

/// Names by which these, and what is made of them, are asked for.
const REFUSED_NAMES: &[&str] = &[
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
pub(crate) struct FilterFault {
    pub(crate) message: String,
    pub(crate) span: std::ops::Range<usize>,
    /// The filter that was most likely meant.
    pub(crate) near: Option<String>,
}

impl FilterFault {
    fn new(message: String, span: std::ops::Range<usize>) -> Self {
        Self {
            message,
            span,
            near: None,
        }
    }
}

/// Compiles an expression.
pub(crate) fn compile(expression: &str) -> Result<Filter, Vec<FilterFault>> {
    if expression.len() > budget::LONG {
        return Err(whole(
            expression,
            format!("longer than {} bytes", budget::LONG),
        ));
    }
    if budget::depth(expression.as_bytes()) > budget::NESTED {
        let message = format!("more than {} brackets within one another", budget::NESTED);
        return Err(whole(expression, message));
    }
    let code = format!("{ADDED}{expression}");
    let arena = Arena::default();
    let file = |code| File { code, path: () };
    let Some(term) = jaq_core::load::parse(&code, |parser| parser.term()) else {
        let faults = Loader::new([]).load(&arena, file(code.as_str())).err();
        let faults = faults.map(|errors| load_faults(&code, errors));
        return Err(faults.unwrap_or_else(|| whole(expression, "cannot be read".to_owned())));
    };
    let refused = refused_names(&code, &term);
    if !refused.is_empty() {
        return Err(refused);
    }
    let main = Def {
        name: MAIN,
        args: Vec::new(),
        body: budget::guarded(term),
    };
    let modules = Loader::new(definitions(&main).into_iter().chain([main]))
        .load(&arena, file(MAIN))
        .map_err(|errors| load_faults(&code, errors))?;
    let functions = jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs())
        .filter(|(name, arguments, _)| (*name, arguments.len()) != ("range", 3))
        .map(refuse)
        .map(|(name, arguments, native)| (budget::inner_name(name), arguments, native))
        .chain(budget::filters())
        .chain(added());
    Compiler::default()
        .with_funs(functions)
        .with_global_vars(["$record", "$clock__"])
        .compile(modules)
        .map(Filter)
        .map_err(|errors| {
            let undefined = errors.into_iter().flat_map(|(_, errors)| errors);
            undefined
                .map(|(name, kind)| {
                    let message = format!("the {} `{name}` is not known", kind.as_str());
                    let fault = FilterFault::new(message, in_expression(&code, name));
                    let near = nearest_filter(name);
                    FilterFault { near, ..fault }
                })
                .collect()
        })
}

/// The definitions that an expression needs, in order. All of them would take more time than the expression itself.
fn definitions<'s>(main: &Def<&'s str>) -> Vec<Def<&'s str>> {
    let mut wanted: HashSet<&str> = HashSet::new();
    budget::names(&main.body, &mut |name| {
        wanted.insert(name);
    });
    DEFINITIONS.with(|definitions| {
        // Each refers to others that stand before it, or have its own name.
        let mut needed: Vec<Def<&str>> = Vec::new();
        for definition in definitions.iter().rev() {
            if wanted.contains(definition.name) {
                budget::names(&definition.body, &mut |name| {
                    wanted.insert(name);
                });
                needed.push(definition.clone());
            }
        }
        needed.reverse();
        needed
    })
}

/// The filter that a misspelt name most likely meant.
fn nearest_filter(name: &str) -> Option<String> {
    let natives = jaq_core::funs::<Data>()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs());
    let natives = natives.map(|(name, ..)| name).chain(["to_name"]);
    let ours = ADDED
        .split("def ")
        .filter_map(|text| text.split([':', '(']).next());
    let known = natives.chain(ours);
    DEFINITIONS.with(|definitions| {
        let known = known.chain(definitions.iter().map(|definition| definition.name));
        let is_open = |known: &&str| !known.is_empty() && !known.ends_with("__");
        let known = known.filter(|known| is_open(known) && !REFUSED_NAMES.contains(known));
        diagnostics::nearest(name, known.collect::<Vec<_>>()).map(str::to_owned)
    })
}

fn whole(expression: &str, message: String) -> Vec<FilterFault> {
    vec![FilterFault::new(message, 0..expression.len())]
}

/// A fault for each place that asks for a filter that is refused.
fn refused_names(code: &str, term: &Term<&str>) -> Vec<FilterFault> {
    let mut faults = Vec::new();
    budget::names(term, &mut |name| {
        if REFUSED_NAMES.contains(&name) {
            let message = format!("a mapper sees only its record: `{name}` is not available");
            faults.push(FilterFault::new(message, in_expression(code, name)));
        }
    });
    faults
}

impl Filter {
    /// Runs the filter and hands out its values until one is an error.
    pub(crate) fn run(&self, input: Val, record: Val, clock: &Val) -> Result<Vec<Val>, String> {
        budget::begin();
        let context = Ctx::<Data>::new(&self.0.lut, Vars::new([record, clock.clone()]));
        let values = self.0.id.run((context, input)).map(unwrap_valr);
        let values = values.map(|value| {
            let value = value.map_err(|error| message(error.into_val()))?;
            budget::fits(&value).map(|()| value)
        });
        let values = values.collect();
        // Whatever became of the error in the expression.
        match budget::exceeded() {
            Some(fault) => Err(fault.to_owned()),
            None => values,
        }
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

/// A clock as a jq value, for the filters that read times.
pub(crate) fn from_clock(clock: &Clock) -> Val {
    let zone = clock.zone.iana_name().unwrap_or("UTC").to_owned();
    let order = clock.date_order.map_or("", DateOrder::name).to_owned();
    [zone, order].into_iter().map(Val::from).collect()
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
    let functions: [jaq_core::native::Filter<jaq_core::RunPtr<Data>>; 3] = [
        ("to_name", v(0), |cv| {
            bome(Ok(match cv.1 {
                Val::TStr(_) | Val::BStr(_) => {
                    Val::from(raw::plain_name(&text(&cv.1)).into_owned())
                }
                other => other,
            }))
        }),
        ("to_timestamp_by", v(1), |mut cv| {
            let clock = to_clock(&cv.0.pop_var());
            bome(match &cv.1 {
                value if !is_given(value) => Ok(Val::Null),
                value => time::timestamp(&text(value), &clock)
                    .map(Val::from)
                    .map_err(error),
            })
        }),
        ("minutes_between_by", v(1), |mut cv| {
            let clock = to_clock(&cv.0.pop_var());
            bome(match &cv.1 {
                Val::Arr(pair) => match pair.as_slice() {
                    [from, to] if is_given(from) && is_given(to) => {
                        time::minutes_between(&text(from), &text(to), &clock)
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

/// The clock that [`from_clock`] made a value of.
fn to_clock(value: &Val) -> Clock {
    let Val::Arr(parts) = value else {
        return Clock::UTC;
    };
    let part = |index: usize| parts.get(index).map(text).unwrap_or_default();
    Clock {
        zone: TimeZone::get(&part(0)).unwrap_or(TimeZone::UTC),
        date_order: DateOrder::of_name(&part(1)),
    }
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
            "a mapper sees only its record: this filter is not available".into(),
        )))
    };
    jaq_core::native::run::<Data>((name, arguments, refusal))
}

fn load_faults(code: &str, errors: jaq_core::load::Errors<&str, ()>) -> Vec<FilterFault> {
    use jaq_core::load::Error;
    let mut faults = Vec::new();
    for (_, error) in errors {
        match error {
            Error::Io(errors) => {
                let fault = |(part, message)| FilterFault::new(message, in_expression(code, part));
                faults.extend(errors.into_iter().map(fault));
            }
            Error::Lex(errors) => faults.extend(errors.into_iter().map(|(expected, part)| {
                let message = format!("expected {}", expected.as_str());
                FilterFault::new(message, in_expression(code, part))
            })),
            Error::Parse(errors) => faults.extend(errors.into_iter().map(|(expected, part)| {
                let message = format!("expected {}", expected.as_str());
                FilterFault::new(message, in_expression(code, part))
            })),
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
