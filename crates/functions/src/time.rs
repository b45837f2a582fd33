//! Timestamps, dates and time zones as text: reading them as Spark casts STRING to TIMESTAMP and
//! DATE, writing them in the one form this project stores.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};

/// Reads a timestamp: `2026-11-23T20:05:00Z`, and what else Spark's cast takes: a space for the
/// `T`, parts of one digit, no seconds, a fraction, any zone; a date without a time is its midnight.
/// No zone means UTC. Gives what a clock in UTC shows, as do all timestamps here: unlike jiff's
/// `Timestamp`, that reaches to the last second of the year 9999.
pub(crate) fn parse_timestamp(text: &str) -> Option<DateTime> {
    parse_stored_timestamp(text.as_bytes()).or_else(|| parse_any_timestamp(text))
}

fn parse_any_timestamp(text: &str) -> Option<DateTime> {
    let text = text.trim();
    let (date_text, time_text) = match text.split_once(['T', ' ']) {
        None => return Some(midnight(parse_date(text)?)),
        Some(parts) => parts,
    };
    let date = parse_civil_date(date_text)?;
    let mut rest = time_text;
    let hour = take_number(&mut rest)?;
    rest = rest.strip_prefix(':')?;
    let minute = take_number(&mut rest)?;
    let mut second = 0;
    let mut nanosecond = 0;
    if let Some(after) = rest.strip_prefix(':') {
        rest = after;
        second = take_number(&mut rest)?;
        if let Some(after) = rest.strip_prefix('.') {
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (fraction, after) = after.split_at(digits);
            rest = after;
            nanosecond = format!("{fraction:0<9.9}").parse().ok()?;
        }
    }
    let local = date.to_datetime(Time::new(hour, minute, second, nanosecond).ok()?);
    match rest.trim() {
        "" | "Z" => Some(local),
        zone => to_utc(local, &parse_zone(zone)?),
    }
}

/// Reads a date; what follows a `T` or a space is not looked at, as in Spark's cast to DATE.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let stored = match bytes.get(10) {
        None | Some(b'T') => bytes.get(..10).and_then(parse_stored_date),
        Some(_) => None,
    };
    stored.or_else(|| {
        let text = text.trim();
        parse_civil_date(text.split(['T', ' ']).next().unwrap_or(text))
    })
}

/// A timestamp as this project stores it; a fraction of a second is cut.
pub(crate) fn timestamp_text(timestamp: DateTime) -> String {
    let mut text = *b"0000-00-00T00:00:00Z";
    put_date(&mut text, timestamp.date());
    put_clock(&mut text[11..], timestamp);
    written(&text)
}

/// A date as this project stores it.
pub(crate) fn date_text(date: Date) -> String {
    let mut text = *b"0000-00-00";
    put_date(&mut text, date);
    written(&text)
}

/// Hours, minutes and seconds.
pub(crate) fn clock_text(local: DateTime) -> String {
    let mut text = *b"00:00:00";
    put_clock(&mut text, local);
    written(&text)
}

/// The first moment of a date.
pub(crate) fn midnight(date: Date) -> DateTime {
    date.to_datetime(Time::midnight())
}

/// Whole seconds since 1970, rounded down.
pub(crate) fn unix_seconds(timestamp: DateTime) -> i64 {
    let since = timestamp.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    since.as_nanos().div_euclid(1_000_000_000) as i64
}

/// The moment so many seconds after 1970.
pub(crate) fn from_unix_seconds(seconds: i64) -> Option<DateTime> {
    DateTime::constant(1970, 1, 1, 0, 0, 0, 0)
        .checked_add(SignedDuration::from_secs(seconds))
        .ok()
}

/// A time zone: an IANA name, spelt exactly, or an offset such as `+01:00`, `-8`, `UTC+5:30`.
pub(crate) fn parse_zone(name: &str) -> Option<TimeZone> {
    if matches!(name, "Z" | "UTC" | "GMT" | "UT") {
        return Some(TimeZone::UTC);
    }
    let bare = ["UTC", "GMT", "UT"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    let sign = match bare.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        // Java's names tell upper from lower case; the time zone database does not.
        _ => {
            return TimeZone::get(name)
                .ok()
                .filter(|zone| zone.iana_name() == Some(name));
        }
    };
    let (hours, minutes) = match bare[1..].split_once(':') {
        Some(parts) => parts,
        // `+0530`
        None if bare.len() == 5 && bare.is_ascii() => bare[1..].split_at(2),
        None => (&bare[1..], "0"),
    };
    let hours: i32 = whole(hours)?;
    let minutes: i32 = whole(minutes)?;
    if minutes > 59 || hours * 60 + minutes > 18 * 60 {
        return None;
    }
    let offset = SignedDuration::from_mins(i64::from(sign * (hours * 60 + minutes)));
    Offset::try_from(offset).ok().map(TimeZone::fixed)
}

