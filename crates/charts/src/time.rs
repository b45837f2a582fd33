//! Time along x: weeks, months and quarters as the answers write them, their places, and the labels of an axis.

use jiff::civil::Date;

/// A value along x that is a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Its first day, counted from 1970.
    pub begins: f64,
    /// How many days it has.
    pub days: f64,
}

impl Moment {
    /// `2026-03-02` is a week, `2026-03` a month, `2026-Q1` a quarter; a moment counts as its day.
    pub fn parse(text: &str) -> Option<Self> {
        let of = |date: Date, days: f64| Self {
            begins: day(date),
            days,
        };
        if let Some((year, quarter)) = text.split_once("-Q") {
            let (year, quarter): (i16, i8) = (year.parse().ok()?, quarter.parse().ok()?);
            let first = Date::new(year, quarter.checked_mul(3)?.checked_sub(2)?, 1).ok()?;
            let next = first.checked_add(jiff::Span::new().months(3)).ok()?;
            return Some(of(first, day(next) - day(first)));
        }
        if text.len() == 7 {
            let first: Date = format!("{text}-01").parse().ok()?;
            return Some(of(first, f64::from(first.days_in_month())));
        }
        let date: Date = text.get(..10)?.parse().ok()?;
        Some(of(date, 7.0))
    }

    /// Whether all of it lies between two moments, such as `2026-03-01T10:05:00Z`; one that is not known hides nothing.
    pub fn is_within(&self, from: Option<&str>, to: Option<&str>) -> bool {
        let begins = from.and_then(day_of).is_none_or(|from| from <= self.begins);
        let ends = to.and_then(day_of);
        begins && ends.is_none_or(|to| to >= self.begins + self.days)
    }

    /// What it is called.
    pub fn noun(&self) -> &'static str {
        match self.days {
            days if days > 31.0 => "quarter",
            days if days > 7.0 => "month",
            _ => "week",
        }
    }
}

/// The places of moments along x: each its beginning and its width, from 0 to 1, the last ending at 1.
pub fn positions(moments: &[Moment]) -> Vec<(f64, f64)> {
    let begin = moments
        .iter()
        .map(|moment| moment.begins)
        .fold(f64::INFINITY, f64::min);
    let end = moments
        .iter()
        .map(|moment| moment.begins + moment.days)
        .fold(f64::NEG_INFINITY, f64::max);
    let whole = (end - begin).max(1.0);
    let place = |moment: &Moment| ((moment.begins - begin) / whole, moment.days / whole);
    moments.iter().map(place).collect()
}

/// The labels of an axis of time: each its place, from 0 to 1, and its words; quarters by their names, else months, at least
/// so far apart.
pub(crate) fn labels(moments: &[Moment], apart: f64) -> Vec<(f64, String)> {
    if moments.iter().all(|moment| moment.days > 31.0) {
        return quarters(moments);
    }
    let begin = moments
        .iter()
        .map(|moment| moment.begins)
        .fold(f64::INFINITY, f64::min);
    let ends = moments.iter().map(|moment| moment.begins + moment.days);
    labels_between(begin, ends.fold(f64::NEG_INFINITY, f64::max), apart)
}

/// Labels for the months between two days, counted from 1970; of many months every second, sixth or twelfth.
pub(crate) fn labels_between(begin: f64, end: f64, apart: f64) -> Vec<(f64, String)> {
    let whole = (end - begin).max(1.0);
    let every = match whole / 30.4 {
        months if months <= 7.0 => 1,
        months if months <= 14.0 && apart < 0.1 => 1,
        months if months <= 14.0 => 2,
        months if months <= 40.0 => 6,
        _ => 12,
    };
    let mut labels = Vec::new();
    let Some(first) = date(begin) else {
        return labels;
    };
    let Ok(mut month) = Date::new(first.year(), first.month(), 1) else {
        return labels;
    };
    // A century of months is more than any axis has room for.
    for count in 0..1_200 {
        if day(month) >= end {
            break;
        }
        let middle = day(month) + f64::from(month.days_in_month()) / 2.0;
        let place = (middle - begin) / whole;
        let is_shown = count == 0 || (i32::from(month.month()) - 1) % every == 0;
        let is_far = labels.last().is_none_or(|(last, _)| place - last > apart);
        if is_shown && is_far && (0.0..=1.0).contains(&place) {
            let name = MONTHS[(month.month() - 1).unsigned_abs() as usize];
            let words = match labels.is_empty() || month.month() == 1 {
                true => format!("{name} ’{:02}", month.year() % 100),
                false => name.to_owned(),
            };
            labels.push((place, words));
        }
        let Ok(next) = month.checked_add(jiff::Span::new().months(1)) else {
            break;
        };
        month = next;
    }
    labels
}

