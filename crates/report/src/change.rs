//! Has anything really changed? The newest whole weeks against as many before them, for each indicator.

use charts::{Effect, Unit};
use definitions::{Better, Indicator, IndicatorKind};
use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};
use statistics::{
    Interval, Verdict, compare_counts, compare_durations, compare_shares, compare_weeks,
    dispersion, geometric_mean, verdict, visible,
};

/// What happened, for an indicator: the moment of each, and its value where it has one.
#[derive(Debug, Clone)]
pub struct Happenings<'a> {
    /// The indicator.
    pub indicator: &'a Indicator,
    /// Moments, `2026-03-01T10:05:00Z`, and values; 0 where there is none.
    pub rows: Vec<(String, f64)>,
}

/// A stretch of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its first day.
    begins: Date,
    /// The day after its last.
    ends: Date,
}

/// Two stretches of as many whole weeks, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Windows {
    /// How many weeks each has.
    pub(crate) weeks: u32,
    pub(crate) before: Stretch,
    pub(crate) now: Stretch,
}

/// What became of an indicator.
#[derive(Debug, Clone)]
pub(crate) struct Change<'a> {
    pub(crate) indicator: &'a Indicator,
    pub(crate) now: Summary,
    pub(crate) before: Summary,
    /// How it changed, and where that lies.
    pub(crate) size: Option<Effect>,
    pub(crate) range: Option<(Effect, Effect)>,
    pub(crate) p: Option<f64>,
    pub(crate) verdict: Verdict,
    /// What would have shown, in words; empty where that cannot be said.
    pub(crate) visible: String,
    /// Its value by stretches of the two windows, the oldest first.
    pub(crate) spark: Vec<f64>,
}

/// An indicator in one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    /// How many things happened.
    pub(crate) n: u64,
    /// The figure: a count, minutes, or a share in per cent; nothing where nothing happened.
    pub(crate) value: Option<f64>,
}

/// The numbers of weeks that are compared, the longest that fits twice into the data.
const WEEKS: [u32; 3] = [52, 13, 4];

/// The most columns of a spark.
const COLUMNS: usize = 26;

/// Above so much, events come in clusters.
const CLUSTERED: f64 = 1.5;

/// With fewer durations or shares on one side nothing could show.
const FEWEST: usize = 5;

impl Stretch {
    /// `2026` is a year, `2026-Q1` a quarter, `2026-03` a month, `2026-03-01/2026-03-15` from a day until before another.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((begins, ends)) = text.split_once('/') {
            let (begins, ends) = (begins.parse().ok()?, ends.parse().ok()?);
            return (begins < ends).then_some(Self { begins, ends });
        }
        let months = |year: &str, first: i8, count: i32| {
            let begins = Date::new(year.parse().ok()?, first, 1).ok()?;
            let ends = begins.checked_add(Span::new().months(count)).ok()?;
            Some(Self { begins, ends })
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

    /// How many days it has.
    fn days(self) -> f64 {
        f64::from(
            self.begins
                .until(self.ends)
                .map_or(0, |span| span.get_days()),
        )
    }

    /// What happened in it, by week from its first day; the last week may be a part of one.
    fn weeks(self, rows: &[(String, f64)]) -> Vec<Vec<f64>> {
        let mut weeks = vec![Vec::new(); (self.days() / 7.0).ceil() as usize];
        for (moment, value) in rows {
            let Some(day) = moment.get(..10).and_then(|day| day.parse::<Date>().ok()) else {
                continue;
            };
            if self.begins <= day && day < self.ends {
                let days = self.begins.until(day).map_or(0, |span| span.get_days());
                weeks[days.unsigned_abs() as usize / 7].push(*value);
            }
        }
        weeks
    }
}

impl Windows {
    /// The longest windows that fit between the first moment and the newest; nothing if not even two of four weeks do.
    pub(crate) fn between(first: &str, newest: &str) -> Option<Self> {
        let day = |moment: &str| moment.get(..10)?.parse::<Date>().ok();
        let (first, newest) = (day(first)?, day(newest)?);
        let since_monday = i64::from(newest.weekday().since(Weekday::Monday));
        let ends = newest.checked_sub(since_monday.days()).ok()?;
        let whole = first.until(ends).ok()?.get_days() / 7;
        let weeks = WEEKS.into_iter().find(|weeks| whole >= 2 * *weeks as i32)?;
        let middle = ends.checked_sub(i64::from(7 * weeks).days()).ok()?;
        let begins = middle.checked_sub(i64::from(7 * weeks).days()).ok()?;
        Some(Self {
            weeks,
            before: Stretch {
                begins,
                ends: middle,
            },
            now: Stretch {
                begins: middle,
                ends,
            },
        })
    }
}

