//! Aggregates. Those of numbers and of booleans work as window functions too.
//!
//! They keep their input, eight to sixteen bytes a number, and compute at the end: exact for
//! percentiles, and free of the rounding that running sums gather when a window's frame moves.

use std::cmp::Ordering;
use std::collections::VecDeque;

use rusqlite::functions::{Aggregate, Context, WindowAggregate};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result};

use crate::arguments::{Arguments, FLAGS, Refusal, boolean_of, error, number_of, shown};
use crate::conditions::compare;

/// Registers the aggregates on a connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    for (name, finish) in OF_NUMBERS {
        let summary = Summary {
            name,
            read: one_number,
            finish: *finish,
        };
        connection.create_window_function(*name, 1, FLAGS, summary)?;
    }
    for (name, finish) in OF_PAIRS {
        let summary = Summary {
            name,
            read: two_numbers,
            finish: *finish,
        };
        connection.create_window_function(*name, 2, FLAGS, summary)?;
    }
    for (name, finish) in OF_BOOLEANS {
        let summary = Summary {
            name,
            read: one_boolean,
            finish: *finish,
        };
        connection.create_window_function(*name, 1, FLAGS, summary)?;
    }
    let mode = Summary {
        name: "mode",
        read: mode_value,
        finish: most_frequent,
    };
    connection.create_window_function("mode", 2, FLAGS, mode)?;
    let percentile = Summary {
        name: "percentile",
        read: number_and_fraction,
        finish: percentile,
    };
    connection.create_window_function("percentile", 2, FLAGS, percentile)?;
    for (name, wanted) in [("max_by", Ordering::Greater), ("min_by", Ordering::Less)] {
        connection.create_aggregate_function(name, 2, FLAGS, ValueOfExtreme { name, wanted })?;
    }
    Ok(())
}

