//! Functions of dates and timestamps.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use crate::arguments::{Arguments, Evaluated, FLAGS, Refusal, Scalar, error, scalar, shown};
use crate::time::{
    clock_text, date_text, from_unix_seconds, from_utc, midnight, parse_date, parse_timestamp,
    parse_zone, timestamp_text, to_utc, unix_seconds,
};

pub(crate) const SCALARS: &[Scalar] = &[
    scalar("add_months", &[2], |a| {
        shift(a, |months| Span::new().try_months(months))
    }),
    scalar("date_add", &[2], |a| {
        shift(a, |days| Span::new().try_days(days))
    }),
    scalar("date_format", &[2], |a| {
        date_format(a.timestamp(0)?, &a.text(1)?)
    }),
    scalar("date_sub", &[2], |a| {
        shift(a, |days| Span::new().try_days(days.saturating_neg()))
    }),
    scalar("date_trunc", &[2], date_trunc),
    scalar("datediff", &[2], days_between),
    scalar("day", &[1], |a| integer(a.date(0)?.day())),
    scalar("dayname", &[1], |a| {
        text(&weekday_name(a.date(0)?.weekday())[..3])
    }),
    scalar("dayofmonth", &[1], |a| integer(a.date(0)?.day())),
    scalar("dayofweek", &[1], |a| {
        integer(a.date(0)?.weekday().to_sunday_one_offset())
    }),
    scalar("dayofyear", &[1], |a| integer(a.date(0)?.day_of_year())),
    scalar("from_unixtime", &[1], |a| {
        let local = moment(a, a.integer(0)?)?;
        text(&format!(
            "{} {}",
            date_text(local.date()),
            clock_text(local)
        ))
    }),
    scalar("hour", &[1], |a| integer(a.timestamp(0)?.hour())),
    scalar("last_day", &[1], |a| {
        text(&date_text(a.date(0)?.last_of_month()))
    }),
    scalar("make_date", &[3], make_date),
    scalar("minute", &[1], |a| integer(a.timestamp(0)?.minute())),
    scalar("month", &[1], |a| integer(a.date(0)?.month())),
    scalar("monthname", &[1], |a| {
        text(&month_name(a.date(0)?.month())[..3])
    }),
    scalar("months_between", &[2], months_between),
    scalar("quarter", &[1], |a| integer(quarter(a.date(0)?.month()))),
    scalar("second", &[1], |a| integer(a.timestamp(0)?.second())),
    scalar("timestamp_micros", &[1], |a| {
        stored(a, moment(a, a.integer(0)?.div_euclid(1_000_000)).ok())
    }),
    scalar("timestamp_millis", &[1], |a| {
        stored(a, moment(a, a.integer(0)?.div_euclid(1_000)).ok())
    }),
    scalar("timestamp_seconds", &[1], |a| {
        stored(a, moment(a, a.number(0)?.floor() as i64).ok())
    }),
    scalar("to_date", &[1], |a| text(&date_text(a.date(0)?))),
    scalar("to_timestamp", &[1], |a| stored(a, Some(a.timestamp(0)?))),
    scalar("to_utc_timestamp", &[2], |a| {
        let zone = zone(a)?;
        stored(a, to_utc(a.timestamp(0)?, &zone))
    }),
    scalar("trunc", &[2], trunc),
    scalar("try_to_date", &[1], |a| {
        tried(a, |given| parse_date(given).map(date_text))
    }),
    scalar("try_to_timestamp", &[1], |a| {
        tried(a, |given| parse_timestamp(given).map(timestamp_text))
    }),
    scalar("unix_seconds", &[1], |a| {
        Ok(Value::Integer(unix_seconds(a.timestamp(0)?)))
    }),
    scalar("unix_timestamp", &[1], |a| {
        Ok(Value::Integer(unix_seconds(a.timestamp(0)?)))
    }),
    scalar("weekday", &[1], |a| {
        integer(a.date(0)?.weekday().to_monday_zero_offset())
    }),
    scalar("weekofyear", &[1], |a| {
        integer(a.date(0)?.iso_week_date().week())
    }),
    scalar("year", &[1], |a| integer(a.date(0)?.year())),
];