impl Change<'_> {
    /// All of it in words.
    pub(crate) fn in_words(&self) -> ChangeInWords {
        ChangeInWords {
            title: self.indicator.title.clone(),
            before: self.show(self.before),
            now: self.show(self.now),
            change: self.size_in_words(),
            interval: self.range_in_words(),
            p: self.p_in_words(),
            verdict: self.words(),
        }
    }

    /// The unit of its figure.
    pub(crate) fn unit(&self) -> Unit {
        match self.indicator.kind {
            IndicatorKind::Count | IndicatorKind::Clusters => Unit::Count,
            IndicatorKind::Durations => Unit::Minutes,
            IndicatorKind::Share => Unit::Percent,
        }
    }

    /// The figure of a window in its unit.
    pub(crate) fn show(&self, summary: Summary) -> String {
        summary
            .value
            .map_or("–".to_owned(), |value| self.unit().show(value))
    }

    /// The verdict in words.
    pub(crate) fn words(&self) -> &'static str {
        let is_time = self.indicator.kind == IndicatorKind::Durations;
        match (self.verdict, is_time) {
            (Verdict::Fewer, true) => "shorter",
            (Verdict::PerhapsFewer, true) => "perhaps shorter",
            (Verdict::PerhapsMore, true) => "perhaps longer",
            (Verdict::More, true) => "longer",
            (Verdict::Fewer, _) => "less",
            (Verdict::PerhapsFewer, _) => "perhaps less",
            (Verdict::PerhapsMore, _) => "perhaps more",
            (Verdict::More, _) => "more",
            (Verdict::NoClearChange, _) => "no clear change",
            (Verdict::TooFew, _) => "too few to tell",
        }
    }

    /// Whether it changed to the worse; nothing if it did not change.
    pub(crate) fn is_worse(&self) -> Option<bool> {
        let is_more = matches!(self.verdict, Verdict::More | Verdict::PerhapsMore);
        self.verdict
            .is_change()
            .then_some(is_more == (self.indicator.better == Better::Less))
    }

    /// How it changed, in words: `×1.25`, `+4.2 points`.
    pub(crate) fn size_in_words(&self) -> String {
        self.size.map_or("–".to_owned(), effect_in_words)
    }

    /// How likely chance alone gives it, in words.
    pub(crate) fn p_in_words(&self) -> String {
        self.p.map_or("–".to_owned(), |p| format!("{p:.3}"))
    }

    /// Where that lies, in words.
    pub(crate) fn range_in_words(&self) -> String {
        self.range.map_or("–".to_owned(), |(low, high)| {
            format!("{} to {}", effect_in_words(low), effect_in_words(high))
        })
    }
}

fn effect_in_words(effect: Effect) -> String {
    match effect {
        Effect::Ratio(ratio) if ratio.is_infinite() => "any".to_owned(),
        Effect::Ratio(ratio) => format!("×{}", Unit::Number.show(ratio)),
        Effect::Points(points) => format!("{:+.1} points", 100.0 * points),
    }
}

/// What became of an indicator between two stretches.
pub(crate) fn change<'a>(happenings: &Happenings<'a>, before: Stretch, now: Stretch) -> Change<'a> {
    let indicator = happenings.indicator;
    let kind = indicator.kind;
    let (older, newer) = (before.weeks(&happenings.rows), now.weeks(&happenings.rows));
    let all: Vec<Vec<f64>> = older.iter().chain(&newer).cloned().collect();
    let size = all.len().div_ceil(COLUMNS).max(1);
    let spark = all
        .chunks(size)
        .map(|weeks| summary(kind, weeks).value.unwrap_or(0.0));
    let compared = compare(indicator, (&newer, now.days()), (&older, before.days()));
    Change {
        indicator,
        now: summary(kind, &newer),
        before: summary(kind, &older),
        size: compared.size,
        range: compared.range,
        p: compared.p,
        verdict: compared.verdict,
        visible: compared.visible,
        spark: spark.collect(),
    }
}