/// An aggregate's name, and what it makes of what it gathered.
type Named<T> = (&'static str, fn(&[T]) -> Value);

const OF_NUMBERS: &[Named<f64>] = &[
    ("kurtosis", |xs| real(kurtosis(xs))),
    ("median", |xs| real(interpolated(xs, 0.5))),
    ("skewness", |xs| real(skewness(xs))),
    ("stddev", |xs| real(variance(xs, 1).map(f64::sqrt))),
    ("stddev_pop", |xs| real(variance(xs, 0).map(f64::sqrt))),
    ("stddev_samp", |xs| real(variance(xs, 1).map(f64::sqrt))),
    ("var_pop", |xs| real(variance(xs, 0))),
    ("var_samp", |xs| real(variance(xs, 1))),
    ("variance", |xs| real(variance(xs, 1))),
];

const OF_PAIRS: &[Named<(f64, f64)>] = &[
    ("corr", |pairs| real(correlation(pairs))),
    ("covar_pop", |pairs| real(covariance(pairs, 0))),
    ("covar_samp", |pairs| real(covariance(pairs, 1))),
    ("regr_intercept", |pairs| {
        real(line(pairs).map(|(_, intercept)| intercept))
    }),
    ("regr_slope", |pairs| {
        real(line(pairs).map(|(slope, _)| slope))
    }),
];

const OF_BOOLEANS: &[Named<bool>] = &[
    ("any", any),
    ("bool_and", all),
    ("bool_or", any),
    ("count_if", |xs| {
        Value::Integer(xs.iter().filter(|x| **x).count() as i64)
    }),
    ("every", all),
    ("some", any),
];

/// An aggregate that gathers what `read` takes from each row (`None`: the row does not count) and
/// gives what `finish` makes of it.
struct Summary<T> {
    name: &'static str,
    read: fn(&Arguments<'_, '_>) -> std::result::Result<Option<T>, Refusal>,
    finish: fn(&[T]) -> Value,
}

/// What a [`Summary`] gathered, and what it made of it if nothing came or went since: SQLite asks
/// for the value of an unchanged frame once a row.
struct Gathered<T> {
    values: VecDeque<T>,
    finished: Option<Value>,
}

impl<T> Summary<T> {
    fn take(&self, context: &Context<'_>) -> Result<Option<T>> {
        (self.read)(&Arguments(context)).map_err(|refusal| error(self.name, &refusal))
    }
}

impl<T> Aggregate<Gathered<T>, Value> for Summary<T>
where
    T: std::panic::RefUnwindSafe + std::panic::UnwindSafe,
{
    fn init(&self, _: &mut Context<'_>) -> Result<Gathered<T>> {
        Ok(Gathered {
            values: VecDeque::new(),
            finished: None,
        })
    }

    fn step(&self, context: &mut Context<'_>, gathered: &mut Gathered<T>) -> Result<()> {
        if let Some(value) = self.take(context)? {
            gathered.values.push_back(value);
            gathered.finished = None;
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, gathered: Option<Gathered<T>>) -> Result<Value> {
        Ok(match gathered {
            Some(mut gathered) => (self.finish)(gathered.values.make_contiguous()),
            None => (self.finish)(&[]),
        })
    }
}

impl<T> WindowAggregate<Gathered<T>, Value> for Summary<T>
where
    T: std::panic::RefUnwindSafe + std::panic::UnwindSafe,
{
    fn value(&self, gathered: Option<&mut Gathered<T>>) -> Result<Value> {
        let Some(gathered) = gathered else {
            return Ok((self.finish)(&[]));
        };
        if let Some(finished) = &gathered.finished {
            return Ok(finished.clone());
        }
        let finished = (self.finish)(gathered.values.make_contiguous());
        gathered.finished = Some(finished.clone());
        Ok(finished)
    }

    /// Rows leave a frame in the order in which they came.
    fn inverse(&self, context: &mut Context<'_>, gathered: &mut Gathered<T>) -> Result<()> {
        if self.take(context)?.is_some() {
            gathered.values.pop_front();
            gathered.finished = None;
        }
        Ok(())
    }
}

type Read<T> = std::result::Result<Option<T>, Refusal>;

fn one_number(arguments: &Arguments<'_, '_>) -> Read<f64> {
    match arguments.raw(0) {
        ValueRef::Null => Ok(None),
        raw => number_of(raw).map(Some),
    }
}

fn two_numbers(arguments: &Arguments<'_, '_>) -> Read<(f64, f64)> {
    match (arguments.raw(0), arguments.raw(1)) {
        (ValueRef::Null, _) | (_, ValueRef::Null) => Ok(None),
        (first, second) => Ok(Some((number_of(first)?, number_of(second)?))),
    }
}

fn one_boolean(arguments: &Arguments<'_, '_>) -> Read<bool> {
    match arguments.raw(0) {
        ValueRef::Null => Ok(None),
        raw => boolean_of(raw).map(Some),
    }
}

fn number_and_fraction(arguments: &Arguments<'_, '_>) -> Read<(f64, f64)> {
    let fraction = number_of(arguments.raw(1))?;
    if !(0.0..=1.0).contains(&fraction) {
        return Err(format!("`{fraction}` is not a share from 0 to 1"));
    }
    Ok(one_number(arguments)?.map(|number| (number, fraction)))
}

fn mode_value(arguments: &Arguments<'_, '_>) -> Read<Value> {
    if arguments.is_null(1) || !arguments.boolean(1)? {
        return Err("takes `true` as second argument, else ties have no certain result".to_owned());
    }
    Ok(Some(arguments.value(0)?).filter(|value| *value != Value::Null))
}

fn real(number: Option<f64>) -> Value {
    number
        .filter(|number| !number.is_nan())
        .map_or(Value::Null, Value::Real)
}

fn any(values: &[bool]) -> Value {
    if values.is_empty() {
        Value::Null
    } else {
        Value::Integer(i64::from(values.contains(&true)))
    }
}

fn all(values: &[bool]) -> Value {
    if values.is_empty() {
        Value::Null
    } else {
        Value::Integer(i64::from(!values.contains(&false)))
    }
}

fn percentile(pairs: &[(f64, f64)]) -> Value {
    let Some((_, fraction)) = pairs.first() else {
        return Value::Null;
    };
    let values: Vec<f64> = pairs.iter().map(|(value, _)| *value).collect();
    real(interpolated(&values, *fraction))
}

/// The value at position `fraction * (n - 1)` of the sorted values, on a straight line between
/// its two neighbours (Spark's exact `percentile`; type 7 of Hyndman and Fan, 1996).
fn interpolated(values: &[f64], fraction: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = fraction * last as f64;
    let lower = position.floor() as usize;
    let mut values = values.to_vec();
    let (_, low, above) = values.select_nth_unstable_by(lower.min(last), f64::total_cmp);
    let low = *low;
    let share = position - lower as f64;
    let next = above
        .iter()
        .copied()
        .min_by(f64::total_cmp)
        .filter(|next| share > 0.0 && *next != low);
    // In this order of operations, so that the last digit is Spark's too.
    Some(next.map_or(low, |next| low + share * (next - low)))
}

fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        None
    } else {
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }
}

