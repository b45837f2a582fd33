//! Moments and days, as vendors and people write them, into the one form that tables keep.

use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Timestamp, civil};

/// How the times of a project are to be read where they leave something open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// The zone of times that name none.
    pub zone: TimeZone,
    /// The order of days such as `05/01/2024`; nothing where they are refused.
    pub date_order: Option<DateOrder>,
}

/// What comes first in a day that does not begin with its year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// `31/12/2024`, `31.12.2024`.
    DayFirst,
    /// `12/31/2024`.
    MonthFirst,
}

impl DateOrder {
    /// Every order.
    pub const ALL: [Self; 2] = [Self::DayFirst, Self::MonthFirst];

    /// The order that a word stands for, in any case.
    pub fn of_name(name: &str) -> Option<Self> {
        let is_named = |order: &Self| order.name().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(is_named)
    }

    /// The word that stands for it in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::DayFirst => "DAY_FIRST",
            Self::MonthFirst => "MONTH_FIRST",
        }
    }
}

impl Clock {
    /// Times without a zone are UTC, and no order of days is known.
    pub const UTC: Self = Self {
        zone: TimeZone::UTC,
        date_order: None,
    };
}

/// A moment in UTC to the second, such as `2026-11-23T20:05:00Z`, from ISO 8601 with a zone or an offset, from
/// `YYYY-MM-DD HH:mm[:ss]` in the clock's zone, or from what forms and spreadsheets write, such as
/// `2026/09/14 10:05:12 AM GMT+2`. Fractions of a second are cut, so that texts sort as moments do.
/// A time that a change of the clocks skips or repeats is read as RFC 5545 says: skipped ones by the offset before,
/// repeated ones as the first; [`clock_change`] says of which times that is so.
pub(crate) fn timestamp(text: &str, clock: &Clock) -> Result<String, String> {
    if let Some(canonical) = already_utc(text) {
        return Ok(canonical);
    }
    let moment = match written(text, clock)? {
        Written::Moment(moment) => moment,
        Written::Local(local) => clock.zone.to_timestamp(local).map_err(|_| no_time(text))?,
    };
    canonical(moment).ok_or_else(|| no_time(text))
}

/// What there is to say of a time that a change of the clocks skipped or repeated.
pub(crate) fn clock_change(text: &str, clock: &Clock) -> Option<String> {
    // Nearly all times come from APIs and end so: they need no second look.
    if text.ends_with('Z') {
        return None;
    }
    let Ok(Written::Local(local)) = written(text, clock) else {
        return None;
    };
    let ambiguous = clock.zone.to_ambiguous_timestamp(local);
    let what = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => return None,
        AmbiguousOffset::Gap { .. } => "was skipped",
        AmbiguousOffset::Fold { .. } => "came twice",
    };
    let moment = canonical(ambiguous.compatible().ok()?)?;
    let zone = clock.zone.iana_name().unwrap_or("UTC");
    Some(format!(
        "`{}` {what} when the clocks of `{zone}` changed: `{moment}` is taken for it; write its offset, such as `+02:00`",
        text.trim()
    ))
}

/// A day, `2026-11-23`, from a date or from the date part of a time.
pub(crate) fn date(text: &str, clock: &Clock) -> Result<String, String> {
    let expected = || {
        let hint = order_hint(text, clock);
        format!(
            "`{}` is not a date; expected `YYYY-MM-DD`{hint}",
            shorten(text)
        )
    };
    let trimmed = text.trim();
    let end = trimmed.find(['T', 't', ' ']).unwrap_or(trimmed.len());
    let (head, rest) = trimmed.split_at(end);
    let day = day(head.trim_end_matches(','), clock).ok_or_else(expected)?;
    if !rest.is_empty() && timestamp(trimmed, clock).is_err() {
        return Err(expected());
    }
    Ok(day.to_string())
}

/// Minutes from one moment to another, with fractions, negative if the second is earlier.
pub(crate) fn minutes_between(from: &str, to: &str, clock: &Clock) -> Result<f64, String> {
    let seconds = |text: &str| -> Result<i64, String> {
        let canonical = timestamp(text, clock)?;
        canonical
            .parse::<Timestamp>()
            .map(Timestamp::as_second)
            .map_err(|error| error.to_string())
    };
    Ok((seconds(to)? - seconds(from)?) as f64 / 60.0)
}

/// A time as it is written: a moment, or what clocks on a wall show.
enum Written {
    Moment(Timestamp),
    Local(civil::DateTime),
}

