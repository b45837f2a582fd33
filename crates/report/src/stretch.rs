//! Stretches of time that are compared: what can be typed, the one before, and what happened in it.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan, Unit};
use store::Period;

/// A stretch of time, from its beginning until before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    begins: Timestamp,
    ends: Timestamp,
}

/// Two stretches that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compared {
    pub(crate) before: Stretch,
    pub(crate) now: Stretch,
    /// How long each is, in words: `twelve months`, `13 weeks`.
    pub(crate) length: String,
}

/// The numbers of weeks that are compared, the longest that fits twice into the data.
const WEEKS: [u32; 3] = [52, 13, 4];

/// The seconds of a week.
const WEEK: i64 = 7 * 86_400;

/// What begins later than after so much of a stretch does not reach back to it, in per cent: where little happens, the
/// first that did is not the beginning of what is known.
const LATE: i64 = 10;

impl Stretch {
    /// `2026` is a year, `2026-Q1` a quarter, `2026-03` a month, `2026-03-01/2026-03-15` from a day until before another,
    /// all in UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let days = |begins: Date, ends: Date| Self::new(midnight(begins)?, midnight(ends)?);
        if let Some((begins, ends)) = text.split_once('/') {
            return days(begins.parse().ok()?, ends.parse().ok()?);
        }
        let months = |year: &str, first: i8, count: i32| {
            let begins = Date::new(year.parse().ok()?, first, 1).ok()?;
            days(begins, begins.checked_add(Span::new().months(count)).ok()?)
        };
        match (text.split_once("-Q"), text.split_once('-')) {
            (Some((year, quarter)), _) => {
                let quarter: i8 = quarter.parse().ok()?;
                months(year, quarter.checked_mul(3)?.checked_sub(2)?, 3)
            }
            (None, Some((year, month))) => months(year, month.parse().ok()?, 1),
            (None, None) => months(text, 1, 12),
        }
    }

    /// A period with both ends.
    pub fn of(period: &Period) -> Option<Self> {
        Self::new(moment(period.from.as_ref()?)?, moment(period.to.as_ref()?)?)
    }

    /// The twelve months before a moment, from the beginning of their first day.
    pub fn last_year(ends: &str) -> Option<Self> {
        let ends = moment(ends)?;
        Self::new(back(midnight(clock(ends).date())?, 12)?, ends)
    }

    /// The same with the moment at its end.
    fn with_its_end(self) -> Self {
        let second = SignedDuration::from_secs(1);
        let ends = self.ends.checked_add(second).unwrap_or(self.ends);
        Self { ends, ..self }
    }

    /// The stretch before it, as long: as many months, where it has whole ones but for what is over of its last day.
    pub fn before(self) -> Option<Self> {
        let begins = match self.months() {
            Some(months) => back(self.begins, months)?,
            None => self.begins.checked_sub(self.duration()).ok()?,
        };
        Self::new(begins, self.begins)
    }

    /// It as a period.
    pub fn period(self) -> Period {
        let text = |moment: Timestamp| Some(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        Period {
            from: text(self.begins),
            to: text(self.ends),
        }
    }

    /// How many days it has.
    pub(crate) fn days(self) -> f64 {
        self.duration().as_secs_f64() / 86_400.0
    }

    /// Whether what is known since a moment reaches back to its beginning, nearly.
    pub(crate) fn is_known_since(self, first: &str) -> bool {
        let latest = self.begins.checked_add(self.tenth());
        moment(first).is_some_and(|first| latest.is_ok_and(|latest| first <= latest))
    }

    /// Whether something of it is known since a moment, and not only its end.
    pub fn is_known_in_part(self, first: &str) -> bool {
        let latest = self.ends.checked_sub(self.tenth());
        moment(first).is_some_and(|first| latest.is_ok_and(|latest| first < latest))
    }

    /// Whether what is known until a moment reaches to its end, nearly.
    pub(crate) fn is_known_until(self, last: &str) -> bool {
        let earliest = self.ends.checked_sub(self.tenth());
        moment(last).is_some_and(|last| earliest.is_ok_and(|earliest| last >= earliest))
    }

    /// What of it is over at a moment; nothing if it has not begun.
    pub fn until(self, moment: Timestamp) -> Option<Self> {
        Self::new(self.begins, self.ends.min(moment))
    }

    /// What happened in it, by week from its beginning; the last may be a part of one.
    pub(crate) fn weeks(self, rows: &[(Timestamp, f64)]) -> Vec<Vec<f64>> {
        let weeks = self.duration().as_secs().max(0) as u64;
        self.parts(rows, weeks.div_ceil(WEEK as u64) as usize, WEEK as f64)
    }

    /// What happened in it, by parts of one length.
    pub(crate) fn split(self, rows: &[(Timestamp, f64)], parts: usize) -> Vec<Vec<f64>> {
        self.parts(rows, parts, self.duration().as_secs_f64() / parts as f64)
    }

    fn parts(self, rows: &[(Timestamp, f64)], count: usize, seconds: f64) -> Vec<Vec<f64>> {
        let mut parts = vec![Vec::new(); count];
        for (moment, value) in rows {
            if self.begins <= *moment && *moment < self.ends {
                let since = moment.duration_since(self.begins).as_secs_f64();
                if let Some(part) = parts.get_mut((since / seconds) as usize) {
                    part.push(*value);
                }
            }
        }
        parts
    }

    fn new(begins: Timestamp, ends: Timestamp) -> Option<Self> {
        (begins < ends).then_some(Self { begins, ends })
    }

    fn tenth(self) -> SignedDuration {
        SignedDuration::from_secs(self.duration().as_secs() * LATE / 100)
    }

    fn duration(self) -> SignedDuration {
        self.ends.duration_since(self.begins)
    }

    /// How many months it has, where they are whole.
    fn months(self) -> Option<i32> {
        let (begins, ends) = (clock(self.begins), clock(self.ends).date().at(0, 0, 0, 0));
        let span = begins.until((Unit::Month, ends)).ok()?;
        let months = span.get_months();
        (months > 0 && span.fieldwise() == months.months().fieldwise()).then_some(months)
    }

    /// How long it is: `twelve months`, `90 days`.
    pub(crate) fn words(self) -> String {
        match self.months() {
            Some(1) => "month".to_owned(),
            Some(12) => "twelve months".to_owned(),
            Some(months) => format!("{months} months"),
            None => format!("{:.0} days", self.days().max(1.0)),
        }
    }
}

