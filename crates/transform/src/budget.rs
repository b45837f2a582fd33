//! How much a jq expression may do: steps, depth and sizes have limits, so that none hangs, fills the memory or overflows
//! the stack, which would end the program.
//!
//! jaq has no such limits, so the expression is written anew before it is compiled: a definition that calls itself takes a
//! step each time, sums and products look at the size of what they make, and text is made only of values that are not too
//! large. Filters of jaq are plain functions that cannot take anything along: what is left of the budget is kept by thread.

use std::cell::Cell;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::native::{Fun, bome, run, v};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};
use jaq_core::{DataT, RunPtr, ValXs};
use jaq_json::Val;

/// The stack that threads need which compile or run expressions, in bytes. Only what is used of it takes memory.
pub const STACK: usize = 256 << 20;

/// Calls, items of ranges, sums and products that an expression may make for one record.
const STEPS: u32 = 1_000_000;

/// How much of the stack may be used, in bytes.
const DEEP: usize = 96 << 20;

/// The most bytes of a text and the most items of a list that a sum or a product may make.
const LARGE: usize = 16 << 20;

/// The most parts of a value that is made into text.
const PARTS: usize = 2_000_000;

/// What the filters are called that [`LIMITED`] stands before.
pub(crate) fn inner_name(name: &'static str) -> &'static str {
    match name {
        "fromjson" => "fromjson__",
        "tojson" => "tojson__",
        other => other,
    }
}

/// The most brackets within one another, in an expression and in a text that is read as JSON.
pub(crate) const NESTED: usize = 200;
const NESTED_JSON: usize = 10_000;

/// The most bytes of an expression.
pub(crate) const LONG: usize = 32 << 10;

thread_local! {
    static LEFT: Cell<Left> = const { Cell::new(Left { steps: STEPS, base: 0, fault: None }) };
}

#[derive(Clone, Copy)]
struct Left {
    steps: u32,
    /// Where the stack was when the expression began.
    base: usize,
    /// What was too much. It holds whatever the expression does with the error.
    fault: Option<&'static str>,
}

/// Begins a run with a whole budget.
pub(crate) fn begin() {
    LEFT.set(Left {
        steps: STEPS,
        base: here(),
        fault: None,
    });
}

/// What was too much since the beginning.
pub(crate) fn exceeded() -> Option<&'static str> {
    LEFT.get().fault
}

/// Whether a value can be made into text.
pub(crate) fn fits(value: &Val) -> Result<(), String> {
    let mut left = PARTS;
    match count(value, &mut left) {
        true => Ok(()),
        false => Err(too_much(
            "the filter makes text of a value that is too large",
        )),
    }
}

/// The expression with its limits in it.
pub(crate) fn guarded(term: Term<&str>) -> Term<&str> {
    let boxed = |term: Box<Term<_>>| Box::new(guarded(*term));
    match term {
        Term::Str(format, parts) => {
            let part = |part| match part {
                StrPart::Term(term) => {
                    StrPart::Term(pipe(guarded(term), call("fits__", Vec::new())))
                }
                other => other,
            };
            Term::Str(format, parts.into_iter().map(part).collect())
        }
        Term::Arr(inner) => Term::Arr(inner.map(boxed)),
        Term::Obj(pairs) => {
            let pair = |(key, value): (_, Option<_>)| (guarded(key), value.map(guarded));
            Term::Obj(pairs.into_iter().map(pair).collect())
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
        Term::Path(inner, path) => Term::Path(boxed(inner), guarded_path(path)),
        other @ (Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_)) => other,
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
        // Bound to a variable, since a definition may also stand for a path.
        true => Term::BinOp(
            Box::new(call("step__", Vec::new())),
            BinaryOp::Pipe(Some(Pattern::Var("$step__"))),
            Box::new(body),
        ),
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
        Term::Str(_, parts) => {
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
            for (part, _) in &path.0 {
                match part {
                    Part::Index(index) => names(index, see),
                    Part::Range(from, to) => {
                        from.iter().chain(to).for_each(|term| names(term, see));
                    }
                }
            }
        }
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) => {}
    }
}

