//! What Spark answers, as the values that every engine gives.

use spark_connect::row::Value as SparkValue;
use store::Value;

/// A value of an answer. The error is a type that no answer of ours has.
pub(crate) fn value(value: &SparkValue) -> Result<Value, String> {
    Ok(match value {
        SparkValue::Null => Value::Null,
        SparkValue::Bool(flag) => Value::Boolean(*flag),
        SparkValue::Byte(number) => Value::Integer((*number).into()),
        SparkValue::Short(number) => Value::Integer((*number).into()),
        SparkValue::Integer(number) => Value::Integer((*number).into()),
        SparkValue::Long(number) => Value::Integer(*number),
        SparkValue::Float(number) => real((*number).into()),
        SparkValue::Double(number) => real(*number),
        SparkValue::Decimal { value, .. } => decimal(value)?,
        SparkValue::String(text) => Value::Text(text.clone()),
        SparkValue::Date(days) => Value::Text(day(*days)?),
        SparkValue::Timestamp(micros) => Value::Text(moment(*micros)?),
        other => {
            return Err(format!(
                "a column has values such as `{other}`: cast it to a text"
            ));
        }
    })
}

/// SQLite has no number that is none.
fn real(number: f64) -> Value {
    if number.is_nan() {
        Value::Null
    } else {
        Value::Real(number)
    }
}

fn decimal(text: &str) -> Result<Value, String> {
    match text.parse::<i64>() {
        Ok(whole) => Ok(Value::Integer(whole)),
        Err(_) => {
            let number = text.parse().map_err(|_| format!("`{text}` is no number"))?;
            Ok(Value::Real(number))
        }
    }
}

fn day(days: i32) -> Result<String, String> {
    let epoch = jiff::civil::date(1970, 1, 1);
    let day = epoch.checked_add(jiff::Span::new().days(i64::from(days)));
    day.map(|day| day.to_string())
        .map_err(|error| error.to_string())
}

/// A moment to the second; fractions are cut, as SQL functions do.
fn moment(micros: i64) -> Result<String, String> {
    let seconds = micros.div_euclid(1_000_000);
    let moment = jiff::Timestamp::from_second(seconds).map_err(|error| error.to_string())?;
    Ok(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_sqlite_gives_them() {
        for (given, expected) in [
            (SparkValue::Null, Value::Null),
            (SparkValue::Double(f64::NAN), Value::Null),
            (SparkValue::Short(-1), Value::Integer(-1)),
            (SparkValue::Bool(true), Value::Boolean(true)),
            (SparkValue::Date(-1), Value::Text("1969-12-31".into())),
            (
                SparkValue::Timestamp(-1),
                Value::Text("1969-12-31T23:59:59Z".into()),
            ),
            (
                SparkValue::Timestamp(1_999_999),
                Value::Text("1970-01-01T00:00:01Z".into()),
            ),
        ] {
            assert_eq!(value(&given), Ok(expected));
        }
        assert!(value(&SparkValue::List(Vec::new())).is_err());
    }
}