impl Compared {
    /// A stretch against the one before it. The newest moment that is known happened too.
    pub(crate) fn of(now: Stretch) -> Option<Self> {
        Some(Self {
            before: now.before()?,
            now: now.with_its_end(),
            length: now.words(),
        })
    }

    /// The same, if what is known since a moment reaches back to it.
    pub(crate) fn with_before(now: Stretch, first: &str) -> Option<Self> {
        Self::of(now).filter(|windows| windows.before.is_known_since(first))
    }

    /// The longest windows of whole weeks that fit between the first moment and the newest; nothing if not even two of
    /// four weeks do.
    pub(crate) fn of_weeks(first: &str, newest: &str) -> Option<Self> {
        let day = |text: &str| Some(clock(moment(text)?).date());
        let (first, newest) = (day(first)?, day(newest)?);
        let since_monday = i64::from(newest.weekday().since(Weekday::Monday));
        let ends = newest.checked_sub(since_monday.days()).ok()?;
        let whole = first.until(ends).ok()?.get_days() / 7;
        let weeks = WEEKS.into_iter().find(|weeks| whole >= 2 * *weeks as i32)?;
        let middle = ends.checked_sub(i64::from(7 * weeks).days()).ok()?;
        let begins = middle.checked_sub(i64::from(7 * weeks).days()).ok()?;
        let stretch = |begins, ends| Stretch::new(midnight(begins)?, midnight(ends)?);
        Some(Self {
            before: stretch(begins, middle)?,
            now: stretch(middle, ends)?,
            length: format!("{weeks} weeks"),
        })
    }
}

/// A moment as the tables write it; a day is its first.
pub fn moment(text: &str) -> Option<Timestamp> {
    match text.len() {
        10 => midnight(text.parse().ok()?),
        _ => text.parse().ok(),
    }
}

fn midnight(day: Date) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