/// The filters that the limits are made of, and those that take the place of others of the same name.
pub(crate) fn filters<D: for<'a> DataT<V<'a> = Val>>() -> impl Iterator<Item = Fun<D>> {
    let filters: [jaq_core::native::Filter<RunPtr<D>>; 6] = [
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
            bome(grows(size).map_err(error).and_then(|()| left + right))
        }),
        ("times__", v(2), |mut cv| {
            let right = cv.0.pop_var();
            let left = cv.0.pop_var();
            let times = |text: &Val, times: &Val| match (text, times) {
                (Val::TStr(_) | Val::BStr(_), Val::Num(number)) => {
                    let times = number.to_string().parse::<f64>().unwrap_or(0.0).max(0.0);
                    (size(text) as f64 * times) as usize
                }
                _ => 0,
            };
            let size = times(&left, &right).max(times(&right, &left));
            bome(grows(size).map_err(error).and_then(|()| left * right))
        }),
        ("shallow__", v(0), |cv| {
            let is_deep =
                matches!(&cv.1, Val::TStr(text) | Val::BStr(text) if depth(text) > NESTED_JSON);
            bome(match is_deep {
                true => Err(error(too_much(
                    "the filter reads JSON that is nested too deeply",
                ))),
                false => Ok(cv.1),
            })
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

/// Definitions that go through a limit before the filter of jaq.
pub(crate) const LIMITED: &str =
    "def fromjson: shallow__ | fromjson__; def tojson: fits__ | tojson__; ";

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
            Term::BinOp(Box::new(right), bind, Box::new(update))
        }
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

fn guarded_path(path: Path<Term<&str>>) -> Path<Term<&str>> {
    let part = |part| match part {
        Part::Index(index) => Part::Index(guarded(index)),
        Part::Range(from, to) => Part::Range(from.map(guarded), to.map(guarded)),
    };
    Path(
        path.0
            .into_iter()
            .map(|(one, optional)| (part(one), optional))
            .collect(),
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
    let mut left = LEFT.get();
    if let Some(fault) = left.fault {
        return Err(fault.to_owned());
    }
    if left.steps == 0 {
        return Err(too_much("the filter takes more than 1,000,000 steps"));
    }
    left.steps -= 1;
    LEFT.set(left);
    match left.base.abs_diff(here()) > DEEP {
        true => Err(too_much("the filter calls itself too deeply")),
        false => Ok(()),
    }
}

/// A step that makes something of a size.
fn grows(size: usize) -> Result<(), String> {
    step()?;
    match size > LARGE {
        true => Err(too_much("the filter makes a value that is too large")),
        false => Ok(()),
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
mod tests {
    use super::*;
    use crate::jq;

    /// What an expression gives for an input, on a stack as large as it needs.
    fn run(expression: &str, input: &str) -> Result<String, String> {
        let (expression, input) = (expression.to_owned(), input.to_owned());
        let thread = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || {
                let filter =
                    jq::compile(&expression).map_err(|faults| faults[0].message.clone())?;
                let input = Val::from(input);
                let values = filter.run(input.clone(), input, &Val::Null)?;
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                Ok(values.join(" "))
            });
        thread.unwrap().join().unwrap()
    }

    #[test]
    fn nothing_hangs_aborts_or_fills_the_memory() {
        let brackets = format!("{}1{}", "(".repeat(1_000), ")".repeat(1_000));
        for (expression, reason) in [
            ("def f: f; f", "more than 1,000,000 steps"),
            ("def f: 1 + f; f", ""),
            ("def f: [f]; f", ""),
            ("def f: try f catch f; f", ""),
            ("def f(g): def h: f(g) | h; h; f(.)", ""),
            ("[range(1e12)]", "more than 1,000,000 steps"),
            ("[range(0; 1; 0)]", "more than 1,000,000 steps"),
            ("[repeat(1)]", "more than 1,000,000 steps"),
            ("[recurse(.)]", "more than 1,000,000 steps"),
            ("until(false; .)", "more than 1,000,000 steps"),
            ("last(while(true; .))", ""),
            ("[limit(1e12; repeat(.))]", ""),
            ("\"x\" * 1e12", "too large"),
            (". * 1e12", "too large"),
            ("reduce range(60) as $i (\"x\"; . + .)", "too large"),
            ("reduce range(60) as $i (\"x\"; . += .)", "too large"),
            ("reduce range(60) as $i ([1]; . + .)", "too large"),
            ("reduce range(60) as $i (1; [., .])", "too large"),
            ("reduce range(60) as $i (1; [., .]) | tojson", "too large"),
            (
                "reduce range(60) as $i (1; [., .]) | \"\\(.)\"",
                "too large",
            ),
            (
                "[range(20)] | [., ., ., ., ., ., ., ., ., .] | [combinations]",
                "",
            ),
            (". * 20000 | fromjson", "nested too deeply"),
            ("try ([range(1e12)]) catch 1", "more than 1,000,000 steps"),
            ("(until(false; .)) // 1", "more than 1,000,000 steps"),
            (&brackets, "more than 200 brackets"),
        ] {
            let fault = run(expression, "[").expect_err(expression);
            assert!(fault.contains(reason), "{expression}: {fault}");
        }
        let deep = run("reduce range(300000) as $i (null; [.]) | length", "");
        assert_eq!(
            deep.as_deref(),
            Ok("1"),
            "deep values are dropped without harm"
        );
        let long = "1|".repeat(15_000) + "1";
        assert_eq!(run(&long, "").as_deref(), Ok("1"));
        assert!(
            run(&"1|".repeat(30_000), "")
                .unwrap_err()
                .contains("longer than")
        );
    }

    #[test]
    fn what_is_allowed_means_what_it_meant() {
        for (expression, expected) in [
            // As jaq has it: for each left one all right ones.
            ("[(1, 2) + (10, 20)] | tojson", "\"[11,21,12,22]\""),
            ("[(1, 2) * (10, 20)] | tojson", "\"[10,20,20,40]\""),
            ("[range(3)] | tojson", "\"[0,1,2]\""),
            ("[range(5; 0; -2)] | tojson", "\"[5,3,1]\""),
            (
                "[range(0, 1; 3, 4)] | tojson",
                "\"[0,1,2,0,1,2,3,1,2,1,2,3]\"",
            ),
            ("{a: 1} | .a += 2 | .a *= 5 | .a", "15"),
            ("[1, 2] | .[] += 1 | tojson", "\"[2,3]\""),
            ("[limit(3; repeat(1))] | tojson", "\"[1,1,1]\""),
            ("0 | until(. > 99999; . + 1)", "100000"),
            (
                "def f: if . > 5000 then . else (. + 1 | f) end; 0 | f",
                "5001",
            ),
            ("def f: .a; {a: 1} | f |= 2 | .a", "2"),
            ("[[1, [2]]] | flatten | tojson", "\"[1,2]\""),
            (
                "[1, [2, [3]]] | (.. | numbers) |= . + 1 | tojson",
                "\"[2,[3,[4]]]\"",
            ),
            ("\"ab\" * 3", "\"ababab\""),
            ("\"[1, 2]\" | fromjson | add", "3"),
            ("[1, 2] | \"\\(.) and \\(length)\"", "\"[1,2] and 2\""),
            (
                "{a: {b: 1}} * {a: {c: 2}} | tojson",
                "\"{\\\"a\\\":{\\\"b\\\":1,\\\"c\\\":2}}\"",
            ),
        ] {
            assert_eq!(run(expression, "").as_deref(), Ok(expected), "{expression}");
        }
    }
}