/// The moment at which a clock in `zone` shows `local`. A time that the clock skips is moved on by
/// the length of the gap; of a time that it shows twice the first is meant (as Java's
/// `LocalDateTime.atZone`, which Spark uses).
pub(crate) fn to_utc(local: DateTime, zone: &TimeZone) -> Option<DateTime> {
    let timestamp = zone.to_ambiguous_timestamp(local).compatible().ok()?;
    Some(Offset::UTC.to_datetime(timestamp))
}

/// What a clock in `zone` shows at that moment.
pub(crate) fn from_utc(timestamp: DateTime, zone: &TimeZone) -> Option<DateTime> {
    let timestamp = Offset::UTC.to_timestamp(timestamp).ok()?;
    Some(zone.to_datetime(timestamp))
}

/// The form that this project stores, `2026-11-23T20:05:00Z`. Queries read and write millions of these: neither the
/// general reader nor `format!` is fast enough.
fn parse_stored_timestamp(text: &[u8]) -> Option<DateTime> {
    if text.len() != 20
        || text[10] != b'T'
        || text[13] != b':'
        || text[16] != b':'
        || text[19] != b'Z'
    {
        return None;
    }
    let two = |at: usize| two_digits(&text[at..]);
    let time = Time::new(two(11)?, two(14)?, two(17)?, 0).ok()?;
    Some(parse_stored_date(&text[..10])?.to_datetime(time))
}

/// `2026-11-23`, exactly.
fn parse_stored_date(text: &[u8]) -> Option<Date> {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let two = |at: usize| two_digits(&text[at..]);
    let year = i16::from(two(0)?) * 100 + i16::from(two(2)?);
    Date::new(year, two(5)?, two(8)?).ok()
}

/// The number that the first two bytes are.
fn two_digits(text: &[u8]) -> Option<i8> {
    match text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] => {
            i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok()
        }
        _ => None,
    }
}

/// Years here are from 0 to 9999.
fn put_date(text: &mut [u8], date: Date) {
    let year = date.year().unsigned_abs();
    put_two_digits(&mut text[0..], year / 100);
    put_two_digits(&mut text[2..], year % 100);
    put_two_digits(&mut text[5..], date.month().unsigned_abs().into());
    put_two_digits(&mut text[8..], date.day().unsigned_abs().into());
}

fn put_clock(text: &mut [u8], local: DateTime) {
    put_two_digits(&mut text[0..], local.hour().unsigned_abs().into());
    put_two_digits(&mut text[3..], local.minute().unsigned_abs().into());
    put_two_digits(&mut text[6..], local.second().unsigned_abs().into());
}

fn put_two_digits(text: &mut [u8], number: u16) {
    // A remainder by ten fits into any type.
    text[0] = b'0' + (number / 10 % 10) as u8;
    text[1] = b'0' + (number % 10) as u8;
}

fn written(digits: &[u8]) -> String {
    std::str::from_utf8(digits).unwrap_or_default().to_owned()
}

fn parse_civil_date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let year = parts.next().filter(|year| year.len() == 4)?;
    let month = parts.next().unwrap_or("1");
    let day = parts.next().unwrap_or("1");
    if parts.next().is_some() {
        return None;
    }
    Date::new(whole(year)?, whole(month)?, whole(day)?).ok()
}

fn take_number<N: std::str::FromStr>(rest: &mut &str) -> Option<N> {
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, after) = rest.split_at(digits);
    *rest = after;
    if number.len() > 2 {
        None
    } else {
        whole(number)
    }
}

fn whole<N: std::str::FromStr>(digits: &str) -> Option<N> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_stored_form_is_read_as_any_other(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z"
        ) {
            prop_assert_eq!(parse_stored_timestamp(text.as_bytes()), parse_any_timestamp(&text));
            prop_assert_eq!(parse_date(&text), parse_civil_date(&text[..10]));
            if let Some(moment) = parse_timestamp(&text) {
                prop_assert_eq!(timestamp_text(moment), text);
            }
        }

        #[test]
        fn what_is_nearly_the_stored_form_is_left_to_the_general_reader(
            text in "[0-9]{3,5}[-/][0-9]{1,2}-[0-9]{1,2}[T ]?[0-9]{0,2}:[0-9]{1,2}:[0-9]{1,2}[Zz+]?"
        ) {
            prop_assert_eq!(parse_timestamp(&text), parse_any_timestamp(&text));
        }
    }
}
