//! How much a jq expression may do: steps, time, depth and sizes have limits, so that none hangs, fills the memory or
//! overflows the stack, which would end the program.
//!
//! jaq has no such limits, so the expression is written anew before it is compiled. Each call of a
//! definition that calls itself takes a step, and so does each item of `.[]`, `..` and `range`. Whatever makes a value looks
//! at its size and takes steps for its parts, so that no value has more parts than there are steps for, however many of them it shares. Filters
//! of jaq are plain functions that cannot take anything along: what is left of the budget is kept by thread.

use std::cell::Cell;
use std::time::{Duration, Instant};

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::native::{Fun, bome, run, v};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};
use jaq_core::{DataT, RunPtr, ValXs};
use jaq_json::Val;

/// The stack that threads need which compile or run expressions, in bytes. Only what is used of it takes memory.
pub const STACK: usize = 256 << 20;

/// Calls, items, sums and products that an expression may make for one record.
const STEPS: u32 = 1_000_000;

/// How many parts of a value that is made take one step.
const PARTS_A_STEP: usize = 16;

/// How long an expression may take for one record.
const LONGEST: Duration = Duration::from_secs(10);

/// The most that is counted between two steps: a program that was stopped for a while did nothing in it.
const PAUSE: Duration = Duration::from_secs(2);

/// How much of the stack may be used, in bytes.
const DEEP: usize = 96 << 20;

/// The most bytes of a text and the most items of a list that a sum or a product may make.
const LARGE: usize = 16 << 20;

/// The most parts of a value that is made.
const PARTS: usize = 2_000_000;

/// The most bytes of a text that is taken apart.
const LONG_TEXT: usize = 1 << 20;

const TOO_LARGE: &str = "the filter makes a value that is too large";
const TOO_LONG: &str = "the filter takes apart a text of more than 1 MiB";

/// What the filters are called that [`LIMITED`] stands before.
pub(crate) fn inner_name(name: &'static str) -> &'static str {
    match name {
        "fromjson" => "fromjson__",
        "tojson" => "tojson__",
        "matches" => "matches__",
        "split_" => "split_matches_of__",
        "split_matches" => "split_matches__",
        "explode" => "explode__",
        "indices" => "indices__",
        other => other,
    }
}

/// The most brackets within one another, in an expression and in a text that is read as JSON.
pub(crate) const NESTED: usize = 200;
const NESTED_JSON: usize = 10_000;

/// The most bytes of an expression.
pub(crate) const LONG: usize = 32 << 10;

thread_local! {
    static LEFT: Cell<Left> = const { Cell::new(Left { steps: STEPS, spent: Duration::ZERO, last: None, base: 0, fault: None }) };
}

#[derive(Clone, Copy)]
struct Left {
    steps: u32,
    /// How long it took until the last step, and when that was.
    spent: Duration,
    last: Option<Instant>,
    /// Where the stack was when the expression began.
    base: usize,
    /// What was too much. It holds whatever the expression does with the error.
    fault: Option<&'static str>,
}

/// Begins a run with a whole budget.
pub(crate) fn begin() {
    LEFT.set(Left {
        steps: STEPS,
        spent: Duration::ZERO,
        last: None,
        base: here(),
        fault: None,
    });
}

/// What was too much since the beginning.
pub(crate) fn exceeded() -> Option<&'static str> {
    LEFT.get().fault
}

/// Whether a value may be made, which takes steps for its parts.
pub(crate) fn fits(value: &Val) -> Result<(), String> {
    let mut left = PARTS;
    match count(value, &mut left) {
        true => steps(1 + (PARTS - left) / PARTS_A_STEP),
        false => Err(too_much(TOO_LARGE)),
    }
}