/// What became of an indicator, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeInWords {
    /// The indicator's title.
    pub title: String,
    /// Its figure in the earlier stretch.
    pub before: String,
    /// Its figure in the later one.
    pub now: String,
    /// How it changed: a ratio, or a difference in points.
    pub change: String,
    /// Where that lies with a confidence of 95 %.
    pub interval: String,
    /// How likely chance alone gives a difference at least as large.
    pub p: String,
    /// What that says.
    pub verdict: &'static str,
}

/// Compares indicators between two stretches.
pub fn compare_stretches(
    happenings: &[Happenings<'_>],
    before: Stretch,
    now: Stretch,
) -> Vec<ChangeInWords> {
    let one = |happenings| change(happenings, before, now).in_words();
    happenings.iter().map(one).collect()
}

/// A seed that is the same for an indicator each time.
fn seed(indicator: &Indicator) -> u64 {
    crate::anonymous::hash(&indicator.name)
}

fn summary(kind: IndicatorKind, weeks: &[Vec<f64>]) -> Summary {
    let values: Vec<f64> = weeks.iter().flatten().copied().collect();
    let n = values.len() as u64;
    let value = match kind {
        IndicatorKind::Count | IndicatorKind::Clusters => Some(n as f64),
        IndicatorKind::Durations => geometric_mean(&values),
        IndicatorKind::Share => (n > 0).then(|| 100.0 * values.iter().sum::<f64>() / n as f64),
    };
    Summary { n, value }
}

/// The weeks that are whole.
fn whole(weeks: &[u64], days: f64) -> &[u64] {
    &weeks[..weeks.len().min((days / 7.0) as usize)]
}

/// What a comparison came to.
struct Compared {
    size: Option<Effect>,
    range: Option<(Effect, Effect)>,
    p: Option<f64>,
    verdict: Verdict,
    visible: String,
}

fn compare(
    indicator: &Indicator,
    (now, now_days): (&[Vec<f64>], f64),
    (before, before_days): (&[Vec<f64>], f64),
) -> Compared {
    let counts = |weeks: &[Vec<f64>]| {
        weeks
            .iter()
            .map(|week| week.len() as u64)
            .collect::<Vec<_>>()
    };
    let values = |weeks: &[Vec<f64>]| weeks.iter().flatten().copied().collect::<Vec<_>>();
    let none = Compared {
        size: None,
        range: None,
        p: None,
        verdict: Verdict::TooFew,
        visible: String::new(),
    };
    let ratios = |interval: Interval| (Effect::Ratio(interval.low), Effect::Ratio(interval.high));
    match indicator.kind {
        IndicatorKind::Count | IndicatorKind::Clusters => {
            let (now, before) = (counts(now), counts(before));
            let (n, m) = (now.iter().sum::<u64>(), before.iter().sum::<u64>());
            let Some(change) = compare_counts(n, now_days, m, before_days) else {
                return none;
            };
            let all: Vec<u64> = now.iter().chain(&before).copied().collect();
            let is_clustered = indicator.kind == IndicatorKind::Clusters
                || dispersion(&all).is_some_and(|ratio| ratio > CLUSTERED);
            let (p, range, shows) = match is_clustered {
                true => (
                    compare_weeks(
                        whole(&now, now_days),
                        whole(&before, before_days),
                        seed(indicator),
                    ),
                    None,
                    None,
                ),
                false => (
                    Some(change.p),
                    Some(ratios(change.interval)),
                    Some(visible(m, now_days, before_days)),
                ),
            };
            let is_enough = shows.is_none_or(|shows| shows.at_most.is_some()) && n + m >= 10
                || p.is_some_and(|p| p < 0.05);
            Compared {
                size: change.ratio.map(Effect::Ratio),
                range,
                p,
                verdict: verdict(
                    p.unwrap_or(1.0),
                    change.ratio.is_none_or(|ratio| ratio > 1.0),
                    is_enough,
                ),
                visible: match shows.and_then(|shows| shows.at_most) {
                    Some(at_most) => format!("At most {at_most} would have shown."),
                    None => String::new(),
                },
            }
        }
        IndicatorKind::Durations => {
            let (now, before) = (values(now), values(before));
            let Some(change) = compare_durations(&now, &before, seed(indicator)) else {
                return none;
            };
            let is_enough = now.len() >= FEWEST && before.len() >= FEWEST;
            Compared {
                size: Some(Effect::Ratio(change.ratio)),
                range: change.interval.map(ratios),
                p: Some(change.p),
                verdict: verdict(change.p, change.ratio > 1.0, is_enough),
                visible: String::new(),
            }
        }
        IndicatorKind::Share => {
            let share = |values: &[f64]| {
                (
                    values.iter().sum::<f64>().round() as u64,
                    values.len() as u64,
                )
            };
            let (now, before) = (share(&values(now)), share(&values(before)));
            let Some(change) = compare_shares(now, before) else {
                return none;
            };
            let is_enough = now.1.min(before.1) as usize >= FEWEST;
            Compared {
                size: Some(Effect::Points(change.difference)),
                range: Some((
                    Effect::Points(change.interval.low),
                    Effect::Points(change.interval.high),
                )),
                p: Some(change.p),
                verdict: verdict(change.p, change.difference > 0.0, is_enough),
                visible: String::new(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indicator(kind: IndicatorKind) -> Indicator {
        Indicator {
            name: "pages".into(),
            title: "Pages".into(),
            meaning: String::new(),
            kind,
            better: Better::Less,
            place: Some(1),
            sql: String::new(),
            source: crate::page::tests::query("q", "table").source,
        }
    }

    fn became(kind: IndicatorKind, rows: &[(&str, f64, usize)]) -> (String, String, String) {
        let windows = Windows::between("2026-01-05", "2026-03-02T10:00:00Z").unwrap();
        let indicator = indicator(kind);
        let rows = rows
            .iter()
            .flat_map(|(day, value, times)| {
                std::iter::repeat_n(((*day).to_owned(), *value), *times)
            })
            .collect();
        let happenings = Happenings {
            indicator: &indicator,
            rows,
        };
        let change = change(&happenings, windows.before, windows.now);
        (
            change.show(change.before),
            change.show(change.now),
            change.words().to_owned(),
        )
    }

    #[test]
    fn whole_weeks_as_many_as_fit_twice() {
        let weeks = |first: &str, newest: &str| {
            Windows::between(first, newest).map(|windows| windows.weeks)
        };
        assert_eq!(weeks("2024-01-01", "2026-03-02"), Some(52));
        assert_eq!(weeks("2025-03-02", "2026-03-02"), Some(13));
        // From a Monday to a Monday eight weeks later, and a day less.
        assert_eq!(weeks("2026-01-05", "2026-03-02"), Some(4));
        assert_eq!(weeks("2026-01-06", "2026-03-02"), None);
        assert_eq!(weeks("", "2026-03-02"), None);
        let windows = Windows::between("2026-01-05", "2026-03-02").unwrap();
        let rows = [
            "2026-01-04",
            "2026-01-05T00:00:00Z",
            "2026-03-01T23:59:59Z",
            "2026-03-02",
        ];
        let rows = rows.map(|moment| (moment.to_owned(), 1.0));
        let counts = |stretch: Stretch| {
            stretch
                .weeks(&rows)
                .iter()
                .map(Vec::len)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (counts(windows.before), counts(windows.now)),
            (vec![1, 0, 0, 0], vec![0, 0, 0, 1])
        );
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
    fn counts_durations_and_shares() {
        let text = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        // 30 against 5: 2 · P(X <= 5 of 35) is far below 1 %.
        let days = ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26"];
        let mut rows: Vec<(&str, f64, usize)> = days.map(|day| (day, 0.0, 2)).to_vec();
        rows.push(("2026-02-02", 0.0, 1));
        assert_eq!(
            became(IndicatorKind::Count, &rows),
            text("8", "1", "perhaps less")
        );
        assert_eq!(
            became(IndicatorKind::Count, &rows[..1]),
            text("2", "0", "too few to tell")
        );
        assert_eq!(
            became(IndicatorKind::Count, &[]),
            text("0", "0", "too few to tell")
        );
        let rows = [("2026-01-05", 10.0, 6), ("2026-02-02", 40.0, 6)];
        assert_eq!(became(IndicatorKind::Durations, &rows).2, "longer");
        let rows = [
            ("2026-01-05", 1.0, 9),
            ("2026-01-05", 0.0, 1),
            ("2026-02-02", 0.0, 9),
        ];
        let (before, now, words) = became(IndicatorKind::Share, &rows);
        assert_eq!(
            (
                before.replace('\u{a0}', " ").as_str(),
                now.as_str(),
                words.as_str()
            ),
            ("90 %", "0\u{a0}%", "less")
        );
    }
}
