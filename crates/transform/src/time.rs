//! Moments and days, as vendors and people write them, into the one form that tables keep.

use jiff::civil;
use jiff::tz::TimeZone;

/// A moment in UTC to the second, such as `2026-11-23T20:05:00Z`, from ISO 8601 with a zone or an offset, or from
/// `YYYY-MM-DD HH:mm[:ss]` in the given zone. Fractions of a second are cut, so that texts sort as moments do.
/// A time that a change of the clocks skips or repeats is read as RFC 5545 says: skipped ones by the offset before,
/// repeated ones as the first.
pub(crate) fn timestamp(text: &str, zone: &TimeZone) -> Result<String, String> {
    if let Some(canonical) = already_utc(text) {
        return Ok(canonical);
    }
    let expected = || {
        format!(
            "`{}` is not a time; expected `YYYY-MM-DD HH:mm` or ISO 8601",
            shorten(text)
        )
    };
    let trimmed = text.trim();
    if !trimmed.contains(':') {
        return Err(match trimmed.parse::<civil::Date>() {
            Ok(_) => format!(
                "`{trimmed}` is a date without a time; expected `YYYY-MM-DD HH:mm` or ISO 8601"
            ),
            Err(_) => expected(),
        });
    }
    let (body, zone) = match trimmed
        .strip_suffix(" UTC")
        .or_else(|| trimmed.strip_suffix(" GMT"))
    {
        Some(body) => (body, TimeZone::UTC),
        None => (trimmed, zone.clone()),
    };
    let moment = match body.parse::<jiff::Timestamp>() {
        Ok(_) if !is_offset_in_use(body) => {
            return Err(format!(
                "`{}` has an offset that no place on Earth has; expected one from -12:00 to +14:00",
                shorten(text)
            ));
        }
        Ok(moment) => moment,
        Err(_) if has_offset(body) => return Err(expected()),
        Err(_) => {
            let local: civil::DateTime = body.parse().map_err(|_| expected())?;
            zone.to_timestamp(local).map_err(|_| expected())?
        }
    };
    let second = moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    if second.len() == 20 {
        Ok(second)
    } else {
        Err(expected())
    }
}

/// A day, `2026-11-23`, from a date or from the date part of a time.
pub(crate) fn date(text: &str) -> Result<String, String> {
    let expected = || format!("`{}` is not a date; expected `YYYY-MM-DD`", shorten(text));
    let trimmed = text.trim();
    let head = trimmed.get(..10).ok_or_else(expected)?.replace('/', "-");
    let day: civil::Date = head.parse().map_err(|_| expected())?;
    let rest = &trimmed[10..];
    if !rest.is_empty()
        && (!rest.starts_with(['T', 't', ' ']) || timestamp(trimmed, &TimeZone::UTC).is_err())
    {
        return Err(expected());
    }
    Ok(day.to_string())
}

/// Minutes from one moment to another, with fractions, negative if the second is earlier.
pub(crate) fn minutes_between(from: &str, to: &str, zone: &TimeZone) -> Result<f64, String> {
    let seconds = |text: &str| -> Result<i64, String> {
        let canonical = timestamp(text, zone)?;
        canonical
            .parse::<jiff::Timestamp>()
            .map(jiff::Timestamp::as_second)
            .map_err(|error| error.to_string())
    };
    Ok((seconds(to)? - seconds(from)?) as f64 / 60.0)
}