/// The expression with its limits in it.
pub(crate) fn guarded(term: Term<&str>) -> Term<&str> {
    let boxed = |term: Box<Term<_>>| Box::new(guarded(*term));
    match term {
        Term::Str(format, parts) => {
            let part = |part| match part {
                StrPart::Term(term) => StrPart::Term(sized(guarded(term))),
                other => other,
            };
            Term::Str(format, parts.into_iter().map(part).collect())
        }
        Term::Arr(None) => Term::Arr(None),
        Term::Arr(inner) => sized(Term::Arr(inner.map(boxed))),
        Term::Obj(pairs) => {
            let pair = |(key, value): (_, Option<_>)| (guarded(key), value.map(guarded));
            sized(Term::Obj(pairs.into_iter().map(pair).collect()))
        }
        Term::Neg(inner) => Term::Neg(boxed(inner)),
        Term::BinOp(left, operator, right) => operation(*left, operator, *right),
        Term::Label(name, inner) => Term::Label(name, boxed(inner)),
        Term::Fold(kind, values, as_what, arguments) => Term::Fold(
            kind,
            boxed(values),
            pattern(as_what),
            arguments.into_iter().map(guarded).collect(),
        ),
        Term::TryCatch(inner, catch) => Term::TryCatch(boxed(inner), catch.map(boxed)),
        Term::IfThenElse(cases, otherwise) => {
            let case = |(condition, then)| (guarded(condition), guarded(then));
            Term::IfThenElse(cases.into_iter().map(case).collect(), otherwise.map(boxed))
        }
        Term::Def(definitions, inner) => Term::Def(
            definitions.into_iter().map(guarded_definition).collect(),
            boxed(inner),
        ),
        Term::Call(name, arguments) => call(name, arguments.into_iter().map(guarded).collect()),
        Term::Path(inner, path) => guarded_path(guarded(*inner), path),
        Term::Recurse => each_a_step(Term::Recurse),
        other @ (Term::Id | Term::Num(_) | Term::Break(_) | Term::Var(_)) => other,
    }
}

/// A definition that takes a step each time it is called, if it calls itself.
pub(crate) fn guarded_definition(definition: Def<&str>) -> Def<&str> {
    // What only has the same name counts too.
    let mut is_recursive = false;
    names(&definition.body, &mut |name| {
        is_recursive |= name == definition.name
    });
    let body = guarded(definition.body);
    let body = match is_recursive {
        true => after_a_step(body),
        false => body,
    };
    Def { body, ..definition }
}

/// Shows the name of each filter and variable that a term asks for, wherever it does.
pub(crate) fn names<'s>(term: &Term<&'s str>, see: &mut dyn FnMut(&'s str)) {
    match term {
        Term::Call(name, arguments) => {
            see(name);
            arguments.iter().for_each(|term| names(term, see));
        }
        Term::Var(name) => see(name),
        Term::Str(format, parts) => {
            format.iter().for_each(|name| see(name));
            for part in parts {
                if let StrPart::Term(term) = part {
                    names(term, see);
                }
            }
        }
        Term::Arr(inner) => inner.iter().for_each(|term| names(term, see)),
        Term::Obj(pairs) => {
            for (key, value) in pairs {
                names(key, see);
                value.iter().for_each(|term| names(term, see));
            }
        }
        Term::Neg(inner) | Term::Label(_, inner) => names(inner, see),
        Term::BinOp(left, operator, right) => {
            names(left, see);
            if let BinaryOp::Pipe(Some(of)) = operator {
                names_of_pattern(of, see);
            }
            names(right, see);
        }
        Term::Fold(_, values, of, arguments) => {
            names(values, see);
            names_of_pattern(of, see);
            arguments.iter().for_each(|term| names(term, see));
        }
        Term::TryCatch(inner, catch) => {
            names(inner, see);
            catch.iter().for_each(|term| names(term, see));
        }
        Term::IfThenElse(cases, otherwise) => {
            for (condition, then) in cases {
                names(condition, see);
                names(then, see);
            }
            otherwise.iter().for_each(|term| names(term, see));
        }
        Term::Def(definitions, inner) => {
            definitions.iter().for_each(|one| names(&one.body, see));
            names(inner, see);
        }
        Term::Path(inner, path) => {
            names(inner, see);
            path.0.iter().for_each(|(part, _)| names_of_part(part, see));
        }
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) => {}
    }
}

