//! Functions that choose among their arguments.

use std::cmp::Ordering;

use rusqlite::types::Value;

use crate::arguments::{ANY, Arguments, Evaluated, Nulls, Scalar, shown};

pub(crate) const SCALARS: &[Scalar] = &[
    seen("greatest", &[ANY], |a| extreme(a, Ordering::Greater)),
    seen("if", &[3], |a| {
        let holds = !a.is_null(0) && a.boolean(0)?;
        a.value(if holds { 1 } else { 2 })
    }),
    seen("least", &[ANY], |a| extreme(a, Ordering::Less)),
    seen("nvl", &[2], |a| a.value(usize::from(a.is_null(0)))),
    seen("nvl2", &[3], |a| a.value(if a.is_null(0) { 2 } else { 1 })),
];

const fn seen(
    name: &'static str,
    counts: &'static [std::ffi::c_int],
    call: fn(&Arguments<'_, '_>) -> Evaluated,
) -> Scalar {
    Scalar {
        name,
        counts,
        nulls: Nulls::AreSeen,
        call,
    }
}

/// The order of two values of one kind: numbers by size, text by its bytes. `None`: not of one
/// kind.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(right)),
        (Value::Real(left), Value::Real(right)) => Some(left.total_cmp(right)),
        (Value::Integer(left), Value::Real(right)) => Some((*left as f64).total_cmp(right)),
        (Value::Real(left), Value::Integer(right)) => Some(left.total_cmp(&(*right as f64))),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Blob(left), Value::Blob(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn extreme(arguments: &Arguments<'_, '_>, wanted: Ordering) -> Evaluated {
    if arguments.count() < 2 {
        return Err(format!(
            "takes two arguments or more, not `{}`",
            arguments.count()
        ));
    }
    let mut best = Value::Null;
    let mut any_real = false;
    for index in 0..arguments.count() {
        let value = arguments.value(index)?;
        any_real |= matches!(value, Value::Real(_));
        let better = match (&value, &best) {
            (Value::Null, _) => false,
            (_, Value::Null) => true,
            _ => compare(&value, &best)
                .map(|order| order == wanted)
                .ok_or_else(|| {
                    format!(
                        "{} and {} are of different types",
                        shown((&best).into()),
                        shown((&value).into())
                    )
                })?,
        };
        if better {
            best = value;
        }
    }
    // One DOUBLE among whole numbers makes the result a DOUBLE.
    Ok(match best {
        Value::Integer(integer) if any_real => Value::Real(integer as f64),
        best => best,
    })
}