fn written(text: &str, clock: &Clock) -> Result<Written, String> {
    let trimmed = text.trim();
    if !trimmed.contains(':') {
        return Err(match day(trimmed, clock) {
            Some(_) => format!(
                "`{trimmed}` is a date without a time; expected `YYYY-MM-DD HH:mm` or ISO 8601"
            ),
            None => no_time(text) + &order_hint(text, clock),
        });
    }
    let (body, offset) = named_offset(trimmed);
    if let Some(offset) = offset {
        let offset = offset.ok_or_else(|| no_offset(text))?;
        let local = local(body, clock).ok_or_else(|| no_time(text) + &order_hint(text, clock))?;
        let moment = offset.to_timestamp(local).map_err(|_| no_time(text))?;
        return Ok(Written::Moment(moment));
    }
    match body.parse::<Timestamp>() {
        Ok(_) if !is_offset_in_use(body) => Err(no_offset(text)),
        Ok(moment) => Ok(Written::Moment(moment)),
        Err(_) if has_offset(body) => Err(no_time(text) + &order_hint(text, clock)),
        Err(_) => local(body, clock)
            .map(Written::Local)
            .ok_or_else(|| no_time(text) + &order_hint(text, clock)),
    }
}

/// What clocks on a wall show: ISO 8601, or a day in any order that is known and a time of 12 or 24 hours.
fn local(text: &str, clock: &Clock) -> Option<civil::DateTime> {
    if let Ok(local) = text.parse() {
        return Some(local);
    }
    let (head, time) = text.split_once(' ')?;
    let time = time.trim_start_matches([' ', ',']);
    let day = day(head.trim_end_matches(','), clock)?;
    let time = [
        "%H:%M:%S%.f",
        "%H:%M",
        "%I:%M:%S %p",
        "%I:%M %p",
        "%I:%M:%S%p",
        "%I:%M%p",
    ]
    .iter()
    .find_map(|format| civil::Time::strptime(format, time).ok())?;
    Some(day.to_datetime(time))
}

/// A day: the year first, or in the order that the clock knows.
fn day(text: &str, clock: &Clock) -> Option<civil::Date> {
    let year_first = ["%Y-%m-%d", "%Y/%m/%d"];
    let (formats, shape) = match clock.date_order {
        _ if text.len() == 10 && text.as_bytes()[4].is_ascii_punctuation() => {
            (&year_first[..], true)
        }
        Some(DateOrder::DayFirst) => (&["%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"][..], false),
        Some(DateOrder::MonthFirst) => (&["%m/%d/%Y", "%m-%d-%Y"][..], false),
        None => return None,
    };
    // A year of two digits could be any century's.
    let has_year = shape || text.rsplit(['/', '.', '-']).next()?.len() == 4;
    let parsed = formats
        .iter()
        .find_map(|format| civil::Date::strptime(format, text).ok());
    parsed.filter(|_| has_year)
}

/// What a time says of its offset in words: `UTC`, `GMT+2`, or one of the zones of RFC 5322 (section 4.3), and the text
/// before it. The inner nothing is an offset that is none.
fn named_offset(text: &str) -> (&str, Option<Option<Offset>>) {
    const ZONES: [(&str, i8); 10] = [
        ("UT", 0),
        ("Z", 0),
        ("EST", -5),
        ("EDT", -4),
        ("CST", -6),
        ("CDT", -5),
        ("MST", -7),
        ("MDT", -6),
        ("PST", -8),
        ("PDT", -7),
    ];
    let Some((body, word)) = text.rsplit_once(' ') else {
        return (text, None);
    };
    let offset = match word
        .strip_prefix("UTC")
        .or_else(|| word.strip_prefix("GMT"))
    {
        Some("") => Some(Offset::UTC),
        Some(offset) => hours_and_minutes(offset),
        None => match ZONES.iter().find(|(name, _)| *name == word) {
            Some((_, hours)) => Some(Offset::constant(*hours)),
            None => return (text, None),
        },
    };
    (body.trim_end(), Some(offset))
}

/// An offset such as `+2`, `-07`, `+5:30` or `+0530`, if a place on Earth has it.
fn hours_and_minutes(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some(parts), _) => parts,
        (None, 1 | 2) => (digits, "0"),
        (None, 3 | 4) => digits.split_at_checked(digits.len() - 2)?,
        _ => return None,
    };
    let number = |text: &str| text.parse::<u8>().ok().map(i32::from);
    let minutes = number(hours)? * 60 + number(minutes).filter(|minutes| *minutes < 60)?;
    let most = if sign > 0 { 14 } else { 12 } * 60;
    let in_use = minutes <= most;
    in_use.then(|| Offset::from_seconds(sign * minutes * 60).ok())?
}

fn canonical(moment: Timestamp) -> Option<String> {
    let second = moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    (second.len() == 20).then_some(second)
}

fn no_time(text: &str) -> String {
    format!(
        "`{}` is not a time; expected `YYYY-MM-DD HH:mm` or ISO 8601",
        shorten(text)
    )
}

fn no_offset(text: &str) -> String {
    format!(
        "`{}` has an offset that no place on Earth has; expected one from -12:00 to +14:00",
        shorten(text)
    )
}

