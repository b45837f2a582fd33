//! Functions of numbers.

use rusqlite::types::{Value, ValueRef};

use crate::arguments::{Arguments, Evaluated, Scalar, scalar, shown};

pub(crate) const SCALARS: &[Scalar] = &[
    scalar("ceil", &[1], |a| whole(a, f64::ceil)),
    scalar("exp", &[1], |a| real(a.number(0)?.exp())),
    scalar("floor", &[1], |a| whole(a, f64::floor)),
    scalar("ln", &[1], |a| logarithm(a.number(0)?, f64::ln)),
    scalar("log", &[1, 2], |a| match a.count() {
        1 => logarithm(a.number(0)?, f64::ln),
        _ => logarithm_to_base(a.number(0)?, a.number(1)?),
    }),
    scalar("log10", &[1], |a| logarithm(a.number(0)?, f64::log10)),
    scalar("log2", &[1], |a| logarithm(a.number(0)?, f64::log2)),
    scalar("mod", &[2], |a| {
        remainder(a, i64::wrapping_rem, |x, y| x % y)
    }),
    scalar("pmod", &[2], |a| {
        // Spark's formula: the result takes the divisor's sign only when that is negative too.
        remainder(
            a,
            |x, y| match x.wrapping_rem(y) {
                rest if rest < 0 => rest.wrapping_add(y).wrapping_rem(y),
                rest => rest,
            },
            |x, y| match x % y {
                rest if rest < 0.0 => (rest + y) % y,
                rest => rest,
            },
        )
    }),
    scalar("pow", &[2], |a| real(a.number(0)?.powf(a.number(1)?))),
    scalar("power", &[2], |a| real(a.number(0)?.powf(a.number(1)?))),
    scalar("round", &[1, 2], round),
    scalar("sign", &[1], |a| real(sign(a.number(0)?))),
    scalar("sqrt", &[1], |a| real(a.number(0)?.sqrt())),
    scalar("try_divide", &[2], |a| match a.number(1)? {
        0.0 => Ok(Value::Null),
        divisor => real(a.number(0)? / divisor),
    }),
    scalar("width_bucket", &[4], width_bucket),
];

/// SQLite turns NaN into NULL by itself; saying it here keeps both ways of reading a result equal.
fn real(number: f64) -> Evaluated {
    Ok(if number.is_nan() {
        Value::Null
    } else {
        Value::Real(number)
    })
}

fn whole(arguments: &Arguments<'_, '_>, step: fn(f64) -> f64) -> Evaluated {
    match arguments.raw(0) {
        ValueRef::Integer(integer) => Ok(Value::Integer(integer)),
        // The conversion stops at the ends of the range, as Java's does.
        _ => Ok(Value::Integer(step(arguments.number(0)?) as i64)),
    }
}

/// Spark gives NULL, not an error, where there is no logarithm.
fn logarithm(number: f64, of: fn(f64) -> f64) -> Evaluated {
    if number > 0.0 {
        real(of(number))
    } else {
        Ok(Value::Null)
    }
}

fn logarithm_to_base(base: f64, number: f64) -> Evaluated {
    if base > 0.0 && number > 0.0 {
        real(number.ln() / base.ln())
    } else {
        Ok(Value::Null)
    }
}

fn sign(number: f64) -> f64 {
    if number == 0.0 { 0.0 } else { number.signum() }
}

fn remainder(
    arguments: &Arguments<'_, '_>,
    of_integers: fn(i64, i64) -> i64,
    of_reals: fn(f64, f64) -> f64,
) -> Evaluated {
    match (arguments.raw(0), arguments.raw(1)) {
        (dividend, ValueRef::Integer(0) | ValueRef::Real(0.0)) => Err(format!(
            "{} has no remainder by `0`, write `nullif(…, 0)` for the divisor",
            shown(dividend)
        )),
        (ValueRef::Integer(dividend), ValueRef::Integer(divisor)) => {
            Ok(Value::Integer(of_integers(dividend, divisor)))
        }
        _ => real(of_reals(arguments.number(0)?, arguments.number(1)?)),
    }
}

fn round(arguments: &Arguments<'_, '_>) -> Evaluated {
    let digits = if arguments.count() == 2 {
        arguments.integer(1)?
    } else {
        0
    };
    let digits = digits.clamp(-400, 400) as i32;
    match arguments.raw(0) {
        ValueRef::Integer(integer) => round_integer(integer, digits)
            .map(Value::Integer)
            .ok_or_else(|| format!("`{integer}` rounded to `{digits}` digits is too large")),
        _ => real(round_half_up(arguments.number(0)?, digits)),
    }
}

fn round_integer(integer: i64, digits: i32) -> Option<i64> {
    if digits >= 0 {
        return Some(integer);
    }
    let Some(unit) = 10_i128
        .checked_pow(digits.unsigned_abs())
        .filter(|unit| *unit <= 1 << 100)
    else {
        return Some(0);
    };
    let magnitude = i128::from(integer).abs();
    let rounded = (magnitude + unit / 2) / unit * unit;
    i64::try_from(rounded * i128::from(integer.signum())).ok()
}

/// Rounds half away from zero at the decimal digits that the number is written with, so that
/// 2.675 becomes 2.68 although the nearest double lies below it (Spark rounds the same text).
fn round_half_up(number: f64, digits: i32) -> f64 {
    let scientific = format!("{:e}", number.abs());
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return number;
    };
    let Ok(exponent) = exponent.parse::<i32>() else {
        return number;
    };
    let all: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let kept = exponent + 1 + digits;
    let Ok(kept) = usize::try_from(kept) else {
        return 0.0;
    };
    if kept >= all.len() {
        return number;
    }
    let (head, tail) = all.split_at(kept);
    let up = u64::from(tail.as_bytes().first().is_some_and(|digit| *digit >= b'5'));
    let rounded = head.parse::<u64>().unwrap_or(0) + up;
    if rounded == 0 {
        return 0.0;
    }
    match format!("{rounded}e{}", -digits).parse::<f64>() {
        Ok(magnitude) => magnitude.copysign(number),
        Err(_) => number,
    }
}

/// NULL where the buckets make no sense, as in Spark.
fn width_bucket(arguments: &Arguments<'_, '_>) -> Evaluated {
    let (value, low, high) = (
        arguments.number(0)?,
        arguments.number(1)?,
        arguments.number(2)?,
    );
    let buckets = arguments.integer(3)?;
    let sensible =
        buckets > 0 && buckets < i64::MAX && low != high && low.is_finite() && high.is_finite();
    if !sensible {
        return Ok(Value::Null);
    }
    let (below, above) = if low < high {
        (value < low, value >= high)
    } else {
        (value > low, value <= high)
    };
    Ok(Value::Integer(if below {
        0
    } else if above {
        buckets + 1
    } else {
        (buckets as f64 * (value - low) / (high - low)) as i64 + 1
    }))
}