fn names_of_part<'s>(part: &Part<Term<&'s str>>, see: &mut dyn FnMut(&'s str)) {
    match part {
        Part::Index(index) => names(index, see),
        Part::Range(from, to) => from.iter().chain(to).for_each(|term| names(term, see)),
    }
}

/// The filters that the limits are made of, and those that take the place of others of the same name.
pub(crate) fn filters<D: for<'a> DataT<V<'a> = Val>>() -> impl Iterator<Item = Fun<D>> {
    let filters: [jaq_core::native::Filter<RunPtr<D>>; 9] = [
        ("step__", v(0), |_| {
            bome(step().map(|()| Val::Null).map_err(error))
        }),
        ("fits__", v(0), |cv| {
            bome(fits(&cv.1).map(|()| cv.1).map_err(error))
        }),
        ("add__", v(2), |mut cv| {
            let right = cv.0.pop_var();
            let left = cv.0.pop_var();
            let size = size(&left).saturating_add(size(&right));
            let may = grows(size).and_then(|()| fits(&right));
            bome(may.map_err(error).and_then(|()| left + right))
        }),
        ("times__", v(2), |mut cv| {
            let right = cv.0.pop_var();
            let left = cv.0.pop_var();
            let size = repeated(&left, &right).max(repeated(&right, &left));
            let may = grows(size).and_then(|()| fits(&right));
            bome(may.map_err(error).and_then(|()| left * right))
        }),
        ("divide__", v(2), |mut cv| {
            let right = cv.0.pop_var();
            let left = cv.0.pop_var();
            let pieces = match (&left, &right) {
                (Val::TStr(text) | Val::BStr(text), Val::TStr(by) | Val::BStr(by)) => {
                    text.len() / by.len().max(1)
                }
                _ => 0,
            };
            let may = match pieces > LONG_TEXT {
                true => Err(too_much(TOO_LONG)),
                false => step(),
            };
            bome(may.map_err(error).and_then(|()| left / right))
        }),
        ("short__", v(0), |cv| {
            bome(short(&cv.1).map_err(error).map(|()| cv.1))
        }),
        // Without `g` there is one match at most.
        ("short__", v(1), |mut cv| {
            let has_g = matches!(&cv.0.pop_var(), Val::TStr(flags) | Val::BStr(flags) if flags.contains(&b'g'));
            let may = if has_g { short(&cv.1) } else { step() };
            bome(may.map_err(error).map(|()| cv.1))
        }),
        ("shallow__", v(0), |cv| {
            let is_deep =
                matches!(&cv.1, Val::TStr(text) | Val::BStr(text) if depth(text) > NESTED_JSON);
            let deep = || error(too_much("the filter reads JSON that is nested too deeply"));
            bome(if is_deep { Err(deep()) } else { Ok(cv.1) })
        }),
        ("range", v(3), |mut cv| {
            let by = cv.0.pop_var();
            let to = cv.0.pop_var();
            let from = cv.0.pop_var();
            range(from, to, by)
        }),
    ];
    filters.into_iter().map(run::<D>)
}

/// How long a text is that is repeated so many times; 0 where nothing is.
fn repeated(text: &Val, times: &Val) -> usize {
    match (text, times) {
        (Val::TStr(_) | Val::BStr(_), Val::Num(number)) => {
            let times = number.to_string().parse::<f64>().unwrap_or(0.0).max(0.0);
            (size(text) as f64 * times) as usize
        }
        _ => 0,
    }
}

/// Definitions that go through a limit before the filter of jaq.
pub(crate) const LIMITED: &str = "def fromjson: shallow__ | fromjson__; def tojson: fits__ | tojson__; \
    def explode: short__ | explode__; def indices($i): short__ | indices__($i); \
    def matches($re; $flags): short__($flags) | matches__($re; $flags); \
    def split_($re; $flags): short__($flags) | split_matches_of__($re; $flags); \
    def split_matches($re; $flags): short__($flags) | split_matches__($re; $flags); ";