/// Registers `from_utc_timestamp`, which differs from other scalars in that it keeps the time zones that it looked up
/// from row to row.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    const NAME: &str = "from_utc_timestamp";
    // Looking one up takes longer than converting by it.
    let zones: Mutex<HashMap<String, Option<TimeZone>>> = Mutex::default();
    connection.create_scalar_function(NAME, 2, FLAGS, move |context| {
        let arguments = Arguments(context);
        if arguments.is_null(0) || arguments.is_null(1) {
            return Ok(Value::Null);
        }
        let local = || {
            let (moment, name) = (arguments.timestamp(0)?, arguments.text(1)?);
            let mut zones = zones.lock().unwrap_or_else(PoisonError::into_inner);
            if !zones.contains_key(&*name) {
                zones.insert(name.to_string(), parse_zone(&name));
            }
            match zones.get(&*name) {
                Some(Some(zone)) => stored(&arguments, from_utc(moment, zone)),
                // A name that is no zone must not cost a whole answer: it has no local time.
                _ => Ok(Value::Null),
            }
        };
        local().map_err(|refusal| error(NAME, &refusal))
    })
}

fn integer(number: impl Into<i64>) -> Evaluated {
    Ok(Value::Integer(number.into()))
}

fn text(text: &str) -> Evaluated {
    Ok(Value::Text(text.to_owned()))
}

fn out_of_range(raw: ValueRef<'_>) -> Refusal {
    format!("{} leads out of the years 0001 to 9999", shown(raw))
}

fn stored(arguments: &Arguments<'_, '_>, timestamp: Option<DateTime>) -> Evaluated {
    timestamp
        .map(|timestamp| Value::Text(timestamp_text(timestamp)))
        .ok_or_else(|| out_of_range(arguments.raw(0)))
}

fn moment(arguments: &Arguments<'_, '_>, seconds: i64) -> Result<DateTime, Refusal> {
    from_unix_seconds(seconds).ok_or_else(|| out_of_range(arguments.raw(0)))
}

fn tried(arguments: &Arguments<'_, '_>, parse: fn(&str) -> Option<String>) -> Evaluated {
    Ok(parse(&arguments.text(0)?).map_or(Value::Null, Value::Text))
}

fn zone(arguments: &Arguments<'_, '_>) -> Result<TimeZone, Refusal> {
    let name = arguments.text(1)?;
    parse_zone(&name).ok_or_else(|| {
        format!("`{name}` is not a time zone, write it as `Europe/Berlin` or `+01:00`")
    })
}

fn shift(arguments: &Arguments<'_, '_>, span: fn(i64) -> Result<Span, jiff::Error>) -> Evaluated {
    let date = arguments.date(0)?;
    match span(arguments.integer(1)?).and_then(|span| date.checked_add(span)) {
        Ok(moved) => text(&date_text(moved)),
        Err(_) => Err(out_of_range(arguments.raw(1))),
    }
}

fn days_between(arguments: &Arguments<'_, '_>) -> Evaluated {
    let (end, start) = (arguments.date(0)?, arguments.date(1)?);
    integer(end.duration_since(start).as_hours() / 24)
}

fn make_date(arguments: &Arguments<'_, '_>) -> Evaluated {
    let (year, month, day) = (
        arguments.integer(0)?,
        arguments.integer(1)?,
        arguments.integer(2)?,
    );
    let date = (|| {
        Date::new(
            i16::try_from(year).ok()?,
            i8::try_from(month).ok()?,
            i8::try_from(day).ok()?,
        )
        .ok()
    })();
    match date {
        Some(date) => text(&date_text(date)),
        None => Err(format!(
            "`{year}`, `{month}`, `{day}` is no day of the calendar"
        )),
    }
}

fn quarter(month: i8) -> i8 {
    (month + 2) / 3
}

/// The first day of the unit that `date` lies in, for the units of a day and longer.
fn first_day(date: Date, unit: &str) -> Option<Date> {
    match unit {
        "YEAR" | "YYYY" | "YY" => Some(date.first_of_year()),
        "QUARTER" => Date::new(date.year(), quarter(date.month()) * 3 - 2, 1).ok(),
        "MONTH" | "MM" | "MON" => Some(date.first_of_month()),
        "WEEK" => date
            .checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days())
            .ok(),
        _ => None,
    }
}

/// An unknown unit gives NULL, as in Spark.
fn date_trunc(arguments: &Arguments<'_, '_>) -> Evaluated {
    let unit = arguments.text(0)?.to_uppercase();
    let local = arguments.timestamp(1)?;
    let date = local.date();
    let truncated = match unit.as_str() {
        "DAY" | "DD" => Some(midnight(date)),
        "HOUR" => Some(date.at(local.hour(), 0, 0, 0)),
        "MINUTE" => Some(date.at(local.hour(), local.minute(), 0, 0)),
        "SECOND" | "MILLISECOND" | "MICROSECOND" => Some(local),
        unit => first_day(date, unit).map(midnight),
    };
    Ok(truncated.map_or(Value::Null, |truncated| {
        Value::Text(timestamp_text(truncated))
    }))
}