/// The sum of the deviations from the mean, each raised to `power`.
fn moment(values: &[f64], power: i32) -> Option<f64> {
    let mean = mean(values)?;
    Some(values.iter().map(|value| (value - mean).powi(power)).sum())
}

/// `missing` is 1 for a sample, whose mean is not known, 0 for the population.
fn variance(values: &[f64], missing: usize) -> Option<f64> {
    let divisor = values
        .len()
        .checked_sub(missing)
        .filter(|divisor| *divisor > 0)?;
    Some(moment(values, 2)? / divisor as f64)
}

fn skewness(values: &[f64]) -> Option<f64> {
    let second = moment(values, 2).filter(|second| *second != 0.0)?;
    Some((values.len() as f64).sqrt() * moment(values, 3)? / second.powf(1.5))
}

/// The excess: 0 for the normal distribution.
fn kurtosis(values: &[f64]) -> Option<f64> {
    let second = moment(values, 2).filter(|second| *second != 0.0)?;
    Some(values.len() as f64 * moment(values, 4)? / (second * second) - 3.0)
}

/// The means of both sides and the sums of products of deviations: (mean x, mean y, xx, xy, yy).
fn products(pairs: &[(f64, f64)]) -> Option<(f64, f64, f64, f64, f64)> {
    if pairs.is_empty() {
        return None;
    }
    let count = pairs.len() as f64;
    let mean_x = pairs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = pairs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let sum = |of: fn(f64, f64) -> f64| {
        pairs
            .iter()
            .map(|(x, y)| of(x - mean_x, y - mean_y))
            .sum::<f64>()
    };
    Some((
        mean_x,
        mean_y,
        sum(|x, _| x * x),
        sum(|x, y| x * y),
        sum(|_, y| y * y),
    ))
}

fn covariance(pairs: &[(f64, f64)], missing: usize) -> Option<f64> {
    let divisor = pairs
        .len()
        .checked_sub(missing)
        .filter(|divisor| *divisor > 0)?;
    products(pairs).map(|(_, _, _, xy, _)| xy / divisor as f64)
}

fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let (_, _, xx, xy, yy) = products(pairs).filter(|_| pairs.len() > 1)?;
    Some(xy / (xx * yy).sqrt())
}

/// Slope and intercept of the least-squares line; the pair is (y, x), as SQL orders it.
fn line(pairs: &[(f64, f64)]) -> Option<(f64, f64)> {
    let (mean_y, mean_x, _, xy, xx) = products(pairs).filter(|(_, _, _, _, xx)| *xx != 0.0)?;
    let slope = xy / xx;
    Some((slope, mean_y - slope * mean_x))
}

/// Of values equally frequent, the lowest.
fn most_frequent(values: &[Value]) -> Value {
    let mut sorted: Vec<&Value> = values.iter().collect();
    sorted.sort_by(|left, right| compare(left, right).unwrap_or(Ordering::Equal));
    let equal = |left: &&Value, right: &&Value| compare(left, right) == Some(Ordering::Equal);
    let mut best: &[&Value] = &[];
    for run in sorted.chunk_by(equal) {
        if run.len() > best.len() {
            best = run;
        }
    }
    best.first().map_or(Value::Null, |value| (*value).clone())
}

/// `max_by` and `min_by`: the first argument of the row whose second argument is the extreme.
struct ValueOfExtreme {
    name: &'static str,
    wanted: Ordering,
}

impl Aggregate<Option<(Value, Value)>, Value> for ValueOfExtreme {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<(Value, Value)>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, best: &mut Option<(Value, Value)>) -> Result<()> {
        let refused = |refusal: Refusal| error(self.name, &refusal);
        let arguments = Arguments(context);
        if arguments.is_null(1) {
            return Ok(());
        }
        let key = arguments.value(1).map_err(refused)?;
        let better = match best {
            None => true,
            Some((_, best)) => compare(&key, best)
                .map(|order| order == self.wanted)
                .ok_or_else(|| {
                    refused(format!(
                        "{} and {} are of different types",
                        shown((&*best).into()),
                        shown((&key).into())
                    ))
                })?,
        };
        if better {
            *best = Some((arguments.value(0).map_err(refused)?, key));
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, best: Option<Option<(Value, Value)>>) -> Result<Value> {
        Ok(best.flatten().map_or(Value::Null, |(value, _)| value))
    }
}