/// The most brackets within one another in some code, outside of texts.
pub(crate) fn depth(code: &[u8]) -> usize {
    let (mut depth, mut most, mut in_text, mut is_escaped) = (0_usize, 0, false, false);
    for byte in code {
        match byte {
            b'"' if !is_escaped => in_text = !in_text,
            b'(' | b'[' | b'{' if !in_text => {
                depth += 1;
                most = most.max(depth);
            }
            b')' | b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_escaped = *byte == b'\\' && !is_escaped;
    }
    most
}

fn operation<'s>(
    left: Term<&'s str>,
    operator: BinaryOp<&'s str>,
    right: Term<&'s str>,
) -> Term<&'s str> {
    let (left, right) = (guarded(left), guarded(right));
    let limited = |operator: &Math| match operator {
        Math::Add => Some("add__"),
        Math::Mul => Some("times__"),
        Math::Div => Some("divide__"),
        _ => None,
    };
    match operator {
        BinaryOp::Math(operator) if limited(&operator).is_some() => {
            call(limited(&operator).unwrap_or_default(), vec![left, right])
        }
        // `l += r` is `r as $x | l |= . + $x`.
        BinaryOp::UpdateMath(operator) if limited(&operator).is_some() => {
            let name = limited(&operator).unwrap_or_default();
            let update = call(name, vec![Term::Id, Term::Var("$update__")]);
            let update = Term::BinOp(Box::new(left), BinaryOp::Update, Box::new(update));
            let bind = BinaryOp::Pipe(Some(Pattern::Var("$update__")));
            sized(Term::BinOp(Box::new(right), bind, Box::new(update)))
        }
        operator @ (BinaryOp::Update
        | BinaryOp::Assign
        | BinaryOp::UpdateAlt
        | BinaryOp::UpdateMath(_)) => sized(Term::BinOp(Box::new(left), operator, Box::new(right))),
        BinaryOp::Pipe(Some(as_what)) => {
            let bind = BinaryOp::Pipe(Some(pattern(as_what)));
            Term::BinOp(Box::new(left), bind, Box::new(right))
        }
        other => Term::BinOp(Box::new(left), other, Box::new(right)),
    }
}

fn pattern(of: Pattern<&str>) -> Pattern<&str> {
    match of {
        Pattern::Var(name) => Pattern::Var(name),
        Pattern::Arr(parts) => Pattern::Arr(parts.into_iter().map(pattern).collect()),
        Pattern::Obj(parts) => {
            let part = |(key, value)| (guarded(key), pattern(value));
            Pattern::Obj(parts.into_iter().map(part).collect())
        }
    }
}

/// A path from a term; each item that it goes through takes a step.
fn guarded_path<'s>(from: Term<&'s str>, path: Path<Term<&'s str>>) -> Term<&'s str> {
    let mut term = from;
    let mut parts = Vec::new();
    for (part, optional) in path.0 {
        let is_each = matches!(part, Part::Range(None, None));
        let part = match part {
            Part::Index(index) => Part::Index(guarded(index)),
            Part::Range(from, to) => Part::Range(from.map(guarded), to.map(guarded)),
        };
        parts.push((part, optional));
        if is_each {
            term = each_a_step(Term::Path(Box::new(term), Path(std::mem::take(&mut parts))));
        }
    }
    match parts.is_empty() {
        true => term,
        false => Term::Path(Box::new(term), Path(parts)),
    }
}

/// A term whose values have their sizes looked at.
fn sized(term: Term<&str>) -> Term<&str> {
    pipe(term, call("fits__", Vec::new()))
}

/// A term each of whose values takes a step.
fn each_a_step(term: Term<&str>) -> Term<&str> {
    pipe(term, after_a_step(Term::Id))
}

/// A term that begins with a step, which is bound to a variable, so that the term may still stand for a path.
fn after_a_step(term: Term<&str>) -> Term<&str> {
    Term::BinOp(
        Box::new(call("step__", Vec::new())),
        BinaryOp::Pipe(Some(Pattern::Var("$step__"))),
        Box::new(term),
    )
}

fn call<'s>(name: &'s str, arguments: Vec<Term<&'s str>>) -> Term<&'s str> {
    Term::Call(name, arguments)
}