/// The day of a moment or a date, counted from 1970, with the part of it that is over.
pub(crate) fn day_of(moment: &str) -> Option<f64> {
    let date: Date = moment.get(..10)?.parse().ok()?;
    let hour = moment.get(11..13).and_then(|hour| hour.parse::<f64>().ok());
    Some(day(date) + hour.unwrap_or(0.0) / 24.0)
}

/// A label for each quarter, the year on the first of them and on those that begin one.
fn quarters(moments: &[Moment]) -> Vec<(f64, String)> {
    let places = positions(moments);
    let label = |(place, (begin, width)): (usize, (f64, f64))| {
        let first = date(moments[place].begins)?;
        let quarter = (first.month() + 2) / 3;
        let words = match place == 0 || quarter == 1 {
            true => format!("Q{quarter} ’{:02}", first.year() % 100),
            false => format!("Q{quarter}"),
        };
        Some((begin + width / 2.0, words))
    };
    places.into_iter().enumerate().filter_map(label).collect()
}

pub(crate) const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The days since 1970.
fn day(date: Date) -> f64 {
    let epoch = Date::constant(1970, 1, 1);
    f64::from(epoch.until(date).map_or(0, |span| span.get_days()))
}

fn date(day: f64) -> Option<Date> {
    let epoch = Date::constant(1970, 1, 1);
    epoch
        .checked_add(jiff::Span::new().try_days(day as i64).ok()?)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_as_answers_write_them() {
        let begins = |text: &str| {
            Moment::parse(text)
                .map(|moment| (date(moment.begins).unwrap().to_string(), moment.days))
        };
        assert_eq!(begins("2026-Q2"), Some(("2026-04-01".into(), 91.0)));
        assert_eq!(begins("2026-02"), Some(("2026-02-01".into(), 28.0)));
        assert_eq!(begins("2026-02-02"), Some(("2026-02-02".into(), 7.0)));
        assert_eq!(
            begins("2026-02-02T10:00:00Z"),
            Some(("2026-02-02".into(), 7.0))
        );
        for odd in ["", "(all)", "2026-Q9", "2026-13", "every week", "ä-Q1"] {
            assert_eq!(begins(odd), None, "{odd}");
        }
    }

    #[test]
    fn places_and_labels() {
        let weeks =
            ["2026-01-05", "2026-01-12", "2026-01-26"].map(|week| Moment::parse(week).unwrap());
        assert_eq!(positions(&weeks), [(0.0, 0.25), (0.25, 0.25), (0.75, 0.25)]);
        let months: Vec<Moment> = (1..=12)
            .map(|month| Moment::parse(&format!("2026-{month:02}")).unwrap())
            .collect();
        let words: Vec<String> = labels(&months, 0.14)
            .into_iter()
            .map(|(_, words)| words)
            .collect();
        assert_eq!(words, ["Jan ’26", "Mar", "May", "Jul", "Sep", "Nov"]);
        assert_eq!(positions(&[]), []);
        assert_eq!(labels(&[], 0.1), []);
        let quarters =
            ["2025-Q4", "2026-Q1", "2026-Q2"].map(|quarter| Moment::parse(quarter).unwrap());
        let words: Vec<String> = labels(&quarters, 0.1)
            .into_iter()
            .map(|(_, words)| words)
            .collect();
        assert_eq!(words, ["Q4 ’25", "Q1 ’26", "Q2"]);
    }
}