/// An unknown unit gives NULL, as in Spark.
fn trunc(arguments: &Arguments<'_, '_>) -> Evaluated {
    let date = arguments.date(0)?;
    let first = first_day(date, &arguments.text(1)?.to_uppercase());
    Ok(first.map_or(Value::Null, |first| Value::Text(date_text(first))))
}

/// Whole months where both fall on the same day of the month, or both on their month's last day;
/// else the rest counts as a share of 31 days, rounded to 8 digits (Spark's `monthsBetween`).
fn months_between(arguments: &Arguments<'_, '_>) -> Evaluated {
    let later = arguments.timestamp(0)?;
    let earlier = arguments.timestamp(1)?;
    let index = |local: DateTime| i64::from(local.year()) * 12 + i64::from(local.month());
    let months = index(later) - index(earlier);
    let is_last = |local: DateTime| local.date() == local.date().last_of_month();
    if later.day() == earlier.day() || (is_last(later) && is_last(earlier)) {
        return Ok(Value::Real(months as f64));
    }
    let seconds = |local: DateTime| {
        let clock = local.time();
        i64::from(local.day()) * 86_400
            + i64::from(clock.hour()) * 3_600
            + i64::from(clock.minute()) * 60
            + i64::from(clock.second())
    };
    let exact = months as f64 + (seconds(later) - seconds(earlier)) as f64 / (31.0 * 86_400.0);
    Ok(Value::Real((exact * 1e8).round() / 1e8))
}

/// Only the letters whose meaning is the same everywhere; any other is an error, never a guess.
fn date_format(local: DateTime, pattern: &str) -> Evaluated {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        if letter == '\'' {
            rest = quoted(&rest[1..], &mut out)
                .ok_or_else(|| format!("a quote in `{pattern}` is not closed"))?;
            continue;
        }
        let run = rest.len() - rest.trim_start_matches(letter).len();
        let (field, after) = rest.split_at(run);
        rest = after;
        if !letter.is_ascii_alphabetic() && !matches!(letter, '[' | ']' | '{' | '}' | '#') {
            out.push_str(field);
            continue;
        }
        let (month, quarter) = (local.month(), quarter(local.month()));
        match field {
            "yyyy" => out.push_str(&format!("{:04}", local.year())),
            "yy" => out.push_str(&format!("{:02}", local.year().rem_euclid(100))),
            "QQQ" => out.push_str(&format!("Q{quarter}")),
            "Q" => out.push_str(&quarter.to_string()),
            "MMMM" => out.push_str(month_name(month)),
            "MMM" => out.push_str(&month_name(month)[..3]),
            "EEEE" => out.push_str(weekday_name(local.weekday())),
            "EEE" | "E" => out.push_str(&weekday_name(local.weekday())[..3]),
            _ => {
                let number = match letter {
                    'M' => month,
                    'd' => local.day(),
                    'H' => local.hour(),
                    'm' => local.minute(),
                    's' => local.second(),
                    _ => 0,
                };
                match (letter, run) {
                    ('M' | 'd' | 'H' | 'm' | 's', 2) => out.push_str(&format!("{number:02}")),
                    ('M' | 'd' | 'H' | 'm' | 's', 1) => out.push_str(&number.to_string()),
                    _ => {
                        return Err(format!(
                            "`{field}` in `{pattern}` is not supported, use `yyyy yy QQQ Q MMMM MMM MM M dd d EEEE EEE HH H mm m ss s`"
                        ));
                    }
                }
            }
        }
    }
    Ok(Value::Text(out))
}

/// Copies quoted text up to its closing quote; two quotes stand for one. Gives what follows.
fn quoted<'a>(mut rest: &'a str, out: &mut String) -> Option<&'a str> {
    if let Some(after) = rest.strip_prefix('\'') {
        out.push('\'');
        return Some(after);
    }
    loop {
        let (inside, after) = rest.split_once('\'')?;
        out.push_str(inside);
        match after.strip_prefix('\'') {
            None => return Some(after),
            Some(next) => {
                out.push('\'');
                rest = next;
            }
        }
    }
}

fn month_name(month: i8) -> &'static str {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    usize::try_from(month - 1)
        .ok()
        .and_then(|index| NAMES.get(index))
        .copied()
        .unwrap_or("")
}

fn weekday_name(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}