fn clock(moment: Timestamp) -> DateTime {
    TimeZone::UTC.to_datetime(moment)
}

fn back(moment: Timestamp, months: i32) -> Option<Timestamp> {
    let earlier = clock(moment).checked_sub(months.months()).ok()?;
    TimeZone::UTC.to_timestamp(earlier).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(stretch: Option<Stretch>) -> Option<String> {
        let period = stretch?.period();
        Some(format!("{} {}", period.from?, period.to?))
    }

    #[test]
    fn stretches_in_words() {
        let days = |text: &str| Stretch::parse(text).map(Stretch::days);
        assert_eq!(
            (days("2026"), days("2026-Q1"), days("2026-02")),
            (Some(365.0), Some(90.0), Some(28.0))
        );
        assert_eq!(days("2026-03-01/2026-03-15"), Some(14.0));
        for odd in [
            "",
            "2026-Q5",
            "2026-13",
            "2026-03-15/2026-03-01",
            "last year",
            "2026-03-01",
        ] {
            assert_eq!(days(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_one_before_is_as_long() {
        let before = |period: &str| text(Stretch::parse(period).and_then(Stretch::before));
        let cases = [
            ("2026-Q1", "2025-10-01T00:00:00Z 2026-01-01T00:00:00Z"),
            ("2024-03", "2024-02-01T00:00:00Z 2024-03-01T00:00:00Z"),
            (
                "2026-01-01/2026-01-15",
                "2025-12-18T00:00:00Z 2026-01-01T00:00:00Z",
            ),
        ];
        for (period, expected) in cases {
            assert_eq!(before(period).as_deref(), Some(expected), "{period}");
        }
        let year = Stretch::last_year("2026-11-22T10:00:00Z");
        assert_eq!(
            text(year).as_deref(),
            Some("2025-11-22T00:00:00Z 2026-11-22T10:00:00Z")
        );
        assert_eq!(year.map(Stretch::words).as_deref(), Some("twelve months"));
        let leap = Stretch::last_year("2024-02-29T00:00:00Z").and_then(Stretch::before);
        assert!(leap.is_some(), "no month has a day that is not there");
    }

    #[test]
    fn what_is_known_too_late_is_not_compared() {
        let now = Stretch::parse("2026").unwrap();
        let length = |first: &str| Compared::with_before(now, first).map(|windows| windows.length);
        assert_eq!(
            length("2025-02-01T00:00:00Z").as_deref(),
            Some("twelve months")
        );
        assert_eq!(length("2025-03-01T00:00:00Z"), None);
        assert_eq!(length("soon"), None);
        let part = |first: &str| now.is_known_in_part(first);
        assert_eq!((part("2026-11-01"), part("2026-12-24")), (true, false));
    }

    #[test]
    fn whole_weeks_as_many_as_fit_twice() {
        let length = |first: &str, newest: &str| {
            Compared::of_weeks(first, newest).map(|windows| windows.length)
        };
        let weeks = |first: &str, newest: &str| length(first, newest).unwrap_or_default();
        assert_eq!(weeks("2024-01-01", "2026-03-02"), "52 weeks");
        assert_eq!(weeks("2025-03-02", "2026-03-02"), "13 weeks");
        // From a Monday to a Monday eight weeks later, and a day less.
        assert_eq!(weeks("2026-01-05", "2026-03-02"), "4 weeks");
        assert_eq!(length("2026-01-06", "2026-03-02"), None);
        assert_eq!(length("", "2026-03-02"), None);
        let windows = Compared::of_weeks("2026-01-05", "2026-03-02").unwrap();
        let rows = [
            "2026-01-04",
            "2026-01-05T00:00:00Z",
            "2026-03-01T23:59:59Z",
            "2026-03-02",
        ];
        let rows = rows.map(|text| (moment(text).unwrap(), 1.0));
        let counts = |parts: Vec<Vec<f64>>| parts.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(counts(windows.before.weeks(&rows)), [1, 0, 0, 0]);
        assert_eq!(counts(windows.now.weeks(&rows)), [0, 0, 0, 1]);
        assert_eq!(counts(windows.now.split(&rows, 2)), [0, 1]);
    }
}
