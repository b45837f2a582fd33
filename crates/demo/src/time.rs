//! Points in time in whole seconds, the two extractions, and the time zones in which people work.

use std::fmt;
use std::ops::{Add, Sub};

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

use crate::Error;

/// Seconds in an hour.
pub(crate) const HOUR: i64 = 3_600;
/// Seconds in a day.
pub(crate) const DAY: i64 = 86_400;

/// A point in time: seconds since 1970 in UTC. Displayed as `2026-11-23T20:05:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) i64);

impl Time {
    /// Midnight (UTC) at the start of a day.
    pub(crate) fn midnight(date: Date) -> Result<Self, Error> {
        let midnight = Offset::UTC
            .to_timestamp(date.at(0, 0, 0, 0))
            .map_err(|_| Error::End)?;
        Ok(Self(midnight.as_second()))
    }

    /// The same as the calendar library's type.
    fn timestamp(self) -> Result<Timestamp, fmt::Error> {
        Timestamp::from_second(self.0).map_err(|_| fmt::Error)
    }

    /// The form in which people write times, in UTC: `2026-11-23 20:05`.
    pub(crate) fn to_the_minute(self) -> Result<String, fmt::Error> {
        let text = self.timestamp()?.to_string();
        Ok(text.get(..16).unwrap_or(&text).replace('T', " "))
    }

    /// The day (UTC).
    pub(crate) fn date(self) -> Result<Date, fmt::Error> {
        Ok(Offset::UTC.to_datetime(self.timestamp()?).date())
    }

    /// Whole weeks since 1970.
    pub(crate) fn week(self) -> i64 {
        self.0.div_euclid(7 * DAY)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.timestamp()?)
    }
}

impl Add<i64> for Time {
    type Output = Self;
    fn add(self, seconds: i64) -> Self {
        Self(self.0 + seconds)
    }
}

impl Sub<Time> for Time {
    type Output = i64;
    fn sub(self, earlier: Time) -> i64 {
        self.0 - earlier.0
    }
}

/// The year of data and the two moments at which it is extracted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Period {
    /// Midnight at the start of the first day.
    pub(crate) start: Time,
    /// When the older extraction begins: a month before the newer one.
    pub(crate) first: Time,
    /// When the newer extraction begins: 06:00 on the day after the last.
    pub(crate) second: Time,
}

impl Period {
    /// How far the newer extraction reaches back before the older one: re-reading a little is how a careful extractor
    /// misses nothing, and it makes records occur twice.
    pub(crate) const OVERLAP: i64 = DAY;

    /// The year that ends with this day.
    pub(crate) fn ending(end: Date) -> Result<Self, Error> {
        if !(1980..=9000).contains(&end.year()) {
            return Err(Error::End);
        }
        let year_before = end
            .checked_sub(1.year())
            .and_then(|day| day.checked_add(1.day()));
        let month_before = end.checked_sub(1.month());
        Ok(Self {
            start: Time::midnight(year_before.map_err(|_| Error::End)?)?,
            first: Time::midnight(month_before.map_err(|_| Error::End)?)? + DAY + 6 * HOUR,
            second: Time::midnight(end)? + DAY + 6 * HOUR,
        })
    }

    /// From when on the newer extraction asks for what is new.
    pub(crate) fn since(&self) -> Time {
        self.first + -Self::OVERLAP
    }

    /// Midnight after the last day.
    pub(crate) fn end(&self) -> Time {
        self.second + -6 * HOUR
    }
}

/// Time zones in which people work: the name that vendors show, and the rule. Rules are written out (POSIX TZ), not
/// looked up, so that the machine's own zone files cannot change what is written.
pub(crate) const ZONES: [(&str, &str); 5] = [
    ("Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"),
    ("America/New_York", "EST5EDT,M3.2.0,M11.1.0"),
    ("Asia/Kolkata", "IST-5:30"),
    ("America/Los_Angeles", "PST8PDT,M3.2.0,M11.1.0"),
    ("Europe/London", "GMT0BST,M3.5.0/1,M10.5.0"),
];

/// The clocks on the walls of all zones.
pub(crate) struct Clocks(Vec<TimeZone>);

/// What a wall clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Local {
    /// 0 to 23.
    pub(crate) hour: i8,
    /// 1 (Monday) to 7 (Sunday).
    pub(crate) weekday: i8,
}

impl Clocks {
    /// Reads the rules.
    pub(crate) fn new() -> Result<Self, Error> {
        let zones = ZONES.iter().map(|(_, rule)| TimeZone::posix(rule));
        Ok(Self(
            zones.collect::<Result<_, _>>().map_err(|_| Error::End)?,
        ))
    }

    /// The local time in the zone at this place of [`ZONES`].
    pub(crate) fn local(&self, time: Time, zone: usize) -> Local {
        let offset = match (time.timestamp(), self.0.get(zone)) {
            (Ok(timestamp), Some(zone)) => i64::from(zone.to_offset(timestamp).seconds()),
            _ => 0,
        };
        let seconds = time.0 + offset;
        // 1970-01-01 was a Thursday.
        Local {
            hour: (seconds.rem_euclid(DAY) / HOUR) as i8,
            weekday: ((seconds.div_euclid(DAY) + 3).rem_euclid(7) + 1) as i8,
        }
    }
}

impl Local {
    /// From 22:00 to 08:00: the hours in which a page wakes somebody.
    pub(crate) fn is_sleep(self) -> bool {
        self.hour >= 22 || self.hour < 8
    }

    /// From 09:00 to 18:00 on a working day.
    pub(crate) fn is_business(self) -> bool {
        self.weekday <= 5 && (9..18).contains(&self.hour)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_period_is_a_year_with_two_extractions() {
        let period = Period::ending(date(2026, 11, 22)).unwrap();
        assert_eq!(period.start.to_string(), "2025-11-23T00:00:00Z");
        assert_eq!(period.first.to_string(), "2026-10-23T06:00:00Z");
        assert_eq!(period.second.to_string(), "2026-11-23T06:00:00Z");
        assert_eq!(period.end() - period.start, 365 * DAY);
        assert_eq!(period.second.to_the_minute().unwrap(), "2026-11-23 06:00");
        assert!(Period::ending(date(9999, 12, 31)).is_err());
    }

    #[test]
    fn clocks_follow_daylight_saving() {
        let clocks = Clocks::new().unwrap();
        let noon = |month, day| Time::midnight(date(2026, month, day)).unwrap() + 12 * HOUR;
        assert_eq!(
            clocks.local(noon(1, 5), 0),
            Local {
                hour: 13,
                weekday: 1
            }
        );
        assert_eq!(
            clocks.local(noon(7, 5), 0),
            Local {
                hour: 14,
                weekday: 7
            }
        );
        assert_eq!(clocks.local(noon(7, 5), 2).hour, 17);
        assert!(clocks.local(noon(7, 6), 3).is_sleep());
        assert!(clocks.local(noon(7, 6), 4).is_business());
    }
}
