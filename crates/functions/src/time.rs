//! Timestamps, dates and time zones as text: reading them as Spark casts STRING to TIMESTAMP and
//! DATE, writing them in the one form this project stores.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};

/// Reads a timestamp: `2026-11-23T20:05:00Z`, and what else Spark's cast takes: a space for the
/// `T`, parts of one digit, no seconds, a fraction, any zone; a date alone is its midnight.
/// No zone means UTC. Gives what a clock in UTC shows, as do all timestamps here: unlike jiff's
/// `Timestamp`, that reaches to the last second of the year 9999.
pub(crate) fn parse_timestamp(text: &str) -> Option<DateTime> {
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
    let text = text.trim();
    parse_civil_date(text.split(['T', ' ']).next().unwrap_or(text))
}

/// A timestamp as this project stores it; a fraction of a second is cut.
pub(crate) fn timestamp_text(timestamp: DateTime) -> String {
    format!("{}T{}Z", date_text(timestamp.date()), clock_text(timestamp))
}

/// A date as this project stores it.
pub(crate) fn date_text(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
}

/// Hours, minutes and seconds.
pub(crate) fn clock_text(local: DateTime) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        local.hour(),
        local.minute(),
        local.second()
    )
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