/// The form that APIs send, `YYYY-MM-DDTHH:MM:SS[.fraction]Z`, checked without building a time: most times are such.
fn already_utc(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let (head, rest) = bytes.split_at_checked(19)?;
    let fraction = rest.strip_suffix(b"Z")?;
    let fraction_is_sound = fraction.is_empty()
        || (fraction.len() > 1
            && fraction[0] == b'.'
            && fraction[1..].iter().all(u8::is_ascii_digit));
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !fraction_is_sound || separators.iter().any(|(at, byte)| head[*at] != *byte) {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<u32> {
        head[from..to].iter().try_fold(0, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + u32::from(byte - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let sound = (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60;
    sound.then(|| format!("{}Z", &text[..19]))
}

/// Whether something that looks like a zone follows the time of day.
fn has_offset(text: &str) -> bool {
    let time = text.get(10..).unwrap_or_default();
    time.contains(['+', '-', 'Z', 'z', '['])
}

/// Whether the offset of a time, if it has one, is from 12 hours behind UTC to 14 ahead of it: no zone has any other.
fn is_offset_in_use(text: &str) -> bool {
    let time = text.get(10..).unwrap_or_default();
    let Some(at) = time.rfind(['+', '-']) else {
        return true;
    };
    let digits: String = time[at + 1..]
        .chars()
        .take_while(|letter| *letter != '[')
        .filter(char::is_ascii_digit)
        .collect();
    let number = |range: std::ops::Range<usize>| {
        digits
            .get(range)
            .and_then(|text| text.parse::<u32>().ok())
            .unwrap_or(0)
    };
    let minutes = number(0..2) * 60 + number(2..4);
    minutes
        <= if time[at..].starts_with('+') {
            14 * 60
        } else {
            12 * 60
        }
}

fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The name of a time zone as the time zone database spells it; the error says that it has none of that name, and which
/// may have been meant.
pub(crate) fn known_zone(name: &str) -> Result<String, String> {
    if let Some(known) = TimeZone::get(name.trim())
        .ok()
        .as_ref()
        .and_then(TimeZone::iana_name)
    {
        return Ok(known.to_owned());
    }
    let names: Vec<String> = jiff::tz::db()
        .available()
        .map(|zone| zone.to_string())
        .collect();
    let near = diagnostics::nearest(name, names.iter().map(String::as_str));
    let hint = near.map_or(String::new(), |near| format!(", did you mean `{near}`?"));
    Err(format!("`{name}` is not a time zone{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    #[test]
    fn times_of_vendors_and_people() {
        for (text, expected) in [
            ("2022-11-03T06:23:06.000000Z", "2022-11-03T06:23:06Z"),
            ("2025-04-03T22:51:19.999Z", "2025-04-03T22:51:19Z"),
            ("2016-07-07T10:37:23-07:00", "2016-07-07T17:37:23Z"),
            ("2025-11-21T18:03:26.123200+00:00", "2025-11-21T18:03:26Z"),
            ("2024-01-15 10:30", "2024-01-15T09:30:00Z"),
            ("2024-07-15 10:30:05", "2024-07-15T08:30:05Z"),
            ("2024-07-15T10:30", "2024-07-15T08:30:00Z"),
            (" 2024-07-15 10:30 UTC ", "2024-07-15T10:30:00Z"),
            ("2024-03-31 02:30", "2024-03-31T01:30:00Z"),
            ("2024-10-27 02:30", "2024-10-27T00:30:00Z"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
        ] {
            assert_eq!(
                timestamp(text, &berlin()).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "yesterday",
            "2024-07-15",
            "2024-07",
            "10:30",
            "2023-02-29T00:00:00Z",
            "2024-07-15T24:00:00Z",
            "2024-07-15 10:61",
            "2024-07-15T10:30:00.Z",
            "2024-07-15T10:30:00+99:00",
            "1721038200",
            "-005000-01-01T00:00:00Z",
            "",
        ] {
            assert!(timestamp(text, &berlin()).is_err(), "{text}");
        }
        assert!(
            timestamp("2024-07-15", &berlin())
                .unwrap_err()
                .contains("a date without a time")
        );
    }

    #[test]
    fn days() {
        for (text, expected) in [
            ("2024-07-15", "2024-07-15"),
            ("2024/07/15", "2024-07-15"),
            ("2024-07-15T23:59:00Z", "2024-07-15"),
        ] {
            assert_eq!(date(text).as_deref(), Ok(expected));
        }
        for text in [
            "2024-13-01",
            "15.07.2024",
            "2024-07-15x",
            "2024-7-5",
            "",
            "2024-07-15 noon",
        ] {
            assert!(date(text).is_err(), "{text}");
        }
    }

    #[test]
    fn minutes() {
        assert_eq!(
            minutes_between("2024-03-31 00:30", "2024-03-31 03:30", &berlin()),
            Ok(120.0)
        );
        assert_eq!(
            minutes_between("2024-01-01T00:00:30Z", "2024-01-01 01:00", &berlin()),
            Ok(-0.5)
        );
    }

    proptest! {
        #[test]
        fn the_short_way_agrees_with_the_long_way(seconds in 0i64..4_000_000_000, fraction in "(\\.[0-9]{1,9})?") {
            let text = jiff::Timestamp::from_second(seconds).unwrap().strftime("%Y-%m-%dT%H:%M:%S").to_string() + &fraction + "Z";
            let long = text.parse::<jiff::Timestamp>().unwrap().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            prop_assert_eq!(already_utc(&text), Some(long));
        }

        #[test]
        fn what_the_short_way_takes_is_a_time(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z") {
            if already_utc(&text).is_some() {
                prop_assert!(text.parse::<jiff::Timestamp>().is_ok());
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,30}") {
            let _ = (timestamp(&text, &berlin()), date(&text));
        }
    }
}