/// What helps where a day does not begin with its year and no order is set.
fn order_hint(text: &str, clock: &Clock) -> String {
    let either = |order| {
        let date_order = Some(order);
        let clock = Clock {
            date_order,
            ..clock.clone()
        };
        text.split_whitespace()
            .next()
            .is_some_and(|head| day(head.trim_end_matches(','), &clock).is_some())
    };
    let fits: Vec<_> = DateOrder::ALL
        .into_iter()
        .filter(|order| either(*order))
        .map(|order| format!("`DATE_ORDER={}`", order.name()))
        .collect();
    if clock.date_order.is_some() || fits.is_empty() {
        return String::new();
    }
    format!(
        "; to have days in this order read, set {}",
        fits.join(" or ")
    )
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
    sound.then(|| [&text[..19], "Z"].concat())
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

    fn berlin() -> Clock {
        Clock {
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            date_order: None,
        }
    }

    fn in_order(order: DateOrder) -> Clock {
        Clock {
            date_order: Some(order),
            ..berlin()
        }
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
    fn times_of_forms_and_spreadsheets() {
        for (text, expected) in [
            ("2026/09/14 10:05:12 AM GMT+2", "2026-09-14T08:05:12Z"),
            ("2026/09/14 12:05:12 AM GMT+5:30", "2026-09-13T18:35:12Z"),
            ("2026/09/14 3:05:12 pm GMT-7", "2026-09-14T22:05:12Z"),
            ("2026/09/14 3:05:12 PM MDT", "2026-09-14T21:05:12Z"),
            ("2026-09-14 10:05 UTC+0200", "2026-09-14T08:05:00Z"),
            ("2026/09/14 10:05", "2026-09-14T08:05:00Z"),
        ] {
            assert_eq!(
                timestamp(text, &berlin()).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
        for (text, order, expected) in [
            (
                "9/14/2026 10:05:12",
                DateOrder::MonthFirst,
                "2026-09-14T08:05:12Z",
            ),
            (
                "14/9/2026 10:05:12",
                DateOrder::DayFirst,
                "2026-09-14T08:05:12Z",
            ),
            (
                "14.09.2026, 10:05",
                DateOrder::DayFirst,
                "2026-09-14T08:05:00Z",
            ),
            (
                "2026-09-14 10:05",
                DateOrder::DayFirst,
                "2026-09-14T08:05:00Z",
            ),
        ] {
            let clock = in_order(order);
            assert_eq!(timestamp(text, &clock).as_deref(), Ok(expected), "{text}");
            assert_eq!(date(text, &clock).as_deref(), Ok("2026-09-14"), "{text}");
        }
        assert_eq!(
            date("2026/09/14 12:05:12 AM GMT+5:30", &berlin()).as_deref(),
            Ok("2026-09-14")
        );
    }

    #[test]
    fn an_order_that_nobody_set_is_not_guessed() {
        for (text, hint) in [
            (
                "05/01/2024 10:05",
                "`DATE_ORDER=DAY_FIRST` or `DATE_ORDER=MONTH_FIRST`",
            ),
            ("5/14/2024 10:05", "set `DATE_ORDER=MONTH_FIRST`"),
            ("14.05.2024 10:05", "set `DATE_ORDER=DAY_FIRST`"),
        ] {
            let fault = timestamp(text, &berlin()).unwrap_err();
            assert!(fault.ends_with(hint), "{fault}");
            let fault = date(text, &berlin()).unwrap_err();
            assert!(fault.ends_with(hint), "{fault}");
        }
        for text in ["5/14/24 10:05", "14/5/2024 10:05", "2024/14/05 10:05"] {
            assert!(
                timestamp(text, &in_order(DateOrder::MonthFirst)).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn times_that_a_change_of_the_clocks_skipped_or_repeated() {
        for (text, expected) in [
            ("2024-03-31 02:30", Some("was skipped")),
            ("2024-10-27 02:30", Some("came twice")),
            ("2024-10-27 02:30 UTC", None),
            ("2024-10-27T02:30:00+01:00", None),
            ("2024-10-27T02:30:00Z", None),
            ("2024-10-27 03:00", None),
            ("yesterday", None),
        ] {
            let said = clock_change(text, &berlin());
            assert_eq!(said.is_some(), expected.is_some(), "{text}");
            assert!(
                said.unwrap_or_default()
                    .contains(expected.unwrap_or_default()),
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
            assert_eq!(date(text, &berlin()).as_deref(), Ok(expected));
        }
        for text in [
            "2024-13-01",
            "15.07.2024",
            "2024-07-15x",
            "2024-7-5",
            "",
            "2024-07-15 noon",
        ] {
            assert!(date(text, &berlin()).is_err(), "{text}");
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
        fn no_text_makes_it_panic(text in "\\PC{0,30}", offset in "[+-]\\PC{1,4}") {
            let _ = timestamp(&format!("2026-01-01 10:00 GMT{offset}"), &berlin());
            let _ = (timestamp(&text, &berlin()), date(&text, &in_order(DateOrder::DayFirst)));
        }
    }
}