fn pipe<'s>(left: Term<&'s str>, right: Term<&'s str>) -> Term<&'s str> {
    Term::BinOp(Box::new(left), BinaryOp::Pipe(None), Box::new(right))
}

fn names_of_pattern<'s>(of: &Pattern<&'s str>, see: &mut dyn FnMut(&'s str)) {
    match of {
        Pattern::Var(_) => {}
        Pattern::Arr(parts) => parts.iter().for_each(|part| names_of_pattern(part, see)),
        Pattern::Obj(parts) => {
            for (key, part) in parts {
                names(key, see);
                names_of_pattern(part, see);
            }
        }
    }
}

/// A place on the stack.
#[inline(never)]
fn here() -> usize {
    let place = 0_u8;
    std::ptr::from_ref(&place) as usize
}

fn too_much(fault: &'static str) -> String {
    let left = LEFT.get();
    LEFT.set(Left {
        fault: left.fault.or(Some(fault)),
        ..left
    });
    fault.to_owned()
}

fn step() -> Result<(), String> {
    steps(1)
}

fn steps(count: usize) -> Result<(), String> {
    let mut left = LEFT.get();
    if let Some(fault) = left.fault {
        return Err(fault.to_owned());
    }
    let Some(rest) = left
        .steps
        .checked_sub(u32::try_from(count).unwrap_or(u32::MAX))
    else {
        return Err(too_much("the filter takes more than 1,000,000 steps"));
    };
    let now = Instant::now();
    left.spent += left
        .last
        .map_or(Duration::ZERO, |last| now.duration_since(last).min(PAUSE));
    left.last = Some(now);
    left.steps = rest;
    LEFT.set(left);
    if left.spent > LONGEST {
        return Err(too_much("the filter takes longer than 10 seconds"));
    }
    match left.base.abs_diff(here()) > DEEP {
        true => Err(too_much("the filter calls itself too deeply")),
        false => Ok(()),
    }
}

/// A step that makes something of a size.
fn grows(size: usize) -> Result<(), String> {
    step()?;
    match size > LARGE {
        true => Err(too_much(TOO_LARGE)),
        false => Ok(()),
    }
}

/// Whether a value may be taken apart.
fn short(value: &Val) -> Result<(), String> {
    match value {
        Val::TStr(text) | Val::BStr(text) if text.len() > LONG_TEXT => Err(too_much(TOO_LONG)),
        _ => step(),
    }
}

fn size(value: &Val) -> usize {
    match value {
        Val::TStr(text) | Val::BStr(text) => text.len(),
        Val::Arr(items) => items.len(),
        Val::Obj(members) => members.len(),
        Val::Null | Val::Bool(_) | Val::Num(_) => 0,
    }
}

/// Counts the parts of a value down; false if there are more than are left.
fn count(value: &Val, left: &mut usize) -> bool {
    let Some(rest) = left.checked_sub(1) else {
        return false;
    };
    *left = rest;
    match value {
        Val::Arr(items) => items.iter().all(|item| count(item, left)),
        Val::Obj(members) => members
            .iter()
            .all(|(key, value)| count(key, left) && count(value, left)),
        Val::Null | Val::Bool(_) | Val::Num(_) | Val::TStr(_) | Val::BStr(_) => true,
    }
}

/// The values of a range, each of them a step.
fn range<'a>(from: Val, to: Val, by: Val) -> ValXs<'a, Val> {
    let zero = Val::from(0_isize);
    let mut next = Some(Ok(from));
    Box::new(std::iter::from_fn(move || {
        let value = match next.take()? {
            Ok(value) => value,
            Err(fault) => return Some(Err(jaq_core::Exn::from(fault))),
        };
        let is_within = if by > zero {
            value < to
        } else if by < zero {
            value > to
        } else {
            value != to
        };
        if !is_within {
            return None;
        }
        if let Err(fault) = step() {
            return Some(Err(jaq_core::Exn::from(error(fault))));
        }
        next = Some(value.clone() + by.clone());
        Some(Ok(value))
    }))
}

fn error(message: String) -> jaq_core::Error<Val> {
    jaq_core::Error::new(Val::from(message))
}

#[cfg(test)]
mod tests;
